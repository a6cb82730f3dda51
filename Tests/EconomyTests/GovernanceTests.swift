import Economy
import Ledger
import Primitives
import Testing

extension StakeChain {
    /// Fees that differ from those of the genesis.
    static func fees(_ points: UInt16 = 400) -> FeeTerms {
        var fees = FeeTerms()
        fees.protocolFee = Parameters.points(points)
        return fees
    }

    /// A chain on which alice, bob and carol bonded 300, 200 and 100 STAR: 2,100 in all.
    static func bonded(_ change: (inout Genesis) -> Void = { _ in }) throws -> StakeChain {
        var chain = try StakeChain(change)
        try chain.block { state in
            state.bond(star(300), by: Self.alice)
            state.bond(star(200), by: Self.bob)
            state.bond(star(100), by: Self.carol)
        }
        return chain
    }

    /// Makes a block with a proposal.
    mutating func propose(
        _ fees: FeeTerms = StakeChain.fees(), by account: AccountID = StakeChain.alice
    ) throws -> ProposalID {
        try self.block { state in
            let operation = GovernancePropose(
                title: "Other fees", action: ProposalAction(fees: fees))
            #expect(state.attempt(operation, by: account) == nil)
        }
        return try #require(try self.reader.proposals(before: nil, limit: 1).first).id
    }

    /// Makes a block with votes that must be taken.
    mutating func vote(
        _ id: ProposalID, _ votes: [(who: AccountID, choice: BallotChoice)]
    ) throws {
        try self.block { state in
            for vote in votes {
                let operation = GovernanceVote(proposal: id, choice: vote.choice)
                #expect(state.attempt(operation, by: vote.who) == nil)
            }
        }
    }

    func proposal(_ id: ProposalID) throws -> ProposalEntry {
        try #require(try self.reader.proposal(id))
    }

    func balance(of account: AccountID) throws -> Amount {
        try self.stack.read(LedgerTables.balances, Holding(account, .star))?.available ?? .zero
    }
}

@Suite struct GovernanceTests {
    private typealias C = StakeChain

    /// Puts an audited job into the state, as `settle` finds it when it is due.
    private func plant(
        _ price: Amount, fees: FeeTerms, due: UInt64, in state: inout EconomyState
    ) throws {
        var job = JobEntry()
        job.id = JobID(Blake2b.hash(.job, .none, []))
        job.phase = .window
        job.requester = C.alice
        job.provider = C.bob
        job.auditor = C.second
        job.fees = fees
        job.price = price
        job.maxPrice = price
        job.escrow = price
        job.due = try #require(state.now.adding(ms: due))
        try state.ledger.transfer(
            Transfer(price, of: .star, from: C.fund, to: ModuleAccount.escrow))
        state.counters.escrow = price
        state.counters.openJobs = 1
        state.write(EconomyTable.job, job.id, job)
        state.schedule(at: job.due, .job, job.id.digest)
    }

    /// Let `execute` change `parameters` of the running block, or `settle` read the parameters
    /// instead of the job's own fees, to see it fail.
    @Test func aBallotChangesTheFeesFromTheNextBlockOn() throws {
        var chain = try StakeChain.bonded()
        let old = chain.genesis.parameters.fees
        let id = try chain.propose()
        try chain.block { state in
            try self.plant(star(100), fees: old, due: 40_000, in: &state)
        }
        try chain.vote(id, [(C.proposer, .yes), (C.alice, .yes), (C.bob, .no)])
        #expect(try chain.proposal(id).yes == star(1_300))
        #expect(try chain.proposal(id).phase == .voting)
        try chain.wait(20_000)
        #expect(try chain.proposal(id).phase == .queued)
        #expect(try chain.reader.parameters().fees == old)
        var queued = try chain.proposal(id)
        while queued.phase == .queued {
            try chain.block(after: 1_000) { state in
                #expect(state.parameters.fees == old, "this block began with the old ones")
            }
            queued = try chain.proposal(id)
        }
        #expect(queued.phase == .executed && queued.replaced == old)
        #expect(try #require(queued.executed).time >= queued.due)
        #expect(try chain.reader.parameters().fees == C.fees())
        try chain.block { #expect($0.parameters.fees == C.fees()) }
        let owed = try chain.reader.pool().owed
        try chain.wait(20_000)
        let job = try #require(
            try chain.reader.job(JobID(Blake2b.hash(.job, .none, []))))
        #expect(job.phase == .settled)
        #expect(job.waterfall?.stakers == star(1), "2.5 % of 100, two fifths of it")
        #expect(minus(try chain.reader.pool().owed, owed) == star(1))
        #expect(try chain.recount() == [])
    }

    @Test func aQuorumMissedCostsTheDeposit() throws {
        var chain = try StakeChain.bonded()
        let before = try chain.balance(of: C.alice)
        let id = try chain.propose()
        #expect(minus(before, try chain.balance(of: C.alice)) == star(1))
        // 400 of 2,100 are below a fifth.
        try chain.vote(id, [(C.alice, .yes), (C.carol, .abstain)])
        try chain.wait(20_000)
        let entry = try chain.proposal(id)
        #expect(entry.phase == .defeated && entry.held == .zero)
        #expect(minus(before, try chain.balance(of: C.alice)) == star(1))
        #expect(try chain.balance(of: ModuleAccount.treasury) == star(1))
        #expect(try chain.reader.counters().openProposals == 0)
        #expect(try chain.recount() == [])
    }

    @Test func aThresholdMissedReturnsTheDeposit() throws {
        var chain = try StakeChain.bonded()
        let before = try chain.balance(of: C.alice)
        let id = try chain.propose()
        // 300 of 600 are below three fifths; abstentions bring the quorum alone.
        try chain.vote(
            id, [(C.alice, .yes), (C.bob, .no), (C.carol, .no), (C.proposer, .abstain)])
        try chain.wait(20_000)
        #expect(try chain.proposal(id).phase == .defeated)
        #expect(try chain.balance(of: C.alice) == before)
        #expect(try chain.reader.parameters() == chain.genesis.parameters)
        #expect(try chain.recount() == [])
    }

    @Test func quorumAndThresholdAreMetExactly() throws {
        var entry = ProposalEntry()
        entry.power = Amount(100)
        entry.terms.quorum = Parameters.points(2_000)
        entry.terms.threshold = Parameters.points(6_000)
        entry.yes = Amount(6)
        entry.no = Amount(4)
        entry.abstain = Amount(9)
        #expect(!entry.hasQuorum && entry.hasMajority)
        entry.abstain = Amount(10)
        #expect(entry.hasQuorum)
        entry.yes = Amount(5)
        #expect(!entry.hasMajority)
        entry.yes = .zero
        entry.no = .zero
        #expect(!entry.hasMajority, "nobody took a side")
        entry.power = .maxSupply
        entry.yes = .maxSupply
        entry.abstain = .zero
        #expect(entry.hasQuorum && entry.hasMajority, "the largest numbers do not trap")
    }

    @Test func abstentionsAloneCarryNothing() throws {
        var chain = try StakeChain.bonded()
        let id = try chain.propose()
        try chain.vote(id, [(C.proposer, .abstain), (C.second, .abstain)])
        try chain.wait(20_000)
        #expect(try chain.proposal(id).phase == .defeated)
    }

    /// Remove the check of `openProposals` in ``GovernancePropose`` to see it fail.
    @Test func theSeventeenthOpenProposalIsRefused() throws {
        var chain = try StakeChain.bonded()
        let one = GovernancePropose(title: "One more", action: ProposalAction(fees: C.fees()))
        try chain.block { state in
            for _ in 0..<ProposalEntry.openMax {
                #expect(state.attempt(one, by: C.alice) == nil)
            }
            #expect(state.attempt(one, by: C.bob) == "governance.propose.tooManyOpen")
        }
        let list = try chain.reader.proposals(before: nil, limit: 100)
        #expect(list.map(\.sequence) == (UInt64(0)..<16).reversed())
        let page = try chain.reader.proposals(before: 3, limit: 2)
        #expect(page.map(\.sequence) == [2, 1])
        try chain.vote(list[0].id, [(C.proposer, .yes)])
        try chain.wait(20_000)
        // Fifteen lie defeated; the one that won is still open.
        #expect(try chain.reader.counters().openProposals == 1)
        #expect(try chain.reader.pool().snapshots == [])
        try chain.block { #expect($0.attempt(one, by: C.bob) == nil) }
        #expect(try chain.recount() == [])
    }

    @Test func whatIsWrongIsRefusedByName() throws {
        var chain = try StakeChain.bonded { genesis in
            genesis.parameters.ballot.powerMin = star(200)
            genesis.parameters.ballot.deposit = star(750)
        }
        func proposal(_ title: String, _ edit: (inout FeeTerms) -> Void) -> GovernancePropose {
            var fees = FeeTerms()
            edit(&fees)
            return GovernancePropose(title: title, action: ProposalAction(fees: fees))
        }
        try chain.block { state in
            // Closures stand outside of the macro: there the compiler takes one for another.
            let untitled = proposal("") { _ in }
            #expect(state.attempt(untitled, by: C.alice) == "governance.propose.titleIsEmpty")
            let half = proposal("t") { $0.protocolFee = Parameters.points(5_001) }
            #expect(state.attempt(half, by: C.alice) == "governance.propose.actionInvalid")
            let parts = proposal("t") { $0.stakersPart = Parameters.points(9_999) }
            #expect(state.attempt(parts, by: C.alice) == "governance.propose.actionInvalid")
            let right = proposal("t") { _ in }
            #expect(state.attempt(right, by: C.carol) == "governance.propose.powerTooLow")
            #expect(state.attempt(right, by: C.alice) == "hold.ownerHasTooLittle")
            #expect(state.attempt(right, by: C.bob) == nil)
            let vote = GovernanceVote(proposal: .zero, choice: .yes)
            #expect(
                state.attempt(vote, by: C.alice) == "governance.vote.proposalUnknown")
        }
        #expect(try chain.recount() == [])
    }

    /// Remove the last check in `execute` to see it fail.
    @Test func whatAReleaseWouldRefuseIsNotExecuted() throws {
        var chain = try StakeChain.bonded()
        let id = try chain.propose()
        try chain.vote(id, [(C.proposer, .yes)])
        try chain.wait(20_000)
        try chain.block { state in
            let row = state.proposal(id)
            var entry = try #require(row)
            entry.action.fees.protocolFee = Parameters.points(9_000)
            state.write(EconomyTable.proposal, id, entry)
        }
        try chain.wait(6_000)
        #expect(try chain.proposal(id).phase == .defeated)
        #expect(try chain.reader.parameters() == chain.genesis.parameters)
        #expect(try chain.recount() == [])
    }

    @Test func aGenesisHasBallotsThatHoldTogether() {
        func fault(_ change: (inout Parameters) -> Void) -> String? {
            var parameters = Parameters()
            change(&parameters)
            return parameters.fault
        }
        #expect(fault { _ in } == nil)
        #expect(fault { $0.ballot.votingMs = 0 } != nil)
        #expect(fault { $0.ballot.quorum = Parameters.points(0) } != nil)
        #expect(fault { $0.ballot.threshold = Parameters.points(5_000) } != nil)
        #expect(fault { $0.ballot.deposit = .zero } != nil)
        #expect(fault { $0.ballot.powerMin = .zero } != nil)
        #expect(fault { $0.ballot.timelockMs = .max } != nil)
        #expect(fault { $0.unbondingMs = 5 * 86_400_000 - 1 } != nil)
        #expect(fault { $0.unbondingMs = 5 * 86_400_000 } == nil)
    }
}
