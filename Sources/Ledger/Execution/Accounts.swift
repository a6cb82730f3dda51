package import Primitives

extension LedgerState {
    /// Registers a module's account, so that plain transfers refuse it. Doing it twice changes
    /// nothing.
    ///
    /// - Returns: the account, see ``AccountID/module(_:_:)``.
    @discardableResult
    package mutating func openModule(_ name: String, _ part: [UInt8] = []) -> AccountID {
        let id = AccountID.module(name, part)
        if self[LedgerTables.accounts, id] == nil {
            self[LedgerTables.accounts, id] = Account(kind: .module, policy: nil)
        }
        return id
    }

    /// Replaces the policy of an account that sent a transaction before. Its id stays.
    ///
    /// The old keys have signed the transaction; the operation asks the new ones where it wants to.
    ///
    /// - Throws: the first failing check; `self` is then unchanged.
    package mutating func changePolicy(
        of account: AccountID, to policy: Policy
    ) throws(Policy.Rejection) {
        try policy.check()
        guard var record = self[LedgerTables.accounts, account], record.kind == .user else {
            throw .accountNotOpen
        }
        record.policy = policy
        self[LedgerTables.accounts, account] = record
    }

    /// Makes an asset of which nothing exists yet; minting makes the first units.
    ///
    /// - Throws: the first failing check; `self` is then unchanged.
    package mutating func createAsset(
        _ id: AssetID, _ asset: Asset
    ) throws(Asset.Rejection) {
        guard self[LedgerTables.assets, id] == nil else { throw .assetExists }
        guard asset.symbol.utf8.count <= Asset.symbolBytesMax else { throw .symbolTooLong }
        var asset = asset
        asset.issued = .zero
        asset.minted = .zero
        asset.burned = .zero
        self[LedgerTables.assets, id] = asset
    }

    /// Replaces the rules of an asset; the operation checks who may.
    ///
    /// - Throws: `.assetNotFound`.
    package mutating func setRules(
        _ rules: AssetRules, of id: AssetID
    ) throws(Asset.Rejection) {
        guard var asset = self[LedgerTables.assets, id] else { throw .assetNotFound }
        asset.rules = rules
        self[LedgerTables.assets, id] = asset
    }

    /// Freezes or thaws one account's balance of an asset; the operation checks who may.
    ///
    /// - Throws: `.assetNotFound`.
    package mutating func setFrozen(
        _ isFrozen: Bool, _ account: AccountID, _ asset: AssetID
    ) throws(Asset.Rejection) {
        guard self[LedgerTables.assets, asset] != nil else { throw .assetNotFound }
        var balance = self.balance(of: account, asset)
        balance.isFrozen = isFrozen
        self.setBalance(of: account, asset, balance)
    }
}
