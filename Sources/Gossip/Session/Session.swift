package import Primitives

/// One TCP connection, either side: handshake, sealed frames, priorities, credit, keep-alive.
///
/// A fault closes the session and nothing of it is sent; after `close` every input is ignored.
///
/// - Bounds: one handshake message or one frame that is coming in, the partial messages of
///   ``Inbound`` and the queues of ``Outbound``.
/// - Source: protocol/session.md.
package struct Session: Sendable {
    package struct Config: Sendable {
        package var isInitiator: Bool
        /// What the initiator asks for; an acceptor learns it.
        package var purpose: Purpose
        package var me: PublicKey
        /// The peer that is dialled; nil on the accepting side.
        package var remote: PublicKey?
        package var genesis: GenesisID
        /// 32 random bytes, never used twice: the ephemeral key.
        package var seed: Digest

        package init(
            isInitiator: Bool, purpose: Purpose, me: PublicKey, remote: PublicKey?,
            genesis: GenesisID, seed: Digest
        ) {
            self.isInitiator = isInitiator
            self.purpose = purpose
            self.me = me
            self.remote = remote
            self.genesis = genesis
            self.seed = seed
        }
    }

    package enum Input: Sendable {
        case connected
        case received([UInt8])
        case disconnected
        /// Answers `agree`; nil if it was refused.
        case agreed([UInt8]?, token: UInt64)
        /// Answers `sign`.
        case signed(Signature)
        case send(TrafficClass, [UInt8])
        /// The socket can take more, or is full. It can when it is new.
        case writable(Bool)
        case expired(Timer)
    }

    package enum Effect: Hashable, Sendable {
        case write([UInt8])
        /// X25519 of the node key with `point`; answered by `agreed`.
        case agree(point: [UInt8], token: UInt64)
        /// The node key's signature; answered by `signed`.
        case sign(Digest)
        case established(peer: PublicKey, purpose: Purpose)
        case deliver(TrafficClass, [UInt8])
        /// The last effect of a session.
        case close(SessionFault)
        case schedule(Timer, at: Instant)
    }

    package enum Timer: Hashable, Sendable {
        case handshake
        case keepAlive
        /// More waits than one step may write: scheduled for the same instant.
        case flush
    }

    /// Where a session stands.
    enum Phase: Hashable, Sendable {
        case idle
        case handshaking
        /// The acceptor has answered; the first frame shows that the initiator is there.
        case confirming
        case open
        case closed
    }

    /// What the machine asked for and did not get yet.
    enum Awaiting: Hashable, Sendable {
        case nothing
        case agreement(token: UInt64)
        case signature
    }

    /// Until the handshake must be through.
    static let handshakeMs: UInt64 = 5_000
    /// Without a frame to send, so long until a ping.
    static let idleMs: UInt64 = 5_000
    /// Without a frame from the peer, or without a byte that it takes, so long until the end.
    static let silenceMs: UInt64 = 15_000
    /// Bytes that one step writes: more would pass the priorities by.
    static let burstBytes = 64 * 1024

    let config: Config
    var phase = Phase.idle
    var awaiting = Awaiting.nothing
    var tokens: UInt64 = 0
    var handshake: Handshake?
    var handshakeUntil = Instant.zero
    /// Bytes that are no whole message or frame yet.
    var inbox: [UInt8] = []
    var sending: SealedStream?
    var receiving: SealedStream?
    var outbound = Outbound()
    var inbound = Inbound()
    var purpose: Purpose
    var isWritable = true
    var blockedSince: Instant?
    var isFlushScheduled = false
    var lastSent = Instant.zero
    var lastHeard = Instant.zero
    var keepAliveAt = Instant.zero
    var isPingDue = false
    var pongDue: UInt64?
    var pings: UInt64 = 0

    /// A connection that is about to be.
    package init(config: Config) {
        self.config = config
        self.purpose = config.purpose
    }

    /// Takes one input and says what to do, in order.
    package mutating func handle(
        _ input: Input, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        guard self.phase != .closed else { return }
        do throws(SessionFault) {
            try self.take(input, now: now, into: &outbox)
            try self.pump(now: now, into: &outbox)
        } catch {
            self.end()
            outbox.append(.close(error))
        }
    }

    /// Messages of a class that were dropped because too much waited for the peer.
    package func dropped(_ traffic: TrafficClass) -> UInt64 { self.outbound.dropped(traffic) }

    private mutating func take(
        _ input: Input, now: Instant, into outbox: inout Outbox<Effect>
    ) throws(SessionFault) {
        switch input {
        case .connected: try self.onConnected(now: now, into: &outbox)
        case .received(let bytes): try self.onReceived(bytes, now: now, into: &outbox)
        case .disconnected: self.end()
        case .agreed(let shared, let token):
            guard self.awaiting == .agreement(token: token) else { return }
            try self.onAgreed(shared, now: now, into: &outbox)
        case .signed(let signature):
            guard self.awaiting == .signature else { return }
            try self.onSigned(signature, now: now, into: &outbox)
        case .send(let traffic, let message): try self.onSend(traffic, message)
        case .writable(let isWritable):
            self.isWritable = isWritable
            self.blockedSince = isWritable ? nil : self.blockedSince ?? now
        case .expired(.handshake):
            // SPEC session: "A handshake that is not through after 5 s MUST be given up."
            let isPending = self.phase == .handshaking || self.phase == .confirming
            guard isPending, now >= self.handshakeUntil else { return }
            throw .handshakeTimeout
        case .expired(.keepAlive): try self.onKeepAlive(now: now, into: &outbox)
        case .expired(.flush): self.isFlushScheduled = false
        }
    }

    // SPEC session: "A node that has sent nothing for 5 s MUST send a ping, and MUST close a
    // connection on which no valid frame has come for 15 s."
    private mutating func onKeepAlive(
        now: Instant, into outbox: inout Outbox<Effect>
    ) throws(SessionFault) {
        guard self.phase == .open, now >= self.keepAliveAt else { return }
        let silentAt = self.lastHeard.adding(ms: Self.silenceMs)
        guard now < silentAt else { throw .silent }
        if let since = self.blockedSince {
            guard now < since.adding(ms: Self.silenceMs) else { throw .stalled }
        }
        var next = self.lastSent.adding(ms: Self.idleMs)
        if now >= next {
            self.isPingDue = true
            next = now.adding(ms: Self.idleMs)
        }
        self.keepAliveAt = min(silentAt, next)
        outbox.append(.schedule(.keepAlive, at: self.keepAliveAt))
    }

    /// Forgets keys and messages; nothing more happens.
    private mutating func end() {
        self.phase = .closed
        self.awaiting = .nothing
        self.handshake = nil
        self.sending = nil
        self.receiving = nil
        self.inbox = []
        self.inbound = Inbound()
    }
}
