import Primitives

/// One connection, from the moment it is dialled or accepted.
struct Link: Sendable {
    enum Phase: Hashable, Sendable {
        case dialling(PeerAddress)
        /// Secure; the peer's hello is awaited.
        case greeting
        /// A main connection after the hello, or one for blobs.
        case up
    }

    let peer: PublicKey
    let purpose: Purpose
    let isOutbound: Bool
    var phase: Phase
    /// When it entered the phase.
    var since: Instant

    /// The key of the side that dialled.
    func dialler(_ me: PublicKey) -> PublicKey { self.isOutbound ? me : self.peer }
}

/// A peer whose main connection stands and whose hello was right.
struct Neighbor: Sendable {
    let connection: ConnectionID
    let isOutbound: Bool
    let since: Instant
    var height: UInt64
    var address: PeerAddress?
    /// What it proved to act for.
    var accounts: [AccountID]

    /// Transactions that it was asked for and did not send.
    var owed = 0

    // What a peer may ask of this node at a time.
    var hellos = Allowance(burst: 8, perSecond: 1)
    var wants = Allowance(burst: 512, perSecond: 128)
    var ranges = Allowance(burst: 16, perSecond: 8)
    var directs = Allowance(burst: 512, perSecond: 128)
    var haves = Allowance(burst: 64, perSecond: 16)
    var transactionBytes = Allowance(
        burst: UInt64(TransactionWindow.bytesMax), perSecond: UInt64(TransactionWindow.bytesMax) / 8
    )
}

/// A bucket of permissions that time refills.
struct Allowance: Hashable, Sendable {
    private let burst: UInt64
    private let perSecond: UInt64
    private var left: UInt64
    private var at = Instant.zero

    init(burst: UInt64, perSecond: UInt64) {
        self.burst = burst
        self.perSecond = perSecond
        self.left = burst
    }

    /// Takes so many, if they are there.
    mutating func take(_ count: UInt64, now: Instant) -> Bool {
        // A minute fills every bucket; the products fit 64 bits.
        let elapsedMs = min((now.ns - min(now.ns, self.at.ns)) / 1_000_000, 60_000)
        let refill = elapsedMs * self.perSecond / 1_000
        if refill > 0 {
            self.left = min(self.burst, self.left + refill)
            self.at = now
        }
        guard count <= self.left else { return false }
        self.left -= count
        return true
    }
}

/// Peers that broke a rule, and until when they are neither dialled nor accepted.
///
/// - Bounds: `bansMax`; beyond it the oldest is forgotten.
struct Bans: Sendable {
    /// Peers remembered.
    static let bansMax = 256
    /// How long.
    static let banMs: UInt64 = 60_000

    private var until: [(key: PublicKey, until: Instant)] = []

    /// True while the peer is banned.
    func contains(_ key: PublicKey, now: Instant) -> Bool {
        self.until.contains { $0.key == key && now < $0.until }
    }

    /// Bans a peer from now on.
    mutating func add(_ key: PublicKey, now: Instant) {
        self.until.removeAll { $0.key == key || $0.until <= now }
        if self.until.count >= Self.bansMax { self.until.removeFirst() }
        self.until.append((key, now.adding(ms: Self.banMs)))
    }
}
