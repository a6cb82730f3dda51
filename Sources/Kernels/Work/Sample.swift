package import Primitives

/// Which leaves an auditor re-runs.
package enum Sample {
    /// Leaves in one sample.
    package static let leavesMax = LeafOpenings.leavesMax
    /// Draws before the lowest leaves are taken.
    static let triesMax: UInt64 = 16 * 64

    /// H(.draw | u8 2 | reveal | mix | job | u64 i), first 16 bytes big-endian, modulo the leaves,
    /// for i = 0, 1, …; without repetition, in the order drawn; after ``triesMax`` tries the lowest
    /// leaves not drawn.
    ///
    /// - Returns: as many as asked for, at most all of them and at most ``leavesMax``.
    /// - Source: protocol/jobs.md, "Draw".
    package static func leaves(
        _ count: UInt16, of leaves: UInt64, reveal: Digest, mix: Digest, job: JobID,
        _ salt: ChainSalt
    ) -> [UInt64] {
        let wanted = Int(min(UInt64(count), leaves, UInt64(Self.leavesMax)))
        var drawn: [UInt64] = []
        for index in 0..<Self.triesMax where drawn.count < wanted {
            var hash = Blake2b(.draw, salt)
            hash.update(u8: 2)
            hash.update(reveal)
            hash.update(mix)
            hash.update(job.digest)
            hash.update(u64: index)
            let number = hash.finish().bytes.prefix(16).reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
            let leaf = UInt64(truncatingIfNeeded: number % UInt128(leaves))
            if !drawn.contains(leaf) { drawn.append(leaf) }
        }
        var next: UInt64 = 0
        while drawn.count < wanted {
            if !drawn.contains(next) { drawn.append(next) }
            next += 1
        }
        return drawn
    }
}
