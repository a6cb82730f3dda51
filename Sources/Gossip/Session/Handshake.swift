import Primitives

/// One handshake of nodes: Noise's messages with an identity in each, for connections and
/// datagrams.
///
/// It asks for two agreements and one signature of the node key and never sees the key.
///
/// - Source: protocol/session.md, "Handshake" and "Identity".
struct Handshake: Sendable {
    /// The version of everything that two nodes say to each other.
    static let wireVersion: UInt16 = 1
    /// Bytes of the initiator's message: e 32, sealed s 48, sealed identity.
    static let firstBytes = 32 + 48 + HandshakeIdentity.payloadBytes + 16
    /// Bytes of the responder's: e 32, sealed identity.
    static let secondBytes = 32 + HandshakeIdentity.payloadBytes + 16

    /// What to do next.
    enum Step: Hashable, Sendable {
        case agree([UInt8])
        case sign(Digest)
        /// The message is complete. The responder is done.
        case write([UInt8])
        /// The initiator is done.
        case done
    }

    /// The peer's identity, proven, once its message was read.
    private(set) var peer: HandshakeIdentity?
    private var noise: NoiseHandshake
    private let me: PublicKey
    private let salt: ChainSalt
    private let use: UInt8
    private let stamp: UInt64
    /// Whom an initiator dials.
    private let remote: PublicKey?

    // SPEC session: "The prologue is the eight bytes starling, the genesis id and the wire version
    // as u16."
    static func prologue(_ genesis: GenesisID) -> [UInt8] {
        var encoder = Encoder()
        encoder.raw(Array("starling".utf8))
        encoder.raw(genesis.digest.bytes)
        encoder.u16(Self.wireVersion)
        return encoder.bytes
    }

    /// A handshake with `remote`, or (nil) with whoever comes; `ephemeral` is 32 fresh random
    /// bytes.
    init(
        me: PublicKey, remote: PublicKey?, genesis: GenesisID, use: UInt8, stamp: UInt64,
        ephemeral: [UInt8]
    ) throws(SessionFault) {
        guard remote != me else { throw .isSelf }
        guard let local = me.agreementPoint, let key = AgreementKey(secret: ephemeral) else {
            throw .keyRefused
        }
        let prologue = Self.prologue(genesis)
        if let remote {
            guard let point = remote.agreementPoint else { throw .keyRefused }
            self.noise = NoiseHandshake(
                initiatorTo: point, local: local, ephemeral: key, prologue: prologue)
        } else {
            self.noise = NoiseHandshake(responder: local, ephemeral: key, prologue: prologue)
        }
        self.me = me
        self.remote = remote
        self.salt = ChainSalt(genesis)
        self.use = use
        self.stamp = stamp
    }

    /// The initiator's first step.
    mutating func begin() throws(SessionFault) -> Step {
        try self.next { noise throws(NoiseHandshake.Fault) in try noise.begin() }
    }

    /// Reads the peer's message, whose length the caller has compared with the protocol's.
    mutating func read(_ message: [UInt8]) throws(SessionFault) -> Step {
        let wanted = self.noise.isInitiator ? Self.secondBytes : Self.firstBytes
        guard message.count == wanted else { throw .handshakeLength(message.count) }
        return try self.next { noise throws(NoiseHandshake.Fault) in try noise.read(message) }
    }

    /// Takes an agreement.
    mutating func agreed(_ shared: [UInt8]?) throws(SessionFault) -> Step {
        let step: NoiseHandshake.Step
        do throws(NoiseHandshake.Fault) {
            step = try self.noise.agreed(shared)
        } catch { throw SessionFault(error) }
        guard case .opened(let payload) = step else {
            return try self.next { _ throws(NoiseHandshake.Fault) in step }
        }
        let peer = try HandshakeIdentity(
            payload: payload, point: self.noise.remote, hash: self.noise.payloadHash,
            salt: self.salt)
        // SPEC session: "An initiator MUST refuse a key other than the one that it dialled. Both
        // MUST refuse their own key."
        guard peer.key != self.me else { throw .isSelf }
        self.peer = peer
        if self.noise.isInitiator {
            guard peer.key == self.remote else { throw .wrongPeer }
            guard peer.use == self.use else { throw .wrongPurpose }
            return .done
        }
        return try self.next { noise throws(NoiseHandshake.Fault) in try noise.answer() }
    }

    /// Takes the signature. A responder answers with the use that it was asked for.
    mutating func signed(_ signature: Signature) throws(SessionFault) -> Step {
        let identity = HandshakeIdentity(
            key: self.me, use: self.peer?.use ?? self.use, stamp: self.stamp,
            signature: signature)
        do throws(NoiseHandshake.Fault) {
            return .write(try self.noise.write(identity.bytes))
        } catch { throw SessionFault(error) }
    }

    /// The keys of both directions.
    func split() throws(SessionFault) -> (sending: SecretBytes, receiving: SecretBytes) {
        do throws(NoiseHandshake.Fault) {
            return try self.noise.split()
        } catch { throw SessionFault(error) }
    }

    private mutating func next(
        _ body: (inout NoiseHandshake) throws(NoiseHandshake.Fault) -> NoiseHandshake.Step
    ) throws(SessionFault) -> Step {
        let step: NoiseHandshake.Step
        do throws(NoiseHandshake.Fault) {
            step = try body(&self.noise)
        } catch { throw SessionFault(error) }
        switch step {
        case .agree(let point): return .agree(point)
        case .ready:
            return .sign(HandshakeIdentity.digest(self.noise.payloadHash, self.salt))
        case .opened: throw .outOfOrder
        }
    }
}

extension SessionFault {
    /// What a fault of Noise means for a session.
    init(_ fault: NoiseHandshake.Fault) {
        switch fault {
        case .keyRefused: self = .keyRefused
        case .truncated, .forged: self = .handshakeForged
        case .outOfOrder: self = .outOfOrder
        }
    }
}
