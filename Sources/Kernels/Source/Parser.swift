internal import Primitives

/// Recursive descent over tokens: functions and constant tables of a translation unit.
///
/// - Bounds: ``Limits/nesting`` levels of statements and parentheses, ``Limits/expressionDepth`` of
///   an expression's height, ``Limits/functions``; a hostile source ends in an error, never in a
///   full stack.
struct Parser {
    let tokens: [Token]
    var index = 0
    var depth = 0
    var aliases = Lookup<String, ValueType>()
    /// Names that are assigned, counted up or down, or whose address is taken, anywhere.
    var assigned = Lookup<String, Bool>()

    /// Parses a published text.
    static func parse(_ source: [UInt8]) throws(KernelError) -> UnitSyntax {
        guard source.count <= Limits.sourceBytes else {
            throw KernelError(
                code: "kernel.limit.source", message: "the source has \(source.count) bytes",
                fix: "at most \(Limits.sourceBytes)")
        }
        var parser = Parser(tokens: try Lexer.tokens(of: source))
        var unit = try parser.unit()
        unit.assigned = parser.assigned
        return unit
    }

    private init(tokens: [Token]) { self.tokens = tokens }

    // Tokens ---------------------------------------------------------------------------------

    var token: Token { self.tokens[self.index] }

    func ahead(_ distance: Int) -> Token {
        self.tokens[min(self.index + distance, self.tokens.count - 1)]
    }

    mutating func advance() {
        if self.index < self.tokens.count - 1 { self.index += 1 }
    }

    mutating func take(_ text: String) -> Bool {
        guard self.token.text == text, self.token.kind != .string else { return false }
        self.advance()
        return true
    }

    mutating func expect(_ text: String, _ place: String) throws(KernelError) {
        guard self.take(text) else {
            let found = self.token.kind == .end ? "the end" : "\"\(self.token.text.prefix(40))\""
            throw self.token.refused(
                "kernel.syntax", "expected \"\(text)\" \(place), found \(found)",
                fix: "write \"\(text)\" there")
        }
    }

    mutating func enter() throws(KernelError) {
        self.depth += 1
        guard self.depth <= Limits.nesting else {
            throw self.token.refused(
                "kernel.limit.nesting", "nested more than \(Limits.nesting) deep",
                fix: "use variables and helper functions")
        }
    }

    mutating func leave() { self.depth -= 1 }

    mutating func name(_ what: String) throws(KernelError) -> String {
        let token = self.token
        guard token.kind == .identifier, !Self.isKeyword(token.text) else {
            throw token.refused(
                "kernel.syntax", "expected the name of \(what), found \"\(token.text.prefix(40))\"",
                fix: "name it with letters, digits and _, not with a keyword")
        }
        self.advance()
        return token.text
    }

    static func isKeyword(_ name: String) -> Bool {
        [
            "if", "else", "for", "while", "do", "switch", "case", "default", "break", "continue",
            "return", "goto", "struct", "union", "enum", "typedef", "sizeof", "const", "static",
            "extern", "volatile", "restrict", "__kernel", "kernel", "__global", "global", "__local",
            "local", "__constant", "constant", "__private", "private", "inline", "asm", "__asm__",
            "__asm", "__attribute__", "register", "signed", "unsigned", "void",
        ].contains(name) || ValueType(name: name) != nil
    }

    // File scope -----------------------------------------------------------------------------

    private mutating func unit() throws(KernelError) -> UnitSyntax {
        var unit = UnitSyntax()
        while self.token.kind != .end {
            if self.take(";") { continue }
            if self.token.text == "#" {
                throw self.token.refused(
                    "kernel.directive", "a directive in the published text",
                    fix: "publish the expansion of the file")
            }
            if self.token.text == "typedef" {
                try self.typedef()
                continue
            }
            try self.declaration(into: &unit)
            guard unit.functions.count <= Limits.functions, unit.tables.count <= Limits.arrays
            else {
                throw self.token.refused(
                    "kernel.limit.functions",
                    "more than \(Limits.functions) functions or \(Limits.arrays) tables",
                    fix: "remove what the entry does not use")
            }
        }
        return unit
    }

    private mutating func typedef() throws(KernelError) {
        let start = self.token
        self.advance()
        let type = try self.specifiers().type
        guard let value = type.value, self.token.text != "*" else {
            throw start.refused(
                "kernel.unsupported.typedef", "only names for scalar and vector types are accepted",
                fix: "write the type out")
        }
        let name = try self.name("the type")
        self.aliases[name] = value
        try self.expect(";", "after the typedef")
    }

    private mutating func declaration(into unit: inout UnitSyntax) throws(KernelError) {
        let start = self.token
        let (type, isKernel, required) = try self.specifiers()
        if self.token.text == "*" {
            throw self.token.refused(
                "kernel.unsupported.pointer.result",
                "a function or a variable of pointer type here",
                fix: "return a value, or use a pointer parameter")
        }
        let position = self.token.position
        let name = try self.name("a function or a table")
        guard self.take("(") else {
            guard type.space == .constant, !isKernel else {
                throw start.refused(
                    "kernel.unsupported.file.variable",
                    "variables at file scope are accepted in __constant memory only",
                    fix: "write __constant, or pass a buffer")
            }
            let item = try self.declarator(name: name, position: position, isPointer: false)
            unit.tables.append(TableSyntax(type: type, declarator: item))
            try self.expect(";", "after the table")
            return
        }
        let parameters = try self.parameters()
        let after = try self.attributes()
        // A prototype says nothing new: definitions are found by name.
        guard !self.take(";") else { return }
        try self.expect("{", "to begin the body")
        let body = try self.blockRest()
        unit.functions.append(
            FunctionSyntax(
                name: name, isKernel: isKernel, result: type, parameters: parameters, body: body,
                position: position, requiredSize: required ?? after))
    }

    private mutating func parameters() throws(KernelError) -> [ParameterSyntax] {
        var parameters: [ParameterSyntax] = []
        if self.take(")") { return [] }
        if self.token.text == "void" && self.ahead(1).text == ")" {
            self.advance()
            self.advance()
            return []
        }
        repeat {
            var type = try self.specifiers().type
            let star = self.token
            try self.pointer(&type)
            let position = self.token.position
            // A prototype need not name them.
            let isNamed = self.token.text != "," && self.token.text != ")"
            let name = isNamed ? try self.name("the parameter") : ""
            if self.take("[") {
                // An array parameter is a pointer.
                while self.token.text != "]" && self.token.kind != .end { self.advance() }
                try self.expect("]", "after the extent")
                type.isPointer = true
            }
            if type.value == nil {
                throw star.refused(
                    "kernel.unsupported.void.pointer", "a parameter of type void or void *",
                    fix: "give the element type")
            }
            parameters.append(ParameterSyntax(name: name, type: type, position: position))
            guard parameters.count <= Limits.parameters else {
                throw star.refused(
                    "kernel.limit.parameters", "more than \(Limits.parameters) parameters",
                    fix: "put values in a buffer")
            }
        } while self.take(",")
        try self.expect(")", "after the parameters")
        return parameters
    }

    /// `*` and the qualifiers after it.
    mutating func pointer(_ type: inout TypeSyntax) throws(KernelError) {
        guard self.take("*") else { return }
        type.isPointer = true
        while ["const", "restrict", "__restrict", "__restrict__"].contains(self.token.text) {
            self.advance()
        }
        if self.token.text == "*" {
            throw self.token.refused(
                "kernel.unsupported.pointer.pointer", "a pointer to a pointer",
                fix: "pass the buffers as parameters of their own")
        }
    }

    /// `__attribute__((…))`, of which only `reqd_work_group_size` says something.
    mutating func attributes() throws(KernelError) -> [UInt32]? {
        var size: [UInt32]?
        while self.token.text == "__attribute__" {
            let start = self.token
            self.advance()
            try self.expect("(", "after __attribute__")
            try self.expect("(", "after __attribute__")
            let name = self.token.text
            self.advance()
            let known = [
                "reqd_work_group_size", "work_group_size_hint", "vec_type_hint", "always_inline",
                "aligned", "__always_inline__",
            ]
            guard known.contains(name) else {
                throw start.refused(
                    "kernel.unsupported.attribute", "the attribute \(name.prefix(40))",
                    fix: "remove it")
            }
            if self.take("(") {
                var numbers: [UInt32] = []
                while self.token.text != ")" && self.token.kind != .end {
                    if let literal = Literal(integer: self.token.text) {
                        numbers.append(UInt32(clamping: literal.bits))
                    }
                    self.advance()
                }
                try self.expect(")", "after the attribute")
                if name == "reqd_work_group_size" {
                    guard numbers.count == 3 else {
                        throw start.refused(
                            "kernel.syntax", "reqd_work_group_size takes three integers",
                            fix: "reqd_work_group_size(16, 16, 1)")
                    }
                    size = numbers
                }
            }
            try self.expect(")", "after the attribute")
            try self.expect(")", "after the attribute")
        }
        return size
    }
}
