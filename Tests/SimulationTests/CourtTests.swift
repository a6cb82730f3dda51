import Primitives
import Simulation
import Testing

/// Small courts: twenty jobs, and one who cheats at them in each way there is.
///
/// Every outcome is without a violation: books that do not add up, a requester whose escrow is not
/// whole, and an honest account that is slashed would be one.
@Suite struct CourtTests {
    /// Plays a court; its tally, once nothing was violated.
    private func court(
        _ cheat: Cheat?, jobs: Int = 20, sample: UInt16 = 4, seed: UInt64 = 1
    ) throws -> Tally {
        var plan = Plan(seed: seed, scenario: .court, cheat: cheat)
        plan.jobs = jobs
        plan.samples(sample)
        let outcome = Simulation.run(plan)
        let list = outcome.violations.prefix(5).map(\.description).joined(separator: "; ")
        #expect(outcome.violationCount == 0, "\(cheat?.name ?? "nobody"): \(list)")
        let tally = try #require(outcome.tally)
        #expect(tally.posted == UInt64(jobs) && tally.settled == tally.posted)
        return tally
    }

    /// Caught every time, at least once, and worse off than the honest.
    private func isAlwaysCaught(_ tally: Tally) {
        let words = tally.lines.joined(separator: "; ")
        #expect(tally.trials > 0 && tally.caught == tally.trials, "\(words)")
        #expect(!tally.isOutside && !tally.paysOff, "\(words)")
    }

    /// Fails without any check that finds the innocent: let `World.cheats` answer true for `nil`.
    @Test func honestOnesLoseNothing() throws {
        let tally = try self.court(nil)
        #expect(tally.caught == 0 && tally.cheatJobs.count == 0)
        #expect(try #require(tally.honestJobs.mean) > 0)
        #expect(try #require(tally.honestAudits.mean) > 0)
    }

    /// Fails if an auditor agrees without looking. That the ledger slashes is held by
    /// `FraudProofTests`, and by `friendsAreCaughtByWhoeverIsNoFriend`.
    @Test func whoMakesEverythingUpIsSlashedAndAnotherIsPaid() throws {
        let tally = try self.court(.lazy(percent: 100))
        self.isAlwaysCaught(tally)
        let gains = try #require(tally.gains)
        #expect(gains.cheat < 0 && gains.honest > 0)
    }

    /// Fails if an auditor agrees without looking: remove `dispute` from `Inspection`.
    @Test func oneWrongLeafOf64IsFoundByAnAuditThatSeesAll() throws {
        self.isAlwaysCaught(try self.court(.wrongLeaf, sample: 64))
    }

    /// Fails if the sample is not drawn evenly, or can be foreseen.
    @Test func lazyOnesAreCaughtAsOftenAsTheFormulaSays() throws {
        var sum = try self.court(.lazy(percent: 10), jobs: 60, sample: 3)
        sum.add(try self.court(.lazy(percent: 10), jobs: 60, sample: 3, seed: 2))
        #expect(!sum.isOutside && !sum.paysOff, "\(sum.lines)")
        #expect(sum.caught > 0 && sum.caught < sum.trials, "\(sum.lines)")
        let one = try self.court(.lazy(percent: 1), jobs: 60)
        #expect(!one.isOutside && !one.paysOff, "\(one.lines)")
    }

    /// Attack 35. Fails without the work digest: that is `whoGuessesASearchIsNotCaught`.
    @Test func whoGuessesNothingFoundIsCaughtByTheWorkDigest() throws {
        self.isAlwaysCaught(try self.court(.guesser(.digest), sample: 1))
    }

    /// What the digest is for: without it a guess is right, and no sample, however large, helps.
    @Test func whoGuessesASearchIsNotCaught() throws {
        let tally = try self.court(.guesser(.bare), sample: 64)
        #expect(tally.trials > 0 && tally.caught == 0 && tally.paysOff, "\(tally.lines)")
    }

    /// Fails if a summons may go unanswered. That leaves bind job and provider is held by
    /// `JobAuditTests` and `FraudProofTests`.
    @Test func copiedRootsOpenNothing() throws {
        self.isAlwaysCaught(try self.court(.copier))
    }

    /// Fails if a summons may go unanswered: remove `.silent` from `EconomyState.jobIsDue`.
    @Test func aProviderThatNeverOpensIsSlashed() throws {
        self.isAlwaysCaught(try self.court(.silentProvider))
    }

    /// Fails if the draw waits for ever: remove `auditorIsSilent` from `EconomyState.drawIsDue`.
    @Test func aSilentAuditorIsReplacedAndSlashed() throws {
        self.isAlwaysCaught(try self.court(.silentAuditor))
    }

    /// Fails if the ledger believes a report without the signed transcript: remove
    /// `checkTranscript` from `JobAudit`.
    @Test func whoAgreesWithoutComputingIsNotBelieved() throws {
        let tally = try self.court(.agreeingAuditor)
        self.isAlwaysCaught(tally)
        // The signature is over other slice roots.
        #expect(tally.rejections.contains(1_171), "\(tally.rejections)")
    }

    /// Fails if nobody is slashed: remove `slashProvider` from `EconomyState.fail`. That nobody
    /// audits itself is held by `WhoMayTests`.
    @Test func friendsAreCaughtByWhoeverIsNoFriend() throws {
        let tally = try self.court(.colludingAuditor, jobs: 60)
        #expect(!tally.isOutside && !tally.paysOff, "\(tally.lines)")
        #expect(tally.caught > 0 && tally.caught < tally.trials, "\(tally.lines)")
    }

    /// Fails if a proof is not re-run: remove `leafIsRight` or `witnessWrong` from `JobProve`.
    @Test func aFalseProverPaysAndProvesNothing() throws {
        let tally = try self.court(.falseProver)
        self.isAlwaysCaught(tally)
        #expect(tally.rejections.contains(1_207), "a bent witness: \(tally.rejections)")
        #expect(tally.rejections.contains(1_209), "a right leaf: \(tally.rejections)")
    }

    /// Fails as the one before; whoever has no duty pays only fees.
    @Test func anybodysFalseProofCostsItsFee() throws {
        let tally = try self.court(.falsePerson)
        self.isAlwaysCaught(tally)
        #expect(try #require(tally.gains).cheat < 0)
    }

    /// Fails if anything after the post needs the requester.
    @Test func jobsSettleWithoutTheirRequester() throws {
        let tally = try self.court(.vanishingRequester)
        #expect(tally.settled == 20)
    }

    /// Fails if two machines with one key bring the market to a stop.
    @Test func anEquivocatorStopsNoJob() throws {
        let tally = try self.court(.equivocator)
        #expect(tally.settled == 20)
    }

    // MARK: The formula

    @Test func theFormulaIsTheHypergeometricOne() {
        let one = Odds.one
        #expect(Odds.detection(faked: 1, of: 64, sample: 1, friends: 0) == one / 64)
        #expect(Odds.detection(faked: 64, of: 64, sample: 1, friends: 0) == one)
        #expect(Odds.detection(faked: 63, of: 64, sample: 2, friends: 0) == one)
        #expect(Odds.detection(faked: 0, of: 64, sample: 64, friends: 0) == 0)
        #expect(Odds.detection(faked: 64, of: 64, sample: 4, friends: one / 4) == one / 4 * 3)
        // 1 - (2/4)(1/3)
        let two = Odds.detection(faked: 2, of: 4, sample: 2, friends: 0)
        #expect(one / 6 * 5 - 4 <= two && two <= one / 6 * 5 + 8)
        // Attack 60: three distinct proposers, all of them friends; 1/120 where 3 of 10 are.
        #expect(Odds.foreseen(friends: 1, of: 4, distinct: 3) == 0)
        #expect(Odds.foreseen(friends: 2, of: 4, distinct: 3) == 0)
        #expect(Odds.foreseen(friends: 3, of: 4, distinct: 3) / 4 == one / 16)
        #expect(Odds.foreseen(friends: 3, of: 10, distinct: 3) / 4 == one / 480)
        #expect(Odds.foreseen(friends: 1, of: 1, distinct: 1) == one)
        for value in [0, 1, 2, 3, 4, 99, 100, 101, UInt128(UInt64.max)] {
            let root = Odds.root(value)
            #expect(root * root <= value && (root + 1) * (root + 1) > value)
        }
        // 10,000 throws of a coin: 50.
        #expect(Odds.deviation(10_000, one / 2) >> 32 == 50)
    }

    /// Fails if the verdict is always mild.
    @Test func aTallyKnowsWhatIsTooMuch() {
        var tally = Tally(cheat: .lazy(percent: 100), chance: Odds.one / 2)
        (tally.trials, tally.caught) = (10_000, 5_150)
        #expect(!tally.isOutside)
        tally.caught = 5_151
        #expect(tally.isOutside)
        tally.caught = 4_849
        #expect(tally.isOutside)
        tally.cheatJobs = Tally.Purse(count: 2, profit: 10)
        tally.honestJobs = Tally.Purse(count: 1, profit: 6)
        #expect(!tally.paysOff)
        tally.honestJobs.profit = 5
        #expect(tally.paysOff)
    }

    @Test func cheatsHaveNames() {
        for cheat in Cheat.all { #expect(Cheat(name: cheat.name) == cheat) }
        #expect(Cheat(name: "lazy2") == nil)
    }
}
