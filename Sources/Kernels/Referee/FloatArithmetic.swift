/// The only file of the deterministic rooms where floating point lives.
///
/// Values travel as bit patterns (`UInt32` for f32).
/// Every operation here is one IEEE 754 operation, correctly rounded to nearest even, denormals
/// kept. Nothing contracts `a * b + c`: Swift never does, and `fma` is computed exactly. A NaN
/// result may carry any payload; ``canonical(_:)`` runs wherever bits become visible: in stores and
/// reinterpretation.
///
/// - Source: IEEE 754-2019; OpenCL C 1.2, 7.4 and 6.2.3; protocol/kernel-language.md.
enum FloatArithmetic {
    static let nan32: UInt32 = 0x7fc0_0000

    // MARK: arithmetic

    @inline(__always) static func add(_ a: UInt32, _ b: UInt32) -> UInt32 {
        (Float(bitPattern: a) + Float(bitPattern: b)).bitPattern
    }
    @inline(__always) static func sub(_ a: UInt32, _ b: UInt32) -> UInt32 {
        (Float(bitPattern: a) - Float(bitPattern: b)).bitPattern
    }
    @inline(__always) static func mul(_ a: UInt32, _ b: UInt32) -> UInt32 {
        (Float(bitPattern: a) * Float(bitPattern: b)).bitPattern
    }
    @inline(__always) static func div(_ a: UInt32, _ b: UInt32) -> UInt32 {
        (Float(bitPattern: a) / Float(bitPattern: b)).bitPattern
    }
    @inline(__always) static func sqrt(_ a: UInt32) -> UInt32 {
        Float(bitPattern: a).squareRoot().bitPattern
    }
    @inline(__always) static func equal(_ a: UInt32, _ b: UInt32) -> Bool {
        Float(bitPattern: a) == Float(bitPattern: b)
    }
    @inline(__always) static func less(_ a: UInt32, _ b: UInt32) -> Bool {
        Float(bitPattern: a) < Float(bitPattern: b)
    }
    @inline(__always) static func lessEqual(_ a: UInt32, _ b: UInt32) -> Bool {
        Float(bitPattern: a) <= Float(bitPattern: b)
    }
    // The four roundings are built from an addition that drops the fraction, so that they vectorise
    // on any processor; above 2^23 every f32 is whole already.

    @inline(__always) static func rint(_ a: UInt32) -> UInt32 {
        let sign = a & 0x8000_0000
        let size = Float(bitPattern: a ^ sign)
        let whole = (size + 0x1p23) - 0x1p23
        return size < 0x1p23 ? whole.bitPattern | sign : a
    }
    @inline(__always) static func floor(_ a: UInt32) -> UInt32 {
        let near = rint(a)
        let less = (Float(bitPattern: near) - 1).bitPattern
        return Float(bitPattern: near) > Float(bitPattern: a) ? less | (a & 0x8000_0000) : near
    }
    @inline(__always) static func ceil(_ a: UInt32) -> UInt32 {
        let near = rint(a)
        let more = (Float(bitPattern: near) + 1).bitPattern
        return Float(bitPattern: near) < Float(bitPattern: a) ? more | (a & 0x8000_0000) : near
    }
    @inline(__always) static func trunc(_ a: UInt32) -> UInt32 {
        let sign = a & 0x8000_0000
        return floor(a ^ sign) | sign
    }
    @inline(__always) static func isNaN(_ a: UInt32) -> Bool { a & 0x7fff_ffff > 0x7f80_0000 }
    @inline(__always) static func canonical(_ a: UInt32) -> UInt32 { isNaN(a) ? nan32 : a }
    /// The other operand for one NaN; -0 is below +0.
    @inline(__always) static func fmin(_ a: UInt32, _ b: UInt32) -> UInt32 {
        if isNaN(a) { return b }
        if equal(a, b) { return a | b }
        return less(b, a) ? b : a
    }
    @inline(__always) static func fmax(_ a: UInt32, _ b: UInt32) -> UInt32 {
        if isNaN(a) { return b }
        if equal(a, b) { return a & b }
        return less(a, b) ? b : a
    }

    /// `a * b + c` rounded once.
    ///
    /// The product of two f32 is exact in f64; the sum is rounded to odd there, so that the second
    /// rounding to f32 sees on which side of a tie the exact sum lies.
    ///
    /// - Source: Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums", 2008.
    @inline(__always) static func fma(_ a: UInt32, _ b: UInt32, _ c: UInt32) -> UInt32 {
        let product = Double(Float(bitPattern: a)) * Double(Float(bitPattern: b))
        let addend = Double(Float(bitPattern: c))
        let sum = product + addend
        let virtual = sum - product
        let rest = (product - (sum - virtual)) + (addend - virtual)
        var bits = sum.bitPattern
        let exact = rest == 0 || rest.isNaN
        let up = (rest > 0) == (sum > 0)
        let odd = bits & 1 == 1
        let step: UInt64 = exact || odd ? 0 : (up ? 1 : ~0)
        bits = bits &+ step
        return Float(Double(bitPattern: bits)).bitPattern
    }

    // MARK: conversions

    @inline(__always) static func f32(_ a: Int32) -> UInt32 { Float(a).bitPattern }
    @inline(__always) static func f32(_ a: UInt32) -> UInt32 { Float(a).bitPattern }
    @inline(__always) static func f32(_ a: Int64) -> UInt32 { Float(a).bitPattern }
    @inline(__always) static func f32(_ a: UInt64) -> UInt32 { Float(a).bitPattern }

    /// Truncates towards zero and saturates to `T`; NaN gives zero.
    @inline(__always) static func integer<T: FixedWidthInteger>(
        _ a: UInt32, _ type: T.Type
    ) -> T {
        let x = Double(Float(bitPattern: a))
        // Both bounds are powers of two (or zero), exact in f64. The upper one is the first value
        // too large.
        let above = T.isSigned ? -Double(T.min) : Double(T.max / 2 &+ 1) * 2
        if !(x > Double(T.min)) { return x.isNaN ? 0 : T.min }
        if x >= above { return T.max }
        return T(truncatingIfNeeded: T.isSigned ? Int64(x) : Int64(bitPattern: UInt64(x)))
    }

    // MARK: environment

    /// Operands that the optimiser cannot see through, and the only results that IEEE 754 allows in
    /// round-to-nearest-even with denormals kept.
    private static let cases: [(UInt32, UInt32, UInt32)] = [
        (0x3f80_0000, 0x3380_0000, 0x3f80_0000),  // 1 + 2^-24: a tie, to even.
        (0x3f80_0001, 0x3380_0000, 0x3f80_0002),  // the next one up: a tie, to even.
        (0xbf80_0000, 0xb380_0001, 0xbf80_0001),  // just beyond a tie, negative.
        (0x0000_0001, 0x0000_0001, 0x0000_0002),  // denormal operands and result.
        (0x0080_0000, 0x8000_0001, 0x007f_ffff),  // normal operand, denormal result.
    ]

    /// Whether the processor rounds to nearest even and keeps denormals.
    ///
    /// Another library in the process may have changed the control register; a run must not start
    /// then.
    @inline(never) static func environmentIsExact() -> Bool {
        for (a, b, sum) in opaque(cases) {
            guard add(a, b) == sum else { return false }
        }
        // f64 serves inside ``fma(_:_:_:)``.
        for one in opaque([1.0]) {
            guard one + 0x1p-53 == one, one + 0x1.8p-53 == 0x1.0000000000001p0 else { return false }
            guard one * 0x1p-1022 * 0x1p-1 == 0x1p-1023, 0x1p-1023 * (one + one) > 0 else {
                return false
            }
        }
        return true
    }

    @inline(never) private static func opaque<T>(_ values: [T]) -> [T] { values }
}
