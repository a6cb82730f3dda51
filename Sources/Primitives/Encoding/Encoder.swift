/// Writes canonical bytes: little-endian integers, minimal ULEB128 lengths.
///
/// Inlinable, so that a record's encoding is one piece of code in the room that declares it.
///
/// - Source: protocol/encoding.md.
@usableFromInline package struct Encoder: Sendable {
    /// What was written so far.
    @usableFromInline package internal(set) var bytes: [UInt8] = []

    /// An empty encoder.
    @inlinable package init() {}

    /// One byte.
    @inlinable package mutating func u8(_ value: UInt8) { self.bytes.append(value) }

    /// Two bytes, little-endian.
    @inlinable package mutating func u16(_ value: UInt16) { self.integer(value) }

    /// Four bytes, little-endian.
    @inlinable package mutating func u32(_ value: UInt32) { self.integer(value) }

    /// Eight bytes, little-endian.
    @inlinable package mutating func u64(_ value: UInt64) { self.integer(value) }

    /// Sixteen bytes, little-endian.
    @inlinable package mutating func u128(_ value: UInt128) { self.integer(value) }

    /// One byte, 0 or 1.
    @inlinable package mutating func bool(_ value: Bool) { self.u8(value ? 1 : 0) }

    /// A length or count as minimal ULEB128.
    ///
    /// - Bounds: our own collections only, so at most 2^32 - 1.
    @inlinable package mutating func length(_ value: Int) {
        precondition(value >= 0 && value <= UInt32.max, "lengths fit 32 bits")
        var rest = UInt32(value)
        while rest >= 0x80 {
            self.bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        self.bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Bytes without a length; the reader knows how many.
    @inlinable package mutating func raw<C: Collection<UInt8>>(_ value: C) {
        self.bytes.append(contentsOf: value)
    }

    /// A length and as many bytes.
    @inlinable package mutating func byteString(_ value: [UInt8]) {
        self.length(value.count)
        self.bytes.append(contentsOf: value)
    }

    @inlinable mutating func integer<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { self.bytes.append(contentsOf: $0) }
    }
}
