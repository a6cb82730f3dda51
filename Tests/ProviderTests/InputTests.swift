import Kernels
import Primitives
import Provider
import Testing

@Suite struct InputTests {
    private static let one = BlobHasher.id([1])
    private static let two = BlobHasher.id([2])
    private static let second = JobID(Blake2b.hash(.job, .none, [2]))
    private static let order = Bench.order([(one, 10), (two, 1 << 20)])

    private func fetch(
        _ blob: BlobID, _ bytes: UInt64, _ job: JobID = Bench.job
    ) -> Provider.Effect {
        .fetch(blob, job: job, bytesMax: bytes)
    }

    @Test func nothingRunsBeforeItsInputsAreHere() throws {
        var bench = Bench()
        let duties = [try Bench.run(Bench.job, Self.order)]
        #expect(
            bench.step(.duties(duties)) == [
                self.fetch(Self.one, 40), self.fetch(Self.two, 4 << 20),
            ])
        #expect(bench.core.progress.map(\.phase) == ["fetching inputs"])
        #expect(bench.step(.duties(duties)) == [])
        #expect(bench.step(.fetched(Self.two)) == [])
        #expect(bench.step(.fetched(BlobHasher.id([9]))) == [])
        #expect(bench.step(.fetched(Self.one)) == [.derive(Bench.job)])
        #expect(bench.step(.fetched(Self.one)) == [])
        #expect(
            bench.step(.secret(Bench.job, Bench.secret)) == [
                .execute(Bench.job, package: Bench.package, order: Self.order)
            ])
    }

    @Test func failedFetchIsReportedOnceAndRepeated() throws {
        var bench = Bench()
        _ = try bench.step(.duties([Bench.run(Bench.job, Self.order)]))
        let retry = Provider.Timer.retryFetch(Self.one)
        let scheduled = Provider.Effect.schedule(retry, at: Instant.zero.adding(ms: 2_000))
        let failed = bench.step(.fetchFailed(Self.one, text: "nobody has it"))
        guard
            case .report(.failed(Bench.job, code: "blob.missing", _, retried: true))? = failed.first
        else {
            Issue.record("not reported: \(failed)")
            return
        }
        #expect(failed.dropFirst() == [scheduled])
        #expect(bench.step(.expired(retry)) == [self.fetch(Self.one, 40)])
        #expect(bench.step(.expired(retry)) == [])
        #expect(bench.step(.fetchFailed(Self.one, text: "nobody has it")) == [scheduled])
        #expect(bench.step(.fetched(Self.one)) == [])
        #expect(bench.step(.fetched(Self.two)) == [.derive(Bench.job)])
        #expect(bench.step(.expired(retry)) == [])
        #expect(bench.step(.fetchFailed(Self.one, text: "late")) == [])
    }

    @Test func jobsShareWhatIsOnItsWay() throws {
        var bench = Bench()
        let first = Bench.order([(Self.one, 10), (Self.one, 10)])
        let other = Bench.order([(Self.one, 10), (Self.two, 3)])
        let liar = Bench.order([(Self.one, 9)])
        let third = JobID(Blake2b.hash(.job, .none, [3]))
        let duties = [
            try Bench.run(Bench.job, first), try Bench.run(Self.second, other),
            try Bench.run(third, liar),
        ]
        #expect(
            bench.step(.duties(duties)) == [
                self.fetch(Self.one, 40), self.fetch(Self.two, 12, Self.second),
                self.fetch(Self.one, 36, third),
            ])
        // One place: the others wait for it, not for their inputs.
        #expect(bench.step(.fetched(Self.one)) == [.derive(Bench.job)])
        #expect(bench.step(.fetched(Self.two)) == [])
        let phases = ["running", "waiting for a free place", "waiting for a free place"]
        #expect(bench.core.progress.map(\.phase) == phases)
    }

    @Test func lackingInputsHoldNobodyElseUp() throws {
        var bench = Bench()
        let duties = [try Bench.run(Bench.job, Self.order), try Bench.run(Self.second)]
        let effects = bench.step(.duties(duties))
        #expect(effects.last == .derive(Self.second))
        // A job taken away waits for nothing any more.
        #expect(bench.step(.duties([duties[1]])) == [])
        #expect(bench.step(.fetchFailed(Self.one, text: "gone")) == [])
        #expect(bench.step(.fetched(Self.two)) == [])
    }

    @Test func failedRunLooksForItsInputsAgain() throws {
        var bench = Bench()
        _ = try bench.step(.duties([Bench.run(Bench.job, Bench.order([(Self.one, 10)]))]))
        _ = bench.step(.fetched(Self.one))
        _ = bench.step(.secret(Bench.job, Bench.secret))
        _ = bench.step(.executionFailed(Bench.job, code: "blob.missing", text: "deleted"))
        let again = bench.step(.expired(.retryWork(Bench.job)))
        #expect(again == [self.fetch(Self.one, 40)])
        #expect(bench.step(.fetched(Self.one)) == [.derive(Bench.job)])
    }

    @Test func keptRecordNeedsNoInputs() throws {
        let (_, record) = try Bench.committed()
        var restarted = Bench()
        _ = restarted.step(.restored([record]))
        let effects = try restarted.step(.duties([Bench.run(Bench.job, Self.order)]))
        guard case .intend(Bench.job, .commit, account: Bench.provider)? = effects.first else {
            Issue.record("no commitment: \(effects)")
            return
        }
        #expect(effects.count == 1)
    }

    @Test func auditorHasInputsBeforeTheReferee() throws {
        let (_, record) = try Bench.committed()
        var auditor = Bench()
        let duty = try Bench.audit(record, Self.order)
        let fetches = [self.fetch(Self.one, 40), self.fetch(Self.two, 4 << 20)]
        let reveal = Provider.Effect.revealAudit(
            Bench.job, auditor: Bench.auditor, index: 9)
        #expect(auditor.step(.duties([duty])) == [reveal] + Bench.timers() + fetches)
        #expect(auditor.core.progress.map(\.phase) == ["audit: fetching inputs"])
        #expect(auditor.step(.fetched(Self.one)) == [])
        #expect(
            auditor.step(.auditReveal(Bench.job, auditor: Bench.auditor, Bench.reveal)) == [])
        let run = RefereeRun(job: Bench.job, purpose: .audit(Bench.auditor))
        #expect(
            auditor.step(.fetched(Self.two)) == [
                .referee(run, package: Bench.package, order: Self.order, leaves: Bench.leaves)
            ])
        // After a failure it looks again: the disk may have lost one.
        _ = auditor.step(.refereeFailed(run, text: "gone", isFinal: false))
        let retry = Provider.Timer.retryInspection(Bench.job, auditor: Bench.auditor)
        #expect(auditor.step(.expired(retry)) == fetches)
    }

    @Test func hostileSizesAreCut() throws {
        var bench = Bench()
        let order = Bench.order([(Self.one, .max), (Self.two, 0)])
        #expect(
            try bench.step(.duties([Bench.run(Bench.job, order)])) == [
                self.fetch(Self.one, 1 << 30), self.fetch(Self.two, 0),
            ])
    }
}
