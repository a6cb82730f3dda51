import Ledger
package import Primitives

// What happens to a proposal outside its operations: the count, the timelock, the effect.
extension EconomyState {
    /// What the purpose of a deposit's hold is called in the ledger.
    package static let depositPurpose: UInt16 = 4

    /// The proposal of that id.
    package mutating func proposal(_ id: ProposalID) -> ProposalEntry? {
        self.read(EconomyTable.proposal, id)
    }

    /// Writes a proposal, and tells of it where its phase changes.
    mutating func put(_ entry: ProposalEntry) {
        let before = self.proposal(entry.id)?.phase
        self.write(EconomyTable.proposal, entry.id, entry)
        guard before != entry.phase else { return }
        let change = ProposalChange(proposal: entry.id, phase: entry.phase)
        self.ledger.emit(Event(kind: ProposalChange.kind, bytes: change.canonicalBytes))
    }

    /// Locks a proposal's deposit.
    mutating func holdDeposit(_ entry: ProposalEntry) throws(Failure) {
        do throws(Hold.Rejection) {
            try self.ledger.placeHold(
                HoldID.of(Self.depositPurpose, entry.id.digest, self.salt),
                Hold(
                    owner: entry.proposer, asset: .star, amount: entry.held,
                    purpose: Self.depositPurpose))
        } catch {
            throw Failure(error)
        }
    }

    /// A quorum that comes in the last quarter of the voting leaves a quarter from now: nobody
    /// can win by coming too late to be answered.
    mutating func extendVoting(_ entry: inout ProposalEntry) {
        let end = self.later(by: entry.terms.votingMs / 4)
        guard !entry.isExtended, end > entry.due else { return }
        entry.isExtended = true
        entry.due = end
        self.schedule(at: end, .proposal, entry.id.digest)
    }

    /// The end of voting, or of the timelock; an item of an earlier end is dropped.
    package mutating func proposalIsDue(_ id: ProposalID) {
        guard var entry = self.proposal(id), entry.due <= self.now else { return }
        switch entry.phase {
        case .voting: self.count(&entry)
        case .queued: self.execute(&entry)
        case .executed, .defeated: return
        }
        self.put(entry)
    }

    private mutating func count(_ entry: inout ProposalEntry) {
        entry.counted = self.moment
        self.endDeposit(&entry)
        var pool = self.stakePool
        if let index = pool.snapshots.firstIndex(of: entry.snapshot) {
            pool.snapshots.remove(at: index)
        }
        self.stakePool = pool
        guard entry.hasQuorum, entry.hasMajority else {
            entry.phase = .defeated
            return self.closeProposal()
        }
        entry.phase = .queued
        entry.due = self.later(by: entry.terms.timelockMs)
        self.schedule(at: entry.due, .proposal, entry.id.digest)
    }

    /// The deposit goes back; to the treasury if the proposal was not worth a quorum's attention.
    private mutating func endDeposit(_ entry: inout ProposalEntry) {
        let id = HoldID.of(Self.depositPurpose, entry.id.digest, self.salt)
        do throws(Hold.Rejection) {
            if entry.hasQuorum {
                try self.ledger.voidHold(id)
            } else {
                try self.ledger.postHold(id, entry.held, to: ModuleAccount.treasury)
            }
        } catch {
            self.breakBooks("a deposit is not held: \(error.code.name)")
        }
        entry.held = .zero
    }

    /// Writes the parameters' row. This block goes on with those that it began with; the next one
    /// reads the row, and jobs keep what they copied.
    private mutating func execute(_ entry: inout ProposalEntry) {
        guard var parameters = self.read(EconomyTable.parameters, 0) else {
            return self.breakBooks("there are no parameters")
        }
        self.closeProposal()
        let before = parameters.fees
        switch entry.action.kind {
        case .setFees: parameters.fees = entry.action.fees
        }
        // A release that demands more than the one before does not execute what it would refuse.
        guard parameters.fault == nil else {
            entry.phase = .defeated
            return
        }
        self.write(EconomyTable.parameters, 0, parameters)
        entry.replaced = before
        entry.phase = .executed
        entry.executed = self.moment
    }

    private mutating func closeProposal() {
        var counters = self.counters
        guard counters.openProposals > 0 else {
            return self.breakBooks("an open proposal is not counted")
        }
        counters.openProposals -= 1
        self.counters = counters
    }
}
