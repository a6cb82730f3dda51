import Kernels
import Primitives
import Provider
import Testing

/// A leaf that is not what was computed, but what was committed to.
@Suite struct ProofTests {
    private static let retry = Provider.Timer.retryInspection(
        Bench.job, auditor: Bench.auditor)
    private static let witness = LeafWitness(buffers: [
        .init(buffer: 1, chunks: [.init(index: 0, bytes: [1, 2, 3])], siblings: [.zero])
    ])

    private static func gather(_ leaf: UInt64) -> Provider.Effect {
        .gatherProof(Bench.proves, package: Bench.package, order: .blank, leaf: leaf)
    }

    /// What the referee gathers of a leaf that it computes as the auditor did.
    private static func found(_ leaf: UInt64) -> Provider.Input {
        .proof(
            Bench.proves, leaf: leaf, witness: Self.witness,
            sliceRoot: Bench.honest([leaf])[0].sliceRoot)
    }

    /// The ledger looks at the path to the leaf root alone.
    private static func proof(_ opening: LeafOpening) -> Intent {
        var short = opening
        short.outputPath = []
        return .prove(attempt: 0, opening: short, witness: Self.witness)
    }

    /// Fails if `Inspection.dispute` is not asked first: the auditor would vouch or summon.
    @Test func wrongLeafIsProved() throws {
        for (position, leaf) in Bench.leaves.enumerated() {
            var (provider, record) = try Bench.cheated([leaf])
            let answer = try provider.answer()
            var auditor = try Bench.asked(record)
            #expect(
                auditor.hear(answer) == [
                    .report(.disagreed(Bench.job, leaf: leaf)), Self.gather(leaf),
                ])
            #expect(auditor.hear(answer) == [])
            let other = Bench.leaves[(position + 1) % 3]
            #expect(auditor.step(Self.found(other)) == [])
            let proof = Self.proof(answer.openings.leaves[position])
            #expect(
                auditor.step(Self.found(leaf)) == [
                    .intend(Bench.job, proof, account: Bench.auditor)
                ])
            #expect(auditor.step(Self.found(leaf)) == [])
            _ = auditor.step(.intended(Bench.job, .prove, refusal: "full"))
            #expect(intents(auditor.step(.expired(Self.retry))) == [proof])
            #expect(auditor.step(.duties([])) == [])
            #expect(auditor.step(.expired(Self.retry)) == [])
        }
    }

    /// A wrong leaf is proved whatever else is wrong with the answer: it needs no signature.
    @Test func wrongLeafAmongBentOnesIsProved() throws {
        let leaf = Bench.leaves[1]
        var (provider, record) = try Bench.cheated([leaf])
        var openings = try provider.answer().openings
        openings.leaves = [openings.leaves[1]]
        openings.leaves[0].outputPath = []
        openings.outputSalt = .zero
        var auditor = try Bench.asked(record)
        let effects = auditor.hear(
            .init(job: Bench.job, openings: openings, signature: .blank))
        #expect(effects.last == Self.gather(leaf))
    }

    /// Fails if `dispute` does not ask `leads`: anybody's invention would cost the auditor a false
    /// proof.
    @Test func inventedLeafIsNotProved() throws {
        var (provider, record) = try Bench.committed()
        let honest = try provider.answer()
        for number in 0..<3 {
            var openings = honest.openings
            openings.leaves[number].sliceRoot = Bench.reveal
            var auditor = try Bench.asked(record)
            let effects = auditor.hear(
                .init(job: Bench.job, openings: openings, signature: honest.signature))
            #expect(intents(effects).map(\.kind) == [.summon])
        }
    }

    /// A wrong leaf outside the sample was not computed: nothing is known of it.
    @Test func leavesOutsideTheSampleAreNotProved() throws {
        let outside = (0..<5 as Range<UInt64>).first { !Bench.leaves.contains($0) }
        var (provider, record) = try Bench.cheated([try #require(outside)])
        var auditor = try Bench.asked(record)
        #expect(intents(auditor.hear(try provider.answer())).map(\.kind) == [.audit])
    }

    @Test func wrongLeafOnTheLedgerIsProved() throws {
        let leaf = Bench.leaves[2]
        var (provider, record) = try Bench.cheated([leaf])
        let openings = try provider.answer().openings
        // Also after a restart, with nothing but the duty.
        var auditor = Bench()
        let effects = try auditor.inspect(
            Bench.audit(record, isSummoned: true, openings: openings))
        #expect(effects.last == Self.gather(leaf))
        // The stage does not matter to a proof under way.
        let later = try Bench.audit(
            record, isSummoned: true, openings: openings, reveal: Bench.reveal)
        #expect(auditor.step(.duties([later])) == [])
        #expect(
            intents(auditor.step(Self.found(leaf))) == [Self.proof(openings.leaves[2])])
    }

    // MARK: Two wrong leaves

    /// Fails if `saySeconds` does not wait for the first: the ledger refuses a second one before.
    @Test func secondWrongLeafFollowsTheFirst() throws {
        let wrong = Array(Bench.leaves.prefix(2))
        var (provider, record) = try Bench.cheated(wrong)
        let answer = try provider.answer()
        var auditor = try Bench.asked(record)
        _ = auditor.hear(answer)
        let first = auditor.step(Self.found(wrong[0]))
        #expect(intents(first) == [Self.proof(answer.openings.leaves[0])])
        #expect(first.last == Self.gather(wrong[1]))
        // It stands by until the first ended the attempt.
        #expect(auditor.step(Self.found(wrong[1])) == [])
        #expect(try auditor.step(.duties([Bench.audit(record)])) == [])
        _ = auditor.step(.intended(Bench.job, .prove, refusal: nil))
        let second = [Self.proof(answer.openings.leaves[1])]
        #expect(intents(auditor.step(.duties([]))) == second)
        #expect(auditor.step(.duties([])) == [])
        // Refused, it is said three times in all.
        let again = Provider.Timer.retryProof(Bench.job, attempt: 0)
        for _ in 0..<2 {
            let refused = auditor.step(.intended(Bench.job, .prove, refusal: "full"))
            #expect(refused.last == .schedule(again, at: Instant.zero.adding(ms: 500)))
            #expect(intents(auditor.step(.expired(again))) == second)
        }
        #expect(auditor.step(.intended(Bench.job, .prove, refusal: "full")).count == 1)
        #expect(auditor.step(.expired(again)) == [])
    }

    @Test func secondProofThatIsTakenIsSaidOnce() throws {
        let wrong = Array(Bench.leaves.prefix(2))
        var (provider, record) = try Bench.cheated(wrong)
        var auditor = try Bench.asked(record)
        _ = auditor.hear(try provider.answer())
        _ = auditor.step(Self.found(wrong[0]))
        // The first one is final before the second is gathered.
        #expect(auditor.step(.duties([])) == [])
        #expect(intents(auditor.step(Self.found(wrong[1]))).map(\.kind) == [.prove])
        #expect(auditor.step(.intended(Bench.job, .prove, refusal: nil)) == [])
        #expect(auditor.step(.expired(.retryProof(Bench.job, attempt: 0))) == [])
    }

    // MARK: No proof

    private static func failed(_ text: String, isFinal: Bool) -> Provider.Input {
        .refereeFailed(Bench.proves, text: text, isFinal: isFinal)
    }

    private static let decline = Intent.decline(.cannotProve)

    /// Neither a report that vouches nor silence, which costs a stake.
    @Test func leafThatCannotBeProvedGivesWayToAnother() throws {
        let wrong = Array(Bench.leaves.prefix(2))
        var (provider, record) = try Bench.cheated(wrong)
        var auditor = try Bench.asked(record)
        _ = auditor.hear(try provider.answer())
        let text = "the witness is too large"
        let failed = Self.failed(text, isFinal: true)
        #expect(
            auditor.step(failed) == [
                .report(.cannotProve(Bench.job, leaf: wrong[0], text: text)),
                Self.gather(wrong[1]),
            ])
        let over = auditor.step(failed)
        #expect(over.first == .report(.cannotProve(Bench.job, leaf: wrong[1], text: text)))
        #expect(intents(over) == [Self.decline])
        #expect(auditor.step(failed) == [])
        #expect(auditor.step(.expired(Bench.again)) == [])
        // Refused or taken, it is said until another one is drawn.
        for refusal in ["full", nil] {
            _ = auditor.step(.intended(Bench.job, .decline, refusal: refusal))
            #expect(intents(auditor.step(.expired(Self.retry))) == [Self.decline])
        }
        #expect(try auditor.step(.duties([Bench.audit(record)])) == [])
        #expect(auditor.step(.duties([])) == [])
        #expect(auditor.step(.expired(Self.retry)) == [])
    }

    /// Fails if `onProofFailed` takes every failure for the last word: a full queue would end in
    /// silence.
    @Test func proofThatFailsForNowIsGatheredAgain() throws {
        let wrong = Array(Bench.leaves.prefix(2))
        var (provider, record) = try Bench.cheated(wrong)
        var auditor = try Bench.asked(record)
        let answer = try provider.answer()
        _ = auditor.hear(answer)
        // A timer of before says nothing while the referee is at work.
        #expect(auditor.step(.expired(Self.retry)) == [])
        for _ in 0..<5 {
            let failed = auditor.step(Self.failed("too many wait", isFinal: false))
            #expect(failed.last == .schedule(Self.retry, at: Instant.zero.adding(ms: 500)))
            #expect(auditor.step(.expired(Self.retry)) == [Self.gather(wrong[0])])
            #expect(auditor.step(.expired(Self.retry)) == [])
        }
        let first = auditor.step(Self.found(wrong[0]))
        #expect(intents(first) == [Self.proof(answer.openings.leaves[0])])
        #expect(first.last == Self.gather(wrong[1]))
        // The second one, too.
        let again = Provider.Timer.retryProof(Bench.job, attempt: 0)
        for _ in 0..<2 {
            let failed = auditor.step(Self.failed("too many wait", isFinal: false))
            #expect(failed == [.schedule(again, at: Instant.zero.adding(ms: 500))])
            #expect(auditor.step(.expired(again)) == [Self.gather(wrong[1])])
        }
        let over = auditor.step(Self.failed("too many wait", isFinal: false))
        guard case .report(.cannotProve(Bench.job, leaf: wrong[1], _))? = over.first else {
            Issue.record("tried without end: \(over)")
            return
        }
    }

    /// Fails if `onProof` does not compare with the audit's results: a false proof costs its fee.
    @Test func refereeThatContradictsItselfProvesNothing() throws {
        let leaf = Bench.leaves[0]
        var (provider, record) = try Bench.cheated([leaf])
        let answer = try provider.answer()
        var auditor = try Bench.asked(record)
        _ = auditor.hear(answer)
        let effects = auditor.step(
            .proof(
                Bench.proves, leaf: leaf, witness: Self.witness,
                sliceRoot: answer.openings.leaves[0].sliceRoot))
        guard case .report(.cannotProve(Bench.job, leaf: leaf, _))? = effects.first else {
            Issue.record("not dropped: \(effects)")
            return
        }
        #expect(intents(effects) == [Self.decline])
    }
}
