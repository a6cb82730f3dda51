import Primitives

/// The keys of one handshake between two sockets, and what they were used for.
///
/// - Invariant: no counter is used twice.
struct KeyPair: Sendable {
    /// After so long, or so many datagrams, the initiator makes a new handshake; the responder a
    /// little later, if the initiator did not.
    static let rekeyMs: UInt64 = 120_000
    static let responderRekeyMs: UInt64 = 150_000
    static let rekeyPackets: UInt64 = 1 << 20
    /// After so long, or so many datagrams, nothing is sent or taken any more.
    static let rejectMs: UInt64 = 180_000
    static let rejectPackets: UInt64 = 1 << 21
    /// Something was sent and nothing heard for so long: the peer may have lost the keys.
    static let deafMs: UInt64 = 15_000
    /// Nothing was sent for so long when something comes: an empty answer shows that it arrived.
    static let quietMs: UInt64 = 10_000

    let peer: PublicKey
    let isInitiator: Bool
    /// The peer's name for these keys.
    let receiver: UInt32
    let since: Instant
    private let sending: SecretBytes
    private let receiving: SecretBytes
    private var counter: UInt64 = 0
    private var window = ReplayWindow()
    private var lastSent: Instant?
    private var lastHeard: Instant?
    /// The first datagram that was owed an answer and got none.
    private var unheardSince: Instant?

    init(
        peer: PublicKey, isInitiator: Bool, receiver: UInt32,
        keys: (sending: SecretBytes, receiving: SecretBytes), since: Instant
    ) {
        self.peer = peer
        self.isInitiator = isInitiator
        self.receiver = receiver
        self.since = since
        self.sending = keys.sending
        self.receiving = keys.receiving
    }

    // SPEC session: "Keys that are 180 s old or have a counter of 2^21 MUST NOT be used."
    /// Whether the keys may still be used.
    func isFresh(_ now: Instant) -> Bool { now < self.since.adding(ms: Self.rejectMs) }

    /// Whether a datagram may still be sent.
    func canSend(_ now: Instant) -> Bool {
        self.isFresh(now) && self.counter < Self.rejectPackets
    }

    // SPEC session: "A node that sends MUST begin a new handshake when the keys are 120 s old
    // (150 s, if the peer began the last one) or have sealed 2^20 datagrams, and when 15 s have
    // passed without an answer that it was owed."
    func isRekeyDue(_ now: Instant) -> Bool {
        let age = self.isInitiator ? Self.rekeyMs : Self.responderRekeyMs
        let isDeaf = self.unheardSince.map { now >= $0.adding(ms: Self.deafMs) } ?? false
        return isDeaf || now >= self.since.adding(ms: age) || self.counter >= Self.rekeyPackets
    }

    /// The whole datagram of a payload.
    mutating func seal(_ payload: [UInt8], now: Instant) -> [UInt8] {
        let header = DatagramPacket.dataHeader(receiver: self.receiver, counter: self.counter)
        let sealed = Sealing.seal(
            payload, key: self.sending, counter: self.counter, prefix: header)
        self.counter += 1  // `canSend` bounds it.
        self.lastSent = now
        // The peer answers if it was quiet for so long, and it was if nothing came from it.
        let isOwed = self.lastHeard.map { now >= $0.adding(ms: Self.quietMs) } ?? true
        if !payload.isEmpty && isOwed { self.unheardSince = self.unheardSince ?? now }
        return sealed
    }

    /// The payload of a datagram; nil for a forgery, a replay, or when the keys are too old.
    mutating func open(
        _ sealed: ArraySlice<UInt8>, counter: UInt64, now: Instant
    ) -> [UInt8]? {
        guard self.isFresh(now), counter < Self.rejectPackets, self.window.accepts(counter),
            let payload = Sealing.open(sealed, key: self.receiving, counter: counter)
        else { return nil }
        self.window.insert(counter)
        self.lastHeard = now
        self.unheardSince = nil
        return payload
    }

    /// Whether the peer should hear that something arrived.
    func isQuiet(_ now: Instant) -> Bool {
        self.lastSent.map { now >= $0.adding(ms: Self.quietMs) } ?? true
    }
}
