import Economy
import Ledger
import Primitives
import Testing

/// A chain of real blocks in which tests call operations: due work and books run as they do live.
struct StakeChain {
    static let proposer = Self.account(2)
    static let second = Self.account(3)
    static let alice = Self.account(11)
    static let bob = Self.account(12)
    static let carol = Self.account(13)
    static let fund = Self.account(14)
    static let people = [Self.alice, Self.bob, Self.carol, Self.proposer, Self.second]

    let genesis: Genesis
    private let reveals: RevealChain
    private let node: NodeID
    private(set) var header: Header
    private(set) var stack: StateStack
    private var blocks: UInt64 = 0

    static func account(_ number: UInt8) -> AccountID { .of(key: TestGenesis.key(number)) }

    /// One validator proposes; another has half its stake: 1,000 and 500 STAR.
    init(_ change: (inout Genesis) -> Void = { _ in }) throws {
        let reveals = RevealChain(secret: Blake2b.hash(.reveal, .none, [7]), count: 512)
        let audits = Blake2b.hash(.reveal, .none, [8])
        let funded = [Self.alice, Self.bob, Self.carol].map {
            GenesisAccount(account: $0, balance: star(1_000))
        }
        var genesis = Genesis.dev(
            key: TestGenesis.key(9), anchor: reveals.anchor, auditAnchor: audits,
            payout: Self.proposer, time: LedgerTime(ms: 1_000_000),
            accounts: funded + [GenesisAccount(account: Self.fund, balance: star(1_000_000))])
        genesis.validators.append(
            GenesisValidator(
                key: TestGenesis.key(8), stake: star(500), anchor: audits, auditAnchor: audits,
                auditCount: 256, payout: Self.second))
        genesis.validators.sort { $0.key < $1.key }
        change(&genesis)
        let built = try genesis.build()
        self.genesis = genesis
        self.reveals = reveals
        self.node = NodeID.of(TestGenesis.key(9))
        self.header = built.header
        self.stack = built.stack
    }

    /// Makes a block; its books are checked before it counts.
    mutating func block(
        after ms: UInt64 = 500, _ body: (inout EconomyState) throws -> Void = { _ in }
    ) throws {
        self.blocks += 1
        let plan = BlockPlan(
            epoch: self.header.epoch, view: self.blocks, timeMs: self.header.timeMs + ms,
            proposer: self.node, reveal: try #require(self.reveals.reveal(self.blocks)))
        var run = try BlockRun(
            plan, on: self.header, stack: self.stack, genesis: self.genesis,
            kernels: KernelCache())
        try body(&run.state)
        let made = try run.finish()
        self.header = made.header
        self.stack = made.stack
    }

    /// Makes empty blocks until so much ledger time has passed.
    mutating func wait(_ ms: UInt64) throws {
        var left = ms
        while left > 0 {
            let step = min(left, Header.stepMsMax)
            try self.block(after: step)
            left -= step
        }
    }

    var reader: EconomyReader { EconomyReader(self.stack) }

    /// What is wrong with every row together.
    func recount() throws -> [String] { try EconomyAudit.recount(self.stack) }
}

func star(_ whole: UInt64) -> Amount {
    Amount(UInt128(whole) * UInt128(Amount.motesPerStar)).proven("tests use small amounts")
}

func minus(_ left: Amount, _ right: Amount) -> Amount? { left - right }

extension EconomyState {
    /// Runs an operation as a transaction would: all of it, or nothing.
    ///
    /// - Returns: the name of its rejection.
    mutating func attempt<O: Operation>(_ operation: O, by account: AccountID) -> String? {
        var hash = Blake2b(.generator, .none)
        hash.update(self.origin.transaction.digest)
        hash.update(u64: self.moment.height)
        self.origin.transaction = TransactionID(hash.finish())
        let before = self.ledger.savepoint()
        do throws(Failure) {
            try operation.apply(to: &self, by: account)
            return nil
        } catch {
            self.ledger.rollback(to: before)
            return error.code.name
        }
    }

    /// Pays stakers as a settled job does.
    mutating func reward(_ amount: Amount) throws {
        try self.ledger.transfer(
            Transfer(amount, of: .star, from: StakeChain.fund, to: ModuleAccount.stakers))
        self.creditStakers(amount)
    }

    mutating func bond(_ amount: Amount, by account: AccountID) {
        #expect(self.attempt(StakeBond(amount: amount), by: account) == nil)
    }
}

@Suite struct StakingTests {
    private typealias C = StakeChain

    @Test func rewardsFollowPower() throws {
        var chain = try StakeChain()
        try chain.block { state in
            // 2,048 STAR in all: a quarter of a mote for each.
            state.bond(star(36), by: C.alice)
            state.bond(star(512), by: C.bob)
            try state.reward(star(512))
        }
        #expect(try chain.reader.stake(of: C.alice)?.accrued == star(9))
        #expect(try chain.reader.stake(of: C.bob)?.accrued == star(128))
        #expect(try chain.reader.stake(of: C.proposer)?.accrued == star(250))
        #expect(try chain.reader.stake(of: C.second)?.accrued == star(125))
        try chain.block { state in
            let before = state.balance(of: C.bob, .star)
            #expect(state.attempt(StakeClaim(), by: C.bob) == nil)
            #expect(state.balance(of: C.bob, .star) - before == star(128))
        }
        #expect(try chain.reader.pool().owed == star(384))
        #expect(try chain.recount() == [])
    }

    /// Remove `carry` from ``StakePool/distribute()`` or `fraction` from ``StakeEntry/settled(_:)``
    /// to see it fail: the books stop the block.
    @Test func whatIsPaidInIsClaimedOrClaimableOrRemainder() throws {
        for seed in UInt8(0)..<4 {
            var generator = Generator(seed: Blake2b.hash(.generator, .none, [seed]))
            var chain = try StakeChain()
            var paid = UInt128(0)
            for _ in 0..<30 {
                try chain.block { state in
                    let who = C.people[Int(generator.below(5))]
                    let amount = Amount(1 + generator.below(3_000_000_007))
                    switch generator.below(4) {
                    case 0: _ = state.attempt(StakeBond(amount: amount), by: who)
                    case 1: _ = state.attempt(StakeUnbond(amount: amount), by: who)
                    case 2: _ = state.attempt(StakeClaim(), by: who)
                    default:
                        try state.reward(amount)
                        paid += amount.units
                    }
                }
            }
            let pool = try chain.reader.pool()
            var claimed = UInt128(0)
            var claimable = UInt128(0)
            for who in C.people {
                guard let entry = try chain.reader.stake(of: who) else { continue }
                claimed += entry.claimed
                claimable += entry.accrued.units
            }
            #expect(paid > 0 && pool.paidIn == paid, "seed \(seed)")
            #expect(paid == claimed + pool.owed.units, "seed \(seed)")
            // A fraction of a mote for each account and one for the pool.
            #expect(pool.owed.units >= claimable, "seed \(seed)")
            #expect(pool.owed.units - claimable <= 6, "seed \(seed)")
            #expect(try chain.recount() == [], "seed \(seed)")
        }
    }

    /// Remove `fraction` from ``StakeEntry`` to see it fail: each claim would lose a part of a
    /// mote.
    @Test func whoClaimsOftenGetsWhatWhoWaitsGets() throws {
        func earned(claimsEach: Bool) throws -> UInt128 {
            var chain = try StakeChain()
            try chain.block { $0.bond(star(7), by: C.alice) }
            for round in UInt64(1)...40 {
                try chain.block { state in
                    try state.reward(Amount(1_000 + round * 17))
                    if claimsEach { _ = state.attempt(StakeClaim(), by: C.alice) }
                }
            }
            let entry = try chain.reader.stake(of: C.alice)
            return try #require(entry).claimed + #require(entry).accrued.units
        }
        let often = try earned(claimsEach: true)
        #expect(often > 0)
        #expect(try earned(claimsEach: false) == often)
    }

    /// Remove the `settled` in `restake` to see it fail.
    @Test func aRewardIsSettledBeforeTheBalanceChanges() throws {
        var chain = try StakeChain()
        try chain.block { state in
            state.bond(star(4), by: C.alice)
            state.bond(star(544), by: C.bob)
            try state.reward(star(2))
            state.bond(star(900), by: C.alice)
            #expect(state.attempt(StakeUnbond(amount: star(544)), by: C.bob) == nil)
        }
        #expect(try chain.reader.stake(of: C.alice)?.accrued == Amount(3_906_250))
        #expect(try chain.reader.stake(of: C.bob)?.accrued == Amount(531_250_000))
        try chain.block { state in
            let before = state.balance(of: C.alice, .star)
            #expect(state.attempt(StakeClaim(), by: C.alice) == nil)
            #expect(state.balance(of: C.alice, .star) - before == Amount(3_906_250))
            #expect(
                state.attempt(StakeClaim(), by: C.alice) == "stake.claim.nothingToClaim")
        }
        #expect(try chain.recount() == [])
    }

    /// Let `distribute` drop what it cannot divide to see it fail.
    @Test func rewardsWithoutPowerWaitForTheFirstThatComes() throws {
        var chain = try StakeChain()
        try chain.block { state in
            for who in [C.proposer, C.second] {
                let taken = state.slashStake(of: who, limit: nil, reporter: nil)
                #expect(taken.amount > .zero)
            }
            #expect(state.stakePool.power == .zero)
            try state.reward(star(3))
            #expect(state.stakePool.queued == star(3))
        }
        try chain.block { try $0.reward(star(4)) }
        #expect(try chain.reader.pool().owed == star(7))
        #expect(try chain.recount() == [])
        try chain.block { $0.bond(Amount(1), by: C.carol) }
        #expect(try chain.reader.pool().queued == .zero)
        try chain.block { #expect($0.attempt(StakeClaim(), by: C.carol) == nil) }
        #expect(try chain.reader.stake(of: C.carol)?.claimed == star(7).units)
        #expect(try chain.reader.pool().owed == .zero)
        #expect(try chain.recount() == [])
    }

    /// Free the coins in ``StakeUnbond`` at once, or in `unbondingIsDue` whatever the time, to see
    /// it fail.
    @Test func unbondingTakesItsTimeAndEarnsNothing() throws {
        var chain = try StakeChain()
        try chain.block { $0.bond(star(948), by: C.alice) }
        try chain.block { state in
            #expect(state.attempt(StakeUnbond(amount: star(400)), by: C.alice) == nil)
            try state.reward(star(2))
        }
        try chain.block(after: 1_000) { state in
            #expect(state.attempt(StakeUnbond(amount: star(40)), by: C.alice) == nil)
            #expect(state.balance(of: C.alice, .star) == star(52))
        }
        #expect(try chain.reader.stake(of: C.alice)?.accrued == Amount(535_156_250))
        try chain.wait(58_999)
        try chain.block(after: 1) { #expect($0.balance(of: C.alice, .star) == star(452)) }
        #expect(try chain.reader.pool().unbonding == star(40))
        try chain.wait(998)
        try chain.block(after: 1) { #expect($0.balance(of: C.alice, .star) == star(452)) }
        try chain.block(after: 1) { #expect($0.balance(of: C.alice, .star) == star(492)) }
        #expect(try chain.reader.stake(of: C.alice)?.bonded == star(508))
        #expect(try chain.recount() == [])
    }

    @Test func whoTookEverythingLeavesNoRow() throws {
        var chain = try StakeChain()
        try chain.block { $0.bond(star(5), by: C.alice) }
        try chain.block { try $0.reward(Amount(1_000_003)) }
        try chain.block { state in
            #expect(state.attempt(StakeUnbond(amount: star(5)), by: C.alice) == nil)
        }
        try chain.block { #expect($0.attempt(StakeClaim(), by: C.alice) == nil) }
        #expect(try chain.reader.stake(of: C.alice) != nil)
        try chain.wait(60_000)
        #expect(try chain.reader.stake(of: C.alice) == nil)
        #expect(try chain.recount() == [])
        try chain.block { state in
            #expect(state.balance(of: C.alice, .star) > star(1_000))
            state.bond(star(5), by: C.alice)
        }
        #expect(try chain.reader.stake(of: C.alice)?.accrued == .zero)
    }

    /// Remove the check in ``StakeUnbond`` to see it fail.
    @Test func anAccountHasFewUnbondingsAtOnce() throws {
        var chain = try StakeChain()
        try chain.block { state in
            state.bond(star(100), by: C.alice)
            let one = StakeUnbond(amount: Amount(1))
            for _ in 0..<StakeEntry.unbondingsMax {
                #expect(state.attempt(one, by: C.alice) == nil)
            }
            #expect(
                state.attempt(one, by: C.alice) == "stake.unbond.tooManyUnbondings")
            // Somebody else's are not in the way.
            state.bond(star(1), by: C.bob)
            #expect(state.attempt(one, by: C.bob) == nil)
        }
        try chain.wait(60_000)
        try chain.block { state in
            #expect(state.attempt(StakeUnbond(amount: Amount(1)), by: C.alice) == nil)
        }
        #expect(try chain.recount() == [])
    }

    @Test func aValidatorsStakeEarnsButIsNotUnbonded() throws {
        var chain = try StakeChain()
        try chain.block { state in
            #expect(
                state.attempt(StakeUnbond(amount: Amount(1)), by: C.proposer)
                    == "stake.unbond.amountAboveBonded")
        }
        let entry = try #require(try chain.reader.stake(of: C.proposer))
        #expect(entry.locked == star(1_000) && entry.power(at: 0) == star(1_000))
        #expect(try chain.reader.pool().power(at: 0) == star(1_500))
    }

    /// Remove the checks in ``Genesis/build()`` to see it fail.
    @Test func aGenesisThatWouldOweWrongIsRefused() throws {
        func fault(_ change: (inout Genesis) -> Void) throws -> String? {
            do {
                _ = try StakeChain(change)
                return nil
            } catch let fault as Genesis.Fault {
                return fault.text
            }
        }
        #expect(try fault { _ in } == nil)
        #expect(try fault { $0.validators[1].auditAnchor = .zero } != nil)
        #expect(try fault { $0.validators[0].payout = ModuleAccount.cover } != nil)
        #expect(try fault { $0.accounts[0].account = ModuleAccount.stakers } != nil)
    }

    @Test func theLargestEntriesFitARow() {
        var entry = StakeEntry()
        entry.unbondings = [Unbonding](repeating: .blank, count: StakeEntry.unbondingsMax)
        entry.points = [PowerPoint](repeating: .blank, count: PowerHistory.pointsMax)
        #expect(entry.canonicalBytes.count + 41 <= StateRow.valueBytesMax)
        var pool = StakePool()
        pool.points = entry.points
        pool.snapshots = [UInt64](repeating: .max, count: ProposalEntry.openMax)
        #expect(pool.canonicalBytes.count + 41 <= StateRow.valueBytesMax)
        var proposal = ProposalEntry()
        proposal.title = String(repeating: "x", count: ProposalEntry.titleMax)
        proposal.counted = Moment()
        proposal.executed = Moment()
        proposal.replaced = FeeTerms()
        #expect(proposal.canonicalBytes.count + 41 <= StateRow.valueBytesMax)
    }
}
