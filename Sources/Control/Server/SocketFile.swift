import Glibc

/// The socket in the file system: made 0600, and only its maker's to remove.
package struct SocketFile: Sendable {
    /// Why the path cannot be listened at.
    package enum Failure: Error, Hashable, Sendable {
        /// A socket's path has at most 107 bytes on Linux.
        case pathTooLong(path: String, bytesMax: Int)
        /// A daemon answers there.
        case inUse(path: String)
        /// Something other than a socket lies there; it is left alone.
        case notASocket(path: String)
        /// The system refused.
        case system(call: String, path: String, reason: String)
    }

    private let path: String
    private let device: UInt64
    private let inode: UInt64

    private static let pathBytesMax = 107

    /// Binds a new socket; a stale one is replaced only if nobody answers there.
    ///
    /// - Returns: the bound, not yet listening descriptor, which the caller owns.
    static func bind(_ path: String) throws(Failure) -> (Int32, SocketFile) {
        guard path.utf8.count <= Self.pathBytesMax, !path.utf8.contains(0) else {
            throw .pathTooLong(path: path, bytesMax: Self.pathBytesMax)
        }
        try Self.clear(path)
        let descriptor = try Self.open(path)
        // On Linux the mode of the descriptor becomes the mode of the file that bind makes.
        guard fchmod(descriptor, 0o600) == 0,
            Self.withAddress(path, { Glibc.bind(descriptor, $0, $1) }) == 0
        else {
            let failure = Self.failure("bind", path)
            close(descriptor)
            throw failure
        }
        var status = stat()
        guard chmod(path, 0o600) == 0, lstat(path, &status) == 0 else {
            let failure = Self.failure("chmod", path)
            close(descriptor)
            throw failure
        }
        return (
            descriptor,
            SocketFile(path: path, device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        )
    }

    /// Removes the socket if it is still the one bound here.
    func remove() {
        var status = stat()
        guard lstat(self.path, &status) == 0, UInt64(status.st_dev) == self.device,
            UInt64(status.st_ino) == self.inode
        else { return }
        unlink(self.path)
    }

    private static func clear(_ path: String) throws(Failure) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT else { throw Self.failure("lstat", path) }
            return
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let descriptor = try Self.open(path)
        defer { close(descriptor) }
        // A socket that nobody listens at refuses; anything else means that somebody may be there.
        if Self.withAddress(path, { connect(descriptor, $0, $1) }) == 0 { throw .inUse(path: path) }
        guard errno == ECONNREFUSED else { throw Self.failure("connect", path) }
        guard unlink(path) == 0 || errno == ENOENT else { throw Self.failure("unlink", path) }
    }

    private static func open(_ path: String) throws(Failure) -> Int32 {
        let kind =
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { throw Self.failure("socket", path) }
        return descriptor
    }

    private static func withAddress<R>(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) -> R {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func failure(_ call: String, _ path: String) -> Failure {
        .system(call: call, path: path, reason: String(cString: strerror(errno)))
    }
}

extension SocketFile.Failure: CustomStringConvertible {
    /// One sentence with what to do.
    package var description: String {
        switch self {
        case .pathTooLong(let path, let bytesMax):
            "\(path): longer than \(bytesMax) bytes, the most a socket's path may have"
        case .inUse(let path):
            "\(path): another daemon answers there; stop it or choose another socket"
        case .notASocket(let path):
            "\(path): something that is no socket lies there; move it away"
        case .system(let call, let path, let reason): "\(path): \(call): \(reason)"
        }
    }
}
