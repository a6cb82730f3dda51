package import Primitives

/// A small integer expression over a launch's scalars and group counts and the kernel's local size.
///
/// Values are 64-bit signed integers; an overflow, a division by zero and a float scalar make the
/// whole expression undefined, which every user of it refuses. Division and remainder truncate.
///
/// Bytes: a tag u8, then the payload: 0 constant (u64, two's complement), 1 scalar (byte string:
/// its parameter name), 2 number of groups (axis u8), 3 local size (axis u8), 4...10 the operators
/// `+ - * / % min max` (left, right). JSON: text such as `"min(width * 3, 16)"`, with `groups.x`,
/// `local.y` for the launch's extents, and parentheses exactly where they are needed.
///
/// - Bounds: ``Limits/expressionNodes`` nodes, ``Limits/scalarExpressionDepth`` levels.
package struct ScalarExpression: Hashable, Sendable {
    /// What it is made of.
    package indirect enum Node: Hashable, Sendable {
        case constant(Int64)
        case scalar(String)
        case groups(Int)
        case local(Int)
        case binary(Operator, Node, Node)
    }

    /// The raw value is the tag of the node.
    package enum Operator: UInt8, CaseIterable, Hashable, Sendable {
        case add = 4
        case subtract = 5
        case multiply = 6
        case divide = 7
        case remainder = 8
        case min = 9
        case max = 10
    }

    package let node: Node

    /// The expression, or nil when it is over the bounds.
    package init?(_ node: Node) {
        var budget = Limits.expressionNodes
        guard Self.fits(node, depth: Limits.scalarExpressionDepth, budget: &budget) else {
            return nil
        }
        self.node = node
    }

    private init(checked node: Node) { self.node = node }

    /// A number.
    package static func constant(_ value: Int64) -> ScalarExpression {
        ScalarExpression(checked: .constant(value))
    }

    /// What the names stand for in one launch.
    package struct Environment: Sendable {
        package var names: [String]
        /// Integer values of the scalars; nil for floats.
        package var values: [Int64?]
        package var groups: [UInt32]
        package var local: [UInt32]

        package init(names: [String], values: [Int64?], groups: [UInt32], local: [UInt32]) {
            self.names = names
            self.values = values
            self.groups = groups
            self.local = local
        }
    }

    /// The value, or nil when it is undefined, or when an intermediate value is not within the
    /// range.
    package func value(
        in environment: Environment, within range: ClosedRange<Int64> = .min ... .max
    ) -> Int64? {
        Self.value(self.node, environment, range)
    }

    /// Whether it mentions nothing of the launch.
    var isConstant: Bool { Self.isConstant(self.node) }

    private static func isConstant(_ node: Node) -> Bool {
        switch node {
        case .constant: true
        case .scalar, .groups, .local: false
        case .binary(_, let left, let right): Self.isConstant(left) && Self.isConstant(right)
        }
    }

    /// Names of the scalars it mentions, in order of appearance.
    package var names: [String] {
        var names: [String] = []
        Self.collect(self.node, into: &names)
        return names
    }

    private static func value(
        _ node: Node, _ environment: Environment, _ range: ClosedRange<Int64>
    ) -> Int64? {
        let value: Int64?
        switch node {
        case .constant(let constant): value = constant
        case .scalar(let name):
            guard let index = environment.names.firstIndex(of: name) else { return nil }
            value = environment.values[index]
        case .groups(let axis): value = Int64(environment.groups[axis])
        case .local(let axis): value = Int64(environment.local[axis])
        case .binary(let operation, let left, let right):
            guard let a = Self.value(left, environment, range),
                let b = Self.value(right, environment, range)
            else { return nil }
            value = Self.apply(operation, a, b)
        }
        return value.flatMap { range.contains($0) ? $0 : nil }
    }

    /// One checked operation.
    static func apply(_ operation: Operator, _ a: Int64, _ b: Int64) -> Int64? {
        let result: (partialValue: Int64, overflow: Bool)
        switch operation {
        case .add: result = a.addingReportingOverflow(b)
        case .subtract: result = a.subtractingReportingOverflow(b)
        case .multiply: result = a.multipliedReportingOverflow(by: b)
        case .divide: result = a.dividedReportingOverflow(by: b)
        case .remainder: result = a.remainderReportingOverflow(dividingBy: b)
        case .min: result = (Swift.min(a, b), false)
        case .max: result = (Swift.max(a, b), false)
        }
        return result.overflow ? nil : result.partialValue
    }

    private static func fits(_ node: Node, depth: Int, budget: inout Int) -> Bool {
        budget -= 1
        guard depth > 0, budget >= 0 else { return false }
        switch node {
        case .constant: return true
        case .scalar(let name): return Self.isName(name)
        case .groups(let axis), .local(let axis): return (0...2).contains(axis)
        case .binary(_, let left, let right):
            return Self.fits(left, depth: depth - 1, budget: &budget)
                && Self.fits(right, depth: depth - 1, budget: &budget)
        }
    }

    /// A C identifier of at most ``Limits/identifierBytes``.
    static func isName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, bytes.count <= Limits.identifierBytes else { return false }
        return Ascii.isLetter(first) && bytes.allSatisfy { Ascii.isLetter($0) || Ascii.isDigit($0) }
    }

    private static func collect(_ node: Node, into names: inout [String]) {
        switch node {
        case .scalar(let name): if !names.contains(name) { names.append(name) }
        case .binary(_, let left, let right):
            Self.collect(left, into: &names)
            Self.collect(right, into: &names)
        case .constant, .groups, .local: break
        }
    }
}

/// Classes of ASCII bytes; a letter is one that may begin an identifier.
enum Ascii {
    static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
    static func isLetter(_ byte: UInt8) -> Bool {
        (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90) || byte == 95
    }
    static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (byte >= 9 && byte <= 13) }
}

extension ScalarExpression: FieldValue {
    /// Zero.
    package static var blank: ScalarExpression { .constant(0) }

    /// The nodes in prefix order.
    package func encode(into encoder: inout Encoder) { Self.encode(self.node, into: &encoder) }

    /// Reads nodes in prefix order.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        var budget = Limits.expressionNodes
        self.node = try Self.decode(
            &decoder, depth: Limits.scalarExpressionDepth, budget: &budget)
    }

    private static func encode(_ node: Node, into encoder: inout Encoder) {
        switch node {
        case .constant(let value):
            encoder.u8(0)
            encoder.u64(UInt64(bitPattern: value))
        case .scalar(let name):
            encoder.u8(1)
            encoder.byteString(Array(name.utf8))
        case .groups(let axis):
            encoder.u8(2)
            encoder.u8(UInt8(truncatingIfNeeded: axis))
        case .local(let axis):
            encoder.u8(3)
            encoder.u8(UInt8(truncatingIfNeeded: axis))
        case .binary(let operation, let left, let right):
            encoder.u8(operation.rawValue)
            Self.encode(left, into: &encoder)
            Self.encode(right, into: &encoder)
        }
    }

    private static func decode(
        _ decoder: inout Decoder, depth: Int, budget: inout Int
    ) throws(DecodeError) -> Node {
        let offset = decoder.offset
        budget -= 1
        guard depth > 0, budget >= 0 else { throw .tooDeep(offset: offset) }
        let tag = try decoder.u8()
        switch tag {
        case 0: return .constant(Int64(bitPattern: try decoder.u64()))
        case 1:
            let bytes = try decoder.byteString(max: Limits.identifierBytes, field: "scalar")
            guard let name = String(validating: bytes, as: UTF8.self), Self.isName(name) else {
                throw .invalid(field: "scalar", offset: offset)
            }
            return .scalar(name)
        case 2, 3:
            let axis = Int(try decoder.u8())
            guard axis <= 2 else { throw .invalid(field: "axis", offset: offset) }
            return tag == 2 ? .groups(axis) : .local(axis)
        default:
            guard let operation = Operator(rawValue: tag) else {
                throw .unknownTag(field: "ScalarExpression", tag: UInt64(tag), offset: offset)
            }
            let left = try Self.decode(&decoder, depth: depth - 1, budget: &budget)
            let right = try Self.decode(&decoder, depth: depth - 1, budget: &budget)
            return .binary(operation, left, right)
        }
    }

    /// The text.
    package var json: JSON { .string(self.text) }

    /// Reads the text, or a plain number.
    package init(json: JSON, at path: String) throws(FieldError) {
        if case .number(let value) = json {
            self = .constant(value)
            return
        }
        guard case .string(let text) = json, let value = ScalarExpression(text: text) else {
            throw FieldError(
                path: path, expected: "an expression such as \"width * 3\"", found: json.text)
        }
        self = value
    }

    /// A string.
    package static var schema: JSON { .object(("type", .string("string"))) }
}
