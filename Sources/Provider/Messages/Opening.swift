import Kernels
package import Primitives

/// Enough to recompute one leaf's digest and lead it to the leaf root.
///
/// - Bounds: `pathMax` digests.
/// - Source: protocol/jobs.md, "Messages".
package struct Opening: Record {
    /// Digests from a leaf to its root at most.
    package static let pathMax = 64

    package private(set) var leaf: UInt64 = 0
    package private(set) var salt: Digest = .zero
    package private(set) var sliceRoot: Digest = .zero
    /// Zero where the kernel declares none.
    package private(set) var workDigest: Digest = .zero
    package private(set) var path: [Digest] = []

    /// One opened leaf.
    package init(
        leaf: UInt64, salt: Digest, sliceRoot: Digest, workDigest: Digest, path: [Digest]
    ) {
        self.leaf = leaf
        self.salt = salt
        self.sliceRoot = sliceRoot
        self.workDigest = workDigest
        self.path = path
    }

    private init() {}

    /// An empty opening.
    package static var blank: Opening { Opening() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("leaf", &self.leaf)
        try visitor.field("salt", &self.salt)
        try visitor.field("sliceRoot", &self.sliceRoot)
        try visitor.field("workDigest", &self.workDigest)
        try visitor.list("path", &self.path, max: Self.pathMax)
    }

    /// True if the leaf is one of `leaves` under `root`.
    func leads(
        to root: Digest, of leaves: UInt64, job: JobID, provider: AccountID, _ chain: ChainSalt
    ) -> Bool {
        let digest = Leaf.digest(
            salt: self.salt, job: job, provider: provider, launch: 0, index: self.leaf,
            sliceRoot: self.sliceRoot, workDigest: self.workDigest, chain: chain)
        return Merkle.verify(
            leaf: digest, index: self.leaf, count: leaves, path: self.path, root: root, .leaves,
            chain)
    }
}
