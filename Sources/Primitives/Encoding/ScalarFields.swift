extension FieldValue where Self: FixedWidthInteger {
    /// Zero.
    @usableFromInline package static var blank: Self { 0 }
}

extension UInt8: FieldValue {
    /// One byte.
    @inlinable package func encode(into encoder: inout Encoder) { encoder.u8(self) }
    /// One byte.
    @inlinable package init(from decoder: inout Decoder) throws(DecodeError) {
        self = try decoder.u8()
    }
    /// A number.
    @usableFromInline package var json: JSON { .number(Int64(self)) }
    /// A number in range.
    @usableFromInline package init(json: JSON, at path: String) throws(FieldError) {
        self = try smallNumber(json, at: path)
    }
    /// An integer in range.
    @usableFromInline package static var schema: JSON { smallNumberSchema(Int64(Self.max)) }
}

extension UInt16: FieldValue {
    /// Two bytes.
    @inlinable package func encode(into encoder: inout Encoder) { encoder.u16(self) }
    /// Two bytes.
    @inlinable package init(from decoder: inout Decoder) throws(DecodeError) {
        self = try decoder.u16()
    }
    /// A number.
    @usableFromInline package var json: JSON { .number(Int64(self)) }
    /// A number in range.
    @usableFromInline package init(json: JSON, at path: String) throws(FieldError) {
        self = try smallNumber(json, at: path)
    }
    /// An integer in range.
    @usableFromInline package static var schema: JSON { smallNumberSchema(Int64(Self.max)) }
}

extension UInt32: FieldValue {
    /// Four bytes.
    @inlinable package func encode(into encoder: inout Encoder) { encoder.u32(self) }
    /// Four bytes.
    @inlinable package init(from decoder: inout Decoder) throws(DecodeError) {
        self = try decoder.u32()
    }
    /// A number.
    @usableFromInline package var json: JSON { .number(Int64(self)) }
    /// A number in range.
    @usableFromInline package init(json: JSON, at path: String) throws(FieldError) {
        self = try smallNumber(json, at: path)
    }
    /// An integer in range.
    @usableFromInline package static var schema: JSON { smallNumberSchema(Int64(Self.max)) }
}

extension UInt64: FieldValue {
    /// Eight bytes.
    @inlinable package func encode(into encoder: inout Encoder) { encoder.u64(self) }
    /// Eight bytes.
    @inlinable package init(from decoder: inout Decoder) throws(DecodeError) {
        self = try decoder.u64()
    }
    /// A decimal string: many readers hold only 53 bits of a number.
    @usableFromInline package var json: JSON { .string(String(self)) }
    /// A decimal string without sign or leading zeros.
    @usableFromInline package init(json: JSON, at path: String) throws(FieldError) {
        self = try decimal(json, at: path)
    }
    /// A decimal string.
    @usableFromInline package static var schema: JSON { decimalSchema }
}

extension UInt128: FieldValue {
    /// Sixteen bytes.
    @inlinable package func encode(into encoder: inout Encoder) { encoder.u128(self) }
    /// Sixteen bytes.
    @inlinable package init(from decoder: inout Decoder) throws(DecodeError) {
        self = try decoder.u128()
    }
    /// A decimal string.
    @usableFromInline package var json: JSON { .string(String(self)) }
    /// A decimal string without sign or leading zeros.
    @usableFromInline package init(json: JSON, at path: String) throws(FieldError) {
        self = try decimal(json, at: path)
    }
    /// A decimal string.
    @usableFromInline package static var schema: JSON { decimalSchema }
}

extension Bool: FieldValue {
    /// False.
    @usableFromInline package static var blank: Bool { false }
    /// One byte, 0 or 1.
    @inlinable package func encode(into encoder: inout Encoder) { encoder.bool(self) }
    /// One byte, 0 or 1.
    @inlinable package init(from decoder: inout Decoder) throws(DecodeError) {
        self = try decoder.bool()
    }
    /// A boolean.
    @usableFromInline package var json: JSON { .bool(self) }
    /// A boolean.
    @usableFromInline package init(json: JSON, at path: String) throws(FieldError) {
        guard case .bool(let value) = json else {
            throw FieldError(path: path, expected: "boolean", found: json)
        }
        self = value
    }
    /// A boolean.
    @usableFromInline package static var schema: JSON { .object(("type", .string("boolean"))) }
}

extension Optional: Canonical where Wrapped: FieldValue {
    /// One byte 0, or 1 and the value.
    @inlinable package func encode(into encoder: inout Encoder) {
        encoder.bool(self != nil)
        if let value = self { value.encode(into: &encoder) }
    }

    /// One byte 0, or 1 and the value.
    @inlinable package init(from decoder: inout Decoder) throws(DecodeError) {
        if try decoder.bool() { self = try Wrapped(from: &decoder) } else { self = nil }
    }
}

extension Optional: FieldValue where Wrapped: FieldValue {
    /// Nothing.
    @usableFromInline package static var blank: Wrapped? { nil }
    /// Null or the value.
    @usableFromInline package var json: JSON { self?.json ?? .null }
    /// Null or the value.
    @usableFromInline package init(json: JSON, at path: String) throws(FieldError) {
        if case .null = json { self = nil } else { self = try Wrapped(json: json, at: path) }
    }
    /// Null or the value.
    @usableFromInline package static var schema: JSON {
        .object(("anyOf", .array([.object(("type", .string("null"))), Wrapped.schema])))
    }
}

private let decimalSchema = JSON.object(
    ("type", .string("string")), ("pattern", .string("^(0|[1-9][0-9]*)$")))

private func smallNumberSchema(_ max: Int64) -> JSON {
    .object(("type", .string("integer")), ("minimum", .number(0)), ("maximum", .number(max)))
}

private func smallNumber<T: FixedWidthInteger>(
    _ json: JSON, at path: String
) throws(FieldError) -> T {
    guard case .number(let number) = json, let value = T(exactly: number) else {
        throw FieldError(path: path, expected: "integer 0...\(T.max)", found: json.text)
    }
    return value
}

/// The number that a canonical decimal string says.
func decimal<T: FixedWidthInteger>(_ json: JSON, at path: String) throws(FieldError) -> T {
    guard case .string(let text) = json, let value = T(text), String(value) == text else {
        throw FieldError(
            path: path, expected: "decimal string 0...\(T.max)", found: String(json.text.prefix(64))
        )
    }
    return value
}
