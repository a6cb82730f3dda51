/// A Merkle mountain range: an append-only list known by the peaks of its perfect trees.
///
/// - Invariant: there are as many peaks as one bits in `count`, the highest first.
/// - Source: protocol/block.md, "History".
package struct MountainRange: Record {
    /// A list of 2^64 - 1 leaves has 64 peaks.
    package static let peaksMax = 64

    /// Leaves appended so far.
    package private(set) var count: UInt64 = 0
    /// Roots of the perfect trees, the largest first.
    package private(set) var peaks: [Digest] = []

    /// An empty range.
    package init() {}

    /// Appends one leaf.
    package mutating func append(_ leaf: Digest, _ domain: Domain, _ salt: ChainSalt) {
        var node = leaf
        var bits = self.count
        while bits & 1 == 1 {
            let left = self.peaks.removeLast()
            node = Blake2b.pair(domain, salt, left, node)
            bits >>= 1
        }
        self.peaks.append(node)
        self.count += 1
    }

    /// The peaks folded from the right, with the count: H(domain | count | bag); zero when empty.
    package func root(_ domain: Domain, _ salt: ChainSalt) -> Digest {
        guard var bag = self.peaks.last else { return .zero }
        for peak in self.peaks.dropLast().reversed() {
            bag = Blake2b.pair(domain, salt, peak, bag)
        }
        var hash = Blake2b(domain, salt)
        hash.update(u64: self.count)
        hash.update(bag)
        return hash.finish()
    }

    /// The empty range.
    package static var blank: MountainRange { MountainRange() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("count", &self.count)
        try visitor.list("peaks", &self.peaks, max: Self.peaksMax)
    }
}
