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
        var chunks: [Digest] = []
        var offset = 0
        while offset < bytes.count {
            let end = min(offset + Self.chunkBytes, bytes.count)
            var hash = Blake2b(.slice, .none)
            hash.update(u8: 0)
            hash.update(bytes[offset..<end])
            chunks.append(hash.finish())
            offset = end
        }
        var hash = Blake2b(.slice, .none)
        hash.update(u8: 1)
        hash.update(u64: UInt64(bytes.count))
        hash.update(Merkle.root(chunks, .slice, .none))
        return hash.finish()
    }

    /// H(.output | u64 leaves | Merkle root over the slice roots in leaf order), zero salt.
    package static func outputRoot(_ sliceRoots: [Digest]) -> Digest {
        var hash = Blake2b(.output, .none)
        hash.update(u64: UInt64(sliceRoots.count))
        hash.update(Merkle.root(sliceRoots, .slices, .none))
        return hash.finish()
    }
}
