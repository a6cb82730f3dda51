extension Lowering {
    /// What one loop needs while it is lowered.
    private struct Plan {
        let facts: Divergence.Facts
        let exit: Label
        let continueLabel: Label
        let counter: Operand?
        let outerMask: Operand?
    }

    /// Lowers a loop: `top: header, test; body; continue: step; jump top`, or with the test at the
    /// end.
    mutating func lowerLoop(_ loop: Loop) {
        let facts = self.facts.facts[self.control]
        self.control += 1
        self.charge(1)
        let saved = (self.mask, self.regionEnd, self.loop, self.depth)
        let plan = Plan(
            facts: facts, exit: self.label(), continueLabel: self.label(),
            counter: self.startCounter(loop.bound), outerMask: self.mask)
        var rows: [Operand] = []
        if facts.isDivergent {
            let mask = self.row(wide: false)
            self.emitMask(.copy, mask, self.activeMask)
            rows.append(mask)
            self.mask = mask
            self.regionEnd = plan.exit
            self.depth += 1
        }
        self.loop = LoopContext(
            continued: nil, breakLabel: plan.exit, continueLabel: plan.continueLabel,
            loopDepth: self.depth, bodyDepth: self.depth)
        let top = self.label()
        self.bind(top)
        if loop.testsFirst { self.lowerTest(loop, plan) }
        self.lowerFuel(plan)
        self.lowerBody(loop, plan)
        if !loop.testsFirst { self.lowerTest(loop, plan) }
        self.jump(.jump, to: top)
        self.bind(plan.exit)
        (self.mask, self.regionEnd, self.loop, self.depth) = saved
        self.release(rows)
        if let counter = plan.counter { self.release(counter) }
        if facts.isDivergent { self.dropGone(facts.escapes) }
    }

    private mutating func startCounter(_ bound: LoopBound) -> Operand? {
        guard case .fuel = bound else { return nil }
        let counter = self.uniform(wide: true)
        self.emit(Instruction(operation: .unary64(.copy), form: .uniform, d: counter.offset, a: 0))
        return counter
    }

    private mutating func lowerTest(_ loop: Loop, _ plan: Plan) {
        for statement in loop.header where !self.hasFailed { self.lowerStatement(statement) }
        self.charge(1 + (loop.condition?.cost ?? 0))
        guard let condition = loop.condition else { return }
        let truth = self.lowerCondition(condition)
        if plan.facts.isDivergent, let mask = self.mask {
            self.emitMask(.keepTrue, mask, mask, truth)
            self.jump(.jumpIfNone, mask, to: plan.exit)
        } else {
            self.jump(.jumpIfFalse, truth, to: plan.exit)
        }
        self.release(truth)
    }

    private mutating func lowerFuel(_ plan: Plan) {
        guard let counter = plan.counter else { return }
        let fuel = self.constant(self.fuel, wide: true)
        let one = self.constant(1, wide: true)
        let left = self.uniform(wide: false)
        self.emit(
            Instruction(
                operation: .compare64(.ltU), form: .uniform, d: left.offset, a: counter.offset,
                b: fuel.offset))
        self.jump(.jumpIfFalse, left, to: plan.exit)
        self.release(left)
        self.emit(
            Instruction(
                operation: .binary64(.add), form: .uniform, d: counter.offset, a: counter.offset,
                b: one.offset))
    }

    private mutating func lowerBody(_ loop: Loop, _ plan: Plan) {
        let saved = (self.mask, self.regionEnd, self.depth)
        var rows: [Operand] = []
        if plan.facts.bodyIsDivergent {
            self.depth += 1
            if plan.facts.isDivergent {
                // The loop's own row is narrowed, and gets the waiting lanes back below.
                let continued = self.row(wide: false)
                self.emitMask(.clear, continued, continued)
                self.loop?.continued = continued
                rows.append(continued)
            } else {
                let mask = self.row(wide: false)
                self.emitMask(.copy, mask, self.activeMask)
                self.mask = mask
                rows.append(mask)
            }
            self.loop?.bodyDepth = self.depth
            self.regionEnd = plan.continueLabel
        } else if plan.facts.isDivergent {
            self.regionEnd = plan.continueLabel
        }
        self.lowerBlock(loop.body)
        self.bind(plan.continueLabel)
        (self.mask, self.regionEnd, self.depth) = saved
        if plan.facts.isDivergent, let mask = self.mask {
            if let continued = self.loop?.continued {
                self.emitMask(.union, mask, mask, continued)
            }
            if !plan.facts.escapes.isEmpty { self.jump(.jumpIfNone, mask, to: plan.exit) }
        } else if plan.facts.bodyIsDivergent {
            self.dropGone(plan.facts.escapes)
        }
        self.release(rows)
        self.lowerBlock(loop.step)
    }
}
