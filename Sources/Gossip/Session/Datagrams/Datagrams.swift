import OrderedCollections
package import Primitives

/// All peers of one UDP socket: handshakes, sealed datagrams, cookies under load.
///
/// A datagram is a hint: it may be lost here as on the way. Whatever is wrong with one is counted
/// and not answered.
///
/// - Bounds: `peersMax` peers, `attemptsMax` handshakes begun here, `answersMax` begun elsewhere,
///   `waitingMax` datagrams that wait for one handshake.
/// - Source: protocol/session.md, "Datagrams".
package struct Datagrams: Sendable {
    /// Bytes that one datagram carries for its sender.
    package static let payloadMax = 1_200
    /// Peers with keys; beyond, the one that was silent longest is forgotten.
    package static let peersMax = 1_024
    /// Handshakes begun here; beyond, what wants another one is dropped.
    static let attemptsMax = 64
    /// Handshakes begun elsewhere and not confirmed; beyond, the oldest is forgotten.
    static let answersMax = 128
    /// Datagrams that wait for one handshake; beyond, the oldest is dropped.
    static let waitingMax = 8
    /// Tries of one handshake.
    static let triesMax = 3
    /// Until a handshake is tried again, or forgotten.
    static let handshakeMs: UInt64 = 5_000
    /// Until what is old is forgotten.
    static let sweepMs: UInt64 = 30_000

    /// Where a datagram comes from or goes to.
    package struct Endpoint: Hashable, Sendable {
        /// 4 or 16 bytes.
        package let address: [UInt8]
        package let port: UInt16

        package init(address: [UInt8], port: UInt16) {
            self.address = address
            self.port = port
        }
    }

    package struct Config: Sendable {
        package var me: PublicKey
        package var genesis: GenesisID
        /// 32 random bytes, never used twice.
        package var seed: Digest
        /// Milliseconds since 1970 at the instant zero of `now`: stamps of handshakes ascend across
        /// restarts of the machine.
        package var epochMs: UInt64

        package init(me: PublicKey, genesis: GenesisID, seed: Digest, epochMs: UInt64) {
            self.me = me
            self.genesis = genesis
            self.seed = seed
            self.epochMs = epochMs
        }
    }

    package enum Input: Sendable {
        case received([UInt8], from: Endpoint)
        case send([UInt8], to: PublicKey, at: Endpoint)
        /// Answers `agree`; nil if it was refused.
        case agreed([UInt8]?, token: UInt64)
        /// Answers `sign`.
        case signed(Signature, token: UInt64)
        case expired(Timer)
    }

    package enum Effect: Hashable, Sendable {
        case write([UInt8], to: Endpoint)
        case deliver([UInt8], from: PublicKey, at: Endpoint)
        case agree(point: [UInt8], token: UInt64)
        case sign(Digest, token: UInt64)
        case schedule(Timer, at: Instant)
    }

    package enum Timer: Hashable, Sendable {
        /// A handshake took too long.
        case handshake(UInt32)
        /// What is old is forgotten.
        case sweep
    }

    /// A peer with keys.
    struct Peer: Sendable {
        /// Names of key pairs: the one in use, and the one before it for what is still on its way.
        var current: UInt32
        var previous: UInt32?
        /// The newest stamp of its handshakes.
        var stamp: UInt64
        /// This node wrote to it first; such peers are forgotten last.
        var isSought: Bool
        var lastHeard: Instant
    }

    /// A handshake begun here.
    struct Attempt: Sendable {
        let peer: PublicKey
        let endpoint: Endpoint
        let tries: Int
        let until: Instant
        var handshake: Handshake
        /// The whole datagram once it was sent, with its first authenticator.
        var sent: (bytes: [UInt8], mac1: [UInt8])?
        /// A second try with a cookie was made.
        var hasCookie = false
        /// A copy that works on an answer, which may be a forgery.
        var reply: (handshake: Handshake, sender: UInt32)?
        var waiting: [[UInt8]]
        var token: UInt64?
    }

    /// A handshake begun elsewhere.
    struct Answer: Sendable {
        let endpoint: Endpoint
        /// The initiator's name for it.
        let sender: UInt32
        let until: Instant
        var handshake: Handshake
        var token: UInt64?
        /// Keys, once it was answered; the first datagram under them confirms it.
        var pair: KeyPair?
    }

    let config: Config
    let salt: ChainSalt
    var generator: Generator
    var doorkeeper: Doorkeeper
    var peers: OrderedDictionary<PublicKey, Peer> = [:]
    var pairs = Lookup<UInt32, KeyPair>()
    var attempts: OrderedDictionary<UInt32, Attempt> = [:]
    var answers: OrderedDictionary<UInt32, Answer> = [:]
    /// The handshake that an outstanding agreement or signature is for.
    var awaited = Lookup<UInt64, UInt32>()
    var tokens: UInt64 = 0
    var lastStamp: UInt64 = 0
    var sweepAt: Instant?

    /// Datagrams that were refused, or found no room.
    package internal(set) var dropped: UInt64 = 0

    /// Peers with keys.
    package var peerCount: Int { self.peers.count }

    /// A socket without peers.
    package init(config: Config) {
        self.config = config
        self.salt = ChainSalt(config.genesis)
        self.generator = Generator(seed: config.seed)
        self.doorkeeper = Doorkeeper(me: config.me, salt: self.salt, random: &self.generator)
    }

    /// Takes one input and says what to do, in order.
    package mutating func handle(
        _ input: Input, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        switch input {
        case .received(let bytes, let endpoint):
            self.onReceived(bytes, from: endpoint, now: now, into: &outbox)
        case .send(let payload, let peer, let endpoint):
            self.onSend(payload, to: peer, at: endpoint, now: now, into: &outbox)
        case .agreed(let shared, let token):
            self.onAnswered(token, now: now, into: &outbox) { handshake throws(SessionFault) in
                try handshake.agreed(shared)
            }
        case .signed(let signature, let token):
            self.onAnswered(token, now: now, into: &outbox) { handshake throws(SessionFault) in
                try handshake.signed(signature)
            }
        case .expired(.handshake(let name)):
            self.onHandshakeExpired(name, now: now, into: &outbox)
        case .expired(.sweep): self.onSweep(now: now, into: &outbox)
        }
        precondition(self.peers.count <= Self.peersMax, "peers are bounded")
        precondition(self.answers.count <= Self.answersMax, "answers are bounded")
        precondition(self.attempts.count <= Self.attemptsMax, "attempts are bounded")
    }

    private mutating func onReceived(
        _ bytes: [UInt8], from endpoint: Endpoint, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        switch DatagramPacket(bytes) {
        case .first(let sender, let message, let mac1, let mac2):
            self.onFirst(
                bytes, sender: sender, message, mac1: mac1, mac2: mac2, from: endpoint, now: now,
                into: &outbox)
        case .second(let sender, let receiver, let message, let mac1):
            guard self.doorkeeper.holds(mac1: mac1, of: bytes, trailing: DatagramPacket.macBytes)
            else {
                self.dropped &+= 1
                return
            }
            self.onSecond(sender, to: receiver, message, now: now, into: &outbox)
        case .cookie(let receiver, let nonce, let sealed):
            self.onCookie(to: receiver, nonce: nonce, sealed, into: &outbox)
        case .data(let receiver, let counter, let sealed):
            self.onData(
                to: receiver, counter: counter, sealed, from: endpoint, now: now, into: &outbox)
        case nil: self.dropped &+= 1
        }
    }

    /// A random name that none of this socket's handshakes and key pairs has.
    mutating func freshName() -> UInt32 {
        while true {
            let name = UInt32(truncatingIfNeeded: self.generator.u64())
            let isTaken =
                name == 0 || self.pairs[name] != nil || self.attempts[name] != nil
                || self.answers[name] != nil
            if !isTaken { return name }
        }
    }

    /// A stamp above all earlier ones.
    mutating func freshStamp(_ now: Instant) -> UInt64 {
        let (ms, overflow) = self.config.epochMs.addingReportingOverflow(now.ns / 1_000_000)
        let clock = overflow ? UInt64.max : ms
        let next = self.lastStamp == .max ? .max : self.lastStamp + 1
        self.lastStamp = max(clock, next)
        return self.lastStamp
    }
}
