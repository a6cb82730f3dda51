import Primitives

/// One datagram as it is on the wire.
///
/// It begins with its type as u8 and three zero bytes; integers are little-endian.
///
/// - Source: protocol/session.md, "Datagrams".
enum DatagramPacket: Hashable, Sendable {
    /// Bytes of the largest datagram.
    static let bytesMax = 1_232
    /// Bytes of an authenticator.
    static let macBytes = 16
    /// Bytes before the sealed payload of data.
    static let dataHeaderBytes = 16
    /// Bytes of the initiator's message and its authenticators.
    static let firstBytes = 8 + Handshake.firstBytes + 2 * macBytes
    /// Bytes of the responder's: fewer than it answers.
    static let secondBytes = 12 + Handshake.secondBytes + macBytes
    /// Bytes of a cookie: fewer than it answers.
    static let cookieBytes = 8 + Sealing.longNonceCount + macBytes + Sealing.tagCount

    case first(sender: UInt32, message: [UInt8], mac1: [UInt8], mac2: [UInt8])
    case second(sender: UInt32, receiver: UInt32, message: [UInt8], mac1: [UInt8])
    case cookie(receiver: UInt32, nonce: [UInt8], sealed: [UInt8])
    case data(receiver: UInt32, counter: UInt64, sealed: ArraySlice<UInt8>)

    /// Reads a datagram; nil if it has no type's form. Nothing is authenticated yet.
    init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.bytesMax else { return nil }
        var decoder = Decoder(bytes)
        do throws(DecodeError) {
            let type = try decoder.u32()
            switch (type, bytes.count) {
            case (1, Self.firstBytes):
                self = .first(
                    sender: try decoder.u32(), message: try decoder.raw(Handshake.firstBytes),
                    mac1: try decoder.raw(Self.macBytes), mac2: try decoder.raw(Self.macBytes))
            case (2, Self.secondBytes):
                self = .second(
                    sender: try decoder.u32(), receiver: try decoder.u32(),
                    message: try decoder.raw(Handshake.secondBytes),
                    mac1: try decoder.raw(Self.macBytes))
            case (3, Self.cookieBytes):
                self = .cookie(
                    receiver: try decoder.u32(), nonce: try decoder.raw(Sealing.longNonceCount),
                    sealed: try decoder.raw(decoder.remaining))
            case (4, (Self.dataHeaderBytes + Sealing.tagCount)...):
                self = .data(
                    receiver: try decoder.u32(), counter: try decoder.u64(),
                    sealed: bytes[Self.dataHeaderBytes...])
            default: return nil
            }
        } catch { return nil }
    }

    /// The initiator's message without authenticators.
    static func first(sender: UInt32, _ message: [UInt8]) -> [UInt8] {
        var encoder = Encoder()
        encoder.u32(1)
        encoder.u32(sender)
        encoder.raw(message)
        return encoder.bytes
    }

    /// The responder's message without its authenticator.
    static func second(sender: UInt32, receiver: UInt32, _ message: [UInt8]) -> [UInt8] {
        var encoder = Encoder()
        encoder.u32(2)
        encoder.u32(sender)
        encoder.u32(receiver)
        encoder.raw(message)
        return encoder.bytes
    }

    /// A whole cookie.
    static func cookie(receiver: UInt32, nonce: [UInt8], sealed: [UInt8]) -> [UInt8] {
        var encoder = Encoder()
        encoder.u32(3)
        encoder.u32(receiver)
        encoder.raw(nonce)
        encoder.raw(sealed)
        return encoder.bytes
    }

    /// What stands before the sealed payload of data.
    static func dataHeader(receiver: UInt32, counter: UInt64) -> [UInt8] {
        var encoder = Encoder()
        encoder.u32(4)
        encoder.u32(receiver)
        encoder.u64(counter)
        return encoder.bytes
    }
}
