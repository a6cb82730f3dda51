import Kernels

/// The number that the low `bits` bits stand for in two's complement.
func signed(_ value: UInt64, _ bits: Int) -> Int128 {
    let low = bits == 64 ? value : value & ((1 << UInt64(bits)) - 1)
    return low >> UInt64(bits - 1) & 1 == 1 ? Int128(low) - (1 << Int128(bits)) : Int128(low)
}

/// The language's arithmetic in 128-bit integers and the test machine's floats.
enum OracleArithmetic {
    static func number(_ value: UInt64, _ type: ScalarType) -> Int128 {
        type.isSigned ? signed(value, type.bits) : Int128(value)
    }

    static func wrap(_ value: Int128, _ type: ScalarType) -> UInt64 {
        let low = UInt64(truncatingIfNeeded: value)
        if type == .bool { return low & 1 }
        return type.bits == 64 ? low : low & ((1 << UInt64(type.bits)) - 1)
    }

    static func bounds(_ type: ScalarType) -> (Int128, Int128) {
        let bits = Int128(type.bits)
        if type == .bool { return (0, 1) }
        return type.isSigned ? (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) : (0, (1 << bits) - 1)
    }

    static func clamp(_ value: Int128, _ type: ScalarType) -> UInt64 {
        let (low, high) = self.bounds(type)
        return self.wrap(min(max(value, low), high), type)
    }

    static func float(_ value: UInt64) -> Float { Float(bitPattern: UInt32(value)) }
    static func bits(_ value: Float) -> UInt64 { UInt64(value.bitPattern) }

    static func isTrue(_ value: UInt64, _ type: ScalarType) -> Bool {
        type == .float ? self.float(value) != 0 : value != 0
    }

    static func unary(_ operation: UnaryOperator, _ a: UInt64, _ type: ScalarType) -> UInt64 {
        switch operation {
        case .negate where type == .float: a ^ 0x8000_0000
        case .negate: self.wrap(-self.number(a, type), type)
        case .complement: self.wrap(-self.number(a, type) - 1, type)
        }
    }

    static func binary(
        _ operation: BinaryOperator, _ a: UInt64, _ b: UInt64, _ type: ScalarType
    ) -> UInt64 {
        if type == .float {
            let (x, y) = (self.float(a), self.float(b))
            switch operation {
            case .add: return self.bits(x + y)
            case .subtract: return self.bits(x - y)
            case .multiply: return self.bits(x * y)
            default: return self.bits(x / y)
            }
        }
        let (x, y) = (self.number(a, type), self.number(b, type))
        let amount = Int128(b & UInt64(type.bits - 1))
        switch operation {
        case .add: return self.wrap(x + y, type)
        case .subtract: return self.wrap(x - y, type)
        case .multiply: return self.wrap(x &* y, type)
        case .divide: return y == 0 ? 0 : self.wrap(x / y, type)
        case .remainder: return y == 0 ? 0 : self.wrap(x % y, type)
        case .bitAnd: return a & b
        case .bitOr: return a | b
        case .bitXor: return a ^ b
        case .shiftLeft: return self.wrap(x << amount, type)
        case .shiftRight: return self.wrap(x >> amount, type)
        }
    }

    static func compare(
        _ operation: ComparisonOperator, _ a: UInt64, _ b: UInt64, _ type: ScalarType
    ) -> Bool {
        func order<T: Comparable>(_ x: T, _ y: T) -> Bool {
            switch operation {
            case .equal: x == y
            case .notEqual: x != y
            case .less: x < y
            case .lessOrEqual: x <= y
            case .greater: x > y
            case .greaterOrEqual: x >= y
            }
        }
        return type == .float
            ? order(self.float(a), self.float(b))
            : order(self.number(a, type), self.number(b, type))
    }

    static func cast(
        _ mode: CastMode, _ a: UInt64, from source: ScalarType, to result: ScalarType
    ) -> UInt64 {
        if mode == .bits {
            return source == .float && self.float(a).isNaN ? 0x7fc0_0000 : a
        }
        if result == .bool { return self.isTrue(a, source) ? 1 : 0 }
        if source != .float {
            if result == .float { return self.bits(Float(exactlyRounding: self.number(a, source))) }
            let value = self.number(a, source)
            return mode == .saturate ? self.clamp(value, result) : self.wrap(value, result)
        }
        if result == .float { return a }
        let x = self.float(a)
        if x.isNaN { return 0 }
        let rule: FloatingPointRoundingRule =
            switch mode {
            case .nearest: .toNearestOrEven
            case .down: .down
            case .up: .up
            case .value, .saturate, .bits: .towardZero
            }
        let whole = x.rounded(rule)
        if whole >= 0x1p100 { return self.clamp(1 << 100, result) }
        if whole <= -0x1p100 { return self.clamp(-(1 << 100), result) }
        return self.clamp(Int128(whole), result)
    }

    static func call(_ builtin: Builtin, _ v: [UInt64], _ types: [ValueType]) -> UInt64 {
        let type = types[0].base
        return type == .float && builtin != .select
            ? self.floatCall(builtin, v) : self.integerCall(builtin, v, types)
    }

    private static func integerCall(_ builtin: Builtin, _ v: [UInt64], _ types: [ValueType])
        -> UInt64
    {
        let type = types[0].base
        let n = v.map { self.number($0, type) }
        let width = UInt64(type.bits)
        switch builtin {
        case .min: return self.wrap(min(n[0], n[1]), type)
        case .max: return self.wrap(max(n[0], n[1]), type)
        case .clamp: return self.wrap(min(max(n[0], n[1]), n[2]), type)
        case .abs: return self.wrap(n[0].magnitude > 0 ? Int128(n[0].magnitude) : 0, type)
        case .absDiff: return self.wrap(max(n[0], n[1]) - min(n[0], n[1]), type)
        case .mulHigh: return self.wrap((n[0] &* n[1]) >> Int128(width), type)
        case .popcount: return UInt64(v[0].nonzeroBitCount)
        case .leadingZeros: return UInt64(v[0].leadingZeroBitCount) - (64 - width)
        case .rotate:
            let amount = v[1] & (width - 1)
            return amount == 0
                ? v[0] : self.wrap(Int128(v[0] << amount | v[0] >> (width - amount)), type)
        case .addSaturating: return self.clamp(n[0] + n[1], type)
        case .subtractSaturating: return self.clamp(n[0] - n[1], type)
        case .halfAdd: return self.wrap((n[0] + n[1]) >> 1, type)
        case .roundedHalfAdd: return self.wrap((n[0] + n[1] + 1) >> 1, type)
        case .select:
            let selector = types[2]
            let picks =
                selector.isScalar ? v[2] != 0 : v[2] >> UInt64(selector.base.bits - 1) & 1 == 1
            return picks ? v[1] : v[0]
        case .fabs, .floor, .ceil, .trunc, .rint, .sqrt, .fma, .fmin, .fmax: return 0
        }
    }

    private static func floatCall(_ builtin: Builtin, _ v: [UInt64]) -> UInt64 {
        let x = v.map { self.float($0) }
        switch builtin {
        case .min: return x[1] < x[0] ? v[1] : v[0]
        case .max: return x[0] < x[1] ? v[1] : v[0]
        case .clamp:
            let raised = x[0] < x[1] ? x[1] : x[0]
            return self.bits(x[2] < raised ? x[2] : raised)
        case .fabs: return v[0] & 0x7fff_ffff
        case .floor: return self.bits(x[0].rounded(.down))
        case .ceil: return self.bits(x[0].rounded(.up))
        case .trunc: return self.bits(x[0].rounded(.towardZero))
        case .rint: return self.bits(x[0].rounded(.toNearestOrEven))
        case .sqrt: return self.bits(x[0].squareRoot())
        case .fma: return self.bits(x[2].addingProduct(x[0], x[1]))
        case .fmin:
            if x[0].isNaN { return v[1] }
            if x[1].isNaN { return v[0] }
            return x[0] == 0 && x[1] == 0 ? v[0] | v[1] : self.bits(Swift.min(x[0], x[1]))
        case .fmax:
            if x[0].isNaN { return v[1] }
            if x[1].isNaN { return v[0] }
            return x[0] == 0 && x[1] == 0 ? v[0] & v[1] : self.bits(Swift.max(x[0], x[1]))
        default: return 0
        }
    }
}

extension Float {
    /// The nearest float, ties to even, by counting bits: shares nothing with the processor's
    /// conversion.
    init(exactlyRounding value: Int128) {
        let size = value.magnitude
        let excess = 128 - size.leadingZeroBitCount - 24
        guard excess > 0 else {
            self = Float(Int32(truncatingIfNeeded: size)) * (value < 0 ? -1 : 1)
            return
        }
        var kept = size >> UInt128(excess)
        let rest = size & ((1 << UInt128(excess)) - 1)
        let half = UInt128(1) << UInt128(excess - 1)
        if rest > half || rest == half && kept & 1 == 1 { kept += 1 }
        let scaled = Float(sign: .plus, exponent: excess, significand: Float(UInt32(kept)))
        self = value < 0 ? -scaled : scaled
    }
}
