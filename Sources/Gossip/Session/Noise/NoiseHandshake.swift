package import Primitives

/// The two messages of Noise_IK_25519_ChaChaPoly_BLAKE2b, either side, as a value.
///
/// Agreements with the static key are asked of the caller, who holds it; those with the ephemeral
/// key are made here. A failed step leaves the handshake useless.
///
/// - Bounds: the caller bounds messages; shorter ones than the pattern's are refused.
/// - Source: protocol/session.md, "Handshake"; the Noise protocol framework, revision 34, section
///   7.5.
package struct NoiseHandshake: Sendable {
    /// The name that both sides hash first.
    package static let protocolName = "Noise_IK_25519_ChaChaPoly_BLAKE2b"

    /// Why a handshake ends.
    package enum Fault: Error, Hashable, Sendable {
        /// An agreement was refused: a point of small order, or a zero result.
        case keyRefused
        /// Fewer bytes than the pattern has.
        case truncated
        /// Sealed bytes do not open.
        case forged
        /// The caller took a step that is not the next one.
        case outOfOrder
    }

    /// What the caller does next.
    package enum Step: Hashable, Sendable {
        /// Agrees with the point by the static key and calls ``agreed(_:)``.
        case agree([UInt8])
        /// Writes its payload by ``write(_:)``.
        case ready
        /// Has the payload of the message that was read.
        case opened([UInt8])
    }

    private enum Phase: Sendable {
        case beginning
        case waiting
        /// The responder's has the message's payload and ephemeral point; the initiator's neither.
        case agreeingStatics(sealedPayload: [UInt8], ephemeral: [UInt8])
        case agreeingEphemeral([UInt8], sealedStatic: [UInt8], sealedPayload: [UInt8])
        case agreeingReply(sealedPayload: [UInt8])
        case answering(ephemeral: [UInt8])
        case writing
        case done
    }

    private static let sealedPointCount = X25519.count + Sealing.tagCount

    /// True on the side that writes first.
    package let isInitiator: Bool
    /// The peer's static point: known from the start, or from the first message on.
    package private(set) var remote: [UInt8]?
    /// The handshake hash as it was just before the payload last read or about to be written.
    package private(set) var payloadHash: [UInt8]
    private let local: [UInt8]
    private let ephemeral: AgreementKey
    private var state: SymmetricState
    private var phase: Phase
    private var message: [UInt8] = []

    /// The side that dials a peer whose static point it knows.
    package init(
        initiatorTo remote: [UInt8], local: [UInt8], ephemeral: AgreementKey, prologue: [UInt8]
    ) {
        self.isInitiator = true
        self.remote = remote
        self.local = local
        self.ephemeral = ephemeral
        self.state = SymmetricState(protocolName: Self.protocolName, prologue: prologue)
        self.state.mix(hash: remote)
        self.payloadHash = self.state.hash
        self.phase = .beginning
    }

    /// The side that is dialled.
    package init(responder local: [UInt8], ephemeral: AgreementKey, prologue: [UInt8]) {
        self.isInitiator = false
        self.remote = nil
        self.local = local
        self.ephemeral = ephemeral
        self.state = SymmetricState(protocolName: Self.protocolName, prologue: prologue)
        self.state.mix(hash: local)
        self.payloadHash = self.state.hash
        self.phase = .waiting
    }

    /// Starts the initiator's message: e, es, s; then it needs ss.
    package mutating func begin() throws(Fault) -> Step {
        guard case .beginning = self.phase, let remote = self.remote else { throw .outOfOrder }
        self.state.mix(hash: self.ephemeral.point)
        try self.mix(with: remote)
        guard let sealed = self.state.seal(self.local) else { throw .outOfOrder }
        self.message = self.ephemeral.point + sealed
        self.phase = .agreeingStatics(sealedPayload: [], ephemeral: [])
        return .agree(remote)
    }

    /// Reads the peer's message.
    package mutating func read(_ message: [UInt8]) throws(Fault) -> Step {
        guard case .waiting = self.phase else { throw .outOfOrder }
        let least =
            X25519.count + (self.isInitiator ? 0 : Self.sealedPointCount) + Sealing.tagCount
        guard message.count >= least else { throw .truncated }
        let point = Array(message.prefix(X25519.count))
        let rest = message.dropFirst(X25519.count)
        self.state.mix(hash: point)
        if self.isInitiator {
            try self.mix(with: point)
            self.phase = .agreeingReply(sealedPayload: Array(rest))
        } else {
            self.phase = .agreeingEphemeral(
                point, sealedStatic: Array(rest.prefix(Self.sealedPointCount)),
                sealedPayload: Array(rest.dropFirst(Self.sealedPointCount)))
        }
        return .agree(point)
    }

    /// Takes what the static key and the point agreed on; nil if that was refused.
    package mutating func agreed(_ shared: [UInt8]?) throws(Fault) -> Step {
        guard let shared, shared.count == X25519.count else { throw .keyRefused }
        switch self.phase {
        case .agreeingStatics(let sealedPayload, let ephemeral):
            self.state.mix(key: shared)
            self.payloadHash = self.state.hash
            if self.isInitiator {
                self.phase = .writing
                return .ready
            }
            guard let payload = self.state.open(sealedPayload) else { throw .forged }
            self.phase = .answering(ephemeral: ephemeral)
            return .opened(payload)
        case .agreeingEphemeral(let point, let sealedStatic, let sealedPayload):
            self.state.mix(key: shared)
            guard let remote = self.state.open(sealedStatic) else { throw .forged }
            self.remote = remote
            self.phase = .agreeingStatics(sealedPayload: sealedPayload, ephemeral: point)
            return .agree(remote)
        case .agreeingReply(let sealedPayload):
            self.state.mix(key: shared)
            self.payloadHash = self.state.hash
            guard let payload = self.state.open(sealedPayload) else { throw .forged }
            self.phase = .done
            return .opened(payload)
        case .beginning, .waiting, .answering, .writing, .done: throw .outOfOrder
        }
    }

    /// Starts the responder's message: e, ee, se.
    package mutating func answer() throws(Fault) -> Step {
        guard case .answering(let ephemeral) = self.phase, let remote = self.remote else {
            throw .outOfOrder
        }
        self.state.mix(hash: self.ephemeral.point)
        try self.mix(with: ephemeral)
        try self.mix(with: remote)
        self.message = self.ephemeral.point
        self.payloadHash = self.state.hash
        self.phase = .writing
        return .ready
    }

    /// The whole message with this payload.
    package mutating func write(_ payload: [UInt8]) throws(Fault) -> [UInt8] {
        guard case .writing = self.phase, let sealed = self.state.seal(payload) else {
            throw .outOfOrder
        }
        self.phase = self.isInitiator ? .waiting : .done
        return self.message + sealed
    }

    /// The keys of both directions, once both messages are through.
    package func split() throws(Fault) -> (sending: SecretBytes, receiving: SecretBytes) {
        guard case .done = self.phase else { throw .outOfOrder }
        let keys = self.state.split()
        return self.isInitiator
            ? (keys.initiator, keys.responder) : (keys.responder, keys.initiator)
    }

    private mutating func mix(with point: [UInt8]) throws(Fault) {
        guard var shared = self.ephemeral.agree(with: point) else { throw .keyRefused }
        defer { SecretBytes.wipe(&shared) }
        self.state.mix(key: shared)
    }
}
