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
    /// The protocol's part of a job's price.
    package var protocolFee: BasisPoints = Parameters.points(250)
    /// Parts of the protocol fee; what is left of it is burned.
    package var stakersPart: BasisPoints = Parameters.points(4_000)
    package var treasuryPart: BasisPoints = Parameters.points(3_000)
    package var coverPart: BasisPoints = Parameters.points(2_000)
    /// A published kernel can be ordered this long after its block.
    package var kernelActivationMs: UInt64 = 1_000
    /// Referee gas per `laneMs`; half of it is kept for proofs.
    package var laneGas: UInt64 = 1 << 24
    package var laneMs: UInt64 = 500
    /// The smallest bond of an offer.
    package var bondMin: Amount = Amount(1_000_000_000)
    /// Weight of one block at most, in units of the ledger.
    package var blockWeightMax: UInt64 = 1_000_000
    /// Work due at one block's start, of each kind.
    package var duePerBlock: UInt16 = 64

    static func points(_ value: UInt16) -> BasisPoints {
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
        try visitor.field("protocolFee", &self.protocolFee)
        try visitor.field("stakersPart", &self.stakersPart)
        try visitor.field("treasuryPart", &self.treasuryPart)
        try visitor.field("coverPart", &self.coverPart)
        try visitor.field("kernelActivationMs", &self.kernelActivationMs)
        try visitor.field("laneGas", &self.laneGas)
        try visitor.field("laneMs", &self.laneMs)
        try visitor.field("bondMin", &self.bondMin)
        try visitor.field("blockWeightMax", &self.blockWeightMax)
        try visitor.field("duePerBlock", &self.duePerBlock)
    }

    /// What a genesis may not say, or nil if the numbers hold together.
    package var fault: String? {
        if self.laneMs == 0 { return "laneMs is zero" }
        if self.drawProposers == 0 || self.drawProposers > JobEntry.proposersMax {
            return "drawProposers is not in 1...\(JobEntry.proposersMax)"
        }
        let parts =
            UInt32(self.stakersPart.value) + UInt32(self.treasuryPart.value)
            + UInt32(self.coverPart.value)
        if parts > UInt32(BasisPoints.whole) { return "parts of the fee exceed the fee" }
        if self.protocolFee.value > 5_000 { return "protocolFee exceeds half" }
        if self.duePerBlock == 0 { return "duePerBlock is zero" }
        return nil
    }
}
