/// What the disk, the data directory or a caller's numbers refuse.
package struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable names; `store.` and the case are the code in messages.
    package enum Code: String, Hashable, Sendable {
        /// Another process has the data directory.
        case locked
        /// The disk or the quota of the file system is full.
        case full
        /// The system refused a call.
        case system
        /// LMDB refused a call.
        case database
        /// A file's bytes are not what was written; it is never served.
        case damaged
        /// A file is shorter than what it says of itself.
        case shortFile
        /// The files belong to another network.
        case wrongGenesis
        /// The files were written by another version.
        case wrongSchema
        /// A block does not follow on the last one.
        case outOfOrder
        /// The state has a height that the chain does not have. Delete it: it is rebuilt.
        case stateAhead
        /// The map of a database is full.
        case mapFull
        /// There is no such blob.
        case blobNotFound
        /// The blob quota has no room for so many bytes.
        case quota
        /// There is no such upload; uploads end with the process.
        case uploadNotFound
        /// Too many uploads are open.
        case tooManyUploads
        /// The piece does not start where the upload stands; `detail` says where.
        case wrongOffset
        /// More or fewer bytes than announced.
        case wrongSize
        /// Bytes or digests that are not those of the blob.
        case wrongContent
    }

    /// What is wrong.
    package let code: Code
    /// The file or directory.
    package let path: String
    /// The system's or LMDB's number; 0 if there is none.
    package let number: Int32
    /// More, for people; for `wrongOffset` and `wrongSize` the number of bytes that are there.
    package let detail: String

    init(_ code: Code, _ path: String, number: Int32 = 0, detail: String = "") {
        self.code = code
        self.path = path
        self.number = number
        self.detail = detail
    }

    /// A failed system call.
    init(_ path: String, errno number: Int32, otherwise code: Code = .system) {
        let isFull = number == Self.noSpace || number == Self.overQuota
        self.init(isFull ? .full : code, path, number: number)
    }

    private static let noSpace: Int32 = 28
    private static let overQuota: Int32 = 122

    /// One line.
    package var description: String {
        var text = "store.\(self.code.rawValue): \(self.path)"
        if self.number != 0 { text += " (\(self.number))" }
        return self.detail.isEmpty ? text : text + ": " + self.detail
    }
}
