import Kernels
package import Primitives

/// Where a job stands; the order is the order of life.
package enum JobPhase: UInt8, CodeEnum {
    /// Escrow is in; a provider is awaited.
    case posted = 0
    /// A provider runs it.
    case assigned = 1
    /// The provider committed; an auditor is drawn by the next reveals.
    case committed = 2
    /// The auditor re-runs the leaves that its own chain names.
    case drawn = 3
    /// The auditor got no right openings and asks on the ledger; the provider must open there.
    case summoned = 4
    /// The provider opened on the ledger; the auditor must vouch or prove.
    case opened = 5
    /// Audited; the window is open.
    case window = 6
    /// Paid.
    case settled = 7
    /// Taken back by the requester before a provider was found.
    case cancelled = 8
    /// No provider in time; escrow returned.
    case unassigned = 9
    /// No provider committed in time; escrow returned.
    case uncommitted = 10
    /// No audit in time; escrow returned.
    case unaudited = 11
    /// Every provider drawn was wrong or silent; escrow returned.
    case faulted = 12
    /// The kernel broke its own bound; escrow returned less the gas that was measured.
    case kernelFault = 13
    /// The provider did not give the output that was asked for on the ledger; escrow returned.
    case withheld = 14

    /// Escrow is still held.
    package var isOpen: Bool {
        switch self {
        case .posted, .assigned, .committed, .drawn, .summoned, .opened, .window: true
        case .settled, .cancelled, .unassigned, .uncommitted, .unaudited, .faulted, .kernelFault,
            .withheld:
            false
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
    /// Challenges of one attempt, so that its settlement comes.
    package static let challengesMax: UInt8 = 16
    /// The last of them, which are the requester's alone.
    package static let challengesKept: UInt8 = 8

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
    /// Fee parameters in force when the job was posted.
    package var fees = FeeTerms()
    package var maxPrice: Amount = .zero
    package var auditFee: Amount = .zero
    package var escrow: Amount = .zero
    package var assignMs: UInt64 = 0
    package var runMs: UInt64 = 0
    package var auditMs: UInt64 = 0
    /// A drawn auditor's time, by the size of its sample.
    package var auditorMs: UInt64 = 0
    package var windowMs: UInt64 = 0
    package var note: [UInt8] = []
    /// Bytes of the canonical work order.
    package var orderBytes: UInt32 = 0
    /// When the present phase ends, whatever happens.
    package var due: LedgerTime = .zero
    /// When a posted job is drawn again, or the drawn auditor is late: the time of its one item.
    package var drawDue: LedgerTime = .zero
    /// Draws of this attempt's provider without a qualifying offer.
    package var redraws: UInt8 = 0

    /// Which attempt this is, from 0; those before it are ``AttemptEntry`` rows.
    package var attempt: UInt8 = 0
    package var offer: OfferID = .zero
    package var provider: AccountID = .zero
    /// The node that speaks for the provider: its key signs openings.
    package var providerNode: PublicKey = .blank
    package var price: Amount = .zero
    package var bond: Amount = .zero
    /// Offers that qualified when the provider was drawn, and their bonds together.
    package var candidates: UInt16 = 0
    package var candidateBond: Amount = .zero
    package var leafRoot: Digest = .zero
    package var outputCommitment: Digest = .zero
    package var auditor: AccountID = .zero
    package var auditorStake: Amount = .zero
    /// The auditor's number in the genesis: whose chain names the leaves.
    package var auditorSeat: UInt32 = 0
    /// Auditors drawn for this attempt.
    package var auditors: UInt8 = 0
    /// The beacon's mix at the draw, one half of the sample's seed.
    package var drawMix: Digest = .zero
    /// The draw's number in the auditor's own chain; its pre-image is the other half.
    package var auditIndex: UInt64 = 0
    /// What that pre-image leads to in `auditSteps` steps of ``RevealChain/step(_:)``.
    package var auditLink: Digest = .zero
    package var auditSteps: UInt16 = 0
    /// The pre-image, once the auditor said it on the ledger.
    package var auditReveal: Digest = .zero
    /// What the auditor bound itself to; said on the ledger by a summons.
    package var auditCommitment: Digest = .zero
    /// H of the openings given on the ledger, zero before.
    package var openingsHash: Digest = .zero
    /// Bytes of those openings beside the entry.
    package var openingsBytes: UInt32 = 0
    /// What somebody paid for a summons or a challenge; who gets it is open.
    package var prepaid: Amount = .zero
    package var challenge: Challenge?
    /// Challenges of this attempt.
    package var challenges: UInt8 = 0
    package var outputRoot: Digest = .zero

    /// When the present phase began: a deadline that slashes counts proposers from here.
    package var since = Moment()
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
        try visitor.field("fees", &self.fees)
        try visitor.field("maxPrice", &self.maxPrice)
        try visitor.field("auditFee", &self.auditFee)
        try visitor.field("escrow", &self.escrow)
        try visitor.field("assignMs", &self.assignMs)
        try visitor.field("runMs", &self.runMs)
        try visitor.field("auditMs", &self.auditMs)
        try visitor.field("auditorMs", &self.auditorMs)
        try visitor.field("windowMs", &self.windowMs)
        try visitor.bytes("note", &self.note, max: Self.noteMax)
        try visitor.field("orderBytes", &self.orderBytes)
        try visitor.field("due", &self.due)
        try visitor.field("drawDue", &self.drawDue)
        try visitor.field("redraws", &self.redraws)
        try visitor.field("attempt", &self.attempt)
        try visitor.field("offer", &self.offer)
        try visitor.field("provider", &self.provider)
        try visitor.field("providerNode", &self.providerNode)
        try visitor.field("price", &self.price)
        try visitor.field("bond", &self.bond)
        try visitor.field("candidates", &self.candidates)
        try visitor.field("candidateBond", &self.candidateBond)
        try visitor.field("leafRoot", &self.leafRoot)
        try visitor.field("outputCommitment", &self.outputCommitment)
        try visitor.field("auditor", &self.auditor)
        try visitor.field("auditorStake", &self.auditorStake)
        try visitor.field("auditorSeat", &self.auditorSeat)
        try visitor.field("auditors", &self.auditors)
        try visitor.field("drawMix", &self.drawMix)
        try visitor.field("auditIndex", &self.auditIndex)
        try visitor.field("auditLink", &self.auditLink)
        try visitor.field("auditSteps", &self.auditSteps)
        try visitor.field("auditReveal", &self.auditReveal)
        try visitor.field("auditCommitment", &self.auditCommitment)
        try visitor.field("openingsHash", &self.openingsHash)
        try visitor.field("openingsBytes", &self.openingsBytes)
        try visitor.field("prepaid", &self.prepaid)
        try visitor.field("challenge", &self.challenge)
        try visitor.field("challenges", &self.challenges)
        try visitor.field("outputRoot", &self.outputRoot)
        try visitor.field("since", &self.since)
        try visitor.field("posted", &self.posted)
        try visitor.field("assigned", &self.assigned)
        try visitor.field("committed", &self.committed)
        try visitor.field("drawn", &self.drawn)
        try visitor.field("audited", &self.audited)
        try visitor.field("closed", &self.closed)
        try visitor.field("waterfall", &self.waterfall)
    }
}

extension JobEntry {
    /// The drawn leaves; nil before the auditor said its pre-image on the ledger.
    package func sample(_ salt: ChainSalt) -> [UInt64]? {
        guard self.auditReveal != .zero else { return nil }
        return Sample.leaves(
            self.leavesToAudit, of: self.leaves, reveal: self.auditReveal, mix: self.drawMix,
            job: self.id, salt)
    }
}

extension JobEntry {
    /// True if `reveal` is the pre-image that the drawn auditor's chain has for this draw.
    ///
    /// - Bounds: `auditSteps` hashes, at most 256.
    package func isRight(reveal: Digest) -> Bool {
        var value = reveal
        for _ in 0..<self.auditSteps { value = RevealChain.step(value) }
        return value == self.auditLink && reveal != .zero
    }

    /// Why these are not the openings of `indices`, or nil.
    func fault(
        of openings: LeafOpenings, indices: [UInt64], _ salt: ChainSalt
    ) -> LeafOpenings.Fault? {
        openings.fault(
            indices: indices, leaves: self.leaves, leafRoot: self.leafRoot,
            outputCommitment: self.outputCommitment, job: self.id, provider: self.provider, salt)
    }
}

/// Somebody wants a piece of the output on the ledger.
package struct Challenge: Record {
    package var by: AccountID = .zero
    package var leaf: UInt64 = 0
    /// The first chunk of the leaf's slice, 4,096 bytes each, of at most `chunksMax`.
    package var chunk: UInt32 = 0
    /// Bytes of the leaf's slice.
    package var sliceBytes: UInt64 = 0
    package var since = Moment()
    package var due: LedgerTime = .zero
    /// When the window would have ended without it.
    package var windowEnd: LedgerTime = .zero

    /// 256 KiB in one answer.
    package static let chunksMax = 64

    package init() {}

    package static var blank: Challenge { Challenge() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("by", &self.by)
        try visitor.field("leaf", &self.leaf)
        try visitor.field("chunk", &self.chunk)
        try visitor.field("sliceBytes", &self.sliceBytes)
        try visitor.field("since", &self.since)
        try visitor.field("due", &self.due)
        try visitor.field("windowEnd", &self.windowEnd)
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
