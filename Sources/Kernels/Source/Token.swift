/// A place in a source: line and column from 1, the column in bytes.
struct Position: Hashable, Sendable {
    let line: Int
    let column: Int

    static let none = Position(line: 0, column: 0)
}

/// One token of OpenCL C, as the preprocessor sees it.
struct Token: Hashable, Sendable {
    enum Kind: UInt8, Hashable, Sendable {
        case identifier, number, character, string, punctuator, end
    }

    let kind: Kind
    let text: String
    let position: Position
    /// First on its line.
    let startsLine: Bool
    /// Preceded by white space or a comment.
    let followsSpace: Bool
    /// Macros that must not expand it again, by number; see ``Preprocessor``.
    var hidden: [Int] = []

    func refused(_ code: String, _ message: String, fix: String) -> KernelError {
        KernelError(
            code: code, line: self.position.line, column: self.position.column, message: message,
            fix: fix)
    }
}
