package import Primitives

/// Enough to recompute one leaf's digest, lead it to the leaf root, and its slice to the output's
/// root.
///
/// - Bounds: `pathMax` digests in each path.
/// - Source: protocol/jobs.md, "Openings".
package struct LeafOpening: Record {
    /// A path of 64 siblings serves 2^64 leaves.
    package static let pathMax = 64

    package var index: UInt64 = 0
    package var salt: Digest = .zero
    package var sliceRoot: Digest = .zero
    /// Zero where the kernel declares none.
    package var workDigest: Digest = .zero
    /// From the leaf to the leaf root.
    package var path: [Digest] = []
    /// From the slice root to the output's root.
    package var outputPath: [Digest] = []

    package init() {}

    package static var blank: LeafOpening { LeafOpening() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("index", &self.index)
        try visitor.field("salt", &self.salt)
        try visitor.field("sliceRoot", &self.sliceRoot)
        try visitor.field("workDigest", &self.workDigest)
        try visitor.list("path", &self.path, max: Self.pathMax)
        try visitor.list("outputPath", &self.outputPath, max: Self.pathMax)
    }

    /// True if the leaf is one of `leaves` under `root`.
    package func leads(
        to root: Digest, of leaves: UInt64, job: JobID, provider: AccountID, _ chain: ChainSalt
    ) -> Bool {
        let digest = Leaf.digest(
            salt: self.salt, job: job, provider: provider, launch: 0, index: self.index,
            sliceRoot: self.sliceRoot, workDigest: self.workDigest, chain: chain)
        return Merkle.verify(
            leaf: digest, index: self.index, count: leaves, path: self.path, root: root, .leaves,
            chain)
    }

    /// True if the slice is that of leaf `index` in the output of `leaves` leaves with this root.
    package func leads(toOutput root: Digest, of leaves: UInt64) -> Bool {
        guard
            let tree = Merkle.climb(
                leaf: self.sliceRoot, index: self.index, count: leaves, path: self.outputPath,
                .slices, .none)
        else { return false }
        return Leaf.outputRoot(leaves: leaves, tree: tree) == root
    }
}

/// What a provider opens to an auditor: the sample's leaves and the commitment to the output.
///
/// - Bounds: `leavesMax` openings.
/// - Source: protocol/jobs.md, "Openings".
package struct LeafOpenings: Record {
    /// Leaves that one audit may ask for.
    package static let leavesMax = 64

    package var leaves: [LeafOpening] = []
    package var outputRoot: Digest = .zero
    package var outputSalt: Digest = .zero

    package init() {}

    package static var blank: LeafOpenings { LeafOpenings() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.list("leaves", &self.leaves, max: Self.leavesMax)
        try visitor.field("outputRoot", &self.outputRoot)
        try visitor.field("outputSalt", &self.outputSalt)
    }

    /// H(.opening | u8 1 | canonical bytes).
    package func hash(_ chain: ChainSalt) -> Digest {
        var hash = Blake2b(.opening, chain)
        hash.update(u8: 1)
        hash.update(self.canonicalBytes)
        return hash.finish()
    }

    /// Why these are not the openings of `indices` in that order, or nil: each leads to the leaf
    /// root and to the output's root, and the output's root opens its commitment.
    package func fault(
        indices: [UInt64], leaves count: UInt64, leafRoot: Digest, outputCommitment: Digest,
        job: JobID, provider: AccountID, _ chain: ChainSalt
    ) -> Fault? {
        guard self.leaves.map(\.index) == indices else { return .wrongLeaves }
        guard Blake2b.pair(.output, chain, self.outputSalt, self.outputRoot) == outputCommitment
        else { return .outputDoesNotOpen }
        for leaf in self.leaves {
            guard leaf.leads(to: leafRoot, of: count, job: job, provider: provider, chain) else {
                return .leafNotInRoot(leaf.index)
            }
            guard leaf.leads(toOutput: self.outputRoot, of: count) else {
                return .sliceNotInOutput(leaf.index)
            }
        }
        return nil
    }

    /// What is wrong with openings.
    package enum Fault: Error, Hashable, Sendable {
        case wrongLeaves
        case outputDoesNotOpen
        case leafNotInRoot(UInt64)
        case sliceNotInOutput(UInt64)
    }
}

/// What binds auditor and provider in a blind audit.
///
/// - Source: protocol/jobs.md, "The blind audit".
package enum Transcript {
    /// H(.audit | salt | job | auditor | slice roots in the sample's order): binds the auditor to
    /// what it computed before it sees the provider's.
    package static func commitment(
        salt: Digest, job: JobID, auditor: AccountID, sliceRoots: [Digest], _ chain: ChainSalt
    ) -> Digest {
        var hash = Blake2b(.audit, chain)
        hash.update(salt)
        hash.update(job.digest)
        hash.update(auditor.digest)
        for root in sliceRoots { hash.update(root) }
        return hash.finish()
    }

    /// H(.opening | u8 2 | job | auditor | u64 index | commitment): what the auditor's node signs
    /// before it asks, `index` being the draw's number in its chain. Two of them with different
    /// commitments show that it bound itself twice.
    package static func request(
        job: JobID, auditor: AccountID, auditIndex: UInt64, commitment: Digest,
        _ chain: ChainSalt
    ) -> Digest {
        var hash = Blake2b(.opening, chain)
        hash.update(u8: 2)
        hash.update(job.digest)
        hash.update(auditor.digest)
        hash.update(u64: auditIndex)
        hash.update(commitment)
        return hash.finish()
    }

    /// H(.opening | u8 0 | job | auditor | commitment | hash of the openings): what the provider's
    /// node signs, once for each draw.
    package static func digest(
        job: JobID, auditor: AccountID, commitment: Digest, openings: Digest, _ chain: ChainSalt
    ) -> Digest {
        var hash = Blake2b(.opening, chain)
        hash.update(u8: 0)
        hash.update(job.digest)
        hash.update(auditor.digest)
        hash.update(commitment)
        hash.update(openings)
        return hash.finish()
    }
}
