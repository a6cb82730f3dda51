import Ledger
package import Primitives

/// Moves an amount of one asset to another account.
package struct BankTransfer: Operation {
    package static let tag: UInt16 = 0x0101
    package static let name = "bank.transfer"
    package static let summary = "Moves an amount of one asset to another account."
    /// Bytes of the memo.
    package static let memoMax = 64

    package var asset: AssetID = .star
    package var to: AccountID = .zero
    package var amount: Amount = .zero
    package var memo: String = ""

    package init() {}

    package init(asset: AssetID, to: AccountID, amount: Amount, memo: String = "") {
        self.asset = asset
        self.to = to
        self.amount = amount
        self.memo = memo
    }

    package static var blank: BankTransfer { BankTransfer() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("asset", &self.asset)
        try visitor.field("to", &self.to)
        try visitor.field("amount", &self.amount)
        try visitor.text("memo", &self.memo, max: Self.memoMax)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case amountIsZero = 1000
        case toIsZero = 1001
        case toIsSelf = 1002
        case toIsModule = 1003
        package static let prefix = "bank.transfer"
    }

    /// - Touches: two balances.
    /// - Units: base units of `asset`.
    /// - Source: protocol/economy/bank.md, "Transfer".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard self.amount > .zero else { throw Failure(Rejection.amountIsZero) }
        guard self.to != .zero else { throw Failure(Rejection.toIsZero) }
        guard self.to != account else { throw Failure(Rejection.toIsSelf) }
        // A gift to a module's account would break the recount of what it owes.
        guard !ModuleAccount.owns(self.to) else { throw Failure(Rejection.toIsModule) }
        try state.pay(self.amount, of: self.asset, from: account, to: self.to)
    }
}
