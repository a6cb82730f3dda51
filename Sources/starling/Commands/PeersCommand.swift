import ArgumentParser
import Control
import Primitives

struct PeersCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "peers", abstract: "Who is connected, and what went to and fro.")

    @OptionGroup var options: DaemonOptions
    @Flag(help: "Also show messages and bytes by class.") var traffic = false

    func perform() async throws {
        let daemon = try await self.options.connect()
        let reply = try await daemon.call("peer.list")
        guard !daemon.printed(reply) else { return }
        var own = Table()
        own.add("this node", short(reply["key"]))
        own.add("reached at", Self.place(reply["address"]))
        own.print()
        print("")
        var table = Table("KEY", "ADDRESS", "DIRECTION", "HEIGHT", "ACCOUNTS", "SINCE", "OFFER")
        for peer in reply["peers"]?.arrayValue ?? [] {
            let accounts = peer["accounts"]?.arrayValue ?? []
            table.add(
                short(peer["key"]), Self.place(peer["address"]),
                peer["outbound"] == .bool(true) ? "out" : "in", peer["height"]?.stringValue ?? "",
                accounts.isEmpty ? "-" : accounts.map { short($0) }.joined(separator: " "),
                durationText(peer["sinceMs"]), Self.offer(peer["offer"]))
        }
        table.print()
        guard self.traffic else { return }
        print("")
        Self.traffic(reply["traffic"]).print()
        print("")
        Self.wire(reply["wire"]).print()
    }

    /// The part of KEY@HOST:PORT that is not the key.
    private static func place(_ address: JSON?) -> String {
        guard let text = address?.stringValue else { return "-" }
        return text.split(separator: "@", maxSplits: 1).last.map(String.init) ?? text
    }

    private static func offer(_ offer: JSON?) -> String {
        guard let offer, offer != .null else { return "-" }
        return Money.text(offer["pricePerGigaGas"]) + " for 10^9 gas, "
            + "\(offer["capacity"]?.intValue ?? 0) at once, \(offer["device"]?.stringValue ?? "")"
    }

    private static func traffic(_ rows: JSON?) -> Table {
        var table = Table("CLASS", "RECEIVED", "BYTES", "SENT", "BYTES")
        for row in rows?.arrayValue ?? [] {
            let cells = [
                "class", "messagesReceived", "bytesReceived", "messagesSent", "bytesSent",
            ].map { row[$0]?.stringValue ?? "" }
            table.add(cells[0], cells[1], cells[2], cells[3], cells[4])
        }
        return table
    }

    private static func wire(_ wire: JSON?) -> Table {
        func number(_ name: String) -> String { wire?[name]?.stringValue ?? "?" }
        var table = Table("ON THE WIRE", "RECEIVED", "SENT")
        table.add("TCP bytes", number("streamBytesReceived"), number("streamBytesSent"))
        table.add("UDP bytes", number("datagramBytesReceived"), number("datagramBytesSent"))
        table.add("datagrams", number("datagramsReceived"), number("datagramsSent"))
        table.add("handshakes", number("handshakes"), number("handshakesFailed") + " failed")
        table.add("refused", number("refused"), number("dialsFailed") + " dials failed")
        return table
    }
}
