import Chain
import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// No refusal.
func expectNone(_ refusal: Chain.Refusal?, location: SourceLocation = #_sourceLocation) {
    let words = "\(refusal?.name ?? ""): \(refusal?.text ?? "")"
    #expect(refusal == nil, "\(words)", sourceLocation: location)
}

/// The provider's side of one job: the slices of the test kernel, real trees.
struct FakeRun {
    let job: JobID
    let provider: AccountID
    let salt: ChainSalt
    let leaves: [Digest]
    let salts: [Digest]
    /// What each leaf wrote, or what the provider says that it wrote.
    let outputs: [[UInt8]]
    let slices: [Digest]
    let outputRoot: Digest
    let outputSalt: Digest

    /// - Parameter lies: the leaves whose slice is wrong.
    init(job: JobID, provider: AccountID, salt: ChainSalt, lies: [UInt64] = []) {
        self.job = job
        self.provider = provider
        self.salt = salt
        let outputs = (0..<TestKernel.leaves).map { leaf -> [UInt8] in
            var slice = (0..<4).flatMap { [UInt8(7 + 4 * leaf + $0), 0, 0, 0] as [UInt8] }
            if lies.contains(leaf) { slice[3] = 1 }
            return slice
        }
        let slices = outputs.map { Leaf.sliceRoot($0) }
        let salts = slices.indices.map { index in
            Blake2b.hash(.salt, salt, [UInt8(truncatingIfNeeded: index)])
        }
        self.outputs = outputs
        self.slices = slices
        self.salts = salts
        self.leaves = slices.indices.map { index in
            Leaf.digest(
                salt: salts[index], job: job, provider: provider, launch: 0,
                index: UInt64(index), sliceRoot: slices[index], workDigest: .zero, chain: salt)
        }
        self.outputRoot = Leaf.outputRoot(slices)
        self.outputSalt = Blake2b.hash(.salt, salt, [255, 255])
    }

    var commit: Chain.Intent {
        .commit(
            job: self.job, leafRoot: Merkle.root(self.leaves, .leaves, self.salt),
            outputCommitment: Blake2b.pair(
                .output, self.salt, self.outputSalt, self.outputRoot))
    }

    func opening(_ index: UInt64) -> LeafOpening {
        let at = Int(index)
        var opening = LeafOpening()
        opening.index = index
        opening.salt = self.salts[at]
        opening.sliceRoot = self.slices[at]
        opening.path = Merkle.path(self.leaves, at, .leaves, self.salt)
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

    /// The auditor's report with the signature that the provider's node gives for it.
    func audit(_ openings: LeafOpenings, reveal: Digest) -> Chain.Intent {
        let commitment = Transcript.commitment(
            salt: Self.auditSalt, job: self.job, auditor: World.account(World.auditor),
            sliceRoots: openings.leaves.map(\.sliceRoot), self.salt)
        let digest = Transcript.digest(
            job: self.job, auditor: World.account(World.auditor), commitment: commitment,
            openings: openings.hash(self.salt), self.salt)
        return .audit(
            job: self.job, reveal: reveal, salt: Self.auditSalt,
            openings: openings.canonicalBytes, signature: World.providerNode.sign(digest))
    }

    static let auditSalt = Blake2b.hash(.salt, .none, [1, 2, 3])

    /// A proof that the referee finds another slice in this leaf.
    func proof(_ leaf: UInt64, attempt: UInt8 = 0) throws -> Chain.Intent {
        let kernel = try Kernel(TestKernel.package)
        let order = TestKernel.order(TestKernel.package.id)
        let geometry = try kernel.geometry(order)
        var referee = Referee(kernel)
        let (_, witness) = try referee.witness(
            leaf: leaf, launch: 0, order: order, geometry: geometry, inputs: [[]])
        return .prove(
            job: self.job, attempt: attempt, opening: self.opening(leaf).canonicalBytes,
            witness: witness.canonicalBytes)
    }
}

extension World {
    static let price: UInt64 = 1_000_000_000

    /// A transfer as JSON.
    static func transfer(_ to: SecretKey, _ amount: UInt64, memo: String = "") -> JSON {
        .object(
            ("operation", .string("bank.transfer")), ("asset", AssetID.star.json),
            ("to", self.account(to).json), ("amount", Amount(amount).json),
            ("memo", .string(memo)))
    }

    static func named(_ operation: String, _ record: some Record) -> JSON {
        guard case .object(let members) = record.json else { return .null }
        return .object([.init(name: "operation", value: .string(operation))] + members)
    }

    /// Publishes the test kernel by the requester (its author) and offers it by the providers.
    func openMarket(
        fee: UInt16 = 300, capacity: UInt16 = 2, bond: UInt64 = 5,
        providers: [SecretKey] = [World.provider]
    ) -> KernelID {
        let publish = TestKernel.publish(fee: fee)
        expectNone(self.submit(Self.requester, Self.named("kernel.publish", publish)))
        self.block()
        let offer = Chain.OfferTerms(
            pricePerGigaGas: TestKernel.pricePerGigaGas(Self.price), capacity: capacity,
            classes: [1, 2, 3], maxJobGas: .max, bond: Amount(bond * Amount.motesPerStar),
            device: "test", node: Self.providerNode.publicKey,
            standsUntil: LedgerTime(ms: 100_000_000))
        for key in providers { expectNone(self.intend(key, .offer(offer))) }
        self.block()
        return publish.kernel.id
    }

    /// Posts a job; its id.
    func post(
        _ kernel: KernelID, maxPrice: UInt64 = 2 * World.price, auditFee: UInt64 = 1_000_000,
        audited: UInt16 = 4, assignMs: UInt64 = 5_000, runMs: UInt64 = 5_000,
        auditMs: UInt64 = 5_000
    ) -> JobID {
        var post = JobPost()
        post.order = TestKernel.order(kernel)
        post.maxPrice = Amount(maxPrice)
        post.auditFee = Amount(auditFee)
        post.leavesToAudit = audited
        post.assignMs = assignMs
        post.runMs = runMs
        post.auditMs = auditMs
        expectNone(self.submit(Self.requester, Self.named("job.post", post)))
        self.block()
        let newest = self.query(.jobs(before: nil, limit: 1))["jobs"]?.arrayValue?.first
        return newest?["id"]?.stringValue.flatMap { JobID(hex: $0) } ?? .zero
    }

    /// What the first provider computes, or says that it does.
    func expectedRun(_ job: JobID, lies: [UInt64] = []) -> FakeRun {
        FakeRun(
            job: job, provider: Self.account(Self.provider), salt: self.genesis.salt, lies: lies)
    }

    /// The audit that is to be done here.
    var auditDuty: Chain.Duty.Audit? {
        for case .audit(let audit) in self.duties { return audit }
        return nil
    }

    /// The auditor's own pre-image for that audit.
    var auditReveal: Digest {
        self.auditDuty.flatMap { Self.audits.reveal($0.auditIndex) } ?? .zero
    }

    /// The leaves that the auditor's chain names.
    var drawn: [UInt64] {
        guard let duty = self.auditDuty else { return [] }
        return Sample.leaves(
            duty.draw.leavesToAudit, of: duty.draw.leaves, reveal: self.auditReveal,
            mix: duty.draw.mix, job: duty.job, self.genesis.salt)
    }

    /// Vouches for the drawn leaves of a run.
    func audit(_ fake: FakeRun) -> Chain.Refusal? {
        self.intend(
            Self.auditor, fake.audit(fake.openings(self.drawn), reveal: self.auditReveal))
    }
}
