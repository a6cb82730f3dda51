/// What cheating came to in the courts of some seeds.
package struct Tally: Hashable, Sendable {
    /// Jobs or audits of somebody, and what they brought.
    ///
    /// - Units: motes; earned less lost, fees and what computing cost included.
    package struct Purse: Hashable, Sendable {
        /// Jobs or audits.
        package var count: UInt64
        /// Motes; below zero where more was lost.
        package var profit: Int128

        /// A purse.
        package init(count: UInt64 = 0, profit: Int128 = 0) {
            self.count = count
            self.profit = profit
        }

        /// Motes for each, rounded towards zero; nil without any.
        package var mean: Int128? { self.count == 0 ? nil : self.profit / Int128(self.count) }

        mutating func add(_ other: Purse) {
            self.count += other.count
            self.profit += other.profit
        }
    }

    /// Who cheated; nil: nobody.
    package let cheat: Cheat?
    /// That it is caught at one job or audit, in units of ``Odds``.
    package let chance: UInt64
    /// What the cheat could be caught at, and how often it was.
    package var trials: UInt64 = 0
    package var caught: UInt64 = 0
    /// Of accounts that cheat, and of all others.
    package var cheatJobs = Purse()
    package var cheatAudits = Purse()
    package var honestJobs = Purse()
    package var honestAudits = Purse()
    /// All jobs, and those that were paid in the end.
    package var posted: UInt64 = 0
    package var settled: UInt64 = 0
    /// Codes of what the cheat said on the ledger and was refused there.
    package var rejections: [UInt16] = []

    /// An empty one.
    package init(cheat: Cheat?, chance: UInt64) {
        self.cheat = cheat
        self.chance = chance
    }

    /// Takes another seed's in.
    package mutating func add(_ other: Tally) {
        self.trials += other.trials
        self.caught += other.caught
        self.cheatJobs.add(other.cheatJobs)
        self.cheatAudits.add(other.cheatAudits)
        self.honestJobs.add(other.honestJobs)
        self.honestAudits.add(other.honestAudits)
        self.posted += other.posted
        self.settled += other.settled
        self.rejections += other.rejections
    }

    /// What the formula expects, in units of ``Odds``.
    package var expected: UInt128 { UInt128(self.trials) * UInt128(self.chance) }
    /// One standard deviation of that, in the same units.
    package var deviation: UInt64 { Odds.deviation(self.trials, self.chance) }

    /// True if more or fewer were caught than three standard deviations allow.
    package var isOutside: Bool {
        let found = UInt128(self.caught) << 32
        let distance = found > self.expected ? found - self.expected : self.expected - found
        // The formula itself is rounded by fewer than 64 units for each.
        return distance > 3 * UInt128(self.deviation) + 64 * UInt128(self.trials)
    }

    /// Motes that the cheat gets for one job or audit, and what others get for it; nil where
    /// nobody is paid.
    package var gains: (cheat: Int128, honest: Int128)? {
        switch self.cheat?.role {
        case nil, .requester?, .validator?: nil
        case .provider?: Self.both(self.cheatJobs.mean, self.honestJobs.mean)
        case .auditor?: Self.both(self.cheatAudits.mean, self.honestAudits.mean)
        case .pair?:
            Self.both(
                Self.both(self.cheatJobs.mean, self.cheatAudits.mean).map { $0 + $1 },
                Self.both(self.honestJobs.mean, self.honestAudits.mean).map { $0 + $1 })
        case .person?: Self.both(self.cheatAudits.mean, 0)
        }
    }

    private static func both(_ one: Int128?, _ other: Int128?) -> (Int128, Int128)? {
        guard let one, let other else { return nil }
        return (one, other)
    }

    /// True if cheating is worth while.
    package var paysOff: Bool { self.gains.map { $0.cheat >= $0.honest } ?? false }

    /// The numbers in words.
    package var lines: [String] {
        let verb: String
        switch self.cheat?.role {
        case nil: verb = "jobs accused"
        case .provider?, .pair?: verb = "jobs of the cheat caught"
        case .auditor?: verb = "audits of the cheat caught"
        case .person?: verb = "accusations refused"
        case .requester?: verb = "jobs settled without their requester"
        case .validator?: verb = "jobs settled beside it"
        }
        var lines = [
            "\(self.settled) of \(self.posted) jobs settled",
            "\(self.caught) of \(self.trials) \(verb); the formula: d = \(Self.text(self.chance)), "
                + "\(Self.text(self.expected)) with 3 sigma of "
                + "\(Self.text(3 * UInt128(self.deviation)))",
        ]
        if let gains = self.gains {
            lines.append(
                "motes for each: the cheat \(gains.cheat), an honest one \(gains.honest); "
                    + "a leaf costs \(Court.leafCost) to compute, nothing to make up")
        }
        return lines
    }

    /// A number of ``Odds`` with four decimals, rounded to the nearest.
    private static func text(_ value: some BinaryInteger) -> String {
        let scaled = (UInt128(value) * 10_000 + UInt128(Odds.one) / 2) >> 32
        let rest = String(scaled % 10_000)
        return "\(scaled / 10_000)." + String(repeating: "0", count: 4 - rest.count) + rest
    }
}
