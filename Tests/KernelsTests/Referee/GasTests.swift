import Kernels
import Primitives
import Testing

@Suite struct GasTests {
    private func rig(_ body: String, lanes: UInt32 = 64, data: [Int32], fuel: UInt64 = 1_024) throws
        -> Rig
    {
        try Rig(
            """
            __kernel void k(__global const int *a, __global int *o) {
                int i = (int)get_global_id(0);
                int x = a[i];
                \(body)
                o[i] = x;
            }
            """,
            local: [lanes], groups: [1],
            buffers: [
                .input("a", .int, bytes(data)),
                .output("o", .int, block: Int(lanes), elements: Int(lanes)),
            ], fuel: fuel)
    }

    /// One active lane costs as much as all of them; none costs nothing.
    @Test func gasIgnoresTheMask() throws {
        let body = "if (x > 0) { x = x * 3 + 1; x ^= 5; }"
        func gas(_ data: [Int32]) throws -> UInt64 { try self.rig(body, data: data).run().gas }
        let one = try gas([1] + Array(repeating: 0, count: 63))
        let all = try gas(Array(repeating: 1, count: 64))
        let none = try gas(Array(repeating: 0, count: 64))
        #expect(one == all)
        // x = x * 3 + 1: 1 + 2; x ^= 5: 1 + 1.
        #expect(all - none == 5 * 64)
    }

    @Test func smallGroupsPayForThirtyTwoLanes() throws {
        let small = try self.rig("x += 1;", lanes: 4, data: [1, 2, 3, 4]).run().gas
        let full = try self.rig("x += 1;", lanes: 32, data: Array(repeating: 1, count: 32)).run()
            .gas
        #expect(small == full)
    }

    @Test func gasIsTheSameEveryTime() throws {
        let rig = try self.rig(
            "for (int j = 0; j < (x & 63); j++) x += j;", data: (0..<64).map { Int32($0 * 37) })
        var referee = Referee(rig.kernel)
        let runs = try (0..<3).map { _ in
            try referee.run(
                leaf: 0, launch: 0, order: rig.order, geometry: rig.geometry, inputs: rig.inputs)
        }
        #expect(runs[0] == runs[1] && runs[1] == runs[2])
        #expect(runs[0].gas <= rig.geometry.leafGas)
    }

    /// A loop that runs to its fuel costs at most the bound that the order promised.
    @Test func endlessLoopStaysInTheBound() throws {
        let rig = try self.rig(
            "while (x >= 0 || x < 0) x += 3;", data: Array(repeating: 1, count: 64), fuel: 9_000)
        let run = try rig.run()
        #expect(run.gas <= rig.geometry.leafGas)
        #expect(run.gas > 9_000 * 64)
        let found: [Int32] = numbers(run.slice)
        #expect(found[0] == 27_001)
    }
}

@Suite struct RefereeErrorTests {
    private func rig() throws -> Rig {
        try Rig(
            """
            __kernel void k(__global const int *a, __global int *o) {
                o[get_global_id(0)] = a[get_global_id(0)];
            }
            """,
            local: [4], groups: [2],
            buffers: [
                .input("a", .int, bytes((0..<8).map { Int32($0) })),
                .output("o", .int, block: 4, elements: 8),
            ])
    }

    @Test func refusesWhatDoesNotFit() throws {
        let rig = try self.rig()
        var referee = Referee(rig.kernel)
        func run(
            leaf: UInt64 = 0, launch: Int = 0, order: WorkOrder? = nil, inputs: [[UInt8]]? = nil
        ) throws {
            _ = try referee.run(
                leaf: leaf, launch: launch, order: order ?? rig.order, geometry: rig.geometry,
                inputs: inputs ?? rig.inputs)
        }
        #expect(throws: RefereeError.noSuchLeaf(2)) { try run(leaf: 2) }
        #expect(throws: RefereeError.launchMismatch) { try run(launch: 1) }
        #expect(throws: RefereeError.launchMismatch) { try run(launch: -1) }
        var other = rig.order
        other.launches[0].groups.x = 3
        #expect(throws: RefereeError.launchMismatch) { try run(order: other) }
        #expect(throws: RefereeError.inputCount(expected: 2, found: 0)) { try run(inputs: []) }
        #expect(throws: RefereeError.inputBytes(buffer: 0, expected: 32, found: 31)) {
            try run(inputs: [Array(repeating: 0, count: 31), []])
        }
        #expect(throws: Never.self) { try run(leaf: 1) }
    }
}

@Suite struct TestVectorTests {
    private func kernel() throws -> Rig {
        try Rig(
            """
            __kernel void k(__global const uint *a, __global uint *o, uint m) {
                uint x = a[get_global_id(0)];
                for (uint j = 0u; j < m; j++) x = x * 1664525u + 1013904223u;
                o[get_global_id(0)] = x;
            }
            """,
            local: [32], groups: [2],
            buffers: [
                .input("a", .uint, bytes((0..<64).map { UInt32($0) })),
                .output("o", .uint, block: 32, elements: 64),
            ], scalars: [.uint(10)])
    }

    private func vector(_ rig: Rig, rounds: UInt32) -> TestVector {
        TestVector(
            groups: rig.launch.groups, scalars: [.uint(rounds)],
            buffers: [
                VectorBuffer(elements: 64, data: rig.inputs[0]), VectorBuffer(elements: 64),
            ])
    }

    @Test func acceptsWhatTheKernelGives() throws {
        let rig = try self.kernel()
        var vector = self.vector(rig, rounds: 10)
        vector.outputRoot = try rig.kernel.outputRoot(of: vector)
        let gas = try rig.kernel.check(vectors: [vector, vector])
        #expect(gas == 2 * (try rig.run(leaf: 0).gas + rig.run(leaf: 1).gas))
        // The root is the one of a real job.
        let roots = try (0..<2).map { Leaf.sliceRoot(try rig.run(leaf: UInt64($0)).slice) }
        #expect(vector.outputRoot == Leaf.outputRoot(roots))
        #expect(try TestVector(canonical: vector.canonicalBytes) == vector)
        #expect(try TestVector(json: vector.json, at: "vector") == vector)
    }

    /// A kernel that would run for long is stopped by the gas of publication.
    @Test func endlessVectorStops() throws {
        let rig = try Rig(
            """
            __kernel void k(__global int *o) {
                int x = 1;
                while (x != 0) x |= 3;
                o[get_global_id(0)] = x;
            }
            """,
            local: [64], groups: [1], buffers: [.output("o", .int, block: 64, elements: 64)],
            fuel: 200_000)
        let vector = TestVector(
            groups: rig.launch.groups, scalars: [], buffers: [VectorBuffer(elements: 64)])
        #expect(throws: VectorError.gasExhausted(vector: 0, limit: 1 << 23)) {
            try rig.kernel.check(vectors: [vector])
        }
    }

    @Test func refusesEverythingElse() throws {
        let rig = try self.kernel()
        let vector = self.vector(rig, rounds: 10)
        let root = try rig.kernel.outputRoot(of: vector)
        #expect(throws: VectorError.mismatch(vector: 0, expected: .zero, found: root)) {
            try rig.kernel.check(vectors: [vector])
        }
        #expect(throws: VectorError.tooMany(17)) {
            try rig.kernel.check(vectors: Array(repeating: vector, count: 17))
        }
        var right = vector
        right.outputRoot = root
        let gas = try rig.kernel.check(vectors: [right])
        #expect(throws: VectorError.gasExhausted(vector: 1, limit: 2 * gas - 1)) {
            try rig.kernel.check(vectors: [right, right], gasMax: 2 * gas - 1)
        }
        var large = right
        large.buffers[0].data = Array(repeating: 0, count: 65_537)
        #expect(throws: VectorError.tooLarge(vector: 0)) { try rig.kernel.check(vectors: [large]) }
        var missing = right
        missing.scalars = []
        #expect(throws: (any Error).self) { try rig.kernel.check(vectors: [missing]) }
        var short = right
        short.buffers[0].data = [1, 2, 3]
        #expect(
            throws: VectorError.referee(vector: 0, .inputBytes(buffer: 0, expected: 256, found: 3))
        ) {
            try rig.kernel.check(vectors: [short])
        }
    }
}
