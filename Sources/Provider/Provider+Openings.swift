import Primitives

// Who sees what of a job that is provided here: before the audit's end the drawn auditor and the
// drawn leaves, afterwards whoever asks. And what this node asks of other providers.

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

    /// Opens the drawn leaves to the drawn auditor; anybody else gets no answer.
    mutating func answer(
        _ request: Commitments.Request, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        let job = request.audit.job
        let (chain, record) = (self.config.chain, self.records[job])
        var trees = self.trees
        self.commitments.withStanding(request) { standing in
            if standing.answer == nil, let record,
                let tree = trees.tree(of: record, chain, forStranger: false, now),
                let openings = record.openings(of: standing.duty.leaves, tree)
            {
                standing.answer = .auditOpenings(
                    Message.AuditOpenings(
                        job: job, openings: openings, outputRoot: record.outputRoot,
                        outputSalt: record.outputSalt))
            }
            if let answer = standing.answer {
                let provider = standing.duty.provider
                outbox.append(.send(answer, from: provider, to: .node(request.node)))
            } else if !standing.isReported {
                standing.isReported = true
                outbox.append(.report(.cannotOpen(job, to: standing.duty.auditor)))
            }
        }
        self.trees = trees
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
        guard let opening = record.openings(of: [leaf], tree)?.first else {
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
        if let tree, let opening = record.openings(of: [leaf], tree)?.first {
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
