import ArgumentParser
import Control
import Primitives

struct GovCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gov", abstract: "Ballots of the DAO: whoever bonded coins votes.",
        subcommands: [List.self, Show.self, Propose.self, Vote.self], defaultSubcommand: List.self)

    struct List: Command {
        static let configuration = CommandConfiguration(abstract: "Proposals, newest first.")

        @OptionGroup var options: DaemonOptions

        func perform() async throws {
            let daemon = try await self.options.connect()
            let reply = try await daemon.call("governance.list", [("limit", .number(100))])
            guard !daemon.printed(reply) else { return }
            var table = Table("PROPOSAL", "STATE", "TITLE", "YES", "NO", "ENDS")
            for one in reply["proposals"]?.arrayValue ?? [] {
                table.add(
                    one["id"]?.stringValue ?? "", one["phase"]?.stringValue ?? "",
                    printable(one["title"]?.stringValue ?? ""), Money.text(one["yes"]),
                    Money.text(one["no"]), dateText(one["due"]))
            }
            table.print()
        }
    }

    struct Show: Command {
        static let configuration = CommandConfiguration(abstract: "A proposal and its count.")

        @OptionGroup var options: DaemonOptions
        @Argument(help: "Its id.") var proposal: String

        func perform() async throws {
            let daemon = try await self.options.connect()
            let reply = try await daemon.call(
                "governance.get", [("proposal", .string(self.proposal))])
            guard !daemon.printed(reply) else { return }
            let entry = reply["proposal"]
            let terms = entry?["terms"]
            var table = Table()
            table.add("proposal", self.proposal)
            table.add("title", printable(entry?["title"]?.stringValue ?? ""))
            table.add("state", entry?["phase"]?.stringValue ?? "")
            table.add("proposer", entry?["proposer"]?.stringValue ?? "")
            table.add("power frozen", "after block \(entry?["snapshot"]?.stringValue ?? "?")")
            for name in ["yes", "no", "abstain"] { table.add(name, Money.text(entry?[name])) }
            table.add(
                "quorum",
                "\(percent(terms?["quorum"])) of \(Money.text(entry?["power"])): "
                    + (reply["hasQuorum"] == .bool(true) ? "reached" : "not reached"))
            table.add(
                "majority",
                "\(percent(terms?["threshold"])) of yes and no: "
                    + (reply["hasMajority"] == .bool(true) ? "reached" : "not reached"))
            switch entry?["phase"]?.stringValue {
            case "voting": table.add("voting ends", dateText(entry?["due"]))
            case "queued": table.add("takes effect", dateText(entry?["due"]))
            default: break
            }
            for (name, label) in GovCommand.fees {
                let now = percent(reply["fees"]?[name])
                table.add(label, "\(percent(entry?["action"]?["fees"]?[name])) (now \(now))")
            }
            table.print()
        }
    }

    struct Propose: Command {
        static let configuration = CommandConfiguration(
            abstract: "Propose other fees; what is left out stays as it is.")

        @OptionGroup var options: DaemonOptions
        @Option(help: "What it is about, at most 96 bytes.") var title: String
        @Option(help: "The wallet that proposes, and pays the deposit.") var from: String?
        @Option(help: "The protocol's part of a job's price, such as 2.5%.")
        var protocolFee: String?
        @Option(help: "The stakers' part of that fee.") var stakers: String?
        @Option(help: "The treasury's part of that fee.") var treasury: String?
        @Option(help: "The cover pool's part of that fee; the rest is burned.") var cover: String?

        func perform() async throws {
            let wanted = [self.protocolFee, self.stakers, self.treasury, self.cover]
            guard wanted.contains(where: { $0 != nil }) else {
                throw CommandFailure.usage(
                    "nothing is proposed",
                    fix: "such as: starling gov propose --title \"lower fee\" --protocol-fee 2%")
            }
            let daemon = try await self.options.connect()
            let wallet = try await daemon.wallet(self.from)
            let now = try await GovCommand.feesNow(daemon)
            var members: [JSON.Member] = []
            for ((name, _), text) in zip(GovCommand.fees, wanted) {
                let value = try text.map { JSON.number(Int64(try points($0))) } ?? now?[name]
                members.append(.init(name: name, value: value ?? .null))
            }
            let action = JSON.object(("kind", .string("setFees")), ("fees", .object(members)))
            let reply = try await daemon.submit(
                [
                    .object(
                        ("operation", .string("governance.propose")),
                        ("title", .string(self.title)), ("action", action))
                ], from: wallet)
            guard !daemon.printed(reply) else { return }
            let list = try await daemon.call("governance.list", [("limit", .number(1))])
            let id = list["proposals"]?.arrayValue?.first?["id"]?.stringValue ?? "?"
            print("Proposed: \(id). To vote: starling gov vote \(id) yes")
        }
    }

    struct Vote: Command {
        static let configuration = CommandConfiguration(
            abstract: "Vote, once, with the power frozen before the proposal.")

        @OptionGroup var options: DaemonOptions
        @Argument(help: "The proposal's id.") var proposal: String
        @Argument(help: "yes, no or abstain.") var choice: Choice
        @Option(help: "The wallet that votes.") var from: String?

        func perform() async throws {
            let daemon = try await self.options.connect()
            let wallet = try await daemon.wallet(self.from)
            let reply = try await daemon.submit(
                [
                    .object(
                        ("operation", .string("governance.vote")),
                        ("proposal", .string(self.proposal)),
                        ("choice", .string(self.choice.rawValue)))
                ], from: wallet)
            guard !daemon.printed(reply) else { return }
            print(
                "\(printable(wallet)) voted \(self.choice.rawValue); final in block "
                    + "\(reply["height"]?.stringValue ?? "?")")
        }
    }

    enum Choice: String, ExpressibleByArgument, CaseIterable {
        case yes
        case no
        case abstain
    }

    /// Fields of the fee terms and what people call them, in wire order.
    static let fees = [
        ("protocolFee", "protocol fee"), ("stakersPart", "stakers' part"),
        ("treasuryPart", "treasury's part"), ("coverPart", "cover's part"),
    ]

    private static func feesNow(_ daemon: Daemon) async throws -> JSON? {
        let list = try await daemon.call("chain.genesis")
        let newest = try await daemon.call("governance.list", [("limit", .number(1))])
        if let id = newest["proposals"]?.arrayValue?.first?["id"] {
            return try await daemon.call("governance.get", [("proposal", id)])["fees"]
        }
        return list["genesis"]?["parameters"]?["fees"] ?? list["parameters"]?["fees"]
    }
}

/// Basis points of `2.5%`.
private func points(_ text: String) throws -> UInt16 {
    let parts = text.filter { $0 != "%" && $0 != " " }
        .split(separator: ".", omittingEmptySubsequences: false)
    guard text.contains("%"), parts.count <= 2, let whole = parts.first.flatMap({ UInt16($0) }),
        whole <= 100
    else { throw notPercent(text) }
    var rest: UInt16 = 0
    if parts.count == 2 {
        guard (1...2).contains(parts[1].count), let value = UInt16(parts[1]) else {
            throw notPercent(text)
        }
        rest = parts[1].count == 1 ? value * 10 : value
    }
    guard whole * 100 + rest <= 10_000 else { throw notPercent(text) }
    return whole * 100 + rest
}

private func notPercent(_ text: String) -> CommandFailure {
    CommandFailure.usage(
        "\"\(printable(text))\" is no part", fix: "write 0% to 100%, with two decimals at most")
}

/// `2.5 %` of basis points.
private func percent(_ json: JSON?) -> String {
    guard let points = json?.intValue else { return "?" }
    let (whole, rest) = (points / 100, points % 100)
    if rest == 0 { return "\(whole) %" }
    return rest % 10 == 0 ? "\(whole).\(rest / 10) %" : "\(whole).\(rest < 10 ? "0" : "")\(rest) %"
}
