import Kernels
import Primitives
import Provider
import Testing

/// Drives one provider core by hand; every step says which effects come out.
struct Bench {
    static let chain = ChainSalt(GenesisID(Blake2b.hash(.genesis, .none, [1])))
    static let job = JobID(Blake2b.hash(.job, .none, [1]))
    static let provider = AccountID(Blake2b.hash(.account, .none, [1]))
    static let auditor = AccountID(Blake2b.hash(.account, .none, [2]))
    static let secret = Blake2b.hash(.salt, .none, [7])
    /// The keys of nodes.
    static let here = key(1)
    static let there = key(2)
    static let elsewhere = key(3)

    var core = Provider(config: .init(chain: Bench.chain), seed: .zero)
    var now = Instant.zero

    mutating func step(_ input: Provider.Input) -> [Provider.Effect] {
        var outbox = Outbox<Provider.Effect>()
        self.core.handle(input, now: self.now, into: &outbox)
        return outbox.drain()
    }

    mutating func receive(
        _ message: Message, from node: PublicKey = Bench.there,
        acting: [AccountID] = [Bench.auditor], to account: AccountID = Bench.provider
    ) -> [Provider.Effect] {
        self.step(.received(message, from: node, acting: acting, to: account))
    }

    private static func key(_ byte: UInt8) -> PublicKey {
        PublicKey([UInt8](repeating: byte, count: 32)).proven("32 bytes")
    }

    // MARK: Duties

    static func run(_ job: JobID = Bench.job, _ order: WorkOrder = .blank) throws -> Duty {
        .run(
            try Duty.Run(
                job: job, provider: Self.provider, order: order.canonicalBytes,
                package: Self.package.canonicalBytes))
    }

    static func open(_ leaves: [UInt64], auditor: AccountID = Bench.auditor) -> Duty {
        .open(
            Duty.Open(job: Self.job, auditor: auditor, provider: Self.provider, leaves: leaves))
    }

    static func audit(
        _ record: JobRecord, leaves: [UInt64], _ order: WorkOrder = .blank
    ) throws -> Duty {
        .audit(
            try Duty.Audit(
                job: Self.job, auditor: Self.auditor, provider: Self.provider,
                order: order.canonicalBytes, package: Self.package.canonicalBytes,
                leaves: leaves, leafCount: UInt64(record.sliceRoots.count),
                leafRoot: record.leafRoot(chain: Self.chain),
                outputCommitment: record.outputCommitment(chain: Self.chain)))
    }

    /// Three inputs of words; only the sizes of the manifest matter here.
    static let package: KernelPackage = {
        var manifest = Manifest()
        manifest.buffers = ["a", "b", "c"].map {
            BufferLayout(name: $0, role: .in, element: .uint, axes: [])
        }
        return KernelPackage(source: "", manifest: manifest)
    }()

    /// An order that reads these blobs of words.
    static func order(_ inputs: [(blob: BlobID, elements: UInt64)]) -> WorkOrder {
        let buffers = inputs.map { Binding(.blob($0.blob), elements: $0.elements) }
        let launch = Launch(groups: Extent(x: 1, y: 1, z: 1), scalars: [], buffers: buffers)
        return WorkOrder(kernel: Self.package.id, launches: [launch])
    }

    // MARK: A job

    static func execution(_ leaves: Int = 5) -> Execution {
        Execution(
            sliceRoots: (0..<leaves).map { Blake2b.hash(.slice, .none, [UInt8($0)]) },
            outputBlob: BlobHasher.id([1]), outputBytes: 1, kernelNs: 10, device: "test")
    }

    static func honest(_ leaves: [UInt64]) -> [LeafResult] {
        leaves.map { LeafResult(leaf: $0, sliceRoot: Self.execution().sliceRoots[Int($0)]) }
    }

    /// Up to the self-check; answers the sample.
    mutating func runJob() throws -> [UInt64] {
        #expect(try self.step(.duties([Self.run()])) == [.derive(Self.job)])
        let started = self.step(.secret(Self.job, Self.secret))
        #expect(started == [.execute(Self.job, package: Self.package, order: .blank)])
        let effects = self.step(.executed(Self.job, Self.execution()))
        guard case .referee(let run, _, _, let leaves)? = effects.first, effects.count == 1 else {
            Issue.record("the referee was not asked: \(effects)")
            return []
        }
        #expect(run == RefereeRun(job: Self.job, purpose: .selfCheck))
        return leaves
    }

    /// Through the commitment; answers its record.
    mutating func commitJob() throws -> JobRecord? {
        let sample = try self.runJob()
        let check = RefereeRun(job: Self.job, purpose: .selfCheck)
        let kept = self.step(.refereed(check, Self.honest(sample)))
        guard case .keep(let record)? = kept.first else {
            Issue.record("the record was not kept: \(kept)")
            return nil
        }
        let effects = self.step(.kept(Self.job))
        #expect(
            effects.first
                == .intend(
                    Self.job,
                    .commit(
                        leafRoot: record.leafRoot(chain: Self.chain),
                        outputCommitment: record.outputCommitment(chain: Self.chain)),
                    account: Self.provider))
        return record
    }

    /// A provider after its commitment, and the record.
    static func committed() throws -> (Bench, JobRecord) {
        var bench = Bench()
        let record = try #require(try bench.commitJob())
        #expect(bench.step(.duties([])) == [])
        return (bench, record)
    }

    /// What the ledger has of the job.
    static func commitment(_ record: JobRecord) -> JobCommitment {
        JobCommitment(
            job: Self.job, provider: Self.provider, leaves: UInt64(record.sliceRoots.count),
            leafRoot: record.leafRoot(chain: Self.chain),
            outputCommitment: record.outputCommitment(chain: Self.chain),
            outputBytes: record.outputBytes)
    }
}

/// Messages among effects, with whom they are for.
func sent(_ effects: [Provider.Effect]) -> [(message: Message, party: Party)] {
    effects.compactMap { effect in
        if case .send(let message, from: _, to: let party) = effect {
            (message, party)
        } else {
            nil
        }
    }
}
