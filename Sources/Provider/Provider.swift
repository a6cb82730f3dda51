import Kernels
package import Primitives

/// What a node does to earn and to check: match, run, commit, open, audit, dispute.
///
/// The ledger's duties arrive as complete lists, so a restart needs no memory but the job records:
/// whatever is still to do is in the next list. One phase machine per job provided (``Work``), one
/// per draw as an auditor (``Inspection``), one per challenge (``Reply``).
///
/// - Bounds: `Config.concurrentJobs` jobs run at once; the rest wait in the order of the list.
/// - Invariant: nothing is committed before its record is durable, and nothing is committed that
///   the referee's self-check contradicts.
/// - Source: protocol/jobs.md.
package struct Provider: Sendable {
    /// Settings of one node.
    package struct Config: Hashable, Sendable {
        /// Binds leaves to the chain.
        package var chain: ChainSalt
        /// Jobs that run at the same time, at least 1.
        package var concurrentJobs: Int
        /// Random leaves re-run on the referee before committing; 0 trusts the device.
        package var selfCheckLeaves: UInt64
        /// Wait before a refused or failed step is tried again.
        package var retryMs: UInt64
        /// Wait before a step that the ledger's pool took is said again.
        package var resendMs: UInt64
        /// Wait before a blob that nobody gave is asked for again.
        package var fetchMs: UInt64
        /// Wait before an auditor says its request again.
        package var askMs: UInt64
        /// Wait before an auditor says again what got no answer from its own node.
        package var watchMs: UInt64

        /// Settings; the defaults are guesses that suit a desk machine.
        package init(
            chain: ChainSalt, concurrentJobs: Int = 1, selfCheckLeaves: UInt64 = 2,
            retryMs: UInt64 = 500, resendMs: UInt64 = 15_000, fetchMs: UInt64 = 2_000,
            askMs: UInt64 = 3_000, watchMs: UInt64 = 10_000
        ) {
            self.chain = chain
            self.concurrentJobs = max(1, concurrentJobs)
            self.selfCheckLeaves = selfCheckLeaves
            self.retryMs = retryMs
            self.resendMs = resendMs
            self.fetchMs = fetchMs
            self.askMs = askMs
            self.watchMs = watchMs
        }
    }

    let config: Config
    var generator: Generator
    /// In the order in which the duties came.
    var works: [Work] = []
    var inspections: [Inspection] = []
    var replies: [Reply] = []
    /// Against attempts that are over.
    var seconds: [SecondProof] = []
    var commitments = Commitments()
    var fetches = Fetches()
    var visitors = Visitors()
    var questions: Questions
    var records = Lookup<JobID, JobRecord>()
    /// Of records; those whose audit is over. The final state does not go back.
    var opened = Lookup<JobID, JobOutput>()
    var trees = LeafTrees()
    private var offerAsked = false
    /// Offers whose withdrawal is on its way.
    private var withdrawn: [OfferID] = []

    /// A provider whose random choices come from `seed`.
    package init(config: Config, seed: Digest) {
        self.config = config
        self.generator = Generator(seed: seed)
        self.questions = Questions(chain: config.chain)
    }

    /// Takes one input and says what to do.
    package mutating func handle(
        _ input: Input, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        switch input {
        case .duties(let duties): self.onDuties(duties, now, into: &outbox)
        case .published(let bytes): Self.onPublished(bytes, &outbox)
        case .restored(let records): self.onRestored(records, now, &outbox)
        case .secret(let job, let secret):
            self.withWork(job, now, &outbox) { $0.onSecret(secret, into: &$1) }
        case .fetched(let blob): self.onFetched(blob, &outbox)
        case .fetchFailed(let blob, let text): self.onFetchFailed(blob, text, now, &outbox)
        case .executed(let job, let execution): self.onExecuted(job, execution, now, &outbox)
        case .executionFailed(let job, let code, let text):
            let retryMs = self.config.retryMs
            self.withWork(job, now, &outbox) { work, outbox in
                work.onFailure(code: code, text: text, now, retryMs, into: &outbox)
            }
            self.commitments.update(of: job) { $0.onKeepFailed() }
            self.startWaiting(into: &outbox)
        case .kept(let job):
            self.withWork(job, now, &outbox) { $0.onKept(into: &$1) }
            self.commitments.update(of: job) { $0.onKept(into: &outbox) }
        case .refereed(let run, let results): self.onRefereed(run, results, now, &outbox)
        case .refereeFailed(let run, let text, let isFinal):
            self.onRefereeFailed(run, text, isFinal: isFinal, now, &outbox)
        case .proof(let run, let leaf, let witness, let sliceRoot):
            self.onProof(run, leaf, witness, sliceRoot, &outbox)
        case .auditReveal(let job, let auditor, let reveal):
            self.onReveal(job, auditor, reveal, now, &outbox)
        case .transcriptSigned(let job, let auditor, let digest, let signature):
            self.onSigned(job, auditor, digest, signature, now, &outbox)
        case .slice(let job, let leaf, let bytes):
            self.withReply(job, &outbox) { $0.onSlice(leaf, bytes, into: &$1) }
        case .sliceFailed(let job, let leaf, let text):
            self.onSliceFailed(job, leaf, text, now, &outbox)
        case .intended(let job, let kind, let refusal):
            self.onIntended(job, kind, refusal, now, &outbox)
        case .received(let message, let node, let acting, let account):
            self.onMessage(message, from: node, acting: acting, to: account, now, &outbox)
        case .unreachable(let account): self.questions.onUnreachable(account, &outbox)
        case .standing(let job, let standing): self.onStanding(job, standing, now, &outbox)
        case .openingWanted(let about, let leaf, let token):
            self.onOpeningWanted(about, leaf, token, now, &outbox)
        case .outputWanted(let about, let token):
            self.onOutputWanted(about, token, now, &outbox)
        case .market(let wanted, let account, let standing):
            self.onMarket(wanted, account, standing, &outbox)
        case .expired(let timer): self.onExpired(timer, now, &outbox)
        }
        precondition(
            self.works.filter(\.isRunning).count <= self.config.concurrentJobs,
            "no more jobs run than the node allows")
    }

    /// What is going on, for people: the job and its phase in words.
    package var progress: [(job: JobID, phase: String)] {
        let works = self.works.map { work in
            let isMissing = work.isWaiting && self.fetches.isMissing(work.job)
            return (work.job, isMissing ? "fetching inputs" : work.phaseName)
        }
        let inspections = self.inspections.map { inspection in
            let isMissing = inspection.isPreparing && self.fetches.isMissing(inspection.duty.job)
            return (
                inspection.duty.job, isMissing ? "audit: fetching inputs" : inspection.phaseName
            )
        }
        return works + inspections
    }

    private mutating func onRestored(
        _ records: [JobRecord], _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        for record in records { self.records[record.job] = record }
        // Duties that found no record find one now.
        for index in self.replies.indices { self.replies[index].renew() }
        self.answerSummons(now, &outbox)
        self.startReplies(now, &outbox)
    }

    private mutating func onIntended(
        _ job: JobID, _ kind: Intent.Kind, _ refusal: String?, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        // Accepted is not final: while the duty stays, it is said again.
        let wait = refusal == nil ? self.config.resendMs : self.config.retryMs
        let at = now.adding(ms: wait)
        if let refusal { outbox.append(.report(.refused(job, kind, refusal))) }
        switch kind {
        case .commit: outbox.append(.schedule(.retryWork(job), at: at))
        case .audit, .summon, .prove, .decline:
            let sayers = self.inspections.indices.filter {
                self.inspections[$0].duty.job == job && self.inspections[$0].isSaying(kind)
            }
            for index in sayers {
                self.inspections[index].onIntended()
                let auditor = self.inspections[index].duty.auditor
                outbox.append(.schedule(.retryInspection(job, auditor: auditor), at: at))
            }
            if kind == .prove, sayers.isEmpty {
                self.onSecondIntended(job, refusal, at: at, &outbox)
            }
        case .open: outbox.append(.schedule(.retryOpen(job), at: at))
        case .answer: outbox.append(.schedule(.retryAnswer(job), at: at))
        case .withdraw: outbox.append(.schedule(.retryWithdrawal, at: at))
        case .offer:
            if refusal != nil {
                self.offerAsked = false
            } else {
                // It may expire in the pool; by then it can stand no more, and is said anew.
                let late = now.adding(ms: Self.offerPatienceMs)
                outbox.append(.schedule(.retryOffer, at: late))
            }
        }
    }

    private mutating func onExpired(
        _ timer: Timer, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        switch timer {
        case .retryWork(let job): self.retryWork(job, now, &outbox)
        case .retryInspection(let job, let auditor):
            self.retryInspection(job, auditor, &outbox)
        case .retryProof(let job, let attempt): self.retryProof(job, attempt, &outbox)
        case .retryOpen(let job):
            self.commitments.update(of: job) { $0.intend(into: &outbox) }
        case .retryAnswer(let job): self.retryReply(job, now, &outbox)
        case .retryFetch(let blob): self.fetches.retry(blob, into: &outbox)
        case .askAgain(let job, let auditor):
            let askMs = self.config.askMs
            self.withInspection(job, auditor) { $0.ask(now, askMs, into: &outbox) }
        case .watch(let job, let auditor, let index):
            self.watch(job, auditor, index, now, &outbox)
        case .decline(let job, let auditor, let index):
            self.onLate(job, auditor, index, now, &outbox)
        case .retryOffer: self.offerAsked = false
        case .retryWithdrawal: self.withdrawn = []
        case .question(let token): self.questions.onExpired(token, now, &outbox)
        }
    }

    /// The first job of a kernel need not wait for a compiler.
    private static func onPublished(_ bytes: [UInt8], _ outbox: inout Outbox<Effect>) {
        do throws(DecodeError) {
            outbox.append(.prepare(try KernelPackage(canonical: bytes)))
        } catch {
            return  // The ledger takes no such kernel.
        }
    }

    // MARK: The market

    /// Longer than a transaction of this node is valid: two offers never stand at once.
    static let offerPatienceMs: UInt64 = 120_000

    private mutating func onMarket(
        _ wanted: OfferTerms?, _ account: AccountID, _ standing: [OfferID],
        _ outbox: inout Outbox<Effect>
    ) {
        if !standing.isEmpty || wanted == nil { self.offerAsked = false }
        guard let wanted else { return self.withdraw(standing, account, &outbox) }
        self.withdrawn = []
        guard standing.isEmpty, !self.offerAsked else { return }
        self.offerAsked = true
        outbox.append(.intend(.zero, .offer(wanted), account: account))
    }

    /// Takes back every offer that stands; each is said once until the pause is over.
    private mutating func withdraw(
        _ standing: [OfferID], _ account: AccountID, _ outbox: inout Outbox<Effect>
    ) {
        self.withdrawn.removeAll { !standing.contains($0) }
        for offer in standing where !self.withdrawn.contains(offer) {
            self.withdrawn.append(offer)
            outbox.append(.intend(.zero, .withdraw(offer), account: account))
        }
    }
}
