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

/// The provider's side of one job, without kernels run: made-up slices, real trees.
struct FakeRun {
    let job: JobID
    let provider: AccountID
    let salt: ChainSalt
    let leaves: [Digest]
    let salts: [Digest]
    let slices: [Digest]
    let outputRoot: Digest
    let outputSalt: Digest

    init(job: JobID, provider: AccountID, leaves: UInt64, salt: ChainSalt) {
        self.job = job
        self.provider = provider
        self.salt = salt
        let slices = (0..<leaves).map { Leaf.sliceRoot([UInt8(truncatingIfNeeded: $0)]) }
        let salts = (0..<leaves).map { index in
            Blake2b.hash(.salt, salt, [UInt8(truncatingIfNeeded: index)])
        }
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

    func audit(_ indices: [UInt64]) -> Chain.Intent {
        .audit(
            job: self.job,
            openings: indices.map { index in
                let at = Int(index)
                return Chain.Opening(
                    index: index, salt: self.salts[at], sliceRoot: self.slices[at],
                    workDigest: .zero,
                    path: Merkle.path(self.leaves, at, .leaves, self.salt))
            },
            outputRoot: self.outputRoot, outputSalt: self.outputSalt)
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

    /// Publishes the test kernel by the requester (its author) and offers it by the provider.
    func openMarket(fee: UInt16 = 300, capacity: UInt16 = 2) -> KernelID {
        let publish = TestKernel.publish(fee: fee)
        expectNone(self.submit(Self.requester, Self.named("kernel.publish", publish)))
        self.block()
        let offer = Chain.OfferTerms(
            pricePerGigaGas: TestKernel.pricePerGigaGas(Self.price), capacity: capacity,
            classes: [1, 2, 3], maxJobGas: .max, bond: Amount(5 * Amount.motesPerStar),
            device: "test", standsUntil: LedgerTime(ms: 100_000_000))
        expectNone(self.intend(Self.provider, .offer(offer)))
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

    func expectedRun(_ job: JobID) -> FakeRun {
        FakeRun(
            job: job, provider: Self.account(Self.provider), leaves: TestKernel.leaves,
            salt: self.genesis.salt)
    }

    /// The leaves that were drawn for the local auditor.
    var drawn: [UInt64] {
        for case .audit(let audit) in self.duties { return audit.indices }
        return []
    }
}
