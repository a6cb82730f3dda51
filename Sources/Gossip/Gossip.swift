import OrderedCollections
package import Primitives

// Gossip
//
// Finds peers, speaks securely, spreads bytes. `Session/ Membership/ Broadcast/ Blobs/ Sync/`
// (it moves bytes; `Node` verifies them).

/// The network as one core: no socket, no clock, no randomness of its own.
///
/// - Bounds: `neighborsMax` peers, `linksMax` connections; each part names its own.
/// - Source: protocol/gossip.md.
package struct Gossip: Sendable {
    /// Peers connected at once.
    package static let neighborsMax = 256
    /// Main connections accepted at once: the rest is for peers that this node chose.
    static let acceptedMax = 192
    /// Connections at once, those being dialled included.
    package static let linksMax = 1_024
    /// Between two looks at everything that depends on time; a status is not said more often.
    static let tickMs: UInt64 = 250
    /// A connection has so long for its first hello.
    static let greetingMs: UInt64 = 10_000
    /// A dial has so long to succeed.
    static let dialMs: UInt64 = 20_000
    /// Two connections that began within this time crossed each other.
    static let crossingMs: UInt64 = 5_000
    /// Addresses that a new peer is told in one message.
    static let introductionsMax = 128
    /// Dials begun at one tick.
    static let dialsMax = 32

    /// What makes this node's network itself.
    package struct Config: Sendable {
        package var me: PublicKey
        package var salt: ChainSalt
        package var genesis: GenesisID
        /// Peers that the configuration names.
        package var peers: [PeerAddress]
        /// Where this node accepts connections; nil if it does not.
        package var address: PeerAddress?

        package init(
            me: PublicKey, salt: ChainSalt, genesis: GenesisID, peers: [PeerAddress],
            address: PeerAddress?
        ) {
            self.me = me
            self.salt = salt
            self.genesis = genesis
            self.peers = peers
            self.address = address
        }
    }

    /// A timer; a stale one does nothing.
    package enum Timer: Hashable, Sendable {
        case tick
    }

    let config: Config
    var generator: Generator

    // Membership.
    var book: AddressBook
    var bans = Bans()
    var links: OrderedDictionary<ConnectionID, Link> = [:]
    /// The main connection of each peer, greeting or up.
    var mains = Lookup<PublicKey, ConnectionID>()
    /// Main connections being dialled.
    var dialling = Lookup<PublicKey, ConnectionID>()
    var neighbors: OrderedDictionary<PublicKey, Neighbor> = [:]
    var claims: [AccountClaim] = []
    private var nextConnection: ConnectionID = 2
    private var tickAt: Instant?
    var statusAt = Instant.zero
    var isStatusDue = false
    var isHelloDue = false

    // Broadcast.
    var window = TransactionWindow()
    var wanted = WantedTransactions()
    /// Own transactions since the last announcement of them.
    var pushed: [(id: UInt64, at: Instant)] = []
    var offer: OfferAdvert?
    var offers = OfferStore()
    var offerAt = Instant.zero
    var withdrawals = 0

    // Sync.
    var sync = RangeSync()

    // Blobs.
    var fetches: OrderedDictionary<BlobID, BlobFetch> = [:]
    var blobPeers: OrderedDictionary<PublicKey, BlobPeer> = [:]
    var servings: OrderedDictionary<ConnectionID, BlobServing> = [:]
    var reads = Lookup<UInt64, BlobRead>()
    var nextRead: UInt64 = 0
    var described = DescriptionCache()

    /// A network without peers; `seed` feeds its random choices.
    package init(config: Config, seed: Digest) {
        self.config = config
        self.generator = Generator(seed: seed)
        self.book = AddressBook(me: config.me, configured: config.peers)
    }

    /// Takes one input and says what to do, in order.
    package mutating func handle(
        _ input: Input, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        switch input {
        case .start: self.onTick(now: now, into: &outbox)
        case .connected(let id, let peer, let purpose, let isOutbound):
            self.onConnected(id, peer, purpose, isOutbound, now: now, into: &outbox)
        case .closed(let id, let reason): self.onClosed(id, reason, now: now, into: &outbox)
        case .received(let id, let traffic, let bytes):
            self.onReceived(id, traffic, bytes, now: now, into: &outbox)
        case .datagram(let bytes, let peer):
            self.onDatagram(bytes, from: peer, now: now, into: &outbox)
        case .expired(.tick): self.onTick(now: now, into: &outbox)
        case .head(let height): self.onHead(height, now: now, into: &outbox)
        case .claims(let claims): self.onClaims(claims)
        case .send(let message, let peer):
            guard let neighbor = self.neighbors[peer] else { return }
            self.send(message, on: neighbor.connection, into: &outbox)
        case .broadcast(let message): self.broadcast(message, into: &outbox)
        case .transaction(let bytes, let id, let isOwn):
            self.onTransaction(bytes, id: id, isOwn: isOwn, now: now, into: &outbox)
        case .accuse(let peer, let text): self.violation(peer, text, now: now, into: &outbox)
        case .offer(let advert): self.onOffer(advert, now: now, into: &outbox)
        case .fetch(let blob, let bytesMax, let token):
            self.onFetch(blob, bytesMax, token, now: now, into: &outbox)
        case .catchUp(let height):
            self.sync.wanted(above: height)
            self.synchronise(now: now, into: &outbox)
        case .blobDescribed(let blob, let description, let token):
            self.onDescribed(blob, description, token, now: now, into: &outbox)
        case .blobRead(let blob, let group, let bytes, let token):
            self.onRead(blob, group, bytes, token, now: now, into: &outbox)
        case .blobOpened(let blob, let present):
            self.onOpened(blob, present, now: now, into: &outbox)
        case .blobDone(let blob, let isDone):
            self.onDone(blob, isDone, now: now, into: &outbox)
        }
        precondition(self.links.count <= Self.linksMax, "connections keep their bound")
        precondition(self.neighbors.count <= Self.neighborsMax, "peers keep their bound")
    }

    private mutating func onTick(now: Instant, into outbox: inout Outbox<Effect>) {
        if let tickAt, now < tickAt { return }
        let next = now.adding(ms: Self.tickMs)
        self.tickAt = next
        outbox.append(.schedule(.tick, at: next))
        self.membershipTick(now: now, into: &outbox)
        self.broadcastTick(now: now, into: &outbox)
        self.synchronise(now: now, into: &outbox)
        self.blobTick(now: now, into: &outbox)
    }

    /// A connection of our own gets an even number that was never used.
    mutating func newConnection() -> ConnectionID {
        defer { self.nextConnection &+= 2 }
        return self.nextConnection
    }

    // MARK: Saying something

    func send(
        _ message: PeerMessage, on id: ConnectionID, into outbox: inout Outbox<Effect>
    ) {
        guard let bytes = message.sendable else {
            outbox.append(.report(.unsendable(message.name)))
            return
        }
        outbox.append(.send(id, message.traffic, bytes))
    }

    func broadcast(_ message: PeerMessage, into outbox: inout Outbox<Effect>) {
        guard !self.neighbors.isEmpty else { return }
        guard let bytes = message.sendable else {
            outbox.append(.report(.unsendable(message.name)))
            return
        }
        for neighbor in self.neighbors.values {
            outbox.append(.send(neighbor.connection, message.traffic, bytes))
        }
    }
}

extension Gossip {
    /// A connected peer, for people.
    package struct PeerStatus: Hashable, Sendable {
        package var key: PublicKey
        package var address: PeerAddress?
        package var isOutbound: Bool
        package var height: UInt64
        package var accounts: [AccountID]
        /// When the connection stood, on this node's own clock.
        package var sinceNs: UInt64
        package var offer: OfferAdvert?
    }

    /// Connected peers, by key.
    package var peers: [PeerStatus] {
        self.neighbors.map { key, neighbor in
            PeerStatus(
                key: key, address: neighbor.address ?? self.book.address(of: key),
                isOutbound: neighbor.isOutbound, height: neighbor.height,
                accounts: neighbor.accounts, sinceNs: neighbor.since.ns, offer: self.offers[key])
        }.sorted { $0.key < $1.key }
    }

    /// The accounts that a connected peer proved to act for.
    package func accounts(of peer: PublicKey) -> [AccountID] {
        self.neighbors[peer]?.accounts ?? []
    }

    /// The connected peers that act for an account, by key.
    package func nodes(of account: AccountID) -> [PublicKey] {
        self.neighbors.filter { $0.value.accounts.contains(account) }.map(\.key).sorted()
    }

    /// Standing offers of all known nodes, by key; a node need not be connected.
    package var standingOffers: [(key: PublicKey, advert: OfferAdvert)] { self.offers.all }

    /// Addresses that this node dials, in the order learned.
    package var knownAddresses: [PeerAddress] { self.book.addresses }
}
