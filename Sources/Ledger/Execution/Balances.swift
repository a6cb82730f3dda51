package import Primitives

extension LedgerState {
    /// How much of `asset` an account has.
    package mutating func balance(of account: AccountID, _ asset: AssetID) -> Balance {
        self[LedgerTables.balances, Holding(account, asset)] ?? Balance()
    }

    /// True for an account that a module controls.
    package mutating func isModule(_ account: AccountID) -> Bool {
        self[LedgerTables.accounts, account]?.kind == .module
    }

    /// Moves units by the right of a module: it decides who may; rules of the asset still hold.
    ///
    /// - Touches: one asset, two balances; a fact where the asset's rules need one.
    /// - Throws: the first failing check; `self` is then unchanged.
    package mutating func transfer(_ transfer: Transfer) throws(Transfer.Rejection) {
        try self.apply(transfer, isPlain: false)
    }

    /// Moves units by the right of their owner, who cannot send to modules or issuance accounts.
    ///
    /// - Throws: the first failing check; `self` is then unchanged.
    package mutating func transferPlainly(_ transfer: Transfer) throws(Transfer.Rejection) {
        try self.apply(transfer, isPlain: true)
    }

    /// Makes all transfers or, if one is rejected, none.
    package mutating func post(_ transfers: Transfer...) throws(Transfer.Rejection) {
        try self.post(transfers)
    }

    /// Makes all transfers or, if one is rejected, none.
    package mutating func post(_ transfers: [Transfer]) throws(Transfer.Rejection) {
        let savepoint = self.savepoint()
        for transfer in transfers {
            do throws(Transfer.Rejection) {
                try self.apply(transfer, isPlain: false)
            } catch {
                self.rollback(to: savepoint)
                throw error
            }
        }
    }

    /// Makes units of an asset: a transfer from its issuance account.
    package mutating func mint(
        _ amount: Amount, of asset: AssetID, to target: AccountID
    ) throws(Transfer.Rejection) {
        try self.transfer(Transfer(amount, of: asset, from: .issuance(of: asset), to: target))
    }

    /// Destroys units of an asset: a transfer to its issuance account.
    package mutating func burn(
        _ amount: Amount, of asset: AssetID, from source: AccountID
    ) throws(Transfer.Rejection) {
        try self.transfer(Transfer(amount, of: asset, from: source, to: .issuance(of: asset)))
    }

    private mutating func apply(
        _ transfer: Transfer, isPlain: Bool
    ) throws(Transfer.Rejection) {
        let amount = transfer.amount
        guard amount > .zero else { throw .amountIsZero }
        guard transfer.source != transfer.target else { throw .sourceIsTarget }
        guard var asset = self[LedgerTables.assets, transfer.asset] else { throw .assetNotFound }
        let issuance = AccountID.issuance(of: transfer.asset)
        let mints = transfer.source == issuance
        let burns = transfer.target == issuance
        if isPlain { guard !burns, !self.isModule(transfer.target) else { throw .targetIsModule } }
        guard !asset.rules.isFrozen else { throw .assetIsFrozen }
        var source = Balance()
        if !mints { source = self.balance(of: transfer.source, transfer.asset) }
        guard !source.isFrozen else { throw .sourceIsFrozen }
        var target = Balance()
        if !burns { target = self.balance(of: transfer.target, transfer.asset) }
        guard !target.isFrozen else { throw .targetIsFrozen }
        guard burns || self.mayHold(transfer.target, asset.rules) else { throw .credentialMissing }

        if mints {
            guard let issued = asset.issued + amount, issued <= asset.supplyMax else {
                throw .supplyAboveMax
            }
            asset.issued = issued
            guard let minted = asset.minted + amount else { throw .supplyAboveMax }
            asset.minted = minted
        } else {
            guard source.available >= amount, let rest = source.amount - amount else {
                throw .insufficientFunds
            }
            source.amount = rest
        }
        if burns {
            guard let issued = asset.issued - amount else { throw .burnAboveIssued }
            asset.issued = issued
            // At most what was ever minted, which fits.
            asset.burned = (asset.burned + amount).proven("no more is burned than was minted")
        } else {
            guard let sum = target.amount + amount else { throw .targetOverflows }
            target.amount = sum
            if let most = asset.rules.holdingMax, sum > most {
                guard self.isModule(transfer.target) else { throw .holdingAboveMax }
            }
        }
        if mints || burns { self[LedgerTables.assets, transfer.asset] = asset }
        if !mints { self.setBalance(of: transfer.source, transfer.asset, source) }
        if !burns { self.setBalance(of: transfer.target, transfer.asset, target) }
    }

    /// Whether the rules let `account` receive.
    private mutating func mayHold(_ account: AccountID, _ rules: AssetRules) -> Bool {
        guard let credential = rules.credential else { return true }
        if let fact = self[LedgerTables.facts, FactKey(account, credential)] {
            return self.time <= fact.validUntil
        }
        return self.isModule(account)
    }

    /// Writes a balance. One of nothing is no row, but for coins whose row somebody paid a deposit
    /// for: refunding it would make the row again.
    mutating func setBalance(of account: AccountID, _ asset: AssetID, _ balance: Balance) {
        precondition(balance.held <= balance.amount, "what is held is there")
        let holding = Holding(account, asset)
        guard balance == Balance() else {
            self[LedgerTables.balances, holding] = balance
            return
        }
        let bytes = LedgerTables.balances.keyBytes(holding)
        guard let entry = self.load(StateRow.path(of: bytes, salt: self.salt), counts: false) else {
            return
        }
        if asset == .star, entry.deposit != nil {
            self[LedgerTables.balances, holding] = balance
        } else {
            self[LedgerTables.balances, holding] = nil
        }
    }
}
