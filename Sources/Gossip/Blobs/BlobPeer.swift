import OrderedCollections
import Primitives

/// What this node asks of one peer about blobs.
///
/// - Bounds: `pendingMax` requests without an answer.
struct BlobPeer: Sendable {
    /// Requests in flight.
    static let pendingMax = 8
    /// A peer that is asked has so long to say anything.
    static let patienceMs: UInt64 = 5_000
    /// A connection without use is closed after so long by the side that dialled it.
    static let idleMs: UInt64 = 30_000

    enum Request: Hashable, Sendable {
        case describe(BlobID, from: UInt64)
        case want(BlobID, group: UInt64)

        var blob: BlobID {
            switch self {
            case .describe(let blob, _), .want(let blob, _): blob
            }
        }
    }

    /// Dialled by this node, from the dial on.
    var outbound: ConnectionID?
    /// Accepted.
    var inbound: ConnectionID?
    var pending: [(request: Request, at: Instant)] = []
    var heardAt = Instant.zero
    var usedAt = Instant.zero
    var dialAt = Instant.zero
    var failures: UInt32 = 0

    var hasRoom: Bool { self.pending.count < Self.pendingMax }

    /// True if the answer is awaited.
    func isPending(_ request: Request) -> Bool {
        self.pending.contains { $0.request == request }
    }

    /// Takes a request that was answered out; false if nobody asked, or not any more.
    mutating func answered(_ request: Request) -> Bool {
        guard let index = self.pending.firstIndex(where: { $0.request == request }) else {
            return false
        }
        self.pending.remove(at: index)
        return true
    }

    /// True if the peer has not said anything for too long.
    func isSilent(_ now: Instant) -> Bool {
        guard let oldest = self.pending.first else { return false }
        return now >= max(oldest.at, self.heardAt).adding(ms: Self.patienceMs)
    }
}

/// What one peer asks of this node about blobs, on one connection.
///
/// - Bounds: `queueMax` requests; `readsMax` of them with the store.
struct BlobServing: Sendable {
    /// Requests that wait; a peer with more in flight breaks the rules.
    static let queueMax = 64
    /// Reads at once for one connection.
    static let readsMax = 4
    /// Reads at once for all.
    static let readsOfAllMax = 256

    let peer: PublicKey
    var queue: [BlobPeer.Request] = []
    var reads = 0
}

/// A request that the store works on.
struct BlobRead: Sendable {
    let connection: ConnectionID
    let request: BlobPeer.Request
}

/// Descriptions of blobs that were asked for lately.
///
/// - Bounds: `entriesMax` blobs and `digestsMax` digests, the newest excepted.
struct DescriptionCache: Sendable {
    /// Blobs.
    static let entriesMax = 16
    /// Digests of all of them.
    static let digestsMax = 1 << 17

    private var entries: [(blob: BlobID, description: BlobDescription)] = []

    /// A blob's description, if it is here.
    subscript(blob: BlobID) -> BlobDescription? {
        self.entries.first { $0.blob == blob }?.description
    }

    /// Keeps a description.
    mutating func insert(_ blob: BlobID, _ description: BlobDescription) {
        self.entries.removeAll { $0.blob == blob }
        self.entries.append((blob, description))
        var digests = self.entries.reduce(0) { $0 + $1.description.groups.count }
        while self.entries.count > 1,
            self.entries.count > Self.entriesMax || digests > Self.digestsMax
        {
            digests -= self.entries.removeFirst().description.groups.count
        }
    }

    /// A blob that cannot be read any more.
    mutating func remove(_ blob: BlobID) { self.entries.removeAll { $0.blob == blob } }
}
