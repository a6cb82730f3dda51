import OrderedCollections
import Primitives

/// One blob on its way here, from several peers at once.
///
/// - Bounds: `waitersMax` requests for it; one source a connected peer; `roundsMax` rounds without
///   progress.
/// - Source: protocol/gossip.md, "Blobs".
struct BlobFetch: Sendable {
    /// Blobs fetched at once.
    static let fetchesMax = 32
    /// Requests that wait for one blob.
    static let waitersMax = 64
    /// Bytes of a blob that is fetched at all: its digests are held in memory.
    static let blobBytesMax: UInt64 = 1 << 32
    /// A round ends after so long without anything useful.
    static let roundMs: UInt64 = 5_000
    /// Between two rounds.
    static let pauseMs: UInt64 = 1_000
    /// Rounds without progress until the fetch fails.
    static let roundsMax = 3
    /// Silences and broken connections until a source is passed over for the round.
    static let strikesMax = 3
    /// The store has so long to open or to finish a blob.
    static let storeMs: UInt64 = 60_000

    struct Waiter: Sendable {
        let token: UInt64
        let bytesMax: UInt64
    }

    enum Phase: Sendable {
        case describing(Describing?)
        case opening(BlobGroups)
        case moving(BlobGroups, GroupQueue)
        case storing(BlobGroups)
    }

    /// The description as one source gives it, page by page.
    struct Describing: Sendable {
        let peer: PublicKey
        /// Nil until its first page.
        var bytes: UInt64?
        var digests: [Digest] = []
    }

    struct Source: Sendable {
        enum State: Hashable, Sendable {
            case unasked
            case asked
            case hasIt
            case absent
            case tooLarge
            /// Silent or unreachable too often in this round.
            case failed
            /// Sent something wrong: never asked for this blob again.
            case wrong
        }

        var state = State.unasked
        var strikes = 0
    }

    var waiters: [Waiter]
    var phase = Phase.describing(nil)
    var sources: OrderedDictionary<PublicKey, Source> = [:]
    var rounds = 0
    /// The next round begins then; nil within one.
    var pausedUntil: Instant?
    /// The last useful answer, or the beginning of the round or the phase.
    var progressAt: Instant

    init(_ waiter: Waiter, now: Instant) {
        self.waiters = [waiter]
        self.progressAt = now
    }

    /// What the most patient of the requests would take.
    var bytesMax: UInt64 { self.waiters.map(\.bytesMax).max() ?? 0 }

    /// The verified groups, once they are.
    var groups: BlobGroups? {
        switch self.phase {
        case .describing: nil
        case .opening(let groups), .moving(let groups, _), .storing(let groups): groups
        }
    }

    /// Something useful came.
    mutating func progressed(_ now: Instant) {
        self.rounds = 0
        self.progressAt = now
    }

    /// A silence, or a connection that broke.
    mutating func strike(_ peer: PublicKey) {
        guard var source = self.sources[peer] else { return }
        source.strikes += 1
        switch source.state {
        case .unasked, .asked, .hasIt:
            source.state = source.strikes >= Self.strikesMax ? .failed : .unasked
        case .absent, .tooLarge, .failed, .wrong: break
        }
        self.sources[peer] = source
        self.stopDescribing(peer)
    }

    /// A source is of no more use in this round, or at all.
    mutating func settle(_ peer: PublicKey, _ state: Source.State) {
        guard self.sources[peer] != nil else { return }
        self.sources[peer]?.state = state
        self.stopDescribing(peer)
    }

    /// The peer is gone.
    mutating func remove(_ peer: PublicKey) {
        self.sources.removeValue(forKey: peer)
        self.stopDescribing(peer)
    }

    private mutating func stopDescribing(_ peer: PublicKey) {
        guard case .describing(let describing?) = self.phase, describing.peer == peer else {
            return
        }
        self.phase = .describing(nil)
    }

    /// A group that was asked for and did not come goes to whoever is next.
    mutating func giveBack(_ group: UInt64) {
        guard case .moving(let groups, var queue) = self.phase else { return }
        self.phase = .storing(groups)  // The queue is not copied.
        queue.giveBack(group)
        self.phase = .moving(groups, queue)
    }

    /// The next group to ask for.
    mutating func nextGroup() -> UInt64? {
        guard case .moving(let groups, var queue) = self.phase else { return nil }
        self.phase = .storing(groups)
        defer { self.phase = .moving(groups, queue) }
        return queue.next()
    }

    /// True if nobody can help in this round any more.
    func isExhausted(_ now: Instant) -> Bool {
        let isLate = now >= self.progressAt.adding(ms: Self.roundMs)
        let states = self.sources.values.map(\.state)
        switch self.phase {
        case .describing:
            let isHopeless = !states.contains { [.unasked, .asked, .hasIt].contains($0) }
            return isLate || (isHopeless && !states.isEmpty)
        case .moving:
            // A source that has it and is silent is struck out by itself.
            return isLate && !states.contains { [.asked, .hasIt].contains($0) }
        case .opening, .storing: return now >= self.progressAt.adding(ms: Self.storeMs)
        }
    }

    /// Begins a round: everybody but the liars is asked again.
    mutating func restart(_ now: Instant) {
        self.pausedUntil = nil
        self.progressAt = now
        for key in self.sources.keys where self.sources[key]?.state != .wrong {
            if self.sources[key]?.state != .hasIt { self.sources[key] = Source() }
        }
    }

    /// Why nothing came, in words.
    var failure: String {
        let states = self.sources.values.map(\.state)
        if states.isEmpty { return "no peer is connected" }
        if states.contains(.tooLarge) { return "it has more than \(self.bytesMax) bytes" }
        if states.contains(.wrong) { return "a peer sent something else, and no other has it" }
        if self.groups != nil { return "nobody has the rest of it any more" }
        return states.allSatisfy { $0 == .absent } ? "no connected peer has it" : "no peer answers"
    }
}

/// The groups of a blob that are not here yet.
struct GroupQueue: Sendable {
    private var isHere: [Bool]
    private var cursor = 0
    private var returned: [UInt64] = []
    /// Groups to come, those asked for included.
    private(set) var missing: Int

    /// Of as many groups as `present` has.
    init(present: [Bool]) {
        self.isHere = present
        self.missing = present.count { !$0 }
    }

    /// The next group that nobody was asked for.
    mutating func next() -> UInt64? {
        while let group = self.returned.popLast() {
            if !self.isThere(group) { return group }
        }
        while self.cursor < self.isHere.count {
            defer { self.cursor += 1 }
            if !self.isHere[self.cursor] { return UInt64(self.cursor) }
        }
        return nil
    }

    /// It was asked for in vain.
    mutating func giveBack(_ group: UInt64) {
        if !self.isThere(group) { self.returned.append(group) }
    }

    /// True if it is here, or if there is no such group.
    func isThere(_ group: UInt64) -> Bool {
        guard let index = Int(exactly: group), index < self.isHere.count else { return true }
        return self.isHere[index]
    }

    /// It came.
    mutating func arrived(_ group: UInt64) {
        guard !self.isThere(group), let index = Int(exactly: group) else { return }
        self.isHere[index] = true
        self.missing -= 1
    }
}
