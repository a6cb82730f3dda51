import Primitives

/// The checkers' own reader of canonical bytes: it shares no code with the decoder that it checks.
///
/// - Invariant: after the first read beyond the end ``isBroken`` stays set and reads give zeros.
/// - Source: protocol/encoding.md.
struct Bytes {
    private let bytes: [UInt8]
    private(set) var offset = 0
    private(set) var isBroken = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { self.offset == self.bytes.count }

    /// True if everything was read and nothing was missing.
    var isComplete: Bool { self.isAtEnd && !self.isBroken }

    mutating func take(_ count: Int) -> [UInt8] {
        guard count >= 0, count <= self.bytes.count - self.offset else {
            self.isBroken = true
            return []
        }
        defer { self.offset += count }
        return Array(self.bytes[self.offset..<self.offset + count])
    }

    mutating func u8() -> UInt8 { self.take(1).first ?? 0 }
    mutating func u16() -> UInt16 { UInt16(truncatingIfNeeded: self.number(2)) }
    mutating func u32() -> UInt32 { UInt32(truncatingIfNeeded: self.number(4)) }
    mutating func u64() -> UInt64 { UInt64(truncatingIfNeeded: self.number(8)) }
    mutating func u128() -> UInt128 { self.number(16) }

    mutating func digest() -> Digest { Digest(self.take(32)) ?? .zero }

    /// A ULEB128 of at most 32 bits.
    mutating func count() -> Int {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while !self.isBroken, shift < 35 {
            let byte = self.u8()
            value |= UInt64(byte & 127) << shift
            if byte < 128 { return Int(clamping: value) }
            shift += 7
        }
        self.isBroken = true
        return 0
    }

    /// A count and as many bytes.
    mutating func string() -> [UInt8] { self.take(self.count()) }

    /// True where an optional field is there.
    mutating func isThere() -> Bool { self.u8() == 1 }

    private mutating func number(_ count: Int) -> UInt128 {
        self.take(count).reversed().reduce(0) { $0 << 8 | UInt128($1) }
    }
}
