extension Parser {
    /// Statements up to and with the closing brace.
    mutating func blockRest() throws(KernelError) -> [StatementSyntax] {
        try self.enter()
        defer { self.leave() }
        var statements: [StatementSyntax] = []
        while !self.take("}") {
            guard self.token.kind != .end else {
                throw self.token.refused("kernel.syntax", "a { is never closed", fix: "add }")
            }
            statements.append(try self.statement())
        }
        return statements
    }

    mutating func statement() throws(KernelError) -> StatementSyntax {
        try self.enter()
        defer { self.leave() }
        let token = self.token
        let node = try self.statementNode()
        return StatementSyntax(node: node, position: token.position)
    }

    private mutating func statementNode() throws(KernelError) -> StatementSyntax.Node {
        let token = self.token
        switch token.text {
        case ";":
            self.advance()
            return .empty
        case "{":
            self.advance()
            return .block(try self.blockRest())
        case "if": return try self.branch()
        case "for": return .loop(try self.forLoop())
        case "while":
            self.advance()
            let condition = try self.parenthesised("after while")
            return .loop(
                LoopSyntax(
                    condition: condition, step: nil, body: try self.statement(), testsFirst: true))
        case "do":
            self.advance()
            let body = try self.statement()
            try self.expect("while", "after the body of do")
            let condition = try self.parenthesised("after while")
            try self.expect(";", "after do … while")
            return .loop(
                LoopSyntax(condition: condition, step: nil, body: body, testsFirst: false))
        case "switch": return try self.choice()
        case "break", "continue":
            self.advance()
            try self.expect(";", "after \(token.text)")
            return token.text == "break" ? .breakLoop : .continueLoop
        case "return":
            self.advance()
            if self.take(";") { return .leave(nil) }
            let value = try self.expression()
            try self.expect(";", "after return")
            return .leave(value)
        case "goto", "asm", "__asm__", "__asm":
            let name = token.text == "goto" ? "goto" : "asm"
            throw token.refused(
                "kernel.unsupported.\(name)", "\(name) is not part of the language",
                fix: name == "goto" ? "use loops, break, continue and return" : "write it in C")
        default:
            if self.startsType && self.ahead(1).text != "(" { return try self.declaration() }
            let expression = try self.expression()
            try self.expect(";", "after the expression")
            return .expression(expression)
        }
    }

    private mutating func parenthesised(_ place: String) throws(KernelError) -> Syntax {
        try self.expect("(", place)
        let expression = try self.expression()
        try self.expect(")", "after the condition")
        return expression
    }

    private mutating func branch() throws(KernelError) -> StatementSyntax.Node {
        self.advance()
        let condition = try self.parenthesised("after if")
        let then = try self.statement()
        let otherwise = self.take("else") ? try self.statement() : nil
        return .branch(condition, then, otherwise)
    }

    private mutating func forLoop() throws(KernelError) -> LoopSyntax {
        self.advance()
        try self.expect("(", "after for")
        var start: StatementSyntax?
        let position = self.token.position
        if !self.take(";") {
            if self.startsType {
                start = StatementSyntax(node: try self.declaration(), position: position)
            } else {
                start = StatementSyntax(
                    node: .expression(try self.expression()), position: position)
                try self.expect(";", "in for")
            }
        }
        var condition: Syntax?
        if self.token.text != ";" { condition = try self.expression() }
        try self.expect(";", "in for")
        var step: Syntax?
        if self.token.text != ")" { step = try self.expression() }
        try self.expect(")", "after for")
        return LoopSyntax(
            start: start, condition: condition, step: step, body: try self.statement(),
            testsFirst: true)
    }

    private mutating func choice() throws(KernelError) -> StatementSyntax.Node {
        self.advance()
        let value = try self.parenthesised("after switch")
        try self.expect("{", "after switch")
        try self.enter()
        defer { self.leave() }
        var cases: [CaseSyntax] = []
        while !self.take("}") {
            let position = self.token.position
            let isDefault = self.take("default")
            var label: Syntax?
            if !isDefault {
                try self.expect("case", "in switch")
                label = try self.ternary()
            }
            try self.expect(":", "after the label")
            var body: [StatementSyntax] = []
            while !["case", "default", "}"].contains(self.token.text) {
                guard self.token.kind != .end else {
                    throw self.token.refused("kernel.syntax", "a { is never closed", fix: "add }")
                }
                body.append(try self.statement())
            }
            cases.append(CaseSyntax(value: label, body: body, position: position))
        }
        return .choice(value, cases)
    }

    private mutating func declaration() throws(KernelError) -> StatementSyntax.Node {
        let type = try self.specifiers().type
        var items: [DeclaratorSyntax] = []
        repeat {
            var pointer = TypeSyntax()
            try self.pointer(&pointer)
            let position = self.token.position
            let name = try self.name("the variable")
            items.append(
                try self.declarator(name: name, position: position, isPointer: pointer.isPointer))
        } while self.take(",")
        try self.expect(";", "after the declaration")
        return .declaration(type, items)
    }
}
