package import Primitives

/// The JSON schemas that methods are declared with: a small subset of JSON Schema 2020-12.
///
/// `format` is what ``SchemaCheck`` evaluates; `pattern` says the same to other tools.
package enum Shape {
    /// One member of an object.
    package struct Field: Sendable {
        let name: String
        let schema: JSON
        let isRequired: Bool
    }

    /// A member that must be there.
    package static func required(_ name: String, _ schema: JSON, _ about: String) -> Field {
        Field(name: name, schema: Self.describe(schema, about), isRequired: true)
    }

    /// A member that may be left out.
    package static func optional(_ name: String, _ schema: JSON, _ about: String) -> Field {
        Field(name: name, schema: Self.describe(schema, about), isRequired: false)
    }

    /// An object with these members and no others.
    package static func object(_ fields: Field...) -> JSON { Self.object(fields) }

    /// An object with these members and no others.
    package static func object(_ fields: [Field]) -> JSON {
        let properties = fields.map { JSON.Member(name: $0.name, value: $0.schema) }
        let required = fields.filter { $0.isRequired }.map { JSON.string($0.name) }
        return .object([
            JSON.Member(name: "type", value: .string("object")),
            JSON.Member(name: "properties", value: .object(properties)),
            JSON.Member(name: "required", value: .array(required)),
            JSON.Member(name: "additionalProperties", value: .bool(false)),
        ])
    }

    /// An object whose members another page describes: a record of the protocol.
    package static let record = Self.plain("object")

    /// An array of at most `max` items.
    package static func list(_ item: JSON, max: Int? = nil, min: Int? = nil) -> JSON {
        var members = [
            JSON.Member(name: "type", value: .string("array")),
            JSON.Member(name: "items", value: item),
        ]
        if let min { members.append(JSON.Member(name: "minItems", value: .number(Int64(min)))) }
        if let max { members.append(JSON.Member(name: "maxItems", value: .number(Int64(max)))) }
        return .object(members)
    }

    /// A string that is one of `choices`.
    package static func choice(_ choices: String...) -> JSON {
        .object([
            JSON.Member(name: "type", value: .string("string")),
            JSON.Member(name: "enum", value: .array(choices.map { .string($0) })),
        ])
    }

    /// A number in a range.
    package static func integer(_ range: ClosedRange<Int64>) -> JSON {
        .object([
            JSON.Member(name: "type", value: .string("integer")),
            JSON.Member(name: "minimum", value: .number(range.lowerBound)),
            JSON.Member(name: "maximum", value: .number(range.upperBound)),
        ])
    }

    /// Bytes in hexadecimal, at most `max` of them.
    package static func hex(max: Int) -> JSON {
        Self.format(
            .hex,
            adding: [
                JSON.Member(name: "maxLength", value: .number(Int64(max) * 2))
            ])
    }

    /// Any text of at most `max` bytes of UTF-8.
    package static func text(max: Int) -> JSON {
        .object([
            JSON.Member(name: "type", value: .string("string")),
            JSON.Member(name: "maxLength", value: .number(Int64(max))),
        ])
    }

    /// `schema`, or null.
    package static func nullable(_ schema: JSON) -> JSON {
        .object([
            JSON.Member(name: "anyOf", value: .array([schema, Self.plain("null")]))
        ])
    }

    package static let bool = Self.plain("boolean")
    package static let u32 = Self.integer(0...4_294_967_295)
    package static let string = Self.plain("string")
    package static let u64 = Self.format(.u64)
    package static let amount = Self.format(.amount)
    package static let change = Self.format(.change)
    package static let digest = Self.format(.digest)
    package static let account = Self.format(.account)
    package static let walletName = Self.format(.walletName)
    package static let kind = Self.format(.kind)

    private static func plain(_ type: String) -> JSON {
        .object([JSON.Member(name: "type", value: .string(type))])
    }

    private static func format(_ format: TextFormat, adding: [JSON.Member] = []) -> JSON {
        .object(
            [
                JSON.Member(name: "type", value: .string("string")),
                JSON.Member(name: "format", value: .string(format.rawValue)),
                JSON.Member(name: "pattern", value: .string(format.pattern)),
            ] + adding)
    }

    private static func describe(_ schema: JSON, _ about: String) -> JSON {
        guard !about.isEmpty, case .object(let members) = schema else { return schema }
        return .object(members + [JSON.Member(name: "description", value: .string(about))])
    }
}

/// The texts that stand for numbers, bytes and names.
package enum TextFormat: String, CaseIterable, Sendable {
    case u64, amount, change, digest, hex, account, kind
    case walletName = "wallet-name"

    /// The same rule as a regular expression (ranges of numbers aside).
    package var pattern: String {
        switch self {
        case .u64, .amount: "^(0|[1-9][0-9]*)$"
        case .change: "^-?(0|[1-9][0-9]*)$"
        case .digest: "^[0-9a-f]{64}$"
        case .hex: "^([0-9a-f]{2})*$"
        case .account: "^([0-9a-f]{64}|[a-z][a-z0-9-]{0,31})$"
        case .kind: "^[a-z]+\\.[a-z-]+$"
        case .walletName: "^[a-z][a-z0-9-]{0,31}$"
        }
    }

    /// What a person should write, for the message of a refusal.
    package var words: String {
        switch self {
        case .u64: "a 64-bit number as a decimal string"
        case .amount: "an amount of base units as a decimal string"
        case .change: "a signed amount of base units as a decimal string"
        case .digest: "64 hexadecimal digits"
        case .hex: "bytes in lower-case hexadecimal"
        case .account: "an account (64 hexadecimal digits) or the name of a wallet"
        case .kind: "the name of an operation, such as bank.transfer"
        case .walletName: "a name of 1 to 32 characters of a-z, 0-9 and -, a letter first"
        }
    }

    /// Whether `text` keeps the rule.
    package func accepts(_ text: String) -> Bool {
        switch self {
        case .u64: Self.isDecimal(text) && UInt64(text) != nil
        case .amount: Self.isAmount(text)
        case .change: Self.isAmount(text.hasPrefix("-") ? String(text.dropFirst()) : text)
        case .digest: text.utf8.count == 64 && Hex.decode(text) != nil
        case .hex: Hex.decode(text) != nil
        case .account: Self.digest.accepts(text) || Self.walletName.accepts(text)
        case .kind: Self.isKind(text)
        case .walletName: Self.isWalletName(text)
        }
    }

    private static func isDecimal(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return false }
        return first != 0x30 || text.utf8.count == 1
    }

    private static func isAmount(_ text: String) -> Bool {
        guard Self.isDecimal(text), let units = UInt128(text) else { return false }
        return Amount(units) != nil
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }

    private static func isWalletName(_ text: String) -> Bool {
        guard let first = text.utf8.first, Self.isLetter(first), text.utf8.count <= 32 else {
            return false
        }
        return text.utf8.allSatisfy {
            Self.isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
        }
    }

    private static func isKind(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 2, text.utf8.count <= 64, !parts[0].isEmpty, !parts[1].isEmpty else {
            return false
        }
        return parts[0].allSatisfy(Self.isLetter)
            && parts[1].allSatisfy { Self.isLetter($0) || $0 == UInt8(ascii: "-") }
    }
}
