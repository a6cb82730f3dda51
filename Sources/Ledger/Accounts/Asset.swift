package import Primitives

/// What an asset is.
package enum AssetKind: UInt8, CodeEnum {
    /// STAR alone.
    case coin = 0
    /// A token that an account issues.
    case token = 1
    /// A claim that a module issues: shares of a vault, a pool, an offering.
    case claim = 2
}

/// Who may hold an asset; evaluated inside every transfer, so that no module passes it by.
package struct AssetRules: Record {
    /// True: nothing moves at all.
    package var isFrozen: Bool
    /// If set, a receiving account needs this fact, unless a module controls it.
    package var credential: Digest?
    /// If set, the most that one account may have, unless a module controls it.
    package var holdingMax: Amount?

    /// No rules.
    package init() {
        self.isFrozen = false
        self.credential = nil
        self.holdingMax = nil
    }

    /// No rules.
    package static var blank: AssetRules { AssetRules() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("isFrozen", &self.isFrozen)
        try visitor.field("credential", &self.credential)
        try visitor.field("holdingMax", &self.holdingMax)
    }
}

/// An asset: who issues it, how much exists, who may hold it.
///
/// - Invariant: `issued` is the sum of all balances and at most `supplyMax`; it is `minted` less
///   `burned`.
package struct Asset: Record {
    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case assetExists = 160
        case assetNotFound = 161
        case symbolTooLong = 162
        package static let prefix = "asset"
    }

    /// The longest symbol.
    package static let symbolBytesMax = 16

    /// What it is.
    package var kind: AssetKind
    /// The account that decides on minting and rules; a module's for the coin and for claims.
    package var issuer: AccountID
    /// Digits after the point, for people.
    package var decimals: UInt8
    /// A short name, at most `symbolBytesMax` bytes of UTF-8; not unique.
    package var symbol: String
    /// Units that exist: what the issuance account gave less what it took back.
    package var issued: Amount
    /// What the issuance account ever gave.
    package var minted: Amount
    /// What it ever took back.
    package var burned: Amount
    /// Minting stops here.
    package var supplyMax: Amount
    /// Who may hold it.
    package var rules: AssetRules

    /// An asset of which nothing exists yet.
    package init(
        kind: AssetKind, issuer: AccountID, decimals: UInt8, symbol: String, supplyMax: Amount,
        rules: AssetRules = AssetRules()
    ) {
        self.kind = kind
        self.issuer = issuer
        self.decimals = decimals
        self.symbol = symbol
        self.issued = .zero
        self.minted = .zero
        self.burned = .zero
        self.supplyMax = supplyMax
        self.rules = rules
    }

    /// Nothing.
    package static var blank: Asset {
        Asset(kind: .coin, issuer: .zero, decimals: 0, symbol: "", supplyMax: .zero)
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("kind", &self.kind)
        try visitor.field("issuer", &self.issuer)
        try visitor.field("decimals", &self.decimals)
        try visitor.text("symbol", &self.symbol, max: Self.symbolBytesMax)
        try visitor.field("issued", &self.issued)
        try visitor.field("minted", &self.minted)
        try visitor.field("burned", &self.burned)
        try visitor.field("supplyMax", &self.supplyMax)
        try visitor.field("rules", &self.rules)
    }
}

/// A fact about an account, such as "verified by this issuer, resident of this region".
package struct FactKey: Record {
    /// Whom it is about.
    package var account: AccountID
    /// What it says: the hash of the credential's issuer and type.
    package var credential: Digest

    /// A fact about an account.
    package init(_ account: AccountID, _ credential: Digest) {
        self.account = account
        self.credential = credential
    }

    /// Nothing.
    package static var blank: FactKey { FactKey(.zero, .zero) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("account", &self.account)
        try visitor.field("credential", &self.credential)
    }
}

/// How long a fact holds. Economy's identity module writes it; transfers read it.
package struct Fact: Record {
    /// The last moment at which it holds.
    package var validUntil: LedgerTime

    /// A fact.
    package init(validUntil: LedgerTime) { self.validUntil = validUntil }

    /// Long ago.
    package static var blank: Fact { Fact(validUntil: .zero) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("validUntil", &self.validUntil)
    }
}
