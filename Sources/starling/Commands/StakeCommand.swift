import ArgumentParser
import Control
import Primitives

struct StakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stake", abstract: "Bond coins: they earn a part of each fee, and vote.",
        subcommands: [Show.self, Bond.self, Unbond.self, Claim.self], defaultSubcommand: Show.self)

    struct Show: Command {
        static let configuration = CommandConfiguration(
            abstract: "What an account bonded, its vote and what it can claim.")

        @OptionGroup var options: DaemonOptions
        @Argument(help: "A wallet's name or an account; the only wallet if left out.")
        var account: String?

        func perform() async throws {
            let daemon = try await self.options.connect()
            let account = try await daemon.wallet(self.account)
            let stake = try await daemon.call("stake.get", [("account", .string(account))])
            guard !daemon.printed(stake) else { return }
            var table = Table()
            table.add("account", stake["account"]?.stringValue ?? "")
            table.add("bonded", Money.text(stake["bonded"]))
            table.add("validator's", Money.text(stake["locked"]))
            table.add("power", Money.text(stake["power"]) + share(of: stake))
            table.add("can claim", Money.text(stake["claimable"]))
            for one in stake["unbonding"]?.arrayValue ?? [] {
                table.add("unbonding", "\(Money.text(one["amount"])) until \(dateText(one["due"]))")
            }
            table.print()
        }
    }

    struct Bond: Command {
        static let configuration = CommandConfiguration(
            abstract: "Bond coins, such as: starling stake bond 100 STAR")

        @OptionGroup var options: DaemonOptions
        @Argument(help: "Such as 100 STAR.") var amount: [String]
        @Option(help: "The wallet that bonds.") var from: String?

        func perform() async throws {
            try await StakeCommand.change(
                "stake.bond", "Bonded", self.amount, self.from, self.options,
                after: "It earns from here on and votes on proposals made after this block.")
        }
    }

    struct Unbond: Command {
        static let configuration = CommandConfiguration(
            abstract: "Take bonded coins back; they are free after the unbonding time.")

        @OptionGroup var options: DaemonOptions
        @Argument(help: "Such as 100 STAR.") var amount: [String]
        @Option(help: "The wallet that bonded.") var from: String?

        func perform() async throws {
            try await StakeCommand.change(
                "stake.unbond", "Unbonding", self.amount, self.from, self.options,
                after: "When they are free: starling stake show")
        }
    }

    struct Claim: Command {
        static let configuration = CommandConfiguration(abstract: "Pay out what the stake earned.")

        @OptionGroup var options: DaemonOptions
        @Option(help: "The wallet that bonded.") var from: String?

        func perform() async throws {
            let daemon = try await self.options.connect()
            let wallet = try await daemon.wallet(self.from)
            let stake = try await daemon.call("stake.get", [("account", .string(wallet))])
            let operation = JSON.object(("operation", .string("stake.claim")))
            let reply = try await daemon.submit([operation], from: wallet)
            guard !daemon.printed(reply) else { return }
            print(
                "Paid out \(Money.text(stake["claimable"])) or a little more to "
                    + "\(printable(wallet)); fee \(Money.text(reply["fee"]))")
        }
    }

    private static func change(
        _ operation: String, _ done: String, _ amount: [String], _ from: String?,
        _ options: DaemonOptions, after: String
    ) async throws {
        let amount = try Money.parse(amount.joined(separator: " "))
        let daemon = try await options.connect()
        let wallet = try await daemon.wallet(from)
        let reply = try await daemon.submit(
            [.object(("operation", .string(operation)), ("amount", amount.json))], from: wallet)
        guard !daemon.printed(reply) else { return }
        print(
            "\(done) \(Money.text(amount)) of \(printable(wallet)); final in block "
                + "\(reply["height"]?.stringValue ?? "?"), fee \(Money.text(reply["fee"])). "
                + after
        )
    }
}

/// `  (12.34 % of all)`: the part that an account's power is.
private func share(of stake: JSON) -> String {
    guard let power = stake["power"]?.u128Value, let total = stake["totalPower"]?.u128Value,
        total > 0, let points = mulDiv128(power, 10_000, total, .down)
    else { return "" }
    let rest = String(points % 100)
    return "  (\(points / 100).\(rest.count == 1 ? "0" + rest : rest) % of all)"
}
