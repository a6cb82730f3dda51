import Kernels
import Primitives
import Provider
import Testing

@Suite struct ProviderWorkTests {
    @Test func commitsOnlyAfterSelfCheckAndRecord() throws {
        var bench = Bench()
        let record = try #require(try bench.commitJob())
        #expect(try JobRecord(canonical: record.canonicalBytes) == record)
    }

    @Test func deviceThatContradictsTheRefereeCommitsNothing() throws {
        var bench = Bench()
        let sample = try bench.runJob()
        let wrong = sample.map { LeafResult(leaf: $0, sliceRoot: .zero) }
        let check = RefereeRun(job: Bench.job, purpose: .selfCheck)
        let effects = bench.step(.refereed(check, wrong))
        #expect(effects == [.report(.selfCheckFailed(Bench.job, leaf: sample[0]))])
        #expect(try bench.step(.duties([Bench.run()])) == [])
    }

    @Test func restartWithRecordCommitsWithoutRunningAgain() throws {
        var bench = Bench()
        let record = try #require(try bench.commitJob())
        var restarted = Bench()
        _ = restarted.step(.restored([record]))
        let effects = try restarted.step(.duties([Bench.run()]))
        guard case .intend(Bench.job, .commit, account: Bench.provider)? = effects.first else {
            Issue.record("no commitment: \(effects)")
            return
        }
    }

    @Test func placesAreLimitedAndFreed() throws {
        var bench = Bench()
        let second = JobID(Blake2b.hash(.job, .none, [2]))
        let duties = [try Bench.run(), try Bench.run(second)]
        #expect(bench.step(.duties(duties)) == [.derive(Bench.job)])
        _ = bench.step(.secret(Bench.job, Bench.secret))
        let failed = bench.step(.executionFailed(Bench.job, code: "x", text: "y"))
        #expect(failed.contains(.derive(second)))
        #expect(failed.contains(.schedule(.retryWork(Bench.job), at: Instant.zero.adding(ms: 500))))
    }

    @Test func jobTakenAwayIsCancelled() throws {
        var bench = Bench()
        _ = try bench.step(.duties([Bench.run()]))
        #expect(bench.step(.duties([])) == [.cancel(Bench.job)])
        #expect(bench.step(.executed(Bench.job, Bench.execution())) == [])
    }

    @Test func refusedCommitmentIsSaidAgain() throws {
        var bench = Bench()
        let record = try #require(try bench.commitJob())
        _ = bench.step(.intended(Bench.job, .commit, refusal: "pool is full"))
        let again = bench.step(.expired(.retryWork(Bench.job)))
        guard case .intend(Bench.job, .commit(let root, _), account: _)? = again.first else {
            Issue.record("not said again: \(again)")
            return
        }
        #expect(root == record.leafRoot(chain: Bench.chain))
    }
}
