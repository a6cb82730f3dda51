import Glibc

/// An open file; closed when released. Reads and writes are complete or throw.
final class File: Sendable {
    enum Mode {
        case read
        case write
        /// Makes the file, mode 0600, unless it is there.
        case create
        /// Makes the file, mode 0600, and refuses one that is there.
        case createNew
    }

    let path: String
    let descriptor: Int32

    init(_ path: String, _ mode: Mode) throws(StoreError) {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .write: O_RDWR
            case .create: O_RDWR | O_CREAT
            case .createNew: O_RDWR | O_CREAT | O_EXCL
            }
        let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreError(path, errno: errno) }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { _ = Glibc.close(self.descriptor) }

    /// Bytes in the file.
    func size() throws(StoreError) -> UInt64 {
        var info = stat()
        guard fstat(self.descriptor, &info) == 0 else { throw self.failure() }
        return UInt64(clamping: info.st_size)
    }

    /// Up to `count` bytes at `offset`; fewer only at the end of the file.
    func read(at offset: UInt64, count: Int) throws(StoreError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(
                    self.descriptor, buffer.baseAddress.map { $0 + done }, count - done,
                    off_t(clamping: offset) + off_t(done))
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw self.failure() }
            if got == 0 { break }
            done += got
        }
        bytes.removeLast(count - done)
        return bytes
    }

    /// Writes all bytes at `offset`.
    func write(_ bytes: [UInt8], at offset: UInt64) throws(StoreError) {
        var done = 0
        while done < bytes.count {
            let put = bytes.withUnsafeBytes { buffer in
                pwrite(
                    self.descriptor, buffer.baseAddress.map { $0 + done }, bytes.count - done,
                    off_t(clamping: offset) + off_t(done))
            }
            if put < 0 && errno == EINTR { continue }
            guard put > 0 else { throw self.failure() }
            done += put
        }
    }

    /// Waits until the disk has the data.
    func synchronize() throws(StoreError) {
        guard fdatasync(self.descriptor) == 0 else { throw self.failure() }
    }

    /// Gets the file so many bytes of real disk space.
    func allocate(_ bytes: UInt64) throws(StoreError) {
        let number = posix_fallocate(self.descriptor, 0, off_t(clamping: bytes))
        guard number == 0 else { throw StoreError(self.path, errno: number) }
    }

    /// Makes the file so long.
    func truncate(to bytes: UInt64) throws(StoreError) {
        guard ftruncate(self.descriptor, off_t(clamping: bytes)) == 0 else { throw self.failure() }
    }

    private func failure() -> StoreError { StoreError(self.path, errno: errno) }
}

/// The file system.
enum Files {
    /// Makes a directory of mode 0700 with its parents, unless it is there.
    static func makeDirectory(_ path: String) throws(StoreError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        let number = errno
        guard number == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw StoreError(path, errno: number)
        }
        try self.makeDirectory(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw StoreError(path, errno: errno)
        }
    }

    /// The names in a directory, sorted.
    static func names(in path: String) throws(StoreError) -> [String] {
        guard let directory = opendir(path) else { throw StoreError(path, errno: errno) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The size of a file; nil if it is not there.
    static func size(of path: String) throws(StoreError) -> UInt64? {
        var info = stat()
        guard stat(path, &info) == 0 else {
            if errno == ENOENT { return nil }
            throw StoreError(path, errno: errno)
        }
        return UInt64(clamping: info.st_size)
    }

    /// Renames over whatever is there, and waits until the directory has it.
    static func rename(_ source: String, to target: String) throws(StoreError) {
        guard Glibc.rename(source, target) == 0 else { throw StoreError(source, errno: errno) }
        try self.synchronizeDirectory(of: target)
    }

    /// Removes a file; one that is not there is no error.
    static func removeIfThere(_ path: String) throws(StoreError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw StoreError(path, errno: errno) }
    }

    /// Waits until the directory that holds `path` is on the disk.
    static func synchronizeDirectory(of path: String) throws(StoreError) {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let parent = slash == path.startIndex ? "." : String(path[..<slash])
        let descriptor = Glibc.open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(parent, errno: errno) }
        defer { _ = Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StoreError(parent, errno: errno) }
    }
}
