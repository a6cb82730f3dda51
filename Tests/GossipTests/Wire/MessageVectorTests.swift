import Foundation
import Gossip
import Primitives
import Testing

/// protocol/vectors/messages.json and protocol/messages.csv say what the code says.
@Suite struct MessageVectorTests {
    private static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// One example of each kind, as a stranger would build it.
    private var examples: [(name: String, traffic: String, bytes: [UInt8])] {
        let address = PeerAddress(key: Cast.bob, host: "192.0.2.7", port: 7_000)
        let hello = Cast.hello(
            height: 7, address: PeerAddress(key: Cast.alice, host: "2001:db8::1", port: 7_000),
            claims: [Cast.claim(Cast.keys[3], for: Cast.alice)])
        let account = AccountClaim.account(of: Cast.bob)
        let messages: [PeerMessage] = [
            hello, .status(height: 7), .peers([address]), .consensus([1, 2, 3]), .block([4, 5]),
            .wantBlock(BlockID(Cast.digest("block"))), .noBlock(BlockID(Cast.digest("block"))),
            .transaction([6]), .haveTransactions([0x0102_0304_0506_0708]),
            .wantTransactions([0x0102_0304_0506_0708]), .direct(to: account, [7]),
            .wantRange(from: 8, count: 64),
            .range(from: 8, [SyncedBlock(block: [9], certificate: [10])]),
        ]
        let blob = BlobID(Cast.digest("blob"))
        let blobs: [(String, BlobMessage)] = [
            ("describe", .describe(blob, from: 0)),
            ("description", .description(blob, bytes: 5, from: 0, [Cast.digest("group")])),
            ("want", .want(blob, group: 0)), ("group", .group(blob, group: 0, [1, 2, 3, 4, 5])),
            ("absent", .absent(blob)),
        ]
        let datagrams: [(String, PeerDatagram)] = [
            ("offer", .offer(Cast.advert)), ("noOffer", .noOffer),
        ]
        return messages.map { ($0.name, "\($0.traffic)", $0.canonicalBytes) }
            + blobs.map { ($0.0, "blobs", $0.1.canonicalBytes) }
            + datagrams.map { ($0.0, "datagram", $0.1.canonicalBytes) }
    }

    /// The hash over 4,096 seeded messages of one kind of connection.
    private func conformance(
        _ name: String, _ make: (inout MessageFiller) -> [UInt8]
    ) -> (String, JSON) {
        var filler = MessageFiller(seed: Cast.digest(name))
        var hash = Blake2b(.vector, .none)
        for _ in 0..<4_096 {
            let bytes = make(&filler)
            hash.update(u32: UInt32(bytes.count))
            hash.update(bytes)
        }
        return (name, .string(hash.finish().hex))
    }

    @Test func vectors() throws {
        let rows = self.examples.map { example in
            JSON.object(
                ("name", .string(example.name)), ("class", .string(example.traffic)),
                ("bytes", .string(Hex.encode(example.bytes))))
        }
        let claim = Cast.claim(Cast.keys[3], for: Cast.alice)
        let content = JSON.object(
            ("salt", .string(Hex.encode(Cast.salt.bytes))),
            ("genesis", Cast.genesis.json), ("version", .number(Int64(PeerMessage.version))),
            (
                "claim",
                .object(
                    ("node", Cast.alice.json), ("account", claim.account.json),
                    ("key", claim.key.json),
                    (
                        "digest",
                        AccountClaim.digest(
                            node: Cast.alice, account: claim.account, Cast.salt
                        ).json
                    ),
                    ("signature", claim.signature.json))
            ),
            ("rows", .array(rows)),
            (
                "conformance",
                .object(
                    self.conformance("PeerMessage") { $0.peerMessage().canonicalBytes },
                    self.conformance("BlobMessage") { $0.blobMessage().canonicalBytes },
                    self.conformance("PeerDatagram") { $0.datagram().canonicalBytes })
            ))
        let url = Self.root.appendingPathComponent("protocol/vectors/messages.json")
        let text = content.prettyText + "\n"
        if ProcessInfo.processInfo.environment["STARLING_WRITE_VECTORS"] == "1" {
            try Data(text.utf8).write(to: url)
        }
        let stored = try String(contentsOf: url, encoding: .utf8)
        let lines = zip(stored.split(separator: "\n"), text.split(separator: "\n"))
        let first = lines.first { $0 != $1 }
        #expect(stored == text, "first difference: \(String(describing: first))")
    }

    @Test func everyMessageIsListed() throws {
        let table = try String(
            contentsOf: Self.root.appendingPathComponent("protocol/messages.csv"), encoding: .utf8)
        let listed = table.split(separator: "\n").dropFirst().map { line in
            line.split(separator: ",").prefix(3).joined(separator: ",")
        }
        let declared = self.examples.map { example in
            let tag = example.bytes.first.map(String.init) ?? ""
            return "\(tag),\(example.name),\(example.traffic)"
        }
        #expect(listed == declared)
    }
}
