import Foundation

/// One file as the rules see it: its lines, and the same lines with comments and strings blanked.
///
/// Code inside a string's interpolation stays code. Regular expression literals are not known here:
/// no file of Sources uses one.
struct SourceText {
    let path: String
    let lines: [String]
    /// Same count and columns as `lines`; comments and string contents are spaces.
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        self.lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var masker = Masker(text)
        self.code = masker.mask()
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The first part below `Sources/` or `Tests/`: the room's name; empty elsewhere.
    var room: String {
        let parts = self.path.split(separator: "/")
        guard parts.count >= 3, parts[0] == "Sources" || parts[0] == "Tests" else { return "" }
        return String(parts[1])
    }
}

/// What a rule objects to.
struct Finding: CustomStringConvertible, Equatable {
    let path: String
    let line: Int
    let message: String

    var description: String { "\(self.path):\(self.line): \(self.message)" }
}

/// Blanks comments and string contents, keeping every line break.
private struct Masker {
    private let input: [UnicodeScalar]
    private var output = String.UnicodeScalarView()
    private var index = 0

    init(_ text: String) { self.input = Array(text.unicodeScalars) }

    mutating func mask() -> String {
        self.code(untilParenthesis: false)
        return String(self.output)
    }

    private func at(_ text: String) -> Bool {
        var place = self.index
        for wanted in text.unicodeScalars {
            guard place < self.input.count, self.input[place] == wanted else { return false }
            place += 1
        }
        return true
    }

    private mutating func keep() {
        self.output.append(self.input[self.index])
        self.index += 1
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where self.index < self.input.count {
            self.output.append(self.input[self.index] == "\n" ? "\n" : " ")
            self.index += 1
        }
    }

    private mutating func code(untilParenthesis: Bool) {
        var depth = 0
        while self.index < self.input.count {
            let character = self.input[self.index]
            if self.at("//") {
                while self.index < self.input.count, self.input[self.index] != "\n" { self.blank() }
            } else if self.at("/*") {
                self.blockComment()
            } else if character == "\"" || (character == "#" && self.startsRawString()) {
                self.string()
            } else {
                if character == "(" { depth += 1 }
                if character == ")" {
                    if untilParenthesis, depth == 0 { return }
                    depth -= 1
                }
                self.keep()
            }
        }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            if self.at("/*") {
                depth += 1
                self.blank(2)
            } else if self.at("*/") {
                depth -= 1
                self.blank(2)
            } else {
                self.blank()
            }
        } while depth > 0 && self.index < self.input.count
    }

    private func startsRawString() -> Bool {
        var ahead = self.index
        while ahead < self.input.count, self.input[ahead] == "#" { ahead += 1 }
        return ahead < self.input.count && self.input[ahead] == "\""
    }

    private mutating func string() {
        var hashes = 0
        while self.at("#") {
            hashes += 1
            self.blank()
        }
        let pounds = String(repeating: "#", count: hashes)
        let quote = self.at("\"\"\"") ? "\"\"\"" : "\""
        for _ in quote { self.keep() }
        while self.index < self.input.count {
            if self.at(quote + pounds) {
                for _ in quote { self.keep() }
                self.blank(hashes)
                return
            }
            if quote == "\"", self.at("\n") { return }  // Unterminated: not ours to report.
            if self.at("\\" + pounds + "(") {
                self.blank(1 + hashes)
                self.keep()
                self.code(untilParenthesis: true)
                if self.index < self.input.count { self.keep() }
            } else if self.at("\\" + pounds) {
                self.blank(2 + hashes)
            } else {
                self.blank()
            }
        }
    }
}

/// The repository, found through this file's own place.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A text file of the repository; empty when it is not there.
    static func text(_ path: String) -> String {
        (try? String(contentsOf: self.root.appendingPathComponent(path), encoding: .utf8)) ?? ""
    }

    /// Every regular file below `folder`, sorted, hidden ones and build folders left out.
    static func files(below folder: String, suffix: String = "") -> [String] {
        let base = self.root.appendingPathComponent(folder)
        guard let walker = FileManager.default.enumerator(atPath: base.path) else { return [] }
        var found: [String] = []
        for case let name as String in walker where name.hasSuffix(suffix) {
            if name.split(separator: "/").contains(where: { $0 == "__pycache__" }) { continue }
            var isFolder: ObjCBool = false
            let full = base.appendingPathComponent(name).path
            guard FileManager.default.fileExists(atPath: full, isDirectory: &isFolder),
                !isFolder.boolValue
            else { continue }
            found.append(folder + "/" + name)
        }
        return found.sorted()
    }

    static func swift(below folder: String) -> [SourceText] {
        self.files(below: folder, suffix: ".swift").map { .init(path: $0, text: self.text($0)) }
    }
}

/// Matches of a regular expression, as 1-based capture lists.
func matches(_ pattern: String, in text: String, multiline: Bool = false) -> [[String]] {
    let options: NSRegularExpression.Options = multiline ? [.anchorsMatchLines] : []
    guard let expression = try? NSRegularExpression(pattern: pattern, options: options) else {
        preconditionFailure("not a regular expression: \(pattern)")
    }
    let range = NSRange(text.startIndex..., in: text)
    return expression.matches(in: text, range: range).map { match in
        (0..<match.numberOfRanges).map { group in
            Range(match.range(at: group), in: text).map { String(text[$0]) } ?? ""
        }
    }
}

/// The indices of the lines where a match of `pattern` begins.
func lines(matching pattern: String, in lines: [String]) -> [Int] {
    let text = lines.joined(separator: "\n")
    guard let expression = try? NSRegularExpression(pattern: pattern, options: .anchorsMatchLines)
    else { preconditionFailure("not a regular expression: \(pattern)") }
    let range = NSRange(text.startIndex..., in: text)
    let places = expression.matches(in: text, range: range).map(\.range.location)
    guard !places.isEmpty else { return [] }
    var found: [Int] = []
    var start = 0
    for (index, line) in lines.enumerated() {
        let end = start + line.utf16.count
        if places.contains(where: { start <= $0 && $0 <= end }) { found.append(index) }
        start = end + 1
    }
    return found
}
