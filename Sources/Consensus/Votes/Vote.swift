package import Primitives

/// What a vote says of its view.
package enum VoteKind: UInt8, CodeEnum {
    /// The block was proposed by the leader, and its header, body and signatures are right.
    case notarize = 1
    /// The view shall be skipped.
    case nullify = 2
    /// The block is executed, durable and right, and this validator never nullified the view.
    case finalize = 3
}

/// One statement of one validator about one view.
///
/// Bytes: kind u8 | epoch u64 | view u64 | block 32 bytes (zero for `nullify`).
///
/// - Source: protocol/consensus.md, "Votes".
package struct Vote: Record {
    /// What is said.
    package var kind: VoteKind
    /// The epoch whose validators vote.
    package var epoch: UInt64
    /// The view, from 1.
    package var view: UInt64
    /// The block; zero for `nullify`.
    package var block: BlockID

    /// A vote.
    package init(_ kind: VoteKind, epoch: UInt64, view: UInt64, block: BlockID = .zero) {
        self.kind = kind
        self.epoch = epoch
        self.view = view
        self.block = block
    }

    /// No vote of anybody's: view 0 has none.
    package static var blank: Vote { Vote(.notarize, epoch: 0, view: 0) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("kind", &self.kind)
        try visitor.field("epoch", &self.epoch)
        try visitor.field("view", &self.view)
        try visitor.field("block", &self.block)
    }

    /// True if the view exists and a block is named exactly where one is meant.
    var isWellFormed: Bool {
        self.view > 0 && (self.kind == .nullify) == (self.block == .zero)
    }

    /// What is signed: H(.vote, salt of the chain, the vote's bytes).
    package func digest(_ salt: ChainSalt) -> Digest {
        Blake2b.hash(.vote, salt, self.canonicalBytes)
    }
}

/// A vote with its author.
package struct SignedVote: Record {
    /// What is said.
    package var vote: Vote
    /// The author's place in the epoch's validator set.
    package var signer: UInt32
    /// The author's node key over ``Vote/digest(_:)``.
    package var signature: Signature

    /// A signed vote.
    package init(_ vote: Vote, signer: UInt32, signature: Signature) {
        self.vote = vote
        self.signer = signer
        self.signature = signature
    }

    /// No vote of anybody's.
    package static var blank: SignedVote { SignedVote(.blank, signer: 0, signature: .blank) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("vote", &self.vote)
        try visitor.field("signer", &self.signer)
        try visitor.field("signature", &self.signature)
    }

    /// The signature to verify before the vote may be counted; nil if it cannot be anybody's vote.
    package func check(_ epochs: Epochs) -> VoteCheck? {
        guard self.vote.isWellFormed, let set = epochs.known(self.vote.epoch),
            let author = set.validator(self.signer)
        else { return nil }
        return VoteCheck(
            key: author.key, digest: self.vote.digest(epochs.salt), signature: self.signature)
    }
}

/// One signature for the verification pool.
package struct VoteCheck: Hashable, Sendable {
    /// The key that must have signed.
    package let key: PublicKey
    /// What must have been signed.
    package let digest: Digest
    /// The signature.
    package let signature: Signature

    /// True if the signature is the key's.
    package var holds: Bool { self.key.verify(self.signature, self.digest) }
}
