import Foundation
import Primitives

typealias JSONValue = JSON
typealias JSONMember = JSON.Member

/// One of the two streams that a command writes to.
enum Terminal {
    case output, error

    private var descriptor: Int32 { self == .output ? 1 : 2 }

    /// Whether a person looks at it.
    var isInteractive: Bool { isatty(self.descriptor) == 1 }

    /// Columns, 80 where unknown.
    var width: Int {
        var size = winsize()
        guard ioctl(self.descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return 80
        }
        return Int(size.ws_col)
    }

    /// Colour where a person looks, unless NO_COLOR says no; FORCE_COLOR says yes.
    var hasColour: Bool {
        let environment = ProcessInfo.processInfo.environment
        if environment["NO_COLOR"].map({ !$0.isEmpty }) == true { return false }
        if environment["FORCE_COLOR"].map({ !$0.isEmpty }) == true { return true }
        return self.isInteractive && environment["TERM"] != "dumb"
    }

    func write(_ text: String) {
        let handle = self == .output ? FileHandle.standardOutput : FileHandle.standardError
        handle.write(Data(text.utf8))
    }
}

/// The few colours that carry a meaning.
enum Style: String {
    case strong = "1"
    case faint = "2"
    case error = "31"
    case good = "32"
    case warning = "33"

    func apply(_ text: String, to terminal: Terminal = .output) -> String {
        terminal.hasColour ? "\u{1B}[\(self.rawValue)m\(text)\u{1B}[0m" : text
    }
}

/// Text without what could move the cursor: names and messages may come from strangers.
func printable(_ text: String) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.map { scalar in
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: "?"
                default: scalar
                }
            }))
}

/// Rows under headings, or `name  value` pairs.
struct Table {
    private var rows: [[String]] = []
    private let headings: [String]

    init(_ headings: String...) { self.headings = headings }

    mutating func add(_ cells: String...) { self.rows.append(cells.map(printable)) }

    func print() {
        for line in self.lines { Swift.print(line) }
    }

    /// The rows as they are printed.
    var lines: [String] {
        if !self.headings.isEmpty, self.rows.isEmpty { return [Style.faint.apply("(none)")] }
        let all = (self.headings.isEmpty ? [] : [self.headings]) + self.rows
        let columns = all.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            all.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return all.enumerated().map { number, row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let isLast = column == row.count - 1
                let padding = isLast ? 0 : widths[column] - cell.count + 2
                let isHeading = !self.headings.isEmpty && number == 0
                let isName = self.headings.isEmpty && column == 0
                line += isHeading || isName ? Style.faint.apply(cell) : cell
                line += String(repeating: " ", count: padding)
            }
            return line
        }
    }
}

/// What a long command is at, on stderr: a bar for people, one line a stage otherwise.
final class Progress {
    private let isShown: Bool
    private let started = ContinuousClock.now
    private var stage = ""
    private var isDrawn = false
    private var lastPermille = -1

    /// - Parameter isQuiet: shows nothing at all (`--json`).
    init(isQuiet: Bool) { self.isShown = !isQuiet }

    /// Begins a stage, or shows how far it is (`done` of `total`).
    func show(_ stage: String, done: UInt64 = 0, total: UInt64 = 0) {
        guard self.isShown else { return }
        if Terminal.error.isInteractive {
            self.draw(stage, done: done, total: total)
        } else if stage != self.stage {
            Terminal.error.write(stage + "\n")
        }
        self.stage = stage
    }

    /// Removes the bar.
    func clear() {
        guard self.isDrawn else { return }
        Terminal.error.write("\r\u{1B}[K")
        self.isDrawn = false
    }

    /// A line that stays, for something that a person should not miss.
    func note(_ text: String) {
        guard self.isShown else { return }
        self.clear()
        Terminal.error.write(printable(text) + "\n")
    }

    private func draw(_ stage: String, done: UInt64, total: UInt64) {
        let permille = total == 0 ? 0 : Int(min(done, total) * 1000 / total)
        guard stage != self.stage || permille != self.lastPermille else { return }
        self.lastPermille = permille
        // Nothing flickers for what takes less than a second.
        guard ContinuousClock.now - self.started > .milliseconds(700) else { return }
        var line = printable(stage)
        if total > 0 {
            let room = max(10, min(40, Terminal.error.width - line.count - 10))
            let filled = room * permille / 1000
            line += " [" + String(repeating: "#", count: filled)
            line += String(repeating: ".", count: room - filled) + "] \(permille / 10) %"
        }
        Terminal.error.write("\r\u{1B}[K" + line.prefix(Terminal.error.width - 1))
        self.isDrawn = true
    }
}
