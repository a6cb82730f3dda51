import Control
import Foundation
import Kernels
import Primitives

/// One job from order to receipt.
struct JobRun {
    let daemon: Daemon
    let progress: Progress
    let plan: JobPlan
    let wallet: String

    /// What the requester is willing to pay and to wait.
    struct Terms {
        var maxPrice: Amount
        var auditFee: Amount
        /// 0: one in 64, at least one and at most 16.
        var audited: UInt16 = 0
        var assignMs: UInt64 = 60_000
        var runMs: UInt64 = 600_000
        var auditMs: UInt64 = 600_000
    }

    // MARK: Posting

    /// What the cheapest standing offer asks for this work; nil without a fitting offer.
    func cheapest() async throws -> Amount? {
        let page = try await self.daemon.call("offer.list", [("limit", .number(200))])
        let prices = (page["offers"]?.arrayValue ?? []).compactMap { offer -> Amount? in
            guard offer["closing"] != .bool(true),
                let perGiga = offer["pricePerGigaGas"]?.u128Value,
                let most = offer["maxJobGas"]?.u64Value, most >= self.plan.geometry.totalGas
            else { return nil }
            return mulDiv128(perGiga, UInt128(self.plan.geometry.totalGas), 1_000_000_000, .up)
                .flatMap { Amount($0) }
        }
        return prices.min()
    }

    /// Gives the daemon the inputs that it lacks.
    func upload() async throws {
        for (layout, bytes) in zip(self.plan.kernel.package.manifest.buffers, self.plan.inputs)
        where !bytes.isEmpty {
            _ = try await self.daemon.upload(bytes, named: layout.name, self.progress)
        }
    }

    /// Posts the job with its money in escrow.
    ///
    /// - Parameter activeInMs: ledger time until the kernel may be ordered.
    func post(_ terms: Terms, activeInMs: UInt64) async throws -> JobID {
        let operation = JSON.object(
            ("operation", .string("job.post")), ("order", self.plan.order.json),
            ("maxPrice", terms.maxPrice.json), ("auditFee", terms.auditFee.json),
            ("leavesToAudit", .number(Int64(terms.audited))),
            ("assignMs", terms.assignMs.json), ("runMs", terms.runMs.json),
            ("auditMs", terms.auditMs.json), ("note", .string("")))
        if activeInMs > 0 {
            self.progress.show("waiting until the kernel may be ordered")
            try await Task.sleep(for: .milliseconds(Int64(min(activeInMs, 60_000)) + 100))
        }
        self.progress.show("posting the job")
        for attempt in 1... {
            do {
                let reply = try await self.daemon.submit([operation], from: self.wallet)
                return try await self.id(of: reply)
            } catch let failure as CommandFailure
                where failure.code.hasSuffix("kernelNotActive") && attempt < 20
            {
                // Ledger time lags behind the clock until the next block.
                try await Task.sleep(for: .milliseconds(500))
            }
        }
        throw CommandFailure("the job could not be posted")
    }

    /// H(.job, salt | transaction | u8 index of the operation).
    private func id(of reply: JSON) async throws -> JobID {
        let status = try await self.daemon.call("node.status")
        guard let genesis = status["genesis"]?.stringValue.flatMap({ GenesisID(hex: $0) }),
            let transaction = reply["transaction"]?.stringValue.flatMap({ TransactionID(hex: $0) })
        else { throw CommandFailure("the daemon's reply names no transaction") }
        var hash = Blake2b(.job, ChainSalt(genesis))
        hash.update(transaction.digest)
        hash.update(u8: 0)
        return JobID(hash.finish())
    }

    // MARK: Waiting

    /// Follows the job until `isReached` says so.
    ///
    /// - Throws: ``CommandFailure`` when the job ends in another way, saying where its money is.
    func follow(_ job: JobID, until isReached: (String) -> Bool) async throws {
        while true {
            let reply = try await self.daemon.call("job.progress", [("job", job.json)])
            let phase = reply["phase"]?.stringValue ?? ""
            if isReached(phase) { return }
            self.progress.show(
                Self.words(phase), done: reply["leavesDone"]?.u64Value ?? 0,
                total: phase == "assigned" ? reply["leaves"]?.u64Value ?? 0 : 0)
            if reply["isClosed"] == .bool(true) { throw Self.ended(phase) }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private static func words(_ phase: String) -> String {
        switch phase {
        case "posted": "waiting for a provider"
        case "assigned": "running"
        case "committed": "waiting for an auditor"
        case "drawn": "being audited"
        case "summoned", "opened": "the auditor and the provider settle it on the ledger"
        case "window": "open to objections"
        default: phase
        }
    }

    private static func ended(_ phase: String) -> CommandFailure {
        let fix: String
        switch phase {
        case "unassigned":
            fix = "no offer fitted in time: see starling provider status, or raise --max-price"
        case "uncommitted": fix = "the provider did not deliver in time: post the job again"
        case "unaudited": fix = "no audit agreed in time: post the job again"
        case "faulted":
            fix = "every provider drawn was wrong or silent: starling job why says how"
        case "withheld": fix = "the output was never given: post the job again"
        case "kernelFault": fix = "the kernel broke its own gas bound: use another"
        case "cancelled": fix = "you took it back"
        default: fix = ""
        }
        return CommandFailure(
            "the job ended as \(phase); its escrow returned to you", fix: fix, code: "job.\(phase)")
    }

    // MARK: Result

    /// Downloads the output and checks it.
    ///
    /// - Returns: the written buffers by index, the slice-major bytes, and what was re-run.
    func result(
        _ job: JobID, check count: UInt64
    ) async throws -> (buffers: [Int: [UInt8]], output: [UInt8], check: CheckResult) {
        let reply = try await self.delivered(job)
        let check = try JobCheck(reply, plan: self.plan)
        guard let output = reply["output"],
            let root = output["root"]?.stringValue.flatMap({ Digest(hex: $0) }),
            let salt = output["salt"]?.stringValue.flatMap({ Digest(hex: $0) }),
            let blob = output["blob"]?.stringValue.flatMap({ BlobID(hex: $0) })
        else { throw CommandFailure("the daemon's reply has no output") }
        let bytes = try await self.daemon.download(blob, self.progress)
        let slices = try check.slices(of: bytes, root: root, salt: salt, self.progress)
        let leaves = JobCheck.choose(count, of: self.plan.geometry.leafCount)
        do {
            let result = try await check.rerun(leaves, slices: slices, self.daemon, self.progress)
            return (check.buffers(slices), bytes, result)
        } catch let wrong as JobCheck.WrongLeaf {
            return try await self.dispute(wrong, check, again: count)
        }
    }

    /// Proves a wrong leaf on the ledger, waits for another provider, and checks its result.
    private func dispute(
        _ wrong: JobCheck.WrongLeaf, _ check: JobCheck, again count: UInt64
    ) async throws -> (buffers: [Int: [UInt8]], output: [UInt8], check: CheckResult) {
        self.progress.note(
            "leaf \(wrong.leaf) is WRONG: the referee computes other bytes than the provider "
                + "committed to; proving it on the ledger")
        let proof = try check.proof(of: wrong)
        let reply = try await self.daemon.submit([proof], from: self.wallet)
        self.progress.note(
            "proved in block \(reply["height"]?.stringValue ?? "?"): the provider is slashed, a "
                + "part of that is yours; another provider is drawn, your escrow is whole")
        try await self.follow(check.job) { $0 == "window" || $0 == "settled" }
        return try await self.result(check.job, check: count)
    }

    /// `job.get` once the daemon has the output; it may lag a moment behind the ledger.
    private func delivered(_ job: JobID) async throws -> JSON {
        for _ in 0..<300 {
            let reply = try await self.daemon.call("job.get", [("job", job.json)])
            if let output = reply["output"], output != .null { return reply }
            self.progress.show("waiting for the output")
            try await Task.sleep(for: .milliseconds(200))
        }
        throw CommandFailure(
            "the output did not arrive at this daemon",
            fix: "try again later: starling job receipt \(job.hex)", code: "job.withheld")
    }
}
