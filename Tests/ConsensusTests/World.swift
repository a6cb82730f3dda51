import Consensus
import Primitives

/// Validators of equal stake with the keys of seeds 1, 2, ...
func committee(_ weights: [UInt64]) -> (keys: [SecretKey], epochs: Epochs) {
    let keys = weights.indices.map { index in
        SecretKey(seed: [UInt8](repeating: UInt8(index + 1), count: 32)).proven("32 bytes")
    }
    let seats = zip(keys, weights).map { ($0, Validator(key: $0.publicKey, weight: $1)) }
        .sorted { $0.1.key < $1.1.key }
    let set = try! ValidatorSet(seats.map(\.1))
    return (seats.map(\.0), Epochs(genesis: set, seed: .zero, salt: .none))
}

/// A block's name in tests.
func block(_ text: String) -> BlockID {
    BlockID(Blake2b.hash(.block, .none, Array(text.utf8)))
}

/// Four validators and a soup of messages: any of them arrives next, late, twice or never.
struct World {
    struct Node {
        let seat: UInt32
        let name: String
        var core: Simplex
        var durable: VoteRecord?
        var tip: Voter.Tip
        var finalized: [BlockID] = []
        var isHonest: Bool
        var generation = 0
    }

    struct Event {
        let node: Int
        let generation: Int
        let input: Simplex.Input
    }

    static let genesis = block("genesis")
    let epochs: Epochs
    var nodes: [Node] = []
    var soup: [Event] = []
    var timers: [(at: Instant, node: Int, generation: Int, timer: Simplex.Timer)] = []
    var now = Instant(ns: 1)
    var random: Generator
    var lossPercent: UInt64 = 0
    var parents: [BlockID: BlockID] = [:]
    var heights: [BlockID: Int] = [World.genesis: 0]
    var final: [Int: BlockID] = [:]
    var said: [String: Set<Statement>] = [:]
    var faults: [String] = []
    var evidence = 0
    var forks = 0
    var notarized: [(view: UInt64, block: BlockID)] = [(0, World.genesis)]

    /// `twin`: the last seat is held by two nodes that know nothing of each other.
    init(seed: UInt64, twin: Bool) {
        self.epochs = committee([1, 1, 1, 1]).epochs
        var hash = Blake2b(.generator, .none)
        hash.update(u64: seed)
        self.random = Generator(seed: hash.finish())
        for seat in 0..<UInt32(4) { self.add(seat, "n\(seat)", isHonest: !(twin && seat == 3)) }
        if twin { self.add(3, "twin", isHonest: false) }
        for index in self.nodes.indices {
            self.step(index, .start(nil, Voter.Tip(genesis: World.genesis)))
            self.step(index, .workPending(true))
        }
    }

    mutating func add(_ seat: UInt32, _ name: String, isHonest: Bool) {
        let core = Simplex(epochs: self.epochs, me: seat, genesis: World.genesis)
        self.nodes.append(
            Node(
                seat: seat, name: name, core: core, tip: Voter.Tip(genesis: World.genesis),
                isHonest: isHonest))
    }

    mutating func step(_ index: Int, _ input: Simplex.Input) {
        var outbox = Outbox<Simplex.Effect>()
        self.nodes[index].core.handle(input, now: self.now, into: &outbox)
        for effect in outbox.drain() { self.perform(index, effect) }
    }

    mutating func perform(_ index: Int, _ effect: Simplex.Effect) {
        let node = self.nodes[index]
        switch effect {
        case .build(let build):
            let new = block("\(build.view) \(node.name) \(build.parent)")
            self.parents[new] = build.parent
            self.heights[new] = (self.heights[build.parent] ?? 0) + 1
            self.give(index, .built(view: build.view, new))
        case .verify(let proposal):
            let isRight = self.parents[proposal.block] == proposal.parent
            self.give(index, .verified(proposal.block, view: proposal.view, isRight))
        case .certify(_, let block): self.give(index, .certified(block, true))
        case .persist(let record): self.give(index, .persisted(record))
        case .sign(let statement):
            self.check(node, statement)
            self.give(index, .signed(statement, .blank))
        case .broadcast(let honest):
            let message = node.isHonest ? honest : self.corrupt(honest)
            if case .certificate(let certificate) = message, certificate.kind == .notarize {
                self.notarized.append((certificate.view, certificate.block))
            }
            for other in self.nodes.indices where other != index {
                self.send(message, index, other)
            }
        case .send(let message, let seat):
            for other in self.nodes.indices where self.nodes[other].seat == seat {
                self.send(message, index, other)
            }
        case .schedule(let timer, let at):
            self.timers.append((at, index, node.generation, timer))
        case .finalized(let block, let certificate):
            self.nodes[index].tip = Voter.Tip(certificate)
            self.nodes[index].finalized.append(block)
            if node.isHonest { self.settle(block, node) }
        case .diverged: self.faults.append("\(node.name) diverged")
        case .evidence(let evidence):
            self.evidence += 1
            if evidence.signer != 3 || self.nodes.count == 4 {
                self.faults.append("blamed \(evidence.signer)")
            }
        case .enteredView: break
        }
    }

    /// A liar's proposal stands on any older notarized block now and then.
    mutating func corrupt(_ message: Message) -> Message {
        guard case .proposal(let signed) = message, self.random.below(2) == 0 else {
            return message
        }
        let older = self.notarized.filter { $0.view < signed.proposal.view }
        guard !older.isEmpty else { return message }
        let parent = older[Int(self.random.below(UInt64(older.count)))]
        let view = signed.proposal.view
        let new = block("\(view) fork of \(parent.block)")
        self.parents[new] = parent.block
        self.heights[new] = (self.heights[parent.block] ?? 0) + 1
        self.forks += 1
        let proposal = Proposal(
            epoch: 0, view: view, block: new, parentView: parent.view, parent: parent.block)
        return .proposal(SignedProposal(proposal, signer: signed.signer, signature: .blank))
    }

    mutating func check(_ node: Node, _ statement: Statement) {
        guard node.isHonest else { return }
        if let durable = node.durable, durable.sequence > 0 {
        } else {
            self.faults.append("\(node.name) signed before persisting")
        }
        for old in self.said[node.name] ?? [] where old.view == statement.view && old != statement {
            switch (old, statement) {
            case (.proposal, .proposal): self.faults.append("\(node.name) proposed twice")
            case (.vote(let one), .vote(let other)):
                let kinds: Set = [one.kind, other.kind]
                if kinds.count == 1 || kinds == [.nullify, .finalize] {
                    self.faults.append("\(node.name) contradicts itself in view \(one.view)")
                }
            default: break
            }
        }
        self.said[node.name, default: []].insert(statement)
    }

    mutating func settle(_ tip: BlockID, _ node: Node) {
        var block = tip
        while let height = self.heights[block], height > 0 {
            if let other = self.final[height], other != block {
                self.faults.append("\(node.name): two final blocks at height \(height)")
            }
            if self.final[height] == block { return }
            self.final[height] = block
            block = self.parents[block] ?? World.genesis
        }
    }

    mutating func give(_ index: Int, _ input: Simplex.Input) {
        self.soup.append(Event(node: index, generation: self.nodes[index].generation, input: input))
    }

    mutating func send(_ message: Message, _ from: Int, _ to: Int) {
        guard self.random.below(100) >= self.lossPercent else { return }
        let input = Simplex.Input.received(message, from: self.nodes[from].seat)
        self.soup.append(Event(node: to, generation: -1, input: input))
        if self.random.below(20) == 0 {
            self.soup.append(Event(node: to, generation: -1, input: input))
        }
    }

    /// Delivers one event of the soup, or lets time pass to the next timer. False at the end.
    mutating func next() -> Bool {
        if self.soup.isEmpty || self.random.below(200) == 0 {
            let first = self.timers.indices.min { self.timers[$0].at < self.timers[$1].at }
            guard let first else { return !self.soup.isEmpty }
            let timer = self.timers.remove(at: first)
            self.now = max(self.now, timer.at)
            if timer.generation == self.nodes[timer.node].generation {
                self.step(timer.node, .expired(timer.timer))
            }
            return true
        }
        var pick = Int(self.random.below(UInt64(self.soup.count)))
        if case .persisted = self.soup[pick].input {  // The disk keeps the order of writes.
            let node = self.soup[pick].node
            pick =
                self.soup.firstIndex {
                    if case .persisted = $0.input { $0.node == node } else { false }
                } ?? pick
        }
        let event = self.soup.remove(at: pick)
        guard event.generation < 0 || event.generation == self.nodes[event.node].generation else {
            return true
        }
        if case .persisted(let record) = event.input { self.nodes[event.node].durable = record }
        self.step(event.node, event.input)
        return true
    }

    /// Kills a node; what was on its disk comes back.
    mutating func restart(_ index: Int) {
        let node = self.nodes[index]
        self.nodes[index].generation += 1
        self.nodes[index].core = Simplex(epochs: self.epochs, me: node.seat, genesis: World.genesis)
        self.step(index, .start(node.durable ?? VoteRecord(epoch: 0), node.tip))
        self.step(index, .workPending(true))
    }

    /// The fewest final heights of an honest node.
    var progress: Int {
        self.nodes.filter(\.isHonest).map { self.heights[$0.tip.block] ?? 0 }.min() ?? 0
    }
}
