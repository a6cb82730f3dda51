import OrderedCollections
import Primitives

/// The newest transactions that `Node` took into its pool, for peers that come later.
///
/// - Bounds: `entriesMax` and `bytesMax`; the oldest leave first.
struct TransactionWindow: Sendable {
    /// Transactions kept.
    static let entriesMax = 4_096
    /// Their bytes.
    static let bytesMax = 16 << 20

    private var table = Lookup<UInt64, [UInt8]>()
    private var order: [UInt64] = []
    /// Where the order begins; what lies before has left.
    private var head = 0
    private(set) var bytes = 0

    /// Transactions in it.
    var count: Int { self.table.count }

    /// The first eight bytes of their ids, the oldest first.
    var ids: [UInt64] { Array(self.order[self.head...]) }

    /// A transaction by the first eight bytes of its id.
    subscript(id: UInt64) -> [UInt8]? { self.table[id] }

    /// Adds a transaction; false if it is here.
    @discardableResult
    mutating func insert(_ id: UInt64, _ transaction: [UInt8]) -> Bool {
        guard self.table[id] == nil, transaction.count <= Self.bytesMax else { return false }
        self.table[id] = transaction
        self.order.append(id)
        self.bytes += transaction.count
        while self.table.count > Self.entriesMax || self.bytes > Self.bytesMax {
            let oldest = self.order[self.head]
            self.head += 1
            self.bytes -= self.table.removeValue(for: oldest)?.count ?? 0
        }
        if self.head > Self.entriesMax {
            self.order.removeFirst(self.head)
            self.head = 0
        }
        precondition(self.order.count - self.head == self.table.count, "the order names each once")
        return true
    }
}

/// Transactions that peers have and this node lacks: asked of one peer at a time, a few at once.
///
/// - Bounds: `entriesMax` transactions, `othersMax` peers to ask next for each.
struct WantedTransactions: Sendable {
    /// Transactions awaited.
    static let entriesMax = 4_096
    /// Peers remembered beside the one that was asked.
    static let othersMax = 4
    /// Transactions asked of one peer at once.
    static let owedMax = 32
    /// After so long the next peer is asked.
    static let patienceMs: UInt64 = 2_000
    /// So often a peer is asked that nobody can stand in for.
    static let attemptsMax = 2

    private struct Entry: Sendable {
        var peer: PublicKey
        /// When it was asked for; nil before.
        var at: Instant?
        var attempts = 0
        var others: [PublicKey] = []
    }

    private var entries: OrderedDictionary<UInt64, Entry> = [:]

    /// True if nothing is awaited.
    var isEmpty: Bool { self.entries.isEmpty }

    /// A peer has it.
    mutating func add(_ id: UInt64, of peer: PublicKey) {
        guard let entry = self.entries[id] else {
            if self.entries.count < Self.entriesMax { self.entries[id] = Entry(peer: peer) }
            return
        }
        if entry.peer != peer, entry.others.count < Self.othersMax, !entry.others.contains(peer) {
            self.entries[id]?.others.append(peer)
        }
    }

    /// It came, from wherever.
    mutating func remove(_ id: UInt64) { self.entries.removeValue(forKey: id) }

    /// The next at most `count` to ask a peer for, marked as asked.
    mutating func next(_ count: Int, of peer: PublicKey, now: Instant) -> [UInt64] {
        var asked: [UInt64] = []
        for (id, entry) in self.entries where entry.peer == peer && entry.at == nil {
            guard asked.count < count else { break }
            asked.append(id)
        }
        for id in asked {
            self.entries[id]?.at = now
            self.entries[id]?.attempts += 1
        }
        return asked
    }

    /// A peer is gone.
    mutating func remove(peer: PublicKey) {
        self.update { entry in
            entry.others.removeAll { $0 == peer }
            return entry.peer == peer
        }
    }

    /// Gives what did not come to the next peer, or up. Answers with the peers that owed it.
    mutating func overdue(_ now: Instant) -> OrderedSet<PublicKey> {
        var late: OrderedSet<PublicKey> = []
        self.update { entry in
            guard let at = entry.at, now >= at.adding(ms: Self.patienceMs) else { return false }
            late.append(entry.peer)
            guard entry.others.isEmpty, entry.attempts < Self.attemptsMax else { return true }
            entry.at = nil
            return false
        }
        return late
    }

    /// Changes every entry; one for which `body` is true moves on to its next peer, if it has one.
    private mutating func update(_ body: (inout Entry) -> Bool) {
        var kept: OrderedDictionary<UInt64, Entry> = [:]
        for (id, old) in self.entries {
            var entry = old
            if body(&entry) {
                guard !entry.others.isEmpty else { continue }
                entry = Entry(
                    peer: entry.others[0], others: Array(entry.others.dropFirst()))
            }
            kept[id] = entry
        }
        self.entries = kept
    }
}
