import Kernels
import Primitives

/// A kernel and one launch whose inputs are blobs: what a fraud proof is about.
struct WitnessRig {
    let kernel: Kernel
    let order: WorkOrder
    let geometry: Geometry
    let inputs: [[UInt8]]

    /// Every buffer that has data is bound to its blob; the others start as zeros.
    init(_ kernel: Kernel, _ launch: Launch, inputs: [[UInt8]]) throws {
        var bound = launch
        for (number, data) in inputs.enumerated() where !data.isEmpty {
            bound.buffers[number].source = .blob(BlobHasher.id(data))
        }
        self.kernel = kernel
        self.order = WorkOrder(kernel: kernel.package.id, launches: [bound])
        self.geometry = try kernel.geometry(launch: bound)
        self.inputs = inputs
    }

    init(_ rig: Rig) throws { try self.init(rig.kernel, rig.launch, inputs: rig.inputs) }

    /// A kernel with inferred layouts; `elements` of each buffer, and random data for those that
    /// are only read.
    init(
        source: String, local: Extent? = nil, groups: Extent, scalars: [Scalar], elements: [UInt64]
    ) throws {
        let kernel = try Front.kernel(source, local: local)
        var random = Generator(seed: Blake2b.hash(.vector, .none, Array(source.utf8)))
        let inputs = zip(kernel.package.manifest.buffers, elements).map { layout, count in
            layout.role == .in ? random.bytes(Int(count) * layout.element.bytes) : []
        }
        let launch = Launch(
            groups: groups, scalars: scalars,
            buffers: elements.map { Binding(.zero, elements: $0) })
        try self.init(kernel, launch, inputs: inputs)
    }

    var leaves: Range<UInt64> { 0..<self.geometry.leafCount }

    /// The ordinary run, on all of the inputs.
    func run(_ leaf: UInt64) throws -> LeafRun {
        var referee = Referee(self.kernel)
        return try referee.run(
            leaf: leaf, launch: 0, order: self.order, geometry: self.geometry, inputs: self.inputs)
    }

    /// The run on a witness alone.
    func run(_ leaf: UInt64, on witness: LeafWitness) throws(WitnessError) -> LeafRun {
        var referee = Referee(self.kernel)
        return try referee.run(
            leaf: leaf, launch: 0, order: self.order, geometry: self.geometry, witness: witness)
    }

    /// The run that gathers.
    func gather(_ leaf: UInt64) throws(WitnessError) -> (run: LeafRun, witness: LeafWitness) {
        var referee = Referee(self.kernel)
        return try referee.witness(
            leaf: leaf, launch: 0, order: self.order, geometry: self.geometry, inputs: self.inputs)
    }

    /// Why a run on a witness fails, or nil.
    func error(_ leaf: UInt64 = 0, on witness: LeafWitness) -> WitnessError? {
        do throws(WitnessError) {
            _ = try self.run(leaf, on: witness)
            return nil
        } catch { return error }
    }

    /// The part of a witness that holds some chunks of one buffer, with the right paths.
    func part(_ buffer: Int, _ indexes: [UInt64]) -> LeafWitness.Buffer {
        let chunks = self.chunks(of: buffer)
        return LeafWitness.Buffer(
            buffer: UInt8(buffer),
            chunks: indexes.map { LeafWitness.Chunk(index: $0, bytes: chunks[Int($0)]) },
            siblings: Merkle.siblings(
                of: indexes, chunks.map { BlobHasher.chunk($0[...]) }, .blob, .none))
    }

    /// All chunks of one buffer's blob.
    func chunks(of buffer: Int) -> [[UInt8]] {
        let blob = self.inputs[buffer]
        return stride(from: 0, to: blob.count, by: 4_096).map { start in
            Array(blob[start..<min(start + 4_096, blob.count)])
        }
    }

    /// The witness without one chunk, which still leads to the blobs.
    func without(_ chunk: UInt64, of buffer: UInt8, _ witness: LeafWitness) -> LeafWitness {
        let buffers = witness.buffers.compactMap { part -> LeafWitness.Buffer? in
            guard part.buffer == buffer else { return part }
            let rest = part.chunks.map(\.index).filter { $0 != chunk }
            return rest.isEmpty ? nil : self.part(Int(buffer), rest)
        }
        return LeafWitness(buffers: buffers)
    }
}

extension LeafWitness {
    /// The indexes of a buffer's chunks.
    func indexes(of buffer: Int) -> [UInt64] {
        self.buffers.first { $0.buffer == buffer }?.chunks.map(\.index) ?? []
    }
}
