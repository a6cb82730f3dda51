package import Primitives

/// One bucket as it is saved with a fold; all of them, by prefix, are the tree.
///
/// - Source: protocol/state.md, "Saved nodes".
package struct StateBucket: Record {
    /// The first `depth` bits of its rows' paths, filled up with zeros. No two buckets share it.
    package var prefix: Digest
    /// 0...255.
    package var depth: UInt16
    /// 1...8.
    package var count: UInt8
    /// The bucket's digest.
    package var digest: Digest

    /// Nothing.
    package static var blank: StateBucket {
        StateBucket(prefix: .zero, depth: 0, count: 0, digest: .zero)
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("prefix", &self.prefix)
        try visitor.field("depth", &self.depth)
        try visitor.field("count", &self.count)
        try visitor.field("digest", &self.digest)
    }
}

/// A bucket to save, or nil to delete what is saved under that prefix.
package struct StateBucketChange: Hashable, Sendable {
    /// The key.
    package let prefix: Digest
    /// The bucket now there.
    package let bucket: StateBucket?
}

extension StateTree {
    /// What differs from the buckets of `old`, by ascending prefix. Shared nodes are not visited.
    package func changes(since old: StateTree) -> [StateBucketChange] {
        var changes: [StateBucketChange] = []
        Self.compare(old.top, self.top, .zero, 0, &changes)
        return changes
    }

    /// All buckets by ascending prefix.
    package var buckets: [StateBucket] {
        var buckets: [StateBucket] = []
        Self.collect(self.top, .zero, 0, &buckets)
        return buckets
    }

    private static func collect(
        _ node: Node, _ prefix: Digest, _ depth: Int, _ buckets: inout [StateBucket]
    ) {
        switch node {
        case .bucket(0, _): break
        case .bucket(let count, let digest):
            buckets.append(
                StateBucket(prefix: prefix, depth: UInt16(depth), count: count, digest: digest))
        case .inner(let inner):
            self.collect(inner.left, prefix, depth + 1, &buckets)
            self.collect(inner.right, prefix.setting(depth), depth + 1, &buckets)
        }
    }

    private static func compare(
        _ old: Node, _ new: Node, _ prefix: Digest, _ depth: Int,
        _ changes: inout [StateBucketChange]
    ) {
        if case .inner(let old) = old, case .inner(let new) = new {
            if old === new { return }
            self.compare(old.left, new.left, prefix, depth + 1, &changes)
            self.compare(
                old.right, new.right, prefix.setting(depth), depth + 1, &changes)
            return
        }
        // A bucket split, merged or changed: one side has few buckets.
        var before: [StateBucket] = []
        var after: [StateBucket] = []
        self.collect(old, prefix, depth, &before)
        self.collect(new, prefix, depth, &after)
        var rest = before[...]
        for bucket in after {
            while let first = rest.first, first.prefix < bucket.prefix {
                changes.append(StateBucketChange(prefix: first.prefix, bucket: nil))
                rest.removeFirst()
            }
            if let first = rest.first, first.prefix == bucket.prefix {
                rest.removeFirst()
                if first == bucket { continue }
            }
            changes.append(StateBucketChange(prefix: bucket.prefix, bucket: bucket))
        }
        for bucket in rest { changes.append(StateBucketChange(prefix: bucket.prefix, bucket: nil)) }
    }

    /// The tree of saved buckets, by ascending prefix. The caller compares its root with the
    /// header's.
    ///
    /// - Throws: `.damaged` if the buckets cannot be those of a tree.
    package init(buckets: [StateBucket], salt: ChainSalt) throws(StateFault) {
        self.init(salt: salt)
        var rest = buckets[...]
        self.top = try Self.load(&rest, .zero, 0, salt)
        if let left = rest.first { throw .damaged(path: left.prefix) }
    }

    private static func load(
        _ rest: inout ArraySlice<StateBucket>, _ prefix: Digest, _ depth: Int, _ salt: ChainSalt
    ) throws(StateFault) -> Node {
        guard let next = rest.first, next.prefix >= prefix,
            next.prefix <= prefix.prefix(depth, fill: true)
        else { return .empty }
        if Int(next.depth) == depth {
            let fits = (1...self.bucketMax).contains(Int(next.count)) && next.prefix == prefix
            guard fits else { throw .damaged(path: next.prefix) }
            rest.removeFirst()
            return .bucket(count: next.count, digest: next.digest)
        }
        guard Int(next.depth) > depth, depth < 255 else { throw .damaged(path: next.prefix) }
        let left = try self.load(&rest, prefix, depth + 1, salt)
        let right = try self.load(&rest, prefix.setting(depth), depth + 1, salt)
        guard left.count + right.count > UInt64(self.bucketMax) else {
            throw .damaged(path: prefix)
        }
        return .inner(Inner(left, right, salt))
    }
}
