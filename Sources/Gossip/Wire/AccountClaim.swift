package import Primitives

/// "This node acts for the account": the account's one key signs
/// H(.claim, salt | node key | account).
///
/// - Source: protocol/gossip.md, "Claims".
package struct AccountClaim: Hashable, Sendable {
    package var account: AccountID
    package var key: PublicKey
    package var signature: Signature

    package init(account: AccountID, key: PublicKey, signature: Signature) {
        self.account = account
        self.key = key
        self.signature = signature
    }

    /// What the account's key signs.
    package static func digest(
        node: PublicKey, account: AccountID, _ salt: ChainSalt
    ) -> Digest {
        var hash = Blake2b(.claim, salt)
        hash.update(Digest(node.bytes).proven("32 bytes"))
        hash.update(account.digest)
        return hash.finish()
    }

    /// The account that a key alone opens: the hash of the policy {version 1, threshold 1, one key
    /// of weight 1}.
    ///
    /// - Source: protocol/identity.md, "Policies".
    package static func account(of key: PublicKey) -> AccountID {
        var policy = Encoder()
        policy.u8(1)
        policy.u32(1)
        policy.length(1)
        key.encode(into: &policy)
        policy.u16(1)
        return AccountID(Blake2b.hash(.account, .none, policy.bytes))
    }

    /// True if the account is its key's, and the key signed that `node` acts for it.
    package func isRight(for node: PublicKey, _ salt: ChainSalt) -> Bool {
        guard self.account == Self.account(of: self.key) else { return false }
        let digest = Self.digest(node: node, account: self.account, salt)
        return self.key.verify(self.signature, digest)
    }
}

extension AccountClaim: Canonical {
    package func encode(into encoder: inout Encoder) {
        self.account.encode(into: &encoder)
        self.key.encode(into: &encoder)
        self.signature.encode(into: &encoder)
    }

    package init(from decoder: inout Decoder) throws(DecodeError) {
        let account = try AccountID(from: &decoder)
        let key = try PublicKey(from: &decoder)
        let signature = try Signature(from: &decoder)
        self.init(account: account, key: key, signature: signature)
    }
}
