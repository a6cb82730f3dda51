import Foundation
import Primitives
import Simulation
import Testing

/// Whole networks in virtual time, each from one seed: what must hold, and what must be noticed.
@Suite struct SimulationTests {
    /// Violations and the seed, for a failure's text.
    private func words(_ outcome: Simulation.Outcome) -> String {
        let list = outcome.violations.prefix(5).map(\.description).joined(separator: "; ")
        let scenario = outcome.plan.scenario.rawValue
        return "seed \(outcome.plan.seed) of \(scenario): \(outcome.violationCount): \(list)"
    }

    /// The seeds to play: those of the test, or the one that STARLING_SEED names.
    private func seeds(_ count: UInt64) -> Range<UInt64> {
        guard let text = ProcessInfo.processInfo.environment["STARLING_SEED"],
            let seed = UInt64(text)
        else { return 0..<count }
        return seed..<seed + 1
    }

    @Test func twentySeedsKeepEveryRule() {
        var crashes = 0
        var transactions = 0
        for seed in self.seeds(20) {
            let outcome = Simulation.run(Plan(seed: seed))
            #expect(outcome.violationCount == 0, "\(self.words(outcome))")
            #expect(outcome.counts.blocks > 0, "seed \(seed) made no block")
            crashes += outcome.counts.crashes
            transactions += outcome.counts.transactions
        }
        #expect(crashes > 0 && transactions > 0, "the seeds play faults and payments")
    }

    @Test func everyScenarioKeepsEveryRule() {
        for scenario in Scenario.allCases where scenario != .canary && scenario != .court {
            for seed in self.seeds(2) {
                let outcome = Simulation.run(Plan(seed: seed, scenario: scenario))
                #expect(outcome.violationCount == 0, "\(self.words(outcome))")
            }
        }
    }

    @Test func twoLiarsOfFourAreNoticed() {
        for seed in self.seeds(3) {
            let outcome = Simulation.run(Plan(seed: seed, scenario: .canary))
            let rules = outcome.violations.map(\.rule)
            #expect(rules.contains(.agreement), "seed \(seed): \(rules)")
        }
    }

    @Test func aVoteBeforeItsRecordIsNoticed() {
        var plan = Plan(seed: 0)
        plan.plant = .voteBeforeDurable
        let outcome = Simulation.run(plan, until: .violation)
        #expect(outcome.violations.first?.rule == .voteDurable)
    }

    @Test func oneSeedIsOneRun() {
        let first = Simulation.run(Plan(seed: 3))
        let second = Simulation.run(Plan(seed: 3))
        #expect(first.digest == second.digest && first.events == second.events)
        #expect(first.digest != Simulation.run(Plan(seed: 4)).digest)
        // Listening changes nothing.
        #expect(Simulation.run(Plan(seed: 3), tells: true).digest == first.digest)
    }

    @Test func signaturesOfVotesMayBeReal() {
        var plan = Plan(seed: 5, scenario: .steady)
        plan.usesRealSignatures = true
        let outcome = Simulation.run(plan, until: .final(5))
        #expect(outcome.violationCount == 0, "\(self.words(outcome))")
        #expect(outcome.hasStopped && outcome.counts.blocks >= 5)
    }

    @Test func finalityTakesThreeDelays() throws {
        let outcome = Simulation.run(Plan(seed: 1, scenario: .steady))
        let delay = outcome.plan.delayNs.lowerBound
        let block = outcome.certifiedNs.sorted()[outcome.certifiedNs.count / 2]
        let final = outcome.finalNs.sorted()[outcome.finalNs.count / 2]
        #expect(block * 10 <= delay * 22, "\(block) ns for a delay of \(delay) ns")
        #expect(final * 10 <= delay * 33, "\(final) ns for a delay of \(delay) ns")
    }

    @Test func aRunStopsWhereItShall() {
        for (text, seed) in [("crash", UInt64(2)), ("final:3", 0), ("job-settled", 1)] {
            let outcome = Simulation.run(
                Plan(seed: seed), tells: true, until: Until(text: text))
            #expect(outcome.hasStopped, "\(text)")
            #expect(outcome.states.count == 4 && !outcome.story.isEmpty, "\(text)")
        }
        #expect(Until(text: "final:") == nil && Until(text: "noon") == nil)
    }

    @Test func otherNumbersOfValidatorsWork() {
        for validators in [1, 3, 7] {
            let outcome = Simulation.run(Plan(seed: 1, validators: validators))
            #expect(outcome.violationCount == 0, "\(validators): \(self.words(outcome))")
        }
    }
}
