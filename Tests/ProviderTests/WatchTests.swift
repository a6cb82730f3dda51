import Kernels
import Primitives
import Provider
import Testing

/// What an auditor does when answers are lost, and when it cannot do its work.
@Suite struct WatchTests {
    private static let watch = Provider.Timer.watch(Bench.job, auditor: Bench.auditor, index: 9)
    private static let late = Provider.Timer.decline(
        Bench.job, auditor: Bench.auditor, index: 9)
    private static let retry = Provider.Timer.retryInspection(
        Bench.job, auditor: Bench.auditor)
    private static let watched = Provider.Effect.schedule(
        watch, at: Instant.zero.adding(ms: 10_000))
    private static let summons = Intent.summon(
        reveal: Bench.reveal, commitment: Bench.commitment)
    private static let input = BlobHasher.id([1])
    private static let order = Bench.order([(input, 10)])

    /// Fails if `Inspection.watch` leaves a phase out: the audit would end in silence.
    @Test func lostAnswersOfTheNodeAreAskedForAgain() throws {
        let (_, record) = try Bench.committed()
        var auditor = Bench()
        let reveal = Provider.Effect.revealAudit(
            Bench.job, auditor: Bench.auditor, index: 9)
        #expect(try auditor.step(.duties([Bench.audit(record)])) == [reveal] + Bench.timers())
        #expect(auditor.step(.expired(Self.watch)) == [reveal, Self.watched])
        _ = auditor.step(.auditReveal(Bench.job, auditor: Bench.auditor, Bench.reveal))
        #expect(auditor.step(.expired(Self.watch)) == [Self.watched])
        let bond = Bench.bond(Bench.commitment)
        let sign = Provider.Effect.signTranscript(
            Bench.job, auditor: Bench.auditor, digest: bond)
        #expect(auditor.step(.refereed(Bench.audits, Bench.honest(Bench.leaves))) == [sign])
        #expect(auditor.step(.expired(Self.watch)) == [sign, Self.watched])
        // Signatures over anything else say nothing.
        #expect(auditor.step(Bench.signed(.zero)) == [])
        #expect(sent(auditor.step(Bench.signed(bond))).map(\.message) == [Bench.request])
        #expect(auditor.step(Bench.signed(bond)) == [])
        // Another draw's timer, and one of an audit that is over, end.
        let other = Provider.Timer.watch(Bench.job, auditor: Bench.auditor, index: 8)
        #expect(auditor.step(.expired(other)) == [])
        #expect(auditor.step(.duties([])) == [])
        #expect(auditor.step(.expired(Self.watch)) == [])
    }

    /// Fails if a summons is said once and no more: the provider would never hear of it.
    @Test func summonsIsSaidUntilTheDutyChanges() throws {
        let (_, record) = try Bench.committed()
        var auditor = try Bench.asked(record)
        _ = auditor.step(.expired(Bench.again))
        #expect(intents(auditor.step(.expired(Bench.again))) == [Self.summons])
        // No word of it at all.
        #expect(intents(auditor.step(.expired(Self.watch))) == [Self.summons])
        for refusal in [nil, "full", nil] {
            _ = auditor.step(.intended(Bench.job, .summon, refusal: refusal))
            // Once answered, its own timer says it again.
            #expect(intents(auditor.step(.expired(Self.watch))) == [])
            #expect(intents(auditor.step(.expired(Self.retry))) == [Self.summons])
        }
        let summoned = try Bench.audit(record, isSummoned: true, reveal: Bench.reveal)
        #expect(auditor.step(.duties([summoned])) == [])
        #expect(auditor.step(.expired(Self.retry)) == [])
        #expect(auditor.step(.expired(Self.watch)) == [Self.watched])
    }

    /// The ledger is further on before the node signed.
    @Test func stagesAreFollowedWhileTheNodeSigns() throws {
        var (provider, record) = try Bench.committed()
        let openings = try provider.answer().openings
        let duties = [
            try Bench.audit(record, isSummoned: true, reveal: Bench.reveal),
            try Bench.audit(
                record, isSummoned: true, openings: openings, reveal: Bench.reveal),
        ]
        for (number, duty) in duties.enumerated() {
            var auditor = Bench()
            _ = try auditor.step(.duties([Bench.audit(record)]))
            _ = auditor.step(.auditReveal(Bench.job, auditor: Bench.auditor, Bench.reveal))
            _ = auditor.step(.refereed(Bench.audits, Bench.honest(Bench.leaves)))
            let effects = auditor.step(.duties([duty]))
            #expect(intents(effects).map(\.kind) == (number == 0 ? [] : [.audit]))
            #expect(auditor.step(Bench.signed(Bench.bond(Bench.commitment))) == [])
        }
    }

    // MARK: Giving back

    /// Fails if `onLate` does not decline: an auditor without the inputs would be silent.
    @Test func drawWithoutInputsIsGivenBack() throws {
        let (_, record) = try Bench.committed()
        var auditor = Bench()
        _ = try auditor.step(.duties([Bench.audit(record, Self.order)]))
        // While the number is not known, it is looked at again.
        let again = Provider.Effect.schedule(Self.late, at: Instant.zero.adding(ms: 500))
        #expect(auditor.step(.expired(Self.late)) == [again])
        _ = auditor.step(.auditReveal(Bench.job, auditor: Bench.auditor, Bench.reveal))
        let decline = Intent.decline(.inputsMissing)
        #expect(intents(auditor.step(.expired(Self.late))) == [decline])
        #expect(auditor.step(.expired(Self.late)) == [])
        // What comes now is too late: another one may have been drawn.
        #expect(auditor.step(.fetched(Self.input)) == [])
        #expect(intents(auditor.step(.expired(Self.watch))) == [decline])
        for refusal in ["full", nil] {
            _ = auditor.step(.intended(Bench.job, .decline, refusal: refusal))
            #expect(intents(auditor.step(.expired(Self.retry))) == [decline])
        }
        #expect(auditor.step(.duties([])) == [])
        #expect(auditor.step(.expired(Self.retry)) == [])
    }

    @Test func refereeThatKeepsFailingGivesBack() throws {
        let (_, record) = try Bench.committed()
        var auditor = Bench()
        _ = try auditor.step(.duties([Bench.audit(record)]))
        _ = auditor.step(.auditReveal(Bench.job, auditor: Bench.auditor, Bench.reveal))
        #expect(auditor.step(.expired(Self.late)).count == 1)
        _ = auditor.step(.refereeFailed(Bench.audits, text: "no memory", isFinal: false))
        #expect(intents(auditor.step(.expired(Self.late))) == [.decline(.inputsMissing)])
        #expect(auditor.step(.refereed(Bench.audits, Bench.honest(Bench.leaves))) == [])
    }

    /// Fails if `onLate` asks less: an auditor in time would throw its work away.
    @Test func whoeverHasResultsGivesNothingBack() throws {
        let (_, record) = try Bench.committed()
        var auditor = try Bench.asked(record)
        #expect(auditor.step(.expired(Self.late)) == [])
        _ = auditor.step(.expired(Bench.again))
        _ = auditor.step(.expired(Bench.again))
        #expect(auditor.step(.expired(Self.late)) == [])
        // Another draw's timer.
        var waiting = Bench()
        _ = try waiting.step(.duties([Bench.audit(record, Self.order)]))
        _ = waiting.step(.auditReveal(Bench.job, auditor: Bench.auditor, Bench.reveal))
        let other = Provider.Timer.decline(Bench.job, auditor: Bench.auditor, index: 8)
        #expect(waiting.step(.expired(other)) == [])
        // Once it summoned, it finds its results again, however late.
        var restarted = Bench()
        let summoned = try Bench.audit(
            record, Self.order, isSummoned: true, reveal: Bench.reveal)
        _ = restarted.step(.duties([summoned]))
        #expect(restarted.step(.expired(Self.late)) == [])
        #expect(restarted.step(.fetched(Self.input)).count == 1)
    }
}
