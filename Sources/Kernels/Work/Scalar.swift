package import Primitives

/// The value of a scalar parameter: its type and its bits.
///
/// Bytes: type u8, then as many little-endian bytes as the type has. JSON: `{"type": "int",
/// "value": "-5"}`; a float's value is its bits in hex, `"0x3f800000"`.
package struct Scalar: Hashable, Sendable {
    package let type: ScalarType
    /// Zero-extended from the type's width.
    package let bits: UInt64

    /// A value; bits above the type's width are dropped.
    package init(_ type: ScalarType, bits: UInt64) {
        self.type = type
        self.bits = type.bits == 64 ? bits : bits & ((1 << UInt64(type.bits)) - 1)
    }

    /// An `int`.
    package static func int(_ value: Int32) -> Scalar {
        Scalar(.int, bits: UInt64(UInt32(bitPattern: value)))
    }

    /// A `uint`.
    package static func uint(_ value: UInt32) -> Scalar { Scalar(.uint, bits: UInt64(value)) }

    /// The value of an integer type; nil for floats and for a ulong above 2^63 - 1.
    package var integer: Int64? {
        switch self.type {
        case .bool, .uchar, .ushort, .uint: Int64(truncatingIfNeeded: self.bits)
        case .char: Int64(Int8(truncatingIfNeeded: self.bits))
        case .short: Int64(Int16(truncatingIfNeeded: self.bits))
        case .int: Int64(Int32(truncatingIfNeeded: self.bits))
        case .long: Int64(bitPattern: self.bits)
        case .ulong: Int64(exactly: self.bits)
        case .float, .double, .half: nil
        }
    }

    /// Reads decimal text (integers), `0x` and the bits (any type); nil when it is out of range.
    package init?(_ type: ScalarType, text: String) {
        if text.hasPrefix("0x") {
            guard let bits = UInt64(text.dropFirst(2), radix: 16) else { return nil }
            guard type.bits == 64 || bits >> UInt64(type.bits) == 0 else { return nil }
            self.init(type, bits: bits)
            return
        }
        guard type.isInteger else { return nil }
        if let signed = Int64(text) {
            self.init(type, bits: UInt64(bitPattern: signed))
            if type == .ulong && signed < 0 { return nil }
            guard self.integer == signed else { return nil }
        } else {
            guard type == .ulong, let value = UInt64(text) else { return nil }
            self.init(type, bits: value)
        }
    }

    /// The text that ``init(_:text:)`` reads.
    package var text: String {
        if let value = self.integer { return "\(value)" }
        if self.type == .ulong { return "\(self.bits)" }
        return "0x" + String(self.bits, radix: 16)
    }
}

extension Scalar: FieldValue {
    /// False.
    package static var blank: Scalar { Scalar(.bool, bits: 0) }

    /// The type and its bytes.
    package func encode(into encoder: inout Encoder) {
        self.type.encode(into: &encoder)
        encoder.raw((0..<self.type.bytes).map { UInt8(truncatingIfNeeded: self.bits >> (8 * $0)) })
    }

    /// Reads the type and its bytes.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        let type = try ScalarType(from: &decoder)
        let offset = decoder.offset
        var bits: UInt64 = 0
        for (index, byte) in try decoder.raw(type.bytes).enumerated() {
            bits |= UInt64(byte) << UInt64(8 * index)
        }
        guard type != .bool || bits <= 1 else { throw .invalid(field: "bool", offset: offset) }
        self.init(type, bits: bits)
    }

    /// An object of type and value.
    package var json: JSON { .object(("type", self.type.json), ("value", .string(self.text))) }

    /// Reads an object of type and value.
    package init(json: JSON, at path: String) throws(FieldError) {
        guard case .object(let members) = json, members.count == 2, let kind = json["type"],
            let value = json["value"]
        else {
            throw FieldError(path: path, expected: "{\"type\", \"value\"}", found: json.text)
        }
        let type = try ScalarType(json: kind, at: path + ".type")
        guard case .string(let text) = value, let scalar = Scalar(type, text: text) else {
            throw FieldError(path: path + ".value", expected: "a \(type.name)", found: value.text)
        }
        self = scalar
    }

    /// An object of type and value.
    package static var schema: JSON {
        .object(
            ("type", .string("object")),
            (
                "properties",
                .object(
                    ("type", ScalarType.schema),
                    ("value", .object(("type", .string("string")))))
            ),
            ("required", .array([.string("type"), .string("value")])),
            ("additionalProperties", .bool(false)))
    }
}
