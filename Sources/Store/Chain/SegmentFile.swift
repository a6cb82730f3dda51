import Primitives

/// One `chain/NNN.mdb`.
///
/// Tables `blocks` (id, check), `headers`, `bodies`, `receipts`, `certificates`, all by height, u64
/// big-endian; `meta`: "schema" u32 little-endian, "genesis" 32 bytes.
final class SegmentFile: Sendable {
    let path: String
    private let environment: LMDBEnvironment
    private let blocks: LMDBEnvironment.Table
    private let parts: [LMDBEnvironment.Table]

    init(
        _ directory: String, _ number: Int, _ genesis: GenesisID, _ mapBytes: UInt64
    ) throws(StoreError) {
        let digits = String(number)
        let name = String(repeating: "0", count: max(0, 3 - digits.count)) + digits
        self.path = "\(directory)/\(name).mdb"
        self.environment = try LMDBEnvironment(
            path: self.path, mapBytes: mapBytes, mapBytesMin: mapBytes / 2 + 1, tables: 6)
        try Schema.check(self.environment, genesis)
        self.blocks = try self.environment.table("blocks")
        var parts: [LMDBEnvironment.Table] = []
        for name in ["headers", "bodies", "receipts", "certificates"] {
            parts.append(try self.environment.table(name))
        }
        self.parts = parts
    }

    var usedBytes: UInt64 { self.environment.usedBytes }

    /// The first and last height; nil without blocks.
    func range() throws(StoreError) -> (first: UInt64, last: UInt64)? {
        try self.environment.read { (transaction) throws(StoreError) in
            var ends: [UInt64] = []
            for isReversed in [false, true] {
                try transaction.scan(self.blocks, from: nil, isReversed: isReversed) { key, _ in
                    ends.append(Schema.height(key))
                    return false
                }
            }
            guard ends.count == 2 else { return nil }
            return (ends[0], ends[1])
        }
    }

    func append(_ blocks: [StoredBlock]) throws(StoreError) {
        try self.environment.write { (transaction) throws(StoreError) in
            for block in blocks {
                let key = Schema.key(block.height)
                let row = block.id.digest.bytes + block.check.bytes
                try transaction.put(self.blocks, key, row, isLast: true)
                let parts = [block.header, block.body, block.receipts, block.certificate]
                for (table, part) in zip(self.parts, parts) {
                    try transaction.put(table, key, part, isLast: true)
                }
            }
        }
    }

    func block(_ height: UInt64) throws(StoreError) -> StoredBlock? {
        try self.environment.read { (transaction) throws(StoreError) in
            let key = Schema.key(height)
            guard let row = try transaction.get(self.blocks, key) else { return nil }
            var parts: [[UInt8]] = []
            for table in self.parts {
                if let part = try transaction.get(table, key) { parts.append(part) }
            }
            guard parts.count == 4, row.count == 64, let id = Digest(row[..<32]) else {
                throw StoreError(.damaged, self.path, detail: "block \(height)")
            }
            let block = StoredBlock(
                height: height, id: BlockID(id), header: parts[0], body: parts[1],
                receipts: parts[2], certificate: parts[3])
            guard block.check == Digest(row[32...]) else {
                throw StoreError(.damaged, self.path, detail: "block \(height)")
            }
            return block
        }
    }
}

/// What all databases have in common.
enum Schema {
    /// A height as a key: big-endian, so that keys ascend with heights.
    static func key(_ height: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: height >> UInt64(56 - 8 * $0)) }
    }

    /// The height of a key.
    static func height(_ key: UnsafeRawBufferPointer) -> UInt64 {
        key.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Writes who and what a new database is for, or checks it.
    ///
    /// - Throws: `.wrongSchema`, `.wrongGenesis`.
    @discardableResult
    static func check(
        _ environment: LMDBEnvironment, _ genesis: GenesisID
    ) throws(StoreError) -> LMDBEnvironment.Table {
        let meta = try environment.table("meta")
        var version = Encoder()
        version.u32(Store.schemaVersion)
        let schema: [UInt8]? = try environment.read { (transaction) throws(StoreError) in
            try transaction.get(meta, Array("schema".utf8))
        }
        guard let schema else {
            try environment.write { (transaction) throws(StoreError) in
                try transaction.put(meta, Array("genesis".utf8), genesis.digest.bytes)
                try transaction.put(meta, Array("schema".utf8), version.bytes)
            }
            return meta
        }
        guard schema == version.bytes else {
            throw StoreError(
                .wrongSchema, environment.path,
                detail: "written by another version; this one reads \(Store.schemaVersion)")
        }
        let owner: [UInt8]? = try environment.read { (transaction) throws(StoreError) in
            try transaction.get(meta, Array("genesis".utf8))
        }
        guard owner == genesis.digest.bytes else {
            let other = owner.flatMap { Digest($0) }?.hex ?? "nobody"
            throw StoreError(.wrongGenesis, environment.path, detail: "belongs to \(other)")
        }
        return meta
    }
}
