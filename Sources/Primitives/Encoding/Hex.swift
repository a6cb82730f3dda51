/// Lower-case hexadecimal, two digits a byte.
package enum Hex {
    /// The digits of `bytes`.
    package static func encode<C: Collection<UInt8>>(_ bytes: C) -> String {
        // Copying is one call for the whole; a step for each byte is slow where not specialised.
        let bytes = Array(bytes)
        return String(unsafeUninitializedCapacity: bytes.count * 2) { text in
            for (index, byte) in bytes.enumerated() {
                text[2 * index] = Self.digit(byte >> 4)
                text[2 * index + 1] = Self.digit(byte & 15)
            }
            return bytes.count * 2
        }
    }

    /// The bytes of an even number of lower-case digits; nil for anything else.
    package static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { digits in
            guard digits.count.isMultiple(of: 2) else { return nil }
            var isHex = true
            let bytes = [UInt8](unsafeUninitializedCapacity: digits.count / 2) { bytes, count in
                // One pass without a branch for each digit: pieces of blobs come this way.
                var wrong: UInt8 = 0
                for index in 0..<digits.count / 2 {
                    let high = Self.values[Int(digits[2 * index])]
                    let low = Self.values[Int(digits[2 * index + 1])]
                    wrong |= high | low
                    bytes[index] = high << 4 | low & 15
                }
                isHex = wrong & 0xf0 == 0
                count = digits.count / 2
            }
            return isHex ? bytes : nil
        }
    }

    /// What each byte means as a digit; 0xff for what is none.
    private static let values: [UInt8] = (0...255).map { (byte: UInt8) in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: 0xff
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
