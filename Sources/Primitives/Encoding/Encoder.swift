/// Writes canonical bytes: little-endian integers, minimal ULEB128 lengths.
///
/// - Source: protocol/encoding.md.
package struct Encoder: Sendable {
    /// What was written so far.
    package private(set) var bytes: [UInt8] = []

    /// An empty encoder.
    package init() {}

    /// One byte.
    package mutating func u8(_ value: UInt8) { self.bytes.append(value) }

    /// Two bytes, little-endian.
    package mutating func u16(_ value: UInt16) { self.integer(value) }

    /// Four bytes, little-endian.
    package mutating func u32(_ value: UInt32) { self.integer(value) }

    /// Eight bytes, little-endian.
    package mutating func u64(_ value: UInt64) { self.integer(value) }

    /// Sixteen bytes, little-endian.
    package mutating func u128(_ value: UInt128) { self.integer(value) }

    /// One byte, 0 or 1.
    package mutating func bool(_ value: Bool) { self.u8(value ? 1 : 0) }

    /// A length or count as minimal ULEB128.
    ///
    /// - Bounds: our own collections only, so at most 2^32 - 1.
    package mutating func length(_ value: Int) {
        precondition(value >= 0 && value <= UInt32.max, "lengths fit 32 bits")
        var rest = UInt32(value)
        while rest >= 0x80 {
            self.bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        self.bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Bytes without a length; the reader knows how many.
    package mutating func raw<C: Collection<UInt8>>(_ value: C) {
        self.bytes.append(contentsOf: value)
    }

    /// A length and as many bytes.
    package mutating func byteString(_ value: [UInt8]) {
        self.length(value.count)
        self.bytes.append(contentsOf: value)
    }

    private mutating func integer<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { self.bytes.append(contentsOf: $0) }
    }
}
