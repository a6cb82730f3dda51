/// Writes a record's fields as JSON members.
struct JSONFieldWriter: FieldVisitor {
    typealias Failure = Never
    var members: [JSON.Member] = []

    mutating func field<T: FieldValue>(_ name: StaticString, _ value: inout T) {
        self.members.append(.init(name: name.description, value: value.json))
    }

    mutating func list<T: FieldValue>(_ name: StaticString, _ value: inout [T], max: Int) {
        self.members.append(.init(name: name.description, value: .array(value.map(\.json))))
    }

    mutating func bytes(_ name: StaticString, _ value: inout [UInt8], max: Int) {
        self.members.append(.init(name: name.description, value: .string(Hex.encode(value))))
    }

    mutating func text(_ name: StaticString, _ value: inout String, max: Int) {
        self.members.append(.init(name: name.description, value: .string(value)))
    }
}

/// Reads a record's fields from JSON members; unknown and missing names are errors.
struct JSONFieldReader: FieldVisitor {
    typealias Failure = FieldError
    private let members: [JSON.Member]
    private let path: String
    private var known: [String] = []

    init(_ json: JSON, at path: String) throws(FieldError) {
        guard case .object(let members) = json else {
            throw FieldError(path: path, expected: "object", found: json)
        }
        self.members = members
        self.path = path
    }

    /// Refuses members that no field asked for.
    func finish() throws(FieldError) {
        for member in self.members where !self.known.contains(member.name) {
            throw FieldError(
                path: self.place(member.name),
                expected: "one of \(self.known.joined(separator: ", "))", found: "unknown field")
        }
    }

    mutating func field<T: FieldValue>(
        _ name: StaticString, _ value: inout T
    ) throws(FieldError) {
        let (json, path) = try self.take(name.description, T.schema.expectation)
        value = try T(json: json, at: path)
    }

    mutating func list<T: FieldValue>(
        _ name: StaticString, _ value: inout [T], max: Int
    ) throws(FieldError) {
        let (json, path) = try self.take(name.description, "array")
        guard case .array(let elements) = json else {
            throw FieldError(path: path, expected: "array", found: json)
        }
        guard elements.count <= max else {
            throw FieldError(
                path: path, expected: "at most \(max) elements", found: "\(elements.count)")
        }
        value = []
        for (index, element) in elements.enumerated() {
            value.append(try T(json: element, at: "\(path)[\(index)]"))
        }
    }

    mutating func bytes(
        _ name: StaticString, _ value: inout [UInt8], max: Int
    ) throws(FieldError) {
        let (json, path) = try self.take(name.description, "hex string")
        guard case .string(let text) = json, let bytes = Hex.decode(text) else {
            throw FieldError(path: path, expected: "hex string", found: json)
        }
        guard bytes.count <= max else {
            throw FieldError(path: path, expected: "at most \(max) bytes", found: "\(bytes.count)")
        }
        value = bytes
    }

    mutating func text(
        _ name: StaticString, _ value: inout String, max: Int
    ) throws(FieldError) {
        let (json, path) = try self.take(name.description, "string")
        guard case .string(let text) = json else {
            throw FieldError(path: path, expected: "string", found: json)
        }
        guard text.utf8.count <= max else {
            throw FieldError(
                path: path, expected: "at most \(max) bytes of UTF-8", found: "\(text.utf8.count)")
        }
        value = text
    }

    private mutating func take(
        _ name: String, _ expected: @autoclosure () -> String
    ) throws(FieldError) -> (JSON, String) {
        self.known.append(name)
        let path = self.place(name)
        guard let member = self.members.first(where: { $0.name == name }) else {
            throw FieldError(path: path, expected: expected(), found: "nothing")
        }
        return (member.value, path)
    }

    private func place(_ name: String) -> String {
        self.path.isEmpty ? name : "\(self.path).\(name)"
    }
}

/// Writes a record's JSON Schema.
struct SchemaWriter: FieldVisitor {
    typealias Failure = Never
    private var properties: [JSON.Member] = []

    /// An object with exactly the properties seen.
    var schema: JSON {
        .object(
            ("type", .string("object")),
            ("properties", .object(self.properties)),
            ("required", .array(self.properties.map { .string($0.name) })),
            ("additionalProperties", .bool(false)))
    }

    mutating func field<T: FieldValue>(_ name: StaticString, _ value: inout T) {
        self.properties.append(.init(name: name.description, value: T.schema))
    }

    mutating func list<T: FieldValue>(_ name: StaticString, _ value: inout [T], max: Int) {
        let schema = JSON.object(
            ("type", .string("array")), ("items", T.schema),
            ("maxItems", .number(Int64(clamping: max))))
        self.properties.append(.init(name: name.description, value: schema))
    }

    mutating func bytes(_ name: StaticString, _ value: inout [UInt8], max: Int) {
        let schema = JSON.object(
            ("type", .string("string")), ("pattern", .string("^([0-9a-f]{2})*$")),
            ("maxLength", .number(Int64(clamping: max) * 2)))
        self.properties.append(.init(name: name.description, value: schema))
    }

    mutating func text(_ name: StaticString, _ value: inout String, max: Int) {
        let schema = JSON.object(
            ("type", .string("string")), ("maxLength", .number(Int64(clamping: max))))
        self.properties.append(.init(name: name.description, value: schema))
    }
}
