package import Primitives

/// The numbers a chain is born with; copied into every job when it opens.
///
/// - Units: `…Ms` are milliseconds of ledger time; amounts are motes; gas is referee gas.
/// - Source: protocol/jobs.md, "Parameters".
package struct Parameters: Record {
    /// An offer stands this long before it can be drawn (5 s).
    package var offerStandingMs: UInt64 = 5_000
    /// A provider may be awaited this long at most, whatever a job asks for.
    package var assignMsMax: UInt64 = 600_000
    /// A run may last this long at most (a day).
    package var runMsMax: UInt64 = 86_400_000
    /// From the commitment to the audit at most (an hour).
    package var auditMsMax: UInt64 = 3_600_000
    /// Between the audit and the settlement.
    package var windowMs: UInt64 = 2_000
    /// Distinct proposers whose reveals a draw waits for.
    package var drawProposers: UInt8 = 3
    /// How a job's price is divided; the one part that a ballot changes.
    package var fees = FeeTerms()
    /// A published kernel can be ordered this long after its block.
    package var kernelActivationMs: UInt64 = 1_000
    /// Referee gas per `laneMs`; publishing takes half of it at most.
    package var laneGas: UInt64 = 1 << 24
    package var laneMs: UInt64 = 500
    /// The smallest bond of an offer.
    package var bondMin: Amount = Amount(1_000_000_000)
    /// Weight of one block at most, in units of the ledger; half of it may be gas of proofs.
    package var blockWeightMax: UInt64 = 1_000_000
    /// Work due at one block's start, of each kind.
    package var duePerBlock: UInt16 = 64
    /// A drawn auditor must speak on the ledger within this time, and what its sample takes beside.
    package var auditorMs: UInt64 = 30_000
    /// A provider must answer a summons or a challenge within this time.
    package var answerMs: UInt64 = 60_000
    /// Motes that a summons or a challenge costs; the provider's if it answers.
    package var challengeFee: Amount = Amount(1_000_000)
    /// A provider's limited slash is this many times the job's price, an auditor's this many times
    /// its fee.
    package var slashMultiple: UInt8 = 5
    /// But never more than this of an auditor: the requester says the fee (1 STAR).
    package var auditorSlashMax: Amount = Amount(Amount.motesPerStar)
    /// Auditors that are drawn for one attempt at most.
    package var auditorsMax: UInt8 = 4
    /// A fault within this time of the one before is a repeat (30 days).
    package var faultMemoryMs: UInt64 = 30 * 86_400_000
    /// After a fault the provider's bond stays this long, for a second proof.
    package var liabilityMs: UInt64 = 60_000
    /// Parts of a slash; what is left is burned, at least a fifth.
    package var reporterPart: BasisPoints = Parameters.points(3_000)
    package var slashCoverPart: BasisPoints = Parameters.points(3_000)
    /// Held of an author as long as its kernel can be ordered.
    package var kernelBond: Amount = Amount(1_000_000_000)
    /// From `stake.unbond` until the coins are free (7 days).
    package var unbondingMs: UInt64 = 7 * 86_400_000
    /// How ballots are held; copied into each proposal.
    package var ballot = BallotTerms()

    /// Basis points of a constant.
    package static func points(_ value: UInt16) -> BasisPoints {
        BasisPoints(value).proven("a constant of at most 10,000")
    }

    package init() {}

    package static var blank: Parameters { Parameters() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("offerStandingMs", &self.offerStandingMs)
        try visitor.field("assignMsMax", &self.assignMsMax)
        try visitor.field("runMsMax", &self.runMsMax)
        try visitor.field("auditMsMax", &self.auditMsMax)
        try visitor.field("windowMs", &self.windowMs)
        try visitor.field("drawProposers", &self.drawProposers)
        try visitor.field("fees", &self.fees)
        try visitor.field("kernelActivationMs", &self.kernelActivationMs)
        try visitor.field("laneGas", &self.laneGas)
        try visitor.field("laneMs", &self.laneMs)
        try visitor.field("bondMin", &self.bondMin)
        try visitor.field("blockWeightMax", &self.blockWeightMax)
        try visitor.field("duePerBlock", &self.duePerBlock)
        try visitor.field("auditorMs", &self.auditorMs)
        try visitor.field("answerMs", &self.answerMs)
        try visitor.field("challengeFee", &self.challengeFee)
        try visitor.field("slashMultiple", &self.slashMultiple)
        try visitor.field("auditorSlashMax", &self.auditorSlashMax)
        try visitor.field("auditorsMax", &self.auditorsMax)
        try visitor.field("faultMemoryMs", &self.faultMemoryMs)
        try visitor.field("liabilityMs", &self.liabilityMs)
        try visitor.field("reporterPart", &self.reporterPart)
        try visitor.field("slashCoverPart", &self.slashCoverPart)
        try visitor.field("kernelBond", &self.kernelBond)
        try visitor.field("unbondingMs", &self.unbondingMs)
        try visitor.field("ballot", &self.ballot)
    }

    /// Referee gas that an auditor re-runs in a millisecond: 10^8 a second, a tenth of what the
    /// referee does on one core (a guess).
    package static let auditGasPerMs: UInt64 = 100_000
    /// Bytes of inputs that an auditor fetches in a millisecond: 16 Mbit/s (a guess).
    package static let auditBytesPerMs: UInt64 = 2_000

    /// How long a drawn auditor has, in milliseconds: `auditorMs`, and the time that the re-run of
    /// its sample and the inputs take.
    ///
    /// - Parameters: gas of one leaf, leaves in the sample, bytes of all inputs.
    /// - Rounding: down; what does not fit 64 bits is the largest number.
    package func auditorMs(leafGas: UInt64, leaves: UInt64, inputBytes: UInt64) -> UInt64 {
        let gas = UInt128(leafGas) * UInt128(leaves) / UInt128(Self.auditGasPerMs)
        let bytes = UInt128(inputBytes / Self.auditBytesPerMs)
        return UInt64(clamping: UInt128(self.auditorMs) + gas + bytes)
    }

    /// The shortest audit that a job may ask for: two auditors may be silent before the provider
    /// loses its pay.
    ///
    /// - Parameter auditorMs: of ``auditorMs(leafGas:leaves:inputBytes:)``.
    package static func auditMsMin(auditorMs: UInt64) -> UInt64 {
        let (sum, overflow) = auditorMs.addingReportingOverflow(auditorMs)
        return overflow ? .max : sum
    }

    /// What a genesis may not say, or nil if the numbers hold together.
    package var fault: String? {
        if self.laneMs == 0 { return "laneMs is zero" }
        if self.drawProposers == 0 || self.drawProposers > JobEntry.proposersMax {
            return "drawProposers is not in 1...\(JobEntry.proposersMax)"
        }
        if let fault = self.fees.fault { return fault }
        if let fault = self.ballot.fault { return fault }
        let slash = UInt32(self.reporterPart.value) + UInt32(self.slashCoverPart.value)
        if slash > 8_000 { return "less than a fifth of a slash is burned" }
        if self.auditorMs == 0 || self.answerMs == 0 { return "auditorMs or answerMs is zero" }
        if Self.auditMsMin(auditorMs: self.auditorMs) > self.auditMsMax {
            return "auditMsMax is below two auditorMs"
        }
        if self.slashMultiple == 0 { return "slashMultiple is zero" }
        if self.auditorsMax == 0 { return "auditorsMax is zero" }
        // Whoever votes stays until the ballot has its effect.
        let (ballotMs, isOver) = self.ballot.votingMs.addingReportingOverflow(
            self.ballot.timelockMs)
        if isOver || self.unbondingMs < ballotMs { return "unbondingMs is shorter than a ballot" }
        if self.duePerBlock == 0 { return "duePerBlock is zero" }
        return nil
    }
}
