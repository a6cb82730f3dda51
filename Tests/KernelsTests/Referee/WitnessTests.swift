import Foundation
import Kernels
import Primitives
import Testing

/// A leaf runs on a witness as it runs on the whole blobs.
@Suite struct WitnessTests {
    /// Gathers for each of the leaves, runs on what was gathered, and with each chunk missing.
    private func check(_ rig: WitnessRig, _ leaves: [UInt64], _ name: String) throws {
        for leaf in leaves {
            let whole = try rig.run(leaf)
            let (run, witness) = try rig.gather(leaf)
            #expect(run == whole, "\(name), leaf \(leaf): gathering")
            #expect(try rig.run(leaf, on: witness) == whole, "\(name), leaf \(leaf)")
            let bytes = witness.canonicalBytes
            #expect(bytes.count == witness.byteCount)
            #expect(try LeafWitness(canonical: bytes) == witness)
            for part in witness.buffers {
                for chunk in part.chunks {
                    let lacking = rig.without(chunk.index, of: part.buffer, witness)
                    guard case .incomplete = rig.error(leaf, on: lacking) else {
                        Issue.record("\(name), leaf \(leaf): chunk \(chunk.index) is not missed")
                        continue
                    }
                }
            }
        }
    }

    private func samples() throws -> [(String, WitnessRig)] {
        [
            (
                "mixture",
                try WitnessRig(
                    source: Samples.mixture, local: Extent(x: 16, y: 1, z: 1),
                    groups: Extent(x: 70, y: 1, z: 1),
                    scalars: [.uint(1_100), Scalar(.float, bits: 0x3f00_0000)],
                    elements: [1_105, 1_120, 1_120])
            ),
            (
                "reduction",
                try WitnessRig(
                    source: Samples.reduction, local: Extent(x: 64, y: 1, z: 1),
                    groups: Extent(x: 41, y: 1, z: 1), scalars: [.uint(2_600)],
                    elements: [2_600, 41])
            ),
            (
                "tiles",
                try WitnessRig(
                    source: Samples.tiles, groups: Extent(x: 10, y: 5, z: 1),
                    scalars: [.uint(20), .uint(40), .uint(70)], elements: [1_400, 2_800, 800])
            ),
            (
                "picture",
                try WitnessRig(
                    source: Samples.picture, local: Extent(x: 16, y: 2, z: 1),
                    groups: Extent(x: 5, y: 15, z: 1), scalars: [.int(75), .int(29)],
                    elements: [75 * 29 * 3, 75 * 29 * 3])
            ),
        ]
    }

    @Test func everyLeafOfTheSamples() throws {
        for (name, rig) in try self.samples() {
            #expect(rig.inputs[0].count > 4_096, "\(name) has more than one chunk")
            try self.check(rig, Array(rig.leaves), name)
        }
    }

    @Test func examples() throws {
        let path = "\(Front.root)/examples/matmul/matmul.cl"
        let source = try String(contentsOfFile: path, encoding: .utf8)
        let rig = try WitnessRig(
            source: source, local: Extent(x: 16, y: 16, z: 1), groups: Extent(x: 4, y: 2, z: 1),
            scalars: [.uint(30), .uint(60), .uint(50)], elements: [1_500, 3_000, 1_800])
        try self.check(rig, Array(rig.leaves), "matmul")
    }

    /// A column of tiles of B is a few bytes of every row.
    @Test func stridedMatrix() throws {
        let (m, n, k): (UInt64, UInt64, UInt64) = (4, 2_048, 8)
        let rig = try WitnessRig(
            source: Samples.tiles, groups: Extent(x: 512, y: 1, z: 1),
            scalars: [.uint(4), .uint(2_048), .uint(8)], elements: [m * k, k * n, m * n])
        try self.check(rig, [0, 7, 255, 256, 300, 511], "strided")
        for leaf in [UInt64(0), 255, 256, 511] {
            let witness = try rig.gather(leaf).witness
            #expect(witness.indexes(of: 0) == [0])
            // A row of B is two chunks.
            let rows = (0..<k).map { $0 * 2 + leaf * 16 / 4_096 }
            #expect(witness.indexes(of: 1) == rows, "leaf \(leaf)")
        }
    }

    @Test func randomKernels() throws {
        var rigs = 0
        var incomplete = 0
        for seed in UInt64(0)..<40 {
            let rig: WitnessRig
            do {
                rig = try WitnessRig(try RandomKernel.rig(seed: seed, spread: 97))
            } catch is WorkError { continue }
            rigs += 1
            try self.check(rig, Array(rig.leaves), "seed \(seed)")
            incomplete += try rig.gather(0).witness.indexes(of: 0).count
        }
        #expect(rigs >= 20)
        #expect(incomplete >= 3 * rigs, "most leaves read several chunks")
    }

    /// The cells of an in-out buffer start as its input: they are read, whatever the kernel does.
    @Test func inOutBuffers() throws {
        var random = Generator(seed: .zero)
        let rig = try WitnessRig(
            Rig(
                """
                __kernel void k(__global const uchar *a, __global ushort *o, int far) {
                    int i = (int)get_global_id(0);
                    ushort next = o[i + far];
                    barrier(CLK_GLOBAL_MEM_FENCE);
                    if (i % 3 != 0) o[i] = (ushort)(o[i] * 3 + next + a[i]);
                }
                """,
                local: [20], groups: [400],
                buffers: [
                    .input("a", .uchar, random.bytes(8_000)),
                    .output(
                        "o", .ushort, block: 20, elements: 8_000, role: .inout,
                        data: random.bytes(16_000)),
                ],
                scalars: [.int(1_000)], groupsPerLeaf: 50))
        try self.check(rig, Array(rig.leaves), "in-out")
        // Leaf 3 owns bytes 6,000..<8,000 and reads up to 2,000 bytes further.
        #expect(try rig.gather(3).witness.indexes(of: 1) == [1, 2])
        #expect(try rig.gather(0).witness.indexes(of: 1) == [0])
        // The last leaf's far reads are beyond the end.
        #expect(try rig.gather(7).witness.indexes(of: 1) == [3])
    }

    @Test func everyElementType() throws {
        let types: [ScalarType] = [
            .char, .uchar, .short, .ushort, .int, .uint, .float, .long, .ulong,
        ]
        var random = Generator(seed: .zero)
        for type in types {
            func word(_ cell: String) -> String {
                type == .float ? "(ulong)as_uint(\(cell))" : "(ulong)\(cell)"
            }
            let elements = 3 * 4_096 / type.bytes + 1
            let rig = try WitnessRig(
                Rig(
                    """
                    __kernel void k(
                        __global const \(type.name) *a, __global \(type.name) *o,
                        __global ulong *s) {
                        int g = (int)get_global_id(0);
                        ulong sum = 0ul;
                        for (int i = g; i < \(elements) + 20; i += 999) {
                            sum = sum * 31ul + \(word("a[i]"));
                            if (i % 5 != 1) sum = sum * 31ul + \(word("o[i]"));
                        }
                        sum += \(word("a[7]"));
                        barrier(CLK_GLOBAL_MEM_FENCE);
                        o[g] = (\(type.name))(o[g] + a[0]);
                        s[g] = sum;
                    }
                    """,
                    local: [8], groups: [2],
                    buffers: [
                        .input("a", type, random.bytes(elements * type.bytes)),
                        .output(
                            "o", type, block: 8, elements: elements, role: .inout,
                            data: random.bytes(elements * type.bytes)),
                        .output("s", .ulong, block: 8, elements: 16),
                    ]))
            try self.check(rig, Array(rig.leaves), type.name)
        }
    }

    /// Only what active lanes load is read, and that is the same whatever ran before.
    @Test func inactiveLanesReadNothing() throws {
        var random = Generator(seed: .zero)
        let rig = try WitnessRig(
            Rig(
                """
                __kernel void k(__global const int *a, __global const int *b, __global int *o) {
                    int i = (int)get_global_id(0);
                    int x = 0;
                    if (i % 4 == 1) x = a[i * 1024];
                    if (i < 0) x += b[0];
                    for (int j = 0; j < 16; j++) {
                        if (j > 1) break;
                        if (i == 7) continue;
                        x += a[1023 + i * j];
                    }
                    o[i] = x + a[i * 1024 - 70000];
                }
                """,
                local: [16], groups: [1],
                buffers: [
                    .input("a", .int, random.bytes(16 * 4_096)),
                    .input("b", .int, random.bytes(4)),
                    .output("o", .int, block: 16, elements: 16),
                ]))
        let (_, witness) = try rig.gather(0)
        #expect(witness.buffers.map(\.buffer) == [0])
        #expect(witness.indexes(of: 0) == [0, 1, 5, 9, 13])
        try self.check(rig, [0], "lanes")
        var referee = Referee(rig.kernel)
        for _ in 0..<2 {
            let again = try referee.witness(
                leaf: 0, launch: 0, order: rig.order, geometry: rig.geometry, inputs: rig.inputs)
            #expect(again.witness == witness)
        }
    }

    /// The same of a buffer that is written, too; the group's own cells are in chunk 0.
    @Test func inactiveLanesReadNothingOfInOut() throws {
        var random = Generator(seed: .zero)
        let rig = try WitnessRig(
            Rig(
                """
                __kernel void k(__global int *o) {
                    int i = (int)get_global_id(0);
                    int x = 1;
                    if (i % 4 == 1) x = o[i * 1024];
                    barrier(CLK_GLOBAL_MEM_FENCE);
                    o[i] = x;
                }
                """,
                local: [16], groups: [1],
                buffers: [
                    .output(
                        "o", .int, block: 16, elements: 16 * 1_024, role: .inout,
                        data: random.bytes(16 * 4_096))
                ]))
        #expect(try rig.gather(0).witness.indexes(of: 0) == [0, 1, 5, 9, 13])
        try self.check(rig, [0], "lanes")
    }

    /// Leaves that read nothing have an empty witness.
    @Test func nothingRead() throws {
        let rig = try WitnessRig(
            Rig(
                """
                __kernel void k(__global const int *a, __global int *o) { o[get_global_id(0)] = 7; }
                """,
                local: [4], groups: [2],
                buffers: [
                    .input("a", .int, [1, 2, 3, 4]), .output("o", .int, block: 4, elements: 8),
                ]))
        let (run, witness) = try rig.gather(1)
        #expect(witness == LeafWitness())
        #expect(witness.byteCount == 1)
        #expect(try rig.run(1, on: LeafWitness()) == run)
        // A chunk that nobody reads changes nothing, but it must lead to the blob.
        var surplus = LeafWitness(buffers: [rig.part(0, [0])])
        #expect(try rig.run(1, on: surplus) == run)
        surplus.buffers[0].chunks[0].bytes[0] ^= 1
        #expect(rig.error(1, on: surplus) == .doesNotLead(buffer: 0))
    }
}
