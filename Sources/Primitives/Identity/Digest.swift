/// 32 bytes of BLAKE2b-256, ordered as bytes.
package struct Digest: FieldValue, Comparable, CustomStringConvertible {
    /// All zero bytes: "nothing here".
    package static let zero = Digest(0, 0, 0, 0)
    /// The number of bytes.
    package static let count = 32

    // Big-endian words: comparing them in order compares the bytes.
    private let w0: UInt64
    private let w1: UInt64
    private let w2: UInt64
    private let w3: UInt64

    private init(_ w0: UInt64, _ w1: UInt64, _ w2: UInt64, _ w3: UInt64) {
        (self.w0, self.w1, self.w2, self.w3) = (w0, w1, w2, w3)
    }

    /// Exactly 32 bytes; nil otherwise.
    package init?<C: Collection<UInt8>>(_ bytes: C) {
        guard bytes.count == Self.count else { return nil }
        // A step for each byte costs a microsecond in a room that cannot specialise this.
        let digest = bytes.withContiguousStorageIfAvailable { Digest(UnsafeRawBufferPointer($0)) }
        self = digest ?? Array(bytes).withUnsafeBytes { Digest($0) }
    }

    /// The digest in a buffer of exactly 32 bytes.
    private init(_ buffer: UnsafeRawBufferPointer) {
        precondition(buffer.count == Self.count, "the caller counted")
        func word(_ index: Int) -> UInt64 {
            UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        self.init(word(0), word(1), word(2), word(3))
    }

    /// 64 lower-case hexadecimal digits; nil otherwise.
    package init?(hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    /// Fills a digest through its memory; `body` writes all 32 bytes.
    init(filledBy body: (UnsafeMutablePointer<UInt8>) -> Void) {
        self = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.count) { buffer in
            let base = buffer.baseAddress.proven("32 bytes were asked for")
            body(base)
            return Digest(UnsafeRawBufferPointer(buffer))
        }
    }

    /// The 32 bytes.
    package var bytes: [UInt8] {
        self.withBytes { [UInt8]($0) }
    }

    /// 64 hexadecimal digits.
    package var hex: String { self.withBytes { Hex.encode($0) } }

    /// The first 12 digits, for people.
    package var short: String { String(self.hex.prefix(12)) }

    /// The digits.
    package var description: String { self.hex }

    /// The first 8 bytes as a big-endian number.
    package var leadingWord: UInt64 { self.w0 }

    /// Bit `index`, counted from the most significant bit of byte 0; `index` in 0..<256.
    package func bit(_ index: Int) -> Bool {
        let word =
            switch index >> 6 {
            case 0: self.w0
            case 1: self.w1
            case 2: self.w2
            default: self.w3
            }
        return word >> UInt64(63 - index & 63) & 1 == 1
    }

    /// Runs `body` over the bytes without allocating.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withUnsafeBytes(
            of: (self.w0.bigEndian, self.w1.bigEndian, self.w2.bigEndian, self.w3.bigEndian), body)
    }

    package static func < (left: Digest, right: Digest) -> Bool {
        if left.w0 != right.w0 { return left.w0 < right.w0 }
        if left.w1 != right.w1 { return left.w1 < right.w1 }
        if left.w2 != right.w2 { return left.w2 < right.w2 }
        return left.w3 < right.w3
    }

    /// Zero.
    package static var blank: Digest { .zero }

    /// The 32 bytes.
    package func encode(into encoder: inout Encoder) {
        self.withBytes { encoder.raw($0) }
    }

    /// 32 bytes.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        guard decoder.remaining >= Self.count else { throw .truncated(offset: decoder.offset) }
        self.init(
            try decoder.u64().byteSwapped, try decoder.u64().byteSwapped,
            try decoder.u64().byteSwapped, try decoder.u64().byteSwapped)
    }

    /// 64 hexadecimal digits.
    package var json: JSON { .string(self.hex) }

    /// 64 hexadecimal digits.
    package init(json: JSON, at path: String) throws(FieldError) {
        guard case .string(let text) = json, let digest = Digest(hex: text) else {
            throw FieldError(
                path: path, expected: "64 hexadecimal digits", found: String(json.text.prefix(80)))
        }
        self = digest
    }

    /// A string of 64 digits.
    package static var schema: JSON {
        .object(("type", .string("string")), ("pattern", .string("^[0-9a-f]{64}$")))
    }
}
