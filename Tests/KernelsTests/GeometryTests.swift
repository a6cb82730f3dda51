import Kernels
import Primitives
import Testing

@Suite struct GeometryTests {
    private func formula(_ text: String) throws -> ScalarExpression {
        try #require(ScalarExpression(text: text), "\(text)")
    }

    private func axis(
        _ source: Int?, block: String = "1", limit: String, stride: String, divisor: String = "1",
        modulus: String = "0"
    ) throws -> LayoutAxis {
        LayoutAxis(
            source: try source.map {
                AxisSource(
                    axis: UInt8($0), divisor: try self.formula(divisor),
                    modulus: try self.formula(modulus))
            },
            block: try self.formula(block), limit: try self.formula(limit),
            stride: try self.formula(stride))
    }

    /// The geometry of a kernel whose output has the axes.
    private func geometry(
        _ axes: [LayoutAxis], origin: String = "0", groups: [UInt32], elements: UInt64,
        groupsPerLeaf: UInt32 = 1, n: UInt32 = 0
    ) throws -> Geometry {
        var manifest = Manifest()
        manifest.entry = "k"
        manifest.groupsPerLeaf = groupsPerLeaf
        manifest.buffers = [
            BufferLayout(
                name: "o", role: .out, element: .ushort, origin: try self.formula(origin),
                axes: axes)
        ]
        let source = "__kernel void k(__global ushort *o, uint n) { o[get_group_id(0)] = 1; }"
        let kernel = try Kernel(KernelPackage(source: source, manifest: manifest))
        return try kernel.geometry(
            launch: Launch(
                groups: Extent(x: groups[0], y: groups[1], z: groups[2]), scalars: [.uint(n)],
                buffers: [Binding(.zero, elements: elements)]))
    }

    private func code(_ body: () throws -> Geometry) -> String {
        do { _ = try body() } catch let error as WorkError { return error.code } catch {
            return "\(error)"
        }
        return "accepted"
    }

    /// Slices of all leaves are disjoint, are what `owns` says, and add up.
    private func check(_ geometry: Geometry, elements: Int) throws {
        let box = try #require(geometry.boxes[0])
        var owner = [UInt64?](repeating: nil, count: elements)
        var bytes: UInt64 = 0
        for leaf in 0..<geometry.leafCount {
            var leafBytes: UInt64 = 0
            for run in geometry.slice(leaf: leaf) {
                #expect(run.byteOffset % 2 == 0 && run.byteCount % 2 == 0)
                leafBytes += run.byteCount
                for cell in Int(run.byteOffset / 2)..<Int((run.byteOffset + run.byteCount) / 2) {
                    #expect(owner[cell] == nil, "cell \(cell)")
                    owner[cell] = leaf
                }
            }
            #expect(leafBytes == geometry.sliceBytes(leaf: leaf))
            bytes += leafBytes
        }
        #expect(bytes == geometry.outputBytes)
        for leaf in 0..<geometry.leafCount {
            let ranges = geometry.groups(ofLeaf: leaf).map {
                box.ranges(ofGroup: geometry.coordinates(ofGroup: $0))
            }
            for cell in 0..<elements {
                let owned = ranges.contains { box.owns(Int64(cell), in: $0) }
                #expect(owned == (owner[cell] == leaf), "cell \(cell) leaf \(leaf)")
            }
        }
    }

    @Test func linear() throws {
        let axes = [try self.axis(0, block: "8", limit: "n", stride: "1")]
        for perLeaf: UInt32 in [1, 3] {
            let geometry = try self.geometry(
                axes, groups: [7, 1, 1], elements: 60, groupsPerLeaf: perLeaf, n: 51)
            #expect(geometry.leafCount == (perLeaf == 1 ? 7 : 3))
            #expect(geometry.outputBytes == 102)
            try self.check(geometry, elements: 60)
        }
        let geometry = try self.geometry(
            axes, groups: [4, 1, 1], elements: 32, groupsPerLeaf: 4, n: 32)
        #expect(geometry.slice(leaf: 0).count == 1, "neighbours are joined")
    }

    @Test func tilesWithPitchChannelsAndSplitAxes() throws {
        let tiles = [
            try self.axis(1, block: "2", limit: "5", stride: "3 * n"),
            try self.axis(0, block: "4", limit: "7", stride: "3"),
            try self.axis(nil, limit: "3", stride: "1"),
        ]
        try self.check(
            try self.geometry(tiles, origin: "2", groups: [2, 3, 1], elements: 200, n: 9),
            elements: 200)
        // One group axis split in three, permuted, with holes.
        let split = [
            try self.axis(0, limit: "2", stride: "50", divisor: "6"),
            try self.axis(0, block: "2", limit: "6", stride: "7", modulus: "3"),
            try self.axis(0, limit: "2", stride: "3", divisor: "3", modulus: "2"),
            try self.axis(nil, limit: "2", stride: "1"),
        ]
        try self.check(
            try self.geometry(split, groups: [12, 1, 1], elements: 120, groupsPerLeaf: 5),
            elements: 120)
    }

    @Test func refusals() throws {
        let one = try self.axis(0, block: "8", limit: "64", stride: "1")
        let rows: [(String, [LayoutAxis], [UInt32], UInt64)] = [
            ("accepted", [one], [8, 1, 1], 64),
            ("work.layout.outside", [one], [8, 1, 1], 63),
            ("work.layout.overlap", [one], [8, 2, 1], 64),
            ("work.layout.overlap", [], [2, 1, 1], 64),
            ("accepted", [], [1, 1, 1], 64),
            ("work.groups", [one], [0, 1, 1], 64),
            ("work.groups", [one], [1 << 25, 1, 1], 64),
            ("work.leaves", [one], [1 << 20, 1 << 20, 1], 64),
            ("work.buffer.size", [one], [8, 1, 1], 0),
            ("work.buffer.size", [one], [8, 1, 1], 1 << 30),
            (
                "work.layout.range", [try self.axis(0, block: "0", limit: "64", stride: "1")],
                [1, 1, 1], 64
            ),
            ("work.layout.range", [try self.axis(0, limit: "1 / n", stride: "1")], [1, 1, 1], 64),
            ("work.layout.range", [try self.axis(0, limit: "0 - 1", stride: "1")], [1, 1, 1], 64),
            (
                "work.layout.overlap",
                [
                    try self.axis(0, limit: "8", stride: "4"),
                    try self.axis(nil, limit: "5", stride: "1"),
                ],
                [8, 1, 1], 64
            ),
            (
                "work.layout.order",
                [
                    try self.axis(nil, limit: "4", stride: "1"),
                    try self.axis(0, limit: "8", stride: "4"),
                ],
                [8, 1, 1], 64
            ),
            (
                "work.layout.overlap",
                [try self.axis(0, limit: "64", stride: "1", divisor: "2")], [8, 1, 1], 64
            ),
            (
                "work.layout.overlap",
                [try self.axis(0, limit: "64", stride: "1", modulus: "4")], [8, 1, 1], 64
            ),
        ]
        for (code, axes, groups, elements) in rows {
            let found = self.code { try self.geometry(axes, groups: groups, elements: elements) }
            #expect(found == code, "\(axes) \(groups)")
        }
    }

    /// Random layouts are refused, or give every cell one owner.
    @Test func randomLayouts() throws {
        var random = Generator(seed: Blake2b.hash(.generator, .none, Array("layouts".utf8)))
        var accepted = 0
        for round in 0..<2_000 {
            var axes: [LayoutAxis] = []
            for _ in 0..<random.below(4) {
                let source = random.below(4)
                axes.append(
                    try self.axis(
                        source < 3 ? Int(source) : nil, block: "\(1 + random.below(4))",
                        limit: "\(random.below(9))", stride: "\(1 + random.below(40))",
                        divisor: "\(1 + random.below(3))", modulus: "\(random.below(4))"))
            }
            if random.below(4) > 0 {
                func stride(_ axis: LayoutAxis) -> Int { Int(axis.stride.text) ?? 0 }
                axes.sort { stride($0) > stride($1) }
            }
            let groups = (0..<3).map { _ in UInt32(1 + random.below(3)) }
            do {
                let geometry = try self.geometry(
                    axes, origin: "\(random.below(3))", groups: groups, elements: 300)
                accepted += 1
                try self.check(geometry, elements: 300)
            } catch let error as WorkError {
                #expect(error.code.hasPrefix("work."), "round \(round)")
            }
        }
        #expect(accepted > 40)
    }

    @Test func gasAndOrders() throws {
        let kernel = try Front.kernel(
            Front.body("for (int j = 0; j < n; j++) out[i] += in[j];"),
            local: Extent(x: 32, y: 1, z: 1))
        func order(_ n: Int32) -> WorkOrder {
            WorkOrder(
                kernel: kernel.package.id,
                launches: [
                    Launch(
                        groups: Extent(x: 2, y: 1, z: 1), scalars: [.int(n)],
                        buffers: [
                            Binding(.blob(BlobID(.zero)), elements: 64),
                            Binding(.zero, elements: 64),
                        ])
                ])
        }
        let few = try kernel.geometry(order(10))
        let more = try kernel.geometry(order(20))
        #expect(few.leafGas < more.leafGas && more.leafGas < 2 * few.leafGas)
        #expect(few.totalGas == 2 * few.leafGas)
        #expect(try kernel.geometry(order(-5)).leafGas < few.leafGas)
        #expect(few.inputs.map(\.buffer) == [0] && few.inputs.map(\.bytes) == [256])
        #expect(self.code { try kernel.geometry(order(.max)) } == "work.gas.limit")
        #expect(self.code { try kernel.geometry(order(10_000_000)) } == "work.gas.limit")
        var wrong = order(1)
        wrong.kernel = .zero
        #expect(self.code { try kernel.geometry(wrong) } == "work.kernel")
        wrong = order(1)
        wrong.launches.append(wrong.launches[0])
        #expect(self.code { try kernel.geometry(wrong) } == "work.unsupported.launches")
        wrong = order(1)
        wrong.launches[0].scalars = []
        #expect(self.code { try kernel.geometry(wrong) } == "work.scalars.count")
        wrong.launches[0].scalars = [.uint(1)]
        #expect(self.code { try kernel.geometry(wrong) } == "work.scalar.type")
        wrong = order(1)
        wrong.launches[0].buffers.removeLast()
        #expect(self.code { try kernel.geometry(wrong) } == "work.buffers.count")
        wrong = order(1)
        wrong.launches[0].buffers[1].source = .blob(.zero)
        #expect(self.code { try kernel.geometry(wrong) } == "work.buffer.source")
        wrong.launches[0].buffers[1].source = .output(launch: 0, buffer: 0)
        #expect(self.code { try kernel.geometry(wrong) } == "work.unsupported.chain")
    }

    @Test func loopBounds() throws {
        let rows: [(String, LoopBound?)] = [
            ("for (int j = 0; j < 10; j++) out[i] += j;", .constant(10)),
            ("for (int j = 3; j <= 10; j += 2) out[i] += j;", .constant(4)),
            ("for (int j = 10; j > 0; j--) out[i] += j;", .constant(10)),
            ("for (int j = 9; j >= 0; j -= 3) out[i] += j;", .constant(4)),
            ("for (uint j = 256; j > 0; j >>= 1) out[i] += j;", .constant(33)),
            ("for (int j = 256; j; j /= 2) out[i] += j;", .constant(33)),
            ("int j = 0; while (j < 5) { out[i] += j; j++; }", .constant(5)),
            ("for (uint j = get_local_id(0); j < 64; j += 16) out[i] += j;", .constant(4)),
            ("for (int j = 5; j < 2; j++) out[i] += j;", .constant(0)),
            ("for (int j = 0; j != 8; j++) out[i] += j;", .constant(8)),
            ("for (int j = 0; j < (n + 15) / 16; j++) out[i] += j;", nil),
            ("for (int j = 0; j < min(n, 9); j++) out[i] += j;", nil),
            ("for (int j = i; j < n; j++) out[i] += j;", .fuel),
            ("for (int j = 0; j < i; j++) out[i] += j;", .fuel),
            ("for (int j = 0; j < in[0]; j++) out[i] += j;", .fuel),
            ("for (uint j = 10; j >= 0; j--) out[i] += j;", .fuel),
            ("uint m = n; for (uint j = 0; j < m - 1; j++) out[i] += j;", .fuel),
        ]
        for (body, bound) in rows {
            let kernel = try Front.kernel(Front.body(body), local: Extent(x: 16, y: 1, z: 1))
            let found = kernel.tree.body.loopBounds
            #expect(found.count == 1)
            if let bound {
                #expect(found == [bound], "\(body)")
            } else if case .scalars = found.first {
            } else {
                Issue.record("\(body): \(found)")
            }
        }
    }
}
