package import Primitives

/// The sparse binary Merkle tree over the rows of a state; its shape depends on the rows alone.
///
/// A subtree with no row is the zero digest; with 1...8 rows it is a bucket,
/// H(.statebucket, salt, u8 count | leaf digests in path order); with more it is
/// H(.statenode, salt, left | right), split at the next bit of the path.
///
/// Memory has the nodes above the rows. Nodes are immutable and shared: a copy costs nothing, an
/// update makes new nodes from the changed buckets to the root.
///
/// - Invariant: an inner node has more than `bucketMax` rows below it.
/// - Source: protocol/state.md, "Tree".
package struct StateTree: Sendable {
    /// The most rows in a bucket.
    package static let bucketMax = 8

    enum Node: Sendable {
        case bucket(count: UInt8, digest: Digest)
        case inner(Inner)

        static let empty = Node.bucket(count: 0, digest: .zero)

        var digest: Digest {
            switch self {
            case .bucket(_, let digest): digest
            case .inner(let inner): inner.digest
            }
        }

        var count: UInt64 {
            switch self {
            case .bucket(let count, _): UInt64(count)
            case .inner(let inner): inner.count
            }
        }
    }

    final class Inner: Sendable {
        let left: Node
        let right: Node
        let count: UInt64
        let digest: Digest

        init(_ left: Node, _ right: Node, _ salt: ChainSalt) {
            self.left = left
            self.right = right
            self.count = left.count + right.count
            self.digest = Blake2b.pair(.statenode, salt, left.digest, right.digest)
        }
    }

    let salt: ChainSalt
    var top: Node

    /// The tree of no rows.
    package init(salt: ChainSalt) {
        self.salt = salt
        self.top = .empty
    }

    /// The state root; zero for no rows.
    package var root: Digest { self.top.digest }

    /// The number of rows.
    package var count: UInt64 { self.top.count }

    /// The tree after rows at `paths` changed; `view` is the state after the change.
    ///
    /// - Bounds: `paths` ascend strictly. Reads the rows of every changed bucket once.
    /// - Throws: ``StateFault``, also `.damaged` if the view does not fit the tree.
    package func updated(
        _ paths: [Digest], over view: some StateView
    ) throws(StateFault) -> StateTree {
        var next = self
        next.top = try self.update(self.top, 0, paths[...], view)
        return next
    }

    private func update(
        _ node: Node, _ depth: Int, _ paths: ArraySlice<Digest>, _ view: some StateView
    ) throws(StateFault) -> Node {
        guard let first = paths.first else { return node }
        switch node {
        case .bucket(let count, _):
            let most = Int(count) + paths.count
            return self.make(try Self.rows(under: first, depth, atMost: most, view)[...], depth)
        case .inner(let inner):
            let split = paths.lowerBound { !$0.bit(depth) }
            let left = try self.update(inner.left, depth + 1, paths[..<split], view)
            let right = try self.update(inner.right, depth + 1, paths[split...], view)
            let count = left.count + right.count
            if count > UInt64(Self.bucketMax) { return .inner(Inner(left, right, self.salt)) }
            let rows = try Self.rows(under: first, depth, atMost: Self.bucketMax, view)
            guard UInt64(rows.count) == count else { throw .damaged(path: first) }
            return self.make(rows[...], depth)
        }
    }

    /// The rows that share the first `depth` bits with `path`.
    static func rows(
        under path: Digest, _ depth: Int, atMost most: Int, _ view: some StateView
    ) throws(StateFault) -> [PlacedRow] {
        let from = path.prefix(depth, fill: false)
        let through = path.prefix(depth, fill: true)
        let rows = try view.rows(from: from, through: through, limit: most + 1)
        try Self.checkOrder(rows, from: from, through: through)
        guard rows.count <= most else { throw .damaged(path: from) }
        return rows
    }

    private static func checkOrder(
        _ rows: [PlacedRow], from: Digest, through: Digest
    ) throws(StateFault) {
        guard let first = rows.first, let last = rows.last else { return }
        guard first.path >= from, last.path <= through,
            zip(rows, rows.dropFirst()).allSatisfy({ $0.path < $1.path })
        else { throw .damaged(path: first.path) }
    }

    /// The subtree at `depth` of rows that ascend strictly and share their first `depth` bits.
    private func make(_ rows: ArraySlice<PlacedRow>, _ depth: Int) -> Node {
        if rows.count <= Self.bucketMax {
            return .bucket(
                count: UInt8(rows.count),
                digest: Self.bucket(rows.map(\.row.leaf), self.salt))
        }
        // Nine different paths of 256 bits part before the last bit: the depth stays below 256.
        let split = rows.lowerBound { !$0.path.bit(depth) }
        return .inner(
            Inner(
                self.make(rows[..<split], depth + 1), self.make(rows[split...], depth + 1),
                self.salt))
    }

    /// The digest of a bucket.
    static func bucket(_ leaves: [Digest], _ salt: ChainSalt) -> Digest {
        if leaves.isEmpty { return .zero }
        var hash = Blake2b(.statebucket, salt)
        hash.update(u8: UInt8(leaves.count))
        for leaf in leaves { hash.update(leaf) }
        return hash.finish()
    }

    // MARK: From rows

    /// The tree of everything in `view`, read in pages.
    package static func build(
        from view: some StateView, salt: ChainSalt
    ) throws(StateFault) -> StateTree {
        var tree = StateTree(salt: salt)
        tree.top = try tree.build(.zero, 0, view)
        return tree
    }

    /// Rows read at once while building; a subtree with more is built as two halves.
    private static let pageRows = 4096

    private func build(
        _ prefix: Digest, _ depth: Int, _ view: some StateView
    ) throws(StateFault) -> Node {
        let from = prefix.prefix(depth, fill: false)
        let through = prefix.prefix(depth, fill: true)
        let rows = try view.rows(from: from, through: through, limit: Self.pageRows + 1)
        try Self.checkOrder(rows, from: from, through: through)
        if rows.count <= Self.pageRows { return self.make(rows[...], depth) }
        return .inner(
            Inner(
                try self.build(from, depth + 1, view),
                try self.build(from.setting(depth), depth + 1, view),
                self.salt))
    }
}
