package import Primitives

/// What a job's numbers say, for people and for the checker: derived from the job's entry, its
/// attempts and the chain's salt alone.
///
/// - Units: `…Ppm` are parts per million, rounded up: never better than it was.
/// - Source: protocol/jobs.md, "Receipt".
package struct JobReceipt: Record {
    package var job: JobEntry = .blank
    /// The leaves that the auditor re-ran, in its order; empty before the audit.
    package var sample: [UInt64] = []
    /// How many they are.
    package var leavesRerun: UInt64 = 0
    /// Chance that faking 1 % of the leaves went unseen.
    package var unseenOnePercentPpm: UInt32 = 1_000_000
    /// Chance that faking 10 % of the leaves went unseen.
    package var unseenTenPercentPpm: UInt32 = 1_000_000
    /// The provider's bond that stood behind the job.
    package var stakeAtRisk: Amount = .zero
    /// The auditor's stake that stood behind its word.
    package var auditorStake: Amount = .zero
    /// Those who had the job before and failed, in order.
    package var attempts: [AttemptEntry] = []

    package static var blank: JobReceipt { JobReceipt() }

    init() {}

    package init(_ job: JobEntry, attempts: [AttemptEntry], _ salt: ChainSalt) {
        self.job = job
        self.sample = job.audited == nil ? [] : job.sample(salt) ?? []
        self.leavesRerun = UInt64(self.sample.count)
        self.unseenOnePercentPpm = Detection.unseenPpm(
            leaves: job.leaves, audited: self.leavesRerun, fakedPercent: 1)
        self.unseenTenPercentPpm = Detection.unseenPpm(
            leaves: job.leaves, audited: self.leavesRerun, fakedPercent: 10)
        self.stakeAtRisk = job.bond
        self.auditorStake = job.auditorStake
        self.attempts = attempts
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.list("sample", &self.sample, max: JobEntry.auditedMax)
        try visitor.field("leavesRerun", &self.leavesRerun)
        try visitor.field("unseenOnePercentPpm", &self.unseenOnePercentPpm)
        try visitor.field("unseenTenPercentPpm", &self.unseenTenPercentPpm)
        try visitor.field("stakeAtRisk", &self.stakeAtRisk)
        try visitor.field("auditorStake", &self.auditorStake)
        try visitor.list("attempts", &self.attempts, max: Int(AttemptEntry.countMax))
    }
}

/// The chance that a sample misses every faked leaf.
package enum Detection {
    private static let scale: UInt128 = 1 << 64

    /// Drawing `audited` of `leaves` without repetition misses ceil(percent of `leaves`) faked
    /// ones.
    ///
    /// Hypergeometric: the product over i of (honest - i) / (leaves - i).
    ///
    /// - Rounding: up at each of at most `JobEntry.auditedMax` steps; parts per million, up.
    package static func unseenPpm(leaves: UInt64, audited: UInt64, fakedPercent: UInt64) -> UInt32 {
        let percent = min(fakedPercent, 100)
        guard leaves > 0, audited > 0, percent > 0 else { return 1_000_000 }
        let faked = mulDiv128(UInt128(leaves), UInt128(percent), 100, .up)
            .proven("a part of 64 bits")
        let honest = UInt128(leaves) - faked
        var chance = Self.scale
        for index in 0..<UInt128(min(audited, leaves, UInt64(JobEntry.auditedMax))) {
            guard honest > index else { return 0 }
            chance = mulDiv128(chance, honest - index, UInt128(leaves) - index, .up)
                .proven("a part of the scale")
        }
        let ppm = mulDiv128(chance, 1_000_000, Self.scale, .up).proven("at most a million")
        return UInt32(clamping: ppm)
    }
}
