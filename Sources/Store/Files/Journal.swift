package import Primitives
import Synchronization

/// What must be durable before anything that depends on it is sent: votes, proposals, blocks.
///
/// Two files take turns. A file is a row of frames, each at a multiple of 4,096 bytes, each written
/// by one batch and one fdatasync:
///
///     magic u32 "SLJ1" | length u32 | generation u64 | sequence u64 | check 32 bytes | payload
///
/// all little-endian; check = H(.journal, no salt, length | generation | sequence | payload). The
/// payload is records: kind u8 | key 32 bytes | length u32 | bytes. A record replaces the one of
/// the same kind and key. Frame 0 of a generation repeats all records still needed, so the switch
/// to the other file is the write of one frame; then the old file's frame 0 is wiped.
///
/// A frame that does not check ends the journal. If a later frame of the generation does check, it
/// is no torn end but damage, and the journal is refused: a validator that lost a vote must not
/// speak.
///
/// - Source: protocol/store.md, "Journal".
package final class Journal: Sendable {
    /// What a record is.
    package enum Kind: UInt8, CaseIterable, Sendable {
        /// Consensus' own record; one.
        case votes = 1
        /// A block's bytes, by its id, until a segment has it.
        case block = 2
        /// A certificate's bytes, by what it certifies.
        case certificate = 3
        /// The provider's promises, by job.
        case provider = 4
        /// Anything else of the node, by name.
        case node = 5
    }

    /// One record.
    package struct Record: Hashable, Sendable {
        /// What it is.
        package let kind: Kind
        /// What it belongs to; zero where there is one of its kind.
        package let key: Digest
        /// The content.
        package let bytes: [UInt8]

        /// A record.
        package init(_ kind: Kind, key: Digest = .zero, _ bytes: [UInt8]) {
            self.kind = kind
            self.key = key
            self.bytes = bytes
        }
    }

    static let frameAlignment: UInt64 = 4096
    static let allocationBytes: UInt64 = 4 << 20

    private struct Name: Hashable {
        let kind: Kind
        let key: Digest
    }

    private struct State {
        var file: File
        var generation: UInt64
        var sequence: UInt64 = 0
        var end: UInt64 = 0
        var allocated: UInt64 = 0
        var live: [Name: (order: UInt64, bytes: [UInt8])] = [:]
        var liveBytes: UInt64 = 0
        var order: UInt64 = 0
        /// What the disk has is unknown from the first write until the sync succeeded.
        var isWriting = false
        /// Set when a write failed: nothing more is promised.
        var failure: StoreError?
    }

    private let directory: String
    private let rewriteBytes: UInt64
    private let state: Mutex<State>

    /// Opens or creates the journal in `directory`.
    ///
    /// - Throws: `.damaged` if a record that was promised is not there.
    init(directory: String, rewriteBytes: UInt64) throws(StoreError) {
        self.directory = directory
        self.rewriteBytes = rewriteBytes
        try Files.makeDirectory(directory)
        self.state = Mutex(try Self.recover(directory))
    }

    /// The live records in the order written.
    package var records: [Record] {
        self.state.withLock { Self.records($0) }
    }

    /// The live record of a kind and key.
    package func record(_ kind: Kind, key: Digest = .zero) -> [UInt8]? {
        self.state.withLock { $0.live[Name(kind: kind, key: key)]?.bytes }
    }

    /// Writes records as one batch with one fdatasync: all or none survive a crash.
    ///
    /// - Throws: the disk's error; every later append then throws it, too.
    package func append(_ records: [Record]) throws(StoreError) {
        try self.locked { (state) throws(StoreError) in
            guard !records.isEmpty else { return }
            try Self.write(records, &state)
            for record in records { Self.take(record, &state) }
            if state.end > max(self.rewriteBytes, 4 * state.liveBytes) {
                try self.switchFile(&state)
            }
        }
    }

    /// Lets records go whose content is now elsewhere; they vanish with the next switch of files.
    package func forget(_ kind: Kind, keys: [Digest]) {
        self.state.withLock { state in
            for key in keys {
                let old = state.live.removeValue(forKey: Name(kind: kind, key: key))
                state.liveBytes -= UInt64(old?.bytes.count ?? 0)
            }
        }
    }

    /// Writes the live records alone to the other file.
    package func rewrite() throws(StoreError) {
        try self.locked { (state) throws(StoreError) in try self.switchFile(&state) }
    }

    // MARK: Writing

    private func locked(
        _ body: (inout State) throws(StoreError) -> Void
    ) throws(StoreError) {
        let failure: StoreError? = self.state.withLock { state in
            if let failure = state.failure { return failure }
            do throws(StoreError) {
                try body(&state)
                return nil
            } catch {
                if state.isWriting { state.failure = error }
                return error
            }
        }
        if let failure { throw failure }
    }

    private static func write(_ records: [Record], _ state: inout State) throws(StoreError) {
        let bytes = JournalFrame.bytes(records, state.generation, state.sequence)
        let end = state.end + self.padded(bytes.count)
        if end > state.allocated {
            state.allocated = end + self.allocationBytes
            try state.file.allocate(state.allocated)
        }
        state.isWriting = true
        try state.file.write(bytes, at: state.end)
        try state.file.synchronize()
        state.isWriting = false
        state.end = end
        state.sequence += 1
    }

    private func switchFile(_ state: inout State) throws(StoreError) {
        let old = state.file
        let generation = state.generation + 1
        var next = state
        next.file = try File(self.directory + "/\(generation % 2)", .create)
        next.generation = generation
        (next.sequence, next.end, next.allocated) = (0, 0, try next.file.size())
        let needed = Self.padded(JournalFrame.bytes(Self.records(state), generation, 0).count)
        if needed > next.allocated {
            next.allocated = needed + Self.allocationBytes
            try next.file.allocate(next.allocated)
        }
        state.isWriting = true
        try Self.write(Self.records(state), &next)
        try Files.synchronizeDirectory(of: next.file.path)
        try Self.wipe(old)
        state = next
    }

    /// Makes a file's frame 0 check no more.
    private static func wipe(_ file: File) throws(StoreError) {
        try file.write([UInt8](repeating: 0, count: JournalFrame.headerBytes), at: 0)
        try file.synchronize()
    }

    private static func records(_ state: State) -> [Record] {
        state.live.sorted { $0.value.order < $1.value.order }.map {
            Record($0.key.kind, key: $0.key.key, $0.value.bytes)
        }
    }

    private static func take(_ record: Record, _ state: inout State) {
        let name = Name(kind: record.kind, key: record.key)
        let old = state.live.updateValue((state.order, record.bytes), forKey: name)
        state.liveBytes += UInt64(record.bytes.count)
        state.liveBytes -= UInt64(old?.bytes.count ?? 0)
        state.order += 1
    }

    private static func padded(_ count: Int) -> UInt64 {
        (UInt64(count) + self.frameAlignment - 1) / self.frameAlignment * self.frameAlignment
    }

    // MARK: Recovery

    private static func recover(_ directory: String) throws(StoreError) -> State {
        var found: [State] = []
        var isWritten = false
        for name in ["0", "1"] {
            let path = directory + "/" + name
            guard try Files.size(of: path) != nil else { continue }
            let file = try File(path, .write)
            if let state = try self.open(file) { found.append(state) }
            let head = try file.read(at: 0, count: JournalFrame.headerBytes)
            if head.contains(where: { $0 != 0 }) { isWritten = true }
        }
        if let newest = found.max(by: { $0.generation < $1.generation }) {
            for old in found where old.generation < newest.generation { try self.wipe(old.file) }
            return newest
        }
        guard !isWritten else {
            throw StoreError(.damaged, directory, detail: "no file of the journal checks")
        }
        return try self.create(directory)
    }

    private static func create(_ directory: String) throws(StoreError) -> State {
        let temporary = directory + "/new"
        try Files.removeIfThere(temporary)
        var state = State(file: try File(temporary, .createNew), generation: 0)
        try self.write([], &state)
        try Files.rename(temporary, to: directory + "/0")
        state.file = try File(directory + "/0", .write)
        return state
    }

    /// The records of a file; nil if its frame 0 does not check.
    private static func open(_ file: File) throws(StoreError) -> State? {
        let size = try file.size()
        guard let first = try JournalFrame.read(file, at: 0, size), first.sequence == 0 else {
            return nil
        }
        var state = State(file: file, generation: first.generation, allocated: size)
        var next: JournalFrame? = first
        while let frame = next {
            for record in frame.records { self.take(record, &state) }
            state.end += self.padded(frame.count)
            state.sequence += 1
            next = try JournalFrame.read(file, at: state.end, size)
            if next?.generation != state.generation || next?.sequence != state.sequence {
                next = nil
            }
        }
        var later = state.end + self.frameAlignment
        while later < size {
            if let frame = try JournalFrame.read(file, at: later, size),
                frame.generation == state.generation, frame.sequence > state.sequence
            {
                throw StoreError(.damaged, file.path, detail: "frame \(state.sequence)")
            }
            later += self.frameAlignment
        }
        return state
    }
}
