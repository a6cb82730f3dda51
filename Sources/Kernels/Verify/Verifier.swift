/// Walks a checked tree with ``Facts``, twice: first to rewrite it (cells of stores, bounds of
/// loops), then to collect the accesses to shared memory and prove them free of races.
///
/// - Bounds: ``statementsMax`` statements visited; loops with barriers are followed round by round
///   while their conditions are known, at most ``roundsMax`` rounds.
struct Verifier {
    static let statementsMax = 1 << 16
    static let roundsMax = 64

    enum Mode { case rewrite, collect }

    let tree: Tree
    let manifest: Manifest
    let isVarying: [Bool]
    let mode: Mode
    var evaluator: Evaluator
    var facts: Facts
    /// Lanes that may be active.
    var mask: [Bool]
    /// Barriers that may be the last one before this point.
    var intervals = Intervals()
    var lastInterval = 0
    var accesses: [Access] = []
    var stores: [Position]
    var nextStore = 0
    var visited = 0
    var position = Position.none
    /// Indexes of stores to buffers, and comparisons that may bound them; for ``Inference``.
    var indexes: [(buffer: Int, polynomial: Polynomial)] = []
    var guards: [(polynomial: Polynomial, limit: ScalarExpression)] = []

    /// The tree with cells and bounds.
    ///
    /// - Throws: ``KernelError`` of ``RaceProof``, and `manifest.layout.scalar` for a layout that
    ///   mentions what is not an integer scalar.
    static func verified(
        _ tree: Tree, isVarying: [Bool], manifest: Manifest, stores: [Position]
    ) throws(KernelError) -> Tree {
        try Self.checkNames(tree, manifest)
        var first = Verifier(
            tree: tree, manifest: manifest, isVarying: isVarying, mode: .rewrite, stores: stores)
        let body = try first.walk(tree.body)
        let rewritten = tree.with(body: body)
        var second = Verifier(
            tree: rewritten, manifest: manifest, isVarying: isVarying, mode: .collect,
            stores: stores)
        _ = try second.walk(body)
        try RaceProof.check(second.accesses)
        return rewritten
    }

    private static func checkNames(_ tree: Tree, _ manifest: Manifest) throws(KernelError) {
        for buffer in manifest.buffers {
            var expressions = [buffer.origin]
            for axis in buffer.axes {
                expressions += [axis.block, axis.limit, axis.stride]
                if let source = axis.source { expressions += [source.divisor, source.modulus] }
            }
            for name in expressions.flatMap(\.names) {
                guard tree.scalars.contains(where: { $0.name == name && $0.type.isInteger }) else {
                    throw KernelError(
                        code: "manifest.layout.scalar",
                        message: "the layout of \(buffer.name) mentions \(name)",
                        fix: "use integer scalar parameters of the kernel, groups.x, local.x")
                }
            }
        }
    }

    init(
        tree: Tree, manifest: Manifest, isVarying: [Bool], mode: Mode, stores: [Position]
    ) {
        self.tree = tree
        self.manifest = manifest
        self.isVarying = isVarying
        self.mode = mode
        self.stores = stores
        self.evaluator = Evaluator(tree: tree)
        self.facts = Facts(count: tree.variables.count)
        self.mask = [Bool](repeating: true, count: tree.lanes)
    }

    // Walk -----------------------------------------------------------------------------------

    mutating func walk(_ block: Block) throws(KernelError) -> Block {
        var result: Block = []
        for statement in block { result.append(try self.walk(statement)) }
        return result
    }

    private mutating func walk(_ statement: Statement) throws(KernelError) -> Statement {
        self.visited += 1
        guard self.visited <= Self.statementsMax, self.accesses.count <= RaceProof.recordsMax else {
            throw KernelError(
                code: "kernel.limit.verifier", message: "the kernel takes too long to verify",
                fix: "use fewer nested loops with barriers, and fewer accesses to shared memory")
        }
        switch statement {
        case .assign(let variable, let value):
            self.read(value)
            self.assign(variable, value)
            return statement
        case .store(let store):
            self.position =
                self.nextStore < self.stores.count ? self.stores[self.nextStore] : self.position
            self.nextStore += 1
            self.read(store.place.index)
            self.read(store.value)
            return .store(self.store(store))
        case .clear, .leave, .breakLoop, .continueLoop: return statement
        case .barrier(let global):
            self.lastInterval += 1
            self.intervals.local = [self.lastInterval]
            if global { self.intervals.global = [self.lastInterval] }
            return statement
        case .branch(let branch): return .branch(try self.branch(branch))
        case .loop(let loop): return .loop(try self.loop(loop))
        case .scope(let body):
            let mask = self.mask
            let walked = try self.walk(body)
            // Lanes that left early have not run all of it.
            self.facts.forget(body.assignedVariables)
            self.mask = mask
            return .scope(walked)
        }
    }

    private mutating func assign(_ variable: Int, _ value: Expression) {
        let isInteger = value.type.isScalar && value.type.base.isInteger
        let polynomial = isInteger ? self.evaluator.polynomial(value, self.facts) : nil
        let bits =
            isInteger && self.mode == .collect ? self.evaluator.bits(value, self.facts) : nil
        self.facts.set(variable, polynomial, lanes: bits, self.evaluator.table)
    }

    private mutating func branch(_ branch: Branch) throws(KernelError) -> Branch {
        self.read(branch.condition)
        let (facts, mask, intervals) = (self.facts, self.mask, self.intervals)
        let decided =
            self.mode == .collect ? self.evaluator.bits(branch.condition, self.facts) : nil
        self.mask = self.masked(mask, branch.condition, decided)
        let then = try self.walk(branch.then)
        let thenIntervals = self.intervals
        self.facts = facts
        self.intervals = intervals
        if let decided {
            self.mask = zip(mask, decided).map { $0 && $1 == 0 }
        } else {
            self.mask = mask
        }
        let otherwise = try self.walk(branch.otherwise)
        self.intervals = self.intervals.union(thenIntervals)
        self.facts = facts
        let assigned = branch.then.assignedVariables + branch.otherwise.assignedVariables
        self.facts.forget(assigned)
        self.mask = mask
        if let decided {
            // Lanes that certainly left are gone.
            if branch.then.endsLeaving { self.mask = zip(self.mask, decided).map { $0 && $1 == 0 } }
            if branch.otherwise.endsLeaving {
                self.mask = zip(self.mask, decided).map { $0 && $1 != 0 }
            }
        }
        return Branch(
            condition: branch.condition, then: then, otherwise: otherwise,
            isUniform: branch.isUniform)
    }

    /// Lanes of a mask where a condition may hold.
    private mutating func masked(
        _ mask: [Bool], _ condition: Expression, _ decided: [UInt64]?
    ) -> [Bool] {
        if let decided { return zip(mask, decided).map { $0 && $1 != 0 } }
        guard self.mode == .collect, case .and(let left, let right) = condition.node else {
            return mask
        }
        let first = self.masked(mask, left, self.evaluator.bits(left, self.facts))
        return self.masked(first, right, self.evaluator.bits(right, self.facts))
    }

    // Loops ----------------------------------------------------------------------------------

    private mutating func loop(_ loop: Loop) throws(KernelError) -> Loop {
        let bound =
            self.mode == .rewrite && loop.bound == .fuel
            ? LoopBounds.bound(of: loop, tree: self.tree, facts: self.facts, &self.evaluator)
            : nil
        let mask = self.mask
        let firstStore = self.nextStore
        if self.mode == .collect && loop.isUniform && loop.touchesBarriers {
            if try self.follow(loop) {
                self.nextStore = firstStore + Self.storeCount(loop)
                self.mask = mask
                return loop
            }
        }
        let assigned = loop.assignedVariables
        self.facts.forget(assigned)
        let before = self.intervals
        let started = self.lastInterval
        self.nextStore = firstStore
        var parts = try self.round(loop, first: loop.testsFirst)
        if self.mode == .collect && loop.touchesBarriers {
            // A second round, entered from the end of the first.
            self.intervals = before.union(self.intervals)
            self.facts.forget(assigned)
            self.nextStore = firstStore
            self.mask = mask
            parts = try self.round(loop, first: true)
            let inside = Array((started + 1)..<(self.lastInterval + 1))
            self.intervals = before.union(self.intervals)
                .union(Intervals(local: inside, global: inside))
        }
        self.facts.forget(assigned)
        self.mask = mask
        return Loop(
            bound: bound ?? loop.bound, testsFirst: loop.testsFirst, header: parts.header,
            condition: loop.condition, body: parts.body, step: parts.step,
            isUniform: loop.isUniform)
    }

    private mutating func round(
        _ loop: Loop, first: Bool
    ) throws(KernelError) -> (header: Block, body: Block, step: Block) {
        // Stores are numbered as they were made: the header of a do loop comes last.
        let mask = self.mask
        var header: Block = []
        if loop.testsFirst {
            header = try self.walk(loop.header)
            if let condition = loop.condition { self.read(condition) }
        }
        let body = try self.walk(loop.body)
        self.mask = mask
        if loop.body.contains(where: \.continuesLoop) {
            self.facts.forget(loop.body.assignedVariables)
        }
        let step = try self.walk(loop.step)
        if !loop.testsFirst {
            header = try self.walk(loop.header)
            if let condition = loop.condition { self.read(condition) }
        }
        return (header, body, step)
    }

    /// Follows a uniform loop round by round; false when its condition becomes unknown.
    private mutating func follow(_ loop: Loop) throws(KernelError) -> Bool {
        guard !loop.body.contains(where: { $0.leavesLoop || $0.leavesScope || $0.continuesLoop })
        else { return false }
        let (facts, intervals) = (self.facts, self.intervals)
        let firstStore = self.nextStore
        for number in 0..<Self.roundsMax {
            if number > 0 || loop.testsFirst {
                _ = try self.walk(loop.header)
                guard let condition = loop.condition,
                    let bits = self.evaluator.bits(condition, self.facts)
                else { break }
                self.read(condition)
                if bits.allSatisfy({ $0 == 0 }) { return true }
                guard bits.allSatisfy({ $0 != 0 }) else { break }
            }
            self.nextStore = firstStore
            _ = try self.walk(loop.body)
            _ = try self.walk(loop.step)
        }
        self.facts = facts
        self.intervals = intervals.union(self.intervals)
        return false
    }

    private static func storeCount(_ loop: Loop) -> Int {
        (loop.header + loop.body + loop.step).reduce(0) { $0 + $1.storeCount }
    }
}
