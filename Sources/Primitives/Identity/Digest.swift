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
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            switch index >> 3 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
        }
        self.init(words.0, words.1, words.2, words.3)
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
            return Digest(UnsafeBufferPointer(buffer)).proven("32 bytes")
        }
    }

    /// The 32 bytes.
    package var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.count) { buffer, count in
            for (word, value) in [self.w0, self.w1, self.w2, self.w3].enumerated() {
                for byte in 0..<8 {
                    buffer[word * 8 + byte] = UInt8(
                        truncatingIfNeeded: value >> (56 - 8 * UInt64(byte)))
                }
            }
            count = Self.count
        }
    }

    /// 64 hexadecimal digits.
    package var hex: String { Hex.encode(self.bytes) }

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
        self = Digest(try decoder.raw(Self.count)).proven("raw(32) gives 32 bytes")
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
