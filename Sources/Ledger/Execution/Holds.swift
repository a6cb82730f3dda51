package import Primitives

extension LedgerState {
    /// Locks a part of the owner's balance under `id`.
    ///
    /// - Touches: one hold, one balance.
    /// - Throws: the first failing check; `self` is then unchanged.
    package mutating func placeHold(_ id: HoldID, _ hold: Hold) throws(Hold.Rejection) {
        guard hold.amount > .zero else { throw .amountIsZero }
        guard self[LedgerTables.holds, id] == nil else { throw .holdExists }
        var balance = self.balance(of: hold.owner, hold.asset)
        guard balance.available >= hold.amount, let held = balance.held + hold.amount else {
            throw .ownerHasTooLittle
        }
        balance.held = held
        self.setBalance(of: hold.owner, hold.asset, balance)
        self[LedgerTables.holds, id] = hold
    }

    /// Locks more under a hold that is there.
    ///
    /// - Throws: the first failing check; `self` is then unchanged.
    package mutating func extendHold(_ id: HoldID, by amount: Amount) throws(Hold.Rejection) {
        guard amount > .zero else { throw .amountIsZero }
        guard var hold = self[LedgerTables.holds, id] else { throw .holdNotFound }
        var balance = self.balance(of: hold.owner, hold.asset)
        guard balance.available >= amount, let held = balance.held + amount,
            let sum = hold.amount + amount
        else { throw .ownerHasTooLittle }
        balance.held = held
        hold.amount = sum
        self.setBalance(of: hold.owner, hold.asset, balance)
        self[LedgerTables.holds, id] = hold
    }

    /// Pays `amount` out of a hold; the rest stays locked. To an issuance account it burns.
    ///
    /// - Touches: one hold, two balances, one asset.
    /// - Throws: the first failing check; `self` is then unchanged.
    package mutating func postHold(
        _ id: HoldID, _ amount: Amount, to target: AccountID
    ) throws(Hold.Rejection) {
        let savepoint = self.savepoint()
        let owner = try self.release(id, amount)
        if owner.account == target { return }  // Freed: the owner pays itself.
        do throws(Transfer.Rejection) {
            try self.transfer(Transfer(amount, of: owner.asset, from: owner.account, to: target))
        } catch {
            self.rollback(to: savepoint)
            throw .transfer(error)
        }
    }

    /// Frees `amount` of a hold for its owner; the rest stays locked.
    ///
    /// - Throws: the first failing check; `self` is then unchanged.
    package mutating func reduceHold(_ id: HoldID, by amount: Amount) throws(Hold.Rejection) {
        _ = try self.release(id, amount)
    }

    /// Frees everything under a hold and deletes it.
    ///
    /// - Throws: `.holdNotFound`; `self` is then unchanged.
    package mutating func voidHold(_ id: HoldID) throws(Hold.Rejection) {
        guard let hold = self[LedgerTables.holds, id] else { throw .holdNotFound }
        _ = try self.release(id, hold.amount)
    }

    private mutating func release(
        _ id: HoldID, _ amount: Amount
    ) throws(Hold.Rejection) -> Holding {
        guard amount > .zero else { throw .amountIsZero }
        guard var hold = self[LedgerTables.holds, id] else { throw .holdNotFound }
        guard let rest = hold.amount - amount else { throw .amountAboveHold }
        var balance = self.balance(of: hold.owner, hold.asset)
        // Less is held than the holds say: no operation of ours leaves that.
        guard let held = balance.held - amount else { throw .ownerHasTooLittle }
        balance.held = held
        hold.amount = rest
        self.setBalance(of: hold.owner, hold.asset, balance)
        self[LedgerTables.holds, id] = rest > .zero ? hold : nil
        return Holding(hold.owner, hold.asset)
    }
}
