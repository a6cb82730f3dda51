import Ledger
package import Primitives

/// Puts a change to the vote.
package struct GovernancePropose: Operation {
    package static let tag: UInt16 = 0x0a01
    package static let name = "governance.propose"
    package static let summary = "Puts a change to the vote, behind a deposit."

    package var title: String = ""
    package var action = ProposalAction()

    package init() {}

    package init(title: String, action: ProposalAction) {
        self.title = title
        self.action = action
    }

    package static var blank: GovernancePropose { GovernancePropose() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.text("title", &self.title, max: ProposalEntry.titleMax)
        try visitor.field("action", &self.action)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case titleIsEmpty = 1400
        case actionInvalid = 1401
        case tooManyOpen = 1402
        case powerTooLow = 1403
        package static let prefix = "governance.propose"
    }

    /// - Touches: one proposal, the pool, one hold, the due queue, the counters.
    /// - Bounds: ``ProposalEntry/openMax`` open proposals on the chain.
    /// - Source: protocol/economy/governance.md, "Propose".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard !self.title.isEmpty else { throw Failure(Rejection.titleIsEmpty) }
        if let fault = self.action.fees.fault {
            state.explanation = fault
            throw Failure(Rejection.actionInvalid)
        }
        var counters = state.counters
        guard counters.openProposals < UInt32(ProposalEntry.openMax) else {
            throw Failure(Rejection.tooManyOpen)
        }
        // Frozen before this block: what is bonded in it, or later, does not count.
        let snapshot = state.moment.height > 0 ? state.moment.height - 1 : 0
        let terms = state.parameters.ballot
        let power = state.stake(of: account)?.power(at: snapshot) ?? .zero
        guard power >= terms.powerMin else { throw Failure(Rejection.powerTooLow) }

        var entry = ProposalEntry()
        entry.id = ProposalID(state.freshID(.ballot))
        entry.sequence = counters.proposals
        entry.proposer = account
        entry.title = self.title
        entry.action = self.action
        entry.terms = terms
        entry.snapshot = snapshot
        var pool = state.stakePool
        entry.power = pool.power(at: snapshot)
        entry.held = terms.deposit
        entry.proposed = state.moment
        entry.due = state.later(by: terms.votingMs)
        try state.holdDeposit(entry)
        pool.snapshots.append(snapshot)
        state.stakePool = pool
        counters.proposals += 1
        counters.openProposals += 1
        state.counters = counters
        state.put(entry)
        state.write(EconomyTable.proposalSequence, entry.sequence, entry.id)
        state.schedule(at: entry.due, .proposal, entry.id.digest)
    }
}
