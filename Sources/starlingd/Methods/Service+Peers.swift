import Chain
import Consensus
import Control
import Economy
import Foundation
import Gossip
import Node
import Primitives
import Transport

// Whom this node is connected with, and what it takes to agree.
extension Service {
    func servePeers(_ table: inout MethodTable) {
        table.serve("peer.list") { _ throws(ControlError) in
            let peers = try await self.peers().map { peer in
                JSON.object(
                    ("key", peer["key"] ?? .null), ("address", peer["address"] ?? .null),
                    ("outbound", peer["outbound"] ?? .bool(false)),
                    ("height", peer["height"] ?? .null),
                    ("accounts", peer["accounts"] ?? .array([])),
                    ("sinceMs", peer["sinceMs"] ?? .null), ("offer", Self.offer(peer["offer"])))
            }
            let counters = self.transport?.counters ?? TransportCounters()
            return .object(
                ("key", self.keys.node.publicKey.json), ("address", self.ownAddress),
                ("peers", .array(peers)), ("traffic", .array(Self.traffic(counters))),
                ("wire", Self.wire(counters)))
        }
    }

    /// Connected peers as the node describes them.
    func peers() async throws(ControlError) -> [JSON] {
        let reply = try await self.ask(.peers)
        return reply["peers"]?.arrayValue ?? []
    }

    private var ownAddress: JSON {
        guard let transport else { return .null }
        let address = self.network.address(of: self.keys.node.publicKey, port: transport.port)
        return address.map { .string($0.description) } ?? .null
    }

    private static func offer(_ offer: JSON?) -> JSON {
        guard let offer, offer != .null else { return .null }
        return .object(
            ("account", offer["account"] ?? .null),
            ("pricePerGigaGas", offer["pricePerGigaGas"] ?? .null),
            ("capacity", offer["capacity"] ?? .null), ("device", offer["device"] ?? .null))
    }

    private static func traffic(_ counters: TransportCounters) -> [JSON] {
        TrafficClass.allCases.map { one in
            let (received, sent) = (counters.received(one), counters.sent(one))
            return .object(
                ("class", one.json), ("messagesReceived", received.messages.json),
                ("bytesReceived", received.bytes.json), ("messagesSent", sent.messages.json),
                ("bytesSent", sent.bytes.json))
        }
    }

    private static func wire(_ counters: TransportCounters) -> JSON {
        .object(
            ("streamBytesReceived", counters.streamBytesReceived.json),
            ("streamBytesSent", counters.streamBytesSent.json),
            ("datagramsReceived", counters.datagramsReceived.json),
            ("datagramBytesReceived", counters.datagramBytesReceived.json),
            ("datagramsSent", counters.datagramsSent.json),
            ("datagramBytesSent", counters.datagramBytesSent.json),
            ("datagramsDropped", counters.datagramsDropped.json),
            ("handshakes", counters.handshakes.json),
            ("handshakesFailed", counters.handshakesFailed.json),
            ("dialsFailed", counters.dialsFailed.json), ("refused", counters.refused.json))
    }

    // MARK: Quorum

    /// What a person should know about the network: nobody there, or too few to agree.
    func networkWarnings(_ peers: [JSON], _ status: JSON) -> [JSON] {
        var found: [JSON] = []
        let validators = self.genesis.validators
        if status["stalled"] == .bool(true) {
            found.append(
                Self.warning(
                    "chain.stalled", "the chain of this node stands still: see its log",
                    fix: "starlingd ledger verify, with the daemon stopped, says what is wrong"))
        }
        if validators.count > 1 {
            let me = self.network.isValidator ? self.keys.node.publicKey.hex : ""
            let keys = peers.compactMap { $0["key"]?.stringValue } + [me]
            let here = validators.filter { keys.contains($0.key.hex) }
            if peers.isEmpty {
                found.append(
                    Self.warning(
                        "peer.none", "this node is connected with nobody",
                        fix:
                            "check `peers`, `listen` and the firewall; "
                            + "starling peers shows who is there"
                    ))
            } else if !self.isQuorum(here) {
                found.append(
                    Self.warning(
                        "peer.noQuorum",
                        "\(here.count) of \(validators.count) validators are at hand: nothing "
                            + "becomes final until more than two thirds of the stake are",
                        fix: "start the other validators, or wait for them"))
            }
        }
        if let reveals = self.network.reveals, let used = status["ownReveals"]?.u64Value,
            used >= reveals.count - reveals.count / 10
        {
            found.append(
                Self.warning(
                    "validator.revealsLow",
                    "\(used) of \(reveals.count) reveals of this seat are used",
                    fix: "the seat ends with them: plan a successor"))
        }
        return found
    }

    private func isQuorum(_ validators: [GenesisValidator]) -> Bool {
        // raw: compared as weights
        let here = validators.reduce(UInt128(0)) { $0 + $1.stake.units }
        let all = self.genesis.validators.reduce(UInt128(0)) { $0 + $1.stake.units }
        return here * 3 > all * 2
    }

    static func warning(_ code: String, _ message: String, fix: String) -> JSON {
        .object(
            ("code", .string(code)), ("message", .string(message)), ("fix", .string(fix)))
    }

    /// Who signed a certificate; null for none, where a later block's covers it.
    func certificate(_ hex: JSON?) -> JSON {
        guard let bytes = hex?.hexValue, !bytes.isEmpty else { return .null }
        do {
            let certificate = try Certificate(canonical: bytes)
            let set = try self.genesis.epochs().set
            let signers = (set.members(certificate.signers) ?? []).compactMap {
                set.validator($0)?.key
            }
            return .object(
                ("view", certificate.view.json),
                ("signers", .array(signers.map { NodeID.of($0).json })),
                ("validators", .number(Int64(set.members.count))))
        } catch {
            return .null
        }
    }
}
