import Ledger
package import Primitives

/// The books of stake and ballots, from rows alone: those of a block or all of them.
///
/// 1. Holds 5, 2, 6 and 4 are what accounts bonded, what validators have (and their payouts'
///    entries say), what is on its way out, and the deposits of proposals that are voted on.
/// 2. The pool has the sums of the entries.
/// 3. The stakers' account has what is owed, and that is exactly what is queued, carried, accrued
///    and not yet accrued.
/// 4. The counters know the open proposals, the pool the snapshots of those that are voted on.
package struct StakeSums: Hashable, Sendable {
    // raw: sums over many rows, modulo 2^128; equal differences are what is compared.
    private var bonded: UInt128 = 0
    private var bondHolds: UInt128 = 0
    private var locked: UInt128 = 0
    private var validators: UInt128 = 0
    private var validatorHolds: UInt128 = 0
    private var unbonding: UInt128 = 0
    private var unbondingHolds: UInt128 = 0
    private var deposits: UInt128 = 0
    private var depositHolds: UInt128 = 0
    private var poolBonded: UInt128 = 0
    private var poolLocked: UInt128 = 0
    private var poolUnbonding: UInt128 = 0
    private var owed: UInt128 = 0
    private var balance: UInt128 = 0
    /// Both sides of the pool's identity, in 2^-64 motes.
    private var pooled: UInt128 = 0
    private var shared: UInt128 = 0
    private var open: UInt128 = 0
    private var openCounter: UInt128 = 0
    private var voting: UInt128 = 0
    private var snapshots: UInt128 = 0

    package init() {}

    /// Adds a row of any table, or takes it away.
    ///
    /// - Parameters:
    ///   - key: the row's whole key, its tag's two bytes included.
    ///   - record: the record without its deposit.
    /// - Returns: what is wrong with the row alone.
    package mutating func add(
        tag: UInt16, key: [UInt8], record: [UInt8], isAfter: Bool
    ) throws(DecodeError) -> String? {
        switch tag {
        case EconomyTable.stake.tag:
            return self.add(try StakeEntry(canonical: record), isAfter)
        case EconomyTable.stakePool.tag:
            self.add(try StakePool(canonical: record), isAfter)
        case EconomyTable.validator.tag:
            let validator = try Validator(canonical: record)
            Self.add(validator.stake, to: &self.validators, isAfter)
        case EconomyTable.proposal.tag:
            return self.add(try ProposalEntry(canonical: record), isAfter)
        case EconomyTable.counters.tag:
            let counters = try Counters(canonical: record)
            Self.add(UInt128(counters.openProposals), to: &self.openCounter, isAfter)
        case LedgerTables.holds.tag:
            self.add(try Hold(canonical: record), isAfter)
        case LedgerTables.balances.tag:
            let holding = try Holding(canonical: Array(key.dropFirst(2)))
            if holding == Holding(ModuleAccount.stakers, .star) {
                Self.add(try Balance(canonical: record).amount, to: &self.balance, isAfter)
            }
        default: break
        }
        return nil
    }

    private static func add(_ units: UInt128, to sum: inout UInt128, _ isAfter: Bool) {
        sum = isAfter ? sum &+ units : sum &- units
    }

    private static func add(_ amount: Amount, to sum: inout UInt128, _ isAfter: Bool) {
        Self.add(amount.units, to: &sum, isAfter)  // raw: see above
    }

    private mutating func add(_ entry: StakeEntry, _ isAfter: Bool) -> String? {
        // raw: every sum here is modulo 2^128.
        let power = entry.bonded.units &+ entry.locked.units
        // raw: as above
        let unbonding = entry.unbondings.reduce(UInt128(0)) { $0 &+ $1.amount.units }
        Self.add(entry.bonded, to: &self.bonded, isAfter)
        Self.add(entry.locked, to: &self.locked, isAfter)
        Self.add(unbonding, to: &self.unbonding, isAfter)
        let accrued = entry.accrued.units << 64 &+ UInt128(entry.fraction)  // raw: as above
        Self.add(accrued &- power &* entry.index, to: &self.shared, isAfter)
        guard isAfter else { return nil }
        let newest = entry.points.last?.power.units ?? 0  // raw: compared with a raw sum
        if newest != power { return "a stake forgot its power" }
        return nil
    }

    private mutating func add(_ pool: StakePool, _ isAfter: Bool) {
        Self.add(pool.bonded, to: &self.poolBonded, isAfter)
        Self.add(pool.locked, to: &self.poolLocked, isAfter)
        Self.add(pool.unbonding, to: &self.poolUnbonding, isAfter)
        Self.add(pool.owed, to: &self.owed, isAfter)
        Self.add(UInt128(pool.snapshots.count), to: &self.snapshots, isAfter)
        // raw: modulo 2^128, as the entries' side.
        let whole = (pool.owed.units &- pool.queued.units) << 64
        let power = pool.bonded.units &+ pool.locked.units  // raw: as above
        Self.add(whole &- pool.carry &- power &* pool.perShare, to: &self.pooled, isAfter)
    }

    private mutating func add(_ entry: ProposalEntry, _ isAfter: Bool) -> String? {
        Self.add(entry.held, to: &self.deposits, isAfter)
        if entry.phase.isOpen { Self.add(UInt128(1), to: &self.open, isAfter) }
        if entry.phase == .voting { Self.add(UInt128(1), to: &self.voting, isAfter) }
        guard isAfter else { return nil }
        // raw: three amounts of at most 2^112 each.
        let votes = entry.yes.units + entry.no.units + entry.abstain.units
        if votes > entry.power.units { return "more power voted than there is" }  // raw: as above
        if (entry.held > .zero) != (entry.phase == .voting) {
            return "a deposit is held that should not be, or is not"
        }
        return nil
    }

    private mutating func add(_ hold: Hold, _ isAfter: Bool) {
        switch hold.purpose {
        case EconomyState.validatorPurpose:
            Self.add(hold.amount, to: &self.validatorHolds, isAfter)
        case EconomyState.depositPurpose: Self.add(hold.amount, to: &self.depositHolds, isAfter)
        case EconomyState.stakePurpose: Self.add(hold.amount, to: &self.bondHolds, isAfter)
        case EconomyState.unbondingPurpose:
            Self.add(hold.amount, to: &self.unbondingHolds, isAfter)
        default: break
        }
    }

    /// What does not hold, or nil.
    package var fault: String? {
        if self.bonded != self.bondHolds { return "stake holds differ from stakes" }
        if self.validators != self.validatorHolds { return "stake holds differ from validators" }
        if self.locked != self.validators { return "stakes differ from validators" }
        if self.unbonding != self.unbondingHolds { return "unbonding holds differ from stakes" }
        if self.deposits != self.depositHolds { return "deposit holds differ from proposals" }
        if self.bonded != self.poolBonded || self.locked != self.poolLocked
            || self.unbonding != self.poolUnbonding
        {
            return "the stake pool differs from stakes"
        }
        if self.owed != self.balance { return "stakers' account differs from what is owed" }
        if self.pooled != self.shared { return "what stakers are owed differs from their shares" }
        if self.open != self.openCounter { return "proposal counter differs from proposals" }
        if self.voting != self.snapshots { return "snapshots differ from proposals" }
        return nil
    }
}
