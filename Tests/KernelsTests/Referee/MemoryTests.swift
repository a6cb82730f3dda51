import Kernels
import Primitives
import Testing

@Suite struct MemoryTests {
    /// A tree reduction: barriers, local memory, lanes that idle.
    @Test func reductionThroughLocalMemory() throws {
        let values = (0..<256).map { UInt32($0 * 7 + 3) }
        let rig = try Rig(
            """
            __kernel void k(__global const uint *a, __global uint *o) {
                __local uint part[64];
                uint l = (uint)get_local_id(0);
                part[l] = a[get_global_id(0)];
                barrier(CLK_LOCAL_MEM_FENCE);
                for (uint s = 32u; s > 0u; s >>= 1) {
                    if (l < s) part[l] += part[l + s];
                    barrier(CLK_LOCAL_MEM_FENCE);
                }
                if (l == 0u) o[get_group_id(0)] = part[0];
            }
            """,
            local: [64], groups: [4],
            buffers: [
                .input("a", .uint, bytes(values)), .output("o", .uint, block: 1, elements: 4),
            ],
            groupsPerLeaf: 2)
        let found: [UInt32] = numbers(try rig.runAll())
        #expect(found == (0..<4).map { g in values[g * 64..<g * 64 + 64].reduce(0, &+) })
        #expect(rig.geometry.leafCount == 2)
    }

    /// Local memory is zero for each group, also for the second group of a leaf.
    @Test func localMemoryStartsAtZero() throws {
        let rig = try Rig(
            """
            __kernel void k(__global uint *o) {
                __local uint s[16];
                uint l = (uint)get_local_id(0);
                uint before = s[l];
                barrier(CLK_LOCAL_MEM_FENCE);
                s[l] = 9u;
                barrier(CLK_LOCAL_MEM_FENCE);
                o[get_global_id(0)] = before * 100u + s[15u - l];
            }
            """,
            local: [16], groups: [3], buffers: [.output("o", .uint, block: 16, elements: 48)],
            groupsPerLeaf: 3)
        let found: [UInt32] = numbers(try rig.runAll())
        #expect(found == Array(repeating: 9, count: 48))
    }

    @Test func outsideReadsGiveZero() throws {
        let rig = try Rig(
            """
            __constant int table[3] = {11, 12, 13};
            __kernel void k(__global const int *a, __global int *o) {
                int i = (int)get_global_id(0);
                int p[4];
                for (int j = 0; j < 4; j++) p[j] = 100 + j;
                o[i] = a[i - 2] * 10000000 + table[i - 1] * 1000 + p[(long)(i - 3) * 0x100000001l];
            }
            """,
            local: [8], groups: [1],
            buffers: [
                .input("a", .int, bytes([Int32(1), 2, 3])),
                .output("o", .int, block: 8, elements: 8),
            ])
        let found: [Int32] = numbers(try rig.run().slice)
        let want = (Int32(0)..<8).map { i -> Int32 in
            let a = i >= 2 && i < 5 ? i - 1 : 0
            let t = i >= 1 && i < 4 ? 10 + i : 0
            let p: Int32 = i == 3 ? 100 : 0
            return a * 10_000_000 + t * 1000 + p
        }
        #expect(found == want)
    }

    /// A store to a cell of another group, or to nobody's, is skipped; a read sees own stores, else
    /// zero.
    @Test func ownershipSkipsForeignStores() throws {
        let rig = try Rig(
            """
            __kernel void k(__global ushort *o, int shift) {
                int i = (int)get_global_id(0);
                o[i + shift] = (ushort)(i + 1);
                barrier(CLK_GLOBAL_MEM_FENCE);
                ushort next = o[i + 1];
                barrier(CLK_GLOBAL_MEM_FENCE);
                o[i] = (ushort)(next + 10000);
            }
            """,
            local: [8], groups: [2], buffers: [.output("o", .ushort, block: 8, elements: 24)],
            scalars: [.int(3)])
        let found: [UInt16] = numbers(try rig.runAll())
        let want = (0..<16).map { i -> UInt16 in
            let first = i / 8 * 8
            let next = i + 1
            // Cells first+3 ..< first+8 were stored by lanes first ..< first+5.
            return next < first + 8 && next >= first + 3 ? UInt16(next - 3 + 1 + 10_000) : 10_000
        }
        #expect(found == want)
        // Two groups with blocks of 8: the last 8 of 24 cells belong to nobody.
        #expect(rig.geometry.outputBytes == 32)
    }

    /// Tiles of a padded matrix: a slice is the tile's rows, and index and cells agree.
    @Test func tilesOfTwoAxes() throws {
        let (width, height, pitch) = (10, 6, 12)
        let layout = BufferLayout(
            name: "o", role: .out, element: .uchar, origin: .constant(5),
            axes: [
                LayoutAxis(
                    source: AxisSource(axis: 1), block: .constant(4),
                    limit: .constant(Int64(height)),
                    stride: .constant(Int64(pitch))),
                LayoutAxis(
                    source: AxisSource(axis: 0), block: .constant(4),
                    limit: .constant(Int64(width)),
                    stride: .constant(1)),
            ])
        let rig = try Rig(
            """
            __kernel void k(__global uchar *o) {
                int x = (int)get_global_id(0); int y = (int)get_global_id(1);
                o[5 + y * \(pitch) + x] = (uchar)(y * 16 + x);
            }
            """,
            local: [4, 4], groups: [3, 2],
            buffers: [Rig.Buffer(layout: layout, elements: 80)])
        for leaf in 0..<rig.geometry.leafCount {
            let (left, top) = (Int(leaf) % 3 * 4, Int(leaf) / 3 * 4)
            let want = (top..<min(top + 4, height)).flatMap { y in
                (left..<min(left + 4, width)).map { UInt8($0 + y * 16) }
            }
            #expect(try rig.run(leaf: leaf).slice == want, "leaf \(leaf)")
        }
    }

    @Test func narrowTypesKeepTheirSign() throws {
        let rig = try Rig(
            """
            __kernel void k(__global const char *a, __global const ushort *b, __global int *o) {
                int i = (int)get_global_id(0);
                __local short s[4]; uchar p[4];
                s[i] = (short)(a[i] * 300); p[i] = (uchar)a[i];
                barrier(CLK_LOCAL_MEM_FENCE);
                o[i] = s[3 - i] * 1000 + p[i] + b[i];
            }
            """,
            local: [4], groups: [1],
            buffers: [
                .input("a", .char, [0xff, 0x80, 0x7f, 1]),
                .input("b", .ushort, bytes([UInt16(0xffff), 1, 2, 3])),
                .output("o", .int, block: 4, elements: 4),
            ])
        let found: [Int32] = numbers(try rig.run().slice)
        let a: [Int32] = [-1, -128, 127, 1]
        let b: [Int32] = [65_535, 1, 2, 3]
        let want = (0..<4).map { i in
            Int32(Int16(truncatingIfNeeded: a[3 - i] * 300)) * 1000 + (a[i] & 255) + b[i]
        }
        #expect(found == want)
    }
}
