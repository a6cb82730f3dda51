/// A value with exactly one encoding: `decode(encode(x)) == x`, and `encode(decode(b)) == b` or `b`
/// is refused.
///
/// - Source: protocol/encoding.md; a strict subset of BCS.
@usableFromInline package protocol Canonical: Sendable {
    /// Appends the value's bytes.
    func encode(into encoder: inout Encoder)
    /// Reads one value, leaving the decoder after it.
    init(from decoder: inout Decoder) throws(DecodeError)
}

extension Canonical {
    /// The value's one encoding.
    @inlinable package var canonicalBytes: [UInt8] {
        var encoder = Encoder()
        self.encode(into: &encoder)
        return encoder.bytes
    }

    /// Decodes the whole of `bytes`.
    ///
    /// - Throws: ``DecodeError``, also for bytes after the value.
    @inlinable package init(canonical bytes: [UInt8]) throws(DecodeError) {
        var decoder = Decoder(bytes)
        try self.init(from: &decoder)
        try decoder.finish()
    }
}

/// A value that is a field of a record: canonical bytes, a JSON form and a schema from one
/// declaration.
@usableFromInline package protocol FieldValue: Canonical, Hashable {
    /// Any value; decoding starts from it.
    static var blank: Self { get }
    /// The JSON form: amounts and 64-bit integers as decimal strings, bytes as hex.
    var json: JSON { get }
    /// Reads the JSON form; `path` names the place in errors.
    init(json: JSON, at path: String) throws(FieldError)
    /// A JSON Schema of the JSON form.
    static var schema: JSON { get }
}

/// Walks over the fields of a record in wire order.
@usableFromInline package protocol FieldVisitor {
    /// What a visit can throw; `Never` for writers.
    associatedtype Failure: Error
    /// One value.
    mutating func field<T: FieldValue>(
        _ name: StaticString, _ value: inout T) throws(Failure)
    /// A list of at most `max` values.
    mutating func list<T: FieldValue>(
        _ name: StaticString, _ value: inout [T], max: Int) throws(Failure)
    /// At most `max` bytes; hex in JSON.
    mutating func bytes(
        _ name: StaticString, _ value: inout [UInt8], max: Int) throws(Failure)
    /// UTF-8 text of at most `max` bytes.
    mutating func text(
        _ name: StaticString, _ value: inout String, max: Int) throws(Failure)
}

/// A record of named fields: its one declaration is ``visit(_:)``.
@usableFromInline package protocol Record: FieldValue {
    /// Shows every field to `visitor`, in wire order.
    mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure)
}

extension Record {
    /// The fields one after the other.
    @inlinable package func encode(into encoder: inout Encoder) {
        var copy = self
        var writer = BinaryWriter(encoder: encoder)
        encoder = Encoder()
        copy.visit(&writer)
        encoder = writer.encoder
    }

    /// Reads the fields one after the other.
    @inlinable package init(from decoder: inout Decoder) throws(DecodeError) {
        var value = Self.blank
        var reader = BinaryReader(decoder: decoder)
        try reader.decoder.enter()
        try value.visit(&reader)
        reader.decoder.leave()
        decoder = reader.decoder
        self = value
    }

    /// An object with the fields in wire order.
    package var json: JSON {
        var copy = self
        var writer = JSONFieldWriter()
        copy.visit(&writer)
        return .object(writer.members)
    }

    /// Reads an object that has exactly the record's fields.
    package init(json: JSON, at path: String) throws(FieldError) {
        var value = Self.blank
        var reader = try JSONFieldReader(json, at: path)
        try value.visit(&reader)
        try reader.finish()
        self = value
    }

    /// An object schema without additional properties.
    package static var schema: JSON {
        var copy = Self.blank
        var writer = SchemaWriter()
        copy.visit(&writer)
        return writer.schema
    }
}

/// An enum of one byte; its JSON form is the name of the case.
@usableFromInline package protocol CodeEnum: FieldValue, RawRepresentable, CaseIterable
where RawValue == UInt8 {}

extension CodeEnum {
    /// One byte.
    @inlinable package func encode(into encoder: inout Encoder) { encoder.u8(self.rawValue) }

    /// Reads one byte that names a case.
    @inlinable package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        let code = try decoder.u8()
        guard let value = Self(rawValue: code) else {
            throw .unknownTag(field: "\(Self.self)", tag: UInt64(code), offset: offset)
        }
        self = value
    }

    /// The first case.
    package static var blank: Self { Self.allCases.first.proven("a code enum has a case") }

    /// The case's name.
    package var json: JSON { .string("\(self)") }

    /// Reads the case's name.
    package init(json: JSON, at path: String) throws(FieldError) {
        guard case .string(let name) = json,
            let value = Self.allCases.first(where: { "\($0)" == name })
        else {
            let names = Self.allCases.map { "\($0)" }.joined(separator: " | ")
            throw FieldError(path: path, expected: names, found: json.text)
        }
        self = value
    }

    /// A string out of the case names.
    package static var schema: JSON {
        .object(("type", .string("string")), ("enum", .array(Self.allCases.map(\.json))))
    }
}
