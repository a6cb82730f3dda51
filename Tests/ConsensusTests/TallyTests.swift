import Consensus
import Primitives
import Testing

private func vote(_ kind: VoteKind, _ view: UInt64, _ block: BlockID = .zero) -> Vote {
    Vote(kind, epoch: 0, view: view, block: block)
}

@Suite struct TallyTests {
    private func signed(_ vote: Vote, _ signer: UInt32, _ keys: [SecretKey]) -> SignedVote {
        SignedVote(
            vote, signer: signer, signature: keys[Int(signer)].sign(vote.digest(.none)))
    }

    @Test func twoThirdsIsNotEnough() {
        for (weights, quorum) in [
            ([1], 1), ([1, 1], 2), ([1, 1, 1], 3), ([1, 1, 1, 1], 3),
            ([UInt64.max, UInt64.max, UInt64.max], 3),
        ] as [([UInt64], Int)] {
            let (keys, epochs) = committee(weights)
            var tally = Tally(epochs, viewsAhead: 64)
            for signer in 0..<UInt32(weights.count) {
                let outcomes = tally.add(self.signed(vote(.nullify, 1), signer, keys), at: 1)
                let again = tally.add(self.signed(vote(.nullify, 1), signer, keys), at: 1)
                #expect(again.isEmpty, "a vote counts once")
                #expect(outcomes.isEmpty == (Int(signer) + 1 != quorum), "\(weights) \(signer)")
                for case .certificate(let certificate) in outcomes {
                    #expect(throws: Never.self) { try certificate.verify(epochs) }
                }
            }
        }
    }

    @Test func exactlyTwoThirdsOfStakeFails() {
        let (keys, epochs) = committee([4, 2, 3])
        let heavy = epochs.set.members.indices.filter { epochs.set.members[$0].weight != 3 }
        var tally = Tally(epochs, viewsAhead: 64)
        for index in heavy {
            #expect(tally.add(self.signed(vote(.nullify, 1), UInt32(index), keys), at: 1).isEmpty)
        }
    }

    @Test func findsEachContradictionOnce() {
        let (keys, epochs) = committee([1, 1, 1, 1])
        let (a, b) = (block("a"), block("b"))
        let pairs: [(Vote, Vote, Bool)] = [
            (vote(.notarize, 1, a), vote(.notarize, 1, b), true),
            (vote(.finalize, 1, a), vote(.finalize, 1, b), true),
            (vote(.nullify, 1), vote(.finalize, 1, a), true),
            (vote(.finalize, 1, a), vote(.nullify, 1), true),
            (vote(.notarize, 1, a), vote(.nullify, 1), false),
            (vote(.notarize, 1, a), vote(.finalize, 1, a), false),
            (vote(.notarize, 1, a), vote(.notarize, 2, b), false),
        ]
        for (one, other, isGuilty) in pairs {
            var tally = Tally(epochs, viewsAhead: 64)
            _ = tally.add(self.signed(one, 2, keys), at: 1)
            let outcomes = tally.add(self.signed(other, 2, keys), at: 1)
            let found = outcomes.compactMap { if case .evidence(let e) = $0 { e } else { nil } }
            #expect(found.count == (isGuilty ? 1 : 0), "\(one) \(other)")
            for evidence in found {
                let checks = evidence.checks(epochs) ?? []
                #expect(checks.count == 2 && checks.allSatisfy(\.holds))
                let copy = try? Evidence(canonical: evidence.canonicalBytes)
                #expect(copy == evidence)
            }
            #expect(tally.add(self.signed(other, 2, keys), at: 1).isEmpty)
        }
    }

    @Test func dropsWhatIsTooFarOrTooOld() {
        let (keys, epochs) = committee([1])
        var tally = Tally(epochs, viewsAhead: 64)
        #expect(tally.add(self.signed(vote(.nullify, 66), 0, keys), at: 1).isEmpty)
        #expect(!tally.add(self.signed(vote(.nullify, 65), 0, keys), at: 1).isEmpty)
        tally.prune(through: 70)
        #expect(tally.add(self.signed(vote(.nullify, 70), 0, keys), at: 71).isEmpty)
        #expect(!tally.wants(SignedVote(vote(.nullify, 71), signer: 1, signature: .blank), at: 71))
    }
}

@Suite struct CertificateTests {
    let keys = committee([1, 1, 1, 1]).keys
    let epochs = committee([1, 1, 1, 1]).epochs

    private func certificate(_ vote: Vote, _ signers: [UInt32]) -> Certificate {
        Certificate(
            vote, signers: self.epochs.set.bitmap(signers),
            signatures: signers.map { self.keys[Int($0)].sign(vote.digest(.none)) })
    }

    /// Each row breaks one rule.
    @Test func refusesFlaws() {
        let good = self.certificate(vote(.finalize, 3, block("a")), [0, 1, 3])
        #expect(throws: Never.self) { try good.verify(self.epochs) }
        func expect(_ flaw: Certificate.Flaw, _ change: (inout Certificate) -> Void) {
            var bad = good
            change(&bad)
            #expect(throws: flaw) { try bad.verify(self.epochs) }
        }
        expect(.malformed) { $0.view = 0 }
        expect(.malformed) { $0.block = .zero }
        expect(.malformed) { $0.kind = .nullify }
        expect(.unknownEpoch(1)) { $0.epoch = 1 }
        expect(.bitmap) { $0.signers = [] }
        expect(.bitmap) { $0.signers = [0] }
        expect(.bitmap) { $0.signers = [0b1011, 0] }
        expect(.bitmap) { $0.signers = [0b1_1011] }
        expect(.signatureCount) { $0.signatures.removeLast() }
        expect(.signatureCount) { $0.signers = [0b1111] }
        expect(.weight) { $0 = self.certificate($0.vote, [0, 1]) }
        expect(.signature(signer: 0)) { $0.view = 4 }
        expect(.signature(signer: 1)) { $0.signatures[1] = $0.signatures[0] }
    }

    @Test func roundTrips() throws {
        let good = self.certificate(vote(.finalize, 3, block("a")), [0, 1, 3])
        #expect(try Certificate(canonical: good.canonicalBytes) == good)
        let message = Message.certificate(good)
        #expect(try Message(canonical: message.canonicalBytes) == message)
        for count in 0..<message.canonicalBytes.count {
            #expect(throws: DecodeError.self) {
                _ = try Message(canonical: Array(message.canonicalBytes.prefix(count)))
            }
        }
    }
}

@Suite struct EpochsTests {
    @Test func setsAreChecked() {
        let (_, epochs) = committee([1, 2])
        let seats = epochs.set.members
        #expect(throws: ValidatorSet.Flaw.empty) { _ = try ValidatorSet([]) }
        #expect(throws: ValidatorSet.Flaw.notSorted(index: 1)) {
            _ = try ValidatorSet([seats[1], seats[0]])
        }
        #expect(throws: ValidatorSet.Flaw.notSorted(index: 1)) {
            _ = try ValidatorSet([seats[0], seats[0]])
        }
        #expect(throws: ValidatorSet.Flaw.weightIsZero(index: 0)) {
            _ = try ValidatorSet([Validator(key: seats[0].key, weight: 0)])
        }
        #expect(throws: ValidatorSet.Flaw.tooMany(513)) {
            _ = try ValidatorSet([Validator](repeating: seats[0], count: 513))
        }
        #expect(try! ValidatorSet(canonical: epochs.set.canonicalBytes) == epochs.set)
    }

    @Test func refusesToChangeTheSet() {
        var (_, epochs) = committee([1, 2])
        let other = committee([1]).epochs.set
        #expect(throws: Epochs.Refusal.setIsFixed(epoch: 1)) { try epochs.change(to: other) }
        #expect(throws: Epochs.Refusal.setIsFixed(epoch: 1)) { _ = try epochs.validators(of: 1) }
        #expect(throws: Never.self) { try epochs.change(to: epochs.set) }
    }

    /// Seats lead in proportion to their weight, within five standard deviations.
    @Test func leadersFollowStake() {
        let (_, epochs) = committee([1, 2, 7])
        var counts = [0, 0, 0]
        for view in UInt64(1)...10_000 { counts[Int(epochs.leader(of: view))] += 1 }
        for (member, count) in zip(epochs.set.members, counts) {
            #expect(abs(count - Int(member.weight) * 1000) < 250)
        }
    }
}
