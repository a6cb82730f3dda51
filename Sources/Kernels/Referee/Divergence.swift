/// Which values and which control of a kernel may differ between the lanes of a group.
///
/// Optimistic fixpoint: everything starts uniform and is demoted until nothing changes. After
/// ``passesMax`` passes everything left is demoted at once, so hostile text costs bounded time. Gas
/// is defined on the tree, so a cruder answer here changes speed, never a result.
///
/// A *region* is a stretch of the tree run under one mask: the kernel, a side of a divergent
/// branch, a divergent loop, the body of a loop some of whose lanes continue early, a scope that
/// some lanes leave. A variable's *home* is the region of the block that sets it first, when every
/// other use lies in that block afterwards; else the kernel. A store to a variable in its home
/// region needs no mask: lanes that are inactive there never read it again before it is set again.
struct Divergence {
    static let passesMax = 12

    /// What the lowering must know about one control statement.
    struct Facts: Hashable {
        /// Branch: lanes may disagree. Loop: lanes may end in different iterations. Scope: lanes
        /// leave apart.
        var isDivergent = false
        /// Loop: lanes may continue apart.
        var bodyIsDivergent = false
        /// Branch: what jumps out of it; loop: what jumps out of its body.
        var escapes: Escapes = []
    }

    /// Jumps that leave a piece of the tree.
    struct Escapes: OptionSet, Hashable {
        let rawValue: UInt8
        /// A break or continue.
        static let loop = Escapes(rawValue: 1)
        static let scope = Escapes(rawValue: 2)
    }

    /// For each control statement, in the order of the walk.
    private(set) var facts: [Facts] = []
    /// For each variable, then each private array: lanes may hold different values.
    private(set) var isVarying: [Bool]
    /// For each variable, then each private array: it is set before any other use, in a block
    /// around them.
    private(set) var isDominated: [Bool]
    /// Whether lanes leave the kernel apart.
    private(set) var kernelIsDivergent = false

    /// For each assignment and clear, in the order of the walk: it may be written without a mask.
    private(set) var isUnmasked: [Bool] = []

    private let tree: Tree
    private var blockOf: [Int]
    private var blockIsOpen: [Bool] = []

    // State of one pass.
    private var changed = false
    private var controls = 0
    private var region = 0
    private var regions = 1
    private var home: [Int]
    private var scopeRegion = 0
    private var loopRegion = 0
    private var bodyRegion = 0
    private var scopeControl: Int?
    private var loopControl = 0

    init(_ tree: Tree) {
        let count = tree.variables.count + tree.privates.count
        self.tree = tree
        self.isVarying = Array(repeating: false, count: count)
        self.isDominated = Array(repeating: true, count: count)
        self.blockOf = Array(repeating: -1, count: count)
        self.home = Array(repeating: 0, count: count)
        self.findDominators()
        for array in tree.variables.count..<count { self.isVarying[array] = true }
        var passes = 0
        repeat {
            self.changed = false
            self.pass()
            passes += 1
            if passes == Self.passesMax && self.changed { self.demoteAll() }
        } while self.changed
    }

    private mutating func pass() {
        self.controls = 0
        self.region = 0
        self.regions = 1
        self.scopeRegion = 0
        self.scopeControl = nil
        self.isUnmasked.removeAll(keepingCapacity: true)
        for index in self.home.indices { self.home[index] = self.isDominated[index] ? -1 : 0 }
        self.walk(self.tree.body)
    }

    private mutating func demoteAll() {
        for index in self.isVarying.indices { self.isVarying[index] = true }
        for index in self.facts.indices {
            self.facts[index].isDivergent = true
            self.facts[index].bodyIsDivergent = true
        }
        self.kernelIsDivergent = true
    }

    // MARK: values

    /// Whether lanes may disagree on the value.
    func varies(_ expression: Expression) -> Bool {
        switch expression.node {
        case .constant, .scalar: return false
        case .variable(let number): return self.isVarying[number]
        case .query(let query, _): return query == .localID || query == .globalID
        case .load(let place):
            if case .privately = place.object { return true }
            return self.varies(place.index)
        case .unary(_, let a), .not(let a), .cast(_, let a), .extract(let a, _):
            return self.varies(a)
        case .binary(_, let a, let b), .compare(_, let a, let b), .and(let a, let b),
            .or(let a, let b),
            .insert(let a, _, let b):
            return self.varies(a) || self.varies(b)
        case .choose(let a, let b, let c): return self.varies(a) || self.varies(b) || self.varies(c)
        case .call(_, let operands), .build(let operands):
            return operands.contains { self.varies($0) }
        }
    }

    // MARK: control

    private mutating func nextControl() -> Int {
        let number = self.controls
        self.controls += 1
        if number == self.facts.count { self.facts.append(Facts()) }
        return number
    }

    private mutating func enterRegion() {
        self.region = self.regions
        self.regions += 1
    }

    @discardableResult
    private mutating func walk(_ block: Block) -> Escapes {
        var escapes: Escapes = []
        for statement in block {
            escapes.formUnion(self.walk(statement))
            // What follows a jump is dead; the lowering stops there too.
            if statement.isJump { break }
        }
        return escapes
    }

    private mutating func walk(_ statement: Statement) -> Escapes {
        switch statement {
        case .assign(let variable, let value): self.onSet(variable, varying: self.varies(value))
        case .clear(let array): self.onSet(self.tree.variables.count + array, varying: true)
        case .store, .barrier: break
        case .branch(let branch): return self.walk(branch)
        case .loop(let loop): return self.walk(loop)
        case .scope(let body): self.walkScope(body)
        case .leave:
            self.onLeave()
            return .scope
        case .breakLoop:
            if self.region != self.loopRegion { self.demote(self.loopControl, \.isDivergent) }
            return .loop
        case .continueLoop:
            if self.region != self.bodyRegion { self.demote(self.loopControl, \.bodyIsDivergent) }
            return .loop
        }
        return []
    }

    private mutating func onLeave() {
        guard self.region != self.scopeRegion else { return }
        if let control = self.scopeControl {
            self.demote(control, \.isDivergent)
        } else if !self.kernelIsDivergent {
            self.kernelIsDivergent = true
            self.changed = true
        }
    }

    private mutating func onSet(_ number: Int, varying: Bool) {
        if self.home[number] < 0 { self.home[number] = self.region }
        let atHome = self.home[number] == self.region
        self.isUnmasked.append(atHome)
        if (varying || !atHome) && !self.isVarying[number] {
            self.isVarying[number] = true
            self.changed = true
        }
    }

    private mutating func demote(_ control: Int, _ fact: WritableKeyPath<Facts, Bool>) {
        guard !self.facts[control][keyPath: fact] else { return }
        self.facts[control][keyPath: fact] = true
        self.changed = true
    }

    private mutating func walk(_ branch: Branch) -> Escapes {
        let control = self.nextControl()
        if self.varies(branch.condition) { self.demote(control, \.isDivergent) }
        let outer = self.region
        if self.facts[control].isDivergent { self.enterRegion() }
        var escapes = self.walk(branch.then)
        self.region = outer
        if self.facts[control].isDivergent { self.enterRegion() }
        escapes.formUnion(self.walk(branch.otherwise))
        self.region = outer
        self.facts[control].escapes = escapes
        return escapes
    }

    private mutating func walk(_ loop: Loop) -> Escapes {
        let control = self.nextControl()
        let saved = (self.region, self.loopRegion, self.bodyRegion, self.loopControl)
        self.loopControl = control
        if self.facts[control].isDivergent { self.enterRegion() }
        self.loopRegion = self.region
        let body = { (walker: inout Divergence) in
            if walker.facts[control].bodyIsDivergent { walker.enterRegion() }
            walker.bodyRegion = walker.region
            walker.facts[control].escapes = walker.walk(loop.body)
            walker.region = walker.loopRegion
            walker.walk(loop.step)
        }
        if !loop.testsFirst { body(&self) }
        self.bodyRegion = self.loopRegion
        self.walk(loop.header)
        if let condition = loop.condition, self.varies(condition) {
            self.demote(control, \.isDivergent)
        }
        if loop.testsFirst { body(&self) }
        (self.region, self.loopRegion, self.bodyRegion, self.loopControl) = saved
        return self.facts[control].escapes.intersection(.scope)
    }

    private mutating func walkScope(_ body: Block) {
        let control = self.nextControl()
        let saved = (self.region, self.scopeRegion, self.scopeControl)
        if self.facts[control].isDivergent { self.enterRegion() }
        self.scopeRegion = self.region
        self.scopeControl = control
        self.walk(body)
        (self.region, self.scopeRegion, self.scopeControl) = saved
    }
}

// MARK: - Dominance

extension Divergence {
    /// Finds the variables and private arrays whose first use sets them, in a block that contains
    /// all others.
    private mutating func findDominators() {
        self.scan(self.tree.body)
        for index in self.isDominated.indices where self.blockOf[index] < 0 {
            self.isDominated[index] = false
        }
    }

    private mutating func scan(_ block: Block) {
        let number = self.openBlock()
        for statement in block { self.scan(statement, in: number) }
        self.blockIsOpen[number] = false
    }

    private mutating func openBlock() -> Int {
        self.blockIsOpen.append(true)
        return self.blockIsOpen.count - 1
    }

    private mutating func set(_ number: Int, in block: Int) {
        if self.blockOf[number] < 0 { self.blockOf[number] = block } else { self.use(number) }
    }

    private mutating func use(_ number: Int) {
        let block = self.blockOf[number]
        if block < 0 || !self.blockIsOpen[block] {
            self.isDominated[number] = false
            self.blockOf[number] = max(block, 0)
        }
    }

    private mutating func scan(_ statement: Statement, in block: Int) {
        switch statement {
        case .assign(let variable, let value):
            self.scan(value)
            self.set(variable, in: block)
        case .clear(let array): self.set(self.tree.variables.count + array, in: block)
        case .store(let store):
            self.scan(store.place)
            self.scan(store.value)
            for cell in store.cells { self.scan(cell) }
        case .branch(let branch):
            self.scan(branch.condition)
            self.scan(branch.then)
            self.scan(branch.otherwise)
        case .loop(let loop): self.scan(loop)
        case .scope(let body): self.scan(body)
        case .leave, .breakLoop, .continueLoop, .barrier: break
        }
    }

    /// What the header sets is set for the condition, too, and with `testsFirst` for body and step.
    private mutating func scan(_ loop: Loop) {
        if !loop.testsFirst {
            self.scan(loop.body)
            self.scan(loop.step)
        }
        let header = self.openBlock()
        for statement in loop.header { self.scan(statement, in: header) }
        if let condition = loop.condition { self.scan(condition) }
        if loop.testsFirst {
            self.scan(loop.body)
            self.scan(loop.step)
        }
        self.blockIsOpen[header] = false
    }

    private mutating func scan(_ place: Place) {
        if case .privately(let array) = place.object { self.use(self.tree.variables.count + array) }
        self.scan(place.index)
    }

    private mutating func scan(_ expression: Expression) {
        switch expression.node {
        case .constant, .scalar, .query: break
        case .variable(let number): self.use(number)
        case .load(let place): self.scan(place)
        case .unary(_, let a), .not(let a), .cast(_, let a), .extract(let a, _): self.scan(a)
        case .binary(_, let a, let b), .compare(_, let a, let b), .and(let a, let b),
            .or(let a, let b),
            .insert(let a, _, let b):
            self.scan(a)
            self.scan(b)
        case .choose(let a, let b, let c):
            self.scan(a)
            self.scan(b)
            self.scan(c)
        case .call(_, let operands), .build(let operands):
            for operand in operands { self.scan(operand) }
        }
    }
}

extension Statement {
    /// Whether no active lane goes on to the next statement of the block.
    var isJump: Bool {
        switch self {
        case .leave, .breakLoop, .continueLoop: true
        case .assign, .store, .clear, .branch, .loop, .scope, .barrier: false
        }
    }
}
