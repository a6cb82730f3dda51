// Masks: each divergent region has a row of its own, narrowed in place as lanes jump away. A jump
// clears the row of the region it stands in and notes the lanes where they come back (`continued`)
// or must be taken out (`gone`); merging the sides of a branch then leaves the jumped lanes out by
// itself.

extension Lowering {
    /// Lowers the whole kernel.
    mutating func lowerKernel() {
        self.declareVariables()
        if self.facts.kernelIsDivergent {
            let mask = self.copyOfMask()
            let gone = self.row(wide: false)
            self.emitMask(.clear, gone, gone)
            self.mask = mask
            self.scope.gone = gone
        }
        let localBytes = self.tree.locals.reduce(0) { $0 + $1.bytes }
        self.charge(Gas.groupStart + UInt64(localBytes) / 64)
        self.lowerBlock(self.tree.body)
        self.bind(self.scope.end)
        self.emit(Instruction(operation: .control(.halt), form: .uniform))
    }

    private mutating func declareVariables() {
        for (number, variable) in self.tree.variables.enumerated() {
            let isWide = variable.type.base.bits == 64
            let isUniform = !self.facts.isVarying[number]
            let operands = (0..<variable.type.width).map { _ in
                self.permanent(uniform: isUniform, wide: isWide)
            }
            self.variables.append(operands)
            guard !self.facts.isDominated[number] else { continue }
            for operand in operands {
                self.presets.append(
                    .zero(offset: operand.offset, isUniform: isUniform, isWide: isWide))
            }
        }
    }

    /// Lowers statements up to the first jump.
    @discardableResult
    mutating func lowerBlock(_ block: Block) -> Bool {
        for statement in block {
            guard !self.hasFailed else { return true }
            self.lowerStatement(statement)
            if statement.isJump { return true }
        }
        return false
    }

    mutating func lowerStatement(_ statement: Statement) {
        switch statement {
        case .assign(let variable, let value): self.lowerAssign(variable, value)
        case .store(let store): self.lowerStore(store)
        case .clear(let array): self.lowerClear(array)
        case .branch(let branch): self.lowerBranch(branch)
        case .loop(let loop): self.lowerLoop(loop)
        case .scope(let body): self.lowerScope(body)
        case .leave, .breakLoop, .continueLoop: self.lowerJump(statement)
        case .barrier: self.charge(Gas.barrier)
        }
    }

    // MARK: masks

    /// The mask that instructions name: all lanes where nothing narrowed it.
    var activeMask: Operand { self.mask ?? self.fullMask }

    mutating func emitMask(
        _ operation: MaskOperation, _ d: Operand, _ a: Operand, _ b: Operand? = nil
    ) {
        let form: Instruction.Form = b?.isUniform == true ? .rowUniform : .rows
        self.emit(
            Instruction(
                operation: .mask(operation), form: form, d: d.offset, a: a.offset,
                b: b?.offset ?? 0))
    }

    private mutating func copyOfMask() -> Operand {
        let row = self.row(wide: false)
        self.emitMask(.copy, row, self.activeMask)
        return row
    }

    // MARK: assignment

    private mutating func lowerAssign(_ variable: Int, _ value: Expression) {
        let targets = self.variables[variable]
        let unmasked = self.facts.isUnmasked[self.set] || self.mask == nil
        self.set += 1
        self.charge(1 + value.cost)
        let direct = unmasked && (targets.count == 1 || value.isComponentwise)
        var results = self.lower(value, into: direct ? targets : nil)
        // A component that is another component of the same variable is read before it is
        // overwritten.
        for index in results.indices
        where results[index] != targets[index] && targets.contains(results[index]) {
            results[index] = self.copy(results[index])
        }
        for (target, result) in zip(targets, results) where target != result {
            self.move(result, to: target, masked: !unmasked)
        }
        self.release(results)
    }

    private mutating func copy(_ source: Operand) -> Operand {
        let copy = self.register(uniform: source.isUniform, wide: source.isWide)
        self.move(source, to: copy, masked: false)
        return copy
    }

    private mutating func move(_ source: Operand, to target: Operand, masked: Bool) {
        let operation: Operation
        if masked {
            operation = .mask(target.isWide ? .blend64 : .blend32)
        } else if source.isUniform && !target.isUniform {
            operation = .mask(target.isWide ? .splat64 : .splat32)
        } else {
            operation = target.isWide ? .unary64(.copy) : .unary32(.copy)
        }
        self.emit(
            Instruction(
                operation: operation,
                form: source.isUniform && masked
                    ? .rowUniform
                    : (target.isUniform ? .uniform : .rows),
                d: target.offset, a: source.offset, c: masked ? self.activeMask.offset : 0))
    }

    // MARK: branches

    private mutating func lowerBranch(_ branch: Branch) {
        let facts = self.facts.facts[self.control]
        self.control += 1
        self.charge(1 + branch.condition.cost)
        let condition = self.lowerCondition(branch.condition)
        guard facts.isDivergent else { return self.lowerUniform(branch, condition) }
        let taken = self.row(wide: false)
        self.emitMask(.keepTrue, taken, self.activeMask, condition)
        if branch.then.count == 1, branch.otherwise.isEmpty, branch.then[0].isJump,
            let mask = self.mask
        {
            self.release(condition)
            self.lowerGuardedJump(branch.then[0], taken: taken, mask: mask)
            return
        }
        let merges = !facts.escapes.isEmpty
        let other = merges || !branch.otherwise.isEmpty ? self.row(wide: false) : nil
        if let other { self.emitMask(.keepFalse, other, self.activeMask, condition) }
        self.release(condition)
        self.lowerSide(branch.then, mask: taken)
        if let other, !branch.otherwise.isEmpty { self.lowerSide(branch.otherwise, mask: other) }
        if merges, let mask = self.mask, let other {
            self.emitMask(.union, mask, taken, other)
            self.jump(.jumpIfNone, mask, to: self.regionEnd)
        }
        self.release(taken)
        if let other { self.release(other) }
    }

    private mutating func lowerSide(_ block: Block, mask: Operand) {
        let saved = (self.mask, self.regionEnd)
        let end = self.label()
        self.jump(.jumpIfNone, mask, to: end)
        self.mask = mask
        self.regionEnd = end
        self.depth += 1
        self.lowerBlock(block)
        self.bind(end)
        self.depth -= 1
        (self.mask, self.regionEnd) = saved
    }

    /// `if (c) break;` and its like, without a region.
    private mutating func lowerGuardedJump(_ jump: Statement, taken: Operand, mask: Operand) {
        let none = self.label()
        self.jump(.jumpIfNone, taken, to: none)
        self.charge(1)
        self.note(jump, lanes: taken)
        self.emitMask(.without, mask, mask, taken)
        self.jump(.jumpIfNone, mask, to: self.regionEnd)
        self.bind(none)
        self.release(taken)
    }

    private mutating func lowerUniform(_ branch: Branch, _ condition: Operand) {
        let otherwise = self.label()
        self.jump(.jumpIfFalse, condition, to: otherwise)
        self.release(condition)
        let ended = self.lowerBlock(branch.then)
        if branch.otherwise.isEmpty {
            self.bind(otherwise)
            return
        }
        let end = self.label()
        if !ended { self.jump(.jump, to: end) }
        self.bind(otherwise)
        self.lowerBlock(branch.otherwise)
        self.bind(end)
    }

    // MARK: jumps

    private mutating func lowerJump(_ jump: Statement) {
        self.charge(1)
        let target: Label
        let isUniform: Bool
        switch jump {
        case .breakLoop:
            isUniform = self.loop.map { $0.loopDepth == self.depth } ?? true
            target = self.loop?.breakLabel ?? self.scope.end
        case .continueLoop:
            isUniform = self.loop.map { $0.bodyDepth == self.depth } ?? true
            target = self.loop?.continueLabel ?? self.scope.end
        default:
            isUniform = self.scope.depth == self.depth
            target = self.scope.end
        }
        if isUniform { return self.jump(.jump, to: target) }
        if let mask = self.mask {
            self.note(jump, lanes: mask)
            self.emitMask(.clear, mask, mask)
        }
        self.jump(.jump, to: self.regionEnd)
    }

    /// Remembers lanes that jump, where they come back or have to be taken out later.
    private mutating func note(_ jump: Statement, lanes: Operand) {
        switch jump {
        case .continueLoop:
            if let continued = self.loop?.continued {
                self.emitMask(.union, continued, continued, lanes)
            }
        case .leave:
            if let gone = self.scope.gone { self.emitMask(.union, gone, gone, lanes) }
        default: break
        }
    }

    /// After a region with a mask of its own: takes out the lanes that left the scope inside it.
    mutating func dropGone(_ escapes: Divergence.Escapes) {
        guard escapes.contains(.scope), let mask = self.mask, let gone = self.scope.gone else {
            return
        }
        self.emitMask(.without, mask, mask, gone)
        self.jump(.jumpIfNone, mask, to: self.regionEnd)
    }

    private mutating func lowerScope(_ body: Block) {
        let facts = self.facts.facts[self.control]
        self.control += 1
        let saved = (self.mask, self.regionEnd, self.scope, self.loop)
        let end = self.label()
        self.loop = nil
        self.scope = ScopeContext(gone: nil, end: end, depth: self.depth)
        if facts.isDivergent {
            let mask = self.copyOfMask()
            let gone = self.row(wide: false)
            self.emitMask(.clear, gone, gone)
            self.mask = mask
            self.regionEnd = end
            self.depth += 1
            self.scope = ScopeContext(gone: gone, end: end, depth: self.depth)
        }
        self.lowerBlock(body)
        self.bind(end)
        if facts.isDivergent, let mask = self.mask, let gone = self.scope.gone {
            self.depth -= 1
            self.release([mask, gone])
        }
        (self.mask, self.regionEnd, self.scope, self.loop) = saved
    }
}
