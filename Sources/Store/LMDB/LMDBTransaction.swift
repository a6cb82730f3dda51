import CLMDB

/// A snapshot, or a set of changes to come.
struct LMDBTransaction: ~Copyable {
    let pointer: OpaquePointer
    let environment: LMDBEnvironment

    /// The value of a key.
    func get(_ table: LMDBEnvironment.Table, _ key: [UInt8]) throws(StoreError) -> [UInt8]? {
        var found = MDB_val()
        let rc = Self.withValue(key) { mdb_get(self.pointer, table.dbi, &$0, &found) }
        if rc == MDB_NOTFOUND { return nil }
        guard rc == 0 else { throw self.environment.failure(rc) }
        return Self.bytes(found)
    }

    /// Writes a row; `isLast` promises that its key is above all others.
    func put(
        _ table: LMDBEnvironment.Table, _ key: [UInt8], _ value: [UInt8], isLast: Bool = false
    ) throws(StoreError) {
        let flags = UInt32(isLast ? MDB_APPEND : 0)
        let rc = Self.withValue(key) { key in
            Self.withValue(value) { value in
                mdb_put(self.pointer, table.dbi, &key, &value, flags)
            }
        }
        guard rc == 0 else { throw self.environment.failure(rc) }
    }

    /// Deletes a row; one that is not there is no error.
    func delete(_ table: LMDBEnvironment.Table, _ key: [UInt8]) throws(StoreError) {
        let rc = Self.withValue(key) { mdb_del(self.pointer, table.dbi, &$0, nil) }
        guard rc == 0 || rc == MDB_NOTFOUND else { throw self.environment.failure(rc) }
    }

    /// Walks rows in key order from the first at or after `from` (the last at or before it, if
    /// `isReversed`) until `body` says false or the table ends. No `from` starts at the end.
    func scan(
        _ table: LMDBEnvironment.Table, from: [UInt8]?, isReversed: Bool = false,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(StoreError) {
        var opened: OpaquePointer?
        var rc = mdb_cursor_open(self.pointer, table.dbi, &opened)
        guard rc == 0, let cursor = opened else { throw self.environment.failure(rc) }
        defer { mdb_cursor_close(cursor) }
        var key = MDB_val()
        var value = MDB_val()
        rc = Self.seek(cursor, from, isReversed, &key, &value)
        while rc == 0 {
            guard try body(Self.buffer(key), Self.buffer(value)) else { return }
            rc = mdb_cursor_get(cursor, &key, &value, isReversed ? MDB_PREV : MDB_NEXT)
        }
        guard rc == MDB_NOTFOUND else { throw self.environment.failure(rc) }
    }

    private static func seek(
        _ cursor: OpaquePointer, _ from: [UInt8]?, _ isReversed: Bool, _ key: inout MDB_val,
        _ value: inout MDB_val
    ) -> Int32 {
        guard let from else {
            return mdb_cursor_get(cursor, &key, &value, isReversed ? MDB_LAST : MDB_FIRST)
        }
        let rc = self.withValue(from) { start in
            let rc = mdb_cursor_get(cursor, &start, &value, MDB_SET_RANGE)
            key = start
            return rc
        }
        guard isReversed else { return rc }
        if rc == MDB_NOTFOUND { return mdb_cursor_get(cursor, &key, &value, MDB_LAST) }
        guard rc == 0, !self.buffer(key).elementsEqual(from) else { return rc }
        return mdb_cursor_get(cursor, &key, &value, MDB_PREV)
    }

    private static func withValue<R>(_ bytes: [UInt8], _ body: (inout MDB_val) -> R) -> R {
        bytes.withUnsafeBytes { buffer in
            // LMDB reads through the pointer and never writes.
            var value = MDB_val(
                mv_size: buffer.count,
                mv_data: UnsafeMutableRawPointer(mutating: buffer.baseAddress))
            return body(&value)
        }
    }

    private static func buffer(_ value: MDB_val) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
    }

    private static func bytes(_ value: MDB_val) -> [UInt8] { [UInt8](self.buffer(value)) }
}
