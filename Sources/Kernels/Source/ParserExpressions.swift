extension Parser {
    /// A node, unless it is too high.
    private func make(
        _ node: Syntax.Node, _ position: Position, _ height: Int
    ) throws(KernelError) -> Syntax {
        guard height < Limits.expressionDepth else {
            throw KernelError(
                code: "kernel.limit.expression", line: position.line, column: position.column,
                message: "an expression more than \(Limits.expressionDepth) high",
                fix: "split it with variables")
        }
        return Syntax(node: node, position: position, height: height + 1)
    }

    private mutating func noteAssignment(_ target: Syntax) {
        switch target.node {
        case .name(let name): self.assigned[name] = true
        case .member(let inner, _): self.noteAssignment(inner)
        default: break
        }
    }

    /// With commas.
    mutating func expression() throws(KernelError) -> Syntax {
        var left = try self.assignment()
        while self.token.text == "," {
            let position = self.token.position
            self.advance()
            let right = try self.assignment()
            left = try self.make(.comma(left, right), position, max(left.height, right.height))
        }
        return left
    }

    mutating func assignment() throws(KernelError) -> Syntax {
        try self.enter()
        defer { self.leave() }
        let left = try self.ternary()
        let token = self.token
        let operators = ["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="]
        guard token.kind == .punctuator, operators.contains(token.text) else { return left }
        self.advance()
        self.noteAssignment(left)
        let right = try self.assignment()
        return try self.make(
            .assign(String(token.text.dropLast()), left, right), token.position,
            max(left.height, right.height))
    }

    mutating func ternary() throws(KernelError) -> Syntax {
        try self.enter()
        defer { self.leave() }
        let condition = try self.binary(level: 0)
        let position = self.token.position
        guard self.take("?") else { return condition }
        let then = try self.expression()
        try self.expect(":", "after ?")
        let otherwise = try self.ternary()
        return try self.make(
            .conditional(condition, then, otherwise), position,
            max(condition.height, then.height, otherwise.height))
    }

    private static let levels = [
        ["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="], ["<", ">", "<=", ">="], ["<<", ">>"],
        ["+", "-"], ["*", "/", "%"],
    ]

    private mutating func binary(level: Int) throws(KernelError) -> Syntax {
        guard level < Self.levels.count else { return try self.unary() }
        var left = try self.binary(level: level + 1)
        while self.token.kind == .punctuator, Self.levels[level].contains(self.token.text) {
            let token = self.token
            self.advance()
            let right = try self.binary(level: level + 1)
            left = try self.make(
                .binary(token.text, left, right), token.position, max(left.height, right.height))
        }
        return left
    }

    private mutating func unary() throws(KernelError) -> Syntax {
        try self.enter()
        defer { self.leave() }
        let token = self.token
        if token.kind == .punctuator,
            ["-", "+", "!", "~", "*", "&", "++", "--"].contains(token.text)
        {
            self.advance()
            let operand = try self.unary()
            if ["&", "++", "--"].contains(token.text) { self.noteAssignment(operand) }
            return try self.make(.prefix(token.text, operand), token.position, operand.height)
        }
        if token.text == "sizeof" { return try self.sizeOf() }
        if token.text == "(" {
            self.advance()
            if self.startsType { return try self.castRest(token.position) }
            self.index -= 1
        }
        return try self.postfix()
    }

    private mutating func sizeOf() throws(KernelError) -> Syntax {
        let position = self.token.position
        self.advance()
        try self.expect("(", "after sizeof")
        guard self.startsType else {
            throw self.token.refused(
                "kernel.unsupported.sizeof", "sizeof an expression", fix: "sizeof(TYPE)")
        }
        var type = try self.specifiers().type
        try self.pointer(&type)
        try self.expect(")", "after sizeof")
        return try self.make(.sizeOf(type), position, 0)
    }

    private mutating func castRest(_ position: Position) throws(KernelError) -> Syntax {
        var type = try self.specifiers().type
        try self.pointer(&type)
        try self.expect(")", "after the type")
        if let value = type.value, !value.isScalar, !type.isPointer, self.token.text == "(" {
            self.advance()
            var items: [Syntax] = []
            repeat { items.append(try self.assignment()) } while self.take(",")
            try self.expect(")", "after the components")
            let height = items.map(\.height).max() ?? 0
            return try self.suffixes(try self.make(.vector(type, items), position, height))
        }
        let operand = try self.unary()
        return try self.make(.cast(type, operand), position, operand.height)
    }

    private mutating func postfix() throws(KernelError) -> Syntax {
        try self.suffixes(try self.primary())
    }

    private mutating func suffixes(_ base: Syntax) throws(KernelError) -> Syntax {
        var left = base
        while self.token.kind == .punctuator {
            let token = self.token
            switch token.text {
            case "[":
                self.advance()
                let index = try self.expression()
                try self.expect("]", "after the index")
                left = try self.make(
                    .index(left, index), token.position, max(left.height, index.height))
            case ".":
                self.advance()
                let member = self.token
                guard member.kind == .identifier else {
                    throw member.refused(
                        "kernel.syntax", "expected components after the dot", fix: ".x, .xyz, .s0")
                }
                self.advance()
                left = try self.make(.member(left, member.text), token.position, left.height)
            case "->":
                throw token.refused(
                    "kernel.unsupported.struct", "-> needs a struct", fix: "use separate buffers")
            case "++", "--":
                self.advance()
                self.noteAssignment(left)
                left = try self.make(.postfix(token.text, left), token.position, left.height)
            default: return left
            }
        }
        return left
    }

    private mutating func primary() throws(KernelError) -> Syntax {
        let token = self.token
        switch token.kind {
        case .number:
            self.advance()
            return try self.make(.number(token.text), token.position, 0)
        case .character:
            self.advance()
            return try self.make(.character(token.text), token.position, 0)
        case .string:
            throw token.refused(
                "kernel.unsupported.string", "strings are not part of the language",
                fix: "remove it")
        case .identifier:
            if ["asm", "__asm__", "__asm"].contains(token.text) {
                throw token.refused(
                    "kernel.unsupported.asm", "asm is not part of the language",
                    fix: "write it in C")
            }
            let name = try self.name("a value")
            guard self.take("(") else {
                return try self.make(.name(name), token.position, 0)
            }
            var arguments: [Syntax] = []
            if !self.take(")") {
                repeat { arguments.append(try self.assignment()) } while self.take(",")
                try self.expect(")", "after the arguments")
            }
            return try self.make(
                .call(name, arguments), token.position, arguments.map(\.height).max() ?? 0)
        case .punctuator:
            if self.take("(") {
                let inner = try self.expression()
                try self.expect(")", "after the expression")
                return inner
            }
            fallthrough
        case .end:
            if token.text == "#" {
                throw token.refused(
                    "kernel.directive", "a directive in the published text",
                    fix: "publish the expansion of the file")
            }
            throw token.refused(
                "kernel.syntax", "expected a value, found \"\(token.text.prefix(40))\"",
                fix: "write an expression there")
        }
    }
}
