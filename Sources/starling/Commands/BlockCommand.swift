import ArgumentParser
import Control
import Foundation
import Primitives

struct BlockCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "block", abstract: "Show a final block.")

    @OptionGroup var options: DaemonOptions
    @Argument(help: "Its height or id; the last one if left out.") var block: String?

    func perform() async throws {
        let daemon = try await self.options.connect()
        var params: [(String, JSON)] = []
        if let block {
            params.append((block.utf8.count == 64 ? "id" : "height", .string(block)))
        }
        let reply = try await daemon.call("block.get", params)
        guard !daemon.printed(reply) else { return }
        let header = reply["header"]
        var table = Table()
        table.add("height", reply["height"]?.stringValue ?? "")
        table.add("id", reply["id"]?.stringValue ?? "")
        table.add("time", dateText(reply["timeMs"]))
        table.add("proposer", short(header?["proposer"]))
        table.add("view", header?["view"]?.stringValue ?? "")
        table.add("final by", Self.signers(reply["certificate"]))
        table.add("parent", short(header?["parent"]))
        table.add("state root", header?["stateRoot"]?.stringValue ?? "")
        table.print()
        print("")
        var transactions = Table("TRANSACTION", "ACCOUNT", "OPERATIONS", "FEE", "OUTCOME")
        for one in reply["transactions"]?.arrayValue ?? [] {
            let names = one["operations"]?.arrayValue?.compactMap(\.stringValue) ?? []
            transactions.add(
                short(one["transaction"]), short(one["account"]), names.joined(separator: ", "),
                Money.text(one["fee"]), one["rejection"]?.stringValue ?? "applied")
        }
        transactions.print()
    }

    /// Who signed the certificate, k of n.
    private static func signers(_ certificate: JSON?) -> String {
        guard let certificate, certificate != .null else { return "a later block's certificate" }
        let signers = certificate["signers"]?.arrayValue ?? []
        let names = signers.prefix(8).map { short($0) }.joined(separator: " ")
        return
            "\(signers.count) of \(certificate["validators"]?.intValue ?? 0) validators: \(names)"
            + (signers.count > 8 ? " ..." : "")
    }
}

struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "The books.",
        subcommands: [Supply.self, Export.self, Verify.self])

    struct Supply: Command {
        static let configuration = CommandConfiguration(
            abstract: "The coin: issued, burned, in circulation; refused if it does not add up.")

        @OptionGroup var options: DaemonOptions

        func perform() async throws {
            let daemon = try await self.options.connect()
            let supply = try await daemon.call("chain.supply")
            let issued = supply["issued"]?.u128Value ?? 0
            let burned = supply["burned"]?.u128Value ?? 0
            guard issued >= burned, issued - burned == supply["circulating"]?.u128Value else {
                throw CommandFailure(
                    "the supply does not add up: \(supply.text)",
                    fix: "stop using this chain and report it with the daemon's log")
            }
            guard !daemon.printed(supply) else { return }
            var table = Table()
            table.add("genesis + minted", Money.text(supply["issued"]))
            table.add("- burned", Money.text(supply["burned"]))
            table.add("= in circulation", Money.text(supply["circulating"]))
            table.print()
        }
    }

    struct Export: Command {
        static let configuration = CommandConfiguration(
            abstract: "Write the state, or the chain, to a file that protocol/check.py verifies.")

        @OptionGroup var options: DaemonOptions
        @Flag(help: "Every block with its receipts and certificate instead of the state's rows.")
        var chain = false
        @Argument(help: "The file to write.") var file: String

        func perform() async throws {
            let daemon = try await self.options.connect()
            let progress = Progress(isQuiet: self.options.json)
            guard !self.chain else {
                return try await ChainExport(daemon: daemon, file: self.file, progress: progress)
                    .write()
            }
            let genesis = try await daemon.call("chain.genesis")
            // The state moves on with each block: a changed height means starting again.
            for _ in 0..<20 {
                guard let (height, rows) = try await self.rows(daemon, progress) else { continue }
                let header = try await daemon.call("ledger.header", [("height", .string(height))])
                let document = JSON.object(
                    ("genesis", genesis["genesis"] ?? .null), ("header", header["header"] ?? .null),
                    ("certificate", header["certificate"] ?? .null), ("rows", .array(rows)))
                progress.clear()
                try writeFile(self.file, Array((document.text + "\n").utf8))
                let summary = JSON.object(
                    ("file", .string(self.file)), ("height", .string(height)),
                    ("rows", .number(Int64(rows.count))))
                guard !daemon.printed(summary) else { return }
                print("\(rows.count) rows after block \(height) in \(printable(self.file))")
                print("Check them: protocol/check.py state \(printable(self.file))")
                return
            }
            throw CommandFailure(
                "the state moved on during every attempt", fix: "try again when fewer blocks come")
        }

        /// All rows of one height; nil if a block came in between.
        private func rows(
            _ daemon: Daemon, _ progress: Progress
        ) async throws -> (String, [JSON])? {
            var rows: [JSON] = []
            var height: String?
            var cursor: JSON?
            while true {
                var params: [(String, JSON)] = [("limit", .number(1000))]
                if let cursor { params.append(("cursor", cursor)) }
                let page: JSON
                do {
                    page = try await daemon.call("state.export", params)
                } catch let failure as CommandFailure where failure.code == "state.cursorGone" {
                    return nil
                }
                guard let here = page["height"]?.stringValue, here == height ?? here else {
                    return nil
                }
                height = here
                rows += page["rows"]?.arrayValue ?? []
                progress.show("\(rows.count) rows")
                guard let next = page["next"], next != .null else { return (here, rows) }
                cursor = next
            }
        }
    }
}
