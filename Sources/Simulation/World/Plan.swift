import Primitives

/// What is played: which options are drawn, and which are fixed.
package enum Scenario: String, CaseIterable, Sendable {
    /// Every option from the seed: the ordinary run.
    case swarm
    /// Equal delays, no faults, load all the time: what finality costs.
    case steady
    /// One validator of four is two machines with one key that say different things.
    case twin
    /// One validator of four is a liar of some kind.
    case liar
    /// Two of four are killed: nothing becomes final until they return.
    case stall
    /// All machines lose power at one instant.
    case blackout
    /// One machine is off for half of the run and catches up.
    case late
    /// Many jobs, no faults, and perhaps one who cheats at them: see ``Cheat``.
    case court
    /// Two of four are twins and the network is cut between their halves: MUST fail.
    case canary
}

/// A bug that the world itself commits, to see whether the checkers notice.
package enum Plant: String, CaseIterable, Sendable {
    /// The disk says that a record is durable before it is.
    case voteBeforeDurable = "vote-before-durable"
}

/// All options of one run, drawn from its seed.
///
/// - Units: names say them; times are nanoseconds of the world where they end in `Ns`.
package struct Plan: Hashable, Sendable {
    /// Machines on one side cannot reach the others for a while.
    package struct Partition: Hashable, Sendable {
        package var fromNs: UInt64
        package var untilNs: UInt64
        /// Bit i: machine i is on the far side.
        package var side: UInt64
    }

    /// A machine stops at once and starts again.
    package struct Crash: Hashable, Sendable {
        package var host: Int
        package var atNs: UInt64
        package var downNs: UInt64
        /// Its peers hear nothing: no system is left to close its connections.
        package var isPowerLoss: Bool
        /// It happens in the middle of the next write of that kind, from `atNs` on.
        package var during = Moment.anyTime
    }

    /// When exactly a machine stops.
    package enum Moment: CaseIterable, Sendable {
        case anyTime
        /// While the journal syncs: a vote record, and perhaps a block.
        case journal
        /// While final blocks are appended, or folded into the state.
        case storage
    }

    /// A machine that lies, and how.
    package struct Lying: Hashable, Sendable {
        package var host: Int
        package var kind: Liar
    }

    package let seed: UInt64
    package let scenario: Scenario
    /// Validators.
    package var validators: Int
    /// Machines: validators and twins; machine i holds the key of `keys[i]`.
    package var keys: [Int]
    /// Of a link without jitter.
    package var delayNs: ClosedRange<UInt64> = 0...0
    package var jitterPercent: UInt64 = 0
    package var nsPerByte: UInt64 = 8
    /// Of a million datagrams and messages: lost, doubled, sent again late, connection broken.
    package var datagramLossPpm: UInt64 = 0
    package var duplicatePpm: UInt64 = 0
    package var resendPpm: UInt64 = 0
    package var breakPpm: UInt64 = 0
    package var partitions: [Partition] = []
    package var crashes: [Crash] = []
    package var liars: [Lying] = []
    /// How somebody breaks the rules of jobs; nil: nobody does.
    package var cheat: Cheat?
    package var driftPpm: UInt64 = 0
    package var offsetMs: UInt64 = 0
    package var syncNs: UInt64 = 200_000
    package var foldNs: UInt64 = 2_000_000
    package var heartbeatMs: UInt64 = 10_000
    package var foldBlocks: UInt64 = 64
    package var windowMs: UInt64 = 500
    package var drawProposers: UInt8 = 1
    /// An auditor, and a summoned provider, must speak within so long.
    package var auditorMs: UInt64 = 10_000
    package var answerMs: UInt64 = 10_000
    /// People who pay each other, and people who order work.
    package var payers = 4
    package var requesters = 2
    package var transfers = 30
    package var jobs = 2
    package var providers = 2
    package var payWaitNs: UInt64 = 0
    /// Numbers in a job's input.
    package var inputElements: UInt64 = 64
    /// Leaves of a job, and how many of them an auditor re-runs.
    package var leaves: UInt64 = 16
    package var leavesToAudit: UInt16 = 4
    /// Motes for an audit.
    package var auditFee: UInt64 = 1_000_000
    /// Jobs that an offer takes at once, and the coins behind it.
    package var capacity: UInt16 = 2
    package var bondStar: UInt64 = 50
    /// Before an auditor says its request again.
    package var askMs: UInt64 = 3_000
    /// Faults happen until here; then everything heals.
    package var safetyNs: UInt64 = 0
    /// Progress is demanded within so long after that.
    package var progressNs: UInt64 = 120_000_000_000
    package var usesRealSignatures = false
    package var plant: Plant?

    /// Draws the options of a seed.
    ///
    /// - Parameter cheat: of a court, which has ``courtValidators`` validators.
    package init(
        seed: UInt64, scenario: Scenario = .swarm, validators: Int = 4, cheat: Cheat? = nil
    ) {
        self.seed = seed
        self.scenario = scenario
        self.validators = max(1, min(validators, 16))
        self.keys = Array(0..<self.validators)
        var chance = Chance(seed, .plan)
        self.drawNetwork(&chance)
        self.drawLoad(&chance)
        switch scenario {
        case .swarm:
            self.drawFaults(&chance)
            if chance.index(4) == 0 { self.drawLiar(&chance) }
        case .steady: self.makeSteady()
        case .twin:
            self.keys.append(self.validators - 1)
            self.drawFaults(&chance)
            self.crashes = []
        case .liar:
            self.drawFaults(&chance)
            self.drawLiar(&chance)
        case .stall: self.makeStall()
        case .blackout: self.makeBlackout(&chance)
        case .late:
            let host = chance.index(self.validators)
            self.crashes = [
                Crash(host: host, atNs: 0, downNs: self.safetyNs / 2, isPowerLoss: true)
            ]
        case .court:
            self.cheat = cheat
            self.makeCourt()
        case .canary: self.makeCanary()
        }
    }

    private mutating func drawNetwork(_ chance: inout Chance) {
        let low = chance.between(1, 40) * 1_000_000
        self.delayNs = low...low + chance.between(0, 60) * 1_000_000
        self.jitterPercent = chance.between(0, 50)
        self.nsPerByte = [1, 8, 80][chance.index(3)]
        let isLossy = chance.index(3) > 0
        self.datagramLossPpm = isLossy ? chance.between(0, 200_000) : 0
        self.duplicatePpm = isLossy ? chance.between(0, 50_000) : 0
        self.resendPpm = isLossy ? chance.between(0, 30_000) : 0
        self.breakPpm = chance.index(3) == 0 ? chance.between(0, 2_000) : 0
        self.driftPpm = chance.between(0, 300)
        self.offsetMs = chance.between(0, 700)
        self.syncNs = chance.between(100_000, 400_000)
        self.foldNs = chance.between(500_000, 20_000_000)
        self.heartbeatMs = chance.between(2_000, 10_000)
        self.foldBlocks = [2, 8, 64][chance.index(3)]
        self.windowMs = chance.between(200, 2_000)
        self.drawProposers = UInt8(
            clamping: chance.between(1, min(3, UInt64(clamping: self.validators))))
    }

    private mutating func drawLoad(_ chance: inout Chance) {
        self.safetyNs = chance.between(12, 30) * 1_000_000_000
        self.payers = Int(clamping: chance.between(2, 5))
        self.requesters = Int(clamping: chance.between(1, 2))
        let isBusy = chance.index(4) == 0
        self.transfers = Int(clamping: chance.between(10, isBusy ? 150 : 40))
        self.inputElements = [64, 64, 20_000][chance.index(3)]
        self.jobs = Int(clamping: chance.between(0, 3))
        self.providers = Int(clamping: chance.between(1, UInt64(clamping: self.validators)))
        let people = UInt64(clamping: self.payers)
        self.payWaitNs = self.safetyNs * people / UInt64(clamping: max(1, self.transfers))
    }

    private mutating func drawFaults(_ chance: inout Chance) {
        let end = self.safetyNs
        for _ in 0..<chance.index(4) {
            let from = chance.between(end / 20, end)
            let side = chance.between(1, (1 << UInt64(clamping: self.keys.count)) - 2)
            let length = chance.between(100_000_000, 12_000_000_000)
            self.partitions.append(Partition(fromNs: from, untilNs: from + length, side: side))
        }
        for _ in 0..<chance.index(6) {
            let isLong = chance.index(4) == 0
            self.crashes.append(
                Crash(
                    host: chance.index(self.keys.count), atNs: chance.between(end / 20, end),
                    downNs: chance.between(50_000_000, isLong ? 15_000_000_000 : 2_000_000_000),
                    isPowerLoss: chance.index(3) == 0,
                    during: Moment.allCases[chance.index(Moment.allCases.count)]))
        }
    }

    /// Fewer than a third: with one validator in four, all others must be up for progress.
    private mutating func drawLiar(_ chance: inout Chance) {
        guard self.validators >= 4 else { return }
        let kind = Liar.allCases[chance.index(Liar.allCases.count)]
        self.liars = [Lying(host: chance.index(self.validators), kind: kind)]
    }

    private mutating func makeSteady() {
        self.delayNs = 20_000_000...20_000_000
        (self.jitterPercent, self.datagramLossPpm, self.duplicatePpm) = (0, 0, 0)
        (self.resendPpm, self.breakPpm, self.driftPpm, self.offsetMs) = (0, 0, 0, 0)
        (self.nsPerByte, self.syncNs, self.foldNs) = (1, 200_000, 2_000_000)
        (self.foldBlocks, self.jobs, self.transfers) = (64, 0, 60)
        self.safetyNs = 12_000_000_000
        self.payWaitNs = 500_000_000
    }

    private mutating func makeStall() {
        let dead = self.validators - (2 * self.validators - 1) / 3
        let down: UInt64 = 6_000_000_000
        self.crashes = (0..<dead).map {
            Crash(host: $0, atNs: 5_000_000_000, downNs: down, isPowerLoss: $0 == 1)
        }
    }

    private mutating func makeBlackout(_ chance: inout Chance) {
        let at = chance.between(4_000_000_000, self.safetyNs - 3_000_000_000)
        self.crashes = (0..<self.validators).map { host in
            let down = chance.between(100_000_000, 2_000_000_000)
            return Crash(host: host, atNs: at, downNs: down, isPowerLoss: true)
        }
    }

    /// Validators of a court: three of them also run jobs, and nobody audits its own.
    package static let courtValidators = 4

    /// Equal delays, no faults, and so many requesters that several jobs are under way at once. An
    /// offer's bond is a limited slash for each of a hundred jobs: it never runs short.
    private mutating func makeCourt() {
        self.validators = Self.courtValidators
        self.keys =
            self.cheat == .equivocator
            ? Equivocator.keys(of: self.validators) : Array(0..<self.validators)
        self.delayNs = 30_000_000...30_000_000
        (self.jitterPercent, self.datagramLossPpm, self.duplicatePpm) = (0, 0, 0)
        (self.resendPpm, self.breakPpm, self.driftPpm, self.offsetMs) = (0, 0, 0, 0)
        (self.nsPerByte, self.syncNs, self.foldNs) = (1, 200_000, 2_000_000)
        (self.foldBlocks, self.heartbeatMs, self.drawProposers) = (64, 10_000, 2)
        (self.windowMs, self.auditorMs, self.answerMs, self.askMs) = (1_500, 4_000, 3_000, 600)
        (self.payers, self.transfers, self.requesters, self.providers) = (1, 0, 10, 3)
        (self.jobs, self.leaves, self.inputElements) = (100, 64, 256)
        (self.capacity, self.bondStar) = (6, 500)
        self.payWaitNs = 2_000_000_000
        self.safetyNs = 8_000_000_000
        self.progressNs = 600_000_000_000
        self.samples(1)
    }

    /// An auditor re-runs so many leaves, and is paid twice what they cost it.
    package mutating func samples(_ leavesToAudit: UInt16) {
        self.leavesToAudit = leavesToAudit
        self.auditFee = 2 * UInt64(leavesToAudit) * Court.leafCost
    }

    /// How a machine breaks the rules of jobs, if it does.
    func cheat(of host: Int) -> Cheat? {
        self.cheat.flatMap { $0.hosts(of: self.validators).contains(host) ? $0 : nil }
    }

    /// Machines 0, 2, 3 on one side, and 1 with the twins of 2 and 3 on the other.
    private mutating func makeCanary() {
        self.validators = 4
        self.keys = [0, 1, 2, 3, 2, 3]
        self.crashes = []
        self.partitions = [Partition(fromNs: 0, untilNs: .max, side: 0b11_0010)]
        self.breakPpm = 0
        self.jobs = 0
        self.safetyNs = 12_000_000_000
    }

    /// True for a machine whose key another machine has, too.
    package func isTwin(_ host: Int) -> Bool {
        self.keys.filter { $0 == self.keys[host] }.count > 1
    }
}
