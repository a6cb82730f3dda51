package import Primitives
import Synchronization

/// One final block as it is kept.
package struct StoredBlock: Hashable, Sendable {
    /// From 1; the genesis is no block.
    package let height: UInt64
    /// The hash of the header.
    package let id: BlockID
    /// Canonical bytes.
    package let header: [UInt8]
    /// Canonical bytes.
    package let body: [UInt8]
    /// Canonical bytes of all receipts.
    package let receipts: [UInt8]
    /// Canonical bytes of what finalized it, or a descendant of it.
    package let certificate: [UInt8]

    /// A block.
    package init(
        height: UInt64, id: BlockID, header: [UInt8], body: [UInt8], receipts: [UInt8],
        certificate: [UInt8]
    ) {
        self.height = height
        self.id = id
        self.header = header
        self.body = body
        self.receipts = receipts
        self.certificate = certificate
    }

    /// What the disk must give back; what ``id`` must be is the chain's business.
    ///
    /// H(.journal, no salt, height | id | each part with its u64 length).
    var check: Digest {
        var hash = Blake2b(.journal, .none)
        hash.update(u64: self.height)
        hash.update(self.id.digest)
        for part in [self.header, self.body, self.receipts, self.certificate] {
            hash.update(u64: UInt64(part.count))
            hash.update(part)
        }
        return hash.finish()
    }
}

/// The final blocks, append-only, in files of at most 4 GiB and a batch: the truth of this node.
///
/// Heights are contiguous over all files. Reading checks every byte of the block.
///
/// - Source: protocol/store.md, "Chain segments".
package final class ChainSegments: Sendable {
    private struct State {
        /// By number; each knows its heights.
        var segments: [Segment]
        /// Open ones, the most recently used last.
        var open: [(number: Int, file: SegmentFile)] = []
    }

    private struct Segment {
        let number: Int
        var first: UInt64
        var last: UInt64
        var isEmpty: Bool
    }

    /// So many files are mapped at once.
    private static let openMax = 4

    private let directory: String
    private let genesis: GenesisID
    private let segmentBytes: UInt64
    private let mapBytes: UInt64
    private let state: Mutex<State>

    init(
        directory: String, genesis: GenesisID, segmentBytes: UInt64, mapBytes: UInt64
    ) throws(StoreError) {
        self.directory = directory
        self.genesis = genesis
        self.segmentBytes = segmentBytes
        self.mapBytes = mapBytes
        try Files.makeDirectory(directory)
        var state = State(segments: [])
        for name in try Files.names(in: directory) where name.hasSuffix(".mdb") {
            guard let number = Int(name.dropLast(4)), number == state.segments.count else {
                throw StoreError(
                    .damaged, directory + "/" + name, detail: "a segment before it is missing")
            }
            let file = try SegmentFile(directory, number, genesis, mapBytes)
            let range = try file.range()
            let expected = state.segments.last.map { $0.last + 1 } ?? range?.first
            guard range == nil || range?.first == expected else {
                throw StoreError(.damaged, file.path, detail: "heights are missing before it")
            }
            if let before = state.segments.last, before.isEmpty {
                throw StoreError(.damaged, file.path, detail: "the segment before it is empty")
            }
            state.segments.append(
                Segment(
                    number: number, first: range?.first ?? 0, last: range?.last ?? 0,
                    isEmpty: range == nil))
            state.open = [(number, file)]
        }
        if let last = state.segments.last(where: { !$0.isEmpty }),
            let file = state.open.last, file.number == last.number
        {
            _ = try file.file.block(last.last)  // The newest block checks.
        }
        self.state = Mutex(state)
    }

    /// The lowest height kept; nil without blocks.
    package var first: UInt64? {
        self.state.withLock { $0.segments.first { !$0.isEmpty }?.first }
    }

    /// The highest height kept; nil without blocks.
    package var last: UInt64? {
        self.state.withLock { $0.segments.last { !$0.isEmpty }?.last }
    }

    /// Appends blocks that follow on ``last`` (from height 1), durable when it returns.
    ///
    /// - Throws: `.outOfOrder`; then nothing is written.
    package func append(_ blocks: [StoredBlock]) throws(StoreError) {
        try self.locked { (state) throws(StoreError) in
            guard let head = blocks.first else { return }
            var next = (state.segments.last { !$0.isEmpty }?.last).map { $0 + 1 } ?? 1
            for block in blocks {
                guard block.height == next else {
                    throw StoreError(
                        .outOfOrder, self.directory, detail: "\(block.height) after \(next - 1)")
                }
                next += 1
            }
            let file = try self.tail(&state)
            try file.append(blocks)
            let index = state.segments.count - 1
            if state.segments[index].isEmpty { state.segments[index].first = head.height }
            state.segments[index].isEmpty = false
            state.segments[index].last = next - 1
        }
    }

    /// The block of a height; nil if it is not kept.
    ///
    /// - Throws: `.damaged` naming the file if a byte of it changed.
    package func block(at height: UInt64) throws(StoreError) -> StoredBlock? {
        var found: StoredBlock?
        try self.locked { (state) throws(StoreError) in
            let segment = state.segments.first {
                !$0.isEmpty && $0.first <= height && height <= $0.last
            }
            guard let segment else { return }
            let file = try self.file(segment.number, &state)
            found = try file.block(height)
        }
        return found
    }

    /// Hands over all blocks from a height on, in order: replay. Stops when `body` says false.
    package func blocks(
        from height: UInt64, _ body: (StoredBlock) throws(StoreError) -> Bool
    ) throws(StoreError) {
        var next = max(height, self.first ?? 1)
        while let block = try self.block(at: next) {
            guard try body(block) else { return }
            next += 1
        }
    }

    private func locked(
        _ body: (inout State) throws(StoreError) -> Void
    ) throws(StoreError) {
        let failure: StoreError? = self.state.withLock { state in
            do throws(StoreError) {
                try body(&state)
                return nil
            } catch { return error }
        }
        if let failure { throw failure }
    }

    /// The file that takes the next block.
    private func tail(_ state: inout State) throws(StoreError) -> SegmentFile {
        if let last = state.segments.last {
            let file = try self.file(last.number, &state)
            if last.isEmpty || file.usedBytes < self.segmentBytes { return file }
        }
        let number = state.segments.count
        let file = try SegmentFile(self.directory, number, self.genesis, self.mapBytes)
        try Files.synchronizeDirectory(of: file.path)
        state.segments.append(Segment(number: number, first: 0, last: 0, isEmpty: true))
        Self.keep(number, file, &state)
        return file
    }

    private func file(_ number: Int, _ state: inout State) throws(StoreError) -> SegmentFile {
        if let at = state.open.firstIndex(where: { $0.number == number }) {
            let entry = state.open.remove(at: at)
            state.open.append(entry)
            return entry.file
        }
        let file = try SegmentFile(self.directory, number, self.genesis, self.mapBytes)
        Self.keep(number, file, &state)
        return file
    }

    private static func keep(_ number: Int, _ file: SegmentFile, _ state: inout State) {
        if state.open.count == self.openMax { state.open.removeFirst() }
        state.open.append((number, file))
    }
}
