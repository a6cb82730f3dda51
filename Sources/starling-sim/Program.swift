import ArgumentParser
import Foundation
import Primitives
import Simulation

/// Plays seeds of the simulated world, and says what went wrong in them.
@main
struct Program: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "starling-sim",
        abstract: "Runs whole networks in virtual time, each from one seed.",
        discussion: """
            The same node as in starlingd, in a world whose network, disks, clocks and people \
            follow from one number. What goes wrong is named, with the command that plays it again.

              starling-sim --seeds "0..<100"
              starling-sim --seed 7 --story
              starling-sim --seed 7 --until final:12
              starling-sim --scenario steady --seeds 20
              starling-sim --scenario court --cheat lazy10 --seeds 100

            A court plays 100 jobs a seed, with one who cheats. The status is 1 if it is not \
            caught as often as the formula says, within three standard deviations, or if it \
            earns more than an honest one.
            """)

    @Option(help: "Seeds to play: A..<B, A...B, or a number of them from 0.")
    var seeds: SeedRange?

    @Option(help: "One seed to play.")
    var seed: UInt64?

    @Flag(help: "Tell the run in sentences.")
    var story = false

    @Option(help: "Stop there and show every machine: final:HEIGHT, crash, job-settled, violation.")
    var until: String?

    @Option(help: "Validators, 1 to 16.")
    var nodes = 4

    @Option(help: "One of: \(Scenario.allCases.map(\.rawValue).joined(separator: ", ")).")
    var scenario: Scenario = .swarm

    @Option(help: "A bug that the world commits: \(Plant.allCases.map(\.rawValue).joined()).")
    var plant: Plant?

    @Option(
        help: "Who cheats in a court: \(Cheat.all.map(\.name).joined(separator: ", ")).")
    var cheat: Cheat?

    @Option(help: "Jobs of a court, 1 to 1000.")
    var jobs = 100

    @Option(help: "Leaves of 64 that an auditor of a court re-runs, 1 to 64.")
    var sample: UInt16 = 1

    @Flag(help: "Sign votes with Ed25519 instead of a keyed hash.")
    var realSignatures = false

    @Flag(help: "Play each seed twice and compare the hashes over all events.")
    var twice = false

    @Flag(help: "Print the hash over all events of each seed.")
    var hashes = false

    mutating func validate() throws {
        guard (1...16).contains(self.nodes) else {
            throw ValidationError("--nodes: 1 to 16, not \(self.nodes)")
        }
        guard self.cheat == nil || self.scenario == .court else {
            throw ValidationError("--cheat: of --scenario court only")
        }
        guard (1...1_000).contains(self.jobs), (1...64).contains(self.sample) else {
            throw ValidationError("--jobs: 1 to 1000; --sample: 1 to 64")
        }
        guard self.seeds == nil || self.seed == nil else {
            throw ValidationError("--seed plays one, --seeds plays many: give one of the two")
        }
        if let until = self.until, Until(text: until) == nil {
            throw ValidationError(
                "--until: final:HEIGHT, crash, job-settled or violation, not \(until)")
        }
    }

    mutating func run() throws {
        let range = self.seeds?.range ?? (self.seed ?? 0)..<(self.seed ?? 0) + 1
        var summary = Summary()
        for seed in range {
            var plan = Plan(
                seed: seed, scenario: self.scenario, validators: self.nodes, cheat: self.cheat)
            if self.scenario == .court {
                plan.jobs = self.jobs
                plan.samples(self.sample)
            }
            plan.plant = self.plant
            plan.usesRealSignatures = self.realSignatures
            let outcome = summary.timing {
                Simulation.run(
                    plan, tells: self.story, until: self.until.flatMap { Until(text: $0) })
            }
            summary.add(outcome)
            self.show(outcome)
            if self.twice {
                let again = Simulation.run(plan)
                if self.until == nil, again.digest != outcome.digest {
                    print("seed \(seed): two runs differ: \(outcome.digest) \(again.digest)")
                    summary.differing += 1
                }
            }
        }
        print(summary.text(of: self.scenario))
        if summary.isBad { throw ExitCode(1) }
    }

    private func show(_ outcome: Simulation.Outcome) {
        for line in outcome.story { print(line) }
        if self.hashes { print("seed \(outcome.plan.seed): \(outcome.digest.hex)") }
        if self.until != nil {
            let end = outcome.hasStopped ? "stopped" : "ended before that"
            print("seed \(outcome.plan.seed) \(end) at \(outcome.virtualNs / 1_000_000) ms")
            for state in outcome.states { print("  \(state)") }
        }
        guard outcome.violationCount > 0 else { return }
        print("seed \(outcome.plan.seed): \(outcome.violationCount) violations")
        for violation in outcome.violations {
            print("  at \(violation.atNs / 1_000_000) ms, \(violation)")
        }
        print("  again: \(self.command(outcome.plan.seed))")
    }

    private func command(_ seed: UInt64) -> String {
        var words = ["starling-sim --seed \(seed)"]
        if self.scenario != .swarm { words.append("--scenario \(self.scenario.rawValue)") }
        if let cheat = self.cheat { words.append("--cheat \(cheat.name)") }
        if self.jobs != 100 { words.append("--jobs \(self.jobs)") }
        if self.sample != 1 { words.append("--sample \(self.sample)") }
        if self.nodes != 4 { words.append("--nodes \(self.nodes)") }
        if let plant = self.plant { words.append("--plant \(plant.rawValue)") }
        if self.realSignatures { words.append("--real-signatures") }
        return (words + ["--story"]).joined(separator: " ")
    }
}

extension Scenario: ExpressibleByArgument {}
extension Plant: ExpressibleByArgument {}

extension Cheat: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
}

/// `A..<B`, `A...B`, or a number of seeds from 0.
struct SeedRange: ExpressibleByArgument {
    let range: Range<UInt64>

    init?(argument: String) {
        if let count = UInt64(argument) {
            self.range = 0..<count
            return
        }
        let isClosed = argument.contains("...")
        let ends = argument.components(separatedBy: isClosed ? "..." : "..<")
        guard ends.count == 2, let first = UInt64(ends[0]), let last = UInt64(ends[1]),
            first <= last, last < .max
        else { return nil }
        self.range = first..<(isClosed ? last + 1 : last)
    }
}
