import ArgumentParser
import Control
import Foundation
import Primitives

/// What every command that talks to a daemon takes.
struct DaemonOptions: ParsableArguments {
    @Option(help: "The daemon's socket; else $STARLING_SOCKET, else \(Control.defaultSocket).")
    var socket: String?

    @Flag(help: "Print JSON for programs instead of text for people.")
    var json = false

    /// Connects, or says how to.
    func connect() async throws -> Daemon {
        let environment = ProcessInfo.processInfo.environment["STARLING_SOCKET"]
        let path =
            self.socket ?? environment.flatMap { $0.isEmpty ? nil : $0 } ?? Control.defaultSocket
        do throws(ControlClient.Failure) {
            return Daemon(client: try await ControlClient.connect(to: path), asJSON: self.json)
        } catch { throw CommandFailure(error) }
    }
}

/// A connection to the daemon, and the questions that several commands ask.
struct Daemon: Sendable {
    let client: ControlClient
    let asJSON: Bool

    /// Calls one method.
    func call(
        _ method: String, _ params: [(String, JSON)] = [], timeoutMs: Int64 = 60_000
    ) async throws -> JSON {
        let object = JSON.object(params.map { JSONMember(name: $0.0, value: $0.1) })
        do throws(ControlClient.Failure) {
            return try await self.client.call(method, object, timeoutMs: timeoutMs)
        } catch { throw CommandFailure(error) }
    }

    /// The provider's opening of one leaf. Its node may see the audit a moment after this one.
    func opening(_ job: JSON, _ leaf: JSON) async throws -> JSON {
        for attempt in 1... {
            do {
                return try await self.call("job.open", [("job", job), ("leaf", leaf)])
            } catch let failure as CommandFailure
                where failure.code == "job.notYet" && attempt < 50
                || failure.code == "job.notHere" && attempt < 3
            {
                // The last kind, too: a question among a thousand may be lost on the way.
                try await Task.sleep(for: .milliseconds(200))
            }
        }
        throw CommandFailure("the provider does not open the job")
    }

    /// Prints a reply for programs; false if people shall get their own form.
    func printed(_ json: JSON) -> Bool {
        guard self.asJSON else { return false }
        print(json.prettyText)
        return true
    }

    /// The account that a name of a wallet or an id stands for.
    func account(_ name: String) async throws -> AccountID {
        if let id = AccountID(hex: name) { return id }
        let reply = try await self.call("account.get", [("account", .string(name))])
        guard let id = reply["account"]?.stringValue.flatMap({ AccountID(hex: $0) }) else {
            throw CommandFailure("the daemon gave no account for \(printable(name))")
        }
        return id
    }

    /// The wallet to act with: the one named, else $STARLING_WALLET, else the only one there is.
    func wallet(_ named: String?) async throws -> String {
        if let named { return named }
        if let name = ProcessInfo.processInfo.environment["STARLING_WALLET"], !name.isEmpty {
            return name
        }
        let reply = try await self.call("wallet.list")
        let names = reply["wallets"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
        switch names.count {
        case 0:
            throw CommandFailure("there is no wallet", fix: "make one: starling wallet create NAME")
        case 1: return names[0]
        default:
            throw CommandFailure.usage(
                "which wallet?",
                fix:
                    "add --from with one of \(names.joined(separator: ", ")), "
                    + "or set STARLING_WALLET"
            )
        }
    }

    /// Signs and sends operations, and waits until they are final.
    ///
    /// - Throws: the refusal, also when the transaction became final without effect.
    func submit(
        _ operations: [JSON], from wallet: String, maxFee: Amount? = nil
    ) async throws -> JSON {
        var params: [(String, JSON)] = [
            ("account", .string(wallet)), ("operations", .array(operations)),
            ("wait", .string("final")),
            // A repeated call after a lost reply must not pay twice.
            ("idempotencyKey", .string(UUID().uuidString)),
        ]
        if let maxFee { params.append(("maxFee", maxFee.json)) }
        let reply = try await self.call("transaction.submit", params, timeoutMs: 120_000)
        if let rejection = reply["rejection"] {
            throw CommandFailure(
                rejection["message"]?.stringValue ?? "the ledger refused the transaction",
                fix: rejection["fix"]?.stringValue ?? "",
                code: rejection["code"]?.stringValue ?? "")
        }
        guard reply["status"] == .string("final") else {
            throw CommandFailure(
                "the transaction is \(reply["status"]?.stringValue ?? "lost")",
                fix: "look again later: transaction \(reply["transaction"]?.stringValue ?? "?")")
        }
        return reply
    }
}

/// Runs a command's body, and ends the process with the right status if it fails.
protocol Command: AsyncParsableCommand {
    func perform() async throws
}

extension Command {
    func run() async throws {
        do {
            try await self.perform()
        } catch let failure as CommandFailure {
            failure.report(asJSON: CommandLine.arguments.contains("--json"))
            throw ExitCode(failure.status.rawValue)
        }
    }
}

/// `YYYY-MM-DD hh:mm:ss` UTC of milliseconds since 1970.
func dateText(_ json: JSON?) -> String {
    guard let ms = json?.u64Value else { return "?" }
    let date = Date(timeIntervalSince1970: Double(ms / 1000))
    return date.formatted(
        Date.ISO8601FormatStyle(dateTimeSeparator: .space, timeZone: .gmt).year().month().day()
            .time(includingFractionalSeconds: false)) + " UTC"
}

/// A time span of milliseconds in its two largest units.
func durationText(_ json: JSON?) -> String {
    guard let ms = json?.u64Value else { return "?" }
    let seconds = ms / 1000
    switch seconds {
    case ..<60: return "\(seconds) s"
    case ..<3_600: return "\(seconds / 60) min \(seconds % 60) s"
    case ..<86_400: return "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
    default: return "\(seconds / 86_400) d \(seconds % 86_400 / 3_600) h"
    }
}

/// The first digits of an id.
func short(_ json: JSON?) -> String {
    guard let text = json?.stringValue else { return "-" }
    return printable(String(text.prefix(12)))
}
