import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// Offers and queues: what a place is, what a bond stands behind, who waits for whom.
@Suite struct MarketRulesTests {
    /// Free the place at the end alone to see a provider idle while it awaits audits.
    @Test func aPlaceIsFreeAfterTheCommitmentTheBondIsNot() throws {
        let chain = try JobChain()
        let id = chain.post()
        chain.run(id, until: .assigned)
        let offer = chain.job(id).offer
        #expect(chain.offer(offer)?.running == 1 && chain.offer(offer)?.open == 1)
        let run = chain.commit(id)
        #expect(chain.offer(offer)?.running == 0 && chain.offer(offer)?.open == 1)
        // It wants to go: its bond stays behind the job.
        chain.expect(chain.send(chain.provider(id), OfferWithdraw(offer: offer)))
        #expect(chain.offer(offer)?.bond == star(100) && chain.offer(offer)?.closing == true)
        chain.expect(chain.audit(id, run))
        #expect(chain.offer(offer)?.bond == star(100))
        chain.wait(6_000)
        #expect(chain.job(id).phase == .settled && chain.offer(offer) == nil)
    }

    private func fit(_ change: (inout OfferEntry, inout JobEntry) -> Void) -> Misfit? {
        var offer = OfferEntry()
        offer.capacity = 2
        offer.classes = [1]
        offer.maxJobGas = .max
        offer.pricePerGigaGas = star(1)
        offer.bond = star(1_000)
        offer.standsUntil = LedgerTime(ms: .max)
        var job = JobEntry()
        job.exactness = 1
        job.gas = 1_000_000_000
        job.maxPrice = star(1)
        change(&offer, &job)
        let found = offer.fit(job, failed: [], now: LedgerTime(ms: 1_000_000), Parameters())
        guard case .failure(let misfit) = found else { return nil }
        return misfit
    }

    /// Take `openMax` out of `fit` to see a bond stand behind any number of jobs.
    @Test func anOfferHasPlacesAndItsBondHasJobs() {
        #expect(self.fit { _, _ in } == nil)
        #expect(self.fit { offer, _ in (offer.running, offer.open) = (1, 31) } == nil)
        #expect(self.fit { offer, _ in (offer.running, offer.open) = (2, 2) } == .full)
        #expect(self.fit { offer, _ in offer.open = 32 } == .full)
        #expect(
            self.fit { offer, _ in
                offer.capacity = .max
                offer.open = 1_024
            } == .full)
    }

    /// Take the bond out of `fit` to see one small bond answer for prices that it cannot pay.
    @Test func aBondPaysTheLimitedSlashOfAllItsJobs() {
        #expect(self.fit { offer, _ in offer.bond = star(5) } == nil)
        #expect(self.fit { offer, _ in offer.bond = star(5).minus(Amount(1)) } == .bondTooSmall)
        #expect(
            self.fit { offer, _ in
                offer.bond = star(14)
                offer.open = 2
            } == .bondTooSmall)
        #expect(
            self.fit { offer, _ in
                offer.bond = star(15)
                offer.open = 2
            } == nil)
        #expect(
            self.fit { offer, job in
                job.maxPrice = .maxSupply
                offer.pricePerGigaGas = .maxSupply
                offer.bond = .maxSupply
            } == .bondTooSmall)
    }

    /// Draw in the order of one queue to see posted jobs keep a committed one from its auditor.
    @Test func aFloodOfPostedJobsDelaysNoAudit() throws {
        let chain = try JobChain { $0.parameters.duePerBlock = 1 }
        let id = chain.post()
        chain.run(id, until: .assigned)
        let run = JobRun(id, chain.job(id).provider, chain.salt)
        for _ in 0..<8 { _ = chain.post { $0.maxPrice = Amount(1) } }
        chain.expect(chain.send(chain.provider(id), run.commit))
        chain.block()
        #expect(chain.job(id).phase == .drawn)
    }

    /// Repeat every 500 ms to see a job that nobody wants cost every block.
    @Test func aJobThatNobodyWantsIsDrawnLessAndLessOften() throws {
        let chain = try JobChain()
        let id = chain.post {
            $0.maxPrice = Amount(1)
            $0.assignMs = 600_000
        }
        var gaps: [UInt64] = []
        var last = chain.job(id).drawDue
        for _ in 0..<160 where gaps.count < 7 {
            chain.block()
            let now = chain.job(id).drawDue
            if now != last, last != .zero { gaps.append(now.ms - last.ms) }
            last = now
        }
        #expect(gaps.count == 7 && chain.job(id).redraws == 4)
        #expect(zip(gaps, gaps.dropFirst()).allSatisfy { $0 <= $1 })
        #expect((gaps.last ?? 0) >= 4_000 && (gaps.last ?? 0) < 8_000)
    }

    /// Draw in the block of the due item to see the proposer choose who gets the job.
    @Test func aJobPostedAgainIsNotDrawnByTheSameReveal() throws {
        let chain = try JobChain()
        let id = chain.post { $0.runMs = 1_000 }
        chain.run(id, until: .assigned)
        for _ in 0..<8 where chain.job(id).attempt == 0 { chain.block() }
        #expect(chain.job(id).attempt == 1 && chain.job(id).phase == .posted)
        chain.block()
        #expect(chain.job(id).phase == .assigned)
    }

    /// Count no challenges to see a settlement held for ever.
    @Test func challengesOfAnAttemptEnd() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        chain.expect(chain.audit(id, run))
        let provider = chain.provider(id)
        func ask(_ who: UInt8, _ name: String? = nil) {
            chain.expect(chain.send(who, JobChallenge(job: id, leaf: 3, chunk: 0)), name)
            if name == nil { chain.expect(chain.send(provider, run.answer(3))) }
        }
        for _ in 0..<8 { ask(JobChain.stranger) }
        ask(JobChain.stranger, "job.challenge.tooManyChallenges")
        for _ in 0..<8 { ask(JobChain.requester) }
        ask(JobChain.requester, "job.challenge.tooManyChallenges")
        #expect(try chain.reader.counters().challenges == 0)
        chain.wait(6_000)
        #expect(chain.job(id).phase == .settled, "an answer does not prolong the window for long")
    }

    /// Forget the counters to see more questions than all providers can answer.
    @Test func theChainHasFewQuestionsAtOnce() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        func full(_ challenges: UInt32, _ summonses: UInt32) -> [String?] {
            // A block that is thrown away: these books do not balance.
            let (auditor, sample) = (chain.auditor(id), run.openings(chain.sample(id)))
            let summons = JobSummon(
                job: id, reveal: chain.reveal(id), commitment: chain.commitment(id, sample))
            return chain.dryRun(auditor, summons) { state in
                var counters = state.counters
                (counters.challenges, counters.summonses) = (challenges, summonses)
                state.write(EconomyTable.counters, 0, counters)
            }
        }
        #expect(full(64, 31) == [nil], "challenges take no summons's place")
        #expect(full(0, 32) == ["job.summon.tooManySummonses"])
        chain.expect(chain.audit(id, run))
        func ask(_ who: UInt8, _ open: UInt32) -> [String?] {
            chain.dryRun(who, JobChallenge(job: id, leaf: 3, chunk: 0)) { state in
                var counters = state.counters
                counters.challenges = open
                state.write(EconomyTable.counters, 0, counters)
            }
        }
        #expect(ask(JobChain.stranger, 16) == ["job.challenge.tooManyOnChain"])
        #expect(ask(JobChain.requester, 31) == [nil])
        #expect(ask(JobChain.requester, 32) == ["job.challenge.tooManyOnChain"])
    }

    /// Close it in any phase to see an author take an audited job's pay; pay whoever proves it to
    /// see a provider be paid for its own kernel's fault.
    @Test func aKernelFaultTakesNoPayAndGivesNoneToItsProver() throws {
        let chain = try JobChain()
        let (audited, open) = (chain.post(), chain.post())
        chain.expect(chain.audit(audited, chain.commit(audited)))
        _ = chain.commit(open)
        let (first, second) = (chain.job(audited), chain.job(open))
        chain.block { state in
            state.kernelIsFaulty(first, gas: first.gas / 2, by: .zero)
            state.kernelIsFaulty(second, gas: second.gas / 2, by: second.provider)
        }
        #expect(chain.job(open).phase == .kernelFault)
        #expect(chain.job(open).waterfall?.operator == .zero)
        #expect(chain.job(audited).phase == .window)
        chain.wait(6_000)
        #expect(chain.job(audited).phase == .settled)
    }
}
