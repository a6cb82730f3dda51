package import Primitives

/// How ballots are held; copied into each proposal, so that no later change revives or kills it.
package struct BallotTerms: Record {
    /// From the proposal to the end of voting (3 days).
    package var votingMs: UInt64 = 3 * 86_400_000
    /// From a won ballot to its effect (2 days): time to leave.
    package var timelockMs: UInt64 = 2 * 86_400_000
    /// Part of total power that must vote, abstentions included.
    package var quorum: BasisPoints = Parameters.points(2_000)
    /// Part of yes and no together that yes must reach.
    package var threshold: BasisPoints = Parameters.points(6_000)
    /// Held of the proposer until the count; the treasury's if too few vote.
    package var deposit: Amount = Amount(100 * Amount.motesPerStar)
    /// Power at the snapshot that a proposer needs.
    package var powerMin: Amount = Amount(10 * Amount.motesPerStar)

    package init() {}

    package static var blank: BallotTerms { BallotTerms() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("votingMs", &self.votingMs)
        try visitor.field("timelockMs", &self.timelockMs)
        try visitor.field("quorum", &self.quorum)
        try visitor.field("threshold", &self.threshold)
        try visitor.field("deposit", &self.deposit)
        try visitor.field("powerMin", &self.powerMin)
    }

    /// What a genesis may not say, or nil if the numbers hold together.
    package var fault: String? {
        if self.votingMs == 0 { return "votingMs is zero" }
        if self.quorum.value == 0 { return "the quorum is zero" }
        if self.threshold.value <= BasisPoints.whole / 2 {
            return "the threshold is not above half"
        }
        if self.deposit == .zero { return "the deposit is zero" }
        if self.powerMin == .zero { return "powerMin is zero" }
        return nil
    }
}

/// What a proposal does.
package enum ActionKind: UInt8, CodeEnum {
    /// Changes how the prices of jobs to come are divided.
    case setFees = 0
}

/// What a proposal does, and with what.
package struct ProposalAction: Record {
    package var kind: ActionKind = .setFees
    package var fees = FeeTerms()

    package init() {}

    package init(fees: FeeTerms) { self.fees = fees }

    package static var blank: ProposalAction { ProposalAction() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("kind", &self.kind)
        try visitor.field("fees", &self.fees)
    }
}

/// Where a proposal stands.
package enum ProposalPhase: UInt8, CodeEnum {
    case voting = 0
    /// Won; takes effect after the timelock.
    case queued = 1
    /// In effect from the block after.
    case executed = 2
    /// Too few voted, or too few for it.
    case defeated = 3

    /// Still waits for a moment.
    package var isOpen: Bool { self == .voting || self == .queued }
}

/// A proposal and its count.
///
/// - Invariant: `held` is above zero exactly while it is voted on.
/// - Source: protocol/economy/governance.md.
package struct ProposalEntry: Record {
    /// Proposals voted on or queued at once.
    package static let openMax = 16
    package static let titleMax = 96

    package var id: ProposalID = .zero
    package var sequence: UInt64 = 0
    package var proposer: AccountID = .zero
    package var title: String = ""
    package var action = ProposalAction()
    package var terms = BallotTerms()
    /// The height after which power was frozen: the block before the proposal's.
    package var snapshot: UInt64 = 0
    /// Total power at the snapshot.
    package var power: Amount = .zero
    package var phase: ProposalPhase = .voting
    package var yes: Amount = .zero
    package var no: Amount = .zero
    package var abstain: Amount = .zero
    package var ballots: UInt64 = 0
    /// The deposit, as long as it is held.
    package var held: Amount = .zero
    /// When voting ends, then when the timelock does.
    package var due: LedgerTime = .zero
    /// Voting was made longer once, because the quorum came late.
    package var isExtended = false
    package var proposed = Moment()
    /// When the ballots were counted.
    package var counted: Moment?
    /// When it was executed.
    package var executed: Moment?
    /// The fees that it replaced.
    package var replaced: FeeTerms?

    package init() {}

    package static var blank: ProposalEntry { ProposalEntry() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("id", &self.id)
        try visitor.field("sequence", &self.sequence)
        try visitor.field("proposer", &self.proposer)
        try visitor.text("title", &self.title, max: Self.titleMax)
        try visitor.field("action", &self.action)
        try visitor.field("terms", &self.terms)
        try visitor.field("snapshot", &self.snapshot)
        try visitor.field("power", &self.power)
        try visitor.field("phase", &self.phase)
        try visitor.field("yes", &self.yes)
        try visitor.field("no", &self.no)
        try visitor.field("abstain", &self.abstain)
        try visitor.field("ballots", &self.ballots)
        try visitor.field("held", &self.held)
        try visitor.field("due", &self.due)
        try visitor.field("isExtended", &self.isExtended)
        try visitor.field("proposed", &self.proposed)
        try visitor.field("counted", &self.counted)
        try visitor.field("executed", &self.executed)
        try visitor.field("replaced", &self.replaced)
    }

    /// Everything that voted. Each unit of power votes once, and all of it is part of the supply.
    package var turnout: Amount {
        (self.yes + self.no).flatMap { $0 + self.abstain }
            .proven("power is part of the supply and votes once")
    }

    /// Enough voted.
    package var hasQuorum: Bool {
        Self.isPart(self.turnout, of: self.power, atLeast: self.terms.quorum)
    }

    /// Enough of those who took a side were for it.
    package var hasMajority: Bool {
        let sides = (self.yes + self.no).proven("power is part of the supply and votes once")
        return sides > .zero && Self.isPart(self.yes, of: sides, atLeast: self.terms.threshold)
    }

    private static func isPart(
        _ part: Amount, of whole: Amount, atLeast points: BasisPoints
    ) -> Bool {
        // raw: both products are below 2^112 * 2^14.
        part.units * UInt128(BasisPoints.whole) >= whole.units * UInt128(points.value)
    }
}

/// The event of a proposal that enters a phase.
package struct ProposalChange: Record {
    /// The event's kind in receipts.
    package static let kind: UInt16 = 1480

    package var proposal: ProposalID = .zero
    package var phase: ProposalPhase = .voting

    package static var blank: ProposalChange { ProposalChange() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("proposal", &self.proposal)
        try visitor.field("phase", &self.phase)
    }
}

/// What a voter says.
package enum BallotChoice: UInt8, CodeEnum {
    case no = 0
    case yes = 1
    /// Counts for the quorum alone.
    case abstain = 2
}

/// Names a ballot: each account has one per proposal.
package struct BallotKey: Record {
    package var proposal: ProposalID = .zero
    package var account: AccountID = .zero

    package init(proposal: ProposalID, account: AccountID) {
        self.proposal = proposal
        self.account = account
    }

    package static var blank: BallotKey { BallotKey(proposal: .zero, account: .zero) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("proposal", &self.proposal)
        try visitor.field("account", &self.account)
    }
}

/// A ballot that was cast; it cannot be changed.
package struct BallotEntry: Record {
    package var choice: BallotChoice = .no
    /// The voter's power at the snapshot.
    package var weight: Amount = .zero
    package var cast = Moment()

    package init() {}

    package static var blank: BallotEntry { BallotEntry() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("choice", &self.choice)
        try visitor.field("weight", &self.weight)
        try visitor.field("cast", &self.cast)
    }
}
