private let axisNames = ["x", "y", "z"]

extension ScalarExpression {
    /// The formula, as ``init(text:)`` reads it.
    package var text: String { Self.text(self.node, above: 0) }

    private static func text(_ node: Node, above: Int) -> String {
        switch node {
        case .constant(let value): return value < 0 && above > 0 ? "(\(value))" : "\(value)"
        case .scalar(let name): return name
        case .groups(let axis): return "groups.\(axisNames[axis])"
        case .local(let axis): return "local.\(axisNames[axis])"
        case .binary(let operation, let left, let right):
            let symbol: String
            let level: Int
            switch operation {
            case .add: (symbol, level) = ("+", 1)
            case .subtract: (symbol, level) = ("-", 1)
            case .multiply: (symbol, level) = ("*", 2)
            case .divide: (symbol, level) = ("/", 2)
            case .remainder: (symbol, level) = ("%", 2)
            case .min: return "min(\(Self.text(left, above: 0)), \(Self.text(right, above: 0)))"
            case .max: return "max(\(Self.text(left, above: 0)), \(Self.text(right, above: 0)))"
            }
            // Operators of one level associate to the left.
            let body =
                "\(Self.text(left, above: level)) \(symbol) \(Self.text(right, above: level + 1))"
            return level < above ? "(\(body))" : body
        }
    }

    /// Reads a formula: integers, names, `groups.x`, `local.x`, `+ - * / %`, `min( , )`, `max( ,
    /// )`.
    ///
    /// - Bounds: those of the type and 1,024 bytes; anything else is nil.
    package init?(text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 1_024 else { return nil }
        var reader = FormulaReader(bytes: bytes)
        guard let node = reader.sum(depth: Limits.scalarExpressionDepth), reader.isAtEnd else {
            return nil
        }
        self.init(node)
    }
}

/// Recursive descent over a formula; every level of nesting counts against the depth.
private struct FormulaReader {
    let bytes: [UInt8]
    var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool {
        mutating get {
            self.skipSpace()
            return self.offset == self.bytes.count
        }
    }

    mutating func sum(depth: Int) -> ScalarExpression.Node? {
        guard depth > 0, var left = self.product(depth: depth) else { return nil }
        while true {
            let operation: ScalarExpression.Operator
            if self.take(43) {
                operation = .add
            } else if self.take(45) {
                operation = .subtract
            } else {
                return left
            }
            guard let right = self.product(depth: depth) else { return nil }
            left = .binary(operation, left, right)
        }
    }

    private mutating func product(depth: Int) -> ScalarExpression.Node? {
        guard var left = self.term(depth: depth) else { return nil }
        while true {
            let operation: ScalarExpression.Operator
            if self.take(42) {
                operation = .multiply
            } else if self.take(47) {
                operation = .divide
            } else if self.take(37) {
                operation = .remainder
            } else {
                return left
            }
            guard let right = self.term(depth: depth) else { return nil }
            left = .binary(operation, left, right)
        }
    }

    private mutating func term(depth: Int) -> ScalarExpression.Node? {
        self.skipSpace()
        guard self.offset < self.bytes.count else { return nil }
        if self.take(40) {
            guard let inner = self.sum(depth: depth - 1), self.take(41) else { return nil }
            return inner
        }
        if self.take(45) {
            guard case .constant(let value) = self.number(negative: true) else { return nil }
            return .constant(value)
        }
        if Ascii.isDigit(self.bytes[self.offset]) { return self.number(negative: false) }
        guard let name = self.name() else { return nil }
        if (name == "min" || name == "max") && self.take(40) {
            guard let left = self.sum(depth: depth - 1), self.take(44),
                let right = self.sum(depth: depth - 1), self.take(41)
            else { return nil }
            return .binary(name == "min" ? .min : .max, left, right)
        }
        guard (name == "groups" || name == "local") && self.take(46) else { return .scalar(name) }
        guard let axis = self.name(), let index = axisNames.firstIndex(of: axis) else { return nil }
        return name == "groups" ? .groups(index) : .local(index)
    }

    private mutating func number(negative: Bool) -> ScalarExpression.Node? {
        self.skipSpace()
        let start = self.offset
        while self.offset < self.bytes.count, Ascii.isDigit(self.bytes[self.offset]) {
            self.offset += 1
        }
        let digits = String(decoding: self.bytes[start..<self.offset], as: UTF8.self)
        return Int64((negative ? "-" : "") + digits).map { .constant($0) }
    }

    private mutating func name() -> String? {
        self.skipSpace()
        let start = self.offset
        while self.offset < self.bytes.count,
            Ascii.isLetter(self.bytes[self.offset])
                || (self.offset > start && Ascii.isDigit(self.bytes[self.offset]))
        { self.offset += 1 }
        guard self.offset > start else { return nil }
        return String(decoding: self.bytes[start..<self.offset], as: UTF8.self)
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        self.skipSpace()
        guard self.offset < self.bytes.count, self.bytes[self.offset] == byte else { return false }
        self.offset += 1
        return true
    }

    private mutating func skipSpace() {
        while self.offset < self.bytes.count, Ascii.isSpace(self.bytes[self.offset]) {
            self.offset += 1
        }
    }
}
