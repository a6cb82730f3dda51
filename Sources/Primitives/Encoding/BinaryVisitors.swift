/// Writes a record's fields as canonical bytes.
@usableFromInline struct BinaryWriter: FieldVisitor {
    @usableFromInline typealias Failure = Never
    @usableFromInline var encoder: Encoder

    @inlinable init(encoder: Encoder) { self.encoder = encoder }

    @inlinable mutating func field<T: FieldValue>(_ name: StaticString, _ value: inout T) {
        value.encode(into: &self.encoder)
    }

    @inlinable mutating func list<T: FieldValue>(_ name: StaticString, _ value: inout [T], max: Int)
    {
        precondition(value.count <= max, "our own lists keep their bounds")
        self.encoder.length(value.count)
        for element in value { element.encode(into: &self.encoder) }
    }

    @inlinable mutating func bytes(_ name: StaticString, _ value: inout [UInt8], max: Int) {
        precondition(value.count <= max, "our own byte strings keep their bounds")
        self.encoder.byteString(value)
    }

    @inlinable mutating func text(_ name: StaticString, _ value: inout String, max: Int) {
        self.encoder.length(value.utf8.count)
        self.encoder.raw(value.utf8)
    }
}

/// Reads a record's fields from canonical bytes.
@usableFromInline struct BinaryReader: FieldVisitor {
    @usableFromInline typealias Failure = DecodeError
    @usableFromInline var decoder: Decoder

    @inlinable init(decoder: Decoder) { self.decoder = decoder }

    @inlinable mutating func field<T: FieldValue>(
        _ name: StaticString, _ value: inout T
    ) throws(DecodeError) {
        value = try T(from: &self.decoder)
    }

    @inlinable mutating func list<T: FieldValue>(
        _ name: StaticString, _ value: inout [T], max: Int
    ) throws(DecodeError) {
        let count = try self.decoder.length(max: max, field: name.description)
        // Elements may be larger than one byte each, so the array grows as they arrive.
        value = []
        try self.decoder.enter()
        for _ in 0..<count { value.append(try T(from: &self.decoder)) }
        self.decoder.leave()
    }

    @inlinable mutating func bytes(
        _ name: StaticString, _ value: inout [UInt8], max: Int
    ) throws(DecodeError) {
        value = try self.decoder.byteString(max: max, field: name.description)
    }

    @inlinable mutating func text(
        _ name: StaticString, _ value: inout String, max: Int
    ) throws(DecodeError) {
        let offset = self.decoder.offset
        let raw = try self.decoder.byteString(max: max, field: name.description)
        guard let text = String(validating: raw, as: UTF8.self) else {
            throw .invalid(field: name.description, offset: offset)
        }
        value = text
    }
}
