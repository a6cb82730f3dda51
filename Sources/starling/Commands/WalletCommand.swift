import ArgumentParser
import Control
import Primitives

struct WalletCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wallet", abstract: "The accounts whose keys the daemon keeps.",
        subcommands: [List.self, Create.self, Show.self], defaultSubcommand: List.self)

    struct List: Command {
        static let configuration = CommandConfiguration(
            abstract: "All wallets with their balances.")

        @OptionGroup var options: DaemonOptions

        func perform() async throws {
            let daemon = try await self.options.connect()
            let reply = try await daemon.call("wallet.list")
            guard !daemon.printed(reply) else { return }
            var table = Table("NAME", "ACCOUNT", "AVAILABLE", "HELD")
            for wallet in reply["wallets"]?.arrayValue ?? [] {
                table.add(
                    wallet["name"]?.stringValue ?? "", wallet["account"]?.stringValue ?? "",
                    Money.text(wallet["available"]), Money.text(wallet["held"]))
            }
            table.print()
        }
    }

    struct Create: Command {
        static let configuration = CommandConfiguration(abstract: "Make a wallet.")

        @OptionGroup var options: DaemonOptions
        @Argument(help: "Its name: a-z, 0-9 and -.") var name: String

        func perform() async throws {
            let daemon = try await self.options.connect()
            let reply = try await daemon.call("wallet.create", [("name", .string(self.name))])
            guard !daemon.printed(reply) else { return }
            print("\(printable(self.name))  \(reply["account"]?.stringValue ?? "")")
        }
    }

    struct Show: Command {
        static let configuration = CommandConfiguration(
            abstract: "The balances of a wallet or any account.")

        @OptionGroup var options: DaemonOptions
        @Argument(help: "A wallet's name or an account.") var account: String

        func perform() async throws {
            let daemon = try await self.options.connect()
            let reply = try await daemon.call("account.get", [("account", .string(self.account))])
            guard !daemon.printed(reply) else { return }
            var table = Table()
            if let name = reply["wallet"]?.stringValue { table.add("wallet", name) }
            table.add("account", reply["account"]?.stringValue ?? "")
            table.add("next nonce", reply["nonce"]?.stringValue ?? "")
            for balance in reply["balances"]?.arrayValue ?? [] {
                let isStar = balance["symbol"] == .string("STAR")
                func text(_ name: String) -> String {
                    isStar ? Money.text(balance[name]) : balance[name]?.stringValue ?? ""
                }
                table.add(
                    balance["symbol"]?.stringValue ?? "",
                    "\(text("available")) available, \(text("held")) held")
            }
            table.print()
        }
    }
}

struct TransferCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "transfer", abstract: "Send coins, such as: starling transfer bob 1.5 STAR")

    @OptionGroup var options: DaemonOptions
    @Argument(help: "A wallet's name or an account.") var to: String
    @Argument(help: "Such as 1.5 STAR or 250 motes.") var amount: [String]
    @Option(help: "The wallet that pays.") var from: String?
    @Option(help: "At most 64 bytes for the receiver.") var memo = ""
    @Flag(help: "Say what would happen, and send nothing.") var dryRun = false

    func perform() async throws {
        let amount = try Money.parse(self.amount.joined(separator: " "))
        let daemon = try await self.options.connect()
        let wallet = try await daemon.wallet(self.from)
        let target = try await daemon.account(self.to)
        let operation = JSON.object(
            ("operation", .string("bank.transfer")), ("asset", AssetID.star.json),
            ("to", target.json), ("amount", amount.json), ("memo", .string(self.memo)))
        if self.dryRun {
            let reply = try await daemon.call(
                "transaction.simulate",
                [("account", .string(wallet)), ("operations", .array([operation]))])
            if daemon.printed(reply) { return }
            let isFine = reply["ok"] == .bool(true)
            let words =
                isFine
                ? "would be applied" : reply["rejection"]?["message"]?.stringValue ?? "refused"
            print("\(printable(words)); fee \(Money.text(reply["fee"]))")
            if !isFine { throw ExitCode(1) }
            return
        }
        let reply = try await daemon.submit([operation], from: wallet)
        guard !daemon.printed(reply) else { return }
        print(
            "Sent \(Money.text(amount)) from \(printable(wallet)) to \(printable(self.to)); "
                + "final in block \(reply["height"]?.stringValue ?? "?"), "
                + "fee \(Money.text(reply["fee"])), transaction \(short(reply["transaction"]))")
    }
}
