import Kernels
import Primitives

/// One job that a local account audits: compute first, bind oneself, then look at the openings.
///
/// An auditor that disagrees says so and submits nothing.
struct Inspection: Sendable {
    private enum Phase: Sendable {
        /// Not begun.
        case idle
        /// The referee re-runs the drawn leaves.
        case computing(salt: Digest)
        /// Bound to its results, waits for the provider's openings.
        case asking([LeafResult], Message)
        /// The report was handed to the ledger.
        case reporting(Intent)
        /// The provider's openings are not what was computed.
        case disagreed
        /// The referee could not run; waits for its retry.
        case failed
    }

    let duty: Duty.Audit
    private let chain: ChainSalt
    private var phase = Phase.idle

    init(duty: Duty.Audit, chain: ChainSalt) {
        self.duty = duty
        self.chain = chain
    }

    /// Blobs to be here before the referee runs.
    var inputs: [JobInput] { JobInput.all(of: self.duty.order, self.duty.package) }

    /// True before the referee runs.
    var isIdle: Bool {
        if case .idle = self.phase { true } else { false }
    }

    var phaseName: String {
        switch self.phase {
        case .idle, .failed: "audit: waiting"
        case .computing: "audit: re-running leaves"
        case .asking: "audit: waiting for openings"
        case .reporting: "audit: reporting"
        case .disagreed: "audit: disagreed"
        }
    }

    mutating func start(salt: Digest, into outbox: inout Outbox<Provider.Effect>) {
        guard case .idle = self.phase else { return }
        self.phase = .computing(salt: salt)
        outbox.append(
            .referee(
                RefereeRun(job: self.duty.job, purpose: .audit(self.duty.auditor)),
                package: self.duty.package, order: self.duty.order, leaves: self.duty.leaves))
    }

    mutating func onRefereed(
        _ results: [LeafResult], _ now: Instant, _ askMs: UInt64,
        into outbox: inout Outbox<Provider.Effect>
    ) {
        guard case .computing(let salt) = self.phase, results.map(\.leaf) == self.duty.leaves
        else { return }
        var hash = Blake2b(.audit, self.chain)
        hash.update(salt)
        hash.update(self.duty.job.digest)
        for result in results { hash.update(result.sliceRoot) }
        let request = Message.AuditRequest(
            job: self.duty.job, leaves: self.duty.leaves, commitment: hash.finish())
        self.phase = .asking(results, .auditRequest(request))
        self.ask(now, askMs, into: &outbox)
    }

    /// Says the request, now and again until the openings are here: messages may be lost.
    func ask(
        _ now: Instant, _ askMs: UInt64, into outbox: inout Outbox<Provider.Effect>
    ) {
        guard case .asking(_, let request) = self.phase else { return }
        let auditor = self.duty.auditor
        outbox.append(.send(request, from: auditor, to: .account(self.duty.provider)))
        outbox.append(
            .schedule(.askAgain(self.duty.job, auditor: auditor), at: now.adding(ms: askMs)))
    }

    /// - Parameter acting: accounts that the sender acts for; the provider is one of them.
    mutating func onOpenings(
        _ answer: Message.AuditOpenings, acting: [AccountID],
        into outbox: inout Outbox<Provider.Effect>
    ) {
        guard case .asking(let results, _) = self.phase, acting.contains(self.duty.provider)
        else { return }
        if let leaf = self.firstDisagreement(results, answer) {
            self.phase = .disagreed
            outbox.append(.report(.disagreed(self.duty.job, leaf: leaf)))
            return
        }
        let intent = Intent.audit(
            openings: answer.openings, outputRoot: answer.outputRoot,
            outputSalt: answer.outputSalt)
        self.phase = .reporting(intent)
        outbox.append(.report(.agreed(self.duty.job, leaves: results.count)))
        outbox.append(.intend(self.duty.job, intent, account: self.duty.auditor))
    }

    mutating func onFailure(_ text: String, into outbox: inout Outbox<Provider.Effect>) {
        guard case .computing = self.phase else { return }
        self.phase = .failed
        outbox.append(
            .report(
                .failed(self.duty.job, code: "referee.failed", text: text, retried: true)))
    }

    /// Goes on after a pause; true if it is to be started anew.
    mutating func retry(into outbox: inout Outbox<Provider.Effect>) -> Bool {
        switch self.phase {
        case .failed:
            self.phase = .idle
            return true
        case .reporting(let intent):
            outbox.append(.intend(self.duty.job, intent, account: self.duty.auditor))
        case .idle, .computing, .asking, .disagreed: break
        }
        return false
    }

    /// The first leaf whose opening is missing, differs from ours, or leads elsewhere.
    private func firstDisagreement(
        _ results: [LeafResult], _ answer: Message.AuditOpenings
    ) -> UInt64? {
        let chain = self.chain
        guard answer.openings.count <= results.count else { return results.first?.leaf ?? 0 }
        for (index, result) in results.enumerated() {
            guard answer.openings.indices.contains(index) else { return result.leaf }
            let opening = answer.openings[index]
            let isUnderRoot = opening.leads(
                to: self.duty.leafRoot, of: self.duty.leafCount, job: self.duty.job,
                provider: self.duty.provider, chain)
            guard opening.leaf == result.leaf, opening.sliceRoot == result.sliceRoot, isUnderRoot
            else { return result.leaf }
        }
        let commitment = Blake2b.pair(
            .output, chain, answer.outputSalt, answer.outputRoot)
        return commitment == self.duty.outputCommitment ? nil : results.first?.leaf
    }
}
