import Chain
import Economy
import Ledger
import Primitives
import Testing

@Suite struct ReplayTests {
    @Test func aRestartReplaysAboveTheFold() throws {
        let world = try World()
        let id = try world.finishJob()
        world.folds = false  // What follows is stored, and not folded.
        for amount in 1...7 as ClosedRange<UInt64> {
            expectNone(world.submit(World.requester, World.transfer(World.provider, amount)))
            world.block()
        }
        let root = world.root()
        let height = world.chain.head.height
        let folded = world.query(.status)["folded"]?.u64Value ?? 0
        #expect(folded > 0 && folded < height)
        world.folds = true
        try world.restart()
        #expect(world.stalled == nil)
        #expect(world.chain.head.height == height)
        #expect(world.root() == root)
        #expect(world.job(id)["phase"]?.stringValue == "settled")
        #expect(try world.faults() == [])
        // It goes on where it stopped: nonces, reveals, folds.
        expectNone(world.submit(World.requester, World.transfer(World.provider, 9)))
        #expect(world.block())
        world.now = world.now.adding(ms: 5_000)
        world.send(.tick(wallMs: world.wallMs))
        #expect(world.query(.status)["folded"]?.u64Value == world.chain.head.height)
    }

    /// A restarted node has compiled nothing yet: weight and fees may not tell (ATTACKS 8).
    @Test func whatIsCompiledLeavesNoTrace() throws {
        let world = try World()
        let kernel = world.openMarket()
        world.now = world.now.adding(ms: 5_000)
        world.send(.tick(wallMs: world.wallMs))
        #expect(world.query(.status)["folded"]?.u64Value == world.chain.head.height)
        world.folds = false
        let id = world.post(kernel)
        world.block()
        let second = world.post(kernel)
        let root = world.root()
        try world.restart()
        #expect(world.stalled == nil)
        #expect(world.root() == root)
        #expect(world.job(id)["phase"]?.stringValue == "assigned")
        #expect(world.job(second)["phase"]?.stringValue == "posted")
    }

    @Test func aLostStateIsRebuiltFromTheBlocks() throws {
        let world = try World()
        _ = try world.finishJob()
        let root = world.root()
        world.disk.head = nil
        world.disk.state = MemoryState()
        world.disk.buckets = []
        try world.restart()
        #expect(world.root() == root)
        #expect(world.stalled == nil)
    }

    @Test func aDamagedStateDoesNotStart() throws {
        let world = try World()
        _ = try world.finishJob()
        #expect(world.disk.head != nil)
        var rows = world.disk.state
        let victim = rows.placed[3]
        rows.fold([StateWrite(path: victim.path, row: nil)])
        world.disk.state = rows
        world.disk.buckets = []
        #expect(throws: Chain.StartFault.self) { try world.restart() }
    }

    @Test func transactionsAreFoundBeforeAndAfterTheFold() throws {
        let world = try World()
        expectNone(world.submit(World.requester, World.transfer(World.provider, 3)))
        let waiting = world.accepted.values.first.proven("accepted")
        #expect(world.query(.transaction(waiting))["status"]?.stringValue == "waiting")
        world.block()
        for round in 0..<2 {
            let answer = world.query(.transaction(waiting))
            #expect(answer["status"]?.stringValue == "final", "round \(round)")
            let proof = answer["proof"] ?? .null
            let header = try Header(
                canonical: Hex.decode(proof["header"]?.stringValue ?? "").proven("hex"))
            let receipt = try Receipt(
                canonical: Hex.decode(proof["receipt"]?.stringValue ?? "").proven("hex"))
            let path = (proof["path"]?.arrayValue ?? [])
                .compactMap { Digest(hex: $0.stringValue ?? "") }
            #expect(
                Merkle.verify(
                    leaf: receipt.leaf(world.genesis.salt),
                    index: answer["index"]?.u64Value ?? 99,
                    count: proof["count"]?.u64Value ?? 0, path: path, root: header.receiptsRoot,
                    .receipts, world.genesis.salt))
            #expect(world.query(.block(height: 1))["id"]?.stringValue == header.id.hex)
            #expect(world.query(.blockByID(header.id))["height"]?.u64Value == 1)
            world.now = world.now.adding(ms: 5_000)
            world.send(.tick(wallMs: world.wallMs))
            #expect(world.query(.status)["folded"]?.u64Value == 1)
        }
    }

    /// Another chain executes the same blocks: same roots; each changed field is refused.
    @Test func aSecondChainAgreesAndRefusesChangedBlocks() throws {
        let world = try World()
        let other = try World()
        _ = try world.finishJob()
        for record in world.disk.blocks {
            let right = try Header(canonical: record.header)
            other.send(.tick(wallMs: world.wallMs))
            other.hear(record.header + record.body, right)
            #expect(other.verdicts[record.id] == true)
            for (number, change) in Self.changes.enumerated() {
                var header = try Header(canonical: record.header)
                change(&header)
                let body = try Body(canonical: record.body)
                let bad = Proposal(header: header, body: body)
                other.verdicts[header.id] = nil
                other.hear(bad.bytes, header, view: right.view)
                if other.verdicts[header.id] == true { other.send(.certify(header.id)) }
                #expect(
                    other.verdicts[header.id] != true, "height \(record.height), \(number)")
            }
            other.send(.certify(record.id))
            #expect(other.verdicts[record.id] == true, "height \(record.height)")
            #expect(other.chain.head.id == record.id)
        }
        #expect(other.root() == world.root())
        #expect(other.stalled == nil)
    }

    private static let changes: [@Sendable (inout Header) -> Void] = [
        { $0.stateRoot = .zero }, { $0.receiptsRoot = .zero }, { $0.bodyRoot = .last },
        { $0.historyRoot = .last }, { $0.validatorsHash = .zero },
        { $0.baseFee = FeePrice(motes: 12_345) }, { $0.usedWeight += 1 },
        { $0.beaconReveal = .zero },
        { $0.proposer = .zero }, { $0.timeMs += 60_000 }, { $0.timeMs = 0 },
        { $0.height += 1 }, { $0.parent = .zero }, { $0.chain = .zero }, { $0.version = 2 },
        { $0.nextValidatorsHash = .zero }, { $0.view = .max }, { $0.epoch = 1 },
    ]

    @Test func aBlockWithABadTransactionIsRefused() throws {
        let world = try World()
        let other = try World()
        expectNone(world.submit(World.requester, World.transfer(World.provider, 3)))
        world.block()
        let record = world.disk.blocks[0]
        let header = try Header(canonical: record.header)
        let good = try Body(canonical: record.body).transactions
        var forged = good[0]
        forged.authorisation.signatures = [.blank]
        for transactions in [good + good, [forged], []] {
            var changed = header
            let body = Body(evidence: [], transactions: transactions)
            changed.bodyRoot = body.root(world.genesis.salt)
            let bad = Proposal(header: changed, body: body)
            other.hear(bad.bytes, changed)
            other.send(.certify(changed.id))
            #expect(other.verdicts[changed.id] == false)
        }
        let evidence = Body(evidence: [EvidenceBytes([1])], transactions: good)
        var changed = header
        changed.bodyRoot = evidence.root(world.genesis.salt)
        other.hear(Proposal(header: changed, body: evidence).bytes, changed)
        #expect(other.verdicts[changed.id] == false, "evidence is not taken yet")
        #expect(other.root() == Chain.genesisRoot(world.genesis))
    }

    @Test func ledgerTimeStandsStillInAStall() throws {
        let world = try World()
        let id = try world.commitJob(auditMs: 15_000)
        // An hour passes without blocks: ledger time moves by ten seconds.
        world.block(after: 3_600_000, heartbeat: true)
        #expect(world.job(id)["phase"]?.stringValue == "drawn")
    }

    @Test func proposalsThatDoNotDecodeAreIgnored() throws {
        let world = try World()
        var generator = Generator(seed: .zero)
        expectNone(world.submit(World.requester, World.transfer(World.provider, 3)))
        world.block()
        let record = world.disk.blocks[0]
        let good = record.header + record.body
        for _ in 0..<500 {
            var bytes = good
            let at = Int(generator.below(UInt64(bytes.count)))
            bytes[at] ^= UInt8(1 + generator.below(255))
            world.send(.block(bytes))
            world.send(.block(Array(bytes.prefix(at))))
        }
        #expect(world.stalled == nil)
        expectNone(world.submit(World.requester, World.transfer(World.provider, 4)))
        #expect(world.block())
    }
}

extension Chain {
    static func genesisRoot(_ genesis: Genesis) -> String {
        do {
            return try genesis.build().header.stateRoot.hex
        } catch {
            return "\(error)"
        }
    }
}
