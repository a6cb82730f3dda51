import ArgumentParser
import Control
import Primitives

struct ProviderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provider", abstract: "What this machine runs for others.",
        subcommands: [
            Status.self, Start.self, Stop.self, Pause.self, Why.self, Earnings.self,
        ], defaultSubcommand: Status.self)

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

    struct Pause: Command {
        static let configuration = CommandConfiguration(
            abstract: "Withdraw the offer; what runs is finished. Go on with: provider start")

        @OptionGroup var options: DaemonOptions

        func perform() async throws {
            let daemon = try await self.options.connect()
            let reply = try await daemon.call("provider.pause")
            guard !daemon.printed(reply) else { return }
            let running = reply["running"]?.arrayValue?.count ?? 0
            print(
                "Paused; \(running) being finished. \(Money.text(reply["bond"])) of bond are free "
                    + "once those are settled. To go on: starling provider start")
        }
    }

    struct Why: Command {
        static let configuration = CommandConfiguration(
            abstract: "Of the newest jobs: who got them, and why not this provider.")

        @OptionGroup var options: DaemonOptions
        @Option(help: "A wallet or an account; this node's provider if left out.")
        var account: String?
        @Option(help: "Jobs to look back at, at most 1000.") var limit = 20

        func perform() async throws {
            let daemon = try await self.options.connect()
            var params: [(String, JSON)] = [("limit", .number(Int64(self.limit)))]
            if let account { params.append(("account", .string(account))) }
            let reply = try await daemon.call("provider.why", params)
            guard !daemon.printed(reply) else { return }
            if reply["offers"]?.arrayValue?.isEmpty != false {
                print("No offer of this provider stands. To post one: starling provider start\n")
            }
            var table = Table("JOB", "STATE", "PAYS AT MOST", "WHY")
            for job in reply["jobs"]?.arrayValue ?? [] {
                table.add(
                    short(job["job"]), job["phase"]?.stringValue ?? "",
                    Money.text(job["maxPrice"]), printable(job["text"]?.stringValue ?? ""))
            }
            table.print()
            if reply["jobs"]?.arrayValue?.isEmpty != false { print("Nobody has posted a job yet.") }
        }
    }

    struct Earnings: Command {
        static let configuration = CommandConfiguration(
            abstract: "What jobs and audits paid, and what was lost.")

        @OptionGroup var options: DaemonOptions
        @Option(help: "A wallet or an account; this node's provider if left out.")
        var account: String?

        func perform() async throws {
            let daemon = try await self.options.connect()
            var params: [(String, JSON)] = []
            if let account { params.append(("account", .string(account))) }
            let sums = try await daemon.call("provider.earnings", params)
            guard !daemon.printed(sums) else { return }
            var table = Table()
            func count(_ name: String) -> String { sums[name]?.stringValue ?? "0" }
            table.add("account", sums["account"]?.stringValue ?? "")
            table.add("as provider", "\(Money.text(sums["operator"])) for \(count("jobsProvided"))")
            table.add("as auditor", "\(Money.text(sums["audits"])) for \(count("jobsAudited"))")
            table.add("frauds proved", count("reports"))
            table.add("slashed", Money.text(sums["slashed"]))
            table.add("bonds", Money.text(sums["bonds"]) + " held by offers")
            table.add("stake", Money.text(sums["stake"]))
            table.add("stake earned", Money.text(sums["claimable"]) + " to claim")
            table.print()
            print("\nFrom the newest \(count("jobsSeen")) jobs of the chain.")
        }
    }
}
