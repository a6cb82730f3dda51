package import Primitives

/// The state after one block: a base view, the layers above it and the tree of the newest.
///
/// A value: copying shares everything. A block's stack is its parent's with one more layer.
///
/// - Invariant: `tree.root` is the root of the rows seen through all layers.
/// - Source: protocol/state.md, "Layers".
package struct StateStack: StateView {
    /// The chain the hashes belong to.
    package let salt: ChainSalt
    /// The state as of the last fold.
    package let base: any StateView
    /// One layer per block since the fold, oldest first.
    package private(set) var layers: [StateLayer]
    /// The tree after the newest layer.
    package private(set) var tree: StateTree

    /// A stack without layers on a view whose tree is known.
    package init(base: any StateView, tree: StateTree, salt: ChainSalt) {
        self.salt = salt
        self.base = base
        self.layers = []
        self.tree = tree
    }

    /// The empty state in memory.
    package init(salt: ChainSalt) {
        self.init(base: MemoryState(), tree: StateTree(salt: salt), salt: salt)
    }

    /// The state root.
    package var root: Digest { self.tree.root }

    /// The stack after a block that wrote `layer`.
    ///
    /// - Throws: ``StateFault`` if a bucket's rows cannot be read.
    package func pushing(_ layer: StateLayer) throws(StateFault) -> StateStack {
        var next = self
        next.layers.append(layer)
        next.tree = try self.tree.updated(layer.writes.map(\.path), over: next)
        return next
    }

    /// All writes of the oldest `count` layers in one sorted list: what a fold stores.
    package func folding(_ count: Int) -> [StateWrite] {
        var writes: [StateWrite] = []
        for layer in self.layers.prefix(count) { writes = StateLayer.merge(writes, layer.writes) }
        return writes
    }

    /// The same state on a base into which the oldest `count` layers were folded.
    package func rebased(on base: any StateView, dropping count: Int) -> StateStack {
        var next = StateStack(base: base, tree: self.tree, salt: self.salt)
        next.layers = Array(self.layers.dropFirst(count))
        return next
    }

    /// The row at `path`, or nil.
    package func row(at path: Digest) throws(StateFault) -> StateRow? {
        for layer in self.layers.reversed() {
            if let write = layer.write(at: path) { return write.row }
        }
        guard let row = try self.base.row(at: path) else { return nil }
        // Nothing below has checksums: a flipped bit is a fault here and not another state.
        guard row == StateRow(key: row.key, value: row.value, salt: self.salt),
            StateRow.path(of: row.key, salt: self.salt) == path
        else { throw .damaged(path: path) }
        return row
    }

    /// At most `limit` rows with `from <= path <= through`, by ascending path.
    package func rows(
        from: Digest, through: Digest, limit: Int
    ) throws(StateFault) -> [PlacedRow] {
        if limit <= 0 { return [] }
        var result: [PlacedRow] = []
        var start = from
        // Deletions in the layers hide rows of the base, so one page may need several reads.
        while true {
            let page = try self.base.rows(from: start, through: through, limit: limit)
            let isLast = page.count < limit
            let end = isLast ? through : page[page.count - 1].path
            var overlay: [StateWrite] = []
            for layer in self.layers {
                let slice = layer.slice(from: start, through: end)
                overlay = overlay.isEmpty ? Array(slice) : StateLayer.merge(overlay, slice)
            }
            result.append(contentsOf: StateLayer.overlay(overlay, on: page))
            if result.count >= limit { return Array(result.prefix(limit)) }
            guard !isLast, let next = end.successor, next <= through else { return result }
            start = next
        }
    }

    /// Reads one record, for queries; execution reads through ``LedgerState``.
    package func read<Key, Value>(
        _ table: Table<Key, Value>, _ key: Key
    ) throws(StateFault) -> Value? {
        let path = StateRow.path(of: table.keyBytes(key), salt: self.salt)
        guard let row = try self.row(at: path) else { return nil }
        return try Entry(row, at: path).record(of: table, at: path)
    }
}
