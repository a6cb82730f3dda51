import Primitives

/// Turns a checked tree into referee code: allocates registers, emits instructions, binds labels.
///
/// - Bounds: ``codeMax`` instructions and ``Program/frameBytesMax`` bytes of registers; beyond them
///   a typed error, never an allocation.
struct Lowering {
    static let codeMax = 1 << 18

    /// Where one number (not a vector) lies. Offsets from 0 up are uniform values; below 0 they are
    /// rows, -1 - unit, until ``finish()`` knows how many uniform values there are.
    struct Operand: Hashable {
        var offset: Int32
        var isUniform: Bool
        var isWide: Bool
        var isTemporary: Bool
    }

    /// Where a jump goes; bound once.
    struct Label: Hashable { let number: Int }

    let tree: Tree
    let facts: Divergence
    let fuel: UInt64

    var code: [Instruction] = []
    private var targets: [Int] = []
    private var jumps: [(at: Int, to: Label)] = []
    var pendingGas: UInt64 = 0

    private var uniforms = 1  // Slot 0 stays zero.
    private var freeUniforms: [Int32] = []
    private var rowUnits = 0
    private var freeRows: [Int32] = []
    private var freeWideRows: [Int32] = []
    private var constants = Lookup<UInt64, Int32>()
    var presets: [Program.Preset] = []
    var variables: [[Operand]] = []
    private var scalars: [Operand?]
    private var queries: [Operand?] = Array(repeating: nil, count: 12)
    private(set) var fullMask: Operand
    private var failure: KernelError?

    // Walk state, see Lowering+Statement.
    var control = 0
    var set = 0
    var mask: Operand?
    var regionEnd: Label
    var scope: ScopeContext
    var loop: LoopContext?

    struct ScopeContext {
        /// Mask of the lanes that left; nil where none can leave apart.
        var gone: Operand?
        var end: Label
        var depth: Int
    }

    struct LoopContext {
        /// Mask of the lanes that wait for the end of the body; nil where none can continue apart.
        var continued: Operand?
        var breakLabel: Label
        var continueLabel: Label
        var loopDepth: Int
        var bodyDepth: Int
    }

    /// Number of masked regions around the current statement. A jump whose target has the same
    /// depth takes all active lanes.
    var depth = 0

    init(_ tree: Tree, facts: Divergence, fuel: UInt64) {
        self.tree = tree
        self.facts = facts
        self.fuel = fuel
        self.scalars = Array(repeating: nil, count: tree.scalars.count)
        let blank = Operand(offset: 0, isUniform: false, isWide: false, isTemporary: false)
        self.fullMask = blank
        let end = Label(number: 0)
        self.targets = [-1]
        self.regionEnd = end
        self.scope = ScopeContext(gone: nil, end: end, depth: 0)
        self.fullMask = self.row(wide: false)
        self.fullMask.isTemporary = false
    }

    // MARK: errors

    mutating func fail(_ code: String, _ message: String, _ fix: String) {
        if self.failure == nil {
            self.failure = KernelError(code: code, message: message, fix: fix)
        }
    }

    var hasFailed: Bool { self.failure != nil }

    // MARK: registers

    mutating func row(wide: Bool) -> Operand {
        let unit: Int32
        if wide, let free = self.freeWideRows.popLast() {
            unit = free
        } else if !wide, let free = self.freeRows.popLast() {
            unit = free
        } else {
            unit = Int32(clamping: self.rowUnits)
            self.rowUnits += wide ? 2 : 1
            if self.rowUnits * 4 * Frame.width(lanes: self.tree.lanes) > Program.frameBytesMax {
                self.fail(
                    "kernel.limit.registers",
                    "the variables of a group need more than \(Program.frameBytesMax) bytes",
                    "use fewer or smaller private variables, or a smaller group")
                self.rowUnits = 16
            }
        }
        return Operand(offset: -1 - unit, isUniform: false, isWide: wide, isTemporary: true)
    }

    mutating func uniform(wide: Bool) -> Operand {
        if let free = self.freeUniforms.popLast() {
            return Operand(offset: free, isUniform: true, isWide: wide, isTemporary: true)
        }
        let slot = Int32(clamping: self.uniforms)
        self.uniforms += 1
        return Operand(offset: slot &* 8, isUniform: true, isWide: wide, isTemporary: true)
    }

    mutating func register(uniform: Bool, wide: Bool) -> Operand {
        uniform ? self.uniform(wide: wide) : self.row(wide: wide)
    }

    mutating func release(_ operand: Operand) {
        guard operand.isTemporary else { return }
        if operand.isUniform {
            self.freeUniforms.append(operand.offset)
        } else if operand.isWide {
            self.freeWideRows.append(-1 - operand.offset)
        } else {
            self.freeRows.append(-1 - operand.offset)
        }
    }

    mutating func release(_ operands: [Operand]) {
        for operand in operands { self.release(operand) }
    }

    /// A register that keeps its value for the whole kernel.
    mutating func permanent(uniform: Bool, wide: Bool) -> Operand {
        var operand: Operand
        if uniform {
            operand = Operand(
                offset: Int32(clamping: self.uniforms) &* 8, isUniform: true, isWide: wide,
                isTemporary: false)
            self.uniforms += 1
        } else {
            operand = self.row(wide: wide)
            operand.isTemporary = false
        }
        return operand
    }

    mutating func constant(_ bits: UInt64, wide: Bool) -> Operand {
        if bits == 0 {
            return Operand(offset: 0, isUniform: true, isWide: wide, isTemporary: false)
        }
        if let offset = self.constants[bits] {
            return Operand(offset: offset, isUniform: true, isWide: wide, isTemporary: false)
        }
        let operand = self.permanent(uniform: true, wide: wide)
        self.constants[bits] = operand.offset
        self.presets.append(.constant(offset: operand.offset, bits: bits))
        return operand
    }

    mutating func scalar(_ number: Int) -> Operand {
        if let operand = self.scalars[number] { return operand }
        let type = self.tree.scalars[number].type
        let operand = self.permanent(uniform: true, wide: type.bits == 64)
        self.scalars[number] = operand
        self.presets.append(.scalar(offset: operand.offset, number: number))
        return operand
    }

    mutating func query(_ query: Query, axis: Int) -> Operand {
        let key = Int(query.rawValue) * 3 + axis
        if let operand = self.queries[key] { return operand }
        let isUniform = query == .groupID || query == .numGroups
        let operand = self.permanent(uniform: isUniform, wide: true)
        self.queries[key] = operand
        self.presets.append(.query(offset: operand.offset, query, axis: axis))
        return operand
    }

    // MARK: code

    mutating func emit(_ instruction: Instruction) {
        guard self.code.count < Self.codeMax else {
            self.fail(
                "kernel.limit.code",
                "the kernel needs more than \(Self.codeMax) referee instructions",
                "split the kernel, or use loops in place of repeated text")
            return
        }
        self.code.append(instruction)
    }

    mutating func label() -> Label {
        self.targets.append(-1)
        return Label(number: self.targets.count - 1)
    }

    /// Control arrives here: what was charged before must not be skipped.
    mutating func bind(_ label: Label) {
        self.flushGas()
        self.targets[label.number] = self.code.count
    }

    mutating func jump(_ control: Control, _ a: Operand? = nil, to label: Label) {
        self.flushGas()
        self.jumps.append((self.code.count, label))
        self.emit(Instruction(operation: .control(control), form: .uniform, a: a?.offset ?? 0))
    }

    mutating func charge(_ cost: UInt64) {
        self.pendingGas = self.pendingGas.saturatingSum(cost)
    }

    mutating func flushGas() {
        guard self.pendingGas > 0 else { return }
        let units = min(self.pendingGas, Program.gasUnitsMax)
        self.pendingGas = 0
        self.emit(
            Instruction(operation: .control(.gas), form: .uniform, immediate: Int64(units)))
    }

    // MARK: end

    /// Resolves labels and register numbers.
    ///
    /// - Throws: the first limit passed.
    mutating func finish() throws(KernelError) -> Program {
        if let failure = self.failure { throw failure }
        let width = Frame.width(lanes: self.tree.lanes)
        let uniformBytes = (self.uniforms * 8 + 63) & ~63
        func resolve(_ offset: Int32) -> Int32 {
            offset >= 0 ? offset : Int32(clamping: uniformBytes + Int(-1 - offset) * width * 4)
        }
        for (at, label) in self.jumps where at < self.code.count {
            self.code[at].immediate = Int64(self.targets[label.number])
        }
        for index in self.code.indices {
            self.code[index].d = resolve(self.code[index].d)
            self.code[index].a = resolve(self.code[index].a)
            self.code[index].b = resolve(self.code[index].b)
            self.code[index].c = resolve(self.code[index].c)
        }
        let presets = self.presets.map { $0.moved(resolve) }
        return try Program(
            code: self.code, tree: self.tree, facts: self.facts, presets: presets,
            fullMask: resolve(self.fullMask.offset), uniformBytes: uniformBytes,
            registerBytes: uniformBytes + self.rowUnits * width * 4)
    }
}
