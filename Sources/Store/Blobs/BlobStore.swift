import Glibc
package import Primitives
import Synchronization

/// Content-addressed files: `blobs/ab/<64 digits>`, made of uploads in `blobs/new/` and of
/// downloads in `blobs/part/`.
///
/// A blob is there once ``commit(_:)`` returned: synced, renamed, directory synced. Nothing is
/// served that does not have the hash of its name: a blob of an earlier run is hashed at its first
/// use (690 MB/s).
///
/// - Bounds: `uploadsMax` and `partsMax` at once; all bytes, announced ones included, within the
///   quota.
/// - Source: protocol/jobs.md, "Blobs".
package final class BlobStore: Sendable {
    /// The most uploads at once.
    package static let uploadsMax = 256
    /// The most bytes that one ``read(_:offset:count:)`` gives.
    package static let readBytesMax = 16 << 20
    static let hashBytes = 1 << 20

    /// Names an upload until it is committed or the process ends.
    package typealias Handle = UInt64

    fileprivate final class Upload: Sendable {
        let file: File
        let bytes: UInt64
        let hasher = Mutex(BlobHasher())

        init(_ file: File, bytes: UInt64) {
            self.file = file
            self.bytes = bytes
        }
    }

    struct State {
        fileprivate var uploads: [Handle: Upload] = [:]
        fileprivate var nextHandle: Handle = 1
        /// Bytes of blobs and announced bytes of uploads and downloads.
        var usedBytes: UInt64 = 0
        /// Hashed in this run.
        var verified: Set<BlobID> = []
        var parts = BlobParts()
        var outlines = BlobOutlines()
    }

    let directory: String
    let quotaBytes: UInt64
    let state: Mutex<State>

    /// Opens a directory of blobs; what earlier uploads left is removed, unfinished downloads stay.
    init(directory: String, quotaBytes: UInt64) throws(StoreError) {
        self.directory = directory
        self.quotaBytes = quotaBytes
        let uploads = directory + "/new"
        try Files.makeDirectory(uploads)
        for name in try Files.names(in: uploads) { try Files.removeIfThere(uploads + "/" + name) }
        var state = State()
        for folder in try Files.names(in: directory) where folder.utf8.count == 2 {
            let path = directory + "/" + folder
            for name in try Files.names(in: path) where BlobID(hex: name) != nil {
                state.usedBytes += try Files.size(of: path + "/" + name) ?? 0
            }
        }
        state.parts = try BlobParts(directory: directory + "/part")
        state.usedBytes += state.parts.bytes
        self.state = Mutex(state)
    }

    /// Bytes of all blobs and announced bytes of all uploads and downloads.
    package var usedBytes: UInt64 { self.state.withLock { $0.usedBytes } }

    // MARK: Uploads

    /// Begins an upload of exactly so many bytes.
    ///
    /// - Throws: `.quota`, `.tooManyUploads`, or the disk's error.
    package func open(bytes: UInt64) throws(StoreError) -> Handle {
        let refusal: StoreError?
        let handle: Handle
        (handle, refusal) = self.state.withLock { state in
            guard state.uploads.count < Self.uploadsMax else {
                return (0, StoreError(.tooManyUploads, self.directory))
            }
            if let refusal = self.reserve(bytes, &state) { return (0, refusal) }
            state.nextHandle += 1
            return (state.nextHandle - 1, nil)
        }
        if let refusal { throw refusal }
        do throws(StoreError) {
            let file = try File(self.directory + "/new/\(handle)", .createNew)
            let upload = Upload(file, bytes: bytes)
            self.state.withLock { $0.uploads[handle] = upload }
        } catch {
            self.state.withLock { $0.usedBytes -= bytes }
            throw error
        }
        return handle
    }

    /// Counts announced bytes; downloads that nobody goes on with make room.
    func reserve(_ bytes: UInt64, _ state: inout State) -> StoreError? {
        while true {
            let (sum, overflow) = state.usedBytes.addingReportingOverflow(bytes)
            if !overflow, sum <= self.quotaBytes {
                state.usedBytes = sum
                return nil
            }
            guard !overflow, bytes <= self.quotaBytes, let freed = state.parts.dropIdle() else {
                let free = self.quotaBytes - min(self.quotaBytes, state.usedBytes)
                return StoreError(.quota, self.directory, detail: "\(free) bytes are free")
            }
            state.usedBytes -= min(state.usedBytes, freed)
        }
    }

    /// Appends a piece that starts at `offset`, where the upload stands.
    ///
    /// - Returns: the number of bytes now there.
    /// - Throws: `.uploadNotFound`; `.wrongOffset` with the number of bytes there as `detail`, so
    ///   that a client can go on after a lost answer; `.wrongSize` beyond the announced end.
    @discardableResult
    package func append(
        _ handle: Handle, offset: UInt64, _ bytes: [UInt8]
    ) throws(StoreError) -> UInt64 {
        let upload = try self.upload(handle)
        let path = upload.file.path
        let result: Result<UInt64, StoreError> = upload.hasher.withLock { hasher in
            guard offset == hasher.count else {
                return .failure(StoreError(.wrongOffset, path, detail: "\(hasher.count)"))
            }
            guard UInt64(bytes.count) <= upload.bytes - hasher.count else {
                return .failure(StoreError(.wrongSize, path, detail: "\(upload.bytes)"))
            }
            do throws(StoreError) { try upload.file.write(bytes, at: offset) } catch {
                return .failure(error)
            }
            hasher.update(bytes)
            return .success(hasher.count)
        }
        return try result.get()
    }

    /// Bytes that an upload has.
    package func count(of handle: Handle) throws(StoreError) -> UInt64 {
        try self.upload(handle).hasher.withLock { $0.count }
    }

    /// Ends an upload: the blob is on the disk under its name.
    ///
    /// - Throws: `.wrongSize` if bytes are missing (the upload stays open), or the disk's error.
    package func commit(_ handle: Handle) throws(StoreError) -> BlobID {
        let upload = try self.upload(handle)
        let hasher = upload.hasher.withLock { $0 }
        guard hasher.count == upload.bytes else {
            throw StoreError(.wrongSize, upload.file.path, detail: "\(hasher.count)")
        }
        let id = hasher.finish()
        try upload.file.synchronize()
        let target = self.file(of: id)
        let folder = self.directory + "/" + id.hex.prefix(2)
        try Files.makeDirectory(folder)
        let isThere = try Files.size(of: target) != nil
        try Files.rename(upload.file.path, to: target)
        try Files.synchronizeDirectory(of: folder)
        self.state.withLock { state in
            state.uploads[handle] = nil
            state.verified.insert(id)
            if isThere { state.usedBytes -= min(state.usedBytes, upload.bytes) }
        }
        return id
    }

    /// Gives an upload up; one that is not there is no error.
    package func abort(_ handle: Handle) {
        let upload = self.state.withLock { state in
            let upload = state.uploads.removeValue(forKey: handle)
            state.usedBytes -= upload?.bytes ?? 0
            return upload
        }
        if let upload { _ = unlink(upload.file.path) }
    }

    /// Stores bytes that are all at hand.
    package func put(_ bytes: [UInt8]) throws(StoreError) -> BlobID {
        let handle = try self.open(bytes: UInt64(bytes.count))
        do throws(StoreError) {
            try self.append(handle, offset: 0, bytes)
            return try self.commit(handle)
        } catch {
            self.abort(handle)
            throw error
        }
    }

    private func upload(_ handle: Handle) throws(StoreError) -> Upload {
        guard let upload = self.state.withLock({ $0.uploads[handle] }) else {
            throw StoreError(.uploadNotFound, self.directory, detail: "\(handle)")
        }
        return upload
    }

    // MARK: Blobs

    func file(of id: BlobID) -> String { "\(self.directory)/\(id.hex.prefix(2))/\(id.hex)" }

    /// Bytes of a blob; nil if it is not here.
    package func size(of id: BlobID) throws(StoreError) -> UInt64? {
        try Files.size(of: self.file(of: id))
    }

    /// Where a blob lies, to be bound read-only; checked once in each run.
    ///
    /// - Throws: `.blobNotFound`; `.damaged` naming a file whose bytes changed.
    package func path(of id: BlobID) throws(StoreError) -> String {
        let path = self.file(of: id)
        guard let size = try Files.size(of: path) else {
            throw StoreError(.blobNotFound, path)
        }
        if self.state.withLock({ $0.verified.contains(id) }) { return path }
        let groups = try self.groups(of: try File(path, .read), bytes: size)
        guard groups.id == id else { throw StoreError(.damaged, path) }
        self.state.withLock { state in
            state.verified.insert(id)
            state.outlines.remember(groups, of: id)
        }
        return path
    }

    /// Up to `count` bytes of a blob from `offset`; fewer at its end or beyond ``readBytesMax``.
    package func read(
        _ id: BlobID, offset: UInt64, count: Int
    ) throws(StoreError) -> [UInt8] {
        let file = try File(try self.path(of: id), .read)
        let size = try file.size()
        guard offset < size else { return [] }
        let rest = Int(clamping: size - offset)
        return try file.read(at: offset, count: max(0, min(count, rest, Self.readBytesMax)))
    }

    /// All bytes of a blob.
    package func bytes(of id: BlobID) throws(StoreError) -> [UInt8] {
        let file = try File(try self.path(of: id), .read)
        return try file.read(at: 0, count: Int(clamping: try file.size()))
    }

    /// Removes a blob; one that is not here is no error.
    package func delete(_ id: BlobID) throws(StoreError) {
        let path = self.file(of: id)
        guard let size = try Files.size(of: path) else { return }
        try Files.removeIfThere(path)
        self.state.withLock { state in
            state.verified.remove(id)
            state.outlines.forget(id)
            state.usedBytes -= min(state.usedBytes, size)
        }
    }
}
