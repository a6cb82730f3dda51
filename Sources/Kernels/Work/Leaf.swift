package import Primitives

/// Digests of leaves, slices and outputs.
///
/// - Source: protocol/jobs.md, "Leaves".
package enum Leaf {
    /// Bytes of a slice chunk; the last may be shorter.
    package static let chunkBytes = 4_096

    /// H(.leaf | salt | job | provider | u32 launch | u64 index | sliceRoot | workDigest).
    package static func digest(
        salt: Digest, job: JobID, provider: AccountID, launch: UInt32, index: UInt64,
        sliceRoot: Digest, workDigest: Digest, chain: ChainSalt
    ) -> Digest {
        var hash = Blake2b(.leaf, chain)
        hash.update(salt)
        hash.update(job.digest)
        hash.update(provider.digest)
        hash.update(u32: launch)
        hash.update(u64: index)
        hash.update(sliceRoot)
        hash.update(workDigest)
        return hash.finish()
    }

    /// H(.slice | 0x01 | u64 length | Merkle root over chunks of 4 KiB, each H(.slice | 0x00 |
    /// chunk)), zero salt.
    package static func sliceRoot(_ bytes: [UInt8]) -> Digest {
        self.sliceRoot(bytes: UInt64(bytes.count), chunks: self.chunks(bytes))
    }

    /// The digests of a slice's chunks, in order.
    package static func chunks(_ bytes: [UInt8]) -> [Digest] {
        stride(from: 0, to: bytes.count, by: Self.chunkBytes).map { offset in
            self.chunk(bytes[offset..<min(offset + Self.chunkBytes, bytes.count)])
        }
    }

    /// H(.output | u64 leaves | Merkle root over the slice roots in leaf order), zero salt.
    package static func outputRoot(_ sliceRoots: [Digest]) -> Digest {
        self.outputRoot(
            leaves: UInt64(sliceRoots.count), tree: Merkle.root(sliceRoots, .slices, .none))
    }

    /// The same from the root of the tree over the slice roots.
    package static func outputRoot(leaves: UInt64, tree: Digest) -> Digest {
        var hash = Blake2b(.output, .none)
        hash.update(u64: leaves)
        hash.update(tree)
        return hash.finish()
    }

    /// The slice root of a slice of `bytes` bytes whose chunks have these digests.
    package static func sliceRoot(bytes: UInt64, chunks: [Digest]) -> Digest {
        var hash = Blake2b(.slice, .none)
        hash.update(u8: 1)
        hash.update(u64: bytes)
        hash.update(Merkle.root(chunks, .slice, .none))
        return hash.finish()
    }

    /// H(.slice | 0x00 | chunk), zero salt.
    package static func chunk(_ bytes: ArraySlice<UInt8>) -> Digest {
        var hash = Blake2b(.slice, .none)
        hash.update(u8: 0)
        hash.update(bytes)
        return hash.finish()
    }
}
