import Ledger
package import Primitives

/// Bonds coins: they earn a part of every job's fee, and vote.
package struct StakeBond: Operation {
    package static let tag: UInt16 = 0x0601
    package static let name = "stake.bond"
    package static let summary = "Bonds coins, which then earn a part of each fee and vote."

    package var amount: Amount = .zero

    package init() {}

    package init(amount: Amount) { self.amount = amount }

    package static var blank: StakeBond { StakeBond() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("amount", &self.amount)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case amountIsZero = 1300
        package static let prefix = "stake.bond"
    }

    /// - Touches: one stake, the pool, one hold.
    /// - Units: motes.
    /// - Source: protocol/economy/staking.md, "Bond".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        let amount = self.amount
        guard amount > .zero else { throw Failure(Rejection.amountIsZero) }
        let isFirst = (state.stake(of: account)?.bonded ?? .zero) == .zero
        let id = HoldID.of(EconomyState.stakePurpose, account.digest, state.salt)
        do throws(Hold.Rejection) {
            if isFirst {
                try state.ledger.placeHold(
                    id,
                    Hold(
                        owner: account, asset: .star, amount: amount,
                        purpose: EconomyState.stakePurpose))
            } else {
                try state.ledger.extendHold(id, by: amount)
            }
        } catch {
            throw Failure(error)
        }
        state.restake(account) { entry in
            entry.bonded = (entry.bonded + amount).proven("held coins are part of the supply")
        }
    }
}
