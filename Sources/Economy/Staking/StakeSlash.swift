import Ledger
package import Primitives

/// What a slash of stake took, and where it went: `amount` is the sum of the three.
package struct StakeSlash: Hashable, Sendable {
    package var amount: Amount = .zero
    package var reporter: Amount = .zero
    package var cover: Amount = .zero
    package var burned: Amount = .zero

    package init() {}
}

// Who audits has stake at risk. Consensus goes on with the weights of the genesis until there are
// epochs; what falls at once is the weight in draws, the reward and the power in later ballots.
extension EconomyState {
    /// Takes at most `limit` motes, or everything, from the validators that pay out to `payout`,
    /// the one with the most stake first.
    ///
    /// A reporter who is the payout itself gets nothing.
    ///
    /// - Rounding: parts down, the burn keeps the remainder.
    /// - Returns: what was taken; zero where nothing is left.
    package mutating func slashStake(
        of payout: AccountID, limit: Amount?, reporter: AccountID?
    ) -> StakeSlash {
        var taken = StakeSlash()
        var rest = limit ?? .maxSupply
        let rows = self.validators().enumerated().filter { $0.element.payout == payout }
            .sorted { ($1.element.stake, $0.offset) < ($0.element.stake, $1.offset) }
        for (index, row) in rows {
            let amount = min(rest, row.stake)
            guard amount > .zero else { continue }
            var validator = row
            self.takeStake(amount, of: validator, reporter, &taken)
            validator.stake = self.less(validator.stake, amount, "a validator's stake")
            self.write(EconomyTable.validator, UInt32(clamping: index), validator)
            rest = self.less(rest, amount, "a slash")
            taken.amount = self.sum(taken.amount, amount, "a slash")
        }
        let amount = taken.amount
        guard amount > .zero else { return taken }
        var isShort = false
        self.restake(payout) { entry in
            if let locked = entry.locked - amount { entry.locked = locked } else { isShort = true }
        }
        if isShort { self.breakBooks("a validator's stake is not in its payout's entry") }
        return taken
    }

    /// Pays a slash out of the hold on one validator's stake.
    private mutating func takeStake(
        _ amount: Amount, of validator: Validator, _ reporter: AccountID?,
        _ taken: inout StakeSlash
    ) {
        let hold = Genesis.stakeHold(validator.key, self.salt)
        let named = reporter == validator.payout ? nil : reporter
        let parts = SlashSplit.split(amount, hasReporter: named != nil, self.parameters)
        var burned = parts.burned
        // A reporter whom the ledger lets receive nothing does not stop the slash.
        if let named, parts.reporter > .zero {
            if self.payHold(hold, parts.reporter, to: named) {
                taken.reporter = self.sum(taken.reporter, parts.reporter, "a slash")
            } else {
                burned = self.sum(burned, parts.reporter, "a slash")
            }
        }
        if parts.cover > .zero {
            taken.cover = self.sum(taken.cover, parts.cover, "a slash")
            if !self.payHold(hold, parts.cover, to: ModuleAccount.cover) {
                self.breakBooks("a slash cannot be paid to the cover account")
            }
        }
        if burned > .zero {
            taken.burned = self.sum(taken.burned, burned, "a slash")
            if !self.payHold(hold, burned, to: .issuance(of: .star)) {
                self.breakBooks("a slash cannot be burned")
            }
        }
    }

    private mutating func payHold(_ id: HoldID, _ amount: Amount, to target: AccountID) -> Bool {
        do throws(Hold.Rejection) {
            try self.ledger.postHold(id, amount, to: target)
            return true
        } catch {
            return false
        }
    }
}
