import Consensus
import Primitives
import Testing

private let genesis = block("genesis")
private let start = Instant(ns: 1_000)

/// One node and what it says it wants done.
private struct Script {
    var core: Simplex
    var now = start

    init(_ epochs: Epochs, me: UInt32) {
        self.core = Simplex(epochs: epochs, me: me, genesis: genesis)
    }

    mutating func give(_ input: Simplex.Input) -> [Simplex.Effect] {
        var outbox = Outbox<Simplex.Effect>()
        self.core.handle(input, now: self.now, into: &outbox)
        return outbox.drain()
    }

    /// Answers `persist` and `sign` until nothing is left of them; gives all other effects.
    mutating func run(_ input: Simplex.Input) -> [Simplex.Effect] {
        var rest: [Simplex.Effect] = []
        var inputs = [input]
        while !inputs.isEmpty {
            for effect in self.give(inputs.removeFirst()) {
                switch effect {
                case .persist(let record): inputs.append(.persisted(record))
                case .sign(let statement): inputs.append(.signed(statement, .blank))
                default: rest.append(effect)
                }
            }
        }
        return rest
    }
}

private func persisted(_ effects: [Simplex.Effect]) -> VoteRecord? {
    effects.compactMap { if case .persist(let record) = $0 { record } else { nil } }.last
}

private func signs(_ effects: [Simplex.Effect]) -> [Statement] {
    effects.compactMap { if case .sign(let statement) = $0 { statement } else { nil } }
}

private func vote(_ kind: VoteKind, _ view: UInt64, _ block: BlockID = .zero) -> Vote {
    Vote(kind, epoch: 0, view: view, block: block)
}

/// Exact effects.
@Suite struct ScriptTests {
    let keys = committee([1]).keys
    let epochs = committee([1]).epochs
    let four = committee([1, 1, 1, 1]).epochs

    private func certificate(_ vote: Vote, _ signers: [UInt32] = [0, 1, 2]) -> Certificate {
        Certificate(
            vote, signers: self.four.set.bitmap(signers),
            signatures: signers.map { _ in .blank })
    }

    /// One validator: final without waiting for any timer.
    @Test func oneValidatorFinalizesAlone() throws {
        var script = Script(self.epochs, me: 0)
        let a = block("a")
        #expect(
            script.give(.start(nil, Voter.Tip(genesis: genesis))) == [.enteredView(1, leader: 0)])
        let build = Simplex.Build(
            epoch: 0, view: 1, parent: genesis, parentView: 0, nullified: 0, isForced: false)
        #expect(
            script.give(.workPending(true)) == [
                .build(build),
                .schedule(.view(1, attempt: 0), at: start.adding(ms: 1000)),
            ])
        let built = script.give(.built(view: 1, a))
        let record = try #require(persisted(built))
        #expect(built == [.persist(record)], "nothing is signed before the disk has it")

        let proposal = Proposal(epoch: 0, view: 1, block: a, parentView: 0, parent: genesis)
        let notarize = Statement.vote(vote(.notarize, 1, a))
        #expect(
            script.give(.persisted(record)) == [.sign(.proposal(proposal)), .sign(notarize)])
        let key = self.keys[0]
        let proposed = key.sign(proposal.digest(.none))
        let signed = SignedProposal(proposal, signer: 0, signature: proposed)
        #expect(
            script.give(.signed(.proposal(proposal), proposed)) == [.broadcast(.proposal(signed))])
        let notarized = key.sign(notarize.digest(.none))
        let notarization = Certificate(
            vote(.notarize, 1, a), signers: [1], signatures: [notarized])
        #expect(
            script.give(.signed(notarize, notarized)) == [
                .broadcast(
                    .vote(SignedVote(vote(.notarize, 1, a), signer: 0, signature: notarized))),
                .broadcast(.certificate(notarization)),
                .certify(view: 1, a),
            ])
        try notarization.verify(self.epochs)

        let certified = script.give(.certified(a, true))
        let second = try #require(persisted(certified))
        #expect(
            certified == [
                .persist(second), .enteredView(2, leader: 0),
                .build(
                    Simplex.Build(
                        epoch: 0, view: 2, parent: a, parentView: 1, nullified: 0,
                        isForced: false)),
                .schedule(.view(2, attempt: 0), at: start.adding(ms: 1000)),
            ])
        let finalize = Statement.vote(vote(.finalize, 1, a))
        #expect(script.give(.persisted(second)) == [.sign(finalize)])
        let signature = key.sign(finalize.digest(.none))
        let finalization = Certificate(
            vote(.finalize, 1, a), signers: [1], signatures: [signature])
        #expect(
            script.give(.signed(finalize, signature)) == [
                .broadcast(
                    .vote(SignedVote(vote(.finalize, 1, a), signer: 0, signature: signature))),
                .broadcast(.certificate(finalization)),
                .finalized(a, finalization),
            ])
        #expect(script.core.voter.tip.block == a)
        #expect(script.give(.workPending(false)) == [])
        #expect(script.give(.built(view: 2, nil)) == [])
        #expect(script.give(.expired(.view(2, attempt: 0))) == [], "nothing to do, nothing to skip")
    }

    @Test func heartbeatForcesAnEmptyBlock() {
        var script = Script(self.epochs, me: 0)
        _ = script.run(.start(nil, Voter.Tip(genesis: genesis)))
        let effects = script.run(.heartbeat)
        let build = Simplex.Build(
            epoch: 0, view: 1, parent: genesis, parentView: 0, nullified: 0, isForced: true)
        #expect(effects.first == .build(build))
    }

    /// A crash after the record was written and before anything was sent: the same is said again,
    /// and counted again (attack 1).
    @Test func restartSaysTheSame() throws {
        var script = Script(self.epochs, me: 0)
        _ = script.run(.start(nil, Voter.Tip(genesis: genesis)))
        _ = script.run(.workPending(true))
        let record = try #require(persisted(script.give(.built(view: 1, block("a")))))

        let bytes = record.canonicalBytes
        var again = Script(self.epochs, me: 0)
        let started = again.run(
            .start(try VoteRecord(canonical: bytes), Voter.Tip(genesis: genesis)))
        #expect(started.contains(.certify(view: 1, block("a"))))
        #expect(
            !again.run(.workPending(true)).contains { if case .build = $0 { true } else { false } },
            "it proposed in this view already")
        let final = again.run(.certified(block("a"), true))
        #expect(
            final.contains { if case .finalized(block("a"), _) = $0 { true } else { false } })
    }

    /// The finalization itself survives in the record, for blocks not yet in a segment.
    @Test func recordCarriesTheTip() throws {
        var script = Script(self.epochs, me: 0)
        _ = script.run(.start(nil, Voter.Tip(genesis: genesis)))
        _ = script.run(.workPending(true))
        _ = script.run(.built(view: 1, block("a")))
        _ = script.run(.certified(block("a"), true))
        let record = try #require(persisted(script.give(.built(view: 2, block("b")))))
        #expect(record.floor == 1 && record.tip?.block == block("a"))

        var again = Script(self.epochs, me: 0)
        let started = again.run(.start(record, Voter.Tip(genesis: genesis)))
        #expect(started.contains(.certify(view: 1, block("a"))))
        let final = again.run(.certified(block("a"), true))
        #expect(
            final.contains { if case .finalized(block("a"), _) = $0 { true } else { false } })
    }

    /// Without its record, on a chain that has blocks, a validator says nothing (attack 70).
    @Test func lostRecordMeansSilence() {
        var script = Script(self.epochs, me: 0)
        let tip = Certificate(vote(.finalize, 4, block("d")), signers: [1], signatures: [.blank])
        _ = script.run(.start(nil, Voter.Tip(tip)))
        #expect(script.core.voter.isSilenced)
        let effects = script.run(.workPending(true)) + script.run(.expired(.view(5, attempt: 0)))
        #expect(!effects.contains { if case .build = $0 { true } else { false } })
        #expect(
            !effects.contains { if case .broadcast(.vote) = $0 { true } else { false } })
    }

    /// After a nullify the node certifies and never finalizes the view, however often it repeats
    /// itself and even after a restart (attack 3).
    @Test func neverFinalizesWhatItNullified() throws {
        let seat = (UInt32(0)..<4).first { $0 != self.four.leader(of: 1) }.proven("four seats")
        var script = Script(self.four, me: seat)
        _ = script.run(.start(nil, Voter.Tip(genesis: genesis)))
        _ = script.run(.workPending(true))
        let expired = script.give(.expired(.view(1, attempt: 0)))
        let record = try #require(persisted(expired))
        #expect(signs(expired) == [])
        #expect(signs(script.give(.persisted(record))) == [.vote(vote(.nullify, 1))])

        let a = block("a")
        let notarization = Message.certificate(self.certificate(vote(.notarize, 1, a)))
        #expect(
            script.run(.received(notarization, from: 1)).contains(.certify(view: 1, a)))
        let certified = script.give(.certified(a, true))
        #expect(persisted(certified) == nil && signs(certified) == [])
        #expect(script.core.voter.view == 2, "it goes on all the same")
        for attempt in UInt32(0)..<5 {
            let effects = script.run(.expired(.view(2, attempt: attempt)))
            #expect(
                !effects.contains {
                    if case .broadcast(.vote(let signed)) = $0 {
                        signed.vote.kind == .finalize
                    } else {
                        false
                    }
                })
        }

        var again = Script(self.four, me: seat)
        _ = again.run(.start(record, Voter.Tip(genesis: genesis)))
        _ = again.run(.received(notarization, from: 1))
        #expect(persisted(again.give(.certified(a, true))) == nil)
    }

    /// And the other way round: what was finalized is never nullified.
    @Test func neverNullifiesWhatItFinalized() throws {
        let seat = (UInt32(0)..<4).first { $0 != self.four.leader(of: 2) }.proven("four seats")
        var script = Script(self.four, me: seat)
        _ = script.run(.start(nil, Voter.Tip(genesis: genesis)))
        _ = script.run(.workPending(true))
        let a = block("a")
        _ = script.run(
            .received(.certificate(self.certificate(vote(.notarize, 1, a))), from: 1))
        let record = try #require(persisted(script.give(.certified(a, true))))
        var again = Script(self.four, me: seat)
        _ = again.run(.start(record, Voter.Tip(genesis: genesis)))
        _ = again.run(.workPending(true))
        #expect(again.core.voter.view == 1, "the certificate was lost, the vote was not")
        #expect(persisted(again.give(.expired(.view(1, attempt: 0)))) == nil)
    }

    /// The time-out doubles with each nullified view.
    @Test func timeoutsDouble() {
        var script = Script(self.four, me: 0)
        _ = script.run(.start(nil, Voter.Tip(genesis: genesis)))
        _ = script.run(.workPending(true))
        for view in UInt64(1)...8 {
            let effects = script.run(
                .received(.certificate(self.certificate(vote(.nullify, view))), from: 1))
            let doublings = min(view, 6)
            #expect(
                effects.contains(
                    .schedule(
                        .view(view + 1, attempt: 0), at: start.adding(ms: 1000 << doublings))))
        }
    }

    /// A proposal on a notarized parent over a nullified view waits for both certificates and asks
    /// for exactly those (attack 2).
    @Test func asksForTheMissingCertificates() {
        let me = (UInt32(0)..<4).first { $0 != self.four.leader(of: 3) }.proven("four seats")
        let leader = self.four.leader(of: 3)
        var script = Script(self.four, me: me)
        _ = script.run(.start(nil, Voter.Tip(genesis: genesis)))
        // It jumps to view 3 and knows nothing of views 1 and 2.
        _ = script.run(.received(.certificate(self.certificate(vote(.nullify, 2))), from: 1))
        let proposal = Proposal(
            epoch: 0, view: 3, block: block("c"), parentView: 1, parent: block("a"))
        let signed = SignedProposal(proposal, signer: leader, signature: .blank)
        let asked = script.run(.received(.proposal(signed), from: leader))
        #expect(asked.contains(.send(.want(epoch: 0, view: 1), to: leader)))
        #expect(!asked.contains(.send(.want(epoch: 0, view: 2), to: leader)))
        let certificate = self.certificate(vote(.notarize, 1, block("a")))
        #expect(
            script.run(.received(.certificate(certificate), from: leader))
                .contains(.certify(view: 1, block("a"))))
        #expect(script.run(.certified(block("a"), true)).contains(.verify(proposal)))
        #expect(
            script.run(.received(.want(epoch: 0, view: 1), from: 2))
                .contains(.send(.certificate(certificate), to: 2)))
    }

    /// A proposal that skips a view nobody is known to have nullified waits: that view may have a
    /// final block.
    @Test func neverSkipsAViewWithoutItsNullification() {
        let me = (UInt32(0)..<4).first { $0 != self.four.leader(of: 3) }.proven("four seats")
        let leader = self.four.leader(of: 3)
        var script = Script(self.four, me: me)
        _ = script.run(.start(nil, Voter.Tip(genesis: genesis)))
        let b = block("b")
        _ = script.run(.received(.certificate(self.certificate(vote(.notarize, 2, b))), from: 1))
        #expect(script.run(.certified(b, true)).contains(.enteredView(3, leader: leader)))
        let proposal = Proposal(
            epoch: 0, view: 3, block: block("c"), parentView: 0, parent: genesis)
        let signed = SignedProposal(proposal, signer: leader, signature: .blank)
        #expect(!script.run(.received(.proposal(signed), from: leader)).contains(.verify(proposal)))
        for view in [1, 2] as [UInt64] {
            let certificate = self.certificate(vote(.nullify, view))
            let effects = script.run(.received(.certificate(certificate), from: leader))
            #expect(effects.contains(.verify(proposal)) == (view == 2))
        }
    }

    /// A wrong block is nullified at once; a slow answer is no answer.
    @Test func wrongIsNullifiedAndLateIsPending() {
        let me = (UInt32(0)..<4).first { $0 != self.four.leader(of: 1) }.proven("four seats")
        let leader = self.four.leader(of: 1)
        let proposal = Proposal(
            epoch: 0, view: 1, block: block("x"), parentView: 0, parent: genesis)
        let signed = SignedProposal(proposal, signer: leader, signature: .blank)
        var script = Script(self.four, me: me)
        _ = script.run(.start(nil, Voter.Tip(genesis: genesis)))
        #expect(script.run(.received(.proposal(signed), from: leader)).contains(.verify(proposal)))
        let nullify = Message.vote(SignedVote(vote(.nullify, 1), signer: me, signature: .blank))
        #expect(
            script.run(.verified(block("x"), view: 2, true)) == [], "of another view's proposal")
        #expect(
            script.run(.verified(block("x"), view: 1, false)).contains(.broadcast(nullify)))

        var other = Script(self.four, me: me)
        _ = other.run(.start(nil, Voter.Tip(genesis: genesis)))
        let fake = SignedProposal(proposal, signer: me, signature: .blank)
        #expect(other.run(.received(.proposal(fake), from: me)) == [], "it does not lead this view")
    }
}
