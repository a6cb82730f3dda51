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
    /// Number 9 of the auditor's chain; the ledger knows number 5.
    static let reveal = Blake2b.hash(.reveal, .none, [9])
    /// Signs for the provider.
    static let node = SecretKey(seed: [UInt8](repeating: 5, count: 32)).proven("32 bytes")
    /// Signs for the auditor.
    static let auditorNode = SecretKey(seed: [UInt8](repeating: 6, count: 32))
        .proven("32 bytes")
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
                job: job, attempt: 0, provider: Self.provider, order: order.canonicalBytes,
                package: Self.package.canonicalBytes))
    }

    /// The draw of an auditor of the honest job.
    static let draw = draw(of: 5)

    /// Three of so many leaves.
    static func draw(of leaves: UInt64) -> Draw {
        Draw(
            leavesToAudit: 3, leaves: leaves, mix: Blake2b.hash(.mix, .none, [1]),
            link: link(reveal, steps: 4), steps: 4)
    }

    private static func link(_ reveal: Digest, steps: Int) -> Digest {
        var value = reveal
        for _ in 0..<steps { value = Blake2b.hash(.reveal, .none, value.bytes) }
        return value
    }

    /// The leaves that the auditor's number names, in order.
    static let leaves = Sample.leaves(
        3, of: 5, reveal: reveal, mix: draw.mix, job: job, chain)

    static func open(
        _ draw: Draw = Bench.draw, auditor: AccountID = Bench.auditor,
        summons: Duty.Summons? = nil
    ) -> Duty {
        .open(
            Duty.Open(
                job: Self.job, attempt: 0, auditor: auditor,
                auditorNode: Self.auditorNode.publicKey, auditIndex: 9, provider: Self.provider,
                draw: draw, summons: summons))
    }

    static func audit(
        _ record: JobRecord, _ order: WorkOrder = .blank, index: UInt64 = 9,
        isSummoned: Bool = false, openings: LeafOpenings? = nil, reveal: Digest? = nil
    ) throws -> Duty {
        .audit(
            try Duty.Audit(
                job: Self.job, attempt: 0, auditor: Self.auditor, auditIndex: index,
                auditorMs: 30_000, provider: Self.provider, providerNode: Self.node.publicKey,
                order: order.canonicalBytes, package: Self.package.canonicalBytes,
                draw: Self.draw(of: UInt64(record.sliceRoots.count)),
                leafRoot: record.leafRoot(chain: Self.chain),
                outputCommitment: record.outputCommitment(chain: Self.chain),
                isSummoned: isSummoned, openings: openings?.canonicalBytes, reveal: reveal))
    }

    static func challenge(leaf: UInt64, chunk: UInt32 = 0) throws -> Duty {
        .answer(
            try Duty.Answer(
                job: Self.job, provider: Self.provider, leaf: leaf, chunk: chunk,
                order: WorkOrder.blank.canonicalBytes,
                package: Self.package.canonicalBytes))
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

    /// Leaf i's slice is its number; a wrong leaf's is empty.
    static func execution(_ leaves: Int = 5, wrong: [UInt64] = []) -> Execution {
        Execution(
            sliceRoots: (0..<leaves).map { leaf in
                Leaf.sliceRoot(wrong.contains(UInt64(leaf)) ? [] : [UInt8(leaf)])
            },
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

    /// A provider that trusts its device, which is wrong about these leaves.
    static func cheated(_ wrong: [UInt64]) throws -> (Bench, JobRecord) {
        var bench = Bench()
        bench.core = Provider(config: .init(chain: Self.chain, selfCheckLeaves: 0), seed: .zero)
        _ = try bench.step(.duties([Self.run()]))
        _ = bench.step(.secret(Self.job, Self.secret))
        let effects = bench.step(.executed(Self.job, Self.execution(wrong: wrong)))
        guard case .keep(let record)? = effects.first else { throw NoRecord() }
        _ = bench.step(.kept(Self.job))
        _ = bench.step(.duties([]))
        return (bench, record)
    }

    struct NoRecord: Error {}

    /// What the ledger has of the job.
    static func commitment(_ record: JobRecord) -> JobCommitment {
        JobCommitment(
            job: Self.job, provider: Self.provider, leaves: UInt64(record.sliceRoots.count),
            leafRoot: record.leafRoot(chain: Self.chain),
            outputCommitment: record.outputCommitment(chain: Self.chain),
            outputBytes: record.outputBytes)
    }
}

extension Bench {
    // MARK: An audit

    static let audits = RefereeRun(job: Bench.job, purpose: .audit(Bench.auditor))
    static let proves = RefereeRun(job: Bench.job, purpose: .proof(Bench.auditor))
    static let again = Provider.Timer.askAgain(Bench.job, auditor: Bench.auditor)

    /// What the auditor is bound to, computed beside it.
    static let commitment = Transcript.commitment(
        salt: Blake2b.hash(.salt, .none, reveal.bytes + job.digest.bytes), job: job,
        auditor: auditor, sliceRoots: honest(leaves).map(\.sliceRoot), chain)

    static let request = request(commitment)

    /// What the auditor's node signs: that it is bound to `commitment` in draw number `index`.
    static func bond(_ commitment: Digest, job: JobID = Bench.job, index: UInt64 = 9) -> Digest {
        Transcript.request(
            job: job, auditor: Self.auditor, auditIndex: index, commitment: commitment,
            Self.chain)
    }

    /// A request to be opened the sample, rightly signed.
    static func request(
        _ commitment: Digest, job: JobID = Bench.job, reveal: Digest = Bench.reveal
    ) -> Message {
        .auditRequest(
            .init(
                job: job, reveal: reveal, commitment: commitment,
                signature: Self.auditorNode.sign(Self.bond(commitment, job: job))))
    }

    /// What looks after an audit from its first moment.
    static func timers(at now: Instant = .zero) -> [Provider.Effect] {
        [
            .schedule(
                .watch(Self.job, auditor: Self.auditor, index: 9), at: now.adding(ms: 10_000)),
            .schedule(
                .decline(Self.job, auditor: Self.auditor, index: 9), at: now.adding(ms: 15_000)),
        ]
    }

    /// From the duty through number and referee; answers what the referee's results lead to, once
    /// its node signed what binds it.
    mutating func inspect(_ duty: Duty) throws -> [Provider.Effect] {
        let begun = self.step(.duties([duty]))
        #expect(begun.prefix(1) == [.revealAudit(Self.job, auditor: Self.auditor, index: 9)])
        let started = self.step(.auditReveal(Self.job, auditor: Self.auditor, Self.reveal))
        #expect(
            started == [
                .referee(
                    Self.audits, package: Self.package, order: .blank, leaves: Self.leaves)
            ])
        let found = self.step(.refereed(Self.audits, Self.honest(Self.leaves)))
        guard case .signTranscript(_, auditor: _, let digest)? = found.first else { return found }
        #expect(found.count == 1)
        return self.step(Self.signed(digest))
    }

    /// The auditor's node signs.
    static func signed(_ digest: Digest) -> Provider.Input {
        .transcriptSigned(
            Self.job, auditor: Self.auditor, digest: digest, Self.auditorNode.sign(digest))
    }

    /// An auditor that computed and asked once.
    static func asked(_ record: JobRecord) throws -> Bench {
        var bench = Bench()
        let effects = try bench.inspect(Self.audit(record))
        #expect(
            effects == [
                .send(Self.request, from: Self.auditor, to: .account(Self.provider)),
                .schedule(Self.again, at: Instant.zero.adding(ms: 3_000)),
            ])
        return bench
    }

    /// What this provider answers to the auditor, whose draw stands.
    mutating func answer(_ request: Message = Bench.request) throws -> Message.AuditOpenings {
        var effects = self.step(.duties([Self.open()])) + self.receive(request)
        if case .keep? = effects.last { effects = self.step(.kept(Self.job)) }
        guard case .signTranscript(Self.job, auditor: Self.auditor, let digest)? = effects.last
        else { throw NoAnswer() }
        let signed = self.step(
            .transcriptSigned(
                Self.job, auditor: Self.auditor, digest: digest, Self.node.sign(digest)))
        guard case .auditOpenings(let answer)? = sent(signed).first?.message else {
            throw NoAnswer()
        }
        return answer
    }

    struct NoAnswer: Error {}

    /// The provider's node says this to the auditor.
    mutating func hear(_ answer: Message.AuditOpenings) -> [Provider.Effect] {
        self.receive(
            .auditOpenings(answer), from: Bench.here, acting: [Bench.provider], to: Bench.auditor)
    }
}

/// What is said on the ledger.
func intents(_ effects: [Provider.Effect]) -> [Intent] {
    effects.compactMap { effect in
        if case .intend(_, let intent, account: _) = effect { intent } else { nil }
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
