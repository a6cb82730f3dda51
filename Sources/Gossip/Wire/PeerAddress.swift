package import Primitives

/// Where a node is: `KEY@HOST:PORT`, 64 hexadecimal digits of its node key first.
///
/// - Source: protocol/gossip.md, "Addresses".
package struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    /// Bytes of a host.
    package static let hostBytesMax = 255

    package let key: PublicKey
    /// An IP address or a name, at most 255 bytes of printable ASCII.
    package let host: String
    package let port: UInt16

    package init(key: PublicKey, host: String, port: UInt16) {
        self.key = key
        self.host = host
        self.port = port
    }

    /// Reads `KEY@HOST:PORT` or `KEY@[IPV6]:PORT`.
    package init(text: String) throws(PeerAddressError) {
        func fail(_ expected: String, _ found: Substring) -> PeerAddressError {
            PeerAddressError(expected: expected, found: String(found.prefix(80)))
        }
        guard let at = text.firstIndex(of: "@") else { throw fail("KEY@HOST:PORT", text[...]) }
        let digits = text[..<at]
        guard let bytes = Hex.decode(String(digits.prefix(65))), let key = PublicKey(bytes) else {
            throw fail("a node key of 64 lower-case hexadecimal digits before @", digits)
        }
        let place = text[text.index(after: at)...]
        guard let colon = place.lastIndex(of: ":") else { throw fail("HOST:PORT after @", place) }
        var host = place[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { throw fail("an IPv6 address in brackets", host) }
        } else if host.contains(":") {
            throw fail("an IPv6 address in brackets, as in [::1]:7000", place)
        }
        let digitsOfPort = place[place.index(after: colon)...]
        guard digitsOfPort.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }),
            let port = UInt16(digitsOfPort), port > 0
        else { throw fail("a port from 1 to 65535 after the last colon", digitsOfPort) }
        self.init(key: key, host: String(host), port: port)
        guard self.isValid else {
            throw fail("a host of 1 to 255 letters, digits, dots, colons or hyphens", host)
        }
    }

    /// `KEY@HOST:PORT`, brackets around an IPv6 address.
    package var description: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return "\(self.key.hex)@\(host):\(self.port)"
    }

    /// True if the address can be said on the wire.
    package var isValid: Bool { Self.isHost(Array(self.host.utf8)) && self.port > 0 }

    private static func isHost(_ bytes: [UInt8]) -> Bool {
        let isSized = !bytes.isEmpty && bytes.count <= Self.hostBytesMax
        return isSized
            && bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
                    UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "%"):
                    true
                default: false
                }
            }
    }
}

/// Why a text is no peer's address.
package struct PeerAddressError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What belongs there.
    package let expected: String
    /// What was there, its first 80 characters.
    package let found: String

    /// Both, in a sentence.
    package var description: String { "expected \(self.expected), found \"\(self.found)\"" }
}

extension PeerAddress: Canonical {
    package func encode(into encoder: inout Encoder) {
        self.key.encode(into: &encoder)
        encoder.byteString(Array(self.host.utf8))
        encoder.u16(self.port)
    }

    package init(from decoder: inout Decoder) throws(DecodeError) {
        let key = try PublicKey(from: &decoder)
        var offset = decoder.offset
        let host = try decoder.byteString(max: Self.hostBytesMax, field: "host")
        guard Self.isHost(host) else { throw .invalid(field: "host", offset: offset) }
        offset = decoder.offset
        let port = try decoder.u16()
        guard port > 0 else { throw .invalid(field: "port", offset: offset) }
        self.init(key: key, host: String(decoding: host, as: UTF8.self), port: port)
    }
}
