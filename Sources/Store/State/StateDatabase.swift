package import Ledger
package import Primitives

/// What a fold changes: one transaction, each table sorted by its key.
package struct Fold: Hashable, Sendable {
    /// A row of an index.
    package struct IndexRow: Hashable, Sendable {
        /// A table tag and the key, big-endian where order matters.
        package let key: [UInt8]
        /// The value; nil deletes the row.
        package let value: [UInt8]?

        /// A row.
        package init(key: [UInt8], value: [UInt8]?) {
            self.key = key
            self.value = value
        }
    }

    /// The height whose state this makes.
    package let height: UInt64
    /// The state's root.
    package let root: Digest
    /// The canonical header of that height.
    package let header: [UInt8]
    /// Changed rows by ascending path.
    package let state: [StateWrite]
    /// Changed buckets of the tree by ascending prefix.
    package let buckets: [StateBucketChange]
    /// Changed index rows by ascending key.
    package let index: [IndexRow]

    /// A fold.
    package init(
        height: UInt64, root: Digest, header: [UInt8], state: [StateWrite],
        buckets: [StateBucketChange] = [], index: [IndexRow] = []
    ) {
        self.height = height
        self.root = root
        self.header = header
        self.state = state
        self.buckets = buckets
        self.index = index
    }
}

/// `state.mdb`: the state at the last fold, the tree's buckets and the indices. It follows from the
/// chain: deleting it costs a replay.
///
/// Tables: `state` (path -> leaf 32 | key length u16 | key | value), `nodes` (prefix -> depth u16 |
/// count u8 | digest), `index` (as the chain gives it), `meta` ("schema", "genesis", "fold" =
/// height u64 | root | header). Integers in values are little-endian.
///
/// Rows read singly are checked against their path and leaf; pages carry their leaf digests, which
/// the tree checks.
///
/// - Source: protocol/store.md, "State".
package final class StateDatabase: Sendable {
    /// The state stands so far.
    package struct Position: Hashable, Sendable {
        /// The height of the last fold.
        package let height: UInt64
        /// The state's root there.
        package let root: Digest
        /// The canonical header of that height.
        package let header: [UInt8]
    }

    /// The least address space that is accepted.
    private static let mapBytesMin: UInt64 = 16 << 30
    private static let foldKey = Array("fold".utf8)

    /// The file.
    package let path: String
    private let salt: ChainSalt
    private let environment: LMDBEnvironment
    private let meta: LMDBEnvironment.Table
    private let rows: LMDBEnvironment.Table
    private let nodes: LMDBEnvironment.Table
    private let indices: LMDBEnvironment.Table

    init(
        path: String, genesis: GenesisID, mapBytes: UInt64, chainLast: UInt64?
    ) throws(StoreError) {
        self.path = path
        self.salt = ChainSalt(genesis)
        self.environment = try LMDBEnvironment(
            path: path, mapBytes: mapBytes, mapBytesMin: min(mapBytes, Self.mapBytesMin), tables: 4)
        self.meta = try Schema.check(self.environment, genesis)
        self.rows = try self.environment.table("state")
        self.nodes = try self.environment.table("nodes")
        self.indices = try self.environment.table("index")
        if let position = try self.position(), position.height > chainLast ?? 0 {
            throw StoreError(
                .stateAhead, path,
                detail: "state \(position.height), chain \(chainLast ?? 0); delete the file")
        }
    }

    /// The address space granted: 1 TiB where the system allows it.
    package var mapBytes: UInt64 { self.environment.mapBytes }

    /// Bytes in use.
    package var usedBytes: UInt64 { self.environment.usedBytes }

    /// How far the state stands; nil before the first fold.
    package func position() throws(StoreError) -> Position? {
        let bytes: [UInt8]? = try self.environment.read { (transaction) throws(StoreError) in
            try transaction.get(self.meta, Self.foldKey)
        }
        guard let bytes else { return nil }
        var decoder = Decoder(bytes)
        do throws(DecodeError) {
            return Position(
                height: try decoder.u64(), root: try Digest(from: &decoder),
                header: try decoder.raw(decoder.remaining))
        } catch { throw StoreError(.damaged, self.path, detail: "meta") }
    }

    /// Writes a fold, durable when it returns. The same fold twice is as good as once.
    func fold(_ fold: Fold) throws(StoreError) {
        var position = Encoder()
        position.u64(fold.height)
        fold.root.encode(into: &position)
        position.raw(fold.header)
        try self.environment.write { (transaction) throws(StoreError) in
            for write in fold.state {
                let key = write.path.bytes
                if let row = write.row {
                    try transaction.put(self.rows, key, Self.encode(row))
                } else {
                    try transaction.delete(self.rows, key)
                }
            }
            for change in fold.buckets {
                let key = change.prefix.bytes
                if let bucket = change.bucket {
                    var value = Encoder()
                    value.u16(bucket.depth)
                    value.u8(bucket.count)
                    bucket.digest.encode(into: &value)
                    try transaction.put(self.nodes, key, value.bytes)
                } else {
                    try transaction.delete(self.nodes, key)
                }
            }
            for row in fold.index {
                if let value = row.value {
                    try transaction.put(self.indices, row.key, value)
                } else {
                    try transaction.delete(self.indices, row.key)
                }
            }
            try transaction.put(self.meta, Self.foldKey, position.bytes)
        }
    }

    // MARK: Tree and indices

    /// All saved buckets of the tree, by ascending prefix.
    package func buckets() throws(StoreError) -> [StateBucket] {
        var buckets: [StateBucket] = []
        try self.environment.read { (transaction) throws(StoreError) in
            try transaction.scan(self.nodes, from: nil) { (key, value) throws(StoreError) in
                var decoder = Decoder(Array(value))
                do throws(DecodeError) {
                    var bucket = StateBucket.blank
                    guard let prefix = Self.digest(key) else { throw .truncated(offset: 0) }
                    bucket.prefix = prefix
                    bucket.depth = try decoder.u16()
                    bucket.count = try decoder.u8()
                    bucket.digest = try Digest(from: &decoder)
                    try decoder.finish()
                    buckets.append(bucket)
                } catch { throw StoreError(.damaged, self.path, detail: "nodes") }
                return true
            }
        }
        return buckets
    }

    /// The value of an index row.
    package func index(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
        guard !key.isEmpty else { return nil }
        return try self.environment.read { (transaction) throws(StoreError) in
            try transaction.get(self.indices, key)
        }
    }

    /// At most `limit` index rows that begin with `prefix`, in key order (or against it), from
    /// strictly behind `after`.
    package func indexPage(
        prefix: [UInt8], after: [UInt8]? = nil, limit: Int, isReversed: Bool = false
    ) throws(StoreError) -> [Fold.IndexRow] {
        var page: [Fold.IndexRow] = []
        guard limit > 0 else { return page }
        let from = after ?? (isReversed ? Self.end(of: prefix) : prefix)
        try self.environment.read { (transaction) throws(StoreError) in
            let start = from.isEmpty ? nil : from
            try transaction.scan(self.indices, from: start, isReversed: isReversed) { key, value in
                if let after, key.elementsEqual(after) { return true }
                guard key.starts(with: prefix) else {
                    // Walking back starts at the first key behind the prefix.
                    return isReversed && page.isEmpty && key.elementsEqual(from)
                }
                page.append(Fold.IndexRow(key: Array(key), value: Array(value)))
                return page.count < limit
            }
        }
        return page
    }

    /// The least key behind all keys with this prefix; empty if there is none.
    private static func end(of prefix: [UInt8]) -> [UInt8] {
        var end = prefix
        while let last = end.popLast() {
            if last < 255 { return end + [last + 1] }
        }
        return []
    }

    // MARK: Rows

    private static func encode(_ row: StateRow) -> [UInt8] {
        let count = UInt16(row.key.count)
        let length = [UInt8(truncatingIfNeeded: count), UInt8(truncatingIfNeeded: count >> 8)]
        return row.leaf.bytes + length + row.key + row.value
    }

    private static func decode(_ bytes: [UInt8]) -> StateRow? {
        var decoder = Decoder(bytes)
        do throws(DecodeError) {
            let leaf = try Digest(from: &decoder)
            let key = try decoder.raw(Int(try decoder.u16()))
            return StateRow(key: key, value: try decoder.raw(decoder.remaining), leaf: leaf)
        } catch { return nil }
    }

    /// A key of 32 bytes. The decoder is compiled for arrays; the generic initialiser would take
    /// microseconds here.
    private static func digest(_ key: UnsafeRawBufferPointer) -> Digest? {
        var decoder = Decoder(Array(key))
        do throws(DecodeError) {
            let digest = try Digest(from: &decoder)
            try decoder.finish()
            return digest
        } catch { return nil }
    }
}

extension StateDatabase: StateView {
    /// The row at `path`, each byte checked.
    package func row(at path: Digest) throws(StateFault) -> StateRow? {
        let bytes: [UInt8]?
        do throws(StoreError) {
            bytes = try self.environment.read { (transaction) throws(StoreError) in
                try transaction.get(self.rows, path.bytes)
            }
        } catch { throw error.code == .damaged ? .damaged(path: path) : .unavailable }
        guard let bytes else { return nil }
        guard let row = Self.decode(bytes),
            StateRow.path(of: row.key, salt: self.salt) == path,
            StateRow(key: row.key, value: row.value, salt: self.salt) == row
        else { throw .damaged(path: path) }
        return row
    }

    /// A page of rows by ascending path, in one snapshot.
    package func rows(
        from: Digest, through: Digest, limit: Int
    ) throws(StateFault) -> [PlacedRow] {
        var page: [PlacedRow] = []
        guard limit > 0 else { return page }
        var damaged: Digest?
        do throws(StoreError) {
            try self.environment.read { (transaction) throws(StoreError) in
                try transaction.scan(self.rows, from: from.bytes) { key, value in
                    guard let path = Self.digest(key), let row = Self.decode(Array(value)) else {
                        damaged = Self.digest(key) ?? from
                        return false
                    }
                    guard path <= through else { return false }
                    page.append(PlacedRow(path: path, row: row))
                    return page.count < limit
                }
            }
        } catch { throw error.code == .damaged ? .damaged(path: from) : .unavailable }
        if let damaged { throw .damaged(path: damaged) }
        return page
    }
}
