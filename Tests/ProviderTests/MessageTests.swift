import Kernels
import Primitives
import Provider
import Testing

@Suite struct MessageTests {
    private static let opening: LeafOpening = {
        var opening = LeafOpening()
        opening.index = 3
        opening.salt = digest(1)
        opening.sliceRoot = digest(2)
        opening.workDigest = digest(3)
        opening.path = [digest(4), digest(5)]
        opening.outputPath = [digest(6)]
        return opening
    }()

    private static let openings: LeafOpenings = {
        var openings = LeafOpenings()
        openings.leaves = [opening, opening]
        openings.outputRoot = digest(6)
        openings.outputSalt = digest(7)
        return openings
    }()

    private static func digest(_ byte: UInt8) -> Digest {
        Digest([UInt8](repeating: byte, count: 32)).proven("32 bytes")
    }

    private static let messages: [Message] = [
        .auditRequest(
            .init(
                job: Bench.job, reveal: digest(8), commitment: digest(9),
                signature: Bench.node.sign(digest(1)))),
        .auditOpenings(
            .init(
                job: Bench.job, openings: openings, signature: Bench.node.sign(digest(1)))),
        .openingRequest(.init(job: Bench.job, leaf: 5)),
        .openingAnswer(.init(job: Bench.job, opening: opening)),
        .outputRequest(.init(job: Bench.job)),
        .outputAnswer(
            JobOutput(
                job: Bench.job, root: digest(1), salt: digest(2), blob: BlobHasher.id([1]),
                bytes: 99)),
        .declined(.init(job: Bench.job, leaf: nil, reason: .notYet)),
        .declined(.init(job: Bench.job, leaf: 8, reason: .notHere)),
    ]

    @Test func everyMessageHasOneEncoding() throws {
        for message in Self.messages {
            let bytes = message.canonicalBytes
            #expect(try Message(canonical: bytes) == message)
            for count in 0..<bytes.count {
                #expect(throws: DecodeError.self) { try Message(canonical: Array(bytes[..<count])) }
            }
            #expect(throws: DecodeError.self) { try Message(canonical: bytes + [0]) }
        }
    }

    @Test func layoutIsTheSpecifications() throws {
        let job = Bench.job.digest.bytes
        #expect(Self.messages.map { $0.canonicalBytes[0] } == [0, 1, 2, 3, 4, 5, 6, 6])
        #expect(Self.messages[0].canonicalBytes.count == 1 + 32 + 32 + 32 + 64)
        #expect(
            Self.messages[1].canonicalBytes.count
                == 1 + 32 + 1 + 2 * (8 + 96 + 1 + 64 + 1 + 32) + 64 + 64)
        #expect(Self.messages[2].canonicalBytes == [2] + job + [5, 0, 0, 0, 0, 0, 0, 0])
        #expect(Self.messages[3].canonicalBytes.count == 1 + 32 + 8 + 96 + 1 + 64 + 1 + 32)
        #expect(Self.messages[4].canonicalBytes == [4] + job)
        #expect(Self.messages[5].canonicalBytes.count == 1 + 32 * 4 + 8)
        #expect(Self.messages[6].canonicalBytes == [6] + job + [0, 2])
        #expect(
            Self.messages[7].canonicalBytes == [6] + job + [1, 8, 0, 0, 0, 0, 0, 0, 0, 1])
    }

    @Test func longestMessageKeepsTheBound() throws {
        // As high as a tree of the most leaves.
        let height = 64 - (Limits.leaves - 1).leadingZeroBitCount
        let path = [Digest](repeating: .zero, count: height)
        var longest = LeafOpening()
        longest.index = .max
        longest.path = path
        longest.outputPath = path
        var openings = LeafOpenings()
        openings.leaves = [LeafOpening](repeating: longest, count: LeafOpenings.leavesMax)
        let answer = Message.auditOpenings(
            .init(job: Bench.job, openings: openings, signature: .blank))
        let bytes = answer.canonicalBytes
        #expect(bytes.count <= Message.bytesMax)
        #expect(try Message(canonical: bytes) == answer)
    }

    @Test func hostileBytesAreRefused() throws {
        let job = Bench.job.digest.bytes
        func count(_ value: Int) -> [UInt8] {
            var encoder = Encoder()
            encoder.length(value)
            return encoder.bytes
        }
        let opening = [UInt8](repeating: 0, count: 8 + 96)
        let rows: [(String, [UInt8])] = [
            ("nothing", []),
            ("an unknown tag", [7] + job),
            ("a request that ends early", [0] + job + job),
            ("2^32 - 1 openings", [1] + job + count(Int(UInt32.max))),
            ("65 openings", [1] + job + count(65)),
            ("a path of 65", [3] + job + opening + count(65)),
            ("a path that ends early", [3] + job + opening + count(64)),
            ("no reason", [6] + job + [0, 0]),
            ("an unknown reason", [6] + job + [0, 3]),
            ("neither leaf nor none", [6] + job + [2, 1]),
            ("an output path of 65", [3] + job + opening + count(0) + count(65)),
            ("a length of two bytes for one", [1] + job + [0x81, 0x00]),
        ]
        for (name, bytes) in rows {
            #expect(throws: DecodeError.self, "\(name)") { try Message(canonical: bytes) }
        }
        var generator = Generator(seed: .zero)
        for _ in 0..<20_000 {
            var bytes = generator.bytes(Int(generator.below(200)))
            if !bytes.isEmpty { bytes[0] %= 8 }
            if let message = try? Message(canonical: bytes) {
                #expect(message.canonicalBytes == bytes)
            }
        }
    }
}
