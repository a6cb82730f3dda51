import Primitives

/// All levels of the two trees of a record, the salted leaves' and the slice roots', so that many
/// leaves are opened with one pass over them.
struct LeafTree: Sendable {
    /// One Merkle tree.
    private struct Levels: Sendable {
        /// The leaves first, the root last.
        let levels: [[Digest]]

        /// The tree of ``Merkle/root(_:_:_:)``.
        init(_ leaves: [Digest], _ domain: Domain, _ salt: ChainSalt) {
            var levels = [leaves]
            var level = leaves
            while level.count > 1 {
                var next: [Digest] = []
                next.reserveCapacity((level.count + 1) / 2)
                for left in stride(from: 0, to: level.count - 1, by: 2) {
                    next.append(Blake2b.pair(domain, salt, level[left], level[left + 1]))
                }
                if !level.count.isMultiple(of: 2) { next.append(level[level.count - 1]) }
                levels.append(next)
                level = next
            }
            self.levels = levels
        }

        /// The siblings from a leaf up to the root; nil if there is no such leaf.
        func path(_ index: Int) -> [Digest]? {
            guard self.levels[0].indices.contains(index) else { return nil }
            var path: [Digest] = []
            var position = index
            for level in self.levels.dropLast() {
                let sibling = position ^ 1
                if sibling < level.count { path.append(level[sibling]) }
                position >>= 1
            }
            return path
        }
    }

    private let leaves: Levels
    private let slices: Levels

    /// The trees of a record.
    init(_ record: JobRecord, _ chain: ChainSalt) {
        self.leaves = Levels(record.leaves(chain: chain), .leaves, chain)
        self.slices = Levels(record.sliceRoots, .slices, .none)
    }

    /// Leaves in each of the trees.
    var count: Int { self.leaves.levels[0].count }

    /// From a leaf up to the leaf root; nil if there is no such leaf.
    func path(_ index: Int) -> [Digest]? { self.leaves.path(index) }

    /// From a slice root up to the root below the output's; nil if there is no such leaf.
    func outputPath(_ index: Int) -> [Digest]? { self.slices.path(index) }
}

/// The trees used last.
///
/// - Bounds: ``leavesMax`` leaves together, or those of one record; ``jobsMax`` records.
struct LeafTrees: Sendable {
    static let leavesMax = JobRecord.leavesMax
    static let jobsMax = 256
    /// A tree of more leaves is built for strangers once a ``pauseMs`` only.
    static let smallLeaves = 4096
    static let pauseMs: UInt64 = 1_000

    private var trees: [(job: JobID, provider: AccountID, tree: LeafTree)] = []
    private var pausedUntil = Instant.zero

    /// The trees of a record; nil if a stranger has to wait for them.
    mutating func tree(
        of record: JobRecord, _ chain: ChainSalt, forStranger: Bool, _ now: Instant
    ) -> LeafTree? {
        let known = self.trees.first {
            $0.job == record.job && $0.provider == record.provider
        }
        if let known { return known.tree }
        if forStranger, record.sliceRoots.count > Self.smallLeaves {
            guard now >= self.pausedUntil else { return nil }
            self.pausedUntil = now.adding(ms: Self.pauseMs)
        }
        let tree = LeafTree(record, chain)
        self.trees.append((record.job, record.provider, tree))
        var leaves = self.trees.reduce(0) { $0 + $1.tree.count }
        while self.trees.count > 1, leaves > Self.leavesMax || self.trees.count > Self.jobsMax {
            leaves -= self.trees.removeFirst().tree.count
        }
        return tree
    }
}
