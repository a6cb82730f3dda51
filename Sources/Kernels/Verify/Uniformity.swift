/// Which variables and branches have one value in the whole group, and that barriers stand only
/// where all lanes are.
///
/// A variable is uniform when everything assigned to it is, and every assignment happens where all
/// lanes of the group are active. The largest such set is found by removing variables until nothing
/// changes.
///
/// - Bounds: each round walks every statement once; after ``roundsMax`` rounds everything counts as
///   varying.
struct Uniformity {
    static let roundsMax = 64

    private let tree: Tree
    private(set) var isVarying: [Bool]
    /// Loops, in the order of the walk, that lanes leave or continue apart.
    private var partsLanes: [Bool] = []
    private var nextLoop = 0
    private var changed = false
    private let barriers: [Position]
    private var nextBarrier = 0
    private var failure: KernelError?

    /// The tree with its `isUniform` marks set.
    ///
    /// - Throws: `kernel.barrier.divergent`.
    static func marked(
        _ tree: Tree, barriers: [Position]
    ) throws(KernelError) -> (Tree, isVarying: [Bool]) {
        var analysis = Uniformity(tree: tree, barriers: barriers)
        var body: Block = []
        var rounds = 0
        repeat {
            rounds += 1
            if rounds > Self.roundsMax { analysis.giveUp() }
            analysis.changed = false
            analysis.nextLoop = 0
            analysis.nextBarrier = 0
            analysis.failure = nil
            var control = Control()
            body = analysis.walk(tree.body, &control)
        } while analysis.changed
        if let failure = analysis.failure { throw failure }
        return (tree.with(body: body), analysis.isVarying)
    }

    /// What is known about the lanes at a point.
    private struct Control {
        /// Some lanes may not be here because of a branch, a loop, or an early leave.
        var isDivergent = false
        /// Set when lanes part for good: they rejoin after the scope, or after the loop.
        var leftScope = false
        var leftLoop = false
    }

    private init(tree: Tree, barriers: [Position]) {
        self.tree = tree
        self.barriers = barriers
        self.isVarying = [Bool](repeating: false, count: tree.variables.count)
    }

    private mutating func walk(_ block: Block, _ control: inout Control) -> Block {
        var result: Block = []
        result.reserveCapacity(block.count)
        for statement in block { result.append(self.walk(statement, &control)) }
        return result
    }

    private func isDivergent(_ control: Control) -> Bool {
        control.isDivergent || control.leftScope || control.leftLoop
    }

    private mutating func walk(_ statement: Statement, _ control: inout Control) -> Statement {
        switch statement {
        case .assign(let variable, let value):
            if self.isDivergent(control) || self.varies(value) { self.vary(variable) }
            return statement
        case .store, .clear: return statement
        case .leave:
            if self.isDivergent(control) { control.leftScope = true }
            return statement
        case .breakLoop, .continueLoop:
            if self.isDivergent(control) { control.leftLoop = true }
            return statement
        case .barrier:
            let position =
                self.nextBarrier < self.barriers.count ? self.barriers[self.nextBarrier] : .none
            self.nextBarrier += 1
            if self.isDivergent(control) && self.failure == nil {
                self.failure = KernelError(
                    code: "kernel.barrier.divergent", line: position.line, column: position.column,
                    message: "not all lanes of the group may reach this barrier",
                    fix: "move it out of branches and loops whose conditions differ between lanes, "
                        + "and return early only after the last barrier")
            }
            return statement
        case .branch(let branch): return self.walk(branch, &control)
        case .loop(let loop): return self.walk(loop, &control)
        case .scope(let body):
            var inner = control
            inner.leftScope = false
            let walked = self.walk(body, &inner)
            control.leftLoop = control.leftLoop || inner.leftLoop
            return .scope(walked)
        }
    }

    private mutating func walk(_ branch: Branch, _ control: inout Control) -> Statement {
        let uniform = !self.varies(branch.condition)
        var first = control
        var second = control
        if !uniform {
            first.isDivergent = true
            second.isDivergent = true
        }
        let then = self.walk(branch.then, &first)
        let otherwise = self.walk(branch.otherwise, &second)
        control.leftScope = first.leftScope || second.leftScope
        control.leftLoop = first.leftLoop || second.leftLoop
        return .branch(
            Branch(
                condition: branch.condition, then: then, otherwise: otherwise, isUniform: uniform))
    }

    /// Says that nothing is uniform, which is always safe.
    private mutating func giveUp() {
        self.isVarying = self.isVarying.map { _ in true }
        self.partsLanes = self.partsLanes.map { _ in true }
    }

    private mutating func walk(_ loop: Loop, _ control: inout Control) -> Statement {
        let number = self.nextLoop
        self.nextLoop += 1
        if number == self.partsLanes.count { self.partsLanes.append(false) }
        // Lanes that part in one iteration are apart in the next.
        var inner = control
        inner.leftLoop = false
        inner.isDivergent = inner.isDivergent || self.partsLanes[number]
        let parts = self.pass(loop, &inner)
        let varies = loop.condition.map { self.varies($0) } ?? false
        let leavesScope = inner.leftScope != control.leftScope
        if varies || inner.leftLoop || leavesScope, !self.partsLanes[number] {
            self.partsLanes[number] = true
            self.changed = true
        }
        control.leftScope = inner.leftScope
        return .loop(
            Loop(
                bound: loop.bound, testsFirst: loop.testsFirst, header: parts.header,
                condition: loop.condition, body: parts.body, step: parts.step,
                isUniform: !self.partsLanes[number] && !self.isDivergent(control)))
    }

    private mutating func pass(
        _ loop: Loop, _ control: inout Control
    ) -> (header: Block, body: Block, step: Block) {
        if loop.testsFirst {
            let header = self.walk(loop.header, &control)
            if let condition = loop.condition, self.varies(condition) { control.isDivergent = true }
            let body = self.walk(loop.body, &control)
            return (header, body, self.walk(loop.step, &control))
        }
        let body = self.walk(loop.body, &control)
        let step = self.walk(loop.step, &control)
        return (self.walk(loop.header, &control), body, step)
    }

    private mutating func vary(_ variable: Int) {
        guard !self.isVarying[variable] else { return }
        self.isVarying[variable] = true
        self.changed = true
    }

    private func varies(_ expression: Expression) -> Bool {
        switch expression.node {
        case .constant, .scalar: return false
        case .variable(let variable): return self.isVarying[variable]
        case .query(let query, _): return query == .localID || query == .globalID
        case .load(let place):
            switch place.object {
            case .buffer(let number):
                return self.tree.buffers[number].role.isWritten || self.varies(place.index)
            // A race-free read of one cell gives all lanes one value.
            case .local, .constant: return self.varies(place.index)
            case .privately: return true
            }
        default:
            var found = false
            expression.node.forEachOperand { if self.varies($0) { found = true } }
            return found
        }
    }
}

extension Tree {
    /// The same kernel with another body.
    func with(body: Block) -> Tree {
        Tree(
            localSize: self.localSize, buffers: self.buffers, scalars: self.scalars,
            locals: self.locals, privates: self.privates, constants: self.constants,
            variables: self.variables, body: body, usesFloat: self.usesFloat,
            nodeCount: self.nodeCount)
    }
}
