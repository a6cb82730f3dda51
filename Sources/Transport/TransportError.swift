import Glibc
import NIOCore
import NIOPosix

/// Why a transport does not start.
package struct TransportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What could not be done.
    package enum Code: String, Sendable {
        /// The host of the configuration names no address of this machine.
        case cannotResolve = "transport.cannotResolve"
        /// The TCP port cannot be had.
        case cannotListen = "transport.cannotListen"
        /// The UDP port cannot be had.
        case cannotBindDatagrams = "transport.cannotBindDatagrams"
    }

    package let code: Code
    /// Host and port, as configured.
    package let address: String
    /// The system's number; 0 if it gave none.
    package let errno: Int32
    /// The system's words.
    package let reason: String

    package init(code: Code, address: String, errno: Int32, reason: String) {
        self.code = code
        self.address = address
        self.errno = errno
        self.reason = reason
    }

    init(_ code: Code, _ address: String, _ error: any Error) {
        self.init(
            code: code, address: address, errno: (error as? IOError)?.errnoCode ?? 0,
            reason: systemWords(error))
    }

    /// One sentence.
    package var description: String {
        switch self.code {
        case .cannotResolve: "\(self.address): no such address: \(self.reason)"
        case .cannotListen: "\(self.address): cannot listen (TCP): \(self.reason)"
        case .cannotBindDatagrams: "\(self.address): cannot bind (UDP): \(self.reason)"
        }
    }
}

/// A socket's error in the system's words, without those of the library.
func systemWords(_ error: any Error) -> String {
    switch error {
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case let error as NIOConnectionError:
        if let last = error.connectionErrors.last {
            systemWords(last.error)
        } else {
            "no address of \(error.host) is known"
        }
    case ChannelError.connectTimeout: "no answer within \(dialTimeoutMs / 1000) s"
    case ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed: "it was closed"
    case ChannelError.eof: "the peer closed it"
    default: "\(error)"
    }
}
