import Ledger
package import Primitives

/// Votes on a proposal, once, with the power of its snapshot.
package struct GovernanceVote: Operation {
    package static let tag: UInt16 = 0x0a02
    package static let name = "governance.vote"
    package static let summary = "Votes on a proposal with the power frozen before it was made."

    package var proposal: ProposalID = .zero
    package var choice: BallotChoice = .no

    package init() {}

    package init(proposal: ProposalID, choice: BallotChoice) {
        self.proposal = proposal
        self.choice = choice
    }

    package static var blank: GovernanceVote { GovernanceVote() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("proposal", &self.proposal)
        try visitor.field("choice", &self.choice)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case proposalUnknown = 1410
        case votingIsOver = 1411
        case alreadyVoted = 1412
        case noPower = 1413
        package static let prefix = "governance.vote"
    }

    /// - Touches: one proposal, one ballot, one stake; the due queue if the quorum comes late.
    /// - Source: protocol/economy/governance.md, "Vote".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard var entry = state.proposal(self.proposal) else {
            throw Failure(Rejection.proposalUnknown)
        }
        // The due queue may be behind: the time decides, not the phase alone.
        guard entry.phase == .voting, state.now < entry.due else {
            throw Failure(Rejection.votingIsOver)
        }
        let key = BallotKey(proposal: entry.id, account: account)
        guard state.read(EconomyTable.ballot, key) == nil else {
            throw Failure(Rejection.alreadyVoted)
        }
        let weight = state.stake(of: account)?.power(at: entry.snapshot) ?? .zero
        guard weight > .zero else { throw Failure(Rejection.noPower) }

        var ballot = BallotEntry()
        ballot.choice = self.choice
        ballot.weight = weight
        ballot.cast = state.moment
        state.write(EconomyTable.ballot, key, ballot)
        let hadQuorum = entry.hasQuorum
        switch self.choice {
        case .yes: entry.yes = state.sum(entry.yes, weight, "votes")
        case .no: entry.no = state.sum(entry.no, weight, "votes")
        case .abstain: entry.abstain = state.sum(entry.abstain, weight, "votes")
        }
        entry.ballots += 1
        if !hadQuorum, entry.hasQuorum { state.extendVoting(&entry) }
        state.put(entry)
    }
}
