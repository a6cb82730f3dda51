/// Constant folding of binary32: the conversions of literals, both correctly rounded.
enum FloatFolding {
    /// Bits of the finite float that a decimal or hexadecimal text says.
    static func literal(_ text: String) -> UInt64? {
        guard let value = Float(text), value.isFinite else { return nil }
        return UInt64(value.bitPattern)
    }

    /// Bits of an integer as a float, rounded to nearest even.
    static func fromInteger(_ bits: UInt64, unsigned: Bool, _ type: ScalarType) -> UInt64 {
        let value = unsigned ? Float(bits) : Float(Folding.extended(bits, type))
        return UInt64(value.bitPattern)
    }
}
