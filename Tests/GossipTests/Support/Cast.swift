import Gossip
import Primitives

/// Keys, addresses and blobs that the tests of the gossip core speak of.
enum Cast {
    static let genesis = GenesisID(Blake2b.hash(.genesis, .none, Array("gossip".utf8)))
    static let salt = ChainSalt(genesis)

    /// Keys of the seeds 1, 2, ... in ascending order of their public keys.
    static let keys: [SecretKey] = (1...8).map { number in
        SecretKey(seed: [UInt8](repeating: UInt8(number), count: 32)).proven("32 bytes")
    }.sorted { $0.publicKey < $1.publicKey }

    static let alice = keys[0].publicKey
    static let bob = keys[1].publicKey
    static let carol = keys[2].publicKey

    static func address(_ key: PublicKey, port: UInt16 = 7000) -> PeerAddress {
        PeerAddress(key: key, host: "10.0.0.1", port: port)
    }

    static func digest(_ text: String) -> Digest { Blake2b.hash(.vector, .none, Array(text.utf8)) }

    /// A transaction's bytes and the name that the tests give it.
    static func transaction(_ number: Int) -> (bytes: [UInt8], id: TransactionID) {
        let bytes = Array("transaction \(number)".utf8)
        return (bytes, TransactionID(Blake2b.hash(.tx, salt, bytes)))
    }

    static func blob(_ bytes: Int, seed: String = "blob") -> [UInt8] {
        var generator = Generator(seed: self.digest(seed))
        return generator.bytes(bytes)
    }

    static func claim(_ wallet: SecretKey, for node: PublicKey) -> AccountClaim {
        let account = AccountClaim.account(of: wallet.publicKey)
        let digest = AccountClaim.digest(node: node, account: account, salt)
        return AccountClaim(
            account: account, key: wallet.publicKey, signature: wallet.sign(digest))
    }

    static func hello(
        height: UInt64 = 0, address: PeerAddress? = nil, claims: [AccountClaim] = []
    ) -> PeerMessage {
        .hello(
            Hello(
                version: PeerMessage.version, genesis: genesis, height: height, address: address,
                claims: claims))
    }

    static let advert = OfferAdvert(
        account: AccountID(Cast.digest("provider")), pricePerGigaGas: 5, capacity: 2,
        classes: [0, 1], device: "pocl")
}

/// One core and its clock, for scripts: an input in, the effects out.
struct Script {
    var core: Gossip
    var now = Instant(ns: 1_000_000_000)

    /// A node with the key `me`; ticks of the script's own are left out of what it answers.
    init(
        _ me: PublicKey = Cast.alice, peers: [PeerAddress] = [], address: PeerAddress? = nil,
        seed: String = "script"
    ) {
        self.core = Gossip(
            config: Gossip.Config(
                me: me, salt: Cast.salt, genesis: Cast.genesis, peers: peers,
                address: address ?? Cast.address(me)),
            seed: Cast.digest(seed))
    }

    @discardableResult
    mutating func step(_ input: Gossip.Input) -> [Gossip.Effect] {
        var outbox = Outbox<Gossip.Effect>()
        self.core.handle(input, now: self.now, into: &outbox)
        return outbox.drain().filter { effect in
            if case .schedule = effect { false } else { true }
        }
    }

    /// Lets time pass tick by tick.
    @discardableResult
    mutating func wait(ms: UInt64) -> [Gossip.Effect] {
        var effects: [Gossip.Effect] = []
        let end = self.now.adding(ms: ms)
        while self.now < end {
            self.now = min(end, self.now.adding(ms: 250))
            effects += self.step(.expired(.tick))
        }
        return effects
    }

    @discardableResult
    mutating func receive(_ message: PeerMessage, on id: ConnectionID) -> [Gossip.Effect] {
        self.step(.received(id, message.traffic, message.canonicalBytes))
    }

    @discardableResult
    mutating func receive(_ message: BlobMessage, on id: ConnectionID) -> [Gossip.Effect] {
        self.step(.received(id, .blobs, message.canonicalBytes))
    }

    /// A peer that dialled this node and said hello.
    @discardableResult
    mutating func meet(
        _ peer: PublicKey, on id: ConnectionID, height: UInt64 = 0, claims: [AccountClaim] = []
    ) -> [Gossip.Effect] {
        self.step(.connected(id, peer: peer, purpose: .main, isOutbound: false))
        return self.receive(
            Cast.hello(height: height, address: Cast.address(peer), claims: claims), on: id)
    }
}

extension [Gossip.Effect] {
    /// The messages sent on main connections.
    var said: [PeerMessage] {
        self.compactMap { effect in
            guard case .send(_, let traffic, let bytes) = effect, traffic != .blobs else {
                return nil
            }
            do { return try PeerMessage(canonical: bytes) } catch { return nil }
        }
    }

    /// The messages sent on connections for blobs, with the connection.
    var asked: [(id: ConnectionID, message: BlobMessage)] {
        self.compactMap { effect in
            guard case .send(let id, .blobs, let bytes) = effect else { return nil }
            do { return (id, try BlobMessage(canonical: bytes)) } catch { return nil }
        }
    }

    var dials: [PublicKey] {
        self.compactMap { if case .dial(let address, _, .main) = $0 { address.key } else { nil } }
    }

    var closes: [String] {
        self.compactMap { if case .close(_, let reason) = $0 { reason } else { nil } }
    }

    var violations: [String] {
        self.compactMap { effect in
            if case .report(.violation(_, let text)) = effect { text } else { nil }
        }
    }
}
