import Foundation

/// Small files that must survive a crash, written whole or not at all.
enum Files {
    struct Failure: Error, CustomStringConvertible {
        let call: String
        let path: String
        let code: Int32

        var description: String {
            "\(self.call) \(self.path): \(String(cString: strerror(self.code)))"
        }
    }

    /// Makes a directory for the daemon's user alone; the first use of it reports what is wrong.
    static func makeDirectory(_ path: String) {
        try? FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    /// Reads a file of at most `max` bytes.
    static func read(_ path: String, max: Int) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(call: "open", path: path, code: errno) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: max + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                Foundation.read(
                    descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            }
            guard got >= 0 else { throw Failure(call: "read", path: path, code: errno) }
            if got == 0 { break }
            count += got
        }
        guard count <= max else { throw Failure(call: "read", path: path, code: EFBIG) }
        return Array(bytes[..<count])
    }

    /// Writes to a new file beside `path`, syncs it, and renames it into place; mode 0600.
    static func writeDurably(_ path: String, _ bytes: [UInt8]) throws(Failure) {
        let fresh = path + ".new"
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(call: "open", path: fresh, code: errno) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            }
            guard count > 0 else {
                let code = errno
                close(descriptor)
                throw Failure(call: "write", path: fresh, code: code)
            }
            written += count
        }
        let synced = fsync(descriptor)
        let code = errno
        close(descriptor)
        guard synced == 0 else { throw Failure(call: "fsync", path: fresh, code: code) }
        guard rename(fresh, path) == 0 else {
            throw Failure(call: "rename", path: path, code: errno)
        }
        Self.syncDirectory((path as NSString).deletingLastPathComponent)
    }

    /// Makes a rename in the directory durable.
    static func syncDirectory(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
