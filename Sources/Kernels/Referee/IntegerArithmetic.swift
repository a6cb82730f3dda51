/// Total integer operations on one lane: nothing here traps, whatever the operands.
///
/// Division by zero gives zero, as does the remainder; the smallest signed value divided by -1
/// wraps (remainder zero); shifts use the count modulo the width.
///
/// - Source: protocol/kernel-language, "Total semantics"; OpenCL C 1.2, 6.3.
enum IntegerArithmetic {
    @inline(__always) static func div<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
        if b == 0 { return 0 }
        return a.dividedReportingOverflow(by: b).partialValue
    }
    @inline(__always) static func rem<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
        if b == 0 { return 0 }
        return a.remainderReportingOverflow(dividingBy: b).partialValue
    }
    @inline(__always) static func mulHigh<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
        a.multipliedFullWidth(by: b).high
    }
    @inline(__always) static func addSaturating<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? (T.isSigned && a < 0 ? T.min : T.max) : sum
    }
    @inline(__always) static func subSaturating<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
        let (rest, overflow) = a.subtractingReportingOverflow(b)
        return overflow ? (T.isSigned && a >= 0 ? T.max : T.min) : rest
    }
    /// |a - b| without overflow, as the unsigned pattern.
    @inline(__always) static func absoluteDifference<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
        a < b ? b &- a : a &- b
    }
    /// floor((a + b) / 2) without overflow.
    @inline(__always) static func halfAdd<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
        (a & b) &+ ((a ^ b) &>> 1)
    }
    /// ceil((a + b) / 2) without overflow.
    @inline(__always) static func roundedHalfAdd<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
        (a | b) &- ((a ^ b) &>> 1)
    }
    @inline(__always) static func rotate<T: FixedWidthInteger & UnsignedInteger>(
        _ a: T, _ b: T
    ) -> T {
        (a &<< b) | (a &>> (0 &- b))
    }
}
