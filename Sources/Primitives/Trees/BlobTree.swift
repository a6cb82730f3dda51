/// Hashes a blob piece by piece: a Merkle tree over chunks of 4 KiB, without holding the blob.
///
/// chunk digest = H(.blob | 0x00 | chunk); id = H(.blob | 0x01 | u64 length | Merkle root), zero
/// salt.
///
/// - Source: protocol/jobs.md, "Blobs".
package struct BlobHasher: Sendable {
    /// Bytes in a chunk; the last chunk may be shorter. An empty blob has no chunk.
    package static let chunkBytes = 4096

    /// Bytes taken so far.
    package private(set) var count: UInt64 = 0
    private var chunk = BlobHasher.openChunk()
    private var filled = 0
    // Roots of perfect trees of 2^level chunks, as in a binary counter: the shape of RFC 6962.
    private var peaks: [(level: Int, root: Digest)] = []

    /// A hasher of nothing yet.
    package init() {}

    /// Takes the next bytes of the blob.
    package mutating func update(_ bytes: [UInt8]) { self.update(bytes[...]) }

    /// Takes the next bytes of the blob.
    package mutating func update(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            let part = rest.prefix(Self.chunkBytes - self.filled)
            self.chunk.update(part)
            self.filled += part.count
            rest = rest.dropFirst(part.count)
            if self.filled == Self.chunkBytes { self.closeChunk() }
        }
        self.count += UInt64(bytes.count)
    }

    /// The blob's id.
    package consuming func finish() -> BlobID {
        if self.filled > 0 { self.closeChunk() }
        var root = Digest.zero
        if let last = self.peaks.popLast() {
            root = last.root
            while let peak = self.peaks.popLast() {
                root = Blake2b.pair(.blob, .none, peak.root, root)
            }
        }
        return Self.id(count: self.count, root: root)
    }

    /// The id of bytes that are all at hand.
    package static func id(_ bytes: [UInt8]) -> BlobID {
        var hasher = BlobHasher()
        hasher.update(bytes)
        return hasher.finish()
    }

    /// The id of a blob of `count` bytes whose chunks have this root.
    package static func id(count: UInt64, root: Digest) -> BlobID {
        var hash = Blake2b(.blob, .none)
        hash.update(u8: 1)
        hash.update(u64: count)
        hash.update(root)
        return BlobID(hash.finish())
    }

    /// The digest of one chunk's bytes.
    package static func chunk(_ bytes: ArraySlice<UInt8>) -> Digest {
        var hash = Self.openChunk()
        hash.update(bytes)
        return hash.finish()
    }

    private static func openChunk() -> Blake2b {
        var hash = Blake2b(.blob, .none)
        hash.update(u8: 0)
        return hash
    }

    private mutating func closeChunk() {
        var node = self.chunk.finish()
        self.chunk = Self.openChunk()
        self.filled = 0
        var level = 0
        while let last = self.peaks.last, last.level == level {
            node = Blake2b.pair(.blob, .none, last.root, node)
            self.peaks.removeLast()
            level += 1
        }
        self.peaks.append((level, node))
    }
}
