internal import OrderedCollections
import Primitives

extension LedgerState {
    /// Locks the deposit on the account row that a first transaction made; admission checked the
    /// funds.
    mutating func lockDeposit(onAccount payer: AccountID) {
        let path = StateRow.path(of: LedgerTables.accounts.keyBytes(payer), salt: self.salt)
        self.lock([path], payer: payer)
    }

    /// Ends what happened outside transactions: rows made there have no deposit, deleted ones
    /// refund.
    mutating func settleSystem() {
        precondition(self.open == nil, "no transaction is open")
        self.isMetering = false
        defer { self.isMetering = true }
        if !self.journal.isEmpty { _ = self.settleDeposits(payer: nil) }
        self.journal.removeAll(keepingCapacity: true)
    }

    /// Compares rows with what they were when the journal began: refunds those that went to whoever
    /// paid for them, then locks a deposit of `payer` on each new one.
    ///
    /// A deposit leaves the balance and lies in the row itself: no account holds it, so that
    /// nothing sent to an account disturbs the sum.
    ///
    /// - Invariant: coins issued are balances and deposits in rows.
    /// - Returns: false if `payer` cannot spend that much; the caller then rolls back.
    mutating func settleDeposits(payer: AccountID?) -> Bool {
        if self.fault != nil { return true }
        var starts: OrderedDictionary<Digest, Entry?> = [:]
        for change in self.journal where starts.index(forKey: change.path) == nil {
            starts.updateValue(change.before, forKey: change.path)
        }
        var made: [Digest] = []
        var refunds: [Deposit] = []
        for (path, start) in starts {
            let now = self.slots[path]?.current
            switch (start, now) {
            case (nil, .some): made.append(path)
            case (.some(let start), nil):
                if let deposit = start.deposit { refunds.append(deposit) }
            case (.some(let start), .some(var entry)):
                // Deleted and made again: the deposit never moved.
                if entry.deposit != start.deposit {
                    entry.deposit = start.deposit
                    self.put(path, entry)
                }
            case (nil, nil): break
            }
        }
        for deposit in refunds { self.refund(deposit) }
        guard let payer, self.parameters.entryDeposit > 0, !made.isEmpty else { return true }
        // At most one row per write of a transaction: the product fits 128 bits by far.
        let total = Amount(UInt128(self.parameters.entryDeposit) * UInt128(made.count))
        guard let total, total <= self.balance(of: payer, .star).available else { return false }
        self.lock(made, payer: payer)
        return true
    }

    /// Puts a deposit of `payer` on each of the rows and moves the motes.
    private mutating func lock(_ paths: [Digest], payer: AccountID) {
        let motes = self.parameters.entryDeposit
        guard motes > 0 else { return }
        // The rows first: a coin balance with a deposit stays when it falls to zero.
        for path in paths {
            guard var entry = self.slots[path]?.current else { continue }
            entry.deposit = Deposit(payer: payer, motes: motes)
            self.put(path, entry)
        }
        let total = Amount(UInt128(motes) * UInt128(paths.count)).proven("the caller checked it")
        var balance = self.balance(of: payer, .star)
        balance.amount = (balance.amount - total).proven("the caller checked the funds")
        self.setBalance(of: payer, .star, balance)
    }

    private mutating func refund(_ deposit: Deposit) {
        var balance = self.balance(of: deposit.payer, .star)
        if self.fault != nil { return }
        balance.amount =
            (balance.amount + Amount(deposit.motes)).proven("no more than the supply")
        self.setBalance(of: deposit.payer, .star, balance)
    }
}
