package import Primitives

/// Why a text is not JSON.
package struct JSONTextError: Error, Hashable {
    /// What was expected or found, in words.
    package let problem: String
    /// Offset of the offending byte.
    package let offset: Int
}

/// A strict reader of JSON texts (RFC 8259) from somebody who may be hostile.
///
/// Refused beyond the grammar: duplicate names, lone surrogates, invalid UTF-8, a byte order mark,
/// anything after the value. Numbers stay exact: an integer that fits `Int64` is a `.number`, any
/// other literal is kept verbatim as `.decimal`.
///
/// - Bounds: nesting `depthMax`; work and memory are linear in the length of the text.
/// - Throws: ``JSONTextError``; it never traps, whatever the bytes.
package struct JSONText {
    private let bytes: [UInt8]
    private let depthMax: Int
    private var at = 0

    /// The value written in `bytes`.
    package static func parse(
        _ bytes: [UInt8], depthMax: Int = Control.depthMax
    ) throws(JSONTextError) -> JSON {
        var reader = JSONText(bytes: bytes, depthMax: depthMax)
        reader.skipSpace()
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.at == bytes.count else { throw reader.error("end of the text expected") }
        return value
    }

    /// The value written in `text`.
    package static func parse(_ text: String) throws(JSONTextError) -> JSON {
        try Self.parse(Array(text.utf8))
    }

    private init(bytes: [UInt8], depthMax: Int) {
        self.bytes = bytes
        self.depthMax = depthMax
    }

    private var next: UInt8? { self.at < self.bytes.count ? self.bytes[self.at] : nil }

    private func error(_ problem: String) -> JSONTextError {
        JSONTextError(problem: problem, offset: self.at)
    }

    private mutating func skipSpace() {
        while let byte = self.next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            self.at += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard self.next == byte else { return false }
        self.at += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONTextError) -> JSON {
        switch self.next {
        case UInt8(ascii: "{"): return try self.object(depth: depth + 1)
        case UInt8(ascii: "["): return try self.array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try self.string())
        case UInt8(ascii: "t"): return try self.word("true", .bool(true))
        case UInt8(ascii: "f"): return try self.word("false", .bool(false))
        case UInt8(ascii: "n"): return try self.word("null", .null)
        case .some(0x2D), .some(0x30...0x39): return try self.number()
        default: throw self.error("a value expected")
        }
    }

    private mutating func word(
        _ word: StaticString, _ value: JSON
    ) throws(JSONTextError) -> JSON {
        for byte in word.description.utf8 {
            guard self.take(byte) else { throw self.error("true, false or null expected") }
        }
        return value
    }

    private mutating func array(depth: Int) throws(JSONTextError) -> JSON {
        guard depth <= self.depthMax else { throw self.error("nested too deeply") }
        self.at += 1
        var items: [JSON] = []
        self.skipSpace()
        if self.take(UInt8(ascii: "]")) { return .array(items) }
        while true {
            self.skipSpace()
            items.append(try self.value(depth: depth))
            self.skipSpace()
            if self.take(UInt8(ascii: ",")) { continue }
            guard self.take(UInt8(ascii: "]")) else { throw self.error("\",\" or \"]\" expected") }
            return .array(items)
        }
    }

    private mutating func object(depth: Int) throws(JSONTextError) -> JSON {
        guard depth <= self.depthMax else { throw self.error("nested too deeply") }
        self.at += 1
        var members: [JSON.Member] = []
        var names: Set<String> = []
        self.skipSpace()
        if self.take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            self.skipSpace()
            guard self.next == UInt8(ascii: "\"") else { throw self.error("a name expected") }
            let name = try self.string()
            guard names.insert(name).inserted else { throw self.error("a name occurs twice") }
            self.skipSpace()
            guard self.take(UInt8(ascii: ":")) else { throw self.error("\":\" expected") }
            self.skipSpace()
            members.append(JSON.Member(name: name, value: try self.value(depth: depth)))
            self.skipSpace()
            if self.take(UInt8(ascii: ",")) { continue }
            guard self.take(UInt8(ascii: "}")) else { throw self.error("\",\" or \"}\" expected") }
            return .object(members)
        }
    }

    // MARK: Numbers

    private mutating func digits() -> Int {
        let start = self.at
        while let byte = self.next, (0x30...0x39).contains(byte) { self.at += 1 }
        return self.at - start
    }

    private mutating func number() throws(JSONTextError) -> JSON {
        let start = self.at
        var isInteger = true
        _ = self.take(UInt8(ascii: "-"))
        if !self.take(UInt8(ascii: "0")) {
            guard self.digits() > 0 else { throw self.error("a digit expected") }
        }
        if self.take(UInt8(ascii: ".")) {
            isInteger = false
            guard self.digits() > 0 else { throw self.error("a digit expected") }
        }
        if self.take(UInt8(ascii: "e")) || self.take(UInt8(ascii: "E")) {
            isInteger = false
            if !self.take(UInt8(ascii: "+")) { _ = self.take(UInt8(ascii: "-")) }
            guard self.digits() > 0 else { throw self.error("a digit expected") }
        }
        let literal = String(decoding: self.bytes[start..<self.at], as: UTF8.self)
        if isInteger, literal != "-0", let number = Int64(literal) { return .number(number) }
        return .decimal(literal)
    }

    // MARK: Strings

    private mutating func string() throws(JSONTextError) -> String {
        self.at += 1
        var start = self.at
        var text = ""
        while let byte = self.next {
            switch byte {
            case UInt8(ascii: "\""):
                try self.append(start..<self.at, to: &text)
                self.at += 1
                return text
            case UInt8(ascii: "\\"):
                try self.append(start..<self.at, to: &text)
                self.at += 1
                text.unicodeScalars.append(try self.escape())
                start = self.at
            case 0..<0x20: throw self.error("a control character must be escaped")
            default: self.at += 1
            }
        }
        throw self.error("the string does not end")
    }

    private func append(_ range: Range<Int>, to text: inout String) throws(JSONTextError) {
        guard !range.isEmpty else { return }
        guard let piece = String(validating: self.bytes[range], as: UTF8.self) else {
            throw JSONTextError(problem: "not UTF-8", offset: range.lowerBound)
        }
        text += piece
    }

    private mutating func escape() throws(JSONTextError) -> Unicode.Scalar {
        guard let byte = self.next else { throw self.error("the string does not end") }
        self.at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try self.unicodeEscape()
        default: throw self.error("an unknown escape")
        }
    }

    private mutating func unicodeEscape() throws(JSONTextError) -> Unicode.Scalar {
        let high = try self.hex4()
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard (0xD800..<0xDC00).contains(high), self.take(UInt8(ascii: "\\")),
            self.take(UInt8(ascii: "u"))
        else { throw self.error("a lone surrogate") }
        let low = try self.hex4()
        guard (0xDC00..<0xE000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
        else { throw self.error("a lone surrogate") }
        return scalar
    }

    private mutating func hex4() throws(JSONTextError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = self.next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue,
                byte < 0x80
            else { throw self.error("four hexadecimal digits expected") }
            value = value << 4 | UInt32(digit)
            self.at += 1
        }
        return value
    }
}
