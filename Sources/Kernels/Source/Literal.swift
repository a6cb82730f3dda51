/// A number of the source.
struct Literal {
    let type: ScalarType
    let bits: UInt64

    /// An integer literal in base 8, 10 or 16 with C's suffixes and C's choice of type, where int
    /// has 32 and long 64 bits.
    init?(integer text: String) {
        var digits = Array(text.utf8)
        var unsigned = false
        var long = false
        while let last = digits.last, digits.count > 1 {
            if (last == 117 || last == 85) && !unsigned {
                unsigned = true
            } else if (last == 108 || last == 76) && !long {
                long = true
            } else {
                break
            }
            digits.removeLast()
        }
        var radix = 10
        if digits.count > 2, digits[0] == 48, digits[1] == 120 || digits[1] == 88 {
            radix = 16
            digits.removeFirst(2)
        } else if digits.count > 1, digits[0] == 48 {
            radix = 8
        }
        guard digits.allSatisfy({ $0 != 43 && $0 != 45 }),
            let value = UInt64(String(decoding: digits, as: UTF8.self), radix: radix)
        else { return nil }
        self.bits = value
        let decimal = radix == 10
        if !long && !unsigned && value <= UInt64(Int32.max) {
            self.type = .int
        } else if !long && (unsigned || !decimal) && value <= UInt64(UInt32.max) {
            self.type = .uint
        } else if !unsigned && value <= UInt64(Int64.max) {
            self.type = .long
        } else if unsigned || !decimal {
            self.type = .ulong
        } else {
            return nil
        }
    }

    /// A float literal with the suffix f, decimal or hexadecimal, correctly rounded to binary32.
    init?(float text: String) {
        guard text.hasSuffix("f") || text.hasSuffix("F"), text.utf8.count <= 128 else { return nil }
        var body = String(text.dropLast())
        let hexadecimal = body.hasPrefix("0x") || body.hasPrefix("0X")
        guard
            hexadecimal
                || body.utf8.allSatisfy({ Ascii.isDigit($0) || [43, 45, 46, 69, 101].contains($0) })
        else { return nil }
        if body.hasSuffix(".") { body += "0" }
        if body.hasPrefix(".") { body = "0" + body }
        body = Self.completed(body)
        guard let bits = FloatFolding.literal(body) else { return nil }
        self.type = .float
        self.bits = bits
    }

    /// `1.e5` is C, `1.0e5` is what the conversion reads.
    private static func completed(_ text: String) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            if byte == 101 || byte == 69, result.last == 46 { result.append(48) }
            result.append(byte)
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// A character in quotes: an int.
    init?(character text: String) {
        let inner = Array(text.utf8.dropFirst().dropLast())
        if inner.count == 1 {
            self.bits = UInt64(inner[0])
        } else if inner.count == 2, inner[0] == 92, let value = Self.escape(inner[1]) {
            self.bits = value
        } else {
            return nil
        }
        self.type = .int
    }

    private static func escape(_ byte: UInt8) -> UInt64? {
        switch byte {
        case 110: 10
        case 116: 9
        case 114: 13
        case 48: 0
        case 92, 39, 34: UInt64(byte)
        default: nil
        }
    }
}
