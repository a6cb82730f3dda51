import Control
import Executor
import Foundation
import Primitives

extension Service {
    func serveNode(_ table: inout MethodTable) {
        table.serve("node.status") { _ throws(ControlError) in
            let status = try await self.query(.status)
            let peers = try await self.peers()
            return .object(
                ("version", .string(Self.version)), ("genesis", self.genesis.id.json),
                ("isDev", .bool(self.isDev)), ("node", NodeID.of(self.keys.node.publicKey).json),
                ("roles", .array(self.roles.map { .string($0) })),
                ("height", status["height"] ?? .null), ("block", status["block"] ?? .null),
                ("stateRoot", status["stateRoot"] ?? .null),
                ("timeMs", status["ledgerTime"] ?? .null),
                ("pooled", status["mempool"] ?? .number(0)),
                ("peers", .number(Int64(peers.count))),
                ("uptimeMs", .string(String(Int(Date().timeIntervalSince(self.started) * 1000)))),
                ("warnings", .array(self.warnings + self.networkWarnings(peers, status))))
        }
        table.serve("node.stop") { _ throws(ControlError) in
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(50)) { self.stop() }
            return .object(("stopping", .bool(true)))
        }
        self.servePeers(&table)
        self.serveProvider(&table)
    }

    private var roles: [String] {
        var roles = self.network.isValidator ? ["validator"] : []
        if self.network.auditor != nil { roles.append("auditor") }
        if self.network.provider != nil { roles.append("provider") }
        return roles
    }

    private var warnings: [JSON] {
        guard self.work.deviceStatus.isEmpty, self.network.provider != nil else { return [] }
        return [
            Self.warning(
                "provider.noDevice", "no OpenCL device was found: this node runs no jobs",
                fix: "install pocl-opencl-icd or the GPU's driver and start again")
        ]
    }

    private func serveProvider(_ table: inout MethodTable) {
        table.serve("provider.status") { _ throws(ControlError) in
            let local = try await self.ask(.progress)
            let offers = try await self.ownOffers()
            let running = (local["work"]?.arrayValue ?? []).compactMap { $0["job"] }
            let counters = self.events.current
            var bond: UInt128 = 0
            for offer in offers { bond += offer["bond"]?.u128Value ?? 0 }
            let devices = self.work.deviceStatus.map { status in
                JSON.object(
                    ("name", .string(status.description.key.name)),
                    (
                        "driver",
                        .string(
                            "\(status.description.key.platform) \(status.description.key.driver)")
                    ),
                    ("state", .string(status.quarantine == nil ? "ready" : "quarantined")))
            }
            return .object(
                ("isRunning", local["offering"] ?? .bool(false)),
                ("account", self.providerAccount?.json ?? .null), ("devices", .array(devices)),
                ("offers", .array(offers.compactMap { $0["offer"] })),
                ("running", .array(running)), ("jobsDone", counters.jobsDone.json),
                ("jobsFailed", counters.jobsFailed.json), ("bond", .string(String(bond))),
                ("earned", try await self.earned().json),
                ("buyersSeen", try await self.jobsPosted().json))
        }
        table.serve("provider.start") { call throws(ControlError) in
            guard call.params["account"] == nil, call.params["price"] == nil else {
                throw .product(
                    "provider.notYet",
                    "account and price come from the configuration of the daemon",
                    fix: "set [provider] in the configuration file and start the daemon again")
            }
            guard !self.work.deviceStatus.isEmpty else {
                throw .product(
                    "provider.noDevice", "no OpenCL device can be used",
                    fix: "install pocl-opencl-icd or the GPU's driver and start the daemon again")
            }
            _ = try await self.ask(.offer(true))
            return .object(
                ("offer", try await self.ownOffers().first?["offer"] ?? .null),
                ("devices", .number(Int64(self.work.deviceStatus.count))))
        }
        table.serve("provider.stop") { _ throws(ControlError) in
            .object(("running", .array(try await self.withdrawOffers())))
        }
        table.serve("provider.pause") { _ throws(ControlError) in
            var bond: UInt128 = 0
            for offer in try await self.ownOffers() { bond += offer["bond"]?.u128Value ?? 0 }
            let running = try await self.withdrawOffers()
            return .object(("running", .array(running)), ("bond", .string(String(bond))))
        }
    }

    /// Takes no further job; answers those that are still being finished.
    private func withdrawOffers() async throws(ControlError) -> [JSON] {
        _ = try await self.ask(.offer(false))
        let local = try await self.ask(.progress)
        return (local["work"]?.arrayValue ?? []).compactMap { $0["job"] }
    }

    private func ownOffers() async throws(ControlError) -> [JSON] {
        let page = try await self.query(.offers(before: nil, limit: 200))
        return (page["offers"]?.arrayValue ?? []).filter {
            $0["provider"]?.stringValue == self.providerAccount?.hex
        }
    }

    private func jobsPosted() async throws(ControlError) -> UInt64 {
        let status = try await self.query(.status)
        return status["economy"]?["jobs"]?.u64Value ?? 0
    }

    /// What settled jobs of this provider paid the operator, over the last page of jobs.
    private func earned() async throws(ControlError) -> Amount {
        guard let account = self.providerAccount else { return .zero }
        let page = try await self.query(.jobs(before: nil, limit: 200))
        var sum = Amount.zero
        for job in page["jobs"]?.arrayValue ?? []
        where job["provider"]?.stringValue == account.hex {
            let units = job["waterfall"]?["operator"]?.u128Value ?? 0
            sum = Amount(units).flatMap { sum + $0 } ?? sum
        }
        return sum
    }
}
