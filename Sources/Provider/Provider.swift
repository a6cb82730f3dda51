package import Kernels
package import Primitives

/// What a node does to earn and to check: match, run, commit, open, audit, dispute.
///
/// The ledger's duties arrive as complete lists, so a restart needs no memory but the job records:
/// whatever is still to do is in the next list. One phase machine per job provided (``Work``), one
/// per job audited (``Inspection``).
///
/// - Bounds: `Config.concurrentJobs` jobs run at once; the rest wait in the order of the list.
/// - Invariant: nothing is committed before its record is durable, and nothing is committed that
///   the
///   referee's self-check contradicts.
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

        /// Settings; the defaults are guesses that suit a desk machine.
        package init(
            chain: ChainSalt, concurrentJobs: Int = 1, selfCheckLeaves: UInt64 = 2,
            retryMs: UInt64 = 500, resendMs: UInt64 = 15_000
        ) {
            self.chain = chain
            self.concurrentJobs = max(1, concurrentJobs)
            self.selfCheckLeaves = selfCheckLeaves
            self.retryMs = retryMs
            self.resendMs = resendMs
        }
    }

    /// What happened.
    package enum Input: Sendable {
        /// Everything that the local accounts have to do now.
        case duties([Duty])
        /// Records kept before a restart.
        case restored([JobRecord])
        /// The secret from which the salts of a job's leaves come.
        case secret(JobID, Digest)
        /// A worker finished the job.
        case executed(JobID, Execution)
        /// It did not; `code` is stable, `text` is for people.
        case executionFailed(JobID, code: String, text: String)
        /// A record is on disk.
        case kept(JobID)
        /// The referee re-ran leaves, in the order asked.
        case refereed(RefereeRun, [LeafResult])
        /// It could not.
        case refereeFailed(RefereeRun, text: String)
        /// The ledger took an intent into its pool, or said why not.
        case intended(JobID, Intent.Kind, refusal: String?)
        /// A message from another account's provider or auditor.
        case received(Message, from: AccountID, to: AccountID)
        /// Somebody asks for one opening of a job provided here.
        case openingWanted(JobID, leaf: UInt64, token: UInt64)
        /// Somebody asks where the output of a job provided here is.
        case outputWanted(JobID, token: UInt64)
        /// The offers that this node wants and those that stand; the difference is posted.
        case market(wanted: OfferTerms?, account: AccountID, standing: [OfferID])
        case expired(Timer)
    }

    /// What is to be done.
    package enum Effect: Hashable, Sendable {
        /// Derive the job's secret from the node key.
        case derive(JobID)
        /// Run the job in a worker.
        case execute(JobID, package: KernelPackage, order: WorkOrder)
        /// Stop running it.
        case cancel(JobID)
        /// Re-run leaves on the referee, on another thread.
        case referee(RefereeRun, package: KernelPackage, order: WorkOrder, leaves: [UInt64])
        /// Write the record durably, then say `kept`.
        case keep(JobRecord)
        /// The job is over: its record may go.
        case forget(JobID)
        /// Say this on the ledger.
        case intend(JobID, Intent, account: AccountID)
        case send(Message, from: AccountID, to: AccountID)
        case opened(token: UInt64, JobID, Opening)
        case output(token: UInt64, JobRecord, outputRoot: Digest, outputSalt: Digest)
        /// Neither run here nor committed yet.
        case notHere(token: UInt64, JobID)
        case schedule(Timer, at: Instant)
        /// Something a person should know.
        case report(ProviderReport)
    }

    /// A timer is a value; one that no longer matters is ignored.
    package enum Timer: Hashable, Sendable {
        case retryWork(JobID)
        case retryInspection(JobID, auditor: AccountID)
    }

    private let config: Config
    private var generator: Generator
    /// In the order in which the duties came.
    private var works: [Work] = []
    private var inspections: [Inspection] = []
    private var records = Lookup<JobID, JobRecord>()
    private var offerAsked = false

    /// A provider whose random choices come from `seed`.
    package init(config: Config, seed: Digest) {
        self.config = config
        self.generator = Generator(seed: seed)
    }

    /// Takes one input and says what to do.
    package mutating func handle(
        _ input: Input, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        switch input {
        case .duties(let duties): self.onDuties(duties, into: &outbox)
        case .restored(let records):
            for record in records { self.records[record.job] = record }
        case .secret(let job, let secret):
            self.withWork(job, now, &outbox) { $0.onSecret(secret, into: &$1) }
        case .executed(let job, let execution): self.onExecuted(job, execution, now, &outbox)
        case .executionFailed(let job, let code, let text):
            let retryMs = self.config.retryMs
            self.withWork(job, now, &outbox) { work, outbox in
                work.onFailure(code: code, text: text, now, retryMs, into: &outbox)
            }
            self.startWaiting(into: &outbox)
        case .kept(let job): self.withWork(job, now, &outbox) { $0.onKept(into: &$1) }
        case .refereed(let run, let results): self.onRefereed(run, results, now, &outbox)
        case .refereeFailed(let run, let text): self.onRefereeFailed(run, text, now, &outbox)
        case .intended(let job, let kind, let refusal):
            self.onIntended(job, kind, refusal, now, &outbox)
        case .received(let message, let sender, let receiver):
            self.onMessage(message, from: sender, to: receiver, now, &outbox)
        case .openingWanted(let job, let leaf, let token):
            self.onOpeningWanted(job, leaf, token, &outbox)
        case .outputWanted(let job, let token): self.onOutputWanted(job, token, &outbox)
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
        self.works.map { ($0.job, $0.phaseName) }
            + self.inspections.map { ($0.duty.job, $0.phaseName) }
    }

    // MARK: Duties

    private mutating func onDuties(_ duties: [Duty], into outbox: inout Outbox<Effect>) {
        var works: [Work] = []
        var inspections: [Inspection] = []
        for duty in duties {
            switch duty {
            case .run(let run):
                works.append(
                    self.works.first { $0.job == run.job }
                        ?? Work(run: run, chain: self.config.chain))
            case .open(let open):
                // A commitment stands. The record opens it; the phase machine is over.
                if let work = self.works.first(where: { $0.job == open.job }), !work.isCommitted {
                    var done = work
                    done.onCommitted()
                    works.append(done)
                }
            case .audit(let audit):
                inspections.append(
                    self.inspections.first {
                        $0.duty.job == audit.job && $0.duty.auditor == audit.auditor
                    } ?? Inspection(duty: audit, chain: self.config.chain))
            }
        }
        for gone in self.works where gone.isRunning {
            if !works.contains(where: { $0.job == gone.job }) { outbox.append(.cancel(gone.job)) }
        }
        self.works = works
        self.inspections = inspections
        self.startWaiting(into: &outbox)
        for index in self.inspections.indices {
            self.inspections[index].start(salt: self.draw(), into: &outbox)
        }
    }

    private mutating func startWaiting(into outbox: inout Outbox<Effect>) {
        var running = self.works.filter(\.isRunning).count
        for index in self.works.indices where running < self.config.concurrentJobs {
            let record = self.records[self.works[index].job]
            if self.works[index].start(record: record, into: &outbox) { running += 1 }
        }
    }

    private mutating func draw() -> Digest {
        Digest(self.generator.bytes(Digest.count)).proven("32 bytes")
    }

    private mutating func withWork(
        _ job: JobID, _ now: Instant, _ outbox: inout Outbox<Effect>,
        _ body: (inout Work, inout Outbox<Effect>) -> Void
    ) {
        // A late answer for a job that is over is no news.
        guard let index = self.works.firstIndex(where: { $0.job == job }) else { return }
        body(&self.works[index], &outbox)
    }

    private mutating func onExecuted(
        _ job: JobID, _ execution: Execution, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        let leaves = UInt64(execution.sliceRoots.count)
        var sample: [UInt64] = []
        while sample.count < min(leaves, self.config.selfCheckLeaves) {
            let leaf = self.generator.below(leaves)
            if !sample.contains(leaf) { sample.append(leaf) }
        }
        self.withWork(job, now, &outbox) { $0.onExecuted(execution, check: sample, into: &$1) }
        self.startWaiting(into: &outbox)
    }

    private mutating func onRefereed(
        _ run: RefereeRun, _ results: [LeafResult], _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        switch run.purpose {
        case .selfCheck:
            var kept: JobRecord?
            self.withWork(run.job, now, &outbox) { work, outbox in
                kept = work.onSelfCheck(results, into: &outbox)
            }
            if let kept { self.records[run.job] = kept }
        case .audit(let auditor):
            self.withInspection(run.job, auditor) { $0.onRefereed(results, into: &outbox) }
        }
        self.startWaiting(into: &outbox)
    }

    private mutating func onRefereeFailed(
        _ run: RefereeRun, _ text: String, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        switch run.purpose {
        case .selfCheck:
            let retryMs = self.config.retryMs
            self.withWork(run.job, now, &outbox) { work, outbox in
                work.onFailure(code: "referee.failed", text: text, now, retryMs, into: &outbox)
            }
            self.startWaiting(into: &outbox)
        case .audit(let auditor):
            let at = now.adding(ms: self.config.retryMs)
            self.withInspection(run.job, auditor) { inspection in
                inspection.onFailure(text, into: &outbox)
                outbox.append(.schedule(.retryInspection(run.job, auditor: auditor), at: at))
            }
        }
    }

    private mutating func withInspection(
        _ job: JobID, _ auditor: AccountID, _ body: (inout Inspection) -> Void
    ) {
        guard
            let index = self.inspections.firstIndex(where: {
                $0.duty.job == job && $0.duty.auditor == auditor
            })
        else { return }
        body(&self.inspections[index])
    }

    private mutating func onIntended(
        _ job: JobID, _ kind: Intent.Kind, _ refusal: String?, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        // Accepted is not final: while the duty stays, it is said again.
        let wait = refusal == nil ? self.config.resendMs : self.config.retryMs
        let at = now.adding(ms: wait)
        switch kind {
        case .commit:
            if let refusal { outbox.append(.report(.refused(job, kind, refusal))) }
            outbox.append(.schedule(.retryWork(job), at: at))
        case .audit:
            if let refusal { outbox.append(.report(.refused(job, kind, refusal))) }
            for inspection in self.inspections where inspection.duty.job == job {
                let auditor = inspection.duty.auditor
                outbox.append(.schedule(.retryInspection(job, auditor: auditor), at: at))
            }
        case .offer:
            if let refusal {
                self.offerAsked = false
                outbox.append(.report(.refused(job, kind, refusal)))
            }
        }
    }

    private mutating func onExpired(
        _ timer: Timer, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        switch timer {
        case .retryWork(let job):
            self.withWork(job, now, &outbox) { $0.retry(into: &$1) }
            self.startWaiting(into: &outbox)
        case .retryInspection(let job, let auditor):
            let salt = self.draw()
            self.withInspection(job, auditor) { $0.retry(salt: salt, into: &outbox) }
        }
    }

    // MARK: Openings

    private mutating func onMessage(
        _ message: Message, from sender: AccountID, to receiver: AccountID, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        switch message {
        case .auditRequest(let request):
            guard let record = self.records[request.job], record.provider == receiver,
                let openings = record.openings(of: request.leaves, chain: self.config.chain)
            else {
                outbox.append(.report(.cannotOpen(request.job, to: sender)))
                return
            }
            let answer = Message.AuditOpenings(
                job: request.job, openings: openings,
                outputRoot: record.outputRoot, outputSalt: record.outputSalt)
            outbox.append(.send(.auditOpenings(answer), from: receiver, to: sender))
        case .auditOpenings(let answer):
            self.withInspection(answer.job, receiver) {
                $0.onOpenings(answer, from: sender, into: &outbox)
            }
        }
    }

    private func onOpeningWanted(
        _ job: JobID, _ leaf: UInt64, _ token: UInt64, _ outbox: inout Outbox<Effect>
    ) {
        guard let record = self.records[job],
            let opening = record.openings(of: [leaf], chain: self.config.chain)?.first
        else {
            outbox.append(.notHere(token: token, job))
            return
        }
        outbox.append(.opened(token: token, job, opening))
    }

    private func onOutputWanted(
        _ job: JobID, _ token: UInt64, _ outbox: inout Outbox<Effect>
    ) {
        guard let record = self.records[job] else {
            outbox.append(.notHere(token: token, job))
            return
        }
        outbox.append(
            .output(
                token: token, record, outputRoot: record.outputRoot,
                outputSalt: record.outputSalt))
    }

    // MARK: The market

    private mutating func onMarket(
        _ wanted: OfferTerms?, _ account: AccountID, _ standing: [OfferID],
        _ outbox: inout Outbox<Effect>
    ) {
        if !standing.isEmpty || wanted == nil { self.offerAsked = false }
        guard let wanted, standing.isEmpty, !self.offerAsked else { return }
        self.offerAsked = true
        outbox.append(.intend(.zero, .offer(wanted), account: account))
    }
}
