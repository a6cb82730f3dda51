import Foundation
import Primitives
import Simulation

/// What all seeds of one call come to.
struct Summary {
    private var seeds = 0
    private var bad: [UInt64] = []
    private var violations = 0
    private var virtualNs: UInt64 = 0
    private var events: UInt64 = 0
    private var seconds = 0.0
    private var blocks: UInt64 = 0
    private var transactions = 0
    private var posted = 0
    private var settled = 0
    private var crashes = 0
    private var cuts = 0
    private var lost = 0
    private var resumed: [Double] = []
    private var certified: [Double] = []
    private var final: [Double] = []
    private var tally: Tally?
    /// Seeds whose second run was another.
    var differing = 0

    var isBad: Bool {
        self.violations > 0 || self.differing > 0
            || self.tally.map { $0.isOutside || $0.paysOff } ?? false
    }

    /// Runs something and adds the time that it took.
    mutating func timing<T>(_ body: () -> T) -> T {
        let start = Date()
        defer { self.seconds += Date().timeIntervalSince(start) }
        return body()
    }

    mutating func add(_ outcome: Simulation.Outcome) {
        self.seeds += 1
        self.violations += outcome.violationCount
        if outcome.violationCount > 0 { self.bad.append(outcome.plan.seed) }
        self.virtualNs += outcome.virtualNs
        self.events += outcome.events
        self.blocks += outcome.counts.blocks
        self.transactions += outcome.counts.transactions
        self.posted += outcome.counts.jobsPosted
        self.settled += outcome.counts.jobsSettled
        self.crashes += outcome.counts.crashes
        self.cuts += outcome.counts.cuts
        self.lost += outcome.counts.lostWrites
        if let resumed = outcome.resumedNs { self.resumed.append(Double(resumed) / 1e6) }
        if let tally = outcome.tally {
            if self.tally == nil { self.tally = tally } else { self.tally?.add(tally) }
        }
        let delay = Double(outcome.plan.delayNs.lowerBound)
        if let median = Self.median(outcome.certifiedNs) { self.certified.append(median / delay) }
        if let median = Self.median(outcome.finalNs) { self.final.append(median / delay) }
    }

    func text(of scenario: Scenario) -> String {
        let virtual = Double(self.virtualNs) / 1e9
        var lines = [
            "\(self.seeds) seeds: \(self.violations) violations, \(self.blocks) blocks, "
                + "\(self.transactions) transactions, \(self.settled) of \(self.posted) jobs "
                + "settled, \(self.crashes) crashes with \(self.lost) lost writes, "
                + "\(self.cuts) partitions",
            String(
                format: "%.1f s of the world in %.1f s: %.0f times real time, %.0f events a second",
                virtual, self.seconds, virtual / max(self.seconds, 1e-9),
                Double(self.events) / max(self.seconds, 1e-9)),
        ]
        if !self.bad.isEmpty {
            let names = self.bad.prefix(20).map { "\($0)" }.joined(separator: " ")
            lines.append("first bad seed \(self.bad[0]); bad seeds: \(names)")
        }
        if scenario == .stall, let median = Self.median(self.resumed) {
            lines.append(
                String(
                    format: "after the return of two machines the next block was final in "
                        + "%.0f ms (median), %.0f ms at most", median, self.resumed.max() ?? 0))
        }
        if scenario == .steady, let block = Self.median(self.certified),
            let final = Self.median(self.final)
        {
            lines.append(
                String(
                    format: "in one-way delays, less two executions and two syncs: "
                        + "block %.2f, final %.2f (median of %d seeds)",
                    block, final, self.seeds))
        }
        if let tally = self.tally {
            lines += tally.lines
            if tally.isOutside { lines.append("that is more than three sigma off the formula") }
            if tally.paysOff { lines.append("cheating pays") }
        }
        return lines.joined(separator: "\n")
    }

    private static func median(_ values: [UInt64]) -> Double? {
        self.median(values.map { Double($0) })
    }

    private static func median(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.sorted()[values.count / 2]
    }
}
