import Economy
import Kernels
import Primitives
import Testing

/// out[i] = 3 in[i] + in[i + half] + seed, in 128 leaves of 64 numbers; each leaf reads two chunks
/// of the input's eight, and idles for long enough that gas is most of a proof's weight.
enum JobKernel {
    static let leaves: UInt64 = 128
    static let lanes = 64
    static let count = 8_192
    static let seed: UInt32 = 7
    static let price: UInt64 = 1_000_000_000

    private static let source = """
        kernel void blend(global const uint *in, global uint *out, uint seed)
        {
            size_t i = get_global_id(0);
            uint idle = 0u;
            for (uint k = 0u; k < 2048u; ++k) { idle = idle ^ (idle + k); }
            out[i] = in[i] * 3u + in[(i + 4096) & 8191] + seed + (idle & 0u);
        }
        """

    static let package = Self.makePackage()

    private static func makePackage() -> KernelPackage {
        var manifest = Manifest()
        manifest.title = "blend"
        manifest.entry = "blend"
        manifest.localSize = Extent(x: 64, y: 1, z: 1)
        manifest.buffers = [
            BufferLayout(name: "in", role: .in, element: .uint),
            BufferLayout(
                name: "out", role: .out, element: .uint,
                axes: [
                    LayoutAxis(
                        source: AxisSource(axis: 0), block: .constant(64), limit: .constant(8_192),
                        stride: .constant(1))
                ]),
        ]
        return KernelPackage(source: Self.source, manifest: manifest)
    }

    static let numbers: [UInt32] = (0..<UInt32(Self.count)).map { $0 &* 2_654_435_761 }
    static let input: [UInt8] = Self.bytes(Self.numbers)

    static func bytes(_ numbers: [UInt32]) -> [UInt8] {
        numbers.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
    }

    static var order: WorkOrder {
        WorkOrder(
            kernel: Self.package.id,
            launches: [
                Launch(
                    groups: Extent(x: UInt32(Self.leaves), y: 1, z: 1), scalars: [.uint(Self.seed)],
                    buffers: [
                        Binding(.blob(BlobHasher.id(Self.input)), elements: UInt64(Self.count)),
                        Binding(.zero, elements: UInt64(Self.count)),
                    ])
            ])
    }

    /// One group on zeros.
    private static var vector: TestVector {
        let slice = Leaf.sliceRoot(Self.bytes(Array(repeating: 5, count: Self.lanes)))
        return TestVector(
            groups: Extent(x: 1, y: 1, z: 1), scalars: [.uint(5)],
            buffers: [
                VectorBuffer(elements: UInt64(Self.count)),
                VectorBuffer(elements: UInt64(Self.count)),
            ],
            outputRoot: Leaf.outputRoot([slice]))
    }

    static var publish: KernelPublish {
        var publish = KernelPublish()
        publish.kernel = Self.package
        publish.vectors = [Self.vector]
        publish.fee = Parameters.points(300)
        publish.title = "blend"
        return publish
    }

    static var post: JobPost {
        var post = JobPost()
        post.order = Self.order
        post.maxPrice = star(2)
        post.auditFee = Amount(10_000_000)
        post.leavesToAudit = 4
        post.assignMs = 20_000
        post.runMs = 20_000
        post.auditMs = 300_000
        return post
    }

    /// Of the whole order; the tests say which kernel does not compile.
    static let gas = Self.measure()

    private static func measure() -> UInt64 {
        do {
            return try Kernel(Self.package).geometry(Self.order).totalGas
        } catch {
            return 1
        }
    }

    /// The price per giga-gas at which the order costs ``price``, or a mote less.
    static var pricePerGigaGas: Amount {
        Amount(Self.price).mulDiv(1_000_000_000, UInt128(Self.gas), .down).proven("small")
    }

    /// What a leaf must write.
    static func slice(_ leaf: UInt64) -> [UInt8] {
        let first = Int(leaf) * Self.lanes
        return Self.bytes(
            (first..<first + Self.lanes).map { index in
                Self.numbers[index] &* 3 &+ Self.numbers[(index + 4_096) & 8_191] &+ Self.seed
            })
    }

    /// What the leaf reads.
    static func witness(_ leaf: UInt64) throws -> LeafWitness {
        let kernel = try Kernel(Self.package)
        var referee = Referee(kernel)
        return try referee.witness(
            leaf: leaf, launch: 0, order: Self.order, geometry: try kernel.geometry(Self.order),
            inputs: [Self.input, []]
        ).witness
    }

    /// Chunks of an input with the siblings that lead to its blob.
    static func buffer(
        _ indexes: [UInt64], of input: [UInt8] = JobKernel.input
    ) -> LeafWitness.Buffer {
        let size = BlobHasher.chunkBytes
        let chunks = stride(from: 0, to: input.count, by: size).map {
            Array(input[$0..<min($0 + size, input.count)])
        }
        return LeafWitness.Buffer(
            buffer: 0,
            chunks: indexes.map { LeafWitness.Chunk(index: $0, bytes: chunks[Int($0)]) },
            siblings: Merkle.siblings(
                of: indexes, chunks.map { BlobHasher.chunk($0[...]) }, .blob, .none))
    }
}

/// A provider's run of one job: real slices, real trees; some leaves may be lies.
struct JobRun {
    let job: JobID
    let provider: AccountID
    let chain: ChainSalt
    let outputs: [[UInt8]]
    let slices: [Digest]
    let leaves: [Digest]
    let salts: [Digest]
    let outputRoot: Digest
    let outputSalt: Digest

    /// - Parameter output: slice roots of the output's tree, if not the leaves' own.
    init(
        _ job: JobID, _ provider: AccountID, _ chain: ChainSalt, lies: [UInt64] = [],
        outputRoot: Digest? = nil
    ) {
        self.init(
            job, provider, chain, outputs: (0..<JobKernel.leaves).map { JobKernel.slice($0) },
            lies: lies, outputRoot: outputRoot)
    }

    /// A run of any kernel.
    init(
        _ job: JobID, _ provider: AccountID, _ chain: ChainSalt, outputs right: [[UInt8]],
        lies: [UInt64], outputRoot: Digest? = nil
    ) {
        var outputs = right
        // One bit, as of a device with a bad cell.
        for leaf in lies { outputs[Int(leaf)][3] ^= 1 }
        let slices = outputs.map { Leaf.sliceRoot($0) }
        let salts = slices.indices.map { Blake2b.hash(.salt, chain, [UInt8($0)]) }
        self.job = job
        self.provider = provider
        self.chain = chain
        self.outputs = outputs
        self.slices = slices
        self.salts = salts
        self.leaves = slices.indices.map { index in
            Leaf.digest(
                salt: salts[index], job: job, provider: provider, launch: 0, index: UInt64(index),
                sliceRoot: slices[index], workDigest: .zero, chain: chain)
        }
        self.outputRoot = outputRoot ?? Leaf.outputRoot(slices)
        self.outputSalt = Blake2b.hash(.salt, chain, [255, 255])
    }

    var leafRoot: Digest { Merkle.root(self.leaves, .leaves, self.chain) }

    var commit: JobCommit {
        JobCommit(
            job: self.job, leafRoot: self.leafRoot,
            outputCommitment: Blake2b.pair(.output, self.chain, self.outputSalt, self.outputRoot))
    }

    func opening(_ index: UInt64) -> LeafOpening {
        let at = Int(index)
        var opening = LeafOpening()
        opening.index = index
        opening.salt = self.salts[at]
        opening.sliceRoot = self.slices[at]
        opening.path = Merkle.path(self.leaves, at, .leaves, self.chain)
        opening.outputPath = Merkle.path(self.slices, at, .slices, .none)
        return opening
    }

    func openings(_ indices: [UInt64]) -> LeafOpenings {
        var openings = LeafOpenings()
        openings.leaves = indices.map { self.opening($0) }
        openings.outputRoot = self.outputRoot
        openings.outputSalt = self.outputSalt
        return openings
    }

    func proof(_ leaf: UInt64, attempt: UInt8 = 0) throws -> JobProve {
        JobProve(
            job: self.job, attempt: attempt, opening: self.opening(leaf),
            witness: try JobKernel.witness(leaf))
    }

    func answer(_ leaf: UInt64) -> JobAnswer {
        let bytes = self.outputs[Int(leaf)]
        return JobAnswer(
            job: self.job, opening: self.opening(leaf), chunks: Leaf.chunks(bytes), bytes: bytes)
    }
}

extension JobChain {
    static let auditSalt = Blake2b.hash(.salt, .none, [1, 2, 3])

    /// Posts a job; its id.
    func post(_ change: (inout JobPost) -> Void = { _ in }) -> JobID {
        var post = JobKernel.post
        change(&post)
        self.expect(self.send(Self.requester, post))
        let newest = self.read({ try self.reader.counters().jobs }, 0) &- 1
        return self.read({ try self.stack.read(EconomyTable.jobSequence, newest) }, .zero)
    }

    /// The present provider commits to a run with these lies.
    func commit(_ id: JobID, lies: [UInt64] = [], outputRoot: Digest? = nil) -> JobRun {
        self.run(id, until: .assigned)
        let provider = self.provider(id)
        let run = JobRun(
            id, Self.account(provider), self.salt, lies: lies, outputRoot: outputRoot)
        self.expect(self.send(provider, run.commit))
        self.run(id, until: .drawn)
        return run
    }

    func commitment(_ id: JobID, _ openings: LeafOpenings) -> Digest {
        Transcript.commitment(
            salt: Self.auditSalt, job: id, auditor: self.job(id).auditor,
            sliceRoots: openings.leaves.map(\.sliceRoot), self.salt)
    }

    /// The auditor's word on openings, with the signature of the provider's node.
    func report(_ id: JobID, _ openings: LeafOpenings) -> JobAudit {
        var audit = JobAudit()
        audit.job = id
        audit.reveal = self.reveal(id)
        audit.salt = Self.auditSalt
        audit.openings = openings
        let digest = Transcript.digest(
            job: id, auditor: self.job(id).auditor, commitment: self.commitment(id, openings),
            openings: openings.hash(self.salt), self.salt)
        audit.signature = Self.node(of: self.provider(id)).sign(digest)
        return audit
    }

    /// The auditor vouches for its sample.
    func audit(_ id: JobID, _ run: JobRun) -> String? {
        self.send(self.auditor(id), self.report(id, run.openings(self.sample(id))))
    }

    /// The auditor asks on the ledger.
    func summon(_ id: JobID, _ run: JobRun) -> String? {
        let openings = run.openings(self.sample(id))
        return self.send(
            self.auditor(id),
            JobSummon(
                job: id, reveal: self.reveal(id), commitment: self.commitment(id, openings)))
    }

    /// A leaf in the auditor's sample, and one outside.
    func leaves(_ id: JobID) -> (sampled: UInt64, other: UInt64) {
        let sample = self.sample(id)
        let other = (0..<JobKernel.leaves).first { !sample.contains($0) } ?? 0
        return (sample.first ?? 0, other)
    }
}
