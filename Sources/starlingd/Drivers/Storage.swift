import Chain
import Foundation
import Ledger
import Node
import Primitives
import Store

/// Writes final blocks and folds on a thread of its own, in the order in which they came.
final class Storage: Sendable {
    private enum Item: Sendable {
        case append([BlockRecord])
        case fold(FoldRecord)
    }

    /// Items that wait at most; folds and blocks come a few a second.
    private static let backlogMax = 16_384

    private let items = Mailbox<Item>(capacity: Storage.backlogMax)
    private let thread: Worker
    private let onFailure: @Sendable (String) -> Void

    init(
        store: DataStore, inputs: Mailbox<Node.Input>,
        onFailure: @escaping @Sendable (String) -> Void
    ) {
        self.onFailure = onFailure
        let items = self.items
        self.thread = Worker(name: "storage") {
            while let batch = items.take(until: Date(timeIntervalSinceNow: 1)) {
                do throws(StoreError) {
                    try Self.write(batch, store, inputs)
                } catch {
                    onFailure("final blocks cannot be written: \(error)")
                    return
                }
            }
        }
    }

    func append(_ records: [BlockRecord]) { self.post(.append(records)) }

    func fold(_ record: FoldRecord) { self.post(.fold(record)) }

    /// Writes what waits, then ends the thread.
    func stop() {
        self.items.close()
        self.thread.join()
    }

    private func post(_ item: Item) {
        if !self.items.post(item) { self.onFailure("storage is too far behind") }
    }

    /// Blocks that arrived together are one synced transaction; a fold waits for those before it.
    private static func write(
        _ batch: [Item], _ store: DataStore, _ inputs: Mailbox<Node.Input>
    ) throws(StoreError) {
        var blocks: [StoredBlock] = []
        for item in batch {
            switch item {
            case .append(let records): blocks += records.map { StoredBlock($0) }
            case .fold(let record):
                try Self.append(&blocks, store, inputs)
                try store.fold(Fold(record))
                inputs.post(.folded(height: record.height))
            }
        }
        try Self.append(&blocks, store, inputs)
    }

    private static func append(
        _ blocks: inout [StoredBlock], _ store: DataStore, _ inputs: Mailbox<Node.Input>
    ) throws(StoreError) {
        guard let last = blocks.last else { return }
        try store.chain.append(blocks)
        // The segments have them now, and no other block of these heights ever comes true.
        let settled = store.journal.records.filter { record in
            guard record.kind == .block else { return false }
            do throws(DecodeError) {
                return try Proposal(bytes: record.bytes).header.height <= last.height
            } catch {
                return true
            }
        }
        store.journal.forget(.block, keys: settled.map(\.key))
        inputs.post(.stored(height: last.height))
        blocks = []
    }
}

extension StoredBlock {
    /// The chain's record in the store's words.
    init(_ record: BlockRecord) {
        self.init(
            height: record.height, id: record.id, header: record.header, body: record.body,
            receipts: record.receipts, certificate: record.certificate)
    }
}

extension Fold {
    /// The chain's record in the store's words.
    init(_ record: FoldRecord) {
        self.init(
            height: record.height, root: record.root, header: record.header,
            state: record.state, buckets: record.buckets,
            index: record.index.map { Fold.IndexRow(key: $0.key, value: $0.value) })
    }
}
