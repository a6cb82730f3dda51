/// Cuts a source into tokens; comments and joined lines vanish.
///
/// - Bounds: ``Limits/tokens``, ``Limits/identifierBytes``.
struct Lexer {
    private let bytes: [UInt8]
    private var offset = 0
    private var line = 1
    private var lineStart = 0
    private var startsLine = true
    private var followsSpace = false

    /// All tokens of the bytes, ending with an `end` token.
    static func tokens(of bytes: [UInt8]) throws(KernelError) -> [Token] {
        var lexer = Lexer(bytes: bytes)
        var tokens: [Token] = []
        while true {
            let token = try lexer.next()
            guard tokens.count < Limits.tokens else {
                throw token.refused(
                    "kernel.limit.tokens", "more than \(Limits.tokens) tokens",
                    fix: "split the kernel, or use smaller constant tables")
            }
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func peek(_ distance: Int = 0) -> UInt8 {
        let index = self.offset + distance
        return index < self.bytes.count ? self.bytes[index] : 0
    }

    private var position: Position {
        Position(line: self.line, column: self.offset - self.lineStart + 1)
    }

    private mutating func next() throws(KernelError) -> Token {
        try self.skipBlank()
        let start = self.position
        let from = self.offset
        let kind = try self.scan()
        let text = String(decoding: self.bytes[from..<self.offset], as: UTF8.self)
        let token = Token(
            kind: kind, text: text, position: start, startsLine: self.startsLine,
            followsSpace: self.followsSpace)
        self.startsLine = false
        self.followsSpace = false
        if kind == .identifier && text.utf8.count > Limits.identifierBytes {
            throw token.refused(
                "kernel.limit.identifier", "a name of more than \(Limits.identifierBytes) bytes",
                fix: "use a shorter name")
        }
        return token
    }

    private mutating func newLine() {
        self.offset += 1
        self.line += 1
        self.lineStart = self.offset
    }

    private mutating func skipBlank() throws(KernelError) {
        while self.offset < self.bytes.count {
            let byte = self.peek()
            if byte == 10 {
                self.newLine()
                self.startsLine = true
            } else if Ascii.isSpace(byte) {
                self.offset += 1
            } else if byte == 92 && self.peek(1) == 10 {
                self.offset += 1
                self.newLine()
            } else if byte == 92 && self.peek(1) == 13 && self.peek(2) == 10 {
                self.offset += 2
                self.newLine()
            } else if byte == 47 && self.peek(1) == 47 {
                while self.offset < self.bytes.count && self.peek() != 10 { self.offset += 1 }
            } else if byte == 47 && self.peek(1) == 42 {
                try self.skipComment()
            } else {
                return
            }
            self.followsSpace = true
        }
    }

    private mutating func skipComment() throws(KernelError) {
        let start = self.position
        self.offset += 2
        while self.offset < self.bytes.count {
            if self.peek() == 42 && self.peek(1) == 47 {
                self.offset += 2
                return
            }
            if self.peek() == 10 { self.newLine() } else { self.offset += 1 }
        }
        throw KernelError(
            code: "kernel.syntax.comment", line: start.line, column: start.column,
            message: "the comment never ends", fix: "close it with */")
    }

    private mutating func scan() throws(KernelError) -> Token.Kind {
        guard self.offset < self.bytes.count else { return .end }
        let byte = self.peek()
        if Ascii.isLetter(byte) {
            while Ascii.isLetter(self.peek()) || Ascii.isDigit(self.peek()) { self.offset += 1 }
            return .identifier
        }
        if Ascii.isDigit(byte) || (byte == 46 && Ascii.isDigit(self.peek(1))) {
            self.scanNumber()
            return .number
        }
        if byte == 34 || byte == 39 { return try self.scanQuoted(byte) }
        for length in [3, 2] where self.offset + length <= self.bytes.count {
            let candidate = self.bytes[self.offset..<self.offset + length]
            if Self.operators.contains(where: { $0.elementsEqual(candidate) }) {
                self.offset += length
                return .punctuator
            }
        }
        guard Self.single.contains(byte) else {
            let start = self.position
            throw KernelError(
                code: "kernel.syntax.character", line: start.line, column: start.column,
                message: "a character that is not part of the language",
                fix: "remove it; letters outside ASCII are allowed in comments only")
        }
        self.offset += 1
        return .punctuator
    }

    private static let operators: [[UInt8]] = [
        "<<=", ">>=", "...", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "++", "--", "+=",
        "-=", "*=", "/=", "%=", "&=", "|=", "^=", "->", "##",
    ].map { Array($0.utf8) }
    private static let single = Array("+-*/%=<>!~&|^?:;,.(){}[]#".utf8)

    private mutating func scanNumber() {
        while true {
            let byte = self.peek()
            let sign = self.peek(1) == 43 || self.peek(1) == 45
            // e E p P with a sign; in hexadecimal integers an e is a digit, never followed by a
            // sign that belongs to it, but C reads it so too.
            if (byte == 101 || byte == 69 || byte == 112 || byte == 80) && sign {
                self.offset += 2
            } else if Ascii.isLetter(byte) || Ascii.isDigit(byte) || byte == 46 {
                self.offset += 1
            } else {
                return
            }
        }
    }

    private mutating func scanQuoted(_ quote: UInt8) throws(KernelError) -> Token.Kind {
        let start = self.position
        self.offset += 1
        while self.offset < self.bytes.count && self.peek() != 10 {
            if self.peek() == 92 { self.offset += 1 }
            if self.peek() == quote && self.bytes[self.offset - 1] != 92 {
                self.offset += 1
                return quote == 34 ? .string : .character
            }
            if self.offset < self.bytes.count && self.peek() != 10 { self.offset += 1 }
        }
        self.offset = min(self.offset, self.bytes.count)
        throw KernelError(
            code: "kernel.syntax.quote", line: start.line, column: start.column,
            message: "the quote never ends on its line", fix: "close it")
    }
}
