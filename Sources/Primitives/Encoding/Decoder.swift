/// Reads canonical bytes and refuses everything else; never traps, never allocates beyond its
/// input.
///
/// - Throws: ``DecodeError`` with the offset of the first byte that is wrong.
/// - Source: protocol/encoding.md.
package struct Decoder: Sendable {
    /// Nested records and lists beyond this are refused.
    package static let depthMax = 32

    /// The position of the next byte.
    package private(set) var offset = 0
    private let bytes: [UInt8]
    private var depth = 0

    /// Reads `bytes` from the start.
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Bytes not read yet.
    package var remaining: Int { self.bytes.count - self.offset }

    /// One byte.
    package mutating func u8() throws(DecodeError) -> UInt8 {
        guard self.remaining >= 1 else { throw .truncated(offset: self.offset) }
        defer { self.offset += 1 }
        return self.bytes[self.offset]
    }

    /// Two bytes, little-endian.
    package mutating func u16() throws(DecodeError) -> UInt16 { try self.integer() }

    /// Four bytes, little-endian.
    package mutating func u32() throws(DecodeError) -> UInt32 { try self.integer() }

    /// Eight bytes, little-endian.
    package mutating func u64() throws(DecodeError) -> UInt64 { try self.integer() }

    /// Sixteen bytes, little-endian.
    package mutating func u128() throws(DecodeError) -> UInt128 { try self.integer() }

    /// One byte, 0 or 1 and nothing else.
    package mutating func bool() throws(DecodeError) -> Bool {
        let start = self.offset
        switch try self.u8() {
        case 0: return false
        case 1: return true
        default: throw .invalid(field: "bool", offset: start)
        }
    }

    /// A minimal ULEB128 of at most 32 bits, at most `max`.
    package mutating func length(max: Int, field: String) throws(DecodeError) -> Int {
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
            throw .tooLong(field: field, limit: max, offset: start)
        }
        return Int(truncatingIfNeeded: value)
    }

    /// Exactly `count` bytes.
    package mutating func raw(_ count: Int) throws(DecodeError) -> [UInt8] {
        guard count >= 0, count <= self.remaining else { throw .truncated(offset: self.offset) }
        defer { self.offset += count }
        return Array(self.bytes[self.offset..<self.offset + count])
    }

    /// A length of at most `max` and as many bytes.
    package mutating func byteString(max: Int, field: String) throws(DecodeError) -> [UInt8] {
        let count = try self.length(max: max, field: field)
        return try self.raw(count)
    }

    /// Enters one level of nesting; pair it with ``leave()``.
    package mutating func enter() throws(DecodeError) {
        guard self.depth < Self.depthMax else { throw .tooDeep(offset: self.offset) }
        self.depth += 1
    }

    /// Leaves one level of nesting.
    package mutating func leave() { self.depth -= 1 }

    /// The end: every byte was read.
    package func finish() throws(DecodeError) {
        guard self.remaining == 0 else { throw .trailingBytes(offset: self.offset) }
    }

    private mutating func integer<T: FixedWidthInteger>() throws(DecodeError) -> T {
        let count = MemoryLayout<T>.size
        guard count <= self.remaining else { throw .truncated(offset: self.offset) }
        var value: T = 0
        for index in (0..<count).reversed() {
            value = value << 8 | T(truncatingIfNeeded: self.bytes[self.offset + index])
        }
        self.offset += count
        return value
    }
}
