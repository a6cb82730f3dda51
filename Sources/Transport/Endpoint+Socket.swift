import Gossip
import NIOCore

// Between the addresses of the cores and those of the sockets. An IPv4 address that an IPv6 socket
// shows in its mapped form has 4 bytes in the cores.

private let mappedPrefix = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]

/// The 4 or 16 bytes of an IP address; nil for a path.
func addressBytes(_ address: SocketAddress) -> [UInt8]? {
    switch address {
    case .v4(let address): return withUnsafeBytes(of: address.address.sin_addr) { Array($0) }
    case .v6(let address):
        let bytes = withUnsafeBytes(of: address.address.sin6_addr) { Array($0) }
        return bytes.starts(with: mappedPrefix) ? Array(bytes.dropFirst(12)) : bytes
    case .unixDomainSocket: return nil
    }
}

extension Datagrams.Endpoint {
    /// Where a datagram came from.
    init?(_ address: SocketAddress) {
        guard let bytes = addressBytes(address), let port = address.port else { return nil }
        self.init(address: bytes, port: UInt16(truncatingIfNeeded: port))
    }

    /// Where to send it from a socket of a family; nil if that cannot reach it.
    func socketAddress(isIPv6: Bool) -> SocketAddress? {
        var bytes = self.address
        if isIPv6, bytes.count == 4 { bytes = mappedPrefix + bytes }
        guard bytes.count == (isIPv6 ? 16 : 4) else { return nil }
        return try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: Int(self.port))
    }
}
