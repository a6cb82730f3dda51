package import Primitives

/// A standing offer as a hint: it carries no rights, the ledger's does.
///
/// - Source: protocol/gossip.md, "Offers".
package struct OfferAdvert: Hashable, Sendable {
    /// Exactness classes in one advert.
    package static let classesMax = 16
    /// Bytes of the device's name.
    package static let deviceBytesMax = 64

    package var account: AccountID
    /// Motes for 10^9 gas.
    package var pricePerGigaGas: UInt64
    package var capacity: UInt16
    /// Exactness classes, by code.
    package var classes: [UInt8]
    /// At most 64 bytes.
    package var device: String

    package init(
        account: AccountID, pricePerGigaGas: UInt64, capacity: UInt16, classes: [UInt8],
        device: String
    ) {
        self.account = account
        self.pricePerGigaGas = pricePerGigaGas
        self.capacity = capacity
        self.classes = classes
        self.device = device
    }

    /// True if the advert can be said on the wire.
    var isValid: Bool {
        self.classes.count <= Self.classesMax && self.device.utf8.count <= Self.deviceBytesMax
            && Self.isPrintable(self.device)
    }

    /// No control character: the text is shown on terminals.
    private static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
    }
}

extension OfferAdvert: Canonical {
    package func encode(into encoder: inout Encoder) {
        self.account.encode(into: &encoder)
        encoder.u64(self.pricePerGigaGas)
        encoder.u16(self.capacity)
        encoder.byteString(self.classes)
        encoder.byteString(Array(self.device.utf8))
    }

    package init(from decoder: inout Decoder) throws(DecodeError) {
        let account = try AccountID(from: &decoder)
        let price = try decoder.u64()
        let capacity = try decoder.u16()
        let classes = try decoder.byteString(max: Self.classesMax, field: "classes")
        let offset = decoder.offset
        let raw = try decoder.byteString(max: Self.deviceBytesMax, field: "device")
        guard let device = String(validating: raw, as: UTF8.self), Self.isPrintable(device) else {
            throw .invalid(field: "device", offset: offset)
        }
        self.init(
            account: account, pricePerGigaGas: price, capacity: capacity, classes: classes,
            device: device)
    }
}

/// What a datagram says.
///
/// - Source: protocol/gossip.md, "Offers".
package enum PeerDatagram: Hashable, Sendable {
    /// The sender's offer stands.
    case offer(OfferAdvert)
    /// The sender has no offer any more.
    case noOffer
}

extension PeerDatagram: Canonical {
    package func encode(into encoder: inout Encoder) {
        switch self {
        case .offer(let advert):
            encoder.u8(64)
            advert.encode(into: &encoder)
        case .noOffer: encoder.u8(65)
        }
    }

    package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        switch try decoder.u8() {
        case 64: self = .offer(try OfferAdvert(from: &decoder))
        case 65: self = .noOffer
        case let tag: throw .unknownTag(field: "datagram", tag: UInt64(tag), offset: offset)
        }
    }
}
