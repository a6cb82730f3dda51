import Primitives

// From the ledger's duties to commitments and audit reports.

extension Provider {
    mutating func onDuties(
        _ duties: [Duty], _ now: Instant, into outbox: inout Outbox<Effect>
    ) {
        var works: [Work] = []
        var inspections: [Inspection] = []
        var opens: [Duty.Open] = []
        var replies: [Reply] = []
        for duty in duties {
            switch duty {
            case .run(let run):
                // What an earlier attempt showed says nothing of this one.
                self.opened[run.job] = nil
                works.append(
                    self.works.first { $0.run == run }
                        ?? Work(run: run, chain: self.config.chain))
            case .open(let open):
                opens.append(open)
                self.opened[open.job] = nil
                // A commitment stands. The record opens it; the phase machine is over.
                if let work = self.works.first(where: { $0.job == open.job }), !work.isCommitted {
                    var done = work
                    done.onCommitted()
                    works.append(done)
                }
            case .audit(let audit):
                inspections.append(self.inspection(audit, now, into: &outbox))
            case .answer(let answer):
                replies.append(
                    self.replies.first { $0.duty == answer } ?? Reply(duty: answer))
            }
        }
        for gone in self.works where gone.isRunning {
            if !works.contains(where: { $0.run == gone.run }) { outbox.append(.cancel(gone.job)) }
        }
        self.works = works
        self.inspections = inspections
        self.replies = replies
        self.fetches.keep { job in
            works.contains { $0.job == job } || inspections.contains { $0.duty.job == job }
        }
        self.fetchInputs(into: &outbox)
        self.startWaiting(into: &outbox)
        for request in self.commitments.replace(opens, self.config.chain) {
            self.answer(request, now, &outbox)
        }
        self.answerSummons(now, &outbox)
        self.startReplies(now, &outbox)
        self.saySeconds(into: &outbox)
    }

    /// The machine of a draw, told how far the ledger is; drawn again is another audit.
    private func inspection(
        _ duty: Duty.Audit, _ now: Instant, into outbox: inout Outbox<Effect>
    ) -> Inspection {
        if var known = self.inspections.first(where: { $0.isSameDraw(duty) }) {
            known.update(duty, into: &outbox)
            return known
        }
        var inspection = Inspection(duty: duty, chain: self.config.chain)
        inspection.begin(into: &outbox)
        let (job, auditor, index) = (duty.job, duty.auditor, duty.auditIndex)
        outbox.append(
            .schedule(
                .watch(job, auditor: auditor, index: index),
                at: now.adding(ms: self.config.watchMs)))
        outbox.append(
            .schedule(
                .decline(job, auditor: auditor, index: index),
                at: now.adding(ms: duty.auditorMs / 2)))
        return inspection
    }

    /// The record of a run's own account; another's is of another attempt.
    private func record(of work: Work) -> JobRecord? {
        self.records[work.job].flatMap { $0.provider == work.run.provider ? $0 : nil }
    }

    /// Asks for the inputs of whatever waits to begin; then they are here before it runs.
    private mutating func fetchInputs(into outbox: inout Outbox<Effect>) {
        for work in self.works where work.isWaiting && self.record(of: work) == nil {
            self.fetches.need(work.inputs, for: work.job, into: &outbox)
        }
        for inspection in self.inspections
        where inspection.isPreparing || inspection.isGathering {
            self.fetches.need(inspection.inputs, for: inspection.duty.job, into: &outbox)
        }
    }

    /// Begins what has its inputs: jobs while there is a place, audits at once.
    mutating func startWaiting(into outbox: inout Outbox<Effect>) {
        var running = self.works.filter(\.isRunning).count
        for index in self.works.indices where running < self.config.concurrentJobs {
            let job = self.works[index].job
            let record = self.record(of: self.works[index])
            guard record != nil || !self.fetches.isMissing(job) else { continue }
            if self.works[index].start(record: record, into: &outbox) { running += 1 }
        }
        for index in self.inspections.indices where self.inspections[index].isPreparing {
            guard !self.fetches.isMissing(self.inspections[index].duty.job) else { continue }
            self.inspections[index].start(into: &outbox)
        }
    }

    // MARK: Inputs

    mutating func onFetched(_ blob: BlobID, _ outbox: inout Outbox<Effect>) {
        self.fetches.onFetched(blob)
        self.questions.onFetched(blob, &outbox)
        self.startWaiting(into: &outbox)
    }

    mutating func onFetchFailed(
        _ blob: BlobID, _ text: String, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        self.questions.onFetchFailed(blob, text, &outbox)
        guard self.fetches.onFailed(blob, text, into: &outbox) else { return }
        outbox.append(.schedule(.retryFetch(blob), at: now.adding(ms: self.config.fetchMs)))
    }

    // MARK: Steps

    mutating func withWork(
        _ job: JobID, _ now: Instant, _ outbox: inout Outbox<Effect>,
        _ body: (inout Work, inout Outbox<Effect>) -> Void
    ) {
        // A late answer for a job that is over is no news.
        guard let index = self.works.firstIndex(where: { $0.job == job }) else { return }
        body(&self.works[index], &outbox)
    }

    mutating func withInspection(
        _ job: JobID, _ auditor: AccountID, _ body: (inout Inspection) -> Void
    ) {
        guard
            let index = self.inspections.firstIndex(where: {
                $0.duty.job == job && $0.duty.auditor == auditor
            })
        else { return }
        body(&self.inspections[index])
    }

    private static let leavesPerSelfCheck: UInt64 = 128

    mutating func onExecuted(
        _ job: JobID, _ execution: Execution, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        let leaves = UInt64(execution.sliceRoots.count)
        var sample: [UInt64] = []
        // Small jobs get one: a precaution must not cost more than the audit.
        let wanted = min(self.config.selfCheckLeaves, max(1, leaves / Self.leavesPerSelfCheck))
        while sample.count < min(leaves, wanted) {
            let leaf = self.generator.below(leaves)
            if !sample.contains(leaf) { sample.append(leaf) }
        }
        var kept: JobRecord?
        self.withWork(job, now, &outbox) { work, outbox in
            kept = work.onExecuted(execution, check: sample, into: &outbox)
        }
        if let kept { self.keep(kept) }
        self.startWaiting(into: &outbox)
    }

    private mutating func keep(_ record: JobRecord) {
        self.records[record.job] = record
        self.opened[record.job] = nil
    }

    mutating func onRefereed(
        _ run: RefereeRun, _ results: [LeafResult], _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        switch run.purpose {
        case .selfCheck:
            var kept: JobRecord?
            self.withWork(run.job, now, &outbox) { work, outbox in
                kept = work.onSelfCheck(results, into: &outbox)
            }
            if let kept { self.keep(kept) }
        case .audit(let auditor):
            self.withInspection(run.job, auditor) { $0.onRefereed(results, into: &outbox) }
        // Proofs come with their witness.
        case .proof: break
        }
        self.startWaiting(into: &outbox)
    }

    mutating func onRefereeFailed(
        _ run: RefereeRun, _ text: String, isFinal: Bool, _ now: Instant,
        _ outbox: inout Outbox<Effect>
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
                guard inspection.onFailure(text, into: &outbox) else { return }
                outbox.append(.schedule(.retryInspection(run.job, auditor: auditor), at: at))
            }
        case .proof(let auditor):
            self.onProofFailed(run.job, auditor, text, isFinal: isFinal, now, &outbox)
        }
    }

    mutating func onReveal(
        _ job: JobID, _ auditor: AccountID, _ reveal: Digest?, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        let at = now.adding(ms: self.config.retryMs)
        self.withInspection(job, auditor) { inspection in
            guard inspection.onReveal(reveal, into: &outbox) else { return }
            outbox.append(.schedule(.retryInspection(job, auditor: auditor), at: at))
        }
        self.startWaiting(into: &outbox)
    }

    mutating func retryWork(_ job: JobID, _ now: Instant, _ outbox: inout Outbox<Effect>) {
        var isWaiting = false
        self.withWork(job, now, &outbox) { work, outbox in
            work.retry(into: &outbox)
            isWaiting = work.isWaiting
        }
        guard isWaiting else { return }
        // An input may be gone: what is here comes back at once.
        self.fetches.renew(job)
        self.fetchInputs(into: &outbox)
        self.startWaiting(into: &outbox)
    }

    /// The node signed: an answer of a provider, or a request of an auditor.
    mutating func onSigned(
        _ job: JobID, _ auditor: AccountID, _ digest: Digest, _ signature: Signature,
        _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        self.commitments.update(of: job) { standing in
            guard standing.duty.auditor == auditor else { return }
            standing.onSigned(digest, signature, into: &outbox)
        }
        let askMs = self.config.askMs
        self.withInspection(job, auditor) {
            $0.onSigned(digest, signature, now, askMs, into: &outbox)
        }
    }

    // MARK: Pauses

    mutating func retryInspection(
        _ job: JobID, _ auditor: AccountID, _ outbox: inout Outbox<Effect>
    ) {
        var isAnew = false
        self.withInspection(job, auditor) { isAnew = $0.retry(into: &outbox) }
        guard isAnew else { return }
        self.fetches.renew(job)
        self.fetchInputs(into: &outbox)
        self.startWaiting(into: &outbox)
    }

    /// Looks after an audit as long as it lasts.
    mutating func watch(
        _ job: JobID, _ auditor: AccountID, _ index: UInt64, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        let again = Timer.watch(job, auditor: auditor, index: index)
        let at = now.adding(ms: self.config.watchMs)
        self.withInspection(job, auditor) { inspection in
            guard inspection.duty.auditIndex == index else { return }
            inspection.watch(into: &outbox)
            outbox.append(.schedule(again, at: at))
        }
        self.startWaiting(into: &outbox)
    }

    /// An auditor that cannot re-run the job gives the draw back while another one has the time.
    mutating func onLate(
        _ job: JobID, _ auditor: AccountID, _ index: UInt64, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        let again = Timer.decline(job, auditor: auditor, index: index)
        let at = now.adding(ms: self.config.retryMs)
        let isMissing = self.fetches.isMissing(job)
        self.withInspection(job, auditor) { inspection in
            guard inspection.duty.auditIndex == index,
                inspection.onLate(isMissing: isMissing, into: &outbox)
            else { return }
            outbox.append(.schedule(again, at: at))
        }
    }
}
