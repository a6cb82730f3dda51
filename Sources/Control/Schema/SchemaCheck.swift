package import Primitives

/// Compares a value with a schema of the subset that ``Shape`` writes.
///
/// - Bounds: the value's depth is bounded by its reader, the schema's by its author.
/// - Throws: the first difference, with its path, such as `operations[0].amount`.
package enum SchemaCheck {
    /// Checks that `value` keeps `schema`; `path` names the value in the refusal.
    package static func check(
        _ value: JSON, against schema: JSON, at path: String
    ) throws(FieldError) {
        if let choices = (schema["anyOf"] ?? schema["oneOf"])?.arrayValue {
            return try Self.check(value, againstAnyOf: choices, at: path)
        }
        if let constant = schema["const"], constant != value {
            throw FieldError(path: path, expected: constant.text, found: Self.words(value))
        }
        if let type = schema["type"] { try Self.check(value, type: type, at: path) }
        if let choices = schema["enum"]?.arrayValue, !choices.contains(value) {
            let list = choices.map { $0.stringValue ?? $0.text }.joined(separator: ", ")
            throw FieldError(path: path, expected: "one of \(list)", found: Self.words(value))
        }
        switch value {
        case .string(let text): try Self.check(text: text, against: schema, at: path)
        case .number(let number): try Self.check(number: number, against: schema, at: path)
        case .array(let items): try Self.check(items: items, against: schema, at: path)
        case .object(let members): try Self.check(members: members, against: schema, at: path)
        case .null, .bool, .decimal: break
        }
    }

    /// A value in few words: its type, and a short text itself.
    package static func words(_ value: JSON) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .number(let number): "the number \(number)"
        case .decimal(let literal): "the number \(literal.prefix(40))"
        case .string(let text):
            text.utf8.count <= 40 ? "\"\(text)\"" : "a string of \(text.utf8.count) bytes"
        case .array(let items): "an array of \(items.count)"
        case .object: "an object"
        }
    }

    private static func check(
        _ value: JSON, againstAnyOf choices: [JSON], at path: String
    ) throws(FieldError) {
        var deepest: FieldError?
        for choice in choices {
            do throws(FieldError) {
                return try Self.check(value, against: choice, at: path)
            } catch {
                // The alternative that was understood furthest explains best.
                if error.path.utf8.count > deepest?.path.utf8.count ?? 0 { deepest = error }
            }
        }
        guard let deepest, deepest.path != path else {
            let list = choices.map { $0["type"]?.stringValue ?? "an alternative" }
            throw FieldError(
                path: path, expected: list.joined(separator: " or "), found: Self.words(value))
        }
        throw deepest
    }

    private static func check(
        _ value: JSON, type: JSON, at path: String
    ) throws(FieldError) {
        let names = type.arrayValue?.compactMap { $0.stringValue } ?? [type.stringValue ?? ""]
        let holds = names.contains { name in
            switch (name, value) {
            case ("null", .null), ("boolean", .bool), ("integer", .number), ("number", .number),
                ("number", .decimal), ("string", .string), ("array", .array), ("object", .object):
                true
            default: false
            }
        }
        guard !holds else { return }
        throw FieldError(
            path: path, expected: names.map(Self.article).joined(separator: " or "),
            found: Self.words(value))
    }

    private static func article(_ type: String) -> String {
        switch type {
        case "array", "object", "integer": "an \(type)"
        case "null": "null"
        default: "a \(type)"
        }
    }

    private static func check(
        text: String, against schema: JSON, at path: String
    ) throws(FieldError) {
        if let max = schema["maxLength"]?.intValue, text.utf8.count > max {
            throw FieldError(
                path: path, expected: "at most \(max) bytes of text",
                found: "\(text.utf8.count) bytes")
        }
        if let min = schema["minLength"]?.intValue, text.utf8.count < min {
            throw FieldError(
                path: path, expected: "at least \(min) bytes of text",
                found: "\(text.utf8.count) bytes")
        }
        if let name = schema["format"]?.stringValue, let format = TextFormat(rawValue: name),
            !format.accepts(text)
        {
            throw FieldError(
                path: path, expected: format.words, found: Self.words(.string(text)))
        }
    }

    private static func check(
        number: Int64, against schema: JSON, at path: String
    ) throws(FieldError) {
        if case .number(let minimum)? = schema["minimum"], number < minimum {
            throw FieldError(
                path: path, expected: "at least \(minimum)", found: "the number \(number)")
        }
        if case .number(let maximum)? = schema["maximum"], number > maximum {
            throw FieldError(
                path: path, expected: "at most \(maximum)", found: "the number \(number)")
        }
    }

    private static func check(
        items: [JSON], against schema: JSON, at path: String
    ) throws(FieldError) {
        if let max = schema["maxItems"]?.intValue, items.count > max {
            throw FieldError(
                path: path, expected: "at most \(max) items", found: "\(items.count)")
        }
        if let min = schema["minItems"]?.intValue, items.count < min {
            throw FieldError(
                path: path, expected: "at least \(min) items", found: "\(items.count)")
        }
        guard let item = schema["items"] else { return }
        for (index, value) in items.enumerated() {
            try Self.check(value, against: item, at: "\(path)[\(index)]")
        }
    }

    private static func check(
        members: [JSON.Member], against schema: JSON, at path: String
    ) throws(FieldError) {
        let properties = schema["properties"]
        for member in members {
            let memberPath = Self.join(path, member.name)
            if let property = properties?[member.name] {
                try Self.check(member.value, against: property, at: memberPath)
            } else if schema["additionalProperties"] == .bool(false) {
                let known = properties?.memberValues?.map(\.name) ?? []
                throw FieldError(
                    path: memberPath,
                    expected: known.isEmpty
                        ? "no members" : "one of \(known.joined(separator: ", "))",
                    found: "an unknown name")
            }
        }
        for name in schema["required"]?.arrayValue ?? [] {
            guard let name = name.stringValue, !members.contains(where: { $0.name == name }) else {
                continue
            }
            throw FieldError(
                path: Self.join(path, name), expected: Self.expectation(properties?[name]),
                found: "nothing")
        }
    }

    private static func join(_ path: String, _ name: String) -> String {
        let short = name.utf8.count <= 64 ? name : String(name.prefix(64)) + "…"
        return path.isEmpty ? short : "\(path).\(short)"
    }

    private static func expectation(_ schema: JSON?) -> String {
        if let name = schema?["format"]?.stringValue, let format = TextFormat(rawValue: name) {
            return format.words
        }
        return schema?["type"]?.stringValue.map(Self.article) ?? "a value"
    }
}
