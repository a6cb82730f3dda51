import OrderedCollections
import Primitives

/// Nodes that this one dials, with the time of the next attempt at each.
///
/// - Bounds: `entriesMax` nodes.
/// - Source: protocol/gossip.md, "Membership". Guess: the times of the back-off.
struct AddressBook: Sendable {
    /// Nodes known.
    static let entriesMax = 256
    /// The first wait after a failure; it doubles.
    static let backOffMs: UInt64 = 250
    /// The longest wait.
    static let backOffMaxMs: UInt64 = 10_000
    /// A connection that stood so long ends the back-off.
    static let stableMs: UInt64 = 5_000
    /// Failures in a row after which a node that only others told of is forgotten.
    static let hearsayFailuresMax: UInt32 = 8
    /// Failures in a row after which a node that introduced itself once is forgotten.
    static let failuresMax: UInt32 = 64

    private struct Entry: Sendable {
        /// From the configuration: never forgotten.
        var configured: PeerAddress?
        /// From the node's own hello, or from other nodes before it said one.
        var told: PeerAddress?
        var isOwners = false
        var failures: UInt32 = 0
        var dialAt: Instant

        /// Both addresses in turn: the one that a node gives of itself may not lead here.
        var address: PeerAddress? {
            guard let told, let configured, told != configured else { return told ?? configured }
            return self.failures.isMultiple(of: 2) ? told : configured
        }
    }

    private let me: PublicKey
    private var entries: OrderedDictionary<PublicKey, Entry> = [:]

    /// A book of the configured addresses, to be dialled at once.
    init(me: PublicKey, configured: [PeerAddress]) {
        self.me = me
        for address in configured.prefix(Self.entriesMax) where address.key != me {
            guard address.isValid else { continue }
            self.entries[address.key] = Entry(configured: address, dialAt: .zero)
        }
    }

    /// True if the node is known.
    func contains(_ key: PublicKey) -> Bool { self.entries[key] != nil }

    /// The address to try next.
    func address(of key: PublicKey) -> PeerAddress? { self.entries[key]?.address }

    /// Every known address, in the order learned.
    var addresses: [PeerAddress] { self.entries.values.compactMap(\.address) }

    /// Nodes whose time has come, in the order learned.
    func due(_ now: Instant) -> [PeerAddress] {
        self.entries.values.filter { $0.dialAt <= now }.compactMap(\.address)
    }

    /// A peer told of another; known nodes stay as they are.
    mutating func heard(_ address: PeerAddress, now: Instant, _ generator: inout Generator) {
        guard address.key != self.me, self.entries[address.key] == nil,
            self.entries.count < Self.entriesMax
        else { return }
        let wait = generator.below(Self.backOffMs)
        self.entries[address.key] = Entry(told: address, dialAt: now.adding(ms: wait))
    }

    /// A node said where it is, over a connection that proved its key.
    mutating func introduced(_ key: PublicKey, at address: PeerAddress?, now: Instant) {
        guard let address, key != self.me else { return }
        if self.entries[key] == nil {
            if self.entries.count >= Self.entriesMax { self.forgetHearsay() }
            guard self.entries.count < Self.entriesMax else { return }
            self.entries[key] = Entry(dialAt: now)
        }
        self.entries[key]?.told = address
        self.entries[key]?.isOwners = true
    }

    /// A dial failed, or a connection that stood for a moment.
    mutating func failed(_ key: PublicKey, now: Instant, _ generator: inout Generator) {
        guard var entry = self.entries[key] else { return }
        let (failures, overflow) = entry.failures.addingReportingOverflow(1)
        entry.failures = overflow ? .max : failures
        let most = entry.isOwners ? Self.failuresMax : Self.hearsayFailuresMax
        if entry.configured == nil, entry.failures >= most {
            self.entries.removeValue(forKey: key)
            return
        }
        entry.dialAt = Self.next(after: entry.failures - 1, now: now, &generator)
        self.entries[key] = entry
    }

    /// A connection ended that stood long enough.
    mutating func lost(_ key: PublicKey, now: Instant, _ generator: inout Generator) {
        self.entries[key]?.failures = 0
        self.entries[key]?.dialAt = Self.next(after: 0, now: now, &generator)
    }

    /// Half to all of the back-off.
    static func next(
        after failures: UInt32, now: Instant, _ generator: inout Generator
    ) -> Instant {
        let shift = min(UInt64(failures), 16)
        let wait = min(Self.backOffMs << shift, Self.backOffMaxMs)
        return now.adding(ms: wait / 2 + generator.below(wait / 2 + 1))
    }

    private mutating func forgetHearsay() {
        let index = self.entries.values.firstIndex { $0.configured == nil && !$0.isOwners }
        if let index { self.entries.remove(at: index) }
    }
}
