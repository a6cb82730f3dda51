/// Reads canonical bytes and refuses everything else; never traps, never allocates beyond its
/// input.
///
/// Inlinable, so that a record's decoding is one piece of code in the room that declares it.
///
/// - Throws: ``DecodeError`` with the offset of the first byte that is wrong.
/// - Source: protocol/encoding.md.
@usableFromInline package struct Decoder: Sendable {
    /// Nested records and lists beyond this are refused.
    @usableFromInline package static let depthMax = 32

    /// The position of the next byte.
    @usableFromInline package internal(set) var offset = 0
    @usableFromInline let bytes: [UInt8]
    @usableFromInline var depth = 0

    /// Reads `bytes` from the start.
    @inlinable package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Bytes not read yet.
    @inlinable package var remaining: Int { self.bytes.count - self.offset }

    /// One byte.
    @inlinable package mutating func u8() throws(DecodeError) -> UInt8 {
        guard self.remaining >= 1 else { throw .truncated(offset: self.offset) }
        defer { self.offset += 1 }
        return self.bytes[self.offset]
    }

    /// Two bytes, little-endian.
    @inlinable package mutating func u16() throws(DecodeError) -> UInt16 { try self.integer() }

    /// Four bytes, little-endian.
    @inlinable package mutating func u32() throws(DecodeError) -> UInt32 { try self.integer() }

    /// Eight bytes, little-endian.
    @inlinable package mutating func u64() throws(DecodeError) -> UInt64 { try self.integer() }

    /// Sixteen bytes, little-endian.
    @inlinable package mutating func u128() throws(DecodeError) -> UInt128 { try self.integer() }

    /// One byte, 0 or 1 and nothing else.
    @inlinable package mutating func bool() throws(DecodeError) -> Bool {
        let start = self.offset
        switch try self.u8() {
        case 0: return false
        case 1: return true
        default: throw .invalid(field: "bool", offset: start)
        }
    }

    /// A minimal ULEB128 of at most 32 bits, at most `max`.
    @inlinable package mutating func length(
        max: Int, field: @autoclosure () -> String
    ) throws(DecodeError) -> Int {
        let start = self.offset
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try self.u8()
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 {
                let minimal = byte != 0 || shift == 0
                guard minimal, value <= UInt32.max else { throw .nonMinimalLength(offset: start) }
                break
            }
            shift += 7
            guard shift <= 28 else { throw .nonMinimalLength(offset: start) }
        }
        guard value <= UInt64(clamping: max) else {
            throw .tooLong(field: field(), limit: max, offset: start)
        }
        return Int(truncatingIfNeeded: value)
    }

    /// Exactly `count` bytes.
    ///
    /// Never inlined: where the optimiser sees that nobody reads the copy, Swift 6.3.1 frees it
    /// before it is filled, and the bytes go into freed memory.
    @usableFromInline @inline(never)
    package mutating func raw(_ count: Int) throws(DecodeError) -> [UInt8] {
        try self.skip(count)
        return Array(self.bytes[self.offset - count..<self.offset])
    }

    /// Leaves out `count` bytes.
    @inlinable package mutating func skip(_ count: Int) throws(DecodeError) {
        guard count >= 0, count <= self.remaining else { throw .truncated(offset: self.offset) }
        self.offset += count
    }

    /// A length of at most `max` and as many bytes.
    @inlinable package mutating func byteString(
        max: Int, field: @autoclosure () -> String
    ) throws(DecodeError) -> [UInt8] {
        let count = try self.length(max: max, field: field())
        return try self.raw(count)
    }

    /// Enters one level of nesting; pair it with ``leave()``.
    @inlinable package mutating func enter() throws(DecodeError) {
        guard self.depth < Self.depthMax else { throw .tooDeep(offset: self.offset) }
        self.depth += 1
    }

    /// Leaves one level of nesting.
    @inlinable package mutating func leave() { self.depth -= 1 }

    /// The end: every byte was read.
    @inlinable package func finish() throws(DecodeError) {
        guard self.remaining == 0 else { throw .trailingBytes(offset: self.offset) }
    }

    @inlinable mutating func integer<T: FixedWidthInteger>() throws(DecodeError) -> T {
        let count = MemoryLayout<T>.size
        guard count <= self.remaining else { throw .truncated(offset: self.offset) }
        let value = self.bytes.withUnsafeBytes {
            // Inside: offset + count <= bytes.count was just checked, and offset is never negative.
            $0.loadUnaligned(fromByteOffset: self.offset, as: T.self)
        }
        self.offset += count
        return T(littleEndian: value)
    }
}
