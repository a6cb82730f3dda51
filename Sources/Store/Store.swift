// Store
//
// Journal, chain segments and state in LMDB, and blobs in files: `get`, ordered cursors, append.
//
// The chain segments are the only truth; the journal holds what is not yet in them, and `state.mdb`
// follows from them. Whatever says "done" here is on the disk.
//
//   DIR/lock          taken with flock while the store is open
//   DIR/journal/0,1   see `Journal`
//   DIR/chain/NNN.mdb see `ChainSegments`
//   DIR/state.mdb     see `StateDatabase`
//   DIR/blobs/        see `BlobStore`
//
// Source: protocol/store.md.

import Glibc
package import Primitives

/// A node's data directory.
///
/// All calls are synchronous and may come from any thread. Folding and appending block until the
/// disk has everything; reading the state never waits for them.
package final class Store: Sendable {
    /// Limits; the defaults are those of a node.
    package struct Options: Sendable {
        /// A chain segment is closed when it has so many bytes.
        package var segmentBytes: UInt64 = 4 << 30
        /// Address space of `state.mdb`; halved until the system grants it, down to 16 GiB.
        package var stateMapBytes: UInt64 = 1 << 40
        /// Address space of a segment: twice its size.
        package var segmentMapBytes: UInt64 { self.segmentBytes * 2 }
        /// Bytes of all blobs together, uploads included.
        package var blobQuotaBytes: UInt64 = 64 << 30
        /// The journal is rewritten when it has so many bytes and most are settled.
        package var journalBytes: UInt64 = 16 << 20
        /// Throws a `state.mdb` away that cannot be used: it follows from the chain.
        package var mayRebuildState = false

        /// The defaults.
        package init() {}
    }

    /// The version of everything below the directory; another one is refused.
    package static let schemaVersion: UInt32 = 1

    /// The directory.
    package let directory: String
    /// Votes, proposals and blocks that are not final yet.
    package let journal: Journal
    /// The final blocks.
    package let chain: ChainSegments
    /// The state at the last fold, and the indices.
    package let state: StateDatabase
    /// Content-addressed files.
    package let blobs: BlobStore

    private let lock: File

    /// Opens or creates a data directory for one chain.
    ///
    /// - Throws: `.locked` if another process has it; `.wrongGenesis`, `.wrongSchema`, `.damaged`,
    ///   `.shortFile` naming the file; `.stateAhead` if the state has more than the chain.
    package init(
        directory: String, genesis: GenesisID, options: Options = Options()
    ) throws(StoreError) {
        try Files.makeDirectory(directory)
        self.directory = directory
        self.lock = try File(directory + "/lock", .create)
        guard flock(self.lock.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw StoreError(.locked, directory, number: errno)
        }
        self.chain = try ChainSegments(
            directory: directory + "/chain", genesis: genesis, segmentBytes: options.segmentBytes,
            mapBytes: options.segmentMapBytes)
        self.journal = try Journal(
            directory: directory + "/journal", rewriteBytes: options.journalBytes)
        self.state = try Self.openState(
            directory + "/state.mdb", genesis, self.chain.last, options)
        self.blobs = try BlobStore(
            directory: directory + "/blobs", quotaBytes: options.blobQuotaBytes)
        try Files.synchronizeDirectory(of: directory + "/lock")
        try Files.synchronizeDirectory(of: directory)
    }

    private static func openState(
        _ path: String, _ genesis: GenesisID, _ chainLast: UInt64?, _ options: Options
    ) throws(StoreError) -> StateDatabase {
        do throws(StoreError) {
            return try StateDatabase(
                path: path, genesis: genesis, mapBytes: options.stateMapBytes,
                chainLast: chainLast)
        } catch {
            let isUsable = error.code == .damaged || error.code == .shortFile
            let isStale = error.code == .stateAhead || error.code == .wrongSchema
            guard options.mayRebuildState, isUsable || isStale else { throw error }
        }
        try Files.removeIfThere(path)
        try Files.removeIfThere(path + "-lock")
        return try StateDatabase(
            path: path, genesis: genesis, mapBytes: options.stateMapBytes, chainLast: chainLast)
    }

    /// Folds finalized changes into the state.
    ///
    /// - Throws: `.stateAhead` unless the chain has the block of that height.
    package func fold(_ fold: Fold) throws(StoreError) {
        guard fold.height <= self.chain.last ?? 0 else {
            throw StoreError(.stateAhead, self.state.path)
        }
        try self.state.fold(fold)
    }
}
