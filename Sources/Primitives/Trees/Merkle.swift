/// Merkle trees in the shape of RFC 6962: split at the largest power of two below the count.
///
/// An inner node is H(domain | left | right); one leaf is its own root; no leaf has the zero root.
/// Leaves are digests made under another domain than the tree's, so a node never passes for a leaf.
///
/// - Source: RFC 6962 section 2.1; protocol/encoding.md, "Trees".
package enum Merkle {
    /// The root over `leaves`.
    package static func root(_ leaves: [Digest], _ domain: Domain, _ salt: ChainSalt) -> Digest {
        // Pairing level by level and carrying an odd last node up gives the RFC's shape.
        guard var first = leaves.first else { return .zero }
        var level = leaves
        while level.count > 1 {
            var next: [Digest] = []
            next.reserveCapacity((level.count + 1) / 2)
            for index in stride(from: 0, to: level.count - 1, by: 2) {
                next.append(Blake2b.pair(domain, salt, level[index], level[index + 1]))
            }
            if !level.count.isMultiple(of: 2) { next.append(level[level.count - 1]) }
            level = next
            first = level[0]
        }
        return first
    }

    /// The siblings from leaf `index` up to the root.
    ///
    /// - Bounds: `index` is one of our own leaves.
    package static func path(
        _ leaves: [Digest], _ index: Int, _ domain: Domain, _ salt: ChainSalt
    ) -> [Digest] {
        precondition(leaves.indices.contains(index), "the leaf exists")
        var path: [Digest] = []
        var level = leaves
        var position = index
        while level.count > 1 {
            let sibling = position ^ 1
            if sibling < level.count { path.append(level[sibling]) }
            var next: [Digest] = []
            next.reserveCapacity((level.count + 1) / 2)
            for left in stride(from: 0, to: level.count - 1, by: 2) {
                next.append(Blake2b.pair(domain, salt, level[left], level[left + 1]))
            }
            if !level.count.isMultiple(of: 2) { next.append(level[level.count - 1]) }
            level = next
            position /= 2
        }
        return path
    }

    /// True if `leaf` is leaf `index` of `count` under `root`.
    ///
    /// - Bounds: at most 64 siblings are looked at, whatever the path's length.
    package static func verify(
        leaf: Digest, index: UInt64, count: UInt64, path: [Digest], root: Digest,
        _ domain: Domain, _ salt: ChainSalt
    ) -> Bool {
        self.climb(leaf: leaf, index: index, count: count, path: path, domain, salt) == root
    }

    /// The root that a path leads to; nil if the path is not as long as the tree is high.
    ///
    /// - Bounds: as ``verify(leaf:index:count:path:root:_:_:)``.
    package static func climb(
        leaf: Digest, index: UInt64, count: UInt64, path: [Digest], _ domain: Domain,
        _ salt: ChainSalt
    ) -> Digest? {
        guard index < count else { return nil }
        var node = leaf
        var position = index
        var last = count - 1
        var rest = path[...]
        while last > 0 {
            if position ^ 1 <= last {
                guard let sibling = rest.popFirst() else { return nil }
                node =
                    position & 1 == 0
                    ? Blake2b.pair(domain, salt, node, sibling)
                    : Blake2b.pair(domain, salt, sibling, node)
            }
            position >>= 1
            last >>= 1
        }
        return rest.isEmpty ? node : nil
    }
}
