import Gossip
import Primitives

/// A place on the network as people write it: `HOST:PORT`, an IPv6 address in brackets.
struct HostPort: Hashable, Sendable, CustomStringConvertible {
    let host: String
    let port: UInt16

    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT` or `[ADDRESS]:PORT`.
    ///
    /// - Throws: ``Network/Failure`` saying what was expected.
    init(_ text: String) throws(Network.Failure) {
        let expected = "\"\(text)\": HOST:PORT expected, such as 127.0.0.1:7650 or [::1]:7650"
        guard let colon = text.lastIndex(of: ":") else { throw Network.Failure(expected) }
        let digits = text[text.index(after: colon)...].utf8
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(text[text.index(after: colon)...])
        else { throw Network.Failure(expected + "; a port is 0...65535") }
        var host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        let isPlain = host.utf8.allSatisfy { Self.allowed.contains($0) }
        guard isPlain, (1...PeerAddress.hostBytesMax).contains(host.utf8.count),
            host.utf8.contains(UInt8(ascii: ":")) == isBracketed
        else { throw Network.Failure(expected) }
        self.init(host: String(host), port: port)
    }

    /// What an address on the wire may say.
    private static let allowed = Array(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_%".utf8)

    /// True for the addresses that mean "every interface": nobody can dial them.
    var isWildcard: Bool { ["0.0.0.0", "::"].contains(self.host) }

    var description: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }
}

/// A peer as people write it: `KEY@HOST:PORT`, the node key's 64 hexadecimal digits first.
enum PeerText {
    /// Reads an address that can be dialled.
    ///
    /// - Throws: ``Network/Failure`` saying what was expected.
    static func parse(_ text: String) throws(Network.Failure) -> PeerAddress {
        let address: PeerAddress
        do throws(PeerAddressError) {
            address = try PeerAddress(text: text)
        } catch {
            throw Network.Failure("\"\(text)\" is no KEY@HOST:PORT: \(error)")
        }
        guard !HostPort(host: address.host, port: address.port).isWildcard else {
            throw Network.Failure("\"\(text)\": nobody can be dialled there")
        }
        return address
    }

    /// Some addresses without those of `me`, each key once: the first place given for it wins.
    static func others(_ addresses: [PeerAddress], than me: PublicKey) -> [PeerAddress] {
        var found: [PeerAddress] = []
        for address in addresses
        where address.key != me && !found.contains(where: { $0.key == address.key }) {
            found.append(address)
        }
        return found
    }
}
