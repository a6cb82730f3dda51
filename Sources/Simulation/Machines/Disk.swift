import Chain
import Ledger
internal import OrderedCollections
import Primitives

/// One machine's disk: what is on it survives a crash, what is on its way may not.
///
/// The journal writes one frame at a time; segments and state database are transactions that happen
/// or do not. The chain reads the state and the past through it, as through LMDB.
///
/// Deviation: the world runs on one thread, so that the class may say that it is sendable.
final class Disk: StateView, ChainArchive, @unchecked Sendable {
    /// One thing to write.
    enum Write {
        case journal([JournalFile.Item])
        case append([BlockRecord])
        case fold(FoldRecord)
        case job(JobID, [UInt8])
        case forgetJob(JobID)
        case blob(BlobID, group: UInt64, [UInt8])
    }

    /// A blob, complete or coming.
    struct Blob {
        let groups: BlobGroups
        /// The groups that are here.
        var pieces: [[UInt8]?]

        var isComplete: Bool { !self.pieces.contains { $0 == nil } }

        func piece(_ group: UInt64) -> [UInt8]? {
            let index = Int(clamping: group)
            return self.pieces.indices.contains(index) ? self.pieces[index] : nil
        }
    }

    private(set) var journal = JournalFile()
    /// Items of the journal that are still needed; memory, rebuilt at a start.
    private(set) var live: [JournalFile.Item] = []
    /// The record that the last synced frame with votes has.
    private(set) var votes: [UInt8]?
    private(set) var blocks: [BlockRecord] = []
    private(set) var state = MemoryState()
    private(set) var head: [UInt8]?
    private(set) var buckets: OrderedDictionary<Digest, StateBucket> = [:]
    private var rows = Lookup<[UInt8], [UInt8]>()
    private(set) var jobs: OrderedDictionary<JobID, [UInt8]> = [:]
    var blobs: OrderedDictionary<BlobID, Blob> = [:]
    /// Writes that were lost or torn by crashes.
    private(set) var lost = 0

    /// The write is on the disk.
    func perform(_ write: Write) {
        switch write {
        case .journal(let items):
            self.journal.append(JournalFile.frame(items))
            self.take(items)
            if self.journal.platter.count > JournalFile.rewriteBytes {
                self.journal.rewrite(self.live)
            }
        case .append(let records):
            for record in records where record.height > self.blocks.last?.height ?? 0 {
                self.blocks.append(record)
            }
            self.live.removeAll { item in records.contains { $0.id.digest == item.key } }
        case .fold(let record): self.fold(record)
        case .job(let id, let bytes): self.jobs[id] = bytes
        case .forgetJob(let id): self.jobs[id] = nil
        case .blob(let id, let group, let bytes):
            let index = Int(clamping: group)
            guard self.blobs[id]?.pieces.indices.contains(index) == true else { return }
            self.blobs[id]?.pieces[index] = bytes
        }
    }

    /// Power fails during the write: a frame tears, a transaction happens or does not.
    func crash(during write: Write, _ chance: inout Chance) {
        switch write {
        case .journal(let items):
            // A third of the frames got there; nobody was told.
            if chance.index(3) == 0 { return self.perform(write) }
            self.lost += 1
            let frame = JournalFile.frame(items)
            let count = chance.index(frame.count)
            self.journal.tear(frame, keeping: count, rubbish: chance.bytes(chance.index(64)))
        case .append, .fold, .job, .forgetJob, .blob:
            if chance.index(2) == 0 { self.perform(write) } else { self.lost += 1 }
        }
    }

    /// What a start finds in the journal.
    func restart() -> [JournalFile.Item] {
        self.live = self.journal.recover()
        self.votes = self.live.last { $0.kind == .votes }?.bytes
        return self.live
    }

    /// The saved buckets of the tree, as a start takes them.
    var sortedBuckets: [StateBucket] { self.buckets.values.sorted { $0.prefix < $1.prefix } }

    private func take(_ items: [JournalFile.Item]) {
        for item in items {
            self.live.removeAll { $0.kind == item.kind && $0.key == item.key }
            self.live.append(item)
            if item.kind == .votes { self.votes = item.bytes }
        }
    }

    private func fold(_ record: FoldRecord) {
        self.state.fold(record.state)
        self.head = record.header
        for change in record.buckets { self.buckets[change.prefix] = change.bucket }
        for row in record.index { self.rows[row.key] = row.value }
    }

    // MARK: What the chain reads

    func row(at path: Digest) throws(StateFault) -> StateRow? { try self.state.row(at: path) }

    func rows(
        from: Digest, through: Digest, limit: Int
    ) throws(StateFault) -> [PlacedRow] {
        try self.state.rows(from: from, through: through, limit: limit)
    }

    func block(at height: UInt64) -> BlockRecord? {
        guard let first = self.blocks.first?.height, height >= first else { return nil }
        let index = Int(clamping: height - first)
        return index < self.blocks.count ? self.blocks[index] : nil
    }

    func index(_ key: [UInt8]) -> [UInt8]? { self.rows[key] }
}
