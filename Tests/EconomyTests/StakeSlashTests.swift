import Economy
import Ledger
import Primitives
import Testing

/// Slashes of validators' stake, numbers at their limits, planted bugs.
@Suite struct StakeSlashTests {
    private typealias C = StakeChain

    @Test func aSlashIsDividedAndBurned() throws {
        var chain = try StakeChain()
        let issued = try chain.stack.read(LedgerTables.assets, .star)?.issued ?? .zero
        try chain.block { state in
            let taken = state.slashStake(of: C.second, limit: star(100), reporter: C.bob)
            #expect(taken.amount == star(100))
            #expect(taken.reporter == star(30))
            #expect(taken.cover == star(30))
            #expect(taken.burned == star(40))
            #expect(state.balance(of: C.bob, .star) == star(1_030))
            #expect(state.balance(of: ModuleAccount.cover, .star) == star(30))
        }
        let now = try chain.stack.read(LedgerTables.assets, .star)?.issued ?? .zero
        #expect(minus(issued, now) == star(40))
        #expect(try chain.reader.stake(of: C.second)?.locked == star(400))
        #expect(try chain.reader.pool().locked == star(1_400))
        #expect(try chain.recount() == [])
        try chain.block { state in
            let taken = state.slashStake(of: C.second, limit: nil, reporter: C.bob)
            #expect(taken.amount == star(400))
            let again = state.slashStake(of: C.second, limit: nil, reporter: C.bob)
            #expect(again == StakeSlash(), "nothing is left")
            #expect(state.slashStake(of: C.alice, limit: nil, reporter: nil) == StakeSlash())
        }
        #expect(try chain.recount() == [])
    }

    /// Remove the comparison with the payout in `takeStake` to see it fail.
    @Test func whoReportsItselfGetsNothing() throws {
        var chain = try StakeChain()
        try chain.block { state in
            let taken = state.slashStake(of: C.second, limit: star(10), reporter: C.second)
            #expect(taken.reporter == .zero)
            #expect(taken.burned == star(7))
            #expect(state.balance(of: C.second, .star) == .zero)
        }
        #expect(try chain.recount() == [])
    }

    @Test func theValidatorWithTheMostStakePaysFirst() throws {
        var chain = try StakeChain { genesis in
            for index in genesis.validators.indices {
                genesis.validators[index].payout = C.proposer
            }
        }
        #expect(try chain.reader.stake(of: C.proposer)?.locked == star(1_500))
        func stakes(_ state: inout EconomyState) -> [Amount] {
            state.validators().map(\.stake).sorted()
        }
        try chain.block { state in
            _ = state.slashStake(of: C.proposer, limit: star(600), reporter: nil)
            #expect(stakes(&state) == [star(400), star(500)])
            _ = state.slashStake(of: C.proposer, limit: star(600), reporter: nil)
            #expect(stakes(&state) == [.zero, star(300)])
        }
        #expect(try chain.recount() == [])
    }

    @Test func aSlashedStakeEarnsLessFromThenOn() throws {
        var chain = try StakeChain()
        try chain.block { state in
            try state.reward(Amount(1_464_843_750))
            _ = state.slashStake(of: C.second, limit: star(250), reporter: nil)
            try state.reward(Amount(1_220_703_125))
        }
        #expect(try chain.reader.stake(of: C.second)?.accrued == Amount(732_421_875))
        #expect(try chain.reader.stake(of: C.proposer)?.accrued == Amount(1_953_125_000))
        #expect(try chain.recount() == [])
    }

    /// No number traps, and none leaves books that differ.
    @Test func numbersAtTheirLimitsAreRefusedOrRight() throws {
        var chain = try StakeChain()
        let most = Amount.maxSupply
        let amounts = [Amount.zero, Amount(1), star(1_000), star(2_000), Amount(.max), most]
        for amount in amounts {
            try chain.block { state in
                for who in C.people {
                    let bond = state.attempt(StakeBond(amount: amount), by: who)
                    if amount == .zero { #expect(bond == "stake.bond.amountIsZero") }
                    if amount > star(1_000) { #expect(bond == "hold.ownerHasTooLittle") }
                    let unbond = state.attempt(StakeUnbond(amount: amount), by: who)
                    if amount == .zero { #expect(unbond == "stake.unbond.amountIsZero") }
                    if amount == most { #expect(unbond == "stake.unbond.amountAboveBonded") }
                    _ = state.slashStake(of: who, limit: min(amount, star(2)), reporter: C.bob)
                }
                state.creditStakers(.zero)
            }
            #expect(try chain.recount() == [], "\(amount)")
        }
    }

    @Test func aShareThatDoesNotFitStaysQueued() {
        var pool = StakePool()
        pool.bonded = Amount(1)
        pool.queued = .maxSupply
        pool.distribute()
        #expect(pool.queued == .maxSupply && pool.perShare == 0)
        pool.bonded = .maxSupply
        pool.carry = .max
        pool.distribute()
        #expect(pool.queued == .zero && pool.perShare > 0)
        pool.perShare = .max
        pool.queued = Amount(1 << 63)
        pool.bonded = Amount(1)
        pool.distribute()
        #expect(pool.queued == Amount(1 << 63), "the sum of shares would exceed 128 bits")
        var entry = StakeEntry()
        entry.bonded = .maxSupply
        #expect(entry.settled(.max) == nil)
        entry.index = 5
        #expect(entry.settled(4) == nil)
        entry.bonded = Amount(1)
        entry.fraction = .max
        #expect(entry.settled(.max)?.accrued == Amount(UInt128(1) << 64))
    }

    // MARK: Planted bugs

    private func expectTrip(
        _ text: String, location: SourceLocation = #_sourceLocation,
        _ bug: (inout EconomyState) throws -> Void
    ) throws {
        var state = try QueueTests.state()
        try bug(&state)
        #expect(
            EconomyAudit.check(state.ledger.changes, state.salt) == text,
            sourceLocation: location)
        let recount = try EconomyAudit.recount(try state.ledger.seal().stack)
        #expect(recount.contains(text), "\(recount)", sourceLocation: location)
    }

    private func change(_ state: inout EconomyState, _ edit: (inout StakeEntry) -> Void) {
        var entry = state.stake(of: C.proposer) ?? StakeEntry()
        edit(&entry)
        state.write(EconomyTable.stake, C.proposer, entry)
    }

    /// Remove the comparison of that name from ``StakeSums/fault`` to see one fail.
    @Test func plantedBugsTrip() throws {
        try self.expectTrip("a stake forgot its power") { state in
            self.change(&state) { $0.bonded = Amount(1) }
        }
        try self.expectTrip("stake holds differ from stakes") { state in
            self.change(&state) { entry in
                entry.bonded = Amount(1)
                entry.points = [PowerPoint(height: 1, power: entry.power)]
            }
        }
        try self.expectTrip("stake holds differ from validators") { state in
            let row = state.read(EconomyTable.validator, 0)
            var validator = try #require(row)
            validator.stake = Amount(1)
            state.write(EconomyTable.validator, 0, validator)
        }
        try self.expectTrip("unbonding holds differ from stakes") { state in
            self.change(&state) { $0.unbondings = [Unbonding(amount: Amount(1), due: .zero)] }
        }
        try self.expectTrip("deposit holds differ from proposals") { state in
            var entry = ProposalEntry()
            entry.held = Amount(1)
            state.write(EconomyTable.proposal, .zero, entry)
        }
        try self.expectTrip("the stake pool differs from stakes") { state in
            state.stakePool.locked = Amount(1)
        }
        try self.expectTrip("stakers' account differs from what is owed") { state in
            state.creditStakers(Amount(1))
        }
        try self.expectTrip("what stakers are owed differs from their shares") { state in
            self.change(&state) { $0.fraction = 1 }
        }
        try self.expectTrip("proposal counter differs from proposals") { state in
            state.counters.openProposals = 1
        }
        try self.expectTrip("snapshots differ from proposals") { state in
            state.stakePool.snapshots = [0]
        }
        try self.expectTrip("more power voted than there is") { state in
            var entry = ProposalEntry()
            entry.yes = Amount(1)
            state.write(EconomyTable.proposal, .zero, entry)
        }
    }
}
