package import Primitives

/// A leader's block for its view, on a parent notarized in an earlier view.
///
/// Bytes: epoch u64 | view u64 | block | parentView u64 | parent.
///
/// - Source: protocol/consensus.md, "Proposals".
package struct Proposal: Record {
    /// The epoch.
    package var epoch: UInt64
    /// The view proposed in; a block proposed again keeps its id and gets the new view here.
    package var view: UInt64
    /// The block.
    package var block: BlockID
    /// The view in which the parent was notarized; 0 for the genesis.
    package var parentView: UInt64
    /// The parent.
    package var parent: BlockID

    /// A proposal.
    package init(
        epoch: UInt64, view: UInt64, block: BlockID, parentView: UInt64, parent: BlockID
    ) {
        self.epoch = epoch
        self.view = view
        self.block = block
        self.parentView = parentView
        self.parent = parent
    }

    /// No proposal of anybody's.
    package static var blank: Proposal {
        Proposal(epoch: 0, view: 0, block: .zero, parentView: 0, parent: .zero)
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("epoch", &self.epoch)
        try visitor.field("view", &self.view)
        try visitor.field("block", &self.block)
        try visitor.field("parentView", &self.parentView)
        try visitor.field("parent", &self.parent)
    }

    /// True if a view, a block and an earlier parent are named.
    var isWellFormed: Bool {
        self.view > self.parentView && self.block != .zero && self.parent != .zero
    }

    /// What is signed: H(.proposal, salt of the chain, the proposal's bytes).
    package func digest(_ salt: ChainSalt) -> Digest {
        Blake2b.hash(.proposal, salt, self.canonicalBytes)
    }
}

/// A proposal with its author.
package struct SignedProposal: Record {
    /// What is proposed.
    package var proposal: Proposal
    /// The author's place in the epoch's validator set.
    package var signer: UInt32
    /// The author's node key over ``Proposal/digest(_:)``.
    package var signature: Signature

    /// A signed proposal.
    package init(_ proposal: Proposal, signer: UInt32, signature: Signature) {
        self.proposal = proposal
        self.signer = signer
        self.signature = signature
    }

    /// No proposal of anybody's.
    package static var blank: SignedProposal {
        SignedProposal(.blank, signer: 0, signature: .blank)
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("proposal", &self.proposal)
        try visitor.field("signer", &self.signer)
        try visitor.field("signature", &self.signature)
    }

    /// The signature to verify; nil if the author does not lead the view.
    package func check(_ epochs: Epochs) -> VoteCheck? {
        guard self.proposal.isWellFormed, let set = epochs.known(self.proposal.epoch),
            epochs.leader(of: self.proposal.view) == self.signer,
            let author = set.validator(self.signer)
        else { return nil }
        return VoteCheck(
            key: author.key, digest: self.proposal.digest(epochs.salt), signature: self.signature)
    }
}

/// What a validator signs: nothing else in consensus is ever signed.
package enum Statement: Hashable, Sendable {
    /// As leader of a view.
    case proposal(Proposal)
    /// As any validator.
    case vote(Vote)

    /// The view spoken of.
    package var view: UInt64 {
        switch self {
        case .proposal(let proposal): proposal.view
        case .vote(let vote): vote.view
        }
    }

    /// What is signed.
    package func digest(_ salt: ChainSalt) -> Digest {
        switch self {
        case .proposal(let proposal): proposal.digest(salt)
        case .vote(let vote): vote.digest(salt)
        }
    }
}
