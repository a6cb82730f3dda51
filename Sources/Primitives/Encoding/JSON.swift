/// A JSON value whose objects keep their order. Text is read in `Control`, written here.
@usableFromInline package indirect enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    /// An integer that every reader holds exactly; larger ones are strings by convention.
    case number(Int64)
    /// Any other number literal, verbatim.
    case decimal(String)
    case string(String)
    case array([JSON])
    case object([Member])

    /// One name and its value.
    @usableFromInline package struct Member: Hashable, Sendable {
        /// The key.
        package let name: String
        /// What it maps to.
        package let value: JSON

        /// A member of an object.
        package init(name: String, value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// An object of the pairs, in order.
    package static func object(_ pairs: (String, JSON)...) -> JSON {
        .object(pairs.map { Member(name: $0.0, value: $0.1) })
    }

    /// The member of that name, if this is an object that has it.
    package subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The text, if this is a string.
    package var stringValue: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The integer, if this is a number or a decimal string of 64 bits.
    package var u64Value: UInt64? {
        switch self {
        case .number(let value): UInt64(exactly: value)
        case .string(let text): UInt64(text)
        default: nil
        }
    }

    /// The elements, if this is an array.
    package var arrayValue: [JSON]? {
        guard case .array(let values) = self else { return nil }
        return values
    }

    /// What it is, in a word, for errors.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number, .decimal: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// What a schema asks for, in words, for errors.
    var expectation: String {
        if let choices = self["enum"]?.arrayValue {
            return choices.map { $0.stringValue ?? $0.text }.joined(separator: " | ")
        }
        if let max = self["maximum"] { return "integer 0...\(max.text)" }
        switch (self["pattern"]?.stringValue, self["type"]?.stringValue) {
        case ("^(0|[1-9][0-9]*)$", _): return "decimal string"
        case ("^[0-9a-f]{64}$", _): return "64 hexadecimal digits"
        case (_, let type?): return type
        case (_, nil): return "a value or null"
        }
    }

    /// Compact text.
    package var text: String {
        var out = ""
        self.write(into: &out, indent: nil)
        return out
    }

    /// Indented text for people.
    package var prettyText: String {
        var out = ""
        self.write(into: &out, indent: 0)
        return out
    }

    private func write(into out: inout String, indent: Int?) {
        switch self {
        case .null: out += "null"
        case .bool(let value): out += value ? "true" : "false"
        case .number(let value): out += String(value)
        case .decimal(let literal): out += literal
        case .string(let text): Self.quote(text, into: &out)
        case .array(let values):
            Self.list(values, "[", "]", into: &out, indent: indent) { value, out, indent in
                value.write(into: &out, indent: indent)
            }
        case .object(let members):
            Self.list(members, "{", "}", into: &out, indent: indent) { member, out, indent in
                Self.quote(member.name, into: &out)
                out += indent == nil ? ":" : ": "
                member.value.write(into: &out, indent: indent)
            }
        }
    }

    private static func list<T>(
        _ values: [T], _ open: String, _ close: String, into out: inout String, indent: Int?,
        each: (T, inout String, Int?) -> Void
    ) {
        out += open
        for (index, value) in values.enumerated() {
            if index > 0 { out += "," }
            if let indent { out += "\n" + String(repeating: "  ", count: indent + 1) }
            each(value, &out, indent.map { $0 + 1 })
        }
        if let indent, !values.isEmpty { out += "\n" + String(repeating: "  ", count: indent) }
        out += close
    }

    private static func quote(_ text: String, into out: inout String) {
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        out += "\""
    }
}
