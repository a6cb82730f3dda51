package import Primitives

/// One changed row of a layer; nil deletes it.
package struct StateWrite: Hashable, Sendable {
    /// Where.
    package let path: Digest
    /// The new row, or nil.
    package let row: StateRow?

    /// A change at `path`.
    package init(path: Digest, row: StateRow?) {
        self.path = path
        self.row = row
    }
}

/// What one block changed: immutable, sorted by path, each path once.
package struct StateLayer: Hashable, Sendable {
    /// The changes by ascending path.
    package let writes: [StateWrite]

    /// A layer of changes that ascend strictly.
    package init(sorted writes: [StateWrite]) {
        precondition(
            zip(writes, writes.dropFirst()).allSatisfy { $0.path < $1.path }, "writes ascend")
        self.writes = writes
    }

    /// The change at `path`: nil if there is none.
    package func write(at path: Digest) -> StateWrite? {
        let index = self.writes.lowerBound { $0.path < path }
        guard index < self.writes.count, self.writes[index].path == path else { return nil }
        return self.writes[index]
    }

    /// The changes with `from <= path <= through`.
    func slice(from: Digest, through: Digest) -> ArraySlice<StateWrite> {
        let low = self.writes.lowerBound { $0.path < from }
        var high = low
        if through == .last {
            high = self.writes.count
        } else {
            high = self.writes.lowerBound { $0.path <= through }
        }
        return self.writes[low..<high]
    }

    /// The changes of `newer` over those of `older`: what a fold writes. Both ascend.
    package static func merge<A: Collection<StateWrite>, B: Collection<StateWrite>>(
        _ older: A, _ newer: B
    ) -> [StateWrite] {
        var merged: [StateWrite] = []
        merged.reserveCapacity(older.count + newer.count)
        var rest = older[...]
        for write in newer {
            while let first = rest.first, first.path < write.path {
                merged.append(first)
                rest.removeFirst()
            }
            if let first = rest.first, first.path == write.path { rest.removeFirst() }
            merged.append(write)
        }
        merged.append(contentsOf: rest)
        return merged
    }

    /// `rows` with `writes` applied. Both ascend.
    static func overlay<W: Collection<StateWrite>>(_ writes: W, on rows: [PlacedRow]) -> [PlacedRow]
    {
        if writes.isEmpty { return rows }
        var result: [PlacedRow] = []
        result.reserveCapacity(rows.count + writes.count)
        var rest = rows[...]
        for write in writes {
            while let first = rest.first, first.path < write.path {
                result.append(first)
                rest.removeFirst()
            }
            if let first = rest.first, first.path == write.path { rest.removeFirst() }
            if let row = write.row { result.append(.init(path: write.path, row: row)) }
        }
        result.append(contentsOf: rest)
        return result
    }
}
