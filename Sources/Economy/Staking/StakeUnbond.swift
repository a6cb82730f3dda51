import Ledger
package import Primitives

/// Takes bonded coins back: they earn and vote no more, and are free after the unbonding time.
package struct StakeUnbond: Operation {
    package static let tag: UInt16 = 0x0602
    package static let name = "stake.unbond"
    package static let summary = "Takes bonded coins back; they are free after the unbonding time."

    package var amount: Amount = .zero

    package init() {}

    package init(amount: Amount) { self.amount = amount }

    package static var blank: StakeUnbond { StakeUnbond() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("amount", &self.amount)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case amountIsZero = 1310
        /// A validator's stake is not bonded: it stays as long as the validator serves.
        case amountAboveBonded = 1311
        case tooManyUnbondings = 1312
        package static let prefix = "stake.unbond"
    }

    /// - Touches: one stake, the pool, two holds, the due queue.
    /// - Bounds: ``StakeEntry/unbondingsMax`` of one account at once.
    /// - Units: motes.
    /// - Source: protocol/economy/staking.md, "Unbond".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        let amount = self.amount
        guard amount > .zero else { throw Failure(Rejection.amountIsZero) }
        guard let entry = state.stake(of: account), let rest = entry.bonded - amount else {
            throw Failure(Rejection.amountAboveBonded)
        }
        guard entry.unbondings.count < StakeEntry.unbondingsMax else {
            throw Failure(Rejection.tooManyUnbondings)
        }
        let from = HoldID.of(EconomyState.stakePurpose, account.digest, state.salt)
        let to = HoldID.of(EconomyState.unbondingPurpose, account.digest, state.salt)
        do throws(Hold.Rejection) {
            try state.ledger.reduceHold(from, by: amount)
            if entry.unbondings.isEmpty {
                try state.ledger.placeHold(
                    to,
                    Hold(
                        owner: account, asset: .star, amount: amount,
                        purpose: EconomyState.unbondingPurpose))
            } else {
                try state.ledger.extendHold(to, by: amount)
            }
        } catch {
            throw Failure(error)
        }
        let due = state.later(by: state.parameters.unbondingMs)
        state.restake(account) { entry in
            entry.bonded = rest
            entry.unbondings.append(Unbonding(amount: amount, due: due))
        }
        state.schedule(at: due, .unbonding, account.digest)
    }
}
