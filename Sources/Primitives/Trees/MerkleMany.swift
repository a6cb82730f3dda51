// One proof for several leaves: what the leaves below and beside each other do not give. Level by
// level from the leaves up, in each by ascending position, a sibling that is not known is the next
// of the list.
//
// Source: protocol/encoding.md, "Trees".

extension Merkle {
    /// The siblings that the leaves at `indexes` lack to give the root.
    ///
    /// - Bounds: `indexes` ascend, without repetition, and are positions of our own leaves.
    package static func siblings(
        of indexes: [UInt64], _ leaves: [Digest], _ domain: Domain, _ salt: ChainSalt
    ) -> [Digest] {
        precondition(Self.ascend(indexes, below: UInt64(leaves.count)), "the leaves exist")
        var siblings: [Digest] = []
        var level = leaves
        var known = indexes.map { Int($0) }
        while level.count > 1 && !known.isEmpty {
            var above: [Int] = []
            for (number, position) in known.enumerated() {
                let sibling = position ^ 1
                let before = number > 0 ? known[number - 1] : nil
                let after = number + 1 < known.count ? known[number + 1] : nil
                if sibling < level.count && sibling != before && sibling != after {
                    siblings.append(level[sibling])
                }
                if above.last != position / 2 { above.append(position / 2) }
            }
            var next: [Digest] = []
            next.reserveCapacity((level.count + 1) / 2)
            for left in stride(from: 0, to: level.count - 1, by: 2) {
                next.append(Blake2b.pair(domain, salt, level[left], level[left + 1]))
            }
            if !level.count.isMultiple(of: 2) { next.append(level[level.count - 1]) }
            level = next
            known = above
        }
        return siblings
    }

    /// The root that some of `count` leaves and their siblings lead to.
    ///
    /// - Bounds: at most 64 levels of at most as many nodes as there are known leaves.
    /// - Returns: nil if no leaf is known, the indexes do not ascend or are out of range, or the
    ///   siblings are not exactly as many as are missing.
    package static func root(
        of known: [(index: UInt64, leaf: Digest)], count: UInt64, siblings: [Digest],
        _ domain: Domain, _ salt: ChainSalt
    ) -> Digest? {
        guard Self.ascend(known.map(\.index), below: count) else { return nil }
        var level = known
        // Where no leaf is known there is no last one either.
        var last = level.isEmpty ? 0 : count - 1
        var rest = siblings[...]
        while last > 0 {
            var next: [(index: UInt64, leaf: Digest)] = []
            next.reserveCapacity(level.count)
            var number = 0
            while number < level.count {
                var (position, node) = level[number]
                number += 1
                if position & 1 == 1 {
                    guard let sibling = rest.popFirst() else { return nil }
                    node = Blake2b.pair(domain, salt, sibling, node)
                } else if number < level.count, level[number].index == position + 1 {
                    node = Blake2b.pair(domain, salt, node, level[number].leaf)
                    number += 1
                } else if position < last {
                    guard let sibling = rest.popFirst() else { return nil }
                    node = Blake2b.pair(domain, salt, node, sibling)
                }
                position >>= 1
                next.append((position, node))
            }
            level = next
            last >>= 1
        }
        return rest.isEmpty ? level.first?.leaf : nil
    }

    private static func ascend(_ indexes: [UInt64], below count: UInt64) -> Bool {
        zip(indexes, indexes.dropFirst()).allSatisfy { $0 < $1 }
            && (indexes.last.map { $0 < count } ?? true)
    }
}
