@inline(__always) private func truth(_ x: Bool) -> UInt32 { x ? 1 : 0 }

extension Frame {
    @inline(never) func run(_ operation: Unary32, _ i: Instruction) {
        typealias F = FloatArithmetic
        switch operation {
        case .copy: self.unary(i) { (a: UInt32) in a }
        case .neg: self.unary(i) { (a: UInt32) in 0 &- a }
        case .not: self.unary(i) { (a: UInt32) in ~a }
        case .isZero: self.unary(i) { (a: UInt32) in truth(a == 0) }
        case .isNonZero: self.unary(i) { (a: UInt32) in truth(a != 0) }
        case .abs: self.unary(i) { (a: Int32) in a < 0 ? 0 &- a : a }
        case .clz:
            self.unary(i) { (a: UInt32) in UInt32(truncatingIfNeeded: a.leadingZeroBitCount) }
        case .popcount:
            self.unary(i) { (a: UInt32) in UInt32(truncatingIfNeeded: a.nonzeroBitCount) }
        case .extend8S: self.unary(i) { (a: UInt32) in Int32(Int8(truncatingIfNeeded: a)) }
        case .extend8U: self.unary(i) { (a: UInt32) in a & 0xff }
        case .extend16S: self.unary(i) { (a: UInt32) in Int32(Int16(truncatingIfNeeded: a)) }
        case .extend16U: self.unary(i) { (a: UInt32) in a & 0xffff }
        case .fneg: self.unary(i) { (a: UInt32) in a ^ 0x8000_0000 }
        case .fabs: self.unary(i) { (a: UInt32) in a & 0x7fff_ffff }
        case .sqrt: self.unary(i) { (a: UInt32) in F.sqrt(a) }
        case .floor: self.unary(i) { (a: UInt32) in F.floor(a) }
        case .ceil: self.unary(i) { (a: UInt32) in F.ceil(a) }
        case .trunc: self.unary(i) { (a: UInt32) in F.trunc(a) }
        case .rint: self.unary(i) { (a: UInt32) in F.rint(a) }
        case .canonical: self.unary(i) { (a: UInt32) in F.canonical(a) }
        case .floatFromS: self.unary(i) { (a: Int32) in F.f32(a) }
        case .floatFromU: self.unary(i) { (a: UInt32) in F.f32(a) }
        case .signedFromFloat: self.unary(i) { (a: UInt32) in F.integer(a, Int32.self) }
        case .unsignedFromFloat: self.unary(i) { (a: UInt32) in F.integer(a, UInt32.self) }
        }
    }

    @inline(never) func run(_ operation: Unary64, _ i: Instruction) {
        switch operation {
        case .copy: self.unary(i) { (a: UInt64) in a }
        case .neg: self.unary(i) { (a: UInt64) in 0 &- a }
        case .not: self.unary(i) { (a: UInt64) in ~a }
        case .abs: self.unary(i) { (a: Int64) in a < 0 ? 0 &- a : a }
        case .clz:
            self.unary(i) { (a: UInt64) in UInt64(truncatingIfNeeded: a.leadingZeroBitCount) }
        case .popcount:
            self.unary(i) { (a: UInt64) in UInt64(truncatingIfNeeded: a.nonzeroBitCount) }
        }
    }

    @inline(never) func run(_ operation: Widen, _ i: Instruction) {
        typealias F = FloatArithmetic
        switch operation {
        case .signed: self.unary(i) { (a: Int32) in Int64(a) }
        case .unsigned: self.unary(i) { (a: UInt32) in UInt64(a) }
        case .signedFromFloat: self.unary(i) { (a: UInt32) in F.integer(a, Int64.self) }
        case .unsignedFromFloat: self.unary(i) { (a: UInt32) in F.integer(a, UInt64.self) }
        }
    }

    @inline(never) func run(_ operation: Narrow, _ i: Instruction) {
        typealias F = FloatArithmetic
        switch operation {
        case .truncate: self.unary(i) { (a: UInt64) in UInt32(truncatingIfNeeded: a) }
        case .isZero: self.unary(i) { (a: UInt64) in truth(a == 0) }
        case .isNonZero: self.unary(i) { (a: UInt64) in truth(a != 0) }
        case .floatFromS: self.unary(i) { (a: Int64) in F.f32(a) }
        case .floatFromU: self.unary(i) { (a: UInt64) in F.f32(a) }
        }
    }

    @inline(never) func run(_ operation: Ternary, _ i: Instruction) {
        typealias F = FloatArithmetic
        switch operation {
        case .select32: self.ternary(i) { (a: UInt32, b: UInt32, c: UInt32) in a != 0 ? b : c }
        case .select64: self.ternary(i) { (a: UInt32, b: UInt64, c: UInt64) in a != 0 ? b : c }
        case .fma32: self.ternary(i) { (a: UInt32, b: UInt32, c: UInt32) in F.fma(a, b, c) }
        }
    }

    /// Everything but the reductions, which ``Machine`` needs for its jumps.
    @inline(never) func run(_ operation: MaskOperation, _ i: Instruction) {
        switch operation {
        case .keepTrue: self.accumulating(i) { (a: UInt32, b: UInt32) in b != 0 ? a : 0 }
        case .keepFalse: self.accumulating(i) { (a: UInt32, b: UInt32) in b == 0 ? a : 0 }
        case .without: self.accumulating(i) { (a: UInt32, b: UInt32) in a & ~b }
        case .union: self.accumulating(i) { (a: UInt32, b: UInt32) in a | b }
        case .copy: self.unary(i) { (a: UInt32) in a }
        case .clear: self.fill(i.d, UInt32(0))
        case .blend32: self.blend(i, UInt32.self)
        case .blend64: self.blend(i, UInt64.self)
        case .splat32: self.fill(i.d, self.pointer(i.a, UInt32.self)[0])
        case .splat64: self.fill(i.d, self.pointer(i.a, UInt64.self)[0])
        }
    }

    @inline(__always) private func fill<T>(_ offset: Int32, _ value: T) {
        let d = self.pointer(offset, T.self)
        for k in 0..<self.count { d[k] = value }
    }

    @inline(__always) private func blend<T: FixedWidthInteger>(_ i: Instruction, _ type: T.Type) {
        let a = self.pointer(i.a, T.self)
        let mask = self.pointer(i.c, Int32.self)
        let d = self.pointer(i.d, T.self)
        if i.form == .uniform || i.form == .rowUniform {
            let value = a[0]
            for k in 0..<self.count {
                let m = T(truncatingIfNeeded: mask[k])
                d[k] = (value & m) | (d[k] & ~m)
            }
        } else {
            for k in 0..<self.count {
                let m = T(truncatingIfNeeded: mask[k])
                d[k] = (a[k] & m) | (d[k] & ~m)
            }
        }
    }

    /// Whether a mask has no lane.
    @inline(__always) func isEmpty(_ offset: Int32) -> Bool {
        let mask = self.pointer(offset, UInt32.self)
        var any: UInt32 = 0
        for k in 0..<self.count { any |= mask[k] }
        return any == 0
    }
}
