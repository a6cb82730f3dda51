import ArgumentParser
import Control
import Foundation
import Kernels
import Primitives

struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Work that others run for you.",
        subcommands: [
            JobRunCommand.self, List.self, Show.self, Why.self, Receipt.self, Challenge.self,
        ])

    struct List: Command {
        static let configuration = CommandConfiguration(abstract: "Jobs, newest first.")

        @OptionGroup var options: DaemonOptions

        func perform() async throws {
            let daemon = try await self.options.connect()
            let reply = try await daemon.call("job.list", [("limit", .number(100))])
            guard !daemon.printed(reply) else { return }
            var table = Table("JOB", "STATE", "REQUESTER", "PROVIDER", "LEAVES", "PRICE")
            for job in reply["jobs"]?.arrayValue ?? [] {
                let isAssigned = job["assigned"] != .null
                table.add(
                    job["id"]?.stringValue ?? "", job["phase"]?.stringValue ?? "",
                    short(job["requester"]), isAssigned ? short(job["provider"]) : "-",
                    job["leaves"]?.stringValue ?? "",
                    isAssigned ? Money.text(job["price"]) : "at most " + Money.text(job["maxPrice"])
                )
            }
            table.print()
        }
    }

    struct Show: Command {
        static let configuration = CommandConfiguration(abstract: "Where a job stands.")

        @OptionGroup var options: DaemonOptions
        @Argument(help: "Its id.") var job: String

        func perform() async throws {
            let daemon = try await self.options.connect()
            let reply = try await daemon.call("job.get", [("job", .string(self.job))])
            guard !daemon.printed(reply) else { return }
            let entry = reply["entry"]
            let isAssigned = entry?["assigned"] ?? .null != .null
            var table = Table()
            table.add("job", self.job)
            table.add("state", reply["phase"]?.stringValue ?? "")
            table.add("kernel", entry?["kernel"]?.stringValue ?? "")
            table.add("requester", entry?["requester"]?.stringValue ?? "")
            table.add("provider", isAssigned ? entry?["provider"]?.stringValue ?? "" : "none yet")
            table.add("leaves", entry?["leaves"]?.stringValue ?? "")
            table.add("gas", "at most " + (entry?["gas"]?.stringValue ?? ""))
            table.add("output", (entry?["outputBytes"]?.stringValue ?? "") + " bytes")
            table.add("price", "at most " + Money.text(entry?["maxPrice"]))
            table.add("escrow", Money.text(entry?["escrow"]))
            for name in ["posted", "assigned", "committed", "drawn", "audited", "closed"] {
                guard let moment = entry?[name], moment != .null else { continue }
                table.add(
                    name,
                    "block \(moment["height"]?.stringValue ?? "?"), "
                        + dateText(moment["time"]))
            }
            table.print()
        }
    }

    struct Receipt: Command {
        static let configuration = CommandConfiguration(
            abstract: "What was checked, by whom, and who was paid.")

        @OptionGroup var options: DaemonOptions
        @Argument(help: "The job's id.") var job: String
        @Flag(help: "Show how the price was divided.") var waterfall = false
        @Option(help: "Write the proof to this file, for protocol/check.py receipt.")
        var file: String?

        func perform() async throws {
            let daemon = try await self.options.connect()
            let receipt = try await ReceiptFile.fetch(self.job, daemon)
            if let file {
                try writeFile(file, Array((receipt.document(nil).prettyText + "\n").utf8))
            }
            guard !daemon.printed(receipt.document(nil)) else { return }
            receipt.printWords()
            guard self.waterfall else { return }
            print("")
            receipt.printWaterfall()
        }
    }

    struct Why: Command {
        static let configuration = CommandConfiguration(
            abstract: "Why a job stands where it stands, and what comes next.")

        @OptionGroup var options: DaemonOptions
        @Argument(help: "The job's id.") var job: String

        func perform() async throws {
            let daemon = try await self.options.connect()
            let reply = try await daemon.call("job.why", [("job", .string(self.job))])
            guard !daemon.printed(reply) else { return }
            for line in reply["lines"]?.arrayValue ?? [] {
                print(printable(line.stringValue ?? ""))
            }
            if let due = reply["due"]?.u64Value, let now = reply["now"]?.u64Value {
                let left = due > now ? due - now : 0
                print("This phase ends in \(durationText(left.json)) of ledger time at the latest.")
            }
            let offers = reply["offers"]?.arrayValue ?? []
            guard !offers.isEmpty else { return }
            print("")
            var table = Table("OFFER", "PROVIDER", "BOND", "PRICE", "CHANCE OR REASON")
            for offer in offers {
                let ppm = offer["chancePpm"]?.intValue
                table.add(
                    short(offer["offer"]), short(offer["provider"]), Money.text(offer["bond"]),
                    ppm == nil ? "-" : Money.text(offer["price"]),
                    ppm.map { "\($0 / 10_000) %" }
                        ?? printable(offer["misfit"]?.stringValue ?? ""))
            }
            table.print()
        }
    }

    struct Challenge: Command {
        static let configuration = CommandConfiguration(
            abstract: "Demand a piece of the output on the ledger, or the provider's bond.",
            discussion: """
                The network's challenge fee goes to the provider if it answers, else it returns. One
                challenge asks for up to 64 chunks of 4,096 bytes, from --chunk on.
                """)

        @OptionGroup var options: DaemonOptions
        @Argument(help: "The job's id.") var job: String
        @Argument(help: "The leaf's number.") var leaf: UInt64
        @Option(help: "The first chunk of the leaf's slice.") var chunk: UInt32 = 0
        @Option(help: "The wallet that pays.") var from: String?

        func perform() async throws {
            let daemon = try await self.options.connect()
            let wallet = try await daemon.wallet(self.from)
            let reply = try await daemon.submit(
                [
                    .object(
                        ("operation", .string("job.challenge")), ("job", .string(self.job)),
                        ("leaf", self.leaf.json), ("chunk", self.chunk.json))
                ], from: wallet)
            guard !daemon.printed(reply) else { return }
            print(
                "Challenged in block \(reply["height"]?.stringValue ?? "?"). "
                    + "What comes of it: starling job why \(self.job)")
        }
    }
}
