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

    /// Fails if `record(of:)` does not compare the accounts: a job given away again, to another
    /// account of this node, would get the commitment of the first.
    @Test func recordOfAnotherAccountIsNotCommitted() throws {
        var bench = Bench()
        let record = try #require(try bench.commitJob())
        let again = try Duty.Run(
            job: Bench.job, attempt: 1, provider: Bench.auditor,
            order: WorkOrder.blank.canonicalBytes, package: Bench.package.canonicalBytes)
        #expect(bench.step(.duties([.run(again)])) == [.derive(Bench.job)])
        var restarted = Bench()
        _ = restarted.step(.restored([record]))
        #expect(restarted.step(.duties([.run(again)])) == [.derive(Bench.job)])
        // Nor is it opened in that account's name.
        let open = Duty.Open(
            job: Bench.job, attempt: 1, auditor: Bench.auditor,
            auditorNode: Bench.auditorNode.publicKey, auditIndex: 9, provider: Bench.auditor,
            draw: Bench.draw, summons: nil)
        _ = restarted.step(.duties([.open(open)]))
        #expect(
            restarted.receive(Bench.request, to: Bench.auditor) == [
                .report(.cannotOpen(Bench.job, to: Bench.auditor))
            ])
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

/// The offer of this node on the market.
@Suite struct MarketTests {
    private static let offers = (1...2).map {
        OfferID(Blake2b.hash(.offer, .none, [UInt8($0)]))
    }
    private static let terms = OfferTerms(
        pricePerGigaGas: Amount(5), capacity: 1, classes: [0], maxJobGas: 1 << 40,
        bond: Amount(7), device: "test", standsUntil: .zero, node: Bench.node.publicKey)

    private func market(_ wanted: OfferTerms?, _ standing: [OfferID]) -> Provider.Input {
        .market(wanted: wanted, account: Bench.provider, standing: standing)
    }

    private func withdrawal(_ offer: OfferID) -> Provider.Effect {
        .intend(.zero, .withdraw(offer), account: Bench.provider)
    }

    @Test func offerIsPostedOnce() {
        var bench = Bench()
        let posted = bench.step(self.market(Self.terms, []))
        #expect(posted == [.intend(.zero, .offer(Self.terms), account: Bench.provider)])
        #expect(bench.step(self.market(Self.terms, [])) == [])
        #expect(bench.step(self.market(Self.terms, [Self.offers[0]])) == [])
        #expect(bench.step(self.market(Self.terms, [])) == posted)
        #expect(bench.step(.intended(.zero, .offer, refusal: "poor")).count == 1)
        #expect(bench.step(self.market(Self.terms, [])) == posted)
    }

    /// Fails if `withdrawn` is not asked: every block would say it again.
    @Test func everyOfferIsWithdrawnOnce() {
        var bench = Bench()
        #expect(bench.step(self.market(nil, [])) == [])
        #expect(
            bench.step(self.market(nil, Self.offers)) == Self.offers.map(self.withdrawal))
        #expect(bench.step(self.market(nil, Self.offers)) == [])
        #expect(bench.step(self.market(nil, [Self.offers[1]])) == [])
        // Taken into the pool but not final: after the pause it is said again.
        #expect(
            bench.step(.intended(.zero, .withdraw, refusal: nil)) == [
                .schedule(.retryWithdrawal, at: Instant.zero.adding(ms: 15_000))
            ])
        #expect(bench.step(.expired(.retryWithdrawal)) == [])
        #expect(
            bench.step(self.market(nil, [Self.offers[1]])) == [self.withdrawal(Self.offers[1])])
        // Wanted again, an offer that still stands stays; then it can be withdrawn anew.
        #expect(bench.step(self.market(Self.terms, [Self.offers[1]])) == [])
        #expect(
            bench.step(self.market(nil, [Self.offers[1]])) == [self.withdrawal(Self.offers[1])])
    }
}
