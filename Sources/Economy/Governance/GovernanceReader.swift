package import Ledger
package import Primitives

extension EconomyReader {
    /// Proposals of one answer.
    package static let proposalsMax = 100

    /// The proposal of that id.
    package func proposal(_ id: ProposalID) throws(StateFault) -> ProposalEntry? {
        try self.stack.read(EconomyTable.proposal, id)
    }

    /// Proposals, newest first: those with a sequence below `before`, or the newest.
    ///
    /// - Bounds: `limit`, ``proposalsMax`` at most.
    package func proposals(
        before: UInt64?, limit: Int
    ) throws(StateFault) -> [ProposalEntry] {
        var list: [ProposalEntry] = []
        let made = try self.counters().proposals
        var next = min(before ?? made, made)
        while next > 0, list.count < min(limit, Self.proposalsMax) {
            next -= 1
            guard let id = try self.stack.read(EconomyTable.proposalSequence, next),
                let entry = try self.proposal(id)
            else { throw .damaged(path: .zero) }
            list.append(entry)
        }
        return list
    }

    /// How an account voted; nil if it did not.
    package func ballot(
        of account: AccountID, on proposal: ProposalID
    ) throws(StateFault) -> BallotEntry? {
        try self.stack.read(
            EconomyTable.ballot, BallotKey(proposal: proposal, account: account))
    }
}
