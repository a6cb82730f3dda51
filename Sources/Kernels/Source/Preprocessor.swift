internal import Primitives

/// Expands macros and conditionals at publication; consensus never runs it.
///
/// - Accepted: `#define` (objects, functions, `##`), `#undef`, `#if #ifdef #ifndef #elif #else
///   #endif`; `#pragma` is dropped.
/// - Refused: `#include`, stringification, every other directive, and names that would tell the
///   device, the clock or the file (`__TIME__`, `__OPENCL_VERSION__`, …), which have no value here.
/// - Bounds: ``Limits/tokens`` out, sixteen times that in steps, ``Limits/macroDepth`` nested
///   expansions.
/// - Source: the algorithm of hidden sets is Prosser's (X3J11/86-196).
struct Preprocessor {
    struct Macro {
        let name: String
        /// Nil for an object-like macro.
        let parameters: [String]?
        let body: [Token]
        /// Position in `macros`, never reused.
        let number: Int
    }

    private struct Conditional {
        let token: Token
        /// This branch is kept.
        var active: Bool
        /// A branch was kept already, or the whole is inside a dropped one.
        var done: Bool
        var sawElse = false
    }

    var macros = Lookup<String, Macro>()
    private var macroCount = 0
    private var conditionals: [Conditional] = []
    private var output: [Token] = []
    var steps = 0

    /// The text with every directive and macro gone.
    static func expand(
        _ source: [UInt8], definitions: [Definition]
    ) throws(KernelError) -> String {
        var preprocessor = Preprocessor()
        for definition in definitions {
            guard ScalarExpression.isName(definition.name) else {
                throw KernelError(
                    code: "kernel.definition.name", message: "a definition needs a C name",
                    fix: "name it with letters, digits and _")
            }
            var tokens = try Lexer.tokens(of: Array(definition.value.utf8))
            tokens.removeLast()
            let name = Token(
                kind: .identifier, text: definition.name, position: .none, startsLine: true,
                followsSpace: false)
            try preprocessor.define(name, parameters: nil, body: tokens)
        }
        do throws(KernelError) {
            try preprocessor.run(try Lexer.tokens(of: source))
        } catch {
            throw error.with(excerptOf: source)
        }
        return Self.printed(preprocessor.output)
    }

    private var isActive: Bool { self.conditionals.allSatisfy(\.active) }

    private mutating func run(_ tokens: [Token]) throws(KernelError) {
        var index = 0
        var pending: [Token] = []
        while index < tokens.count, tokens[index].kind != .end {
            let token = tokens[index]
            if token.startsLine && token.text == "#" {
                var end = index + 1
                while end < tokens.count, !tokens[end].startsLine, tokens[end].kind != .end {
                    end += 1
                }
                // A macro call may span lines, never a directive.
                try self.append(self.expand(pending, depth: 0))
                pending = []
                try self.directive(token, Array(tokens[index + 1..<end]))
                index = end
            } else {
                if self.isActive { pending.append(token) }
                index += 1
            }
        }
        try self.append(self.expand(pending, depth: 0))
        if let open = self.conditionals.last {
            throw open.token.refused(
                "kernel.preprocessor.conditional", "the #if is never closed", fix: "add #endif")
        }
    }

    private mutating func append(_ tokens: [Token]) throws(KernelError) {
        for token in tokens {
            if token.kind == .identifier && Self.isReserved(token.text) {
                throw token.refused(
                    "kernel.macro.reserved",
                    "\(token.text) tells the device, the clock or the file: it has no value here",
                    fix: "give the value as a definition of the manifest")
            }
            self.output.append(token)
        }
        guard self.output.count <= Limits.tokens else {
            throw KernelError(
                code: "kernel.limit.tokens", message: "the expansion has too many tokens",
                fix: "expand less: at most \(Limits.tokens) tokens")
        }
    }

    private static func isReserved(_ name: String) -> Bool {
        let reserved = [
            "__FILE__", "__LINE__", "__DATE__", "__TIME__", "__TIMESTAMP__", "__COUNTER__",
            "__OPENCL_VERSION__", "__OPENCL_C_VERSION__", "__ENDIAN_LITTLE__", "__IMAGE_SUPPORT__",
            "__FAST_RELAXED_MATH__", "__BASE_FILE__", "__INCLUDE_LEVEL__", "__func__",
        ]
        return reserved.contains(name) || name.hasPrefix("__builtin_")
    }

    // Directives -----------------------------------------------------------------------------

    private mutating func directive(_ hash: Token, _ line: [Token]) throws(KernelError) {
        guard let name = line.first else { return }
        let rest = Array(line.dropFirst())
        switch name.text {
        case "if", "ifdef", "ifndef": try self.openConditional(name, rest)
        case "elif", "else", "endif": try self.turnConditional(name, rest)
        case _ where !self.isActive: return
        case "define": try self.defineDirective(name, rest)
        case "undef":
            guard let macro = rest.first, rest.count == 1, macro.kind == .identifier else {
                throw name.refused(
                    "kernel.preprocessor.syntax", "#undef takes one name", fix: "#undef NAME")
            }
            self.macros[macro.text] = nil
        case "pragma": return
        case "include":
            throw name.refused(
                "kernel.include.refused", "#include is not accepted",
                fix: "paste the file, or what it defines, into the source")
        case "error":
            let words = rest.map(\.text).joined(separator: " ")
            throw name.refused(
                "kernel.preprocessor.error", "#error \(words.prefix(200))",
                fix: "give the definitions that the source asks for")
        default:
            throw name.refused(
                "kernel.preprocessor.directive", "#\(name.text) is not accepted",
                fix: "use #define, #undef, #if, #ifdef, #ifndef, #elif, #else, #endif or #pragma")
        }
    }

    private mutating func openConditional(_ name: Token, _ rest: [Token]) throws(KernelError) {
        guard self.conditionals.count < Limits.conditionalDepth else {
            throw name.refused(
                "kernel.limit.conditionals", "#if nested too deeply", fix: "nest at most 32")
        }
        guard self.isActive else {
            self.conditionals.append(Conditional(token: name, active: false, done: true))
            return
        }
        let holds: Bool
        if name.text == "if" {
            holds = try self.evaluate(name, rest)
        } else {
            guard let macro = rest.first, macro.kind == .identifier else {
                throw name.refused(
                    "kernel.preprocessor.syntax", "#\(name.text) takes a name",
                    fix: "#\(name.text) NAME")
            }
            holds = (self.macros[macro.text] != nil) == (name.text == "ifdef")
        }
        self.conditionals.append(Conditional(token: name, active: holds, done: holds))
    }

    private mutating func turnConditional(_ name: Token, _ rest: [Token]) throws(KernelError) {
        guard var open = self.conditionals.popLast() else {
            throw name.refused(
                "kernel.preprocessor.conditional", "#\(name.text) without #if", fix: "add the #if")
        }
        if name.text == "endif" { return }
        guard !open.sawElse else {
            throw name.refused(
                "kernel.preprocessor.conditional", "#\(name.text) after #else", fix: "reorder")
        }
        open.sawElse = name.text == "else"
        if open.done {
            open.active = false
        } else {
            open.active = open.sawElse ? true : try self.evaluate(name, rest)
            open.done = open.active
        }
        self.conditionals.append(open)
    }

    private mutating func evaluate(_ name: Token, _ line: [Token]) throws(KernelError) -> Bool {
        var replaced: [Token] = []
        var index = 0
        while index < line.count {
            let token = line[index]
            guard token.text == "defined" else {
                replaced.append(token)
                index += 1
                continue
            }
            let parenthesis = index + 1 < line.count && line[index + 1].text == "("
            let at = index + (parenthesis ? 2 : 1)
            guard at < line.count, line[at].kind == .identifier,
                !parenthesis || (at + 1 < line.count && line[at + 1].text == ")")
            else {
                throw token.refused(
                    "kernel.preprocessor.syntax", "defined takes a name", fix: "defined(NAME)")
            }
            replaced.append(
                Token(
                    kind: .number, text: self.macros[line[at].text] == nil ? "0" : "1",
                    position: token.position, startsLine: false, followsSpace: true))
            index = at + (parenthesis ? 2 : 1)
        }
        var condition = ConditionReader(tokens: try self.expand(replaced, depth: 0), name: name)
        return try condition.value() != 0
    }

    private mutating func defineDirective(_ name: Token, _ rest: [Token]) throws(KernelError) {
        guard let macro = rest.first, macro.kind == .identifier, macro.text != "defined" else {
            throw name.refused(
                "kernel.preprocessor.syntax", "#define takes a name", fix: "#define NAME value")
        }
        guard rest.count > 1, rest[1].text == "(", !rest[1].followsSpace else {
            try self.define(macro, parameters: nil, body: Array(rest.dropFirst()))
            return
        }
        var parameters: [String] = []
        var index = 2
        while index < rest.count, rest[index].text != ")" {
            if index > 2 {
                guard rest[index].text == "," else { break }
                index += 1
            }
            guard index < rest.count, rest[index].kind == .identifier else { break }
            parameters.append(rest[index].text)
            index += 1
        }
        guard index < rest.count, rest[index].text == ")",
            parameters.count <= Limits.macroParameters
        else {
            throw macro.refused(
                "kernel.preprocessor.syntax",
                "the parameters of \(macro.text) are not a list of names",
                fix: "#define NAME(a, b) …, at most \(Limits.macroParameters), no ...")
        }
        try self.define(macro, parameters: parameters, body: Array(rest.dropFirst(index + 1)))
    }

    private mutating func define(
        _ name: Token, parameters: [String]?, body: [Token]
    ) throws(KernelError) {
        guard self.macroCount < Limits.macros else {
            throw name.refused(
                "kernel.limit.macros", "more than \(Limits.macros) macros", fix: "define fewer")
        }
        for token in body where token.text == "#" {
            throw token.refused(
                "kernel.preprocessor.stringify", "# in a macro is not accepted",
                fix: "kernels have no strings: remove it")
        }
        if body.first?.text == "##" || body.last?.text == "##" {
            throw name.refused(
                "kernel.preprocessor.paste", "## needs a token on each side", fix: "complete it")
        }
        self.macros[name.text] = Macro(
            name: name.text, parameters: parameters, body: body, number: self.macroCount)
        self.macroCount += 1
    }

    // Printing -------------------------------------------------------------------------------

    /// Tokens stand where they stood, so that places in the expansion are places in the file; what
    /// macros make longer moves the rest of its line.
    private static func printed(_ tokens: [Token]) -> String {
        var text = ""
        var line = 1
        var column = 1
        var previous: Token?
        for token in tokens {
            if token.position.line > line {
                text += String(repeating: "\n", count: token.position.line - line)
                (line, column) = (token.position.line, 1)
            } else if column > 1, let previous,
                token.followsSpace || Self.needsSpace(previous, token)
            {
                text += " "
                column += 1
            }
            if token.position.line == line, token.position.column > column {
                let gap = min(token.position.column - column, Limits.identifierBytes)
                text += String(repeating: " ", count: gap)
                column += gap
            }
            text += token.text
            column += token.text.utf8.count
            previous = token
        }
        return text + "\n"
    }

    private static func needsSpace(_ left: Token, _ right: Token) -> Bool {
        let words: [Token.Kind] = [.identifier, .number]
        if words.contains(left.kind) && words.contains(right.kind) { return true }
        // Keeps + + from becoming ++, and 1 . from becoming 1.
        let operators = Array("+-*/%=<>!&|^:.#".utf8)
        guard let before = left.text.utf8.last, let after = right.text.utf8.first else {
            return false
        }
        return (operators.contains(before) || left.kind == .number) && operators.contains(after)
            || before == 46 && right.kind == .number
    }
}
