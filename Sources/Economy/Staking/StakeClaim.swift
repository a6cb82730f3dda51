import Ledger
package import Primitives

/// Pays out what the account's stake earned.
package struct StakeClaim: Operation {
    package static let tag: UInt16 = 0x0603
    package static let name = "stake.claim"
    package static let summary = "Pays out what the account's stake has earned."

    package init() {}

    package static var blank: StakeClaim { StakeClaim() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {}

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case nothingToClaim = 1320
        package static let prefix = "stake.claim"
    }

    /// - Touches: one stake, the pool, two balances.
    /// - Rounding: down; the fraction of a mote stays in the entry.
    /// - Source: protocol/economy/staking.md, "Claim".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        let perShare = state.stakePool.perShare
        let amount = state.stake(of: account)?.settled(perShare)?.accrued ?? .zero
        guard amount > .zero else { throw Failure(Rejection.nothingToClaim) }
        do throws(Transfer.Rejection) {
            try state.ledger.transfer(
                Transfer(amount, of: .star, from: ModuleAccount.stakers, to: account))
        } catch {
            throw Failure(error)
        }
        var pool = state.stakePool
        pool.owed = state.less(pool.owed, amount, "what stakers are owed")
        state.stakePool = pool
        state.restake(account) { entry in
            entry.accrued = .zero
            entry.claimed &+= amount.units  // raw: a total for people; it never decides anything.
        }
    }
}
