import Primitives

/// One validator's part in Simplex; holds nobody else's votes.
///
/// - Bounds: `VoteRecord.slotsMax` views without a final block; proposals
///   `Config.viewsAhead` ahead.
/// - Invariant: what is signed lies in the durable record; a view is never both nullified and
///   finalized; nothing contradicts what was said before, across crashes.
/// - Source: protocol/consensus.md, "The voter".
///
/// Deviation: a block is certified (executed, durable) between notarization and the finalize vote,
/// and after a nullify a node still certifies. The view timer runs only while there is something
/// to do.
package struct Voter: Hashable, Sendable {
    typealias Out = Outbox<Simplex.Effect>

    let config: Config
    let epochs: Epochs
    /// This node's seat; nil for one that only watches.
    let me: UInt32?

    /// What was said or is about to be; ``durable`` follows once the disk has it.
    private(set) var record: VoteRecord
    private var durable: VoteRecord
    private var asked: [Statement] = []
    private var own: [Message] = []

    /// The view this node is in; 0 before the start.
    package private(set) var view: UInt64 = 0
    /// The last final block.
    package private(set) var tip: Tip
    var rounds = Rounds()

    private var hasStarted = false
    private var hasWork = false
    private var heartbeatIsDue = false
    private var mustBuild = false
    private var isBuilding = false
    private var isArmed = false
    private var attempts: UInt32 = 0

    /// A voter that has not started.
    init(config: Config, epochs: Epochs, me: UInt32?, genesis: BlockID) {
        self.config = config
        self.epochs = epochs
        self.me = me
        self.tip = Tip(genesis: genesis)
        self.record = VoteRecord(epoch: epochs.current)
        self.durable = self.record
    }

    /// True if this validator lost its record and signs nothing in this epoch.
    package var isSilenced: Bool { self.record.floor == .max }

    /// True if this node leads its view.
    package var isLeader: Bool { self.me != nil && self.epochs.leader(of: self.view) == self.me }

    // MARK: Inputs

    /// Starts from the durable record and the last stored block.
    mutating func start(_ restored: VoteRecord?, _ tip: Tip, _ now: Instant, _ out: inout Out) {
        guard !self.hasStarted else { return }
        self.hasStarted = true
        self.tip = tip
        let fresh =
            tip.view == 0
            ? VoteRecord(epoch: self.epochs.current) : .silenced(epoch: self.epochs.current)
        self.record = restored ?? fresh
        self.durable = self.record
        if let settled = self.record.tip, settled.view > tip.view {
            self.rounds[settled.view].take(settled)
        }
        if let certificate = tip.certificate, !self.isSilenced { self.record.settle(certificate) }
        self.signDurable(&out)
        self.settle(now, &out)
    }

    mutating func onWork(_ pending: Bool, _ now: Instant, _ out: inout Out) {
        self.hasWork = pending
        self.mustBuild = pending || self.heartbeatIsDue
        self.settle(now, &out)
    }

    mutating func onHeartbeat(_ now: Instant, _ out: inout Out) {
        self.heartbeatIsDue = true
        self.mustBuild = true
        self.settle(now, &out)
    }

    mutating func onProposal(_ signed: SignedProposal, _ now: Instant, _ out: inout Out) {
        let proposal = signed.proposal
        guard proposal.epoch == self.epochs.current, proposal.isWellFormed,
            proposal.view >= self.view, proposal.view - self.view <= self.config.viewsAhead,
            self.epochs.leader(of: proposal.view) == signed.signer, signed.signer != self.me,
            self.rounds[proposal.view].proposal == nil
        else { return }
        self.rounds[proposal.view].proposal = proposal
        self.settle(now, &out)
    }

    /// The block built for a view; nil if there was nothing to put into it.
    mutating func onBuilt(_ view: UInt64, _ block: BlockID?, _ now: Instant, _ out: inout Out) {
        guard view == self.view, self.isBuilding else { return }
        self.isBuilding = false
        if let block, case .ready(let parent, let parentView) = self.parent() {
            let proposal = Proposal(
                epoch: self.epochs.current, view: view, block: block, parentView: parentView,
                parent: parent)
            self.rounds[view].proposal = proposal
            self.rounds[view].verified = .yes
            self.intend([.proposal(proposal), self.vote(.notarize, view, block)], &out)
        }
        self.settle(now, &out)
    }

    /// A verdict counts for the proposal it was asked about: a liar may propose a block again on
    /// another parent, and an old "yes" must not speak for that.
    mutating func onVerified(
        _ block: BlockID, _ view: UInt64, _ isRight: Bool, _ now: Instant, _ out: inout Out
    ) {
        let round = self.rounds[self.view]
        guard view == self.view, round.verified == .asked, round.proposal?.block == block else {
            return
        }
        self.rounds[self.view].verified = isRight ? .yes : .no
        let vote =
            isRight
            ? self.vote(.notarize, self.view, block) : self.vote(.nullify, self.view, .zero)
        self.intend([vote], &out)
        self.settle(now, &out)
    }

    mutating func onCertified(_ block: BlockID, _ isRight: Bool, _ now: Instant, _ out: inout Out) {
        for round in self.rounds.all where round.block == block && round.certified == .asked {
            self.rounds[round.view].certified = isRight ? .yes : .no
            guard round.finalization == nil else {
                if !isRight { out.append(.diverged(view: round.view, block)) }
                continue
            }
            // A view nullified before stays so: the record refuses the finalize.
            let vote =
                isRight
                ? self.vote(.finalize, round.view, block)
                : self.vote(.nullify, round.view, .zero)
            self.intend([vote], &out)
        }
        self.settle(now, &out)
    }

    mutating func onCertificate(_ certificate: Certificate, _ now: Instant, _ out: inout Out) {
        guard certificate.epoch == self.epochs.current, certificate.view > self.tip.view,
            certificate.view < .max
        else { return }
        self.rounds[certificate.view].take(certificate)
        self.settle(now, &out)
    }

    mutating func onPersisted(_ record: VoteRecord, _ now: Instant, _ out: inout Out) {
        guard record.sequence > self.durable.sequence else { return }
        self.durable = record
        self.signDurable(&out)
        self.settle(now, &out)
    }

    mutating func onSigned(_ statement: Statement, _ signature: Signature, _ out: inout Out) {
        guard let me, self.asked.contains(statement), statement.view > self.tip.view else { return }
        let message: Message =
            switch statement {
            case .proposal(let proposal):
                .proposal(SignedProposal(proposal, signer: me, signature: signature))
            case .vote(let vote): .vote(SignedVote(vote, signer: me, signature: signature))
            }
        guard !self.own.contains(message) else { return }
        self.own.append(message)
        out.append(.broadcast(message))
    }

    /// The view's time is up.
    mutating func onExpired(_ view: UInt64, _ attempt: UInt32, _ now: Instant, _ out: inout Out) {
        guard view == self.view, attempt == self.attempts, self.isArmed else { return }
        self.isArmed = false
        guard self.isActive else { return }
        self.attempts += 1
        let onlyUnsettled =
            !self.hasWork && !self.heartbeatIsDue && self.record.slot(view) == nil
            && self.rounds[view].proposal == nil
        if self.attempts == 1 && onlyUnsettled {
            // The block before lacks its finalization: the leader builds on it, empty if need be.
            self.mustBuild = true
        } else {
            self.intend([self.vote(.nullify, view, .zero)], &out)
        }
        self.repeatMyself(&out)
        self.settle(now, &out)
    }

    // MARK: Speaking

    private func vote(_ kind: VoteKind, _ view: UInt64, _ block: BlockID) -> Statement {
        .vote(Vote(kind, epoch: self.epochs.current, view: view, block: block))
    }

    /// Asks the disk to remember what is about to be said; the record refuses contradictions.
    private mutating func intend(_ statements: [Statement], _ out: inout Out) {
        guard self.me != nil, self.record.add(statements) else { return }
        out.append(.persist(self.record))
    }

    /// The only place that signs: whatever the durable record says and was not signed yet.
    private mutating func signDurable(_ out: inout Out) {
        guard self.me != nil else { return }
        let floor = max(self.durable.floor, self.record.floor, self.tip.view)
        for statement in self.durable.statements
        where statement.view > floor && !self.asked.contains(statement) {
            self.asked.append(statement)
            out.append(.sign(statement))
        }
    }

    /// Says everything again that a peer may have missed; one's own votes are counted again, too.
    private func repeatMyself(_ out: inout Out) {
        for message in self.greeting { out.append(.broadcast(message)) }
    }

    /// What a peer needs to stand where this node stands: certificates and one's own last words.
    var greeting: [Message] {
        var messages = self.tip.certificate.map { [Message.certificate($0)] } ?? []
        for round in self.rounds.all where round.view + 1 >= self.view {
            messages += round.certificates.map { .certificate($0) }
        }
        return messages + self.own.suffix(Self.ownMax)
    }

    /// Own messages said again at most.
    private static let ownMax = 64

    /// Blocks whose certification is asked for.
    var awaited: [BlockID] {
        self.rounds.all.filter { $0.certified == .asked }.compactMap(\.block)
    }

    /// True for a certificate that would change what this node knows.
    func wants(_ certificate: Certificate) -> Bool {
        guard certificate.epoch == self.epochs.current, certificate.view > self.tip.view else {
            return false
        }
        let round = self.rounds[certificate.view]
        return switch certificate.kind {
        case .notarize: round.notarization == nil
        case .nullify: round.nullification == nil
        case .finalize: round.finalization == nil
        }
    }

    /// What helps a peer that lacks the certificates of a view.
    func answer(_ view: UInt64) -> [Message] {
        if view <= self.tip.view { return self.tip.certificate.map { [.certificate($0)] } ?? [] }
        let votes = self.own.filter {
            if case .vote(let signed) = $0 { signed.vote.view == view } else { false }
        }
        return self.rounds[view].certificates.map { .certificate($0) } + votes
    }
}

// MARK: Progress

extension Voter {
    /// Draws all conclusions from what is known; does nothing when called again.
    private mutating func settle(_ now: Instant, _ out: inout Out) {
        guard self.hasStarted else { return }
        self.certify(&out)
        self.finalize(&out)
        self.advance(&out)
        self.verify(&out)
        self.propose(&out)
        self.arm(now, &out)
    }

    private mutating func certify(_ out: inout Out) {
        for round in self.rounds.all where round.certified == .unasked {
            guard let block = round.block else { continue }
            self.rounds[round.view].certified = .asked
            out.append(.certify(view: round.view, block))
        }
    }

    private mutating func finalize(_ out: inout Out) {
        let last = self.rounds.all.last { $0.finalization != nil && $0.certified == .yes }
        guard let certificate = last?.finalization else { return }
        self.tip = Tip(certificate)
        self.rounds.removeThrough(certificate.view)
        self.record.settle(certificate)
        self.asked.removeAll { $0.view <= certificate.view }
        self.own.removeAll { $0.view <= certificate.view }
        self.heartbeatIsDue = false
        self.mustBuild = self.hasWork
        out.append(.finalized(certificate.block, certificate))
    }

    private mutating func advance(_ out: inout Out) {
        let passed = self.rounds.all.last { $0.isPassed }?.view ?? self.tip.view
        guard passed >= self.view else { return }
        self.view = passed + 1
        self.attempts = 0
        self.isArmed = false
        self.isBuilding = false
        self.mustBuild = self.hasWork || self.heartbeatIsDue
        out.append(.enteredView(self.view, leader: self.epochs.leader(of: self.view)))
    }

    private mutating func verify(_ out: inout Out) {
        let round = self.rounds[self.view]
        guard round.verified == .unasked, let proposal = round.proposal else { return }
        switch self.standing(of: proposal) {
        case .ready:
            self.rounds[self.view].verified = .asked
            out.append(.verify(proposal))
        case .wrong:
            self.rounds[self.view].verified = .no
            self.intend([self.vote(.nullify, self.view, .zero)], &out)
        case .pending: break
        }
    }

    private mutating func propose(_ out: inout Out) {
        guard self.mustBuild, !self.isBuilding, self.isLeader,
            self.rounds[self.view].proposal == nil, self.record.floor < self.view,
            case .ready(let parent, let parentView) = self.parent()
        else { return }
        if let slot = self.record.slot(self.view), slot.proposal != nil || slot.nullified { return }
        self.isBuilding = true
        self.mustBuild = false
        // A certified block that missed its finalization settles only under another one: after a
        // nullified view an empty block is better than none, though its transactions still wait.
        let isUnsettled = parentView > self.tip.view && self.nullifiedRun > 0
        out.append(
            .build(
                Simplex.Build(
                    epoch: self.epochs.current, view: self.view, parent: parent,
                    parentView: parentView, nullified: self.nullifiedRun,
                    isForced: self.heartbeatIsDue || !self.hasWork || isUnsettled)))
    }

    /// Consecutive views before this one without a certified block.
    private var nullifiedRun: UInt64 {
        let last = self.rounds.all.last { $0.view < self.view && $0.certified == .yes }?.view
        return self.view - 1 - min(self.view - 1, last ?? self.tip.view)
    }

    /// True while there is something that a time-out could help with.
    private var isActive: Bool {
        self.hasWork || self.heartbeatIsDue || self.record.slot(self.view) != nil
            || self.rounds[self.view].proposal != nil
            || self.rounds.all.contains { $0.block != nil }
    }

    private mutating func arm(_ now: Instant, _ out: inout Out) {
        guard !self.isArmed, self.isActive else { return }
        self.isArmed = true
        let doublings = min(self.nullifiedRun, self.config.doublingsMax)
        let timer = Simplex.Timer.view(self.view, attempt: self.attempts)
        out.append(.schedule(timer, at: now.adding(ms: self.config.timeoutMs << doublings)))
    }
}
