/// Why a kernel is refused: a stable code, a place, what is wrong and what to write instead.
package struct KernelError: Error, Hashable, Sendable {
    /// Such as `kernel.unsupported.goto`; stable.
    package let code: String
    /// From 1; 0 when the manifest, not the text, is wrong.
    package let line: Int
    /// From 1, in bytes.
    package let column: Int
    package let message: String
    /// What to write instead.
    package let fix: String
    /// The source line, without its end; empty when there is none.
    package let excerpt: String

    package init(
        code: String, line: Int = 0, column: Int = 0, message: String, fix: String,
        excerpt: String = ""
    ) {
        self.code = code
        self.line = line
        self.column = column
        self.message = message
        self.fix = fix
        self.excerpt = excerpt
    }

    /// The source line with a caret below the place; empty without an excerpt.
    package var underlined: String {
        guard !self.excerpt.isEmpty else { return "" }
        let prefix = self.excerpt.utf8.prefix(max(self.column - 1, 0))
        let indent = String(prefix.map { $0 == 9 ? "\t" : " " })
        return "\(self.excerpt)\n\(indent)^"
    }

    /// Everything, for a terminal.
    package var rendered: String {
        var text = self.line > 0 ? "\(self.line):\(self.column): " : ""
        text += "\(self.message) [\(self.code)]\n"
        if !self.excerpt.isEmpty { text += self.underlined + "\n" }
        return text + "fix: \(self.fix)"
    }

    /// The same error with the line it points at.
    func with(excerptOf source: [UInt8]) -> KernelError {
        guard self.line > 0, self.excerpt.isEmpty else { return self }
        let lines = source.split(separator: 10, omittingEmptySubsequences: false)
        guard self.line <= lines.count else { return self }
        let shown = lines[self.line - 1].prefix(200).map {
            $0 >= 32 && $0 < 127 || $0 == 9 ? $0 : 63
        }
        return KernelError(
            code: self.code, line: self.line, column: self.column, message: self.message,
            fix: self.fix, excerpt: String(decoding: shown, as: UTF8.self))
    }
}
