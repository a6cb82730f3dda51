import Primitives

/// Writes JSON as compact UTF-8: the same text as ``JSON/text``, without a step for each character.
///
/// Replies carry megabytes of hexadecimal, which nothing in a string has to be escaped for.
enum JSONBytes {
    /// The bytes of `json`.
    static func of(_ json: JSON) -> [UInt8] {
        var out: [UInt8] = []
        Self.append(json, to: &out)
        return out
    }

    /// Appends the bytes of `json`.
    static func append(_ json: JSON, to out: inout [UInt8]) {
        switch json {
        case .null, .bool, .number, .decimal: out += json.text.utf8
        case .string(let text): Self.append(string: text, to: &out)
        case .array(let items):
            out.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                Self.append(item, to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                Self.append(string: member.name, to: &out)
                out.append(UInt8(ascii: ":"))
                Self.append(member.value, to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    private static func append(string: String, to out: inout [UInt8]) {
        var text = string
        let isPlain = text.withUTF8 { bytes in
            for byte in bytes
            where byte < 0x20 || byte == 0x22 || byte == 0x5C || byte == 0x7F { return false }
            out.append(UInt8(ascii: "\""))
            out.append(contentsOf: bytes)
            out.append(UInt8(ascii: "\""))
            return true
        }
        if !isPlain { out += JSON.string(text).text.utf8 }
    }
}
