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
        case asking([LeafResult])
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
        _ results: [LeafResult], into outbox: inout Outbox<Provider.Effect>
    ) {
        guard case .computing(let salt) = self.phase, results.map(\.leaf) == self.duty.leaves
        else { return }
        var hash = Blake2b(.audit, self.chain)
        hash.update(salt)
        hash.update(self.duty.job.digest)
        for result in results { hash.update(result.sliceRoot) }
        self.phase = .asking(results)
        let request = Message.AuditRequest(
            job: self.duty.job, leaves: self.duty.leaves, commitment: hash.finish())
        outbox.append(
            .send(.auditRequest(request), from: self.duty.auditor, to: self.duty.provider))
    }

    mutating func onOpenings(
        _ answer: Message.AuditOpenings, from sender: AccountID,
        into outbox: inout Outbox<Provider.Effect>
    ) {
        guard case .asking(let results) = self.phase, sender == self.duty.provider else { return }
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

    mutating func retry(salt: Digest, into outbox: inout Outbox<Provider.Effect>) {
        switch self.phase {
        case .failed:
            self.phase = .idle
            self.start(salt: salt, into: &outbox)
        case .reporting(let intent):
            outbox.append(.intend(self.duty.job, intent, account: self.duty.auditor))
        case .idle, .computing, .asking, .disagreed: break
        }
    }

    /// The first leaf whose opening is missing, differs from ours, or leads elsewhere.
    private func firstDisagreement(
        _ results: [LeafResult], _ answer: Message.AuditOpenings
    ) -> UInt64? {
        let chain = self.chain
        for (index, result) in results.enumerated() {
            guard answer.openings.indices.contains(index) else { return result.leaf }
            let opening = answer.openings[index]
            let leaf = Leaf.digest(
                salt: opening.salt, job: self.duty.job, provider: self.duty.provider, launch: 0,
                index: opening.leaf, sliceRoot: opening.sliceRoot,
                workDigest: opening.workDigest, chain: chain)
            let isUnderRoot = Merkle.verify(
                leaf: leaf, index: opening.leaf, count: self.duty.leafCount, path: opening.path,
                root: self.duty.leafRoot, .leaves, chain)
            guard opening.leaf == result.leaf, opening.sliceRoot == result.sliceRoot, isUnderRoot
            else { return result.leaf }
        }
        let commitment = Blake2b.pair(
            .output, chain, answer.outputSalt, answer.outputRoot)
        return commitment == self.duty.outputCommitment ? nil : results.first?.leaf
    }
}
