/// Re-runs leaves of one kernel, bit for bit as an honest device would have run them.
///
/// No clock, thread or device: the same arguments give the same bytes and the same gas on every
/// machine. A referee keeps the memory of one group between runs; it is not shared between threads.
///
/// - Bounds: ``Program/frameBytesMax`` of memory, and the slice; time by the geometry's `leafGas`.
package struct Referee {
    private let program: Program
    private var storage: [UInt64] = []
    private var constants: [UInt64]
    private let localIDs: [[UInt64]]

    package init(_ kernel: Kernel) { self.init(program: kernel.program) }

    init(program: Program) {
        self.program = program
        self.constants = Self.words(program.constants)
        let size = program.localSize.map { UInt64(max($0, 1)) }
        self.localIDs = (0..<3).map { axis in
            let below = size[..<axis].reduce(1, *)
            return (0..<program.width).map { UInt64($0) / below % size[axis] }
        }
    }

    /// Runs one leaf.
    ///
    /// - Parameter inputs: one per buffer, exactly as long as its binding; empty where nothing is
    ///   bound.
    /// - Throws: ``RefereeError``, in the order of its cases; nothing else can happen, whatever the
    ///   inputs.
    package mutating func run(
        leaf: UInt64, launch: Int, order: WorkOrder, geometry: Geometry, inputs: [[UInt8]]
    ) throws(RefereeError) -> LeafRun {
        guard order.launches.indices.contains(launch), order.launches[launch] == geometry.launch
        else { throw .launchMismatch }
        return try self.run(
            leaf: leaf, geometry: geometry, inputs: inputs, gasLimit: geometry.leafGas)
    }

    /// Runs one leaf of the geometry's launch under a gas limit of the caller's.
    mutating func run(
        leaf: UInt64, geometry: Geometry, inputs: [[UInt8]], gasLimit: UInt64
    ) throws(RefereeError) -> LeafRun {
        try self.check(leaf: leaf, geometry: geometry)
        try self.check(inputs, geometry: geometry)
        var chunks = ChunkReads(buffers: inputs.count)
        return try self.run(
            leaf: leaf, geometry: geometry, inputs: inputs, chunks: &chunks, gasLimit: gasLimit)
    }

    /// Runs one leaf after ``check(leaf:geometry:)``, on buffers or on chunks of them.
    ///
    /// - Parameter inputs: one per buffer; whole where `chunks` has no table, else what the table
    ///   is of.
    mutating func run(
        leaf: UInt64, geometry: Geometry, inputs: [[UInt8]], chunks: inout ChunkReads,
        gasLimit: UInt64
    ) throws(RefereeError) -> LeafRun {
        var outputs = Outputs(geometry: geometry, leaf: leaf)
        guard outputs.bytes <= Limits.sliceBytes else { throw .sliceTooLarge(outputs.bytes) }
        guard FloatArithmetic.environmentIsExact() else { throw .floatEnvironment }
        outputs.allocate()
        if self.storage.isEmpty {
            self.storage = Array(repeating: 0, count: self.program.frameBytes / 8 + 1)
        }
        let (program, localIDs) = (self.program, self.localIDs)
        let gas = self.storage.withUnsafeMutableBytes { storage -> UInt64? in
            self.constants.withUnsafeMutableBytes { constants -> UInt64? in
                guard let base = storage.baseAddress else { return nil }
                let runner = LeafRunner(
                    program: program, geometry: geometry,
                    frame: Frame(base: base, width: program.width, lanes: program.lanes),
                    constants: constants.baseAddress, gasLimit: gasLimit,
                    localIDs: localIDs)
                return runner.run(
                    leaf: leaf, inputs: inputs, outputs: &outputs, chunks: &chunks)
            }
        }
        guard let gas else { throw .gasExhausted(limit: gasLimit) }
        return LeafRun(slice: outputs.slice(), gas: gas)
    }

    /// That the geometry is of this kernel and has the leaf.
    func check(leaf: UInt64, geometry: Geometry) throws(RefereeError) {
        let buffers = geometry.launch.buffers
        // The geometry of another kernel is refused, not trusted.
        let expected = self.program.objects.prefix { $0.isBuffer }
        guard buffers.count == expected.count, geometry.boxes.count == expected.count,
            geometry.elementBytes == expected.map(\.element.bytes),
            zip(geometry.boxes, expected).allSatisfy({ ($0 != nil) == $1.isOwned }),
            geometry.launch.scalars.map(\.type) == self.program.scalars
        else { throw .launchMismatch }
        guard leaf < geometry.leafCount else { throw .noSuchLeaf(leaf) }
    }

    /// That there is one input per buffer, as long as its binding.
    func check(_ inputs: [[UInt8]], geometry: Geometry) throws(RefereeError) {
        let buffers = geometry.launch.buffers
        guard inputs.count == buffers.count else {
            throw .inputCount(expected: buffers.count, found: inputs.count)
        }
        for (number, input) in inputs.enumerated() {
            let bytes = buffers[number].elements * UInt64(geometry.elementBytes[number])
            let mayBeEmpty: Bool
            if case .zero = buffers[number].source { mayBeEmpty = true } else { mayBeEmpty = false }
            guard UInt64(input.count) == bytes || mayBeEmpty && input.isEmpty else {
                throw .inputBytes(buffer: number, expected: bytes, found: UInt64(input.count))
            }
        }
    }

    /// The next run starts from zeros in all memory, so that what it reads of chunks hangs on
    /// nothing but its leaf.
    mutating func forget() { self.storage = [] }

    private static func words(_ bytes: [UInt8]) -> [UInt64] {
        var words = Array(repeating: UInt64(0), count: bytes.count / 8 + 1)
        for (index, byte) in bytes.enumerated() {
            words[index / 8] |= UInt64(byte) << UInt64(8 * (index % 8))
        }
        return words
    }
}

/// The slices of one leaf while its groups run: for each written buffer, its groups' cells one
/// after the other.
struct Outputs {
    /// Bytes of the whole slice.
    private(set) var bytes: UInt64 = 0
    /// For each buffer, 8-byte aligned storage and its bytes in use.
    var cells: [[UInt64]] = []
    private var sizes: [UInt64] = []

    init(geometry: Geometry, leaf: UInt64) {
        for (buffer, box) in geometry.boxes.enumerated() {
            var size: UInt64 = 0
            if let box {
                for group in geometry.groups(ofLeaf: leaf) {
                    let ranges = box.ranges(ofGroup: geometry.coordinates(ofGroup: group))
                    size += box.count(in: ranges) * UInt64(geometry.elementBytes[buffer])
                }
            }
            self.sizes.append(size)
            self.bytes += size
        }
    }

    /// Makes room; call when ``bytes`` is known to be within the limit.
    mutating func allocate() {
        self.cells = self.sizes.map { Array(repeating: 0, count: Int($0 / 8) + 1) }
    }

    /// The bytes, buffer after buffer.
    func slice() -> [UInt8] {
        var slice: [UInt8] = []
        slice.reserveCapacity(Int(self.bytes))
        for (words, size) in zip(self.cells, self.sizes) {
            words.withUnsafeBytes { slice.append(contentsOf: $0.prefix(Int(size))) }
        }
        return slice
    }
}
