import Glibc
import NIOCore

/// A bound UDP socket's sending half: a descriptor of our own, beside the channel that reads.
///
/// A channel closes itself when the system refuses one datagram (no route, a firewall, a broadcast
/// address in a peer's record), so datagrams are sent here, one by one: what the system refuses is
/// lost, as datagrams are.
final class DatagramSocket {
    let isIPv6: Bool
    /// Host and port that the system gave.
    let port: UInt16
    private let descriptor: Int32

    /// Binds; `readers` is the descriptor for the channel, which the caller owns.
    static func bind(
        _ address: SocketAddress
    ) throws(IOError) -> (socket: DatagramSocket, readers: Int32) {
        let family = address.protocol.rawValue
        let kind =
            Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            | Int32(SOCK_NONBLOCK.rawValue)
        let readers = socket(family, kind, 0)
        guard readers >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        let bound = address.withSockAddr { Glibc.bind(readers, $0, socklen_t($1)) }
        let port = bound == 0 ? Self.port(of: readers) : nil
        let descriptor = port == nil ? -1 : fcntl(readers, F_DUPFD_CLOEXEC, 0)
        guard let port, descriptor >= 0 else {
            let error = IOError(errnoCode: errno, reason: "bind")
            close(readers)
            throw error
        }
        let made = DatagramSocket(isIPv6: family == AF_INET6, port: port, descriptor: descriptor)
        return (made, readers)
    }

    private init(isIPv6: Bool, port: UInt16, descriptor: Int32) {
        self.isIPv6 = isIPv6
        self.port = port
        self.descriptor = descriptor
    }

    deinit { close(self.descriptor) }

    /// Sends one datagram, now or never. False if the system did not take it.
    func send(_ bytes: [UInt8], to address: SocketAddress) -> Bool {
        address.withSockAddr { pointer, count in
            sendto(
                self.descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), pointer,
                socklen_t(count)) == bytes.count
        }
    }

    private static func port(of descriptor: Int32) -> UInt16? {
        var storage = sockaddr_storage()
        var count = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let rc = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &count)
            }
        }
        guard rc == 0 else { return nil }
        // The port lies at the same place for both families.
        return withUnsafeBytes(of: storage) { UInt16($0[2]) << 8 | UInt16($0[3]) }
    }
}
