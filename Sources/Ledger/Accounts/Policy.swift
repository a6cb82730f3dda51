package import Primitives

/// One key of a policy and how much it counts.
package struct WeightedKey: Record {
    /// The key.
    package var key: PublicKey
    /// At least 1.
    package var weight: UInt16

    /// A key with a weight.
    package init(key: PublicKey, weight: UInt16) {
        self.key = key
        self.weight = weight
    }

    /// No key.
    package static var blank: WeightedKey { WeightedKey(key: .blank, weight: 0) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("key", &self.key)
        try visitor.field("weight", &self.weight)
    }
}

/// Who may act for an account: signatures of keys whose weights reach the threshold.
///
/// Bytes: u8 version (1) | u32 threshold | keys (length, then 32-byte key and u16 weight each).
///
/// - Bounds: 1...`keysMax` keys, strictly ascending by key.
/// - Source: protocol/identity.md, "Policies".
package struct Policy: Record {
    /// The largest number of keys.
    package static let keysMax = 16
    /// The only version.
    package static let version: UInt8 = 1

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case versionUnknown = 30
        case keysMissing = 31
        case keysNotSorted = 32
        case weightIsZero = 33
        case thresholdIsZero = 34
        case thresholdAboveWeights = 35
        case accountNotOpen = 36
        package static let prefix = "policy"
    }

    /// The format, 1.
    package var version: UInt8
    /// The weight that signatures must reach.
    package var threshold: UInt32
    /// Strictly ascending by key.
    package var keys: [WeightedKey]

    /// A policy; ``check()`` says whether it is valid.
    package init(threshold: UInt32, keys: [WeightedKey]) {
        self.version = Self.version
        self.threshold = threshold
        self.keys = keys
    }

    /// One key alone.
    package init(_ key: PublicKey) {
        self.init(threshold: 1, keys: [WeightedKey(key: key, weight: 1)])
    }

    /// Whether the policy may govern an account.
    package func check() throws(Rejection) {
        guard self.version == Self.version else { throw .versionUnknown }
        guard !self.keys.isEmpty, self.keys.count <= Self.keysMax else { throw .keysMissing }
        guard zip(self.keys, self.keys.dropFirst()).allSatisfy({ $0.key < $1.key }) else {
            throw .keysNotSorted
        }
        guard self.keys.allSatisfy({ $0.weight > 0 }) else { throw .weightIsZero }
        guard self.threshold > 0 else { throw .thresholdIsZero }
        // At most 16 weights of 16 bits: the sum fits 32 bits.
        let total = self.keys.reduce(UInt32(0)) { $0 + UInt32($1.weight) }
        guard self.threshold <= total else { throw .thresholdAboveWeights }
    }

    /// No keys.
    package static var blank: Policy { Policy(threshold: 0, keys: []) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("version", &self.version)
        try visitor.field("threshold", &self.threshold)
        try visitor.list("keys", &self.keys, max: Self.keysMax)
    }
}

extension AccountID {
    /// The account that `policy` opens: H(.account, zero salt, canonical policy).
    package static func of(policy: Policy) -> AccountID {
        AccountID(Blake2b.hash(.account, .none, policy.canonicalBytes))
    }

    /// The account of one key alone.
    package static func of(key: PublicKey) -> AccountID { .of(policy: Policy(key)) }

    /// An account that no key controls: H(.module, zero salt, name | part), both with their
    /// lengths.
    ///
    /// `part` tells apart the accounts of one module: a pool, a job; empty for the module itself.
    package static func module(_ name: String, _ part: [UInt8] = []) -> AccountID {
        var encoder = Encoder()
        encoder.byteString(Array(name.utf8))
        encoder.byteString(part)
        return AccountID(Blake2b.hash(.module, .none, encoder.bytes))
    }

    /// Where units of `asset` come from and go to: transfers from it mint, transfers to it burn.
    package static func issuance(of asset: AssetID) -> AccountID {
        asset == .star ? Self.starIssuance : .module("issuance", asset.digest.bytes)
    }

    private static let starIssuance = AccountID.module("issuance", AssetID.star.digest.bytes)
}
