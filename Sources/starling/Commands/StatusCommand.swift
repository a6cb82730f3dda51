import ArgumentParser
import Control
import Primitives

struct StatusCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "How the daemon is, and what a person should look at.")

    @OptionGroup var options: DaemonOptions
    @Flag(help: "Look again every second until interrupted; without a terminal a line each time.")
    var watch = false

    func perform() async throws {
        if self.watch { return try await self.watching() }
        let daemon = try await self.options.connect()
        let status = try await daemon.call("node.status")
        guard !daemon.printed(status) else { return }
        for line in Self.lines(status) { print(line) }
    }

    private static func lines(_ status: JSON) -> [String] {
        let roles = status["roles"]?.arrayValue?.compactMap(\.stringValue) ?? []
        var table = Table()
        table.add("daemon", "starlingd \(status["version"]?.stringValue ?? "?")")
        table.add(
            "network",
            short(status["genesis"]) + (status["isDev"] == .bool(true) ? " (development)" : ""))
        table.add("node", short(status["node"]) + "  " + roles.joined(separator: ", "))
        table.add(
            "block", "\(status["height"]?.stringValue ?? "?")  \(dateText(status["timeMs"]))")
        table.add("state root", short(status["stateRoot"]))
        table.add("waiting", "\(status["pooled"]?.intValue ?? 0) transactions")
        table.add("peers", "\(status["peers"]?.intValue ?? 0)")
        table.add("up", durationText(status["uptimeMs"]))
        var lines = table.lines
        for warning in status["warnings"]?.arrayValue ?? [] {
            lines.append(
                Style.warning.apply("warning: ") + printable(warning["message"]?.stringValue ?? ""))
            lines.append("  fix: " + printable(warning["fix"]?.stringValue ?? ""))
        }
        return lines
    }

    // MARK: Watching

    private func watching() async throws {
        let isDrawn = Terminal.output.isInteractive && !self.options.json
        var daemon: Daemon? = try await self.options.connect()
        var drawn = 0
        while true {
            var status: JSON?
            var absence = "the daemon is not there"
            do {
                if daemon == nil { daemon = try await self.options.connect() }
                status = try await daemon?.call("node.status", timeoutMs: 5_000)
            } catch let failure as CommandFailure {
                // It may come back: a restart is what one watches.
                daemon = nil
                absence = printable(failure.message)
            }
            if isDrawn {
                drawn = Self.redraw(status.map { Self.lines($0) } ?? [absence], over: drawn)
            } else {
                Terminal.output.write((status.map(self.line) ?? self.absent(absence)) + "\n")
            }
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Writes lines in the place of the ones before; answers how many there are.
    private static func redraw(_ lines: [String], over before: Int) -> Int {
        let up = before > 0 ? "\u{1B}[\(before)A\r" : ""
        let text = lines.map { $0 + "\u{1B}[K\n" }.joined()
        Terminal.output.write(up + text + "\u{1B}[J")
        return lines.count
    }

    private func absent(_ words: String) -> String { self.options.json ? "null" : words }

    private func line(_ status: JSON) -> String {
        if self.options.json { return status.text }
        let warnings = status["warnings"]?.arrayValue?.compactMap { $0["code"]?.stringValue } ?? []
        let words = [
            "block \(status["height"]?.stringValue ?? "?")", "root \(short(status["stateRoot"]))",
            "peers \(status["peers"]?.intValue ?? 0)",
            "waiting \(status["pooled"]?.intValue ?? 0)",
        ]
        return (words + warnings.map(printable)).joined(separator: "  ")
    }
}
