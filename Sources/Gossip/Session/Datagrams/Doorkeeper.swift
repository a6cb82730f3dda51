import Primitives

/// Who is let in to a handshake: authenticators, cookies, load, and handshakes seen before.
///
/// - Bounds: `rememberedMax` authenticators.
/// - Source: protocol/session.md, "Authenticators" and "Cookies".
struct Doorkeeper: Sendable {
    /// Handshakes in one second above which cookies are asked for.
    static let calmPerSecond: UInt64 = 20
    /// Handshakes in one second that are worked on at all.
    static let workPerSecond: UInt64 = 128
    /// How long a secret makes cookies; it accepts them for as long again.
    static let secretMs: UInt64 = 120_000
    /// Handshakes that would be known again.
    static let rememberedMax = 256
    private static let secondMs: UInt64 = 1_000

    private let salt: ChainSalt
    private let ownMacKey: [UInt8]
    private let ownCookieKey: [UInt8]
    private var secret: [UInt8]
    private var olderSecret: [UInt8]?
    private var secretSince: Instant?
    private var secondSince = Instant.zero
    private var seen: UInt64 = 0
    private var seenBefore: UInt64 = 0
    private var worked: UInt64 = 0
    private var remembered: [[UInt8]] = []
    private var oldest = 0
    private var isKnown = Lookup<[UInt8], Bool>()

    init(me: PublicKey, salt: ChainSalt, random: inout Generator) {
        self.salt = salt
        self.ownMacKey = Self.macKey(of: me, salt)
        self.ownCookieKey = Self.cookieKey(of: me, salt)
        self.secret = random.bytes(Sealing.keyCount)
    }

    /// The key of the first authenticator of what is sent to a node.
    static func macKey(of key: PublicKey, _ salt: ChainSalt) -> [UInt8] {
        Blake2b.hash(.mac, salt, key.bytes).bytes
    }

    /// The key that seals cookies of a node.
    static func cookieKey(of key: PublicKey, _ salt: ChainSalt) -> [UInt8] {
        Blake2b.hash(.cookie, salt, key.bytes).bytes
    }

    // SPEC session: "Without a valid mac1 a node MUST NOT do or answer anything for a handshake
    // datagram."
    func holds(mac1: [UInt8], of bytes: [UInt8], trailing count: Int) -> Bool {
        let covered = Array(bytes.dropLast(count))
        return NoiseHash.isEqual(mac1, NoiseHash.mac(key: self.ownMacKey, covered))
    }

    /// What to do with an initiator's message whose first authenticator holds.
    enum Verdict: Hashable, Sendable {
        case work
        case askForCookie
        case ignore
    }

    // SPEC session: "A responder that sees more than 20 first messages with a valid mac1 in a
    // second MUST answer those without a valid mac2 by a cookie and do nothing else for them."
    // SPEC session: "No more than 128 first messages are worked on in a second; one that was worked
    // on MUST be ignored when it comes again."
    /// Counts the message and decides.
    mutating func judge(
        _ bytes: [UInt8], mac1: [UInt8], mac2: [UInt8], from endpoint: Datagrams.Endpoint,
        now: Instant, random: inout Generator
    ) -> Verdict {
        guard self.isKnown[mac1] == nil else { return .ignore }
        self.count(now)
        if max(self.seen, self.seenBefore) > Self.calmPerSecond {
            self.renewSecret(now, &random)
            guard self.holds(mac2: mac2, of: bytes, from: endpoint) else { return .askForCookie }
        }
        guard self.worked < Self.workPerSecond else { return .ignore }
        self.worked += 1
        self.remember(mac1)
        return .work
    }

    /// A cookie for whoever receives at `endpoint`, sealed for the sender of `mac1`.
    mutating func cookie(
        for endpoint: Datagrams.Endpoint, mac1: [UInt8], receiver: UInt32, now: Instant,
        random: inout Generator
    ) -> [UInt8] {
        self.renewSecret(now, &random)
        let nonce = random.bytes(Sealing.longNonceCount)
        let sealed = Sealing.sealRandom(
            Self.cookie(self.secret, endpoint), key: self.ownCookieKey, nonce: nonce, data: mac1)
        return DatagramPacket.cookie(receiver: receiver, nonce: nonce, sealed: sealed)
    }

    private func holds(
        mac2: [UInt8], of bytes: [UInt8], from endpoint: Datagrams.Endpoint
    ) -> Bool {
        let covered = Array(bytes.dropLast(DatagramPacket.macBytes))
        for secret in [self.secret, self.olderSecret ?? self.secret] {
            let wanted = NoiseHash.mac(key: Self.cookie(secret, endpoint), covered)
            if NoiseHash.isEqual(mac2, wanted) { return true }
        }
        return false
    }

    private static func cookie(_ secret: [UInt8], _ endpoint: Datagrams.Endpoint) -> [UInt8] {
        var encoder = Encoder()
        encoder.byteString(endpoint.address)
        encoder.u16(endpoint.port)
        return NoiseHash.mac(key: secret, encoder.bytes)
    }

    private mutating func renewSecret(_ now: Instant, _ random: inout Generator) {
        guard let since = self.secretSince else {
            self.secretSince = now
            return
        }
        guard now >= since.adding(ms: Self.secretMs) else { return }
        let isLongAgo = now >= since.adding(ms: 2 * Self.secretMs)
        self.olderSecret = isLongAgo ? nil : self.secret
        self.secret = random.bytes(Sealing.keyCount)
        self.secretSince = now
    }

    private mutating func count(_ now: Instant) {
        if now >= self.secondSince.adding(ms: Self.secondMs) {
            let isNext = now < self.secondSince.adding(ms: 2 * Self.secondMs)
            self.seenBefore = isNext ? self.seen : 0
            self.seen = 0
            self.worked = 0
            self.secondSince = now
        }
        self.seen += 1  // Starts again every second.
    }

    private mutating func remember(_ mac1: [UInt8]) {
        if self.remembered.count < Self.rememberedMax {
            self.remembered.append(mac1)
        } else {
            self.isKnown[self.remembered[self.oldest]] = nil
            self.remembered[self.oldest] = mac1
            self.oldest = (self.oldest + 1) % Self.rememberedMax
        }
        self.isKnown[mac1] = true
    }
}
