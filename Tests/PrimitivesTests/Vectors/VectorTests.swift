import Primitives
import Testing

/// Every kind of field, for the vectors of the encoding.
private struct Sample: Record {
    var small: UInt8 = 0
    var port: UInt16 = 0
    var count: UInt32 = 0
    var large: UInt64 = 0
    var flag = false
    var amount: Amount = .zero
    var points: BasisPoints = .blank
    var digest: Digest = .zero
    var maybe: UInt64?
    var payload: [UInt8] = []
    var title = ""
    var list: [UInt16] = []

    static var blank: Sample { Sample() }

    mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("small", &self.small)
        try visitor.field("port", &self.port)
        try visitor.field("count", &self.count)
        try visitor.field("large", &self.large)
        try visitor.field("flag", &self.flag)
        try visitor.field("amount", &self.amount)
        try visitor.field("points", &self.points)
        try visitor.field("digest", &self.digest)
        try visitor.field("maybe", &self.maybe)
        try visitor.bytes("payload", &self.payload, max: 32)
        try visitor.text("title", &self.title, max: 32)
        try visitor.list("list", &self.list, max: 8)
    }
}

private let salted = ChainSalt(GenesisID(Blake2b.hash(.vector, .none, Array("salt".utf8))))

private func digest(_ text: String) -> Digest { Blake2b.hash(.vector, .none, Array(text.utf8)) }

private func hex(_ bytes: [UInt8]) -> JSON { .string(Hex.encode(bytes)) }

@Suite struct VectorTests {
    @Test func encoding() throws {
        var accepted: [JSON] = []
        var filler = RecordFiller(seed: digest("encoding"))
        for index in 0..<32 {
            var sample = Sample()
            if index > 0 { sample.visit(&filler) }
            let bytes = sample.canonicalBytes
            #expect(try Sample(canonical: bytes) == sample)
            accepted.append(.object(("value", sample.json), ("hex", hex(bytes))))
        }
        try VectorFile.expect(
            "encoding",
            .object(("accepted", .array(accepted)), ("refused", .array(try self.refused()))))
    }

    /// Bytes that are no sample, each for one reason.
    private func refused() throws -> [JSON] {
        let good = Sample().canonicalBytes
        let amount = 16  // Offset of the amount: 1 + 2 + 4 + 8 + 1.
        func changed(_ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
            Array(good.prefix(offset)) + bytes + good.dropFirst(offset + bytes.count)
        }
        let points = amount + 16
        let maybe = points + 2 + 32
        let cases: [(String, [UInt8])] = [
            ("truncated", Array(good.dropLast())), ("truncated", []),
            ("trailingBytes", good + [0]),
            ("invalid", changed(15, [2])),
            ("invalid", changed(amount, [1] + [UInt8](repeating: 0, count: 13) + [1, 0])),
            ("invalid", changed(points, [0x11, 0x27])),
            ("invalid", changed(maybe, [2])),
            ("nonMinimalLength", Array(good.prefix(maybe + 1)) + [0x80, 0, 0, 0]),
            (
                "nonMinimalLength",
                Array(good.prefix(maybe + 1)) + [0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0]
            ),
            ("tooLong", Array(good.prefix(maybe + 1)) + [33]),
            ("tooLong", Array(good.prefix(maybe + 1)) + [0xff, 0xff, 0xff, 0xff, 0x0f]),
            ("invalid", Array(good.prefix(maybe + 1)) + [0, 2, 0xc0, 0x80, 0]),
            ("invalid", Array(good.prefix(maybe + 1)) + [0, 3, 0xed, 0xa0, 0x80, 0]),
            ("tooLong", Array(good.prefix(maybe + 1)) + [0, 0, 9]),
        ]
        return cases.map { wanted, bytes in
            var found = "accepted"
            do throws(DecodeError) {
                _ = try Sample(canonical: bytes)
            } catch {
                found = String("\(error)".prefix { $0 != "(" })
            }
            #expect(found == wanted, "\(Hex.encode(bytes))")
            return .object(("hex", hex(bytes)), ("error", .string(wanted)))
        }
    }

    @Test func conformance() throws {
        try VectorFile.expect(
            "conformance-primitives",
            .object(
                ("Sample", .string(try RecordFiller.conformance("Sample", Sample.self))),
                (
                    "MountainRange",
                    .string(try RecordFiller.conformance("MountainRange", MountainRange.self))
                )))
    }

    @Test func hashes() throws {
        var rows: [JSON] = []
        for domain in Domain.allCases {
            let left = digest("left")
            let right = digest("right")
            rows.append(
                .object(
                    ("domain", .string(domain.rawValue)), ("input", .string("616263")),
                    ("none", Blake2b.hash(domain, .none, Array("abc".utf8)).json),
                    ("salted", Blake2b.hash(domain, salted, Array("abc".utf8)).json),
                    ("pair", Blake2b.pair(domain, salted, left, right).json)))
        }
        try VectorFile.expect(
            "hashes",
            .object(
                ("salt", hex(salted.bytes)), ("left", digest("left").json),
                ("right", digest("right").json), ("rows", .array(rows))))
    }

    @Test func trees() throws {
        var rows: [JSON] = []
        for count in Array(0...9) + [100] {
            let leaves = (0..<count).map { digest("leaf \($0)") }
            var range = MountainRange()
            for leaf in leaves { range.append(leaf, .history, salted) }
            var paths: [JSON] = []
            for index in stride(from: 0, to: count, by: max(1, count / 5)) {
                let path = Merkle.path(leaves, index, .leaves, salted)
                paths.append(
                    .object(
                        ("index", .number(Int64(index))), ("path", .array(path.map(\.json)))))
            }
            rows.append(
                .object(
                    ("count", .number(Int64(count))),
                    ("root", Merkle.root(leaves, .leaves, salted).json),
                    ("mountainRange", range.root(.history, salted).json),
                    ("paths", .array(paths))))
        }
        try VectorFile.expect("trees", .object(("salt", hex(salted.bytes)), ("rows", .array(rows))))
    }

    @Test func blobs() throws {
        var rows: [JSON] = []
        for count in [0, 1, 4095, 4096, 4097, 12_288, 40_000] {
            var random = Generator(seed: digest("blob \(count)"))
            rows.append(
                .object(
                    ("seed", digest("blob \(count)").json), ("count", .number(Int64(count))),
                    ("id", BlobHasher.id(random.bytes(count)).json)))
        }
        try VectorFile.expect("blobs", .object(("rows", .array(rows))))
    }

    @Test func generator() throws {
        var rows: [JSON] = []
        for name in ["a", "b"] {
            var random = Generator(seed: digest(name))
            let first = random.bytes(80)
            _ = random.bytes(1000)
            let later = random.bytes(16)
            let below = [1, 2, 3, 10, 1000, 1 << 40, UInt64.max].map { bound in
                JSON.object(("bound", bound.json), ("value", random.below(bound).json))
            }
            rows.append(
                .object(
                    ("seed", digest(name).json), ("first80", hex(first)),
                    ("at1080", hex(later)), ("below", .array(below))))
        }
        try VectorFile.expect("generator", .object(("rows", .array(rows))))
    }

    @Test func values() throws {
        var rows: [JSON] = []
        var random = Generator(seed: digest("values"))
        let edges: [UInt128] = [0, 1, 2, 3, 1 << 64, 1 << 112, UInt128.max - 1, .max]
        for index in 0..<96 {
            func number() -> UInt128 {
                index < 32
                    ? edges[Int(random.below(UInt64(edges.count)))]
                    : UInt128(random.u64()) << UInt128(random.below(64)) | UInt128(random.u64())
            }
            let (a, b, d) = (number(), number(), number())
            rows.append(
                .object(
                    ("a", a.json), ("b", b.json), ("d", d.json),
                    ("down", mulDiv128(a, b, d, .down).json), ("up", mulDiv128(a, b, d, .up).json)))
        }
        try VectorFile.expect("muldiv", .object(("rows", .array(rows))))
    }
}
