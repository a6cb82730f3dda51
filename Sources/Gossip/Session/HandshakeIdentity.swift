import Primitives

/// What the payload of a handshake message says: who speaks, for what, and the proof.
///
/// key 32 | use u8 | stamp u64 | signature 64 | 23 zero bytes.
///
/// - Source: protocol/session.md, "Identity".
struct HandshakeIdentity: Hashable, Sendable {
    /// Bytes of a payload.
    static let payloadBytes = 128
    /// The use that datagrams have; those of connections are the codes of ``Purpose``.
    static let datagrams: UInt8 = 2

    let key: PublicKey
    let use: UInt8
    /// Ascends from handshake to handshake of one key on datagrams; zero on connections.
    let stamp: UInt64
    let signature: Signature

    /// What the node key signs.
    static func digest(_ handshakeHash: [UInt8], _ salt: ChainSalt) -> Digest {
        Blake2b.hash(.handshake, salt, handshakeHash)
    }

    /// The payload's bytes.
    var bytes: [UInt8] {
        var encoder = Encoder()
        self.key.encode(into: &encoder)
        encoder.u8(self.use)
        encoder.u64(self.stamp)
        self.signature.encode(into: &encoder)
        let padding = Self.payloadBytes - encoder.bytes.count
        encoder.raw([UInt8](repeating: 0, count: padding))
        return encoder.bytes
    }

    init(key: PublicKey, use: UInt8, stamp: UInt64, signature: Signature) {
        self.key = key
        self.use = use
        self.stamp = stamp
        self.signature = signature
    }

    // SPEC session: "A receiver MUST refuse a payload of another length, a padding that is not
    // zero, a key whose X25519 point is not the handshake's static point, and a signature that does
    // not hold."
    init(
        payload: [UInt8], point: [UInt8]?, hash: [UInt8], salt: ChainSalt
    ) throws(SessionFault) {
        guard payload.count == Self.payloadBytes else { throw .identityMalformed }
        var decoder = Decoder(payload)
        let padding: [UInt8]
        do throws(DecodeError) {
            self.key = try PublicKey(from: &decoder)
            self.use = try decoder.u8()
            self.stamp = try decoder.u64()
            self.signature = try Signature(from: &decoder)
            padding = try decoder.raw(decoder.remaining)
        } catch { throw .identityMalformed }
        guard padding.allSatisfy({ $0 == 0 }) else { throw .identityMalformed }
        guard let own = self.key.agreementPoint, own == point else { throw .identityMalformed }
        guard self.key.verify(self.signature, Self.digest(hash, salt)) else {
            throw .identityForged
        }
    }
}
