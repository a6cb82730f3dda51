import Control
import Kernels
import Primitives
import TOMLKit

/// A manifest as authors write it, in TOML.
///
/// The keys are those of ``Manifest``'s JSON form, all but `entry` optional, with these short
/// forms: `localSize = [16, 16]`, `definitions` and `localArguments` as tables of name = value,
/// formulas as numbers or texts, and of an axis `source = "x"`, or
/// `source = { axis = "x", divisor = 1, modulus = 0 }`.
///
/// - Source: examples/README.md.
enum ManifestFile {
    /// Reads a manifest.
    ///
    /// - Throws: ``CommandFailure`` naming line and column, or the key.
    static func parse(_ text: String, named file: String) throws -> Manifest {
        let json: JSON
        do {
            json = try JSONText.parse(try TOMLTable(string: text).convert(to: .json))
        } catch let error as TOMLParseError {
            let place = error.source.begin
            throw CommandFailure(
                "\(printable(file)):\(place.line):\(place.column): \(printable(error.description))",
                fix: "see examples/README.md for the keys of a manifest")
        } catch {
            throw CommandFailure(
                "\(printable(file)): only texts, integers, booleans, arrays and tables are taken",
                fix: "see examples/README.md for the keys of a manifest")
        }
        do throws(FieldError) {
            return try Manifest(json: try Self.complete(json), at: "")
        } catch {
            throw CommandFailure(
                "\(printable(file)): \(printable(error.path)): "
                    + "\(printable(error.expected)) expected, \(printable(error.found)) found",
                fix: "see examples/README.md for the keys of a manifest")
        }
    }

    // MARK: Short forms to JSON

    /// Adds what was left out and spells short forms out; unknown keys stay, to be refused.
    private static func complete(_ json: JSON) throws(FieldError) -> JSON {
        let blank = Manifest.blank.json
        var members: [JSONMember] = []
        for member in blank.memberValues ?? [] {
            let given = json[member.name]
            let value: JSON
            switch (member.name, given) {
            case (_, nil): value = member.value
            case ("localSize", let given?): value = try Self.extent(given)
            case ("definitions", .object(let list)?):
                value = .array(list.map { Self.pair($0, "value", .string(Self.word($0.value))) })
            case ("localArguments", .object(let list)?):
                value = .array(list.map { Self.pair($0, "count", $0.value) })
            case ("fuel", .number(let number)?): value = .string(String(number))
            case ("buffers", .array(let list)?): value = .array(try list.map(Self.buffer))
            case (_, let given?): value = given
            }
            members.append(JSONMember(name: member.name, value: value))
        }
        return .object(members + Self.unknown(json, besides: blank))
    }

    private static func buffer(_ json: JSON) throws(FieldError) -> JSON {
        guard case .object = json else { return json }
        let blank = BufferLayout.blank.json
        var members: [JSONMember] = []
        for member in blank.memberValues ?? [] {
            let given = json[member.name]
            let value: JSON
            switch (member.name, given) {
            case (_, nil): value = member.value
            case ("origin", let given?): value = .string(Self.word(given))
            case ("axes", .array(let list)?): value = .array(list.map(Self.axis))
            case (_, let given?): value = given
            }
            members.append(JSONMember(name: member.name, value: value))
        }
        return .object(members + Self.unknown(json, besides: blank))
    }

    private static func axis(_ json: JSON) -> JSON {
        guard case .object = json else { return json }
        let blank = LayoutAxis.blank.json
        let members = (blank.memberValues ?? []).map { member in
            guard let given = json[member.name] else { return member }
            let value = member.name == "source" ? Self.source(given) : .string(Self.word(given))
            return JSONMember(name: member.name, value: value)
        }
        return .object(members + Self.unknown(json, besides: blank))
    }

    private static func source(_ json: JSON) -> JSON {
        let short = json["axis"] ?? json
        let axis: JSON =
            switch short.stringValue {
            case "x": .number(0)
            case "y": .number(1)
            case "z": .number(2)
            default: short
            }
        let known = JSON.object(
            ("axis", axis), ("divisor", .string(json["divisor"].map(Self.word) ?? "1")),
            ("modulus", .string(json["modulus"].map(Self.word) ?? "0")))
        return .object((known.memberValues ?? []) + Self.unknown(json, besides: known))
    }

    private static func extent(_ json: JSON) throws(FieldError) -> JSON {
        guard case .array(let sizes) = json else { return json }
        guard (1...3).contains(sizes.count) else {
            throw FieldError(path: "localSize", expected: "1 to 3 sizes", found: "\(sizes.count)")
        }
        let all = sizes + Array(repeating: JSON.number(1), count: 3 - sizes.count)
        return .object(("x", all[0]), ("y", all[1]), ("z", all[2]))
    }

    private static func pair(_ member: JSONMember, _ name: String, _ value: JSON) -> JSON {
        .object(("name", .string(member.name)), (name, value))
    }

    private static func word(_ json: JSON) -> String { json.stringValue ?? json.text }

    private static func unknown(_ json: JSON, besides known: JSON) -> [JSONMember] {
        (json.memberValues ?? []).filter { known[$0.name] == nil }
    }

    // MARK: Writing

    /// The text that ``parse(_:named:)`` reads back to the same manifest.
    static func text(_ manifest: Manifest) -> String {
        let sizes = manifest.localSize.array.map(String.init).joined(separator: ", ")
        var lines = [
            "title = \(Self.quote(manifest.title))", "entry = \(Self.quote(manifest.entry))",
            "exactness = \(Self.quote("\(manifest.exactness)"))",
            "dimensions = \(manifest.dimensions)", "localSize = [\(sizes)]",
            "groupsPerLeaf = \(manifest.groupsPerLeaf)", "fuel = \(manifest.fuel)",
        ]
        if manifest.version != 1 { lines.append("version = \(manifest.version)") }
        if manifest.subgroupWidth != 0 { lines.append("subgroupWidth = \(manifest.subgroupWidth)") }
        if manifest.segments != 1 { lines.append("segments = \(manifest.segments)") }
        if !manifest.definitions.isEmpty {
            lines += ["", "[definitions]"]
            lines += manifest.definitions.map { "\(Self.key($0.name)) = \(Self.quote($0.value))" }
        }
        if !manifest.localArguments.isEmpty {
            lines += ["", "[localArguments]"]
            lines += manifest.localArguments.map { "\(Self.key($0.name)) = \($0.count)" }
        }
        for buffer in manifest.buffers { lines += ["", "[[buffers]]"] + Self.lines(buffer) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(_ buffer: BufferLayout) -> [String] {
        var lines = [
            "name = \(Self.quote(buffer.name))", "role = \(Self.quote(buffer.role.json))",
            "element = \(Self.quote(buffer.element.json))",
        ]
        if buffer.chunks != .linear { lines.append("chunks = \(Self.quote(buffer.chunks.json))") }
        if buffer.chunkLog2 != 12 { lines.append("chunkLog2 = \(buffer.chunkLog2)") }
        if buffer.origin != .constant(0) {
            lines.append("origin = \(Self.quote(buffer.origin.text))")
        }
        guard !buffer.axes.isEmpty else { return lines }
        lines.append("axes = [")
        lines += buffer.axes.map { "    { \(Self.line($0)) }," }
        return lines + ["]"]
    }

    private static func line(_ axis: LayoutAxis) -> String {
        var parts: [String] = []
        if let source = axis.source {
            let name = Self.quote(["x", "y", "z"][min(Int(source.axis), 2)])
            if source.divisor == .constant(1), source.modulus == .constant(0) {
                parts.append("source = \(name)")
            } else {
                parts.append(
                    "source = { axis = \(name), divisor = \(Self.quote(source.divisor.text)), "
                        + "modulus = \(Self.quote(source.modulus.text)) }")
            }
        }
        parts.append("block = \(Self.quote(axis.block.text))")
        parts.append("limit = \(Self.quote(axis.limit.text))")
        parts.append("stride = \(Self.quote(axis.stride.text))")
        return parts.joined(separator: ", ")
    }

    private static func quote(_ json: JSON) -> String { Self.quote(json.stringValue ?? "") }

    /// A basic string of TOML has the escapes of JSON.
    private static func quote(_ text: String) -> String { JSON.string(text).text }

    private static func key(_ name: String) -> String { Self.quote(name) }
}
