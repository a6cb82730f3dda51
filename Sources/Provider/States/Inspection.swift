import Kernels
import Primitives

/// One job that a local account audits: compute first, bind oneself, then look at the openings.
///
/// The leaves come from the auditor's own chain and its salt from the same number, so that a
/// restart binds itself to the very same results, whatever stage the ledger is at.
///
/// - Source: protocol/jobs.md, "The blind audit".
struct Inspection: Sendable {
    /// Unanswered requests before the auditor asks on the ledger.
    static let asksMax = 2

    enum Phase: Sendable {
        /// Waits for its number of the chain.
        case revealing
        /// Knows its leaves, waits for the inputs.
        case idle(Sample)
        /// The referee re-runs them.
        case computing(Sample)
        /// Bound to its results; its node signs them before they are said.
        case signing(Results)
        /// Waits for the provider's openings; so many requests were said.
        case asking(Results, Signature, asks: Int)
        /// The summons was handed to the ledger; a late answer still counts.
        case summoning(Results)
        /// The ledger awaits the provider's openings.
        case waiting(Results)
        /// The report was handed to the ledger.
        case reporting(Results, Intent)
        /// A leaf is wrong: what it reads is gathered; more of them after it.
        case gathering(LeafOpening, more: [LeafOpening], Results)
        /// The proof was handed to the ledger.
        case proving(Intent, Results)
        /// The draw is given back: the work cannot be done here.
        case declining(Intent.DeclineReason)
        /// The number or the referee could not be had; waits for the retry.
        case failed(Sample?)
    }

    /// What the auditor's number names.
    struct Sample: Hashable, Sendable {
        let reveal: Digest
        let leaves: [UInt64]
    }

    /// What the referee made of it.
    struct Results: Hashable, Sendable {
        let sample: Sample
        /// In the order of the sample.
        let sliceRoots: [Digest]
        let salt: Digest
        let commitment: Digest

        func sliceRoot(of leaf: UInt64) -> Digest? {
            self.sample.leaves.firstIndex(of: leaf).map { self.sliceRoots[$0] }
        }
    }

    private(set) var duty: Duty.Audit
    let chain: ChainSalt
    var phase = Phase.revealing
    /// What was said last on the ledger has no answer yet.
    private var isUnanswered = false
    /// What the referee could not gather now it shall gather later.
    var gathersAgain = false

    init(duty: Duty.Audit, chain: ChainSalt) {
        self.duty = duty
        self.chain = chain
    }

    /// True if the duty is about the same draw, perhaps further on.
    func isSameDraw(_ duty: Duty.Audit) -> Bool {
        self.duty.job == duty.job && self.duty.attempt == duty.attempt
            && self.duty.auditor == duty.auditor && self.duty.auditIndex == duty.auditIndex
    }

    /// Blobs to be here before the referee runs.
    var inputs: [JobInput] { JobInput.all(of: self.duty.order, self.duty.package) }

    /// True before the referee runs: the inputs are needed.
    var isPreparing: Bool {
        switch self.phase {
        case .revealing, .idle: true
        case .computing, .signing, .asking, .summoning, .waiting, .reporting, .gathering,
            .proving, .declining, .failed:
            false
        }
    }

    /// True while the referee needs the inputs once more.
    var isGathering: Bool {
        if case .gathering = self.phase { true } else { false }
    }

    var phaseName: String {
        switch self.phase {
        case .revealing, .idle, .failed: "audit: waiting"
        case .computing: "audit: re-running leaves"
        case .signing, .asking: "audit: waiting for openings"
        case .summoning: "audit: asking on the ledger"
        case .waiting: "audit: waiting for openings on the ledger"
        case .reporting: "audit: reporting"
        case .gathering, .proving: "audit: proving a wrong leaf"
        case .declining: "audit: giving the draw back"
        }
    }

    private var run: RefereeRun {
        RefereeRun(job: self.duty.job, purpose: .audit(self.duty.auditor))
    }

    // MARK: Number, leaves, results

    /// Learns its leaves: at once where the number was said on the ledger already.
    mutating func begin(into outbox: inout Outbox<Provider.Effect>) {
        guard case .revealing = self.phase else { return }
        if let reveal = self.duty.reveal, self.duty.draw.isRight(reveal) {
            self.phase = .idle(self.sample(reveal))
        } else {
            outbox.append(
                .revealAudit(
                    self.duty.job, auditor: self.duty.auditor, index: self.duty.auditIndex))
        }
    }

    /// True if the step failed and is to be tried again.
    mutating func onReveal(
        _ reveal: Digest?, into outbox: inout Outbox<Provider.Effect>
    ) -> Bool {
        guard case .revealing = self.phase else { return false }
        guard let reveal, self.duty.draw.isRight(reveal) else {
            self.phase = .failed(nil)
            let text = reveal == nil ? "no such number here" : "the number is not of this chain"
            outbox.append(
                .report(
                    .failed(self.duty.job, code: "audit.reveal", text: text, retried: true)))
            return true
        }
        self.phase = .idle(self.sample(reveal))
        return false
    }

    private func sample(_ reveal: Digest) -> Sample {
        let leaves = self.duty.draw.sample(reveal, of: self.duty.job, self.chain)
        return Sample(reveal: reveal, leaves: leaves)
    }

    /// Has the referee run, the inputs being here.
    mutating func start(into outbox: inout Outbox<Provider.Effect>) {
        guard case .idle(let sample) = self.phase else { return }
        self.phase = .computing(sample)
        outbox.append(
            .referee(
                self.run, package: self.duty.package, order: self.duty.order,
                leaves: sample.leaves))
    }

    /// Binds itself, then goes on as the ledger's stage asks.
    mutating func onRefereed(
        _ results: [LeafResult], into outbox: inout Outbox<Provider.Effect>
    ) {
        guard case .computing(let sample) = self.phase, results.map(\.leaf) == sample.leaves
        else { return }
        let sliceRoots = results.map(\.sliceRoot)
        let salt = Self.salt(sample.reveal, self.duty.job)
        let bound = Results(
            sample: sample, sliceRoots: sliceRoots, salt: salt,
            commitment: Transcript.commitment(
                salt: salt, job: self.duty.job, auditor: self.duty.auditor,
                sliceRoots: sliceRoots, self.chain))
        switch self.duty.stage {
        case .drawn:
            self.phase = .signing(bound)
            self.sign(bound, into: &outbox)
        case .summoned: self.phase = .waiting(bound)
        case .opened(let openings): self.compare(openings, with: bound, into: &outbox)
        }
    }

    /// H(.salt, none | reveal | job): nobody knows it before the auditor says its number.
    static func salt(_ reveal: Digest, _ job: JobID) -> Digest {
        Blake2b.pair(.salt, .none, reveal, job.digest)
    }

    mutating func onFailure(_ text: String, into outbox: inout Outbox<Provider.Effect>) -> Bool {
        guard case .computing(let sample) = self.phase else { return false }
        self.phase = .failed(sample)
        outbox.append(
            .report(
                .failed(self.duty.job, code: "referee.failed", text: text, retried: true)))
        return true
    }

    // MARK: Asking

    private func digest(_ results: Results) -> Digest {
        Transcript.request(
            job: self.duty.job, auditor: self.duty.auditor, auditIndex: self.duty.auditIndex,
            commitment: results.commitment, self.chain)
    }

    private func sign(_ results: Results, into outbox: inout Outbox<Provider.Effect>) {
        outbox.append(
            .signTranscript(
                self.duty.job, auditor: self.duty.auditor, digest: self.digest(results)))
    }

    /// The node signed: asks.
    mutating func onSigned(
        _ digest: Digest, _ signature: Signature, _ now: Instant, _ askMs: UInt64,
        into outbox: inout Outbox<Provider.Effect>
    ) {
        guard case .signing(let results) = self.phase, digest == self.digest(results) else {
            return
        }
        self.phase = .asking(results, signature, asks: 0)
        self.ask(now, askMs, into: &outbox)
    }

    /// Says the request, now and again; after ``asksMax`` it asks on the ledger.
    mutating func ask(
        _ now: Instant, _ askMs: UInt64, into outbox: inout Outbox<Provider.Effect>
    ) {
        guard case .asking(let results, let signature, let asks) = self.phase else { return }
        guard asks < Self.asksMax else {
            return self.summon(results, "no answer to \(asks) requests", into: &outbox)
        }
        self.phase = .asking(results, signature, asks: asks + 1)
        let auditor = self.duty.auditor
        let request = Message.AuditRequest(
            job: self.duty.job, reveal: results.sample.reveal, commitment: results.commitment,
            signature: signature)
        outbox.append(
            .send(.auditRequest(request), from: auditor, to: .account(self.duty.provider)))
        outbox.append(
            .schedule(.askAgain(self.duty.job, auditor: auditor), at: now.adding(ms: askMs)))
    }

    private mutating func summon(
        _ results: Results, _ text: String, into outbox: inout Outbox<Provider.Effect>
    ) {
        self.phase = .summoning(results)
        outbox.append(.report(.summoning(self.duty.job, text: text)))
        self.say(self.summons(results), into: &outbox)
    }

    private func summons(_ results: Results) -> Intent {
        .summon(reveal: results.sample.reveal, commitment: results.commitment)
    }

    mutating func say(_ intent: Intent, into outbox: inout Outbox<Provider.Effect>) {
        self.isUnanswered = true
        outbox.append(.intend(self.duty.job, intent, account: self.duty.auditor))
    }

    // MARK: Openings

    /// The provider's direct answer.
    ///
    /// - Parameter acting: accounts that the sender acts for; the provider is one of them.
    mutating func onOpenings(
        _ answer: Message.AuditOpenings, acting: [AccountID],
        into outbox: inout Outbox<Provider.Effect>
    ) {
        let (results, isSummoning) = self.expected
        guard let results, acting.contains(self.duty.provider) else { return }
        if self.dispute(answer.openings, results, into: &outbox) { return }
        if let text = self.fault(of: answer, results) {
            // A summons says no more the second time.
            if !isSummoning { self.summon(results, text, into: &outbox) }
            return
        }
        self.vouch(answer.openings, answer.signature, results, into: &outbox)
    }

    /// What a direct answer is compared with, and whether a summons is under way already.
    private var expected: (Results?, Bool) {
        switch self.phase {
        case .asking(let results, _, _): (results, false)
        case .summoning(let results): (results, true)
        case .revealing, .idle, .computing, .signing, .waiting, .reporting, .gathering,
            .proving, .declining, .failed:
            (nil, false)
        }
    }

    /// What is wrong with an answer whose leaves are right as far as they are leaves.
    private func fault(of answer: Message.AuditOpenings, _ results: Results) -> String? {
        let fault = answer.openings.fault(
            indices: results.sample.leaves, leaves: self.duty.draw.leaves,
            leafRoot: self.duty.leafRoot, outputCommitment: self.duty.outputCommitment,
            job: self.duty.job, provider: self.duty.provider, self.chain)
        if let fault { return "\(fault)" }
        let digest = Transcript.digest(
            job: self.duty.job, auditor: self.duty.auditor, commitment: results.commitment,
            openings: answer.openings.hash(self.chain), self.chain)
        return self.duty.providerNode.verify(answer.signature, digest)
            ? nil : "the signature is not the node's of the provider"
    }

    /// Openings that the ledger holds: each leads to the commitment, or they would not be there.
    private mutating func compare(
        _ openings: LeafOpenings, with results: Results,
        into outbox: inout Outbox<Provider.Effect>
    ) {
        if self.dispute(openings, results, into: &outbox) { return }
        self.vouch(openings, .blank, results, into: &outbox)
    }

    private mutating func vouch(
        _ openings: LeafOpenings, _ signature: Signature, _ results: Results,
        into outbox: inout Outbox<Provider.Effect>
    ) {
        let intent = Intent.audit(
            reveal: results.sample.reveal, salt: results.salt, openings: openings,
            signature: signature)
        self.phase = .reporting(results, intent)
        outbox.append(.report(.agreed(self.duty.job, leaves: results.sample.leaves.count)))
        self.say(intent, into: &outbox)
    }

    /// The ledger is further on.
    mutating func update(_ duty: Duty.Audit, into outbox: inout Outbox<Provider.Effect>) {
        guard duty != self.duty else { return }
        self.duty = duty
        switch self.phase {
        case .signing(let results), .asking(let results, _, _), .summoning(let results),
            .waiting(let results), .reporting(let results, _):
            switch duty.stage {
            case .drawn: break
            case .summoned: self.phase = .waiting(results)
            case .opened(let openings): self.compare(openings, with: results, into: &outbox)
            }
        // The results are compared with the duty once they are there; a proof serves any stage.
        case .revealing, .idle, .computing, .gathering, .proving, .declining, .failed: break
        }
    }

    // MARK: Pauses

    /// Goes on after a pause; true if it is to be started anew.
    mutating func retry(into outbox: inout Outbox<Provider.Effect>) -> Bool {
        switch self.phase {
        case .failed(let sample):
            if let sample {
                self.phase = .idle(sample)
            } else {
                self.phase = .revealing
                self.begin(into: &outbox)
            }
            return true
        case .gathering: return self.gatherAgain(into: &outbox)
        case .reporting, .proving, .summoning, .declining: self.sayAgain(into: &outbox)
        case .revealing, .idle, .computing, .signing, .asking, .waiting: break
        }
        return false
    }

    /// Says again what has had no answer for long: it may be lost.
    mutating func watch(into outbox: inout Outbox<Provider.Effect>) {
        switch self.phase {
        case .revealing: self.begin(into: &outbox)
        case .signing(let results): self.sign(results, into: &outbox)
        case .reporting, .proving, .summoning, .declining:
            if self.isUnanswered { self.sayAgain(into: &outbox) }
        case .idle, .computing, .asking, .waiting, .gathering, .failed: break
        }
    }

    private mutating func sayAgain(into outbox: inout Outbox<Provider.Effect>) {
        switch self.phase {
        case .reporting(_, let intent), .proving(let intent, _): self.say(intent, into: &outbox)
        case .summoning(let results): self.say(self.summons(results), into: &outbox)
        case .declining(let reason): self.say(.decline(reason), into: &outbox)
        case .revealing, .idle, .computing, .signing, .asking, .waiting, .gathering, .failed:
            break
        }
    }

    /// The ledger's pool took or refused what was said.
    mutating func onIntended() { self.isUnanswered = false }

    /// True if this kind of intent is what it waits for.
    func isSaying(_ kind: Intent.Kind) -> Bool {
        switch self.phase {
        case .reporting: kind == .audit
        case .summoning: kind == .summon
        case .proving: kind == .prove
        case .declining: kind == .decline
        case .revealing, .idle, .computing, .signing, .asking, .waiting, .gathering, .failed:
            false
        }
    }

    // MARK: Giving back

    /// Half of its time is over: gives the draw back if the job cannot be re-run here.
    ///
    /// - Parameter isMissing: an input is not here.
    /// - Returns: true if that cannot be said yet.
    mutating func onLate(
        isMissing: Bool, into outbox: inout Outbox<Provider.Effect>
    ) -> Bool {
        // Whoever summoned had its results once, and finds them again.
        guard case .drawn = self.duty.stage else { return false }
        switch self.phase {
        case .idle where isMissing, .failed:
            self.decline(.inputsMissing, "the job cannot be re-run here in time", into: &outbox)
            return false
        case .revealing, .idle, .computing: return true
        case .signing, .asking, .summoning, .waiting, .reporting, .gathering, .proving,
            .declining:
            return false
        }
    }

    mutating func decline(
        _ reason: Intent.DeclineReason, _ text: String,
        into outbox: inout Outbox<Provider.Effect>
    ) {
        self.phase = .declining(reason)
        outbox.append(
            .report(
                .failed(self.duty.job, code: "audit.declined", text: text, retried: false)))
        self.say(.decline(reason), into: &outbox)
    }
}
