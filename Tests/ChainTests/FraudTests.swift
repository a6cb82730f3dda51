import Chain
import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// A provider that lies, hides or is asked, through the chain's door alone.
@Suite struct FraudTests {
    @Test func aWrongLeafIsProvedAndTheJobRunsElsewhere() throws {
        let world = try World()
        let (id, liar) = try world.commitOne(lies: Array(0..<TestKernel.leaves))
        let escrow = world.job(id)["escrow"]
        let bonds = world.query(.supply)["bonds"]?.u64Value ?? 0
        let leaf = try #require(world.drawn.first)
        let lie = world.run(id, by: liar, lies: Array(0..<TestKernel.leaves))
        let before = world.available(World.account(World.requester))
        // Anybody may prove it, and gets a part of what the provider loses.
        expectNone(world.intend(World.requester, try lie.proof(leaf)))
        world.block()
        let after = world.available(World.account(World.requester))
        #expect(after > before + 14 * World.price / 10, "3/10 of five prices, less the fee")
        #expect(world.query(.supply)["bonds"]?.u64Value == bonds - 5 * World.price)
        #expect(world.job(id)["escrow"] == escrow, "the requester's money waits for the next one")
        #expect(world.job(id)["attempt"]?.u64Value == 1)
        world.block()
        #expect(world.job(id)["phase"]?.stringValue == "assigned")
        let runner = try #require(world.runDuty)
        #expect(runner.attempt == 1 && runner.provider != World.account(liar))
        let honest = FakeRun(job: id, provider: runner.provider, salt: world.genesis.salt)

        // A second wrong leaf of the first attempt takes the rest; the same one is no news.
        #expect(world.intend(World.auditor, try lie.proof(leaf)) != nil)
        let other: UInt64 = leaf == 0 ? 1 : 0
        expectNone(world.intend(World.auditor, try lie.proof(other)))
        world.block()
        #expect(world.query(.supply)["bonds"]?.u64Value == bonds / 2)
        try world.finish(id, honest)
        #expect(try world.faults() == [])
        try world.expectReplay()
    }

    @Test func whoeverVouchedForAWrongLeafLosesItsStake() throws {
        let world = try World(window: 5_000)
        let lies = Array(0..<TestKernel.leaves)
        let (id, liar) = try world.commitOne(lies: lies)
        let lie = world.run(id, by: liar, lies: lies)
        let leaf = try #require(world.drawn.last)
        expectNone(world.audit(lie))
        world.block()
        #expect(world.job(id)["phase"]?.stringValue == "window")
        expectNone(world.intend(World.requester, try lie.proof(leaf)))
        world.block()
        #expect(world.job(id)["attempt"]?.u64Value == 1)
        let auditor = world.query(.account(World.account(World.auditor)))
        #expect(auditor["star"]?["held"]?.u64Value == 0, "nothing of the stake is left: \(auditor)")
        #expect(try world.faults() == [])
        try world.expectReplay()
    }

    @Test func aFalseProofIsRefused() throws {
        let world = try World()
        let (id, provider) = try world.commitOne()
        let honest = world.run(id, by: provider)
        for leaf in 0..<TestKernel.leaves {
            #expect(
                world.intend(World.requester, try honest.proof(leaf))?.name
                    == "job.prove.leafIsRight")
        }
        // An opening of another commitment leads nowhere.
        let lie = world.run(id, by: provider, lies: [3])
        #expect(
            world.intend(World.requester, try lie.proof(3))?.name == "job.prove.leafNotInRoot")
        #expect(
            world.intend(
                World.requester, .prove(job: id, attempt: 0, opening: [1, 2], witness: []))?.name
                == "chain.operationInvalid")
        try world.finish(id, honest)
    }

    @Test func aSummonedProviderOpensOnTheLedger() throws {
        let world = try World()
        let (id, provider) = try world.commitOne()
        let honest = world.run(id, by: provider)
        let (reveal, drawn) = (world.auditReveal, world.drawn)
        let right = honest.openings(drawn)
        expectNone(world.intend(World.auditor, world.summons(id, right, reveal)))
        world.block()
        #expect(world.job(id)["phase"]?.stringValue == "summoned")
        let open = try #require(world.openDuty)
        #expect(open.summons?.reveal == reveal && open.provider == World.account(provider))
        #expect(open.auditorNode == World.node.publicKey)
        #expect(open.auditIndex == world.auditDuty?.auditIndex)
        #expect(world.auditDuty?.stage == .summoned && world.auditDuty?.reveal == reveal)
        let bent = honest.openings(drawn.reversed()).canonicalBytes
        #expect(world.intend(provider, .open(job: id, openings: bent, earlier: nil)) != nil)
        expectNone(
            world.intend(
                provider, .open(job: id, openings: right.canonicalBytes, earlier: nil)))
        world.block()
        #expect(world.job(id)["phase"]?.stringValue == "opened")
        #expect(world.duties.count == 1, "the auditor's turn")
        #expect(world.auditDuty?.stage == .opened(right.canonicalBytes))
        // The ledger saw the openings: no signature of the provider is needed.
        expectNone(
            world.intend(
                World.auditor,
                .audit(
                    job: id, reveal: reveal, salt: FakeRun.auditSalt,
                    openings: right.canonicalBytes, signature: .blank)))
        world.block()
        #expect(world.job(id)["phase"]?.stringValue == "window")
        world.block(after: 300)
        #expect(world.job(id)["phase"]?.stringValue == "settled")
        #expect(try world.faults() == [])
        try world.expectReplay()
    }

    /// What the auditor's node signed.
    private func bond(_ commitment: Digest, _ duty: Chain.Duty.Open, _ world: World) -> Digest {
        Transcript.request(
            job: duty.job, auditor: duty.auditor, auditIndex: duty.auditIndex,
            commitment: commitment, world.genesis.salt)
    }

    /// Fails if the intent loses what the auditor signed on its way to the operation: the auditor
    /// would vouch for what it copied.
    @Test func anAuditorThatBoundItselfTwiceLosesItsStake() throws {
        let world = try World()
        let (id, provider) = try world.commitOne()
        let right = world.run(id, by: provider).openings(world.drawn)
        let garbage = Blake2b.hash(.audit, .none, [1])
        expectNone(world.intend(World.auditor, world.summons(id, right, world.auditReveal)))
        world.block()
        let duty = try #require(world.openDuty)
        let bonds = world.query(.supply)["bonds"]?.u64Value
        func show(_ commitment: Digest, _ digest: Digest, by key: SecretKey) -> Chain.Intent {
            let earlier = Chain.Intent.Earlier(
                commitment: commitment, signature: key.sign(digest))
            return .open(
                job: id, openings: LeafOpenings.blank.canonicalBytes, earlier: earlier)
        }
        let bond = self.bond(garbage, duty, world)
        let refused = [
            show(garbage, bond, by: World.auditor), show(garbage, bond, by: World.providerNode),
            show(.zero, bond, by: World.node),
        ].map { world.intend(provider, $0)?.name }
        #expect(refused == Array(repeating: "job.open.earlierSignatureWrong", count: 3))
        // What it summoned with is no second one.
        let summoned = duty.summons?.commitment ?? .zero
        let same = show(summoned, self.bond(summoned, duty, world), by: World.node)
        #expect(world.intend(provider, same)?.name == "job.open.earlierIsTheSame")
        expectNone(world.intend(provider, show(garbage, bond, by: World.node)))
        world.block()
        let auditor = world.query(.account(World.account(World.auditor)))
        #expect(auditor["star"]?["held"]?.u64Value == 0, "nothing of the stake is left: \(auditor)")
        #expect(world.query(.supply)["bonds"]?.u64Value == bonds, "the provider did its part")
        #expect(world.query(.supply)["prepaid"]?.u64Value == 0)
        #expect(try world.faults() == [])
        try world.expectReplay()
    }

    /// A draw that is given back costs nothing; another number names other leaves.
    @Test func anAuditorThatCannotReRunGivesTheDrawBack() throws {
        let world = try World()
        let (id, provider) = try world.commitOne()
        let (index, drawn) = (world.auditDuty?.auditIndex ?? 0, world.drawn)
        let auditor = World.account(World.auditor)
        let stake = world.query(.account(auditor))["star"]?["held"]
        #expect(world.auditDuty?.auditorMs ?? 0 >= 2_500)
        #expect(
            world.intend(provider, .decline(job: id, reason: 0))?.name
                == "job.decline.notTheAuditor")
        expectNone(world.intend(World.auditor, .decline(job: id, reason: 0)))
        world.block()
        #expect(world.job(id)["phase"]?.stringValue == "committed")
        world.block()
        world.block(heartbeat: true)
        #expect(world.job(id)["phase"]?.stringValue == "drawn")
        #expect(world.auditDuty?.auditIndex == index + 1)
        #expect(world.drawn != drawn)
        #expect(world.query(.account(auditor))["star"]?["held"] == stake)
        try world.finish(id, world.run(id, by: provider))
        #expect(try world.faults() == [])
        try world.expectReplay()
    }

    @Test func aSummonedProviderThatIsSilentLosesTheJob() throws {
        let world = try World()
        let (id, provider) = try world.commitOne()
        let right = world.run(id, by: provider).openings(world.drawn)
        let bonds = world.query(.supply)["bonds"]?.u64Value ?? 0
        expectNone(world.intend(World.auditor, world.summons(id, right, world.auditReveal)))
        world.block()
        for _ in 0..<8 { world.block(after: 1_000, heartbeat: true) }
        #expect(world.job(id)["attempt"]?.u64Value == 1)
        #expect(world.job(id)["phase"]?.stringValue == "assigned")
        #expect(world.runDuty?.provider != World.account(provider))
        #expect(world.query(.supply)["bonds"]?.u64Value == bonds - 5 * World.price)
        #expect(world.query(.supply)["prepaid"]?.u64Value == 0)
        #expect(try world.faults() == [])
        try world.expectReplay()
    }

    @Test(arguments: [true, false]) func aChallengedOutputIsGivenOnTheLedger(
        answers: Bool
    ) throws {
        let world = try World(window: 1_000)
        let (id, provider) = try world.commitOne()
        let honest = world.run(id, by: provider)
        expectNone(world.audit(honest))
        world.block()
        var challenge = JobChallenge()
        challenge.job = id
        challenge.leaf = 5
        expectNone(
            world.submit(World.requester, World.named("job.challenge", challenge)))
        world.block()
        guard case .answer(let duty) = world.duties.first else {
            Issue.record("the provider has nothing to answer: \(world.duties)")
            return
        }
        #expect(duty.leaf == 5 && duty.chunk == 0 && duty.provider == World.account(provider))
        if answers {
            let slice = honest.outputs[5]
            let opening = honest.opening(5).canonicalBytes
            let chunks = Leaf.chunks(slice)
            #expect(
                world.intend(
                    provider,
                    .answer(
                        job: id, opening: opening, chunks: chunks, bytes: slice.reversed())) != nil)
            expectNone(
                world.intend(
                    provider, .answer(job: id, opening: opening, chunks: chunks, bytes: slice)))
            world.block()
            #expect(world.duties.isEmpty)
        }
        for _ in 0..<8 { world.block(after: 1_000, heartbeat: true) }
        #expect(world.job(id)["phase"]?.stringValue == (answers ? "settled" : "withheld"))
        #expect(world.query(.supply)["prepaid"]?.u64Value == 0)
        #expect(try world.faults() == [])
        try world.expectReplay()
    }
}

extension World {
    /// A job of a market of two providers, committed by one of them and drawn for the auditor.
    func commitOne(lies: [UInt64] = []) throws -> (job: JobID, provider: SecretKey) {
        let kernel = self.openMarket(bond: 20, providers: [Self.provider, Self.second])
        let id = self.post(kernel, auditMs: 60_000)
        self.block()
        let duty = try #require(self.runDuty)
        let isFirst = duty.provider == Self.account(Self.provider)
        let key = isFirst ? Self.provider : Self.second
        expectNone(self.intend(key, self.run(id, by: key, lies: lies).commit))
        self.block()
        self.block()
        #expect(self.job(id)["phase"]?.stringValue == "drawn")
        return (id, key)
    }

    /// From wherever the job waits for this run to its pay.
    func finish(_ id: JobID, _ run: FakeRun) throws {
        if self.runDuty != nil {
            let key = [Self.provider, Self.second].first { Self.account($0) == run.provider }
            expectNone(self.intend(try #require(key), run.commit))
            self.block()
            self.block()
        }
        expectNone(self.audit(run))
        self.block()
        self.block(after: 300)
        #expect(self.job(id)["phase"]?.stringValue == "settled")
    }

    /// A restart, and a node that executes every block, end at the same root.
    func expectReplay() throws {
        let root = self.root()
        try self.restart()
        #expect(self.stalled == nil)
        #expect(self.root() == root)
        let other = try World(genesis: self.genesis)
        for record in self.disk.blocks {
            other.send(
                .replay(block: record.header + record.body, certificate: record.certificate))
        }
        #expect(other.stalled == nil)
        #expect(other.root() == root)
        #expect(other.duties == self.duties)
    }

    func run(_ job: JobID, by key: SecretKey, lies: [UInt64] = []) -> FakeRun {
        FakeRun(job: job, provider: Self.account(key), salt: self.genesis.salt, lies: lies)
    }

    func summons(_ job: JobID, _ openings: LeafOpenings, _ reveal: Digest) -> Chain.Intent {
        .summon(
            job: job, reveal: reveal,
            commitment: Transcript.commitment(
                salt: FakeRun.auditSalt, job: job, auditor: Self.account(Self.auditor),
                sliceRoots: openings.leaves.map(\.sliceRoot), self.genesis.salt))
    }

    var runDuty: Chain.Duty.Run? {
        for case .run(let run) in self.duties { return run }
        return nil
    }

    var openDuty: Chain.Duty.Open? {
        for case .open(let open) in self.duties { return open }
        return nil
    }
}
