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

struct ProviderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provider", abstract: "What this machine runs for others.",
        subcommands: [Status.self, Start.self, Stop.self], defaultSubcommand: Status.self)

    struct Status: Command {
        static let configuration = CommandConfiguration(
            abstract: "Devices, offers, running jobs and earnings.")

        @OptionGroup var options: DaemonOptions

        func perform() async throws {
            let daemon = try await self.options.connect()
            let status = try await daemon.call("provider.status")
            guard !daemon.printed(status) else { return }
            var table = Table()
            table.add("state", status["isRunning"] == .bool(true) ? "takes jobs" : "takes no jobs")
            table.add("earnings go to", short(status["account"]))
            table.add("offers", "\(status["offers"]?.arrayValue?.count ?? 0)")
            table.add("bond", Money.text(status["bond"]))
            table.add("running", "\(status["running"]?.arrayValue?.count ?? 0)")
            table.add(
                "done",
                "\(status["jobsDone"]?.stringValue ?? "0"), "
                    + "given up \(status["jobsFailed"]?.stringValue ?? "0")")
            table.add("earned", Money.text(status["earned"]) + " since the daemon started")
            table.print()
            print("")
            var devices = Table("DEVICE", "DRIVER", "STATE")
            for device in status["devices"]?.arrayValue ?? [] {
                let reason = device["reason"]?.stringValue.map { ": \($0)" } ?? ""
                devices.add(
                    device["name"]?.stringValue ?? "", device["driver"]?.stringValue ?? "",
                    (device["state"]?.stringValue ?? "") + reason)
            }
            devices.print()
            if status["running"]?.arrayValue?.isEmpty != false {
                print(
                    "\nThe queue is empty; \(status["buyersSeen"]?.stringValue ?? "0") jobs were "
                        + "posted by anybody since the daemon started.")
            }
        }
    }

    struct Start: Command {
        static let configuration = CommandConfiguration(
            abstract: "Find devices, post a standing offer and take jobs.")

        @OptionGroup var options: DaemonOptions
        @Option(help: "Where earnings go: an account or a wallet.") var account: String?
        @Option(help: "Price of 10^9 gas, such as \"0.001 STAR\".") var price: String?

        func perform() async throws {
            let daemon = try await self.options.connect()
            var params: [(String, JSON)] = []
            if let account { params.append(("account", .string(account))) }
            if let price { params.append(("price", try Money.parse(price).json)) }
            let reply = try await daemon.call("provider.start", params, timeoutMs: 120_000)
            guard !daemon.printed(reply) else { return }
            print(
                "Takes jobs on \(reply["devices"]?.intValue ?? 0) device(s); offer "
                    + "\(short(reply["offer"])). To stop: starling provider stop")
        }
    }

    struct Stop: Command {
        static let configuration = CommandConfiguration(
            abstract: "Take no further job; what runs is finished.")

        @OptionGroup var options: DaemonOptions

        func perform() async throws {
            let daemon = try await self.options.connect()
            let reply = try await daemon.call("provider.stop")
            guard !daemon.printed(reply) else { return }
            print(
                "Takes no further job; \(reply["running"]?.arrayValue?.count ?? 0) being finished.")
        }
    }
}
