import Economy
import Ledger
import Primitives
import Testing

/// How somebody would win a ballot that it should not win.
@Suite struct BallotAttackTests {
    private typealias C = StakeChain

    private func vote(
        _ id: ProposalID, by account: AccountID, _ state: inout EconomyState,
        _ choice: BallotChoice = .yes
    ) -> String? {
        state.attempt(GovernanceVote(proposal: id, choice: choice), by: account)
    }

    /// Take the block's own height for the snapshot in ``GovernancePropose`` to see it fail.
    @Test func powerBoughtWithTheProposalDoesNotVote() throws {
        var chain = try StakeChain()
        try chain.block { $0.bond(star(100), by: C.alice) }
        let action = ProposalAction(fees: C.fees())
        try chain.block { state in
            state.bond(star(900), by: C.bob)
            state.bond(star(800), by: C.alice)
            let operation = GovernancePropose(title: "Mine", action: action)
            #expect(state.attempt(operation, by: C.bob) == "governance.propose.powerTooLow")
            #expect(state.attempt(operation, by: C.alice) == nil)
        }
        let id = try #require(try chain.reader.proposals(before: nil, limit: 1).first).id
        #expect(try chain.proposal(id).power == star(1_600))
        try chain.block { state in
            state.bond(star(1_000), by: C.carol)
            #expect(self.vote(id, by: C.bob, &state) == "governance.vote.noPower")
            #expect(self.vote(id, by: C.carol, &state) == "governance.vote.noPower")
            #expect(self.vote(id, by: C.alice, &state) == nil)
        }
        #expect(try chain.reader.ballot(of: C.alice, on: id)?.weight == star(100))
        #expect(try chain.reader.ballot(of: C.bob, on: id) == nil)
        #expect(try chain.recount() == [])
    }

    /// Remove the look at the ballot's row in ``GovernanceVote`` to see it fail.
    @Test func everyAccountVotesOnce() throws {
        var chain = try StakeChain.bonded()
        let id = try chain.propose()
        try chain.block { state in
            #expect(self.vote(id, by: C.alice, &state) == nil)
            #expect(self.vote(id, by: C.alice, &state) == "governance.vote.alreadyVoted")
            #expect(self.vote(id, by: C.alice, &state, .no) == "governance.vote.alreadyVoted")
        }
        try chain.block { state in
            #expect(self.vote(id, by: C.alice, &state, .no) == "governance.vote.alreadyVoted")
        }
        let entry = try chain.proposal(id)
        #expect(entry.yes == star(300) && entry.no == .zero && entry.ballots == 1)
    }

    /// Read `power` instead of `power(at:)` in ``GovernanceVote`` to see it fail.
    @Test func coinsThatMoveOnDoNotVoteAgain() throws {
        var chain = try StakeChain.bonded { genesis in
            genesis.parameters.ballot.votingMs = 55_000
            genesis.parameters.ballot.timelockMs = 0
            genesis.parameters.unbondingMs = 55_000
        }
        let id = try chain.propose(by: C.alice)
        try chain.block { state in
            #expect(state.attempt(StakeUnbond(amount: star(300)), by: C.alice) == nil)
            #expect(self.vote(id, by: C.alice, &state) == nil, "the snapshot counts")
        }
        try chain.wait(53_000)
        try chain.block { state in
            let sent = BankTransfer(asset: .star, to: C.fund, amount: star(900))
            #expect(state.attempt(sent, by: C.alice) == "transfer.insufficientFunds")
            #expect(self.vote(id, by: C.fund, &state) == "governance.vote.noPower")
        }
        #expect(try chain.proposal(id).yes == star(300))
        #expect(try chain.recount() == [])
    }

    /// Leave the newest point of a stake unchanged in `slashStake`, or change all of them, to see
    /// it fail.
    @Test func aSlashedValidatorsPowerFallsOnlyFromThenOn() throws {
        var chain = try StakeChain.bonded()
        let first = try chain.propose()
        try chain.block { state in
            _ = state.slashStake(of: C.second, limit: star(400), reporter: nil)
        }
        let second = try chain.propose()
        try chain.vote(first, [(C.second, .no)])
        try chain.vote(second, [(C.second, .no)])
        #expect(try chain.proposal(first).power == star(2_100))
        #expect(try chain.proposal(first).no == star(500))
        #expect(try chain.proposal(second).power == star(1_700))
        #expect(try chain.proposal(second).no == star(100))
        #expect(try chain.recount() == [])
    }

    /// Remove the filter in ``PowerHistory/note(_:at:in:snapshots:)`` to see it fail.
    @Test func historyIsBoundedAndExact() throws {
        var chain = try StakeChain.bonded { genesis in
            genesis.parameters.ballot.votingMs = 60_000
            genesis.parameters.ballot.timelockMs = 0
        }
        var expected: [(id: ProposalID, power: Amount)] = []
        var power = star(300)
        for round in UInt64(1)...60 {
            if round % 3 == 0, expected.count < ProposalEntry.openMax {
                expected.append((try chain.propose(by: C.carol), power))
            }
            let amount = Amount(round)
            try chain.block(after: 100) { $0.bond(amount, by: C.alice) }
            power = (power + amount).proven("small")
            let entry = try #require(try chain.reader.stake(of: C.alice))
            #expect(entry.points.count <= PowerHistory.pointsMax)
            #expect(entry.power == power)
            #expect(try chain.reader.pool().points.count <= 2)
        }
        #expect(expected.count == ProposalEntry.openMax)
        for one in expected { try chain.vote(one.id, [(C.alice, .yes)]) }
        for one in expected { #expect(try chain.proposal(one.id).yes == one.power) }
        try chain.wait(60_000)
        try chain.block { $0.bond(Amount(1), by: C.alice) }
        let left = try #require(try chain.reader.stake(of: C.alice)).points.count
        #expect(left <= 2, "closed ballots need no history")
        #expect(try chain.recount() == [])
    }

    /// Remove `extendVoting` to see it fail.
    @Test func aQuorumThatComesLateCanBeAnswered() throws {
        var chain = try StakeChain.bonded()
        let id = try chain.propose()
        let end = try chain.proposal(id).due
        try chain.wait(18_000)
        try chain.vote(id, [(C.proposer, .yes)])
        let late = try chain.proposal(id)
        #expect(late.isExtended && late.due > end)
        try chain.wait(2_000)
        #expect(try chain.proposal(id).phase == .voting, "the first end is not the end")
        try chain.vote(id, [(C.second, .no), (C.alice, .no), (C.bob, .no)])
        #expect(try chain.proposal(id).due == late.due, "once")
        try chain.wait(5_000)
        #expect(try chain.proposal(id).phase == .defeated)
        let other = try chain.propose()
        try chain.vote(other, [(C.proposer, .yes)])
        #expect(try !chain.proposal(other).isExtended, "early enough")
        #expect(try chain.recount() == [])
    }

    /// Remove the comparison with `due` in ``GovernanceVote`` to see it fail.
    @Test func aVoteAfterTheEndIsRefusedThoughTheQueueIsBehind() throws {
        var chain = try StakeChain.bonded { $0.parameters.duePerBlock = 1 }
        let id = try chain.propose()
        try chain.block { state in
            for _ in 0..<4 {
                state.schedule(at: state.now, .offer, .zero)
            }
        }
        try chain.block(after: 10_000)
        try chain.block(after: 9_500) { state in
            #expect(state.proposal(id)?.phase == .voting)
            #expect(self.vote(id, by: C.proposer, &state) == "governance.vote.votingIsOver")
        }
        #expect(try chain.proposal(id).phase == .voting)
        for _ in 0..<3 { try chain.wait(2_000) }
        #expect(try chain.proposal(id).phase == .defeated)
        try chain.block { state in
            #expect(self.vote(id, by: C.proposer, &state) == "governance.vote.votingIsOver")
        }
    }

    /// Read the terms from the parameters in `ProposalEntry.hasQuorum` to see it fail.
    @Test func aLoweredQuorumRevivesNothing() throws {
        var chain = try StakeChain.bonded()
        let id = try chain.propose()
        try chain.vote(id, [(C.alice, .yes)])
        try chain.block { state in
            var parameters = state.parameters
            parameters.ballot.quorum = Parameters.points(1)
            state.write(EconomyTable.parameters, 0, parameters)
        }
        try chain.wait(20_000)
        #expect(try chain.proposal(id).phase == .defeated)
        #expect(try chain.recount() == [])
    }

    /// Nothing happens twice, whatever the due queue says again.
    @Test func anItemThatIsDueAgainDoesNothing() throws {
        var chain = try StakeChain.bonded()
        let id = try chain.propose()
        try chain.vote(id, [(C.proposer, .yes)])
        try chain.block { state in
            state.proposalIsDue(id)
            #expect(state.proposal(id)?.phase == .voting, "before its time")
        }
        try chain.wait(26_000)
        let entry = try chain.proposal(id)
        #expect(entry.phase == .executed)
        try chain.block { state in
            for _ in 0..<3 { state.proposalIsDue(id) }
            state.proposalIsDue(.zero)
            state.unbondingIsDue(.zero)
            state.unbondingIsDue(C.alice.digest)
        }
        #expect(try chain.proposal(id) == entry)
        #expect(try chain.recount() == [])
    }
}
