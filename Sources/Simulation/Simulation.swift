package import Primitives

// Simulation
//
// A world from one seed: network, disk, devices, clocks, liars, checkers.
//
// The same `Node` and `Chain` as in the daemon, in virtual time. World/ lets things happen,
// Machines/ is what a machine is made of, Load/ who uses them, Liars/ who breaks rules, Checkers/
// what must hold, Court/ what cheating at jobs comes to.

/// When a run shall stop before its end.
package enum Until: Hashable, Sendable {
    /// A block of this height is final somewhere.
    case final(UInt64)
    case crash
    case jobSettled
    case violation

    /// `final:HEIGHT`, `crash`, `job-settled` or `violation`; nil for anything else.
    package init?(text: String) {
        switch text {
        case "crash": self = .crash
        case "job-settled": self = .jobSettled
        case "violation": self = .violation
        default:
            guard text.hasPrefix("final:"), let height = UInt64(text.dropFirst(6)) else {
                return nil
            }
            self = .final(height)
        }
    }
}

/// One run of a plan.
package enum Simulation {
    /// More events than any run needs: a world that talks without end is broken.
    package static let eventsMax: UInt64 = 20_000_000

    /// How a run went.
    package struct Outcome: Sendable {
        package let plan: Plan
        /// The first few; ``violationCount`` counts all.
        package let violations: [Violation]
        package let violationCount: Int
        package let virtualNs: UInt64
        package let events: UInt64
        /// The hash over everything that happened.
        package let digest: Digest
        package let counts: Counts
        /// What cheating came to, in a court.
        package let tally: Tally?
        /// From the return of the machines that a stall waited for to the next final block.
        package let resumedNs: UInt64?
        /// From the order to build until certified, and until final: see `Latency`.
        package let certifiedNs: [UInt64]
        package let finalNs: [UInt64]
        package let story: [String]
        /// A sentence on each machine.
        package let states: [String]
        /// False if the run ended before what it should stop at.
        package let hasStopped: Bool
    }

    /// Plays a plan to its end, or until something happens.
    package static func run(
        _ plan: Plan, tells: Bool = false, until: Until? = nil
    ) -> Outcome {
        let world = World(plan, tells: tells)
        world.latency.syncNs = plan.syncNs
        var hasStopped = false
        while world.log.count < self.eventsMax, world.next() {
            guard let until, self.holds(until, world) else { continue }
            hasStopped = true
            break
        }
        if !hasStopped {
            if world.log.count >= self.eventsMax { world.fail(.progress, "the world never ends") }
            world.end()
        }
        world.counts.blocks = world.chainWatch.height
        return Outcome(
            plan: plan, violations: world.verdicts.list, violationCount: world.verdicts.count,
            virtualNs: world.now, events: world.log.count, digest: world.log.digest,
            counts: world.counts, tally: world.court.tally, resumedNs: world.resumedNs,
            certifiedNs: world.latency.certifiedNs,
            finalNs: world.latency.finalNs, story: world.story.lines,
            states: world.hosts.map { world.state(of: $0) }, hasStopped: hasStopped)
    }

    private static func holds(_ until: Until, _ world: World) -> Bool {
        switch until {
        case .final(let height): world.chainWatch.height >= height
        case .crash: world.counts.crashes > 0
        case .jobSettled: world.chainWatch.jobs.values.contains(7)
        case .violation: world.verdicts.count > 0
        }
    }
}
