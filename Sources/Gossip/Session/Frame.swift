import Primitives

/// The inside of one sealed frame: class u8 | flags u8 | payload.
///
/// On the wire a frame is the length of the sealed bytes as u16, most significant byte first, and
/// the sealed bytes.
///
/// - Source: protocol/session.md, "Frames".
struct Frame: Hashable, Sendable {
    /// Bytes of a sealed frame, without the length.
    static let sealedMax = 16 * 1024
    /// Class and flags.
    static let headerBytes = 2
    /// Payload of the largest frame.
    static let payloadMax = sealedMax - Sealing.tagCount - headerBytes
    /// The smallest frame has one byte of payload.
    static let sealedMin = Sealing.tagCount + headerBytes + 1

    /// What the flags say.
    enum Kind: UInt8, Sendable {
        /// More of the message follows.
        case part = 0
        /// The end of a message.
        case last = 1
        /// The session's own: notices, not a message.
        case own = 2
    }

    let traffic: TrafficClass
    let kind: Kind
    let payload: ArraySlice<UInt8>

    init(_ traffic: TrafficClass, _ kind: Kind, _ payload: ArraySlice<UInt8>) {
        self.traffic = traffic
        self.kind = kind
        self.payload = payload
    }

    /// What is sealed.
    var inner: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerBytes + self.payload.count)
        bytes.append(self.traffic.rawValue)
        bytes.append(self.kind.rawValue)
        bytes.append(contentsOf: self.payload)
        return bytes
    }

    // SPEC session: "A receiver MUST refuse an unknown class, other flags, an empty payload, and
    // the flag 2 with another class than control."
    init(inner: [UInt8]) throws(SessionFault) {
        guard inner.count > Self.headerBytes, let traffic = TrafficClass(rawValue: inner[0]),
            let kind = Kind(rawValue: inner[1]), kind != .own || traffic == .control
        else { throw .frameMalformed }
        self.init(traffic, kind, inner[Self.headerBytes...])
    }

    /// What a frame of this size takes of its class's credit.
    static func cost(payload count: Int) -> UInt64 { UInt64(Self.headerBytes + count) }
}

/// What a session says to its peer session.
enum Notice: Hashable, Sendable {
    /// Bytes of one frame of notices.
    static let bytesMax = 256

    case ping(UInt64)
    case pong(UInt64)
    /// The sender of the class may have sent this many bytes in all.
    case credit(TrafficClass, limit: UInt64)

    /// Appends the notice's bytes.
    func encode(into encoder: inout Encoder) {
        switch self {
        case .ping(let value):
            encoder.u8(0)
            encoder.u64(value)
        case .pong(let value):
            encoder.u8(1)
            encoder.u64(value)
        case .credit(let traffic, let limit):
            encoder.u8(2)
            encoder.u8(traffic.rawValue)
            encoder.u64(limit)
        }
    }

    /// The notices of one frame.
    static func decode(_ payload: ArraySlice<UInt8>) throws(SessionFault) -> [Notice] {
        guard payload.count <= Self.bytesMax else { throw .frameMalformed }
        var decoder = Decoder(Array(payload))
        var notices: [Notice] = []
        do throws(DecodeError) {
            while decoder.remaining > 0 { notices.append(try Self.one(&decoder)) }
        } catch { throw .frameMalformed }
        return notices
    }

    private static func one(_ decoder: inout Decoder) throws(DecodeError) -> Notice {
        let offset = decoder.offset
        switch try decoder.u8() {
        case 0: return .ping(try decoder.u64())
        case 1: return .pong(try decoder.u64())
        case 2: return .credit(try TrafficClass(from: &decoder), limit: try decoder.u64())
        case let tag: throw .unknownTag(field: "notice", tag: UInt64(tag), offset: offset)
        }
    }
}
