import Primitives

// From the ledger's duties to commitments and audit reports.

extension Provider {
    mutating func onDuties(
        _ duties: [Duty], _ now: Instant, into outbox: inout Outbox<Effect>
    ) {
        var works: [Work] = []
        var inspections: [Inspection] = []
        var opens: [Duty.Open] = []
        for duty in duties {
            switch duty {
            case .run(let run):
                works.append(
                    self.works.first { $0.job == run.job }
                        ?? Work(run: run, chain: self.config.chain))
            case .open(let open):
                opens.append(open)
                // A commitment stands. The record opens it; the phase machine is over.
                if let work = self.works.first(where: { $0.job == open.job }), !work.isCommitted {
                    var done = work
                    done.onCommitted()
                    works.append(done)
                }
            case .audit(let audit):
                inspections.append(
                    self.inspections.first {
                        $0.duty == audit  // Drawn again is another audit, of other leaves.
                    } ?? Inspection(duty: audit, chain: self.config.chain))
            }
        }
        for gone in self.works where gone.isRunning {
            if !works.contains(where: { $0.job == gone.job }) { outbox.append(.cancel(gone.job)) }
        }
        self.works = works
        self.inspections = inspections
        self.fetches.keep { job in
            works.contains { $0.job == job } || inspections.contains { $0.duty.job == job }
        }
        self.fetchInputs(into: &outbox)
        self.startWaiting(into: &outbox)
        for request in self.commitments.replace(opens) { self.answer(request, now, &outbox) }
    }

    /// Asks for the inputs of whatever waits to begin; then they are here before it runs.
    private mutating func fetchInputs(into outbox: inout Outbox<Effect>) {
        for work in self.works where work.isWaiting && self.records[work.job] == nil {
            self.fetches.need(work.inputs, for: work.job, into: &outbox)
        }
        for inspection in self.inspections where inspection.isIdle {
            self.fetches.need(inspection.inputs, for: inspection.duty.job, into: &outbox)
        }
    }

    /// Begins what has its inputs: jobs while there is a place, audits at once.
    mutating func startWaiting(into outbox: inout Outbox<Effect>) {
        var running = self.works.filter(\.isRunning).count
        for index in self.works.indices where running < self.config.concurrentJobs {
            let job = self.works[index].job
            let record = self.records[job]
            guard record != nil || !self.fetches.isMissing(job) else { continue }
            if self.works[index].start(record: record, into: &outbox) { running += 1 }
        }
        for index in self.inspections.indices where self.inspections[index].isIdle {
            guard !self.fetches.isMissing(self.inspections[index].duty.job) else { continue }
            self.inspections[index].start(salt: self.draw(), into: &outbox)
        }
    }

    private mutating func draw() -> Digest {
        Digest(self.generator.bytes(Digest.count)).proven("32 bytes")
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

    mutating func onExecuted(
        _ job: JobID, _ execution: Execution, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        let leaves = UInt64(execution.sliceRoots.count)
        var sample: [UInt64] = []
        while sample.count < min(leaves, self.config.selfCheckLeaves) {
            let leaf = self.generator.below(leaves)
            if !sample.contains(leaf) { sample.append(leaf) }
        }
        var kept: JobRecord?
        self.withWork(job, now, &outbox) { work, outbox in
            kept = work.onExecuted(execution, check: sample, into: &outbox)
        }
        if let kept { self.records[job] = kept }
        self.startWaiting(into: &outbox)
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
            if let kept { self.records[run.job] = kept }
        case .audit(let auditor):
            let askMs = self.config.askMs
            self.withInspection(run.job, auditor) {
                $0.onRefereed(results, now, askMs, into: &outbox)
            }
        }
        self.startWaiting(into: &outbox)
    }

    mutating func onRefereeFailed(
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

    mutating func retryInspection(
        _ job: JobID, _ auditor: AccountID, _ outbox: inout Outbox<Effect>
    ) {
        var isIdle = false
        self.withInspection(job, auditor) { isIdle = $0.retry(into: &outbox) }
        guard isIdle else { return }
        self.fetches.renew(job)
        self.fetchInputs(into: &outbox)
        self.startWaiting(into: &outbox)
    }
}
