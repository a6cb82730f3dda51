import Kernels
import Primitives
import Provider
import Testing

/// Three nodes around one ledger: a provider, an auditor, and a requester who has the inputs.
private struct World {
    static let requester = AccountID(Blake2b.hash(.account, .none, [3]))
    static let input = BlobHasher.id([1, 2, 3, 4])
    static let order = Bench.order([(input, 1)])
    static let leaves: [UInt64] = [4, 0, 2]

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
    private var queue: [(peer: Int, input: Provider.Input)] = []

    init(seed: UInt8, loss: UInt64) {
        func peer(_ key: PublicKey, _ account: AccountID, _ blobs: [BlobID]) -> Peer {
            Peer(bench: Bench(), key: key, accounts: [account], blobs: blobs)
        }
        self.peers = [
            peer(Bench.here, Bench.provider, []), peer(Bench.there, Bench.auditor, []),
            peer(Bench.elsewhere, Self.requester, [Self.input]),
        ]
        self.generator = Generator(seed: Blake2b.hash(.generator, .none, [seed]))
        self.loss = loss
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
            self.queue.append((peer, .executed(job, Bench.execution())))
        case .referee(let run, _, _, let leaves):
            #expect(self.peers[peer].blobs.contains(Self.input))
            self.queue.append((peer, .refereed(run, Bench.honest(leaves))))
        case .keep(let record):
            self.peers[peer].record = record
            self.queue.append((peer, .kept(record.job)))
        case .intend(_, let intent, account: _): self.peers[peer].intents.append(intent)
        case .send(let message, from: _, to: let party): self.send(message, peer, party)
        case .lookUp(let job): self.queue.append((peer, .standing(job, self.standing)))
        case .schedule(let timer, let at): self.peers[peer].timers.append((at, timer))
        case .opened, .output, .notHere, .notYet: self.peers[peer].replies.append(effect)
        case .cancel, .forget, .report: break
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
        for seed in 0..<32 as Range<UInt8> {
            try self.live(seed: seed, loss: seed < 8 ? 0 : 40)
        }
    }

    private func live(seed: UInt8, loss: UInt64) throws {
        var world = World(seed: seed, loss: loss)
        world.tell(0, .duties([try Bench.run(Bench.job, World.order)]))
        let record = try #require(world.peers[0].record)
        #expect(world.peers[0].intents.map(\.kind) == [.commit])
        world.tell(0, .duties([]))
        // Not before the audit.
        world.tell(2, .outputWanted(Bench.commitment(record), token: 1))
        world.pass(ms: 10_000)
        #expect(world.peers[2].replies.count == 1)
        // The auditor hears of the draw first.
        let audit = try Bench.audit(record, leaves: World.leaves, World.order)
        world.tell(1, .duties([audit]))
        #expect(world.peers[1].intents == [])
        world.tell(0, .duties([Bench.open(World.leaves)]))
        for _ in 0..<60 where world.peers[1].intents.isEmpty { world.pass(ms: 3_000) }
        guard case .audit(let openings, let root, _)? = world.peers[1].intents.first else {
            Issue.record("no report with seed \(seed)")
            return
        }
        #expect(openings.map(\.leaf) == World.leaves)
        #expect(root == record.outputRoot)
        world.tell(0, .duties([]))
        world.tell(1, .duties([]))
        world.standing = .over
        try self.ask(&world, record, seed: seed)
    }

    /// The requester gets the output and one leaf, asking again where messages were lost.
    private func ask(_ world: inout World, _ record: JobRecord, seed: UInt8) throws {
        let about = Bench.commitment(record)
        var output: JobOutput?
        var opening: Opening?
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
