package import Ledger
package import Primitives

/// The tables of the economy: tags 100 and above.
///
/// - Source: protocol/state.md, "Tables".
package enum EconomyTable {
    /// One row each, keyed by 0.
    package static let parameters = Table<UInt8, Parameters>(tag: 100, name: "parameters")
    package static let counters = Table<UInt8, Counters>(tag: 101, name: "counters")
    package static let beacon = Table<UInt8, Beacon>(tag: 102, name: "beacon")
    package static let lane = Table<UInt8, RefereeLane>(tag: 103, name: "lane")
    /// Validators by their number in the genesis.
    package static let validator = Table<UInt32, Validator>(tag: 110, name: "validator")
    package static let kernel = Table<KernelID, KernelEntry>(tag: 120, name: "kernel")
    package static let kernelSequence = Table<UInt64, KernelID>(tag: 121, name: "kernelSequence")
    package static let offer = Table<OfferID, OfferEntry>(tag: 130, name: "offer")
    /// The list of offers: slot to offer, without gaps.
    package static let offerPage = Table<UInt32, OfferPage>(tag: 131, name: "offerPage")
    package static let job = Table<JobID, JobEntry>(tag: 140, name: "job")
    package static let jobSequence = Table<UInt64, JobID>(tag: 141, name: "jobSequence")
    package static let attempt = Table<AttemptKey, AttemptEntry>(tag: 142, name: "attempt")
    package static let fault = Table<AccountID, FaultEntry>(tag: 143, name: "fault")
    package static let piece = Table<PieceKey, Piece>(tag: 150, name: "piece")
    package static let duePage = Table<UInt32, DuePage>(tag: 160, name: "duePage")
    package static let draw = Table<UInt64, JobID>(tag: 161, name: "draw")
    package static let auditDraw = Table<UInt64, JobID>(tag: 162, name: "auditDraw")
    /// One row, keyed by 0.
    package static let stakePool = Table<UInt8, StakePool>(tag: 170, name: "stakePool")
    package static let stake = Table<AccountID, StakeEntry>(tag: 171, name: "stake")
    package static let proposal = Table<ProposalID, ProposalEntry>(tag: 180, name: "proposal")
    package static let proposalSequence = Table<UInt64, ProposalID>(
        tag: 181, name: "proposalSequence")
    package static let ballot = Table<BallotKey, BallotEntry>(tag: 182, name: "ballot")
}

/// Running numbers and sums of the whole economy.
package struct Counters: Record {
    package var kernels: UInt64 = 0
    package var offers: UInt64 = 0
    package var jobs: UInt64 = 0
    /// Offers in the list.
    package var standing: UInt32 = 0
    /// Items in the due heap.
    package var due: UInt32 = 0
    /// Orders due items of one time.
    package var dueSequence: UInt64 = 0
    /// The queue of posted jobs is [drawHead, drawTail).
    package var drawHead: UInt64 = 0
    package var drawTail: UInt64 = 0
    /// The queue of committed jobs is [auditHead, auditTail).
    package var auditHead: UInt64 = 0
    package var auditTail: UInt64 = 0
    package var openJobs: UInt64 = 0
    /// Sum of the escrows of open jobs: the escrow account's balance.
    package var escrow: Amount = .zero
    /// Sum of what open jobs hold for summonses and challenges, beside their escrows.
    package var prepaid: Amount = .zero
    /// Jobs that are challenged, and jobs that are summoned.
    package var challenges: UInt32 = 0
    package var summonses: UInt32 = 0
    /// Sum of the bonds of offers: what is held.
    package var bonds: Amount = .zero
    /// Proposals ever made, and those still open.
    package var proposals: UInt64 = 0
    package var openProposals: UInt32 = 0

    /// Open challenges, and as many open summonses, that the chain has at once.
    package static let challengesMax: UInt32 = 32
    /// Of those challenges, the ones of others than the requesters.
    package static let strangersMax: UInt32 = 16

    package init() {}

    package static var blank: Counters { Counters() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("kernels", &self.kernels)
        try visitor.field("offers", &self.offers)
        try visitor.field("jobs", &self.jobs)
        try visitor.field("standing", &self.standing)
        try visitor.field("due", &self.due)
        try visitor.field("dueSequence", &self.dueSequence)
        try visitor.field("drawHead", &self.drawHead)
        try visitor.field("drawTail", &self.drawTail)
        try visitor.field("auditHead", &self.auditHead)
        try visitor.field("auditTail", &self.auditTail)
        try visitor.field("openJobs", &self.openJobs)
        try visitor.field("escrow", &self.escrow)
        try visitor.field("prepaid", &self.prepaid)
        try visitor.field("challenges", &self.challenges)
        try visitor.field("summonses", &self.summonses)
        try visitor.field("bonds", &self.bonds)
        try visitor.field("proposals", &self.proposals)
        try visitor.field("openProposals", &self.openProposals)
    }
}

/// The randomness of the chain, and how much referee gas a window of time has used, follow.
package struct Beacon: Record {
    package var mix: Digest = .zero
    /// Who revealed last, and how often anybody did.
    package var proposer: NodeID = .zero
    package var count: UInt64 = 0

    package init() {}

    package static var blank: Beacon { Beacon() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("mix", &self.mix)
        try visitor.field("proposer", &self.proposer)
        try visitor.field("count", &self.count)
    }
}

/// Referee gas used by publishing in the present window of ledger time.
package struct RefereeLane: Record {
    /// Ledger time divided by the window's length.
    package var window: UInt64 = 0
    package var used: UInt64 = 0

    package init() {}

    package static var blank: RefereeLane { RefereeLane() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("window", &self.window)
        try visitor.field("used", &self.used)
    }
}

/// A validator of the genesis, and how far its hash chain is revealed.
package struct Validator: Record {
    package var key: PublicKey = .blank
    package var stake: Amount = .zero
    package var payout: AccountID = .zero
    /// The anchor at first, then the last reveal.
    package var lastReveal: Digest = .zero
    package var reveals: UInt64 = 0
    /// The block it made last.
    package var proposed = Moment()
    /// The chain that names the leaves it audits: the anchor at first, then the newest pre-image.
    package var auditReveal: Digest = .zero
    /// The number of that pre-image.
    package var auditsRevealed: UInt64 = 0
    /// Draws so far: the next one has the next number.
    package var auditsDrawn: UInt64 = 0
    /// Pre-images in the chain: after so many draws there is no next one.
    package var auditCount: UInt32 = 0

    package init() {}

    package init(
        key: PublicKey, stake: Amount, payout: AccountID, anchor: Digest, auditAnchor: Digest,
        auditCount: UInt32
    ) {
        self.key = key
        self.stake = stake
        self.payout = payout
        self.lastReveal = anchor
        self.auditReveal = auditAnchor
        self.auditCount = auditCount
    }

    package static var blank: Validator { Validator() }

    /// The node that the key names.
    package var node: NodeID { NodeID.of(self.key) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("key", &self.key)
        try visitor.field("stake", &self.stake)
        try visitor.field("payout", &self.payout)
        try visitor.field("lastReveal", &self.lastReveal)
        try visitor.field("reveals", &self.reveals)
        try visitor.field("proposed", &self.proposed)
        try visitor.field("auditReveal", &self.auditReveal)
        try visitor.field("auditsRevealed", &self.auditsRevealed)
        try visitor.field("auditsDrawn", &self.auditsDrawn)
        try visitor.field("auditCount", &self.auditCount)
    }
}

/// One page of the list of offers.
package struct OfferPage: Record {
    package static let size: UInt32 = 32

    package var offers: [OfferID] = []

    package init() {}

    package static var blank: OfferPage { OfferPage() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.list("offers", &self.offers, max: Int(Self.size))
    }
}

/// What is kept in pieces because it exceeds one row.
package enum PieceKind: UInt8, CodeEnum {
    case kernel = 0
    case order = 1
    /// Openings that a provider gave on the ledger.
    case openings = 2
}

/// Names one piece.
package struct PieceKey: Record {
    package var kind: PieceKind = .kernel
    package var subject: Digest = .zero
    package var index: UInt32 = 0

    package init(kind: PieceKind, subject: Digest, index: UInt32) {
        self.kind = kind
        self.subject = subject
        self.index = index
    }

    package static var blank: PieceKey { PieceKey(kind: .kernel, subject: .zero, index: 0) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("kind", &self.kind)
        try visitor.field("subject", &self.subject)
        try visitor.field("index", &self.index)
    }
}

/// One piece of something larger.
package struct Piece: Record {
    package var bytes: [UInt8] = []

    package init(bytes: [UInt8]) { self.bytes = bytes }

    package static var blank: Piece { Piece(bytes: []) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.bytes("bytes", &self.bytes, max: Pieces.bytes)
    }
}

/// How large things are cut: all pieces are full but the last.
package enum Pieces {
    /// Bytes in a piece: with deposit and length it stays below the row's 2 KiB.
    package static let bytes = 1_920
    /// The largest thing kept so: a kernel package.
    package static let blobMax = 96 * 1_024

    /// Pieces that so many bytes need.
    package static func count(_ bytes: Int) -> Int { (bytes + Self.bytes - 1) / Self.bytes }
}

/// Why an item of the due queue was put there.
package enum DueKind: UInt8, CodeEnum {
    /// A job's phase ends.
    case job = 0
    /// An offer's time is over.
    case offer = 1
    /// A job without a qualifying offer is drawn again.
    case draw = 2
    /// An offer whose provider was at fault is free to go.
    case liability = 3
    /// A challenge was not answered.
    case challenge = 4
    /// Unbonded stake is free.
    case unbonding = 5
    /// A proposal's voting ends, or its timelock.
    case proposal = 6
}

/// One item of the due queue, ordered by time, then sequence.
package struct DueItem: Record, Comparable {
    package var time: LedgerTime = .zero
    package var sequence: UInt64 = 0
    package var kind: DueKind = .job
    package var subject: Digest = .zero

    package static var blank: DueItem { DueItem() }

    package static func < (left: DueItem, right: DueItem) -> Bool {
        left.time == right.time ? left.sequence < right.sequence : left.time < right.time
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("time", &self.time)
        try visitor.field("sequence", &self.sequence)
        try visitor.field("kind", &self.kind)
        try visitor.field("subject", &self.subject)
    }
}

/// One page of the due heap: item i of the heap is item i % 32 of page i / 32.
package struct DuePage: Record {
    package static let size: UInt32 = 32

    package var items: [DueItem] = []

    package init() {}

    package static var blank: DuePage { DuePage() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.list("items", &self.items, max: Int(Self.size))
    }
}

/// The accounts that no key owns: hashes of their names.
package enum ModuleAccount {
    package static let escrow = Self.named("jobs.escrow")
    package static let stakers = Self.named("fees.stakers")
    package static let treasury = Self.named("fees.treasury")
    package static let cover = Self.named("fees.cover")

    /// True for an account that only a module moves money out of.
    package static func owns(_ account: AccountID) -> Bool {
        account == Self.escrow || account == Self.stakers || account == Self.treasury
            || account == Self.cover
    }

    private static func named(_ name: String) -> AccountID { .module(name) }

    /// All of them, for the genesis.
    package static let names = ["jobs.escrow", "fees.stakers", "fees.treasury", "fees.cover"]
}
