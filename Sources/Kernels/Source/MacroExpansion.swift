internal import Primitives

extension Preprocessor {
    /// Expands all macros in a run of tokens.
    mutating func expand(_ tokens: [Token], depth: Int) throws(KernelError) -> [Token] {
        var result: [Token] = []
        // The rest of the input, last token first.
        var rest = Array(tokens.reversed())
        while let token = rest.popLast() {
            try self.count(token)
            guard token.kind == .identifier, let macro = self.macros[token.text],
                !token.hidden.contains(macro.number)
            else {
                result.append(token)
                continue
            }
            guard depth < Limits.macroDepth, token.hidden.count < Limits.macroDepth else {
                throw token.refused(
                    "kernel.limit.macro.depth", "macros nested too deeply",
                    fix: "nest at most \(Limits.macroDepth)")
            }
            var arguments: [[Token]] = []
            if let parameters = macro.parameters {
                guard rest.last?.text == "(" else {
                    result.append(token)
                    continue
                }
                arguments = try self.arguments(of: token, parameters.count, from: &rest)
            }
            let body = try self.substitute(macro, at: token, arguments, depth: depth)
            guard rest.count + body.count <= 2 * Limits.tokens else {
                throw token.refused(
                    "kernel.limit.tokens", "the expansion has too many tokens", fix: "expand less")
            }
            rest.append(contentsOf: body.reversed())
        }
        return result
    }

    private mutating func count(_ token: Token) throws(KernelError) {
        self.steps += 1
        guard self.steps <= 16 * Limits.tokens else {
            throw token.refused(
                "kernel.limit.macro.steps", "macro expansion takes too long", fix: "expand less")
        }
    }

    private mutating func arguments(
        of macro: Token, _ count: Int, from rest: inout [Token]
    ) throws(KernelError) -> [[Token]] {
        rest.removeLast()
        var arguments: [[Token]] = [[]]
        var depth = 0
        while let token = rest.popLast() {
            try self.count(token)
            if token.text == "(" { depth += 1 }
            if token.text == ")" {
                if depth == 0 {
                    if count == 0 && arguments == [[]] { return [] }
                    guard arguments.count == count else { break }
                    return arguments
                }
                depth -= 1
            }
            if token.text == "," && depth == 0 {
                arguments.append([])
            } else {
                arguments[arguments.count - 1].append(token)
            }
        }
        throw macro.refused(
            "kernel.preprocessor.arguments", "\(macro.text) takes \(count) arguments",
            fix: "give as many as its #define has parameters")
    }

    private mutating func substitute(
        _ macro: Macro, at site: Token, _ arguments: [[Token]], depth: Int
    ) throws(KernelError) -> [Token] {
        let parameters = macro.parameters ?? []
        var result: [Token] = []
        var index = 0
        var pastes = false
        while index < macro.body.count {
            let token = macro.body[index]
            if token.text == "##" {
                pastes = true
                index += 1
                continue
            }
            var piece = [token]
            if token.kind == .identifier, let number = parameters.firstIndex(of: token.text) {
                let before = pastes
                let after = index + 1 < macro.body.count && macro.body[index + 1].text == "##"
                piece =
                    before || after
                    ? arguments[number] : try self.expand(arguments[number], depth: depth + 1)
            }
            if pastes, let left = result.popLast() {
                if let right = piece.first {
                    result.append(try self.paste(left, right))
                    result.append(contentsOf: piece.dropFirst())
                } else {
                    result.append(left)
                }
            } else {
                result.append(contentsOf: piece)
            }
            pastes = false
            index += 1
            guard result.count <= Limits.tokens else {
                throw site.refused(
                    "kernel.limit.tokens", "the expansion has too many tokens", fix: "expand less")
            }
        }
        // Everything now stands where the macro's name stood.
        return result.enumerated().map { number, token in
            Token(
                kind: token.kind, text: token.text, position: site.position,
                startsLine: number == 0 && site.startsLine,
                followsSpace: number == 0 ? site.followsSpace : token.followsSpace,
                hidden: token.hidden + site.hidden.filter { !token.hidden.contains($0) }
                    + [macro.number])
        }
    }

    private func paste(_ left: Token, _ right: Token) throws(KernelError) -> Token {
        let text = left.text + right.text
        let tokens = try Lexer.tokens(of: Array(text.utf8))
        guard tokens.count == 2, let pasted = tokens.first else {
            throw left.refused(
                "kernel.preprocessor.paste", "\(left.text) ## \(right.text) is not one token",
                fix: "paste names and numbers only")
        }
        return Token(
            kind: pasted.kind, text: text, position: left.position, startsLine: left.startsLine,
            followsSpace: left.followsSpace, hidden: left.hidden)
    }
}

/// Evaluates the condition of `#if`: 64-bit wrapping integers, unknown names are 0.
struct ConditionReader {
    let tokens: [Token]
    let name: Token
    private var index = 0

    init(tokens: [Token], name: Token) {
        self.tokens = tokens
        self.name = name
    }

    mutating func value() throws(KernelError) -> Int64 {
        let value = try self.ternary(depth: 0)
        guard self.index == self.tokens.count else { throw self.refused }
        return value
    }

    private var refused: KernelError {
        let token = self.index < self.tokens.count ? self.tokens[self.index] : self.name
        return token.refused(
            "kernel.preprocessor.condition", "the condition of #\(self.name.text) has no value",
            fix: "use integers, defined(NAME), parentheses and C operators; never divide by zero")
    }

    private mutating func take(_ text: String) -> Bool {
        guard self.index < self.tokens.count, self.tokens[self.index].text == text else {
            return false
        }
        self.index += 1
        return true
    }

    private mutating func ternary(depth: Int) throws(KernelError) -> Int64 {
        guard depth < Limits.nesting else { throw self.refused }
        let condition = try self.binary(level: 0, depth: depth)
        guard self.take("?") else { return condition }
        let then = try self.ternary(depth: depth + 1)
        guard self.take(":") else { throw self.refused }
        let otherwise = try self.ternary(depth: depth + 1)
        return condition != 0 ? then : otherwise
    }

    private static let levels = [
        ["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="], ["<=", ">=", "<", ">"], ["<<", ">>"],
        ["+", "-"], ["*", "/", "%"],
    ]

    private mutating func binary(level: Int, depth: Int) throws(KernelError) -> Int64 {
        guard level < Self.levels.count else { return try self.unary(depth: depth) }
        var left = try self.binary(level: level + 1, depth: depth)
        while let symbol = Self.levels[level].first(where: { self.take($0) }) {
            let right = try self.binary(level: level + 1, depth: depth)
            guard let value = Self.apply(symbol, left, right) else { throw self.refused }
            left = value
        }
        return left
    }

    private static func apply(_ symbol: String, _ a: Int64, _ b: Int64) -> Int64? {
        switch symbol {
        case "||": a != 0 || b != 0 ? 1 : 0
        case "&&": a != 0 && b != 0 ? 1 : 0
        case "|": a | b
        case "^": a ^ b
        case "&": a & b
        case "==": a == b ? 1 : 0
        case "!=": a != b ? 1 : 0
        case "<=": a <= b ? 1 : 0
        case ">=": a >= b ? 1 : 0
        case "<": a < b ? 1 : 0
        case ">": a > b ? 1 : 0
        case "<<": a &<< b
        case ">>": a &>> b
        case "+": a &+ b
        case "-": a &- b
        case "*": a &* b
        case "/": b == 0 ? nil : a.dividedReportingOverflow(by: b).partialValue
        default: b == 0 ? nil : a.remainderReportingOverflow(dividingBy: b).partialValue
        }
    }

    private mutating func unary(depth: Int) throws(KernelError) -> Int64 {
        guard depth < Limits.nesting else { throw self.refused }
        if self.take("!") { return try self.unary(depth: depth + 1) == 0 ? 1 : 0 }
        if self.take("-") { return 0 &- (try self.unary(depth: depth + 1)) }
        if self.take("+") { return try self.unary(depth: depth + 1) }
        if self.take("~") { return ~(try self.unary(depth: depth + 1)) }
        if self.take("(") {
            let value = try self.ternary(depth: depth + 1)
            guard self.take(")") else { throw self.refused }
            return value
        }
        guard self.index < self.tokens.count else { throw self.refused }
        let token = self.tokens[self.index]
        if token.kind == .identifier {
            self.index += 1
            return 0
        }
        guard token.kind == .number, let literal = Literal(integer: token.text) else {
            throw self.refused
        }
        self.index += 1
        return Int64(bitPattern: literal.bits)
    }
}
