import Kernels
import Primitives

// Who sees what of a job that is provided here: before the audit's end the drawn auditor and the
// leaves that its chain names, afterwards whoever asks. And what this node asks of other providers.

extension Provider {
    mutating func onMessage(
        _ message: Message, from node: PublicKey, acting: [AccountID], to account: AccountID,
        _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        switch message {
        case .auditRequest(let audit):
            let request = Commitments.Request(
                audit: audit, node: node, acting: acting, provider: account)
            if self.commitments.isStanding(audit.job) {
                self.answer(request, now, &outbox)
            } else if self.records[audit.job]?.provider == account {
                self.commitments.remember(request)
            }
        case .auditOpenings(let answer):
            for index in self.inspections.indices
            where self.inspections[index].duty.job == answer.job {
                self.inspections[index].onOpenings(answer, acting: acting, into: &outbox)
            }
        case .openingRequest(let request):
            let visitor = Visitors.Visitor(job: request.job, leaf: request.leaf, node: node)
            self.onVisitor(visitor, to: account, now, &outbox)
        case .outputRequest(let request):
            let visitor = Visitors.Visitor(job: request.job, leaf: nil, node: node)
            self.onVisitor(visitor, to: account, now, &outbox)
        case .openingAnswer(let answer):
            self.questions.onOpening(answer, acting: acting, &outbox)
        case .outputAnswer(let answer):
            self.questions.onOutput(answer, acting: acting, now, &outbox)
        case .declined(let answer): self.questions.onDeclined(answer, acting: acting, &outbox)
        }
    }

    // MARK: Auditors

    /// Opens the leaves of the sample to the drawn auditor; anybody else gets no answer.
    mutating func answer(
        _ request: Commitments.Request, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        let job = request.audit.job
        let (chain, record) = (self.config.chain, self.records[job])
        var trees = self.trees
        var memory: AuditMemory?
        self.commitments.update(of: job) { standing in
            guard standing.permits(request) else { return }
            let provider = standing.duty.provider
            memory = standing.onRequest(
                request, record,
                open: { Self.openings(of: $0, record, provider, chain, &trees, now) },
                into: &outbox)
        }
        self.trees = trees
        guard let memory, let record else { return }
        // On the disk before the answer: a restart must not answer another commitment.
        let kept = record.remembering(memory)
        self.records[job] = kept
        outbox.append(.keep(kept))
    }

    /// Opens on the ledger where an auditor summoned.
    mutating func answerSummons(_ now: Instant, _ outbox: inout Outbox<Effect>) {
        let (chain, records) = (self.config.chain, self.records)
        var trees = self.trees
        self.commitments.update { standing in
            let (record, provider) = (records[standing.duty.job], standing.duty.provider)
            standing.onSummons(
                record,
                open: { Self.openings(of: $0, record, provider, chain, &trees, now) },
                into: &outbox)
        }
        self.trees = trees
    }

    private static func openings(
        of leaves: [UInt64], _ record: JobRecord?, _ provider: AccountID, _ chain: ChainSalt,
        _ trees: inout LeafTrees, _ now: Instant
    ) -> LeafOpenings? {
        guard let record, record.provider == provider,
            let tree = trees.tree(of: record, chain, forStranger: false, now)
        else { return nil }
        return record.openings(of: leaves, tree)
    }

    // MARK: Challenges

    /// Reads the slices that challenges ask for.
    mutating func startReplies(_ now: Instant, _ outbox: inout Outbox<Effect>) {
        let chain = self.config.chain
        for index in self.replies.indices {
            let duty = self.replies[index].duty
            let record = self.records[duty.job]
            let mine = record?.provider == duty.provider ? record : nil
            self.replies[index].start(
                mine,
                open: { record in
                    self.trees.tree(of: record, chain, forStranger: false, now)
                        .flatMap { record.opening(of: duty.leaf, $0) }
                },
                into: &outbox)
        }
    }

    mutating func withReply(
        _ job: JobID, _ outbox: inout Outbox<Effect>,
        _ body: (inout Reply, inout Outbox<Effect>) -> Void
    ) {
        guard let index = self.replies.firstIndex(where: { $0.duty.job == job }) else { return }
        body(&self.replies[index], &outbox)
    }

    mutating func onSliceFailed(
        _ job: JobID, _ leaf: UInt64, _ text: String, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        let at = now.adding(ms: self.config.retryMs)
        self.withReply(job, &outbox) { reply, outbox in
            guard reply.onFailed(leaf, text, into: &outbox) else { return }
            outbox.append(.schedule(.retryAnswer(job), at: at))
        }
    }

    mutating func retryReply(_ job: JobID, _ now: Instant, _ outbox: inout Outbox<Effect>) {
        self.withReply(job, &outbox) { reply, outbox in _ = reply.retry(into: &outbox) }
        self.startReplies(now, &outbox)
    }

    // MARK: Strangers

    private mutating func onVisitor(
        _ visitor: Visitors.Visitor, to account: AccountID, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        let job = visitor.job
        guard let record = self.records[job], record.provider == account else {
            return self.decline(visitor, .notHere, from: account, &outbox)
        }
        if self.opened[job] != nil { return self.show(visitor, record, now, &outbox) }
        let isAudited =
            self.commitments.isStanding(job) || self.works.contains { $0.job == job }
        guard !isAudited, let isFirst = self.visitors.add(visitor) else {
            return self.decline(visitor, .notYet, from: account, &outbox)
        }
        if isFirst { outbox.append(.lookUp(job)) }
    }

    mutating func onStanding(
        _ job: JobID, _ standing: JobStanding, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        let visitors = self.visitors.leave(job)
        guard let record = self.records[job] else { return }
        if standing == .over { self.opened[job] = record.output }
        for visitor in visitors {
            switch standing {
            case .over: self.show(visitor, record, now, &outbox)
            case .open: self.decline(visitor, .notYet, from: record.provider, &outbox)
            case .unpaid, .unknown:
                self.decline(visitor, .notHere, from: record.provider, &outbox)
            }
        }
    }

    private mutating func show(
        _ visitor: Visitors.Visitor, _ record: JobRecord, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        guard let leaf = visitor.leaf else {
            let output = self.opened[record.job] ?? record.output
            outbox.append(
                .send(.outputAnswer(output), from: record.provider, to: .node(visitor.node)))
            return
        }
        let chain = self.config.chain
        guard let tree = self.trees.tree(of: record, chain, forStranger: true, now) else {
            return self.decline(visitor, .notYet, from: record.provider, &outbox)
        }
        guard let opening = record.opening(of: leaf, tree) else {
            return self.decline(visitor, .notHere, from: record.provider, &outbox)
        }
        let answer = Message.OpeningAnswer(job: record.job, opening: opening)
        outbox.append(
            .send(.openingAnswer(answer), from: record.provider, to: .node(visitor.node)))
    }

    private func decline(
        _ visitor: Visitors.Visitor, _ reason: Message.Declined.Reason, from account: AccountID,
        _ outbox: inout Outbox<Effect>
    ) {
        let answer = Message.Declined(job: visitor.job, leaf: visitor.leaf, reason: reason)
        outbox.append(.send(.declined(answer), from: account, to: .node(visitor.node)))
    }

    // MARK: Clients of this node

    mutating func onOpeningWanted(
        _ about: JobCommitment, _ leaf: UInt64, _ token: UInt64, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        guard let record = self.records[about.job] else {
            return self.questions.ask(about, leaf: leaf, token: token, now, &outbox)
        }
        let tree = self.trees.tree(of: record, self.config.chain, forStranger: false, now)
        if let tree, let opening = record.opening(of: leaf, tree) {
            outbox.append(.opened(token: token, about.job, opening))
        } else {
            let text = "job \(about.job.short) has no leaf \(leaf)"
            outbox.append(.notHere(token: token, about.job, text: text))
        }
    }

    mutating func onOutputWanted(
        _ about: JobCommitment, _ token: UInt64, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard let record = self.records[about.job] else {
            return self.questions.ask(about, leaf: nil, token: token, now, &outbox)
        }
        outbox.append(.output(token: token, self.opened[about.job] ?? record.output))
    }
}
