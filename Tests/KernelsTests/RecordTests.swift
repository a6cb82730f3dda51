import Kernels
import Primitives
import Testing

@Suite struct RecordTests {
    private func roundTrip<T: FieldValue>(_ value: T) throws {
        let bytes = value.canonicalBytes
        #expect(try T(canonical: bytes) == value)
        #expect(try T(json: value.json, at: "") == value)
        for length in 0..<bytes.count {
            #expect(throws: DecodeError.self) { try T(canonical: Array(bytes.prefix(length))) }
        }
        #expect(throws: DecodeError.self) { try T(canonical: bytes + [0]) }
    }

    @Test func packagesAndOrders() throws {
        for source in Samples.sources {
            let kernel = try Front.kernel(source)
            try self.roundTrip(kernel.package.manifest)
            #expect(
                try KernelPackage(canonical: kernel.package.canonicalBytes).id == kernel.package.id)
        }
        let launch = Launch(
            groups: Extent(x: 1, y: 2, z: 3),
            scalars: [
                .int(-5), .uint(.max), Scalar(.float, bits: 0x3F80_0000),
                Scalar(.ulong, bits: .max),
                Scalar(.char, bits: 0x80), Scalar(.bool, bits: 1),
            ],
            buffers: [
                Binding(.zero, elements: 1), Binding(.blob(.zero), elements: 2),
                Binding(.output(launch: 1, buffer: 2), elements: 3),
            ])
        try self.roundTrip(WorkOrder(kernel: .zero, launches: [launch]))
    }

    @Test func witnesses() throws {
        let chunk = LeafWitness.Chunk(index: .max - 1, bytes: [1, 2, 3])
        let witness = LeafWitness(buffers: [
            LeafWitness.Buffer(buffer: 0, chunks: [chunk, .blank], siblings: [.zero]),
            LeafWitness.Buffer(buffer: 15, chunks: [], siblings: []),
        ])
        try self.roundTrip(LeafWitness())
        try self.roundTrip(witness)
        // Lengths of one, two and three bytes.
        for count in [0, 1, 127, 128, 4_096] {
            var large = witness
            large.buffers[0].chunks[0].bytes = [UInt8](repeating: 7, count: count)
            large.buffers[1].siblings = Array(repeating: .zero, count: count)
            #expect(large.byteCount == large.canonicalBytes.count)
            #expect(try LeafWitness(canonical: large.canonicalBytes) == large)
        }
        var long = witness.canonicalBytes
        // A chunk of 4,097 bytes is refused at its length.
        long.replaceSubrange(11..<12, with: [0x81, 0x20])
        #expect(throws: DecodeError.tooLong(field: "bytes", limit: 4_096, offset: 11)) {
            try LeafWitness(canonical: long)
        }
    }

    @Test func formulas() throws {
        let rows: [(String, String?)] = [
            ("1", "1"), (" ( 1 + 2 ) * n ", "(1 + 2) * n"), ("a - (b - c)", "a - (b - c)"),
            ("a - b - c", "a - b - c"), ("min(a, max(b, 2)) % 3", "min(a, max(b, 2)) % 3"),
            ("groups.x * local.z", "groups.x * local.z"), ("-3 + n", "(-3) + n"),
            ("n * -3", "n * (-3)"),
            ("n * (-3)", "n * (-3)"), ("", nil), ("1 +", nil), ("groups.w", nil), ("f(1)", nil),
            ("99999999999999999999", nil), ("a b", nil), ("(((((((((((((((1)))))))))))))))", nil),
        ]
        for (text, printed) in rows {
            let formula = ScalarExpression(text: text)
            #expect(formula?.text == printed, "\(text)")
            if let formula {
                try self.roundTrip(formula)
                #expect(ScalarExpression(text: formula.text) == formula)
            }
        }
        let environment = ScalarExpression.Environment(
            names: ["n", "f"], values: [7, nil], groups: [2, 3, 4], local: [8, 1, 1])
        let values: [(String, Int64?)] = [
            ("n / 2 + groups.y", 6), ("n % 0", nil), ("f + 1", nil), ("unknown", nil),
            ("9223372036854775807 + n", nil), ("local.x * max(n, 9)", 72),
        ]
        for (text, value) in values {
            #expect(ScalarExpression(text: text)?.value(in: environment) == value, "\(text)")
        }
    }

    @Test func leafDigestsDiffer() {
        let bytes = [UInt8](repeating: 7, count: 10_000)
        let root = Leaf.sliceRoot(bytes)
        #expect(root != Leaf.sliceRoot(Array(bytes.dropLast())))
        #expect(root != Leaf.sliceRoot(bytes + [0]))
        #expect(Leaf.outputRoot([root]) != Leaf.outputRoot([root, root]))
        #expect(Leaf.outputRoot([]) != Leaf.outputRoot([.zero]))
        func leaf(_ index: UInt64) -> Digest {
            Leaf.digest(
                salt: .zero, job: .zero, provider: .zero, launch: 0, index: index, sliceRoot: root,
                workDigest: .zero, chain: .none)
        }
        #expect(leaf(0) != leaf(1))
    }
}
