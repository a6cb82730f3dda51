import Gossip
import Primitives
import Testing

/// Node keys and points for tests.
enum SessionKeys {
    static let genesis = GenesisID(Blake2b.hash(.vector, .none, Array("genesis".utf8)))
    static let otherGenesis = GenesisID(Blake2b.hash(.vector, .none, Array("other".utf8)))

    static func key(_ number: UInt8) -> SecretKey {
        SecretKey(seed: [UInt8](repeating: number, count: 32)).proven("32 bytes")
    }

    static func digest(_ text: String) -> Digest { Blake2b.hash(.vector, .none, Array(text.utf8)) }

    /// Encodings of Ed25519 points of small order.
    static let smallEdwards = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ]

    /// X25519 points of small order, canonical and not.
    static let smallPoints = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]
}

/// Two sessions and the wire between them; side 0 dials.
struct SessionPair {
    struct Delivery: Hashable {
        let traffic: TrafficClass
        let bytes: [UInt8]
    }

    static let dialler = 0
    static let acceptor = 1

    let keys: [SecretKey]
    private(set) var sessions: [Session]
    var now = Instant(ns: 1_000_000_000)
    /// Bytes on their way to each side.
    var wires: [[UInt8]] = [[], []]
    /// Everything that each side wrote.
    private(set) var written: [[UInt8]] = [[], []]
    private(set) var delivered: [[Delivery]] = [[], []]
    private(set) var established: [PublicKey?] = [nil, nil]
    private(set) var purposes: [Purpose?] = [nil, nil]
    private(set) var faults: [SessionFault?] = [nil, nil]
    private var timers: [[(timer: Session.Timer, at: Instant)]] = [[], []]
    /// Answers signatures in the place of the real keys.
    var signers: [SecretKey]

    init(
        purpose: Purpose = .main, dialled: PublicKey? = nil,
        genesis: [GenesisID] = [SessionKeys.genesis, SessionKeys.genesis]
    ) {
        let keys = [SessionKeys.key(1), SessionKeys.key(2)]
        self.keys = keys
        self.signers = keys
        self.sessions = (0..<2).map { side in
            Session(
                config: Session.Config(
                    isInitiator: side == Self.dialler, purpose: purpose,
                    me: keys[side].publicKey,
                    remote: side == Self.dialler ? dialled ?? keys[1].publicKey : nil,
                    genesis: genesis[side], seed: SessionKeys.digest("ephemeral \(side)")))
        }
    }

    /// A pair whose handshake is through.
    static func connected(_ purpose: Purpose = .main) -> SessionPair {
        var pair = SessionPair(purpose: purpose)
        pair.connect()
        return pair
    }

    mutating func connect() {
        for side in 0..<2 { self.feed(side, .connected) }
        self.run()
    }

    mutating func feed(_ side: Int, _ input: Session.Input) {
        var outbox = Outbox<Session.Effect>()
        self.sessions[side].handle(input, now: self.now, into: &outbox)
        for effect in outbox.drain() { self.perform(effect, side) }
    }

    private mutating func perform(_ effect: Session.Effect, _ side: Int) {
        #expect(self.faults[side] == nil, "nothing comes after close: \(effect)")
        switch effect {
        case .write(let bytes):
            self.wires[1 - side] += bytes
            self.written[side] += bytes
        case .agree(let point, let token):
            self.feed(side, .agreed(self.keys[side].agree(with: point), token: token))
        case .sign(let digest): self.feed(side, .signed(self.signers[side].sign(digest)))
        case .established(let peer, let purpose):
            #expect(self.established[side] == nil, "once")
            self.established[side] = peer
            self.purposes[side] = purpose
        case .deliver(let traffic, let bytes):
            self.delivered[side].append(Delivery(traffic: traffic, bytes: bytes))
        case .close(let fault): self.faults[side] = fault
        case .schedule(let timer, let at): self.timers[side].append((timer, at))
        }
    }

    /// Hands over what is on the way to one side, in one piece.
    mutating func pass(to side: Int) {
        let bytes = self.wires[side]
        self.wires[side] = []
        if !bytes.isEmpty { self.feed(side, .received(bytes)) }
    }

    /// Fires what is due on one side.
    mutating func fire(_ side: Int) {
        let due = self.timers[side].filter { $0.at <= self.now }
        self.timers[side].removeAll { $0.at <= self.now }
        for item in due { self.feed(side, .expired(item.timer)) }
    }

    private var hasDue: Bool {
        (0..<2).contains { side in
            self.faults[side] == nil && self.timers[side].contains { $0.at <= self.now }
        }
    }

    /// Moves bytes and fires what is due until nothing happens any more.
    mutating func run() {
        var rounds = 0
        while !self.wires.allSatisfy(\.isEmpty) || self.hasDue {
            rounds += 1
            guard rounds < 100_000 else {
                Issue.record("the pair never comes to rest")
                return
            }
            for side in 0..<2 {
                self.pass(to: side)
                self.fire(side)
            }
        }
    }

    /// Lets time pass in steps, with everything that becomes due.
    mutating func advance(ms: UInt64, step: UInt64 = 500) {
        for _ in 0..<(ms / step) {
            self.now = self.now.adding(ms: step)
            self.run()
        }
    }

    /// Lets time pass for one side alone; the other is gone.
    mutating func advanceAlone(_ side: Int, ms: UInt64, step: UInt64 = 500) {
        for _ in 0..<(ms / step) {
            self.now = self.now.adding(ms: step)
            self.fire(side)
        }
    }

    func messages(_ side: Int, _ traffic: TrafficClass) -> [[UInt8]] {
        self.delivered[side].filter { $0.traffic == traffic }.map(\.bytes)
    }
}

/// A peer made by hand, which breaks whatever rule a test wants broken. It dials.
struct RawPeer {
    let key: SecretKey
    private var noise: NoiseHandshake
    private(set) var sending: SealedStream?
    private(set) var receiving: SealedStream?

    init(
        _ key: SecretKey, dials remote: PublicKey, genesis: GenesisID = SessionKeys.genesis,
        ephemeral: UInt8 = 9
    ) {
        self.key = key
        var prologue = Encoder()
        prologue.raw(Array("starling".utf8))
        prologue.raw(genesis.digest.bytes)
        prologue.u16(1)
        self.noise = NoiseHandshake(
            initiatorTo: remote.agreementPoint.proven("a key"), local: key.agreementPoint,
            ephemeral: AgreementKey(secret: [UInt8](repeating: ephemeral, count: 32))
                .proven("32 bytes"),
            prologue: prologue.bytes)
    }

    /// The payload that the protocol wants.
    static func payload(
        _ key: SecretKey, _ hash: [UInt8], use: UInt8 = 0, stamp: UInt64 = 0
    ) -> [UInt8] {
        var encoder = Encoder()
        encoder.raw(key.publicKey.bytes)
        encoder.u8(use)
        encoder.u64(stamp)
        let salt = ChainSalt(SessionKeys.genesis)
        encoder.raw(key.sign(Blake2b.hash(.handshake, salt, hash)).bytes)
        encoder.raw([UInt8](repeating: 0, count: 128 - encoder.bytes.count))
        return encoder.bytes
    }

    /// The first message, without its length, with a payload made from the handshake hash.
    mutating func first(_ payload: (SecretKey, [UInt8]) -> [UInt8]) throws -> [UInt8] {
        guard case .agree(let point) = try self.noise.begin() else { return [] }
        _ = try self.noise.agreed(self.key.agree(with: point))
        return try self.noise.write(payload(self.key, self.noise.payloadHash))
    }

    /// Takes the answer, without its length; both directions are ready then.
    mutating func second(_ message: [UInt8]) throws -> [UInt8] {
        guard case .agree(let point) = try self.noise.read(message),
            case .opened(let payload) = try self.noise.agreed(self.key.agree(with: point))
        else { return [] }
        let keys = try self.noise.split()
        self.sending = SealedStream(key: keys.sending)
        self.receiving = SealedStream(key: keys.receiving)
        return payload
    }

    /// A frame with this inside.
    mutating func frame(_ inner: [UInt8]) -> [UInt8] {
        let count = inner.count + 16
        let prefix = [UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)]
        return (self.sending?.seal(inner, prefix: prefix)).proven("connected")
    }

    /// The insides of frames.
    mutating func open(_ wire: [UInt8]) -> [[UInt8]] {
        var inners: [[UInt8]] = []
        var rest = wire[...]
        while rest.count > 2 {
            let count = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            let sealed = rest.dropFirst(2).prefix(count)
            inners.append((self.receiving?.open(sealed)).proven("the session's frames open"))
            rest = rest.dropFirst(2 + count)
        }
        return inners
    }

    /// The peer and an acceptor, connected; what the acceptor wrote since is discarded.
    static func connected(_ use: UInt8 = 0) throws -> (peer: RawPeer, pair: SessionPair) {
        var pair = SessionPair()
        pair.feed(SessionPair.acceptor, .connected)
        var peer = RawPeer(SessionKeys.key(3), dials: pair.keys[1].publicKey)
        let first = try peer.first { RawPeer.payload($0, $1, use: use) }
        pair.feed(SessionPair.acceptor, .received([0, UInt8(first.count)] + first))
        _ = try peer.second(Array(pair.wires[SessionPair.dialler].dropFirst(2)))
        pair.wires[SessionPair.dialler] = []
        // A ping: the first frame confirms.
        pair.feed(
            SessionPair.acceptor,
            .received(peer.frame([0, 2, 0] + [UInt8](repeating: 7, count: 8)))
        )
        #expect(pair.established[SessionPair.acceptor] == peer.key.publicKey)
        return (peer, pair)
    }
}
