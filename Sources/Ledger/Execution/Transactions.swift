package import Primitives

/// A transaction in execution.
struct OpenTransaction: Sendable {
    let id: TransactionID
    let payer: AccountID
    let proposer: AccountID
    let maxFee: Amount
    let tip: Amount
    let price: FeePrice
    /// After nonce and fee hold: where a rejected transaction returns to.
    let start: LedgerState.Savepoint
    /// Units of the envelope and of the operations that ended.
    var spent: UInt64
    /// The operation in execution.
    var operation: LedgerState.Savepoint?
    var weight = Weight()
}

extension LedgerState {
    /// Begins a transaction: uses its nonce, opens its account if this is its first, holds its
    /// maxFee.
    ///
    /// The proposer includes only what passes; a block that has a transaction which throws is
    /// invalid.
    ///
    /// - Returns: the signatures that must be right; whoever calls has verified them or does so
    ///   now.
    /// - Parameter proposer: the account that tips go to.
    /// - Throws: the first failing check; nothing is changed then.
    package mutating func beginTransaction(
        _ transaction: Transaction, price: FeePrice, proposer: AccountID
    ) throws(InclusionFault) -> [SignatureCheck] {
        precondition(self.open == nil, "one transaction at a time")
        self.settleSystem()
        let admitted = try self.admit(transaction, price: price)
        self.isMetering = false
        defer { self.isMetering = true }
        let payer = transaction.account
        var account = admitted.account
        try account.nonces.use(transaction.nonce)
        self[LedgerTables.accounts, payer] = account
        if admitted.isNew { self.lockDeposit(onAccount: payer) }
        var balance = self.balance(of: payer, .star)
        balance.held = (balance.held + transaction.maxFee).proven("the hold is funded")
        self.setBalance(of: payer, .star, balance)
        self.journal.removeAll(keepingCapacity: true)
        self.turn += 1
        self.pending = nil
        self.events = []
        self.eventBytes = 0
        self.open = OpenTransaction(
            id: transaction.id(self.salt), payer: payer, proposer: proposer,
            maxFee: transaction.maxFee, tip: transaction.tip, price: price,
            start: self.savepoint(), spent: admitted.units)
        return admitted.checks
    }

    /// Begins the next operation of the open transaction, which carries `bytes` bytes.
    package mutating func beginOperation(bytes: Int) {
        precondition(self.open != nil && self.open?.operation == nil, "between operations")
        let savepoint = self.savepoint()
        self.open?.operation = savepoint
        self.open?.weight = Weight()
        self.pending = nil
        self.charge(bytes: UInt64(clamping: bytes))
    }

    /// Ends an operation that succeeded.
    ///
    /// - Throws: a rejection of the ledger's own; the caller then finishes with it as the outcome.
    package mutating func commitOperation() throws(ExecutionRejection) {
        self.endOperation()
        if let pending = self.pending { throw pending }
        guard let open = self.open, self.canPay(open.spent) else { throw .weightAboveMaxFee }
    }

    /// Whether the open transaction could pay for `gas` more: asked before a referee runs.
    package func canAfford(gas: UInt64) -> Bool {
        guard let open = self.open else { return true }
        var weight = open.weight
        weight.gas = saturating(weight.gas, plus: gas)
        return self.canPay(saturating(open.spent, plus: weight.units))
    }

    /// Ends the open transaction: rolls back what a rejected one did, settles deposits, charges the
    /// fee.
    ///
    /// - Rounding: the base fee is rounded up and burned, at most maxFee less the tip.
    /// - Returns: the receipt; an ok outcome becomes rejected if deposits cannot be paid.
    package mutating func finishTransaction(_ outcome: Outcome) -> Receipt {
        if self.open?.operation != nil { self.endOperation() }
        guard let open = self.open else { preconditionFailure("a transaction is open") }
        self.isMetering = false
        defer { self.isMetering = true }
        var outcome = outcome
        if outcome == .ok, !self.settleDeposits(payer: open.payer) {
            let code = ExecutionRejection.depositNotFunded.rawValue
            outcome = .rejected(code: code, operation: Outcome.whole)
        }
        if outcome != .ok { self.rollback(to: open.start) }
        let events = self.events
        self.open = nil
        let burned = min(open.price.fee(open.spent), open.maxBurn)
        self.pay(burned, of: open)
        self.journal.removeAll(keepingCapacity: true)
        self.turn += 1
        self.events = []
        self.eventBytes = 0
        self.pending = nil
        return Receipt(
            transaction: open.id, outcome: outcome, burned: burned, tip: open.tip,
            weight: open.spent, events: events)
    }

    /// Releases the fee hold, burns the base fee and tips the proposer.
    private mutating func pay(_ burned: Amount, of open: OpenTransaction) {
        if self.fault != nil { return }
        var payer = self.balance(of: open.payer, .star)
        payer.held = (payer.held - open.maxFee).proven("the fee was held")
        payer.amount = (payer.amount - burned).flatMap { $0 - open.tip }.proven("the fee was held")
        self.setBalance(of: open.payer, .star, payer)
        if open.tip > .zero {
            var proposer = self.balance(of: open.proposer, .star)
            proposer.amount = (proposer.amount + open.tip).proven("no more than the supply")
            self.setBalance(of: open.proposer, .star, proposer)
        }
        guard burned > .zero, var star = self[LedgerTables.assets, .star] else { return }
        star.issued = (star.issued - burned).proven("balances are at most what was issued")
        star.burned = (star.burned + burned).proven("no more is burned than was ever issued")
        self[LedgerTables.assets, .star] = star
    }

    private mutating func endOperation() {
        guard let open = self.open, open.operation != nil else {
            preconditionFailure("an operation is open")
        }
        self.open?.spent = saturating(open.spent, plus: open.weight.units)
        self.open?.weight = Weight()
        self.open?.operation = nil
    }

    private func canPay(_ units: UInt64) -> Bool {
        guard let open = self.open else { return true }
        return open.price.fee(units) <= open.maxBurn
    }
}

extension OpenTransaction {
    /// What the base fee may cost.
    var maxBurn: Amount { (self.maxFee - self.tip) ?? .zero }
}
