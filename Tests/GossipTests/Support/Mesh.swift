import Gossip
import Primitives

/// Several gossip cores in one seeded world: delays, lost datagrams, connections that break.
struct Mesh {
    struct Member {
        let key: SecretKey
        var core: Gossip
        var isAlive = true
        /// Connections of both purposes that stand, as this side numbers them.
        var nextOdd: ConnectionID = 1
        var head: UInt64 = 0
        /// How often each transaction was delivered.
        var received: [[UInt8]: Int] = [:]
        var blobs: [BlobID: [UInt8]] = [:]
        var partial: [BlobID: [UInt64: [UInt8]]] = [:]
        var openings: [BlobID: Int] = [:]
        var isLiar = false
        var served = 0
        var results: [UInt64: String] = [:]
        var offersSeen: [PublicKey] = []
        var offersGone: [PublicKey] = []
        var violations: [String] = []
    }

    struct Event {
        let at: Instant
        let number: UInt64
        let node: Int
        let input: Gossip.Input
    }

    /// One direction's other end.
    struct End: Hashable {
        let node: Int
        let id: ConnectionID
    }

    var members: [Member] = []
    var now = Instant(ns: 1_000_000_000)
    var random: Generator
    var delayMaxMs: UInt64 = 40
    var datagramLossPercent: UInt64 = 20
    private var events: [Event] = []
    private var number: UInt64 = 0
    private(set) var pipes: [End: (other: End, purpose: Purpose, free: Instant)] = [:]

    init(_ count: Int, seed: UInt64, contacts: (Int) -> [Int]) {
        self.random = Generator(seed: Cast.digest("mesh \(seed)"))
        for index in 0..<count {
            let key = Cast.keys[index]
            let config = Gossip.Config(
                me: key.publicKey, salt: Cast.salt, genesis: Cast.genesis,
                peers: contacts(index).map { Cast.address(Cast.keys[$0].publicKey) },
                address: Cast.address(key.publicKey))
            let core = Gossip(config: config, seed: Cast.digest("core \(seed) \(index)"))
            self.members.append(Member(key: key, core: core))
        }
    }

    mutating func start(_ nodes: [Int]) { for node in nodes { self.give(node, .start) } }

    /// Takes one input at once.
    mutating func step(_ node: Int, _ input: Gossip.Input) {
        var outbox = Outbox<Gossip.Effect>()
        self.members[node].core.handle(input, now: self.now, into: &outbox)
        for effect in outbox.drain() { self.perform(node, effect) }
    }

    mutating func give(_ node: Int, _ input: Gossip.Input, at: Instant? = nil) {
        self.number += 1
        let event = Event(at: at ?? self.now, number: self.number, node: node, input: input)
        var low = 0
        var high = self.events.count
        while low < high {
            let middle = (low + high) / 2
            let other = self.events[middle]
            if (other.at, other.number) > (event.at, event.number) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        self.events.insert(event, at: low)  // The earliest is last.
    }

    /// Runs until `isDone` or so much time has passed. True if it was done.
    @discardableResult
    mutating func run(ms: UInt64, until isDone: (Mesh) -> Bool = { _ in false }) -> Bool {
        let end = self.now.adding(ms: ms)
        while !isDone(self) {
            guard let event = self.events.last, event.at <= end else {
                self.now = end
                return isDone(self)
            }
            self.events.removeLast()
            self.now = max(self.now, event.at)
            if self.members[event.node].isAlive { self.step(event.node, event.input) }
        }
        return true
    }

    /// Breaks some connection.
    mutating func breakOne() {
        let ends = self.pipes.keys.sorted { ($0.node, $0.id) < ($1.node, $1.id) }
        guard !ends.isEmpty else { return }
        self.breakPipe(ends[Int(self.random.below(UInt64(ends.count)))], "reset")
    }

    mutating func breakPipe(_ end: End, _ reason: String) {
        guard let pipe = self.pipes.removeValue(forKey: end) else { return }
        // A connection ends after everything that was on its way.
        let back = self.pipes.removeValue(forKey: pipe.other)?.free ?? self.now
        self.give(end.node, .closed(end.id, reason: reason), at: max(back, self.later()))
        self.give(
            pipe.other.node, .closed(pipe.other.id, reason: reason),
            at: max(pipe.free, self.later()))
    }

    /// Ends a node: its connections break.
    mutating func kill(_ node: Int) {
        self.members[node].isAlive = false
        for end in self.pipes.keys.filter({ $0.node == node }).sorted(by: { $0.id < $1.id }) {
            self.breakPipe(end, "gone")
        }
    }

    func node(of key: PublicKey) -> Int? { self.members.firstIndex { $0.key.publicKey == key } }

    /// Main connections between two nodes.
    func connections(_ one: Int, _ other: Int) -> Int {
        self.pipes.count {
            $0.key.node == one && $0.value.other.node == other && $0.value.purpose == .main
        }
    }

    /// Every two living nodes see each other, over one connection.
    var isFull: Bool {
        let living = self.members.indices.filter { self.members[$0].isAlive }
        return living.allSatisfy { one in
            let seen = self.members[one].core.peers.map(\.key)
            return living.allSatisfy { other in
                other == one
                    || (seen.contains(self.members[other].key.publicKey)
                        && self.connections(one, other) == 1)
            }
        }
    }

    private mutating func later() -> Instant {
        self.now.adding(ns: (1 + self.random.below(self.delayMaxMs)) * 1_000_000)
    }

    // MARK: The transport

    private mutating func perform(_ node: Int, _ effect: Gossip.Effect) {
        switch effect {
        case .closeBlob: break
        case .dial(let address, let id, let purpose): self.dial(node, address, id, purpose)
        case .close(let id, let reason): self.breakPipe(End(node: node, id: id), reason)
        case .send(let id, let traffic, let bytes):
            let end = End(node: node, id: id)
            guard let pipe = self.pipes[end] else { return }
            let at = max(pipe.free, self.later())
            self.pipes[end]?.free = at
            self.give(pipe.other.node, .received(pipe.other.id, traffic, bytes), at: at)
        case .datagram(let bytes, let address):
            guard let other = self.node(of: address.key), self.members[other].isAlive,
                self.random.below(100) >= self.datagramLossPercent
            else { return }
            let from = self.members[node].key.publicKey
            self.give(other, .datagram(bytes, from: from), at: self.later())
        case .schedule(let timer, let at): self.give(node, .expired(timer), at: at)
        case .report(let report): self.note(node, report)
        case .deliver(let message, let peer): self.deliver(node, message, peer)
        case .fetched(_, let bytes, let token):
            self.members[node].results[token] = "\(bytes) bytes"
        case .fetchFailed(_, let reason, let token): self.members[node].results[token] = reason
        case .up, .down: break
        case .describeBlob, .readBlob, .openBlob, .writeBlob: self.store(node, effect)
        }
    }

    private mutating func dial(
        _ node: Int, _ address: PeerAddress, _ id: ConnectionID, _ purpose: Purpose
    ) {
        guard let other = self.node(of: address.key), self.members[other].isAlive else {
            self.give(node, .closed(id, reason: "refused"), at: self.later())
            return
        }
        let accepted = self.members[other].nextOdd
        self.members[other].nextOdd += 2
        let near = End(node: node, id: id)
        let far = End(node: other, id: accepted)
        let (one, two) = (self.later(), self.later())
        self.pipes[near] = (far, purpose, two)
        self.pipes[far] = (near, purpose, one)
        let keys = (self.members[node].key.publicKey, self.members[other].key.publicKey)
        self.give(
            node, .connected(id, peer: keys.1, purpose: purpose, isOutbound: true), at: one)
        self.give(
            other, .connected(accepted, peer: keys.0, purpose: purpose, isOutbound: false),
            at: two)
    }

    // MARK: The rest of a node

    private mutating func note(_ node: Int, _ report: GossipReport) {
        switch report {
        case .offerSeen(_, let key): self.members[node].offersSeen.append(key)
        case .offerGone(let key): self.members[node].offersGone.append(key)
        case .violation(_, let text): self.members[node].violations.append(text)
        case .up, .down, .dialFailed, .unsendable: break
        }
    }

    private mutating func deliver(_ node: Int, _ message: PeerMessage, _ peer: PublicKey) {
        switch message {
        case .transaction(let bytes):
            self.members[node].received[bytes, default: 0] += 1
            let id = TransactionID(Blake2b.hash(.tx, Cast.salt, bytes))
            self.give(node, .transaction(bytes, id: id, isOwn: false), at: self.later())
        case .wantRange(let from, let count):
            let head = self.members[node].head
            var blocks: [SyncedBlock] = []
            if from <= head {
                for height in from...min(head, from + UInt64(count) - 1) {
                    blocks.append(
                        SyncedBlock(block: Array("block \(height)".utf8), certificate: [1]))
                }
            }
            let isLiar = self.members[node].isLiar
            let answer = isLiar ? [SyncedBlock(block: [0], certificate: [])] : blocks
            self.give(node, .send(.range(from: from, answer), to: peer), at: self.later())
        case .range(let from, let blocks):
            for (index, block) in blocks.enumerated() {
                let height = from + UInt64(index)
                guard block.block == Array("block \(height)".utf8),
                    height == self.members[node].head + 1
                else { return }
                self.members[node].head = height
            }
            self.give(node, .head(height: self.members[node].head), at: self.later())
        case .hello, .status, .peers, .consensus, .block, .wantBlock, .noBlock,
            .haveTransactions, .wantTransactions, .direct:
            break
        }
    }

    private mutating func store(_ node: Int, _ effect: Gossip.Effect) {
        switch effect {
        case .describeBlob(let blob, let token):
            let groups = self.members[node].blobs[blob].map { BlobGroups(of: $0) }
            let description = groups.map { BlobDescription(bytes: $0.bytes, groups: $0.digests) }
            self.give(node, .blobDescribed(blob, description, token: token), at: self.later())
        case .readBlob(let blob, let group, let token):
            let start = Int(group) * BlobGroups.bytesPerGroup
            var bytes = self.members[node].blobs[blob].map {
                Array($0[start..<min($0.count, start + BlobGroups.bytesPerGroup)])
            }
            if self.members[node].isLiar { bytes?[0] ^= 1 }
            self.members[node].served += 1
            self.give(node, .blobRead(blob, group: group, bytes, token: token), at: self.later())
        case .openBlob(let blob, let description):
            self.members[node].openings[blob, default: 0] += 1
            let here = self.members[node].partial[blob] ?? [:]
            let present = description.groups.indices.map { here[UInt64($0)] != nil }
            self.give(node, .blobOpened(blob, present: present), at: self.later())
        case .writeBlob(let blob, let group, let bytes, let isLast):
            self.members[node].partial[blob, default: [:]][group] = bytes
            guard isLast else { return }
            let parts = self.members[node].partial[blob] ?? [:]
            let whole = parts.keys.sorted().flatMap { parts[$0] ?? [] }
            let isRight = BlobHasher.id(whole) == blob
            if isRight { self.members[node].blobs[blob] = whole }
            self.give(node, .blobDone(blob, isRight), at: self.later())
        default: break
        }
    }
}
