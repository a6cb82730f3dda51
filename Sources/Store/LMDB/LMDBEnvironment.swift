import CLMDB
import Glibc
import Synchronization

/// One LMDB file, synced at every commit. Never NOSYNC, never WRITEMAP.
///
/// One environment a file and process. Transactions are closures: they end where they begin, on one
/// thread, and nothing of them escapes.
final class LMDBEnvironment: Sendable {
    /// A table of the file.
    struct Table: Hashable, Sendable {
        fileprivate let handle: MDB_dbi

        var dbi: MDB_dbi { self.handle }
    }

    let path: String
    /// The address space granted.
    let mapBytes: UInt64
    // LMDB's handle may be used by any thread.
    private nonisolated(unsafe) let environment: OpaquePointer
    // Finished read transactions, reset and ready to be renewed.
    private let readers = Mutex<Readers>(Readers())
    private let file: File

    private struct Readers: @unchecked Sendable {
        var idle: [OpaquePointer] = []
    }

    /// Opens or creates a file with so many tables at most.
    ///
    /// The map starts at `mapBytes` and halves down to `mapBytesMin` until the system grants it.
    ///
    /// - Throws: `.shortFile`, `.damaged` before anything is mapped.
    init(
        path: String, mapBytes: UInt64, mapBytesMin: UInt64, tables: UInt32
    ) throws(StoreError) {
        try LMDBHead.check(path)
        var bytes = mapBytes
        while true {
            do throws(StoreError) {
                self.environment = try Self.open(path, bytes, tables)
                break
            } catch {
                guard error.number == ENOMEM, bytes / 2 >= mapBytesMin else { throw error }
                bytes /= 2
            }
        }
        self.path = path
        self.mapBytes = bytes
        do throws(StoreError) { self.file = try File(path, .write) } catch {
            mdb_env_close(self.environment)
            throw error
        }
        var dead: Int32 = 0
        _ = mdb_reader_check(self.environment, &dead)
    }

    deinit {
        self.readers.withLock { readers in
            for transaction in readers.idle { mdb_txn_abort(transaction) }
        }
        mdb_env_close(self.environment)
    }

    private static func open(
        _ path: String, _ mapBytes: UInt64, _ tables: UInt32
    ) throws(StoreError) -> OpaquePointer {
        var created: OpaquePointer?
        var rc = mdb_env_create(&created)
        guard rc == 0, let environment = created else { throw self.failure(path, rc) }
        rc = mdb_env_set_mapsize(environment, Int(clamping: mapBytes))
        if rc == 0 { rc = mdb_env_set_maxdbs(environment, tables) }
        if rc == 0 {
            let flags = MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD
            rc = mdb_env_open(environment, path, UInt32(flags), 0o600)
        }
        guard rc == 0 else {
            mdb_env_close(environment)
            throw self.failure(path, rc)
        }
        return environment
    }

    /// Opens a table, making it if need be.
    func table(_ name: String) throws(StoreError) -> Table {
        var handle: MDB_dbi = 0
        try self.write { (transaction) throws(StoreError) in
            let rc = mdb_dbi_open(transaction.pointer, name, UInt32(MDB_CREATE), &handle)
            guard rc == 0 else { throw self.failure(rc) }
        }
        return Table(handle: handle)
    }

    /// Reads one snapshot.
    // Swift 6.3.1's optimiser aborts when it specialises these two; unspecialised costs nothing
    // here.
    @_semantics("optimize.sil.specialize.generic.never")
    func read<R>(
        _ body: (borrowing LMDBTransaction) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        let transaction = LMDBTransaction(pointer: try self.reader(), environment: self)
        defer { self.release(transaction.pointer) }
        return try body(transaction)
    }

    /// Writes and syncs; all or nothing.
    @_semantics("optimize.sil.specialize.generic.never")
    func write<R>(
        _ body: (borrowing LMDBTransaction) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        var begun: OpaquePointer?
        var rc = mdb_txn_begin(self.environment, nil, 0, &begun)
        guard rc == 0, let pointer = begun else { throw self.failure(rc) }
        let result: R
        do throws(StoreError) {
            result = try body(LMDBTransaction(pointer: pointer, environment: self))
        } catch {
            mdb_txn_abort(pointer)
            throw error
        }
        rc = mdb_txn_commit(pointer)
        guard rc == 0 else { throw self.failure(rc) }
        try self.coverPages()
        return result
    }

    /// Bytes in use, as of the last commit.
    var usedBytes: UInt64 {
        var info = MDB_envinfo()
        var statistics = MDB_stat()
        mdb_env_info(self.environment, &info)
        mdb_env_stat(self.environment, &statistics)
        return UInt64(info.me_last_pgno + 1) * UInt64(statistics.ms_psize)
    }

    /// LMDB leaves an unused last page unwritten; the file's length shall say how many pages it
    /// has, so that a file cut short shows before it is mapped.
    private func coverPages() throws(StoreError) {
        let used = self.usedBytes
        if try self.file.size() < used { try self.file.truncate(to: used) }
    }

    private func reader() throws(StoreError) -> OpaquePointer {
        let idle = self.readers.withLock { readers in
            Idle(pointer: readers.idle.popLast())
        }
        if let pointer = idle.pointer {
            let rc = mdb_txn_renew(pointer)
            guard rc == 0 else {
                mdb_txn_abort(pointer)
                throw self.failure(rc)
            }
            return pointer
        }
        var begun: OpaquePointer?
        let rc = mdb_txn_begin(self.environment, nil, UInt32(MDB_RDONLY), &begun)
        guard rc == 0, let pointer = begun else { throw self.failure(rc) }
        return pointer
    }

    private struct Idle: @unchecked Sendable {
        let pointer: OpaquePointer?
    }

    private func release(_ pointer: OpaquePointer) {
        mdb_txn_reset(pointer)
        let idle = Idle(pointer: pointer)
        self.readers.withLock { readers in
            if let pointer = idle.pointer { readers.idle.append(pointer) }
        }
    }

    func failure(_ rc: Int32) -> StoreError { Self.failure(self.path, rc) }

    private static func failure(_ path: String, _ rc: Int32) -> StoreError {
        if rc > 0 { return StoreError(path, errno: rc) }
        let text = mdb_strerror(rc).map { String(cString: $0) } ?? ""
        switch rc {
        case MDB_MAP_FULL: return StoreError(.mapFull, path, number: rc, detail: text)
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_PANIC:
            return StoreError(.damaged, path, number: rc, detail: text)
        default: return StoreError(.database, path, number: rc, detail: text)
        }
    }
}
