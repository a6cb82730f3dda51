package import Primitives

/// What one leaf reads of its input blobs, with the paths that lead to the blobs' ids: enough to
/// re-run the leaf without the blobs.
///
/// - Bounds: ``bytesMax`` in canonical bytes; of each list as many as fit into them.
/// - Source: protocol/jobs.md, "Fraud proofs".
package struct LeafWitness: Record {
    /// A witness, paths included, in canonical bytes at most.
    package static let bytesMax = 448 * 1024
    /// Chunks of one buffer: full ones of 4 KiB, the last one of the blob may be shorter.
    package static let chunksMax = LeafWitness.bytesMax / BlobHasher.chunkBytes
    /// Digests beside the paths of one buffer.
    package static let siblingsMax = LeafWitness.bytesMax / 32

    /// One chunk of a blob.
    package struct Chunk: Record {
        /// Position in the blob's tree.
        package var index: UInt64
        /// As many as the chunk has: 4,096, fewer in the blob's last chunk.
        package var bytes: [UInt8]

        package init(index: UInt64, bytes: [UInt8]) {
            self.index = index
            self.bytes = bytes
        }

        package static var blank: Chunk { Chunk(index: 0, bytes: []) }

        package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
            try visitor.field("index", &self.index)
            try visitor.bytes("bytes", &self.bytes, max: BlobHasher.chunkBytes)
        }
    }

    /// What the leaf reads of one buffer.
    package struct Buffer: Record {
        /// Number of the kernel's buffer parameter.
        package var buffer: UInt8
        /// By ascending index, at least one.
        package var chunks: [Chunk]
        /// What the chunks' digests lack to give the blob's root: see
        /// ``Merkle/root(of:count:siblings:_:_:)``.
        package var siblings: [Digest]

        package init(buffer: UInt8, chunks: [Chunk], siblings: [Digest]) {
            self.buffer = buffer
            self.chunks = chunks
            self.siblings = siblings
        }

        package static var blank: Buffer { Buffer(buffer: 0, chunks: [], siblings: []) }

        package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
            try visitor.field("buffer", &self.buffer)
            try visitor.list("chunks", &self.chunks, max: LeafWitness.chunksMax)
            try visitor.list("siblings", &self.siblings, max: LeafWitness.siblingsMax)
        }
    }

    /// By ascending buffer number; only buffers bound to blobs, and only those that are read.
    package var buffers: [Buffer]

    package init(buffers: [Buffer] = []) { self.buffers = buffers }

    package static var blank: LeafWitness { LeafWitness() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.list("buffers", &self.buffers, max: Limits.buffers)
    }

    /// Canonical bytes, counted without making them: also of a witness that has none because its
    /// lists are too long.
    package var byteCount: Int {
        func length(_ count: Int) -> Int {
            max(1, (Int.bitWidth - count.leadingZeroBitCount + 6) / 7)
        }
        return self.buffers.reduce(length(self.buffers.count)) { sum, buffer in
            let digests = length(buffer.siblings.count) + 32 * buffer.siblings.count
            return buffer.chunks.reduce(sum + 1 + length(buffer.chunks.count) + digests) {
                $0 + 8 + length($1.bytes.count) + $1.bytes.count
            }
        }
    }

    /// Whether every list and the whole are within their bounds.
    package var isBounded: Bool {
        self.byteCount <= Self.bytesMax && self.buffers.count <= Limits.buffers
            && self.buffers.allSatisfy {
                $0.chunks.count <= Self.chunksMax && $0.siblings.count <= Self.siblingsMax
            }
    }
}

/// Why a leaf was not run on a witness, or no witness could be made.
package enum WitnessError: Error, Hashable, Sendable {
    /// Over ``LeafWitness/bytesMax``.
    case tooLarge(bytes: Int)
    /// The part of this buffer: no blob is bound to it, it is out of order, or it has chunks that
    /// the blob does not have.
    case malformed(buffer: Int)
    /// The chunks of this buffer do not lead to its blob.
    case doesNotLead(buffer: Int)
    /// The leaf reads a chunk of this buffer that the witness lacks.
    case incomplete(buffer: Int, chunk: UInt64)
    /// The leaf cannot be run; out of gas is the kernel's fault.
    case referee(RefereeError)
}

extension Referee {
    /// Runs a leaf on what a witness holds alone: a chunk that the leaf reads and the witness lacks
    /// makes it ``WitnessError/incomplete(buffer:chunk:)``. Chunks that it does not read change
    /// nothing.
    ///
    /// A leaf reads what its active lanes load, whatever comes of it, and what its cells of an
    /// in-out buffer start as; both sides of `?:` count where neither has an effect.
    ///
    /// - Returns: bit for bit what ``run(leaf:launch:order:geometry:inputs:)`` gives on the blobs.
    /// - Throws: ``WitnessError``, in this order: too large; launch and leaf; malformed or does not
    ///   lead, buffer by buffer; slice and processor; incomplete; out of gas.
    /// - Bounds: hashes and copies at most ``LeafWitness/bytesMax``; time as the run on the blobs.
    package mutating func run(
        leaf: UInt64, launch: Int, order: WorkOrder, geometry: Geometry, witness: LeafWitness
    ) throws(WitnessError) -> LeafRun {
        guard witness.isBounded else { throw .tooLarge(bytes: witness.byteCount) }
        try self.checkWork(leaf: leaf, launch: launch, order: order, geometry: geometry)
        let (inputs, indexes) = try witness.opened(geometry)
        var chunks = ChunkReads(geometry: geometry, chunks: indexes)
        self.forget()
        let result: Result<LeafRun, RefereeError>
        do throws(RefereeError) {
            result = .success(
                try self.run(
                    leaf: leaf, geometry: geometry, inputs: inputs, chunks: &chunks,
                    gasLimit: geometry.leafGas))
        } catch { result = .failure(error) }
        // Reading zeros where bytes are missing may give anything and cost any gas.
        if let missing = chunks.missing {
            throw .incomplete(buffer: missing.buffer, chunk: missing.chunk)
        }
        switch result {
        case .success(let run): return run
        case .failure(let error): throw .referee(error)
        }
    }

    /// Runs a leaf and gathers what it reads.
    ///
    /// - Parameter inputs: as ``run(leaf:launch:order:geometry:inputs:)`` takes them; a buffer that
    ///   is bound to zeros is zeros, whatever is given for it. That the others are the order's
    ///   blobs is for the caller to know.
    /// - Throws: ``WitnessError/referee(_:)``, ``WitnessError/tooLarge(bytes:)``.
    package mutating func witness(
        leaf: UInt64, launch: Int, order: WorkOrder, geometry: Geometry, inputs: [[UInt8]]
    ) throws(WitnessError) -> (run: LeafRun, witness: LeafWitness) {
        try self.checkWork(leaf: leaf, launch: launch, order: order, geometry: geometry)
        var chunks = ChunkReads(gathering: geometry)
        self.forget()
        let run: LeafRun
        do throws(RefereeError) {
            try self.check(inputs, geometry: geometry)
            var blobs = inputs.map { _ in [UInt8]() }
            for input in geometry.inputs { blobs[input.buffer] = inputs[input.buffer] }
            run = try self.run(
                leaf: leaf, geometry: geometry, inputs: blobs, chunks: &chunks,
                gasLimit: geometry.leafGas)
        } catch { throw .referee(error) }
        let indexes = geometry.inputs.map { chunks.read(of: $0.buffer) }
        let count = indexes.reduce(0) { $0 + $1.count }
        guard count <= LeafWitness.chunksMax + geometry.inputs.count else {
            throw .tooLarge(bytes: count * BlobHasher.chunkBytes)
        }
        var witness = LeafWitness()
        for (input, indexes) in zip(geometry.inputs, indexes) where !indexes.isEmpty {
            witness.buffers.append(
                LeafWitness.Buffer(input.buffer, chunks: indexes, of: inputs[input.buffer]))
        }
        guard witness.isBounded else { throw .tooLarge(bytes: witness.byteCount) }
        return (run, witness)
    }

    private func checkWork(
        leaf: UInt64, launch: Int, order: WorkOrder, geometry: Geometry
    ) throws(WitnessError) {
        guard order.launches.indices.contains(launch), order.launches[launch] == geometry.launch
        else { throw .referee(.launchMismatch) }
        do throws(RefereeError) {
            try self.check(leaf: leaf, geometry: geometry)
        } catch { throw .referee(error) }
    }
}

extension LeafWitness.Buffer {
    /// Some chunks of a blob that is all at hand.
    fileprivate init(_ buffer: Int, chunks: [UInt64], of blob: [UInt8]) {
        let size = BlobHasher.chunkBytes
        func bytes(_ start: Int) -> ArraySlice<UInt8> {
            blob[start..<min(start + size, blob.count)]
        }
        let digests = stride(from: 0, to: blob.count, by: size).map { BlobHasher.chunk(bytes($0)) }
        self.init(
            buffer: UInt8(clamping: buffer),
            chunks: chunks.map { index in
                LeafWitness.Chunk(index: index, bytes: Array(bytes(Int(clamping: index) * size)))
            },
            siblings: Merkle.siblings(of: chunks, digests, .blob, .none))
    }

    /// The digests of the chunks, if they are chunks of a blob of `bytes` bytes.
    fileprivate func known(bytes: UInt64) -> [(index: UInt64, leaf: Digest)]? {
        let size = UInt64(BlobHasher.chunkBytes)
        let count = ChunkReads.count(bytes: bytes)
        var known: [(index: UInt64, leaf: Digest)] = []
        for chunk in self.chunks {
            guard chunk.index < count, known.last.map({ $0.index < chunk.index }) ?? true,
                UInt64(chunk.bytes.count) == min(size, bytes - chunk.index * size)
            else { return nil }
            known.append((chunk.index, BlobHasher.chunk(chunk.bytes[...])))
        }
        return known.isEmpty ? nil : known
    }
}

extension LeafWitness {
    /// For each buffer the chunks, one after the other, each at a multiple of 4 KiB, and their
    /// indexes; every one is a chunk of the blob that the buffer is bound to.
    ///
    /// - Bounds: the witness is bounded.
    fileprivate func opened(
        _ geometry: Geometry
    ) throws(WitnessError) -> (inputs: [[UInt8]], indexes: [[UInt64]]) {
        let count = geometry.launch.buffers.count
        var inputs = Array(repeating: [UInt8](), count: count)
        var indexes = Array(repeating: [UInt64](), count: count)
        var last = -1
        for part in self.buffers {
            let number = Int(part.buffer)
            guard number > last, let input = geometry.inputs.first(where: { $0.buffer == number }),
                let known = part.known(bytes: input.bytes)
            else { throw .malformed(buffer: number) }
            let root = Merkle.root(
                of: known, count: ChunkReads.count(bytes: input.bytes), siblings: part.siblings,
                .blob, .none)
            guard let root, BlobHasher.id(count: input.bytes, root: root) == input.blob else {
                throw .doesNotLead(buffer: number)
            }
            // Only the last chunk can be short, and nothing of it is read beyond its end.
            for chunk in part.chunks { inputs[number] += chunk.bytes }
            indexes[number] = part.chunks.map(\.index)
            last = number
        }
        return (inputs, indexes)
    }
}
