import Primitives

/// How a run on chunks sees one buffer: where its chunks lie and which were read.
///
/// - Invariant: `bytes` and `marks` hold every chunk of the buffer while a run uses them.
struct ChunkTable {
    static let shift = 12

    /// The whole buffer, or the chunks that a witness holds, each at a multiple of a chunk.
    var bytes: UnsafeRawPointer?
    /// One for each chunk. Gathering: 1 once it was read; otherwise 1 + its place in `bytes`, or 0
    /// where the witness lacks it.
    var marks: UnsafeMutablePointer<UInt8>?
    var isGathering = false
    /// The first chunk that was read and is not there.
    var missing: UInt64?

    /// Where the byte at `offset` lies; nil where its chunk is not there, which is noted.
    ///
    /// - Bounds: `offset` is inside the buffer.
    @inline(__always) mutating func address(ofByte offset: UInt64) -> UnsafeRawPointer? {
        let chunk = offset >> UInt64(Self.shift)
        let place = Int(truncatingIfNeeded: chunk)
        if let bytes = self.bytes, let marks = self.marks {
            if self.isGathering {
                marks[place] = 1
                return bytes + Int(truncatingIfNeeded: offset)
            }
            let slot = Int(marks[place])
            if slot != 0 {
                let inside = Int(truncatingIfNeeded: offset) & (1 << Self.shift - 1)
                return bytes + ((slot - 1) << Self.shift + inside)
            }
        }
        if self.missing == nil { self.missing = chunk }
        return nil
    }

    /// Copies a range of bytes, chunk by chunk; what is not there stays as it is.
    ///
    /// - Bounds: the range is inside the buffer, and `target` has room for it.
    mutating func copy(bytes range: Range<UInt64>, to target: UnsafeMutableRawPointer) {
        let size = UInt64(1) << UInt64(Self.shift)
        var start = range.lowerBound
        while start < range.upperBound {
            let end = min((start / size + 1) * size, range.upperBound)
            if let source = self.address(ofByte: start) {
                let place = target + Int(truncatingIfNeeded: start - range.lowerBound)
                place.copyMemory(from: source, byteCount: Int(truncatingIfNeeded: end - start))
            }
            start = end
        }
    }
}

/// The tables of all buffers of one run; buffers that are bound to blobs have one.
struct ChunkReads {
    private var tables: [ChunkTable?]
    private var marks: [[UInt8]]

    /// A run that gathers what it reads of whole buffers.
    init(gathering geometry: Geometry) {
        self.init(buffers: geometry.launch.buffers.count)
        for input in geometry.inputs {
            self.tables[input.buffer] = ChunkTable(isGathering: true)
            let chunks = Self.count(bytes: input.bytes)
            self.marks[input.buffer] = Array(repeating: 0, count: Int(clamping: chunks))
        }
    }

    /// A run on some chunks: for each buffer the indexes of its chunks, in the order of its bytes.
    ///
    /// - Bounds: at most ``LeafWitness/chunksMax`` chunks of one buffer, each inside it.
    init(geometry: Geometry, chunks: [[UInt64]]) {
        self.init(buffers: geometry.launch.buffers.count)
        for input in geometry.inputs {
            self.tables[input.buffer] = ChunkTable()
            guard !chunks[input.buffer].isEmpty else { continue }
            let count = Self.count(bytes: input.bytes)
            var marks = [UInt8](repeating: 0, count: Int(clamping: count))
            for (place, chunk) in chunks[input.buffer].enumerated() {
                marks[Int(clamping: chunk)] = UInt8(clamping: place + 1)
            }
            self.marks[input.buffer] = marks
        }
    }

    /// A run on whole buffers that nobody watches.
    init(buffers: Int) {
        self.tables = Array(repeating: nil, count: buffers)
        self.marks = Array(repeating: [], count: buffers)
    }

    /// Chunks of a blob of `bytes` bytes.
    static func count(bytes: UInt64) -> UInt64 {
        let size = UInt64(BlobHasher.chunkBytes)
        return bytes / size + (bytes % size == 0 ? 0 : 1)
    }

    /// The first buffer that lacked a chunk, and the first chunk that it lacked.
    var missing: (buffer: Int, chunk: UInt64)? {
        for (buffer, table) in self.tables.enumerated() {
            if let chunk = table?.missing { return (buffer, chunk) }
        }
        return nil
    }

    /// After gathering: the chunks of one buffer that were read, ascending.
    func read(of buffer: Int) -> [UInt64] {
        self.marks[buffer].enumerated().compactMap { $1 == 0 ? nil : UInt64($0) }
    }

    /// Gives `body` the table of a buffer in memory that stays, or nil if it has none.
    mutating func withTable<R>(
        of buffer: Int, bytes: UnsafeRawPointer?,
        _ body: (inout ChunkReads, UnsafeMutablePointer<ChunkTable>?) -> R
    ) -> R {
        guard var table = self.tables[buffer] else { return body(&self, nil) }
        table.bytes = bytes
        var marks = self.marks[buffer]
        self.marks[buffer] = []
        defer {
            table.bytes = nil
            table.marks = nil
            self.tables[buffer] = table
            self.marks[buffer] = marks
        }
        return marks.withUnsafeMutableBufferPointer { marks in
            // An empty array may have an address, too.
            table.marks = marks.isEmpty ? nil : marks.baseAddress
            return withUnsafeMutablePointer(to: &table) { body(&self, $0) }
        }
    }
}
