import Foundation
import Gossip
import Primitives
import Testing

/// protocol/vectors/session.json: the bytes of a handshake, of frames and of datagrams.
///
/// `testnet/noise-peer --vectors` derives them from the seeds with other libraries.
@Suite struct SessionVectorTests {
    private static let url = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("protocol/vectors/session.json")

    private let seeds = (initiator: SessionKeys.key(1), responder: SessionKeys.key(2))

    private func hex(_ bytes: [UInt8]) -> JSON { .string(Hex.encode(bytes)) }

    private func seed(_ key: SecretKey) -> JSON { key.withSeed { self.hex(Array($0)) } }

    @Test func session() throws {
        let content = JSON.object(
            ("genesis", SessionKeys.genesis.json),
            ("initiatorSeed", self.seed(self.seeds.initiator)),
            ("initiatorKey", self.seeds.initiator.publicKey.json),
            ("initiatorPoint", self.hex(self.seeds.initiator.agreementPoint)),
            ("responderSeed", self.seed(self.seeds.responder)),
            ("responderKey", self.seeds.responder.publicKey.json),
            ("responderPoint", self.hex(self.seeds.responder.agreementPoint)),
            ("connection", try self.connection()), ("rekey", self.rekey()),
            ("datagrams", try self.datagrams()),
            ("refusedKeys", .array(SessionKeys.smallEdwards.map { .string($0) })),
            ("refusedPoints", .array(SessionKeys.smallPoints.map { .string($0) })))
        let text = content.prettyText + "\n"
        if ProcessInfo.processInfo.environment["STARLING_WRITE_VECTORS"] == "1" {
            try Data(text.utf8).write(to: Self.url)
        }
        let stored = try String(contentsOf: Self.url, encoding: .utf8)
        #expect(stored == text, "protocol/vectors/session.json differs")
    }

    /// A handshake and the first frames of a connection; the initiator is made by hand.
    private func connection() throws -> JSON {
        var pair = SessionPair()
        pair.feed(SessionPair.acceptor, .connected)
        var peer = RawPeer(
            self.seeds.initiator, dials: self.seeds.responder.publicKey, ephemeral: 9)
        var hash: [UInt8] = []
        let first = try peer.first {
            hash = $1
            return RawPeer.payload($0, $1)
        }
        pair.feed(SessionPair.acceptor, .received([0, 224] + first))
        let second = Array(pair.wires[SessionPair.dialler].dropFirst(2))
        let payload = try peer.second(second)
        var frames: [JSON] = []
        func note(_ from: String, _ inner: [UInt8], _ wire: [UInt8]) {
            frames.append(
                .object(
                    ("from", .string(from)), ("inner", self.hex(inner)),
                    ("wire", self.hex(wire))))
        }
        let ping: [UInt8] = [0, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8]
        let vote: [UInt8] = [1, 1] + Array("a vote".utf8)
        for inner in [ping, vote] {
            pair.wires[SessionPair.dialler] = []
            let wire = peer.frame(inner)
            note("initiator", inner, wire)
            pair.feed(SessionPair.acceptor, .received(wire))
            let answer = pair.wires[SessionPair.dialler]
            for inner in peer.open(answer) { note("responder", inner, answer) }
        }
        pair.wires[SessionPair.dialler] = []
        pair.feed(SessionPair.acceptor, .send(.blocks, Array("a block".utf8)))
        let block = pair.wires[SessionPair.dialler]
        note("responder", try #require(peer.open(block).first), block)
        var random = Generator(seed: SessionKeys.digest("ephemeral 1"))
        return .object(
            ("initiatorEphemeral", self.hex([UInt8](repeating: 9, count: 32))),
            ("responderEphemeral", self.hex(random.bytes(32))), ("use", .number(0)),
            ("stamp", .string("0")), ("firstHash", self.hex(hash)),
            ("first", self.hex(first)), ("second", self.hex(second)),
            ("secondPayload", self.hex(payload)), ("frames", .array(frames)))
    }

    /// What a key becomes after 2^20 frames.
    private func rekey() -> JSON {
        let key = [UInt8](repeating: 0x42, count: 32)
        let last = SealedStream.rekeyFrames - 1
        var stream = SealedStream(key: SecretBytes(key), counter: last)
        let before = stream.seal([1, 2, 3]) ?? []
        let after = stream.seal([1, 2, 3]) ?? []
        return .object(
            ("key", self.hex(key)), ("plain", self.hex([1, 2, 3])),
            ("counter", .string(String(last))), ("before", self.hex(before)),
            ("after", self.hex(after)))
    }

    /// A handshake under load, and data both ways.
    private func datagrams() throws -> JSON {
        var world = DatagramWorld(keys: [self.seeds.initiator, self.seeds.responder])
        world.flood(1, 21)
        world.send(Array("an offer".utf8), from: 0, to: 1)
        let sent = { (from: Int) in world.trace.last { $0.from == from }?.bytes ?? [] }
        let bare = sent(0)
        world.step()
        let cookie = sent(1)
        world.step()
        let first = sent(0)
        world.step()
        let second = sent(1)
        world.step()
        let forth = sent(0)
        world.step()
        let back = sent(1)
        #expect(world.delivered[1].map(\.bytes) == [Array("an offer".utf8)])
        var randoms = [0, 1].map { Generator(seed: world.seeds[$0]) }
        let ephemerals = [0, 1].map { side in
            // The cookies' secret comes first; then the responder answered twenty strangers (an
            // ephemeral key and a name each) and made two cookies.
            _ = randoms[side].bytes(32 + (side == 1 ? 20 * (32 + 8) + 2 * 24 : 0))
            return randoms[side].bytes(32)
        }
        let endpoint = world.endpoints[0]
        return .object(
            ("initiatorEphemeral", self.hex(ephemerals[0])),
            ("responderEphemeral", self.hex(ephemerals[1])),
            ("initiatorStamp", .string(String(world.epochMs + world.now.ns / 1_000_000))),
            ("address", self.hex(endpoint.address)), ("port", .number(Int64(endpoint.port))),
            ("firstWithoutCookie", self.hex(bare)), ("cookie", self.hex(cookie)),
            ("first", self.hex(first)), ("second", self.hex(second)),
            ("payload", self.hex(Array("an offer".utf8))), ("data", self.hex(forth)),
            ("answer", self.hex(back)))
    }
}
