import Primitives

/// The handshake of a connection: one message each way, each after its length.
///
/// - Source: protocol/session.md, "Connections".
extension Session {
    /// Bytes of the length before a handshake message or a frame.
    static let lengthBytes = 2

    mutating func onConnected(
        now: Instant, into outbox: inout Outbox<Effect>
    ) throws(SessionFault) {
        guard self.phase == .idle else { return }
        guard self.config.isInitiator == (self.config.remote != nil) else { throw .outOfOrder }
        var random = Generator(seed: self.config.seed)
        var handshake = try Handshake(
            me: self.config.me, remote: self.config.remote, genesis: self.config.genesis,
            use: self.config.purpose.rawValue, stamp: 0, ephemeral: random.bytes(X25519.count))
        self.phase = .handshaking
        self.handshakeUntil = now.adding(ms: Self.handshakeMs)
        outbox.append(.schedule(.handshake, at: self.handshakeUntil))
        let step = self.config.isInitiator ? try handshake.begin() : nil
        self.handshake = handshake
        if let step { try self.perform(step, now: now, into: &outbox) }
    }

    // SPEC session: "A handshake message of another length MUST be refused, and so MUST bytes that
    // follow it before the handshake allows them."
    mutating func onHandshakeBytes(
        _ bytes: [UInt8], now: Instant, into outbox: inout Outbox<Effect>
    ) throws(SessionFault) {
        let wanted = self.config.isInitiator ? Handshake.secondBytes : Handshake.firstBytes
        guard self.awaiting == .nothing else { throw .earlyBytes }
        self.inbox.append(contentsOf: bytes.prefix(Self.lengthBytes + wanted + 1))
        guard let length = self.length(at: 0) else { return }
        guard length == wanted else { throw .handshakeLength(length) }
        let end = Self.lengthBytes + wanted
        guard self.inbox.count >= end else { return }
        guard self.inbox.count == end else { throw .earlyBytes }
        let message = Array(self.inbox[Self.lengthBytes...])
        self.inbox = []
        guard var handshake = self.handshake else { throw .outOfOrder }
        let step = try handshake.read(message)
        self.handshake = handshake
        try self.perform(step, now: now, into: &outbox)
    }

    mutating func onAgreed(
        _ shared: [UInt8]?, now: Instant, into outbox: inout Outbox<Effect>
    ) throws(SessionFault) {
        guard var handshake = self.handshake else { throw .outOfOrder }
        self.awaiting = .nothing
        let step = try handshake.agreed(shared)
        self.handshake = handshake
        try self.perform(step, now: now, into: &outbox)
    }

    mutating func onSigned(
        _ signature: Signature, now: Instant, into outbox: inout Outbox<Effect>
    ) throws(SessionFault) {
        guard var handshake = self.handshake else { throw .outOfOrder }
        self.awaiting = .nothing
        let step = try handshake.signed(signature)
        self.handshake = handshake
        try self.perform(step, now: now, into: &outbox)
    }

    private mutating func perform(
        _ step: Handshake.Step, now: Instant, into outbox: inout Outbox<Effect>
    ) throws(SessionFault) {
        switch step {
        case .agree(let point):
            self.tokens += 1  // Two or three in the life of a session.
            self.awaiting = .agreement(token: self.tokens)
            outbox.append(.agree(point: point, token: self.tokens))
        case .sign(let digest):
            if let peer = self.handshake?.peer { try self.check(peer) }
            self.awaiting = .signature
            outbox.append(.sign(digest))
        case .write(let message):
            outbox.append(.write(Self.prefix(message.count) + message))
            guard !self.config.isInitiator else { return }
            try self.startFrames(now: now)
            self.phase = .confirming
        case .done:
            if let peer = self.handshake?.peer { try self.check(peer) }
            try self.startFrames(now: now)
            // SPEC session: "An initiator MUST send a ping as soon as the handshake is through."
            self.isPingDue = true
            self.open(now: now, into: &outbox)
        }
    }

    // SPEC session: "On a connection the use MUST be 0 or 1 and the stamp zero, and the responder's
    // use the initiator's."
    private mutating func check(_ peer: HandshakeIdentity) throws(SessionFault) {
        guard peer.stamp == 0 else { throw .identityMalformed }
        guard let purpose = Purpose(rawValue: peer.use) else { throw .wrongPurpose }
        self.purpose = purpose
    }

    private mutating func startFrames(now: Instant) throws(SessionFault) {
        guard let keys = try self.handshake?.split() else { throw .outOfOrder }
        self.sending = SealedStream(key: keys.sending)
        self.receiving = SealedStream(key: keys.receiving)
        self.lastSent = now
        self.lastHeard = now
    }

    /// The peer is proven to be there.
    mutating func open(now: Instant, into outbox: inout Outbox<Effect>) {
        guard let peer = self.handshake?.peer else { return }
        self.handshake = nil
        self.phase = .open
        self.keepAliveAt = now.adding(ms: Self.idleMs)
        outbox.append(.schedule(.keepAlive, at: self.keepAliveAt))
        outbox.append(.established(peer: peer.key, purpose: self.purpose))
    }

    /// A length of at most 16 bits, most significant byte first.
    static func prefix(_ count: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)]
    }

    /// The length that stands at a place of the inbox; nil if it is not there yet.
    func length(at place: Int) -> Int? {
        guard self.inbox.count - place >= Self.lengthBytes else { return nil }
        return Int(self.inbox[place]) << 8 | Int(self.inbox[place + 1])
    }
}
