import Kernels
import Testing

@Suite struct ArithmeticTests {
    /// Every binary operator over the edges of a type, against 128-bit arithmetic written out here.
    private func check<T: FixedWidthInteger & Sendable>(
        _ type: ScalarType, _ edges: [T], _ name: String,
        _ expression: String, _ expected: (Int128, Int128) -> Int128
    ) throws {
        let pairs = edges.flatMap { a in edges.map { (a, $0) } }
        let rig = try Rig(
            """
            __kernel void k(
                __global const \(name) *a, __global const \(name) *b, __global \(name) *o) {
                int i = (int)get_global_id(0);
                \(name) x = a[i]; \(name) y = b[i];
                o[i] = (\(name))(\(expression));
            }
            """,
            local: [UInt32(pairs.count)], groups: [1],
            buffers: [
                .input("a", type, bytes(pairs.map(\.0))), .input("b", type, bytes(pairs.map(\.1))),
                .output("o", type, block: pairs.count, elements: pairs.count),
            ])
        let found: [T] = numbers(try rig.run().slice)
        for (index, pair) in pairs.enumerated() {
            let want = T(truncatingIfNeeded: expected(Int128(pair.0), Int128(pair.1)))
            #expect(found[index] == want, "\(name): \(expression) of \(pair)")
        }
    }

    private func checkAll<T: FixedWidthInteger & Sendable>(
        _ type: ScalarType, _ edges: [T]
    ) throws {
        let name = type.name
        let bits = Int128(T.bitWidth)
        // Below int, C computes in int: amounts count modulo 32 there.
        let width = max(bits, 32)
        let (low, high) = (Int128(T.min), Int128(T.max))
        func clamp(_ x: Int128) -> Int128 { min(max(x, low), high) }
        try self.check(type, edges, name, "x + y") { $0 + $1 }
        try self.check(type, edges, name, "x - y") { $0 - $1 }
        try self.check(type, edges, name, "x * y") { $0 &* $1 }
        try self.check(type, edges, name, "x / y") { $1 == 0 ? 0 : $0 / $1 }
        try self.check(type, edges, name, "x % y") { $1 == 0 ? 0 : $0 % $1 }
        try self.check(type, edges, name, "x & y") { $0 & $1 }
        try self.check(type, edges, name, "x ^ (x | y)") { $0 ^ ($0 | $1) }
        try self.check(type, edges, name, "x << y") { $0 << ($1 & (width - 1)) }
        try self.check(type, edges, name, "x >> y") { $0 >> ($1 & (width - 1)) }
        try self.check(type, edges, name, "x < y") { $0 < $1 ? 1 : 0 }
        try self.check(type, edges, name, "x >= y") { $0 >= $1 ? 1 : 0 }
        try self.check(type, edges, name, "x == y ? -x : ~y") { $0 == $1 ? -$0 : -$1 - 1 }
        try self.check(type, edges, name, "add_sat(x, y)") { clamp($0 + $1) }
        try self.check(type, edges, name, "sub_sat(x, y)") { clamp($0 - $1) }
        try self.check(type, edges, name, "hadd(x, y)") { ($0 + $1) >> 1 }
        try self.check(type, edges, name, "rhadd(x, y)") { ($0 + $1 + 1) >> 1 }
        try self.check(type, edges, name, "abs_diff(x, y)") { max($0, $1) - min($0, $1) }
        try self.check(type, edges, name, "mul_hi(x, y)") { ($0 &* $1) >> bits }
        try self.check(type, edges, name, "rotate(x, y)") {
            let n = $1 & (bits - 1)
            let value = $0 & ((Int128(1) << bits) - 1)
            return n == 0 ? value : value << n | value >> (bits - n)
        }
        try self.check(type, edges, name, "max(x, y) - min(x, y)") { max($0, $1) - min($0, $1) }
        try self.check(type, edges, name, "popcount(x) + clz(y)") {
            let y = T(truncatingIfNeeded: $1)
            return Int128(T(truncatingIfNeeded: $0).nonzeroBitCount + y.leadingZeroBitCount)
        }
    }

    @Test func integersOfEveryType() throws {
        try self.checkAll(.char, [Int8.min, -127, -33, -1, 0, 1, 2, 7, 100, .max])
        try self.checkAll(.uchar, [UInt8(0), 1, 2, 7, 31, 33, 127, 128, 200, .max])
        try self.checkAll(.short, [Int16.min, -1000, -1, 0, 1, 3, 15, 16, 255, .max])
        try self.checkAll(.ushort, [UInt16(0), 1, 3, 15, 16, 17, 255, 256, 32768, .max])
        try self.checkAll(.int, [Int32.min, -65_537, -31, -1, 0, 1, 5, 31, 32, 40_000, .max])
        try self.checkAll(
            .uint, [UInt32(0), 1, 5, 31, 32, 65_535, 65_536, 1 << 31, .max - 1, .max])
        try self.checkAll(.long, [Int64.min, -(1 << 33), -1, 0, 1, 63, 64, 1 << 31, 1 << 40, .max])
        try self.checkAll(
            .ulong, [UInt64(0), 1, 63, 64, 65, 1 << 32, 3 << 40, 1 << 63, .max - 1, .max])
    }

    /// IEEE 754 by bits: results written down from the standard, not computed here.
    @Test func floatsByBits() throws {
        let cases: [(String, UInt32, UInt32, UInt32)] = [
            ("x + y", 0x3f80_0000, 0x3380_0000, 0x3f80_0000),  // 1 + 2^-24: tie to even.
            ("x + y", 0x0000_0001, 0x0000_0001, 0x0000_0002),  // denormals are kept.
            ("x - y", 0x0080_0000, 0x0000_0001, 0x007f_ffff),
            ("x * y", 0x0080_0000, 0x3f00_0000, 0x0040_0000),
            ("x * y", 0x7f7f_ffff, 0x4000_0000, 0x7f80_0000),  // overflow to infinity.
            ("x / y", 0x3f80_0000, 0x4040_0000, 0x3eaa_aaab),  // 1/3, correctly rounded.
            ("x / y", 0x3f80_0000, 0x8000_0000, 0xff80_0000),  // 1 / -0.
            ("x / y", 0x0000_0000, 0x0000_0000, 0x7fc0_0000),  // NaN is canonical.
            ("x - y", 0x7f80_0000, 0x7f80_0000, 0x7fc0_0000),
            ("x", 0xffc1_2345, 0, 0x7fc0_0000),  // a payload does not survive a store.
            ("-x", 0x0000_0000, 0, 0x8000_0000),
            ("sqrt(x)", 0x4000_0000, 0, 0x3fb5_04f3),
            ("sqrt(x)", 0xbf80_0000, 0, 0x7fc0_0000),
            ("sqrt(x)", 0x8000_0000, 0, 0x8000_0000),
            ("rint(x)", 0x4020_0000, 0, 0x4000_0000),  // 2.5 -> 2.
            ("rint(x)", 0xbf00_0000, 0, 0x8000_0000),  // -0.5 -> -0.
            ("floor(x)", 0xbe99_999a, 0, 0xbf80_0000),  // -0.3 -> -1.
            ("ceil(x)", 0xbe99_999a, 0, 0x8000_0000),  // -0.3 -> -0.
            ("trunc(x)", 0xbff3_3333, 0, 0xbf80_0000),  // -1.9 -> -1.
            ("floor(x)", 0x4b80_0001, 0, 0x4b80_0001),  // beyond 2^24 everything is whole.
            ("fmin(x, y)", 0x7fc0_0000, 0x3f80_0000, 0x3f80_0000),
            ("fmin(x, y)", 0x0000_0000, 0x8000_0000, 0x8000_0000),
            ("fmax(x, y)", 0x8000_0000, 0x0000_0000, 0x0000_0000),
            ("fmax(x, y)", 0x3f80_0000, 0x7fc0_0000, 0x3f80_0000),
            ("fabs(x)", 0xbf80_0000, 0, 0x3f80_0000),
            // (1 + 2^-12)^2 - (1 + 2^-11): only an exact product keeps 2^-24.
            ("fma(x, x, -y)", 0x3f80_0800, 0x3f80_1000, 0x3380_0000),
            ("x * x - y", 0x3f80_0800, 0x3f80_1000, 0x0000_0000),  // and no contraction.
        ]
        for (expression, a, b, want) in cases {
            let rig = try Rig(
                """
                __kernel void k(
                    __global const float *a, __global const float *b, __global float *o) {
                    int i = (int)get_global_id(0);
                    float x = a[i]; float y = b[i];
                    o[i] = \(expression);
                }
                """,
                local: [1], groups: [1],
                buffers: [
                    .input("a", .float, bytes([a])), .input("b", .float, bytes([b])),
                    .output("o", .float, block: 1, elements: 1),
                ])
            let found: [UInt32] = numbers(try rig.run().slice)
            #expect(
                found == [want], "\(expression) of \(String(a, radix: 16)), \(String(b, radix: 16))"
            )
        }
    }

    /// Conversions at the borders: saturation, NaN, rounding modes, wrapping.
    @Test func conversions() throws {
        let cases: [(String, UInt32, Int64)] = [
            ("(int)x", 0x4f00_0000, Int64(Int32.max)), ("(int)x", 0xff80_0000, Int64(Int32.min)),
            ("(int)x", 0x7fc0_0000, 0), ("(int)x", 0xbff3_3333, -1),
            ("(uint)x", 0xbf80_0000, 0), ("(uint)x", 0x4f80_0000, Int64(UInt32.max)),
            ("(uchar)x", 0x43c8_0000, 255), ("(char)x", 0xc3c8_0000, -128),
            ("(short)x", 0x4700_0000, 32_767), ("(long)x", 0x5f00_0000, .max),
            ("(long)x", 0xdf00_0000, .min), ("(long)(ulong)x", 0x5f80_0000, -1),
            ("convert_int_rte(x)", 0x4020_0000, 2), ("convert_int_rtp(x)", 0x4020_0000, 3),
            ("convert_int_rtn(x)", 0xc020_0000, -3), ("convert_char_sat(x)", 0x4348_0000, 127),
            ("convert_uchar_sat((int)x)", 0xc348_0000, 0), ("(char)(int)x", 0x4348_0000, -56),
            ("as_int(x)", 0xffc0_0001, 0x7fc0_0000), ("(bool)x", 0x8000_0000, 0),
            ("(bool)x", 0x7fc0_0000, 1), ("!x", 0x8000_0000, 1),
            ("as_int((float)(uint)x)", 0x4b80_0001, 0x4b80_0001),
            // 2^24 + 1 is a tie to even; 2^63 + 2^39 another.
            ("as_int((float)((int)x + 1))", 0x4b80_0000, 0x4b80_0000),
            ("as_int((float)((ulong)x + (1ul << 39)))", 0x5f00_0000, 0x5f00_0000),
            ("as_int((float)((ulong)x + (1ul << 39) + 1ul))", 0x5f00_0000, 0x5f00_0001),
        ]
        for (expression, a, want) in cases {
            let rig = try Rig(
                """
                __kernel void k(__global const float *a, __global long *o) {
                    float x = a[get_global_id(0)];
                    o[get_global_id(0)] = (long)(\(expression));
                }
                """,
                local: [1], groups: [1],
                buffers: [
                    .input("a", .float, bytes([a])), .output("o", .long, block: 1, elements: 1),
                ])
            let found: [Int64] = numbers(try rig.run().slice)
            #expect(found == [want], "\(expression) of \(String(a, radix: 16))")
        }
    }
}
