/// A lowered kernel: what the referee runs.
///
/// - Invariant: operands lie inside the frame, jumps inside the code, objects exist, and the last
/// instruction is `halt`; `init` refuses anything else, so that running needs no checks of its own.
struct Program: Sendable {
    /// Bytes of one group's registers, private arrays and local memory together.
    static let frameBytesMax = 1 << 27
    /// Nodes of a tree, shared ones counted each time.
    static let nodesMax = 1 << 20
    /// Bytes that are cleared at the start of each group beyond what gas pays for.
    static let zeroBytesMax = 1 << 20
    /// Largest cost of one charge; anything above is over every limit.
    static let gasUnitsMax: UInt64 = 1 << 40

    /// What is in a register before the first instruction.
    enum Preset: Hashable, Sendable {
        case constant(offset: Int32, bits: UInt64)
        case scalar(offset: Int32, number: Int)
        case query(offset: Int32, Query, axis: Int)
        case zero(offset: Int32, isUniform: Bool, isWide: Bool)

        func moved(_ resolve: (Int32) -> Int32) -> Preset {
            switch self {
            case .constant(let offset, let bits): .constant(offset: resolve(offset), bits: bits)
            case .scalar(let offset, let number): .scalar(offset: resolve(offset), number: number)
            case .query(let offset, let query, let axis):
                .query(offset: resolve(offset), query, axis: axis)
            case .zero(let offset, let isUniform, let isWide):
                .zero(offset: resolve(offset), isUniform: isUniform, isWide: isWide)
            }
        }
    }

    /// Memory that instructions name by number.
    struct Object: Hashable, Sendable {
        enum Kind: Hashable, Sendable {
            /// Buffer n, read only or written.
            case input(Int)
            case owned(Int)
            /// Offset in the frame.
            case local(Int)
            /// Offset in the frame; element e of lane k lies at (e × width + k).
            case privately(Int)
            /// Offset in ``Program/constants``.
            case constant(Int)
        }

        let kind: Kind
        let element: ScalarType
        /// Elements; 0 for buffers, whose count the launch says.
        let count: Int

        var isBuffer: Bool {
            if case .input = self.kind { return true }
            return self.isOwned
        }

        var isOwned: Bool {
            if case .owned = self.kind { return true }
            return false
        }
    }

    let code: [Instruction]
    let presets: [Preset]
    let objects: [Object]
    /// Constant tables, little-endian, each at a multiple of 8.
    let constants: [UInt8]
    /// Types of the launch's scalars.
    let scalars: [ScalarType]
    /// Lanes along x, y and z.
    let localSize: [UInt32]
    let lanes: Int
    let width: Int
    let fullMask: Int32
    let frameBytes: Int
    /// Local memory, cleared for each group.
    let localRange: Range<Int>
    /// Private arrays that the kernel may read before it clears them.
    let clearedPrivates: [Range<Int>]

    /// Lowers a checked tree.
    ///
    /// - Bounds: time linear in the tree × ``Divergence/passesMax``.
    /// - Throws: `kernel.limit.tree`, `kernel.limit.registers`, `kernel.limit.code`,
    ///   `kernel.limit.uninitialised`, `kernel.unsupported.*`.
    init(lowering tree: Tree, fuel: UInt64) throws(KernelError) {
        try Self.checkSize(tree)
        var lowering = Lowering(tree, facts: Divergence(tree), fuel: fuel)
        lowering.lowerKernel()
        self = try lowering.finish()
    }

    init(
        code: [Instruction], tree: Tree, facts: Divergence, presets: [Preset], fullMask: Int32,
        uniformBytes: Int, registerBytes: Int
    ) throws(KernelError) {
        let width = Frame.width(lanes: tree.lanes)
        self.code = code
        self.presets = presets
        self.scalars = tree.scalars.map(\.type)
        self.localSize = tree.localSize
        self.lanes = tree.lanes
        self.width = width
        self.fullMask = fullMask
        // One more wide row, so that every offset up to `registerBytes` has a whole row behind it.
        var end = registerBytes + width * 8
        var objects = tree.buffers.enumerated().map { number, buffer in
            Object(
                kind: buffer.role.isWritten ? .owned(number) : .input(number),
                element: buffer.element, count: 0)
        }
        let localStart = end
        for array in tree.locals {
            objects.append(Object(kind: .local(end), element: array.element, count: array.count))
            end += (array.bytes + 63) & ~63
        }
        self.localRange = localStart..<end
        var cleared: [Range<Int>] = []
        for (number, array) in tree.privates.enumerated() {
            objects.append(
                Object(kind: .privately(end), element: array.element, count: array.count))
            let bytes = array.bytes * width
            if !facts.isDominated[tree.variables.count + number] {
                cleared.append(end..<end + bytes)
            }
            end += (bytes + 63) & ~63
        }
        self.clearedPrivates = cleared
        var constants: [UInt8] = []
        for table in tree.constants {
            objects.append(
                Object(
                    kind: .constant(constants.count), element: table.element,
                    count: table.values.count))
            for value in table.values {
                for byte in 0..<table.element.bytes {
                    constants.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)))
                }
            }
            while constants.count % 8 != 0 { constants.append(0) }
        }
        self.constants = constants
        self.objects = objects
        self.frameBytes = end
        try self.check(registerBytes: registerBytes, uniformBytes: uniformBytes)
    }

    /// A tree whose parts are shared counts them once; here they count each time.
    private static func checkSize(_ tree: Tree) throws(KernelError) {
        var budget = Self.nodesMax
        tree.body.spend(&budget)
        guard budget > 0 else {
            throw KernelError(
                code: "kernel.limit.tree",
                message: "the checked kernel unfolds to more than \(Self.nodesMax) nodes",
                fix: "call fewer helpers, use loops and variables")
        }
    }

    private func check(registerBytes: Int, uniformBytes: Int) throws(KernelError) {
        guard self.frameBytes <= Self.frameBytesMax else {
            throw KernelError(
                code: "kernel.limit.registers",
                message: "a group needs \(self.frameBytes) bytes; at most \(Self.frameBytesMax)",
                fix: "use fewer or smaller private variables and arrays, or a smaller group")
        }
        var zeroed = self.clearedPrivates.reduce(0) { $0 + $1.count }
        for preset in self.presets {
            if case .zero(_, let isUniform, let isWide) = preset, !isUniform {
                zeroed += self.width * (isWide ? 8 : 4)
            }
        }
        guard zeroed <= Self.zeroBytesMax else {
            throw KernelError(
                code: "kernel.limit.uninitialised",
                message: "\(zeroed) bytes of a group's variables start as zeros; at most "
                    + "\(Self.zeroBytesMax)",
                fix: "initialise variables and arrays where they are declared")
        }
        let registers = 0...Int32(clamping: registerBytes)
        let isSound = self.code.allSatisfy { i in
            guard [i.d, i.a, i.b, i.c].allSatisfy({ registers.contains($0) && $0 % 8 == 0 }) else {
                return false
            }
            switch i.operation {
            case .control(.jump), .control(.jumpIfFalse), .control(.jumpIfTrue),
                .control(.jumpIfNone):
                return i.immediate >= 0 && i.immediate < self.code.count
            case .control(.gas): return i.immediate >= 0
            case .memory: return i.immediate >= 0 && i.immediate & 0xffff < self.objects.count
            default: return true
            }
        }
        guard isSound, self.localSize.count == 3, self.code.last?.operation == .control(.halt)
        else {
            throw KernelError(
                code: "kernel.internal.lowering", message: "the lowered kernel is not sound",
                fix: "report this kernel")
        }
    }
}

extension Block {
    /// Takes one from `budget` for each statement and expression node, stopping at zero.
    fileprivate func spend(_ budget: inout Int) {
        for statement in self where budget > 0 {
            budget -= 1
            switch statement {
            case .assign(_, let value): value.spend(&budget)
            case .store(let store):
                store.value.spend(&budget)
                store.place.index.spend(&budget)
                for cell in store.cells { cell.spend(&budget) }
            case .branch(let branch):
                branch.condition.spend(&budget)
                branch.then.spend(&budget)
                branch.otherwise.spend(&budget)
            case .loop(let loop):
                loop.header.spend(&budget)
                loop.condition?.spend(&budget)
                loop.body.spend(&budget)
                loop.step.spend(&budget)
            case .scope(let body): body.spend(&budget)
            case .clear, .leave, .breakLoop, .continueLoop, .barrier: break
            }
        }
    }
}

extension Expression {
    fileprivate func spend(_ budget: inout Int) {
        guard budget > 0 else { return }
        budget -= 1
        var left = budget
        self.node.forEachOperand { $0.spend(&left) }
        budget = left
    }
}
