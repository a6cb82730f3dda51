import Gossip
import Primitives
import Testing

/// What is said on the wire survives the way there and back; what breaks a bound is refused.
@Suite struct MessageTests {
    @Test func messagesReturn() throws {
        var filler = MessageFiller(seed: Cast.digest("messages"))
        for index in 0..<2_000 {
            let message = filler.peerMessage()
            let bytes = message.canonicalBytes
            #expect(bytes.count <= PeerMessage.bytesMax)
            #expect(try PeerMessage(canonical: bytes) == message, "\(index)")
            let blob = filler.blobMessage()
            #expect(try BlobMessage(canonical: blob.canonicalBytes) == blob, "\(index)")
            let datagram = filler.datagram()
            #expect(try PeerDatagram(canonical: datagram.canonicalBytes) == datagram, "\(index)")
        }
    }

    /// Whatever arrives is read back to the same bytes, or refused: no trap, no second encoding.
    @Test func anyBytesAreReadOrRefused() {
        var filler = MessageFiller(seed: Cast.digest("noise"))
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = filler.peerMessage().canonicalBytes
            for _ in 0...filler.random.below(3) {
                switch filler.random.below(3) {
                case 0: bytes = Array(bytes.prefix(Int(filler.random.below(64))))
                case 1: bytes += filler.random.bytes(3)
                default:
                    guard !bytes.isEmpty else { continue }
                    let place = Int(filler.random.below(UInt64(min(bytes.count, 80))))
                    bytes[place] = UInt8(truncatingIfNeeded: filler.random.u64())
                }
            }
            if let message = Self.decoded(PeerMessage.self, bytes) {
                accepted += 1
                #expect(message.canonicalBytes == bytes)
            }
            _ = Self.decoded(BlobMessage.self, bytes)
            _ = Self.decoded(PeerDatagram.self, bytes)
        }
        #expect(accepted > 0)
    }

    private static func decoded<T: Canonical>(_ type: T.Type, _ bytes: [UInt8]) -> T? {
        do { return try T(canonical: bytes) } catch { return nil }
    }

    private static func bytes(_ write: (inout Encoder) -> Void) -> [UInt8] {
        var encoder = Encoder()
        write(&encoder)
        return encoder.bytes
    }

    /// The tag, a length above the bound, and nothing else: refused before anything is allocated.
    @Test func lengthsAreCheckedFirst() {
        let rows: [(tag: UInt8, before: Int, max: Int, field: String)] = [
            (0, 2 + 32 + 8 + 1, 64, "claims"), (2, 0, 256, "peers"),
            (3, 0, 60 << 10, "consensus"), (4, 0, (2 << 20) + 4_096, "block"),
            (7, 0, (512 << 10) + 4_096, "transaction"), (8, 0, 1_024, "ids"),
            (9, 0, 1_024, "ids"), (10, 32, 256 << 10, "direct"), (12, 8, 64, "blocks"),
        ]
        for row in rows {
            let head = [row.tag] + [UInt8](repeating: 0, count: row.before)
            let bytes = Self.bytes {
                $0.raw(head)
                $0.length(row.max + 1)
            }
            #expect(
                throws: DecodeError.tooLong(
                    field: row.field, limit: row.max, offset: head.count)
            ) { try PeerMessage(canonical: bytes) }
            let short = Self.bytes {
                $0.raw(head)
                $0.length(row.max)
            }
            #expect(throws: DecodeError.truncated(offset: short.count)) {
                try PeerMessage(canonical: short)
            }
        }
    }

    @Test func wrongFieldsAreRefused() {
        let key = [UInt8](repeating: 1, count: 32)
        let rows: [(name: String, bytes: [UInt8], error: DecodeError)] = [
            ("no tag", [], .truncated(offset: 0)),
            ("a tag of nobody", [13], .unknownTag(field: "message", tag: 13, offset: 0)),
            (
                "trailing", PeerMessage.status(height: 1).canonicalBytes + [0],
                .trailingBytes(offset: 9)
            ),
            (
                "a host with a space", [2, 1] + key + [1, 32, 1, 0],
                .invalid(field: "host", offset: 34)
            ),
            ("no host", [2, 1] + key + [0, 1, 0, 0], .invalid(field: "host", offset: 34)),
            ("port 0", [2, 1] + key + [1, 97, 0, 0], .invalid(field: "port", offset: 36)),
            (
                "no blocks wanted", [11] + [UInt8](repeating: 0, count: 10),
                .invalid(field: "count", offset: 9)
            ),
            (
                "65 blocks wanted", [11] + [UInt8](repeating: 0, count: 8) + [65, 0],
                .invalid(field: "count", offset: 9)
            ),
        ]
        for row in rows {
            #expect(throws: row.error, "\(row.name)") { try PeerMessage(canonical: row.bytes) }
        }
        let blob = [UInt8](repeating: 0, count: 32)
        #expect(throws: DecodeError.unknownTag(field: "blob message", tag: 37, offset: 0)) {
            try BlobMessage(canonical: [37] + blob)
        }
        #expect(throws: DecodeError.tooLong(field: "group", limit: 16_384, offset: 41)) {
            try BlobMessage(canonical: [35] + blob + [0, 0, 0, 0, 0, 0, 0, 0, 0x81, 0x80, 1])
        }
        #expect(throws: DecodeError.tooLong(field: "digests", limit: 1_024, offset: 49)) {
            try BlobMessage(
                canonical: [33] + blob + [UInt8](repeating: 0, count: 16) + [0x81, 8])
        }
        var bell = Cast.advert
        bell.device = "\u{7}"
        #expect(throws: DecodeError.invalid(field: "device", offset: 46)) {
            try PeerDatagram(canonical: PeerDatagram.offer(bell).canonicalBytes)
        }
    }

    @Test func rangesKeepTheirBytes() {
        let block = SyncedBlock(block: [UInt8](repeating: 1, count: 1 << 20), certificate: [])
        let large = SyncedBlock(
            block: [UInt8](repeating: 1, count: PeerMessage.blockBytesMax), certificate: [])
        #expect(PeerMessage.fitting([block, block, block]).count == 2)
        #expect(PeerMessage.fitting([large, block]).count == 1)
        #expect(PeerMessage.fitting([block, large]).count == 1)
        #expect(PeerMessage.fitting([]).isEmpty)
        let three = PeerMessage.range(from: 1, [block, block, block]).canonicalBytes
        let left = (2 << 20) - 2 * (1 << 20)
        #expect(
            throws: DecodeError.tooLong(
                field: "block", limit: left, offset: 1 + 8 + 1 + 2 * (3 + (1 << 20) + 1))
        ) { try PeerMessage(canonical: three) }
        let one = PeerMessage.range(from: 1, [large])
        #expect(throws: Never.self) { try PeerMessage(canonical: one.canonicalBytes) }
    }

    @Test func anAccountIsItsKeysOne() {
        // The same literal as in protocol/identity.md: version 1, threshold 1, one key of weight 1.
        let key = Cast.alice
        let policy: [UInt8] = [1, 1, 0, 0, 0, 1] + key.bytes + [1, 0]
        #expect(
            AccountClaim.account(of: key) == AccountID(Blake2b.hash(.account, .none, policy)))
        let claim = Cast.claim(Cast.keys[3], for: Cast.alice)
        #expect(claim.isRight(for: Cast.alice, Cast.salt))
        #expect(!claim.isRight(for: Cast.bob, Cast.salt))
        #expect(!claim.isRight(for: Cast.alice, .none))
        var other = claim
        other.account = AccountClaim.account(of: Cast.bob)
        #expect(!other.isRight(for: Cast.alice, Cast.salt))
    }
}
