package import Primitives

/// Who controls an account.
package enum AccountKind: UInt8, CodeEnum {
    /// Keys, by its policy.
    case user = 0
    /// A module of the ledger; plain transfers cannot target it.
    case module = 1
}

/// An account that has sent a transaction, or a module's. An account that only received has
/// balances alone.
package struct Account: Record {
    /// Who controls it.
    package var kind: AccountKind
    /// The policy in force; nil for a module.
    package var policy: Policy?
    /// Nonces of its transactions.
    package var nonces: NonceWindow

    /// An account in the state.
    package init(kind: AccountKind, policy: Policy?) {
        self.kind = kind
        self.policy = policy
        self.nonces = NonceWindow()
    }

    /// A module's account.
    package static var blank: Account { Account(kind: .module, policy: nil) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("kind", &self.kind)
        try visitor.field("policy", &self.policy)
        try visitor.field("nonces", &self.nonces)
    }
}

/// One asset in one account.
package struct Holding: Record {
    /// The account.
    package var account: AccountID
    /// The asset.
    package var asset: AssetID

    /// An asset in an account.
    package init(_ account: AccountID, _ asset: AssetID) {
        self.account = account
        self.asset = asset
    }

    /// Nothing.
    package static var blank: Holding { Holding(.zero, .zero) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("account", &self.account)
        try visitor.field("asset", &self.asset)
    }
}

/// How much of an asset an account has. Absent means nothing.
///
/// - Invariant: `held <= amount`.
package struct Balance: Record {
    /// Everything, held or not.
    package var amount: Amount
    /// The part that holds lock.
    package var held: Amount
    /// Set by the issuer: nothing enters or leaves.
    package var isFrozen: Bool

    /// Nothing.
    package init() {
        self.amount = .zero
        self.held = .zero
        self.isFrozen = false
    }

    /// What can be spent.
    package var available: Amount { (self.amount - self.held) ?? .zero }

    /// Nothing.
    package static var blank: Balance { Balance() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("amount", &self.amount)
        try visitor.field("held", &self.held)
        try visitor.field("isFrozen", &self.isFrozen)
    }
}

/// The tables of this room, tags 1...99. Other rooms read them and change them through operations
/// alone.
package enum LedgerTables {
    /// Accounts with a policy or a module behind them.
    package static let accounts = Table<AccountID, Account>(tag: 1, name: "accounts")
    /// Balances.
    package static let balances = Table<Holding, Balance>(tag: 2, name: "balances")
    /// Holds in place.
    package static let holds = Table<HoldID, Hold>(tag: 3, name: "holds")
    /// Assets.
    package static let assets = Table<AssetID, Asset>(tag: 4, name: "assets")
    /// Facts that credentials establish about accounts.
    package static let facts = Table<FactKey, Fact>(tag: 5, name: "facts")
    /// One row: fees and time.
    package static let chain = Table<UInt8, ChainState>(tag: 6, name: "chain")
}
