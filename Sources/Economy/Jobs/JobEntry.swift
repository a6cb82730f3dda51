package import Primitives

/// Where a job stands; the order is the order of life.
package enum JobPhase: UInt8, CodeEnum {
    /// Escrow is in; a provider is awaited.
    case posted = 0
    /// A provider runs it.
    case assigned = 1
    /// The provider committed; an auditor is drawn by the next reveals.
    case committed = 2
    /// The auditor re-runs the drawn leaves.
    case drawn = 3
    /// Audited; the window is open.
    case window = 4
    /// Paid.
    case settled = 5
    /// Taken back by the requester before a provider was found.
    case cancelled = 6
    /// No provider in time; escrow returned.
    case unassigned = 7
    /// The provider did not commit in time; escrow returned.
    case uncommitted = 8
    /// No agreeing audit in time; escrow returned.
    case unaudited = 9

    /// Escrow is still held.
    package var isOpen: Bool {
        switch self {
        case .posted, .assigned, .committed, .drawn, .window: true
        case .settled, .cancelled, .unassigned, .uncommitted, .unaudited: false
        }
    }
}

/// A moment of the chain: the block and its ledger time.
package struct Moment: Record {
    package var height: UInt64 = 0
    package var time: LedgerTime = .zero

    package init() {}

    package static var blank: Moment { Moment() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("height", &self.height)
        try visitor.field("time", &self.time)
    }
}

/// Everything the state knows of one job. The work order lies beside it, in pieces.
///
/// - Bounds: `auditedMax` leaves, `noteMax` bytes; the entry stays below 2 KiB.
/// - Invariant: `escrow` is zero exactly when the phase is closed.
package struct JobEntry: Record {
    /// Leaves one audit may ask for.
    package static let auditedMax = 64
    /// Bytes of the requester's own data.
    package static let noteMax = 256
    /// Distinct proposers of one draw.
    package static let proposersMax: UInt8 = 8

    package var id: JobID = .zero
    package var sequence: UInt64 = 0
    package var phase: JobPhase = .posted
    package var requester: AccountID = .zero
    package var kernel: KernelID = .zero
    package var exactness: UInt8 = 0
    package var leaves: UInt64 = 0
    package var gas: UInt64 = 0
    package var outputBytes: UInt64 = 0
    package var leavesToAudit: UInt16 = 0
    package var maxPrice: Amount = .zero
    package var auditFee: Amount = .zero
    package var escrow: Amount = .zero
    package var runMs: UInt64 = 0
    package var auditMs: UInt64 = 0
    package var windowMs: UInt64 = 0
    package var note: [UInt8] = []
    /// Bytes of the canonical work order.
    package var orderBytes: UInt32 = 0
    /// When the present phase ends, whatever happens.
    package var due: LedgerTime = .zero

    package var offer: OfferID = .zero
    package var provider: AccountID = .zero
    package var price: Amount = .zero
    package var bond: Amount = .zero
    package var leafRoot: Digest = .zero
    package var outputCommitment: Digest = .zero
    package var proposers: [NodeID] = []
    package var auditor: AccountID = .zero
    package var auditorStake: Amount = .zero
    package var indices: [UInt64] = []
    package var outputRoot: Digest = .zero

    package var posted = Moment()
    package var assigned: Moment?
    package var committed: Moment?
    package var drawn: Moment?
    package var audited: Moment?
    package var closed: Moment?
    package var waterfall: Waterfall?

    package init() {}

    package static var blank: JobEntry { JobEntry() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("id", &self.id)
        try visitor.field("sequence", &self.sequence)
        try visitor.field("phase", &self.phase)
        try visitor.field("requester", &self.requester)
        try visitor.field("kernel", &self.kernel)
        try visitor.field("exactness", &self.exactness)
        try visitor.field("leaves", &self.leaves)
        try visitor.field("gas", &self.gas)
        try visitor.field("outputBytes", &self.outputBytes)
        try visitor.field("leavesToAudit", &self.leavesToAudit)
        try visitor.field("maxPrice", &self.maxPrice)
        try visitor.field("auditFee", &self.auditFee)
        try visitor.field("escrow", &self.escrow)
        try visitor.field("runMs", &self.runMs)
        try visitor.field("auditMs", &self.auditMs)
        try visitor.field("windowMs", &self.windowMs)
        try visitor.bytes("note", &self.note, max: Self.noteMax)
        try visitor.field("orderBytes", &self.orderBytes)
        try visitor.field("due", &self.due)
        try visitor.field("offer", &self.offer)
        try visitor.field("provider", &self.provider)
        try visitor.field("price", &self.price)
        try visitor.field("bond", &self.bond)
        try visitor.field("leafRoot", &self.leafRoot)
        try visitor.field("outputCommitment", &self.outputCommitment)
        try visitor.list("proposers", &self.proposers, max: Int(Self.proposersMax))
        try visitor.field("auditor", &self.auditor)
        try visitor.field("auditorStake", &self.auditorStake)
        try visitor.list("indices", &self.indices, max: Self.auditedMax)
        try visitor.field("outputRoot", &self.outputRoot)
        try visitor.field("posted", &self.posted)
        try visitor.field("assigned", &self.assigned)
        try visitor.field("committed", &self.committed)
        try visitor.field("drawn", &self.drawn)
        try visitor.field("audited", &self.audited)
        try visitor.field("closed", &self.closed)
        try visitor.field("waterfall", &self.waterfall)
    }
}

/// The event of a job that enters a phase.
package struct JobChange: Record {
    /// The event's kind in receipts.
    package static let kind: UInt16 = 1180

    package var job: JobID = .zero
    package var phase: JobPhase = .posted

    package static var blank: JobChange { JobChange() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.field("phase", &self.phase)
    }
}
