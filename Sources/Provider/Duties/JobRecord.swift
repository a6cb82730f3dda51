import Kernels
package import Primitives

/// The one request that was answered in a draw: an auditor that could have a second one answered,
/// after a restart, would bind itself to the provider's own results.
package struct AuditMemory: Record {
    package private(set) var auditor: AccountID = .zero
    /// The beacon's mix: which draw.
    package private(set) var mix: Digest = .zero
    package private(set) var commitment: Digest = .zero
    /// The auditor's node over ``Transcript/request(job:auditor:auditIndex:commitment:_:)``.
    package private(set) var signature: Signature = .blank

    /// What is to be remembered of an answer.
    init(auditor: AccountID, mix: Digest, commitment: Digest, signature: Signature) {
        self.auditor = auditor
        self.mix = mix
        self.commitment = commitment
        self.signature = signature
    }

    private init() {}

    /// An empty memory.
    package static var blank: AuditMemory { AuditMemory() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("auditor", &self.auditor)
        try visitor.field("mix", &self.mix)
        try visitor.field("commitment", &self.commitment)
        try visitor.field("signature", &self.signature)
    }
}

/// What a provider must not lose: enough to open every leaf of a job and to hand out its output.
///
/// - Bounds: `leavesMax` slice roots.
/// - Source: protocol/jobs.md, "Commitment".
package struct JobRecord: Record {
    /// The most leaves of one job.
    package static let leavesMax = 1 << 20

    package private(set) var job: JobID = .zero
    package private(set) var provider: AccountID = .zero
    /// The salts of the leaves come from it.
    private var secret: Digest = .zero
    package private(set) var outputBlob: BlobID = .zero
    package private(set) var outputBytes: UInt64 = 0
    package private(set) var kernelNs: UInt64 = 0
    package private(set) var device: String = ""
    package private(set) var sliceRoots: [Digest] = []
    /// Of the newest draw; nil before anybody asked.
    package private(set) var audit: AuditMemory?

    /// The record of a finished run.
    init(job: JobID, provider: AccountID, secret: Digest, execution: Execution) {
        self.job = job
        self.provider = provider
        self.secret = secret
        self.outputBlob = execution.outputBlob
        self.outputBytes = execution.outputBytes
        self.kernelNs = execution.kernelNs
        self.device = execution.device
        self.sliceRoots = execution.sliceRoots
    }

    private init() {}

    /// An empty record.
    package static var blank: JobRecord { JobRecord() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.field("provider", &self.provider)
        try visitor.field("secret", &self.secret)
        try visitor.field("outputBlob", &self.outputBlob)
        try visitor.field("outputBytes", &self.outputBytes)
        try visitor.field("kernelNs", &self.kernelNs)
        try visitor.text("device", &self.device, max: 256)
        try visitor.list("sliceRoots", &self.sliceRoots, max: Self.leavesMax)
        try visitor.field("audit", &self.audit)
    }

    /// The same record with what was answered in the newest draw.
    func remembering(_ audit: AuditMemory) -> JobRecord {
        var record = self
        record.audit = audit
        return record
    }

    /// The salt of one leaf: H(.salt | secret | leaf).
    func salt(_ leaf: UInt64) -> Digest {
        var hash = Blake2b(.salt, .none)
        hash.update(self.secret)
        hash.update(u64: leaf)
        return hash.finish()
    }

    /// The salt of the output's root, which no leaf has.
    package var outputSalt: Digest { self.salt(.max) }

    /// The root over the slice roots.
    package var outputRoot: Digest { Leaf.outputRoot(self.sliceRoots) }

    /// H(.output, salt | root): hides the root until it is opened.
    package func outputCommitment(chain: ChainSalt) -> Digest {
        Blake2b.pair(.output, chain, self.outputSalt, self.outputRoot)
    }

    /// The salted digests of all leaves, in order.
    func leaves(chain: ChainSalt) -> [Digest] {
        self.sliceRoots.enumerated().map { index, root in
            Leaf.digest(
                salt: self.salt(UInt64(index)), job: self.job, provider: self.provider, launch: 0,
                index: UInt64(index), sliceRoot: root, workDigest: .zero, chain: chain)
        }
    }

    /// The root over the salted leaves.
    package func leafRoot(chain: ChainSalt) -> Digest {
        Merkle.root(self.leaves(chain: chain), .leaves, chain)
    }

    /// The openings of some leaves with the trees of this record; nil if one does not exist.
    func openings(of wanted: [UInt64], _ trees: LeafTree) -> LeafOpenings? {
        var openings = LeafOpenings()
        for leaf in wanted {
            guard let opening = self.opening(of: leaf, trees) else { return nil }
            openings.leaves.append(opening)
        }
        openings.outputRoot = self.outputRoot
        openings.outputSalt = self.outputSalt
        return openings
    }

    /// The opening of one leaf with the trees of this record; nil if there is no such leaf.
    func opening(of leaf: UInt64, _ trees: LeafTree) -> LeafOpening? {
        guard let index = Int(exactly: leaf), self.sliceRoots.indices.contains(index),
            let path = trees.path(index), let outputPath = trees.outputPath(index)
        else { return nil }
        var opening = LeafOpening()
        opening.index = leaf
        opening.salt = self.salt(leaf)
        opening.sliceRoot = self.sliceRoots[index]
        opening.path = path
        opening.outputPath = outputPath
        return opening
    }

    /// Where the output is, and what opens its commitment.
    var output: JobOutput {
        JobOutput(
            job: self.job, root: self.outputRoot, salt: self.outputSalt, blob: self.outputBlob,
            bytes: self.outputBytes)
    }
}
