import Kernels
import Primitives
import Provider
import Testing

/// Three nodes around one ledger: a provider, an auditor, and a requester who has the inputs.
private struct World {
    static let requester = AccountID(Blake2b.hash(.account, .none, [3]))
    static let input = BlobHasher.id([1, 2, 3, 4])
    static let order = Bench.order([(input, 1)])

    struct Peer {
        var bench: Bench
        let key: PublicKey
        let accounts: [AccountID]
        var blobs: [BlobID]
        var record: JobRecord?
        /// What its clients were told, and what it said on the ledger.
        var replies: [Provider.Effect] = []
        var intents: [Intent] = []
        var timers: [(at: Instant, timer: Provider.Timer)] = []
    }

    var peers: [Peer]
    var standing = JobStanding.open
    var generator: Generator
    /// Of a hundred messages between nodes, so many are lost.
    let loss: UInt64
    /// Leaves that the provider's device gets wrong; it trusts its device.
    let wrong: [UInt64]
    private var queue: [(peer: Int, input: Provider.Input)] = []

    init(seed: UInt8, loss: UInt64, wrong: [UInt64]) {
        func peer(_ key: PublicKey, _ account: AccountID, _ blobs: [BlobID]) -> Peer {
            var bench = Bench()
            bench.core = Provider(
                config: .init(chain: Bench.chain, selfCheckLeaves: wrong.isEmpty ? 2 : 0),
                seed: Blake2b.hash(.generator, .none, key.bytes + [seed]))
            return Peer(bench: bench, key: key, accounts: [account], blobs: blobs)
        }
        self.peers = [
            peer(Bench.here, Bench.provider, []), peer(Bench.there, Bench.auditor, []),
            peer(Bench.elsewhere, Self.requester, [Self.input]),
        ]
        self.generator = Generator(seed: Blake2b.hash(.generator, .none, [seed]))
        self.loss = loss
        self.wrong = wrong
    }

    mutating func tell(_ peer: Int, _ input: Provider.Input) {
        self.queue.append((peer, input))
        while !self.queue.isEmpty {
            let (peer, input) = self.queue.removeFirst()
            for effect in self.peers[peer].bench.step(input) { self.perform(effect, peer) }
        }
    }

    /// Lets `ms` pass at every node.
    mutating func pass(ms: UInt64) {
        for peer in self.peers.indices {
            let now = self.peers[peer].bench.now.adding(ms: ms)
            self.peers[peer].bench.now = now
            let due = self.peers[peer].timers.filter { $0.at <= now }
            self.peers[peer].timers.removeAll { $0.at <= now }
            for (_, timer) in due { self.tell(peer, .expired(timer)) }
        }
    }

    private mutating func perform(_ effect: Provider.Effect, _ peer: Int) {
        switch effect {
        case .derive(let job): self.queue.append((peer, .secret(job, Bench.secret)))
        case .fetch(let blob, _, _):
            let isThere = self.peers.contains { $0.blobs.contains(blob) }
            if isThere { self.peers[peer].blobs.append(blob) }
            self.queue.append(
                (peer, isThere ? .fetched(blob) : .fetchFailed(blob, text: "nobody has it")))
        case .execute(let job, _, _):
            #expect(self.peers[peer].blobs.contains(Self.input))
            self.peers[peer].blobs.append(Bench.execution().outputBlob)
            self.queue.append((peer, .executed(job, Bench.execution(wrong: self.wrong))))
        case .referee(let run, _, _, let leaves):
            #expect(self.peers[peer].blobs.contains(Self.input))
            self.queue.append((peer, .refereed(run, Bench.honest(leaves))))
        case .gatherProof(let run, _, _, let leaf):
            let root = Bench.honest([leaf])[0].sliceRoot
            self.queue.append(
                (peer, .proof(run, leaf: leaf, witness: .blank, sliceRoot: root)))
        case .revealAudit(let job, let auditor, let index):
            #expect(index == 9 && auditor == Bench.auditor)
            self.queue.append((peer, .auditReveal(job, auditor: auditor, Bench.reveal)))
        case .signTranscript(let job, let auditor, let digest):
            let signature = (peer == 0 ? Bench.node : Bench.auditorNode).sign(digest)
            self.queue.append(
                (
                    peer,
                    .transcriptSigned(job, auditor: auditor, digest: digest, signature)
                ))
        case .readSlice(let job, _, let leaf, _, _):
            self.queue.append((peer, .slice(job, leaf: leaf, [UInt8(leaf)])))
        case .keep(let record):
            self.peers[peer].record = record
            self.queue.append((peer, .kept(record.job)))
        case .intend(let job, let intent, account: _):
            self.peers[peer].intents.append(intent)
            self.queue.append((peer, .intended(job, intent.kind, refusal: nil)))
        case .send(let message, from: _, to: let party): self.send(message, peer, party)
        case .lookUp(let job): self.queue.append((peer, .standing(job, self.standing)))
        case .schedule(let timer, let at): self.peers[peer].timers.append((at, timer))
        case .opened, .output, .notHere, .notYet: self.peers[peer].replies.append(effect)
        case .prepare, .cancel, .forget, .report: break
        }
    }

    private mutating func send(_ message: Message, _ peer: Int, _ party: Party) {
        guard self.generator.below(100) >= self.loss else { return }
        let target = self.peers.firstIndex {
            switch party {
            case .account(let account): $0.accounts.contains(account)
            case .node(let key): $0.key == key
            }
        }
        guard let target else {
            Issue.record("nobody is \(party)")
            return
        }
        var to = AccountID.zero
        if case .account(let account) = party { to = account }
        guard let arrived = try? Message(canonical: message.canonicalBytes) else {
            Issue.record("undecodable: \(message)")
            return
        }
        let (key, acting) = (self.peers[peer].key, self.peers[peer].accounts)
        self.queue.append((target, .received(arrived, from: key, acting: acting, to: to)))
    }
}

@Suite struct ExchangeTests {
    @Test func jobGoesFromOrderToOutput() throws {
        var summoned = 0
        for seed in 0..<32 as Range<UInt8> {
            var (world, record) = try self.audited(seed: seed, loss: seed < 8 ? 0 : 40)
            let intents = world.peers[1].intents
            guard case .audit(_, _, let openings, _)? = intents.last else {
                Issue.record("no report with seed \(seed): \(intents.map(\.kind))")
                return
            }
            #expect(openings.leaves.map(\.index) == Bench.leaves)
            #expect(openings.outputRoot == record.outputRoot)
            if intents.count > 1 { summoned += 1 }
            #expect(seed >= 8 || intents.count == 1)
            world.tell(0, .duties([]))
            world.tell(1, .duties([]))
            world.standing = .over
            try self.ask(&world, record, seed: seed)
        }
        #expect(summoned > 0, "the ledger helped where messages were lost")
    }

    @Test func wrongLeavesAreProvedWhateverIsLost() throws {
        for seed in 0..<32 as Range<UInt8> {
            let wrong = Array(Bench.leaves.prefix(1 + Int(seed % 3)))
            var (world, record) = try self.audited(
                seed: seed, loss: seed < 8 ? 0 : 40, wrong: wrong)
            world.tell(1, .duties([]))
            let proofs = world.peers[1].intents.compactMap { intent -> UInt64? in
                guard case .prove(attempt: 0, let opening, _) = intent else { return nil }
                #expect(
                    opening.leads(
                        to: record.leafRoot(chain: Bench.chain), of: 5, job: Bench.job,
                        provider: Bench.provider, Bench.chain))
                #expect(opening.sliceRoot != Bench.honest([opening.index])[0].sliceRoot)
                return opening.index
            }
            #expect(proofs == Array(wrong.prefix(2)), "seed \(seed)")
            #expect(!world.peers[1].intents.contains { $0.kind == .audit }, "seed \(seed)")
        }
    }

    /// A job up to the auditor's last word: vouched for or proved wrong.
    private func audited(
        seed: UInt8, loss: UInt64, wrong: [UInt64] = []
    ) throws -> (World, JobRecord) {
        var world = World(seed: seed, loss: loss, wrong: wrong)
        world.tell(0, .duties([try Bench.run(Bench.job, World.order)]))
        let record = try #require(world.peers[0].record)
        #expect(world.peers[0].intents.map(\.kind) == [.commit])
        world.tell(0, .duties([]))
        // Not before the audit.
        world.tell(2, .outputWanted(Bench.commitment(record), token: 1))
        world.pass(ms: 10_000)
        #expect(world.peers[2].replies.count == 1)
        // The auditor hears of the draw first.
        world.tell(1, .duties([try Bench.audit(record, World.order)]))
        #expect(world.peers[1].intents == [])
        world.tell(0, .duties([Bench.open()]))
        for _ in 0..<4 {
            world.pass(ms: 3_000)
            try self.settle(&world, record)
        }
        return (world, record)
    }

    /// The ledger takes a summons and its answer.
    private func settle(_ world: inout World, _ record: JobRecord) throws {
        guard case .summon(let reveal, let commitment)? = world.peers[1].intents.last else {
            return
        }
        world.tell(
            1, .duties([try Bench.audit(record, World.order, isSummoned: true, reveal: reveal)]))
        let summons = Duty.Summons(reveal: reveal, commitment: commitment)
        world.tell(0, .duties([Bench.open(summons: summons)]))
        guard case .open(let openings, earlier: nil)? = world.peers[0].intents.last else {
            Issue.record("the summons was not answered")
            return
        }
        world.tell(0, .duties([]))
        let opened = try Bench.audit(
            record, World.order, isSummoned: true, openings: openings, reveal: reveal)
        world.tell(1, .duties([opened]))
    }

    /// The requester gets the output and one leaf, asking again where messages were lost.
    private func ask(_ world: inout World, _ record: JobRecord, seed: UInt8) throws {
        let about = Bench.commitment(record)
        var output: JobOutput?
        var opening: LeafOpening?
        for round in 0..<60 as Range<UInt64> where output == nil || opening == nil {
            world.tell(2, .outputWanted(about, token: 100 + round))
            world.tell(2, .openingWanted(about, leaf: 3, token: 200 + round))
            world.pass(ms: 10_000)
            for reply in world.peers[2].replies {
                if case .output(_, let found) = reply { output = found }
                if case .opened(_, _, let found) = reply { opening = found }
            }
        }
        #expect(output?.blob == record.outputBlob, "seed \(seed)")
        #expect(world.peers[2].blobs.contains(record.outputBlob))
        #expect(opening?.sliceRoot == record.sliceRoots[3], "seed \(seed)")
        // Every question was answered once.
        let tokens = world.peers[2].replies.map { reply in
            switch reply {
            case .output(let token, _), .opened(let token, _, _), .notHere(let token, _, _),
                .notYet(let token, _, _):
                token
            default: 0 as UInt64
            }
        }
        #expect(Set(tokens).count == tokens.count, "seed \(seed)")
    }
}
