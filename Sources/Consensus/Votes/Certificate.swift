package import Primitives

/// The same vote of more than two thirds of an epoch's stake.
///
/// Bytes: kind u8 | epoch u64 | view u64 | block | signers (length, bitmap) | signatures (count, 64
/// bytes each, in the order of the signers). Validator i is bit i % 8, least significant first, of
/// byte i / 8; the bitmap has exactly the bytes its set needs and no bit beyond it.
///
/// - Source: protocol/consensus.md, "Certificates".
package struct Certificate: Record {
    /// What was voted.
    package var kind: VoteKind
    /// The epoch whose validators voted.
    package var epoch: UInt64
    /// The view.
    package var view: UInt64
    /// The block; zero for a nullification.
    package var block: BlockID
    /// A bit for each validator that signed.
    package var signers: [UInt8]
    /// Their signatures over the vote's digest.
    package var signatures: [Signature]

    /// A certificate for `vote`.
    package init(_ vote: Vote, signers: [UInt8], signatures: [Signature]) {
        self.kind = vote.kind
        self.epoch = vote.epoch
        self.view = vote.view
        self.block = vote.block
        self.signers = signers
        self.signatures = signatures
    }

    /// A certificate of nothing.
    package static var blank: Certificate { Certificate(.blank, signers: [], signatures: []) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("kind", &self.kind)
        try visitor.field("epoch", &self.epoch)
        try visitor.field("view", &self.view)
        try visitor.field("block", &self.block)
        try visitor.bytes("signers", &self.signers, max: ValidatorSet.membersMax / 8)
        try visitor.list("signatures", &self.signatures, max: ValidatorSet.membersMax)
    }

    /// The vote that all signers gave.
    package var vote: Vote {
        Vote(self.kind, epoch: self.epoch, view: self.view, block: self.block)
    }

    /// Why a certificate proves nothing, in the order checked.
    package enum Flaw: Error, Hashable, Sendable {
        /// View 0, a nullification of a block, or a block missing.
        case malformed
        /// The epoch's validators are not known here.
        case unknownEpoch(UInt64)
        /// The bitmap is not as long as the validator set needs, or names nobody.
        case bitmap
        /// There is not one signature for each signer.
        case signatureCount
        /// The signers hold two thirds of the stake or less.
        case weight
        /// The signature of this signer does not verify.
        case signature(signer: UInt32)
    }

    /// The signatures to verify before the certificate may be believed.
    ///
    /// - Throws: the first flaw that shows without any signature check.
    package func checks(_ epochs: Epochs) throws(Flaw) -> [VoteCheck] {
        guard self.vote.isWellFormed else { throw .malformed }
        guard let set = epochs.known(self.epoch) else { throw .unknownEpoch(self.epoch) }
        guard let signers = set.members(self.signers) else { throw .bitmap }
        guard signers.count == self.signatures.count else { throw .signatureCount }
        guard set.isQuorum(set.weight(of: signers)) else { throw .weight }
        let digest = self.vote.digest(epochs.salt)
        return zip(signers, self.signatures).map { signer, signature in
            VoteCheck(
                key: set.members[Int(signer)].key, digest: digest, signature: signature)
        }
    }

    /// Checks everything here and now: 40 µs a signature.
    package func verify(_ epochs: Epochs) throws(Flaw) {
        for (position, check) in try self.checks(epochs).enumerated() where !check.holds {
            let signers = epochs.known(self.epoch)?.members(self.signers) ?? []
            throw .signature(signer: signers[position])
        }
    }
}
