package import Primitives

/// Consensus of one node: a ``Voter``, a ``Tally`` of everybody's votes, and a ``Resolver``.
///
/// Whoever drives it verifies signatures first (`check`, `checks`), keeps `persist`ed records
/// durable before saying `persisted`, and answers every `build`, `verify`, `certify` and `sign`
/// when it can: late is fine, "not yet" is simply no answer.
///
/// - Source: protocol/consensus.md.
package struct Simplex: Hashable, Sendable {
    /// What happens to a node.
    package enum Input: Hashable, Sendable {
        /// Once, first: the journal's last record (nil if there never was one) and the last block
        /// whose finalization is stored. A validator whose record is gone signs nothing.
        case start(VoteRecord?, Voter.Tip)
        /// Whether there is anything to put into a block.
        case workPending(Bool)
        /// A block is due even if it is empty.
        case heartbeat
        /// Answers `build`; nil if there is nothing to build.
        case built(view: UInt64, BlockID?)
        /// Answers `verify` of that view: header, parent and body are right.
        case verified(BlockID, view: UInt64, Bool)
        /// Answers `certify`: executed, roots equal, durable. False is for ever.
        case certified(BlockID, Bool)
        /// A peer's message; the signatures in it are verified.
        case received(Message, from: UInt32)
        /// Answers `persist`: the record is on the disk.
        case persisted(VoteRecord)
        /// Answers `sign`.
        case signed(Statement, Signature)
        /// A peer is there (again): it hears what this node said last.
        case greet(UInt32)
        /// A scheduled timer.
        case expired(Timer)
    }

    /// What a node shall do, in this order.
    package enum Effect: Hashable, Sendable {
        /// Build a block for the view.
        case build(Build)
        /// Check a leader's block; fetch it if it is not here.
        case verify(Proposal)
        /// Execute a block and make it durable; fetch it and its ancestors if they are not here.
        case certify(view: UInt64, BlockID)
        /// Write the record, and before it the bytes of any block that it names.
        case persist(VoteRecord)
        /// Sign with the node key.
        case sign(Statement)
        /// Send to all other validators. One's own votes are counted already.
        case broadcast(Message)
        /// Send to one validator.
        case send(Message, to: UInt32)
        /// Give `expired` back at that time.
        case schedule(Timer, at: Instant)
        /// The block is final, and with it all its ancestors.
        case finalized(BlockID, Certificate)
        /// For whoever watches.
        case enteredView(UInt64, leader: UInt32)
        /// A validator contradicted itself.
        case evidence(Evidence)
        /// A quorum finalized a block that is wrong here: this node is broken, or two thirds are.
        case diverged(view: UInt64, BlockID)
    }

    /// What a leader shall build.
    package struct Build: Hashable, Sendable {
        /// The epoch.
        package let epoch: UInt64
        /// The view it leads.
        package let view: UInt64
        /// The block to build on.
        package let parent: BlockID
        /// The view in which that was notarized.
        package let parentView: UInt64
        /// Consecutive nullified views: weight limits halve with each.
        package let nullified: UInt64
        /// True if an empty block is wanted rather than none.
        package let isForced: Bool

        /// An order.
        package init(
            epoch: UInt64, view: UInt64, parent: BlockID, parentView: UInt64, nullified: UInt64,
            isForced: Bool
        ) {
            self.epoch = epoch
            self.view = view
            self.parent = parent
            self.parentView = parentView
            self.nullified = nullified
            self.isForced = isForced
        }
    }

    /// A timer; a stale one does nothing.
    package enum Timer: Hashable, Sendable {
        /// The time-out of a view.
        case view(UInt64, attempt: UInt32)
        /// Missing certificates are asked for again.
        case resolve(UInt64)
    }

    /// This validator.
    package private(set) var voter: Voter
    private var tally: Tally
    private var resolver: Resolver

    /// Consensus for the seat `me`, or for a node without a seat.
    package init(
        epochs: Epochs, me: UInt32?, genesis: BlockID, config: Voter.Config = Voter.Config()
    ) {
        self.voter = Voter(config: config, epochs: epochs, me: me, genesis: genesis)
        self.tally = Tally(epochs, viewsAhead: config.viewsAhead)
        self.resolver = Resolver(
            seats: UInt32(epochs.set.members.count), me: me,
            intervalMs: max(1, config.timeoutMs / 2))
    }

    /// True if the vote could matter: ask before verifying its signature.
    package func wants(_ vote: SignedVote) -> Bool {
        self.tally.wants(vote, at: self.voter.view) && !self.tally.has(vote)
    }

    /// Blocks that this node was asked to certify and did not yet.
    package var awaited: [BlockID] { self.voter.awaited }

    /// True if the certificate is news: ask before verifying its signatures.
    package func wants(_ certificate: Certificate) -> Bool { self.voter.wants(certificate) }

    /// True if the proposal could matter: ask before verifying its signature.
    package func wants(_ signed: SignedProposal) -> Bool {
        let view = signed.proposal.view
        return view > self.voter.tip.view
            && (view <= self.voter.view
                || view - self.voter.view <= self.voter.config.viewsAhead)
            && self.tally.proposal(view) != signed
    }

    /// Takes one input and says what to do.
    package mutating func handle(
        _ input: Input, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        var effects = Outbox<Effect>()
        switch input {
        case .start(let record, let tip): self.voter.start(record, tip, now, &effects)
        case .workPending(let pending): self.voter.onWork(pending, now, &effects)
        case .heartbeat: self.voter.onHeartbeat(now, &effects)
        case .built(let view, let block): self.voter.onBuilt(view, block, now, &effects)
        case .verified(let block, let view, let isRight):
            self.voter.onVerified(block, view, isRight, now, &effects)
        case .certified(let block, let isRight):
            self.voter.onCertified(block, isRight, now, &effects)
        case .received(let message, let peer): self.onReceived(message, peer, now, &effects)
        case .persisted(let record): self.voter.onPersisted(record, now, &effects)
        case .signed(let statement, let signature):
            self.voter.onSigned(statement, signature, &effects)
        case .greet(let peer):
            for message in self.voter.greeting { effects.append(.send(message, to: peer)) }
        case .expired(.view(let view, let attempt)):
            self.voter.onExpired(view, attempt, now, &effects)
        case .expired(.resolve(let round)):
            self.resolver.onExpired(
                round, epoch: self.voter.epochs.current, hint: self.hint, now, &effects)
        }
        self.forward(&effects, now, into: &outbox)
        self.resolver.update(
            self.voter.missing, epoch: self.voter.epochs.current, hint: self.hint, now, &outbox)
    }

    /// The leader of the view stands on the missing certificates, so it has them.
    private var hint: UInt32 { self.voter.epochs.leader(of: self.voter.view) }

    private mutating func onReceived(
        _ message: Message, _ peer: UInt32, _ now: Instant, _ effects: inout Outbox<Effect>
    ) {
        switch message {
        case .proposal(let proposal):
            let outcomes = self.tally.add(proposal, at: self.voter.view)
            self.act(on: outcomes, now, &effects)
            self.voter.onProposal(proposal, now, &effects)
        case .vote(let vote):
            self.act(on: self.tally.add(vote, at: self.voter.view), now, &effects)
        case .certificate(let certificate):
            self.tally.settle(certificate, at: self.voter.view)
            self.voter.onCertificate(certificate, now, &effects)
        case .want(let epoch, let view):
            guard epoch == self.voter.epochs.current else { return }
            for answer in self.voter.answer(view) { effects.append(.send(answer, to: peer)) }
        }
    }

    private mutating func act(
        on outcomes: [Tally.Outcome], _ now: Instant, _ effects: inout Outbox<Effect>
    ) {
        for outcome in outcomes {
            switch outcome {
            case .certificate(let certificate):
                effects.append(.broadcast(.certificate(certificate)))
                self.voter.onCertificate(certificate, now, &effects)
            case .evidence(let evidence): effects.append(.evidence(evidence))
            }
        }
    }

    /// Passes effects on in order; one's own votes are counted on the way.
    private mutating func forward(
        _ effects: inout Outbox<Effect>, _ now: Instant, into outbox: inout Outbox<Effect>
    ) {
        while !effects.isEmpty {
            var next = Outbox<Effect>()
            for effect in effects.drain() {
                outbox.append(effect)
                switch effect {
                case .broadcast(.vote(let vote)):
                    self.act(on: self.tally.add(vote, at: self.voter.view), now, &next)
                case .finalized(_, let certificate): self.tally.prune(through: certificate.view)
                case .build, .verify, .certify, .persist, .sign, .broadcast, .send, .schedule,
                    .enteredView, .evidence, .diverged:
                    break
                }
            }
            effects = next
        }
    }
}
