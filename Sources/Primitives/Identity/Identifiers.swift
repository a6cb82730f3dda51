/// A digest that names one kind of thing; the type keeps kinds apart.
package protocol Identifier: FieldValue, Comparable, CustomStringConvertible {
    /// The name's bytes.
    var digest: Digest { get }
    /// Wraps a digest that is known to name such a thing.
    init(_ digest: Digest)
}

extension Identifier {
    /// No such thing.
    package static var zero: Self { Self(.zero) }
    /// 64 hexadecimal digits.
    package var hex: String { self.digest.hex }
    /// The first 12 digits, for people.
    package var short: String { self.digest.short }
    /// The digits.
    package var description: String { self.digest.hex }
    /// 64 hexadecimal digits; nil otherwise.
    package init?(hex: String) {
        guard let digest = Digest(hex: hex) else { return nil }
        self.init(digest)
    }
    package static func < (left: Self, right: Self) -> Bool { left.digest < right.digest }
    /// The zero id.
    package static var blank: Self { .zero }
    /// The 32 bytes.
    package func encode(into encoder: inout Encoder) { self.digest.encode(into: &encoder) }
    /// 32 bytes.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        self.init(try Digest(from: &decoder))
    }
    /// The digits.
    package var json: JSON { self.digest.json }
    /// 64 hexadecimal digits.
    package init(json: JSON, at path: String) throws(FieldError) {
        self.init(try Digest(json: json, at: path))
    }
    /// A string of 64 digits.
    package static var schema: JSON { Digest.schema }
}

/// Names an account for ever: the hash of its first policy.
package struct AccountID: Identifier {
    /// The name's bytes.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
}

/// Names a node: the hash of its node key.
package struct NodeID: Identifier {
    /// The name's bytes.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
}

/// Names a published kernel version: the hash of its package.
package struct KernelID: Identifier {
    /// The name's bytes.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
}

/// Names bytes by their content.
package struct BlobID: Identifier {
    /// The name's bytes.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
}

/// Names a block: the hash of its header.
package struct BlockID: Identifier {
    /// The name's bytes.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
}

/// Names a transaction: the hash of its signed bytes.
package struct TransactionID: Identifier {
    /// The name's bytes.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
}

/// Names a job.
package struct JobID: Identifier {
    /// The name's bytes.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
}

/// Names a provider's standing offer.
package struct OfferID: Identifier {
    /// The name's bytes.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
}

/// Names a proposal to be voted on.
package struct ProposalID: Identifier {
    /// The name's bytes.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
}

/// Names an asset.
package struct AssetID: Identifier {
    /// The name's bytes.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
}

/// Names a network: the hash of its genesis.
package struct GenesisID: Identifier {
    /// The name's bytes.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
}

extension AssetID {
    /// The coin. 1 STAR = 10^9 motes.
    package static let star = AssetID(Blake2b.hash(.asset, .none, Array("STAR".utf8)))
}

extension NodeID {
    /// The name of the node that holds `key`.
    package static func of(_ key: PublicKey) -> NodeID {
        NodeID(Blake2b.hash(.node, .none, key.bytes))
    }
}
