/// A blob as its length and the digests of its groups of 16 KiB: enough to check each piece of a
/// transfer by itself.
///
/// A group is four chunks, so its digest is an aligned inner node of the blob's tree (the last
/// group may be shorter): the tree over the groups' digests has the blob's own root.
///
/// - Source: protocol/jobs.md, "Blobs".
package struct BlobGroups: Hashable, Sendable {
    /// Bytes in a group; the last one may be shorter. An empty blob has no group.
    package static let bytesPerGroup = 4 * BlobHasher.chunkBytes

    /// Bytes of the blob.
    package let bytes: UInt64
    /// Of each group, in order.
    package let digests: [Digest]

    /// Takes digests for what they are said to be; ``id`` tells which blob has them.
    ///
    /// - Returns: nil unless a blob of `bytes` bytes has so many groups.
    package init?(bytes: UInt64, digests: [Digest]) {
        guard Self.count(bytes: bytes) == UInt64(digests.count) else { return nil }
        self.bytes = bytes
        self.digests = digests
    }

    /// The groups of bytes that are all at hand.
    package init(of bytes: [UInt8]) {
        var hasher = BlobGroupHasher()
        hasher.update(bytes[...])
        self = hasher.finish()
    }

    fileprivate init(checked bytes: UInt64, _ digests: [Digest]) {
        self.bytes = bytes
        self.digests = digests
    }

    /// The blob that has these groups.
    package var id: BlobID {
        BlobHasher.id(count: self.bytes, root: Merkle.root(self.digests, .blob, .none))
    }

    /// Groups of a blob of `bytes` bytes.
    package static func count(bytes: UInt64) -> UInt64 {
        let size = UInt64(Self.bytesPerGroup)
        return bytes / size + (bytes % size == 0 ? 0 : 1)
    }

    /// Bytes of one group; nil if the blob has no such group.
    package func bytes(ofGroup group: UInt64) -> Int? {
        let size = UInt64(Self.bytesPerGroup)
        guard group < UInt64(self.digests.count) else { return nil }
        return Int(clamping: min(size, self.bytes - group * size))
    }

    /// True if `bytes` are exactly that group of the blob.
    package func isGroup(_ group: UInt64, _ bytes: [UInt8]) -> Bool {
        guard let count = self.bytes(ofGroup: group), count == bytes.count,
            let index = Int(exactly: group)
        else { return false }
        return Self.digest(of: bytes) == self.digests[index]
    }

    /// The digest of one group's bytes.
    ///
    /// - Bounds: at most ``bytesPerGroup`` bytes; more are no group, and have no group's digest.
    package static func digest(of group: [UInt8]) -> Digest {
        var chunks: [Digest] = []
        var rest = group[...]
        while !rest.isEmpty {
            chunks.append(BlobHasher.chunk(rest.prefix(BlobHasher.chunkBytes)))
            rest = rest.dropFirst(BlobHasher.chunkBytes)
        }
        return Merkle.root(chunks, .blob, .none)
    }
}

/// Computes the groups of a blob piece by piece, without holding the blob.
package struct BlobGroupHasher: Sendable {
    /// Bytes taken so far.
    package private(set) var count: UInt64 = 0
    private var digests: [Digest] = []
    private var group: [UInt8] = []

    /// A hasher of nothing yet.
    package init() {}

    /// Takes the next bytes of the blob.
    package mutating func update(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            let part = rest.prefix(BlobGroups.bytesPerGroup - self.group.count)
            self.group += part
            rest = rest.dropFirst(part.count)
            if self.group.count == BlobGroups.bytesPerGroup { self.closeGroup() }
        }
        self.count += UInt64(bytes.count)
    }

    /// The groups of everything taken.
    package consuming func finish() -> BlobGroups {
        if !self.group.isEmpty { self.closeGroup() }
        return BlobGroups(checked: self.count, self.digests)
    }

    private mutating func closeGroup() {
        self.digests.append(BlobGroups.digest(of: self.group))
        self.group.removeAll(keepingCapacity: true)
    }
}
