/// Finds how often counting loops run at most.
///
/// A loop counts when its condition compares a variable with something that does not change, and
/// one assignment, the last thing of each round, adds a constant to it (or shifts it right). The
/// bound is proved for launches that ``Geometry`` accepts: every number in it is checked to be a
/// 32-bit signed integer there (``range``), so nothing wraps in the kernel either.
enum LoopBounds {
    /// Every intermediate value of a bound.
    static let range: ClosedRange<Int64> = -(1 << 31)...(1 << 31) - 1
    /// Largest step and largest magnitude of a constant start.
    static let stepMax: Int64 = 1 << 20

    private struct Counter {
        let variable: Int
        let step: Step
    }

    private enum Step {
        case add(Int64)
        case shiftRight(Int64)
    }

    static func bound(
        of loop: Loop, tree: Tree, facts: Facts, _ evaluator: inout Evaluator
    ) -> LoopBound? {
        guard loop.testsFirst, loop.header.isEmpty, let condition = loop.condition,
            let counter = Self.counter(of: loop, condition)
        else { return nil }
        let base = tree.variables[counter.variable].type.base
        // What changes inside the loop has no value outside it.
        let assigned = loop.assignedVariables
        var before = facts
        before.forget(assigned)
        let start = facts.polynomials[counter.variable]
        var reader = Reader(tree: tree, facts: before, assigned: assigned)
        switch counter.step {
        case .shiftRight(let amount):
            return Self.shifting(condition, counter.variable, base, amount, start)
        case .add(let step):
            guard case .compare(let operation, let left, let right) = condition.node else {
                return nil
            }
            guard let shape = Self.oriented(operation, left, right, counter.variable) else {
                return nil
            }
            let signed = base.isSigned && shape.signed
            guard let limit = reader.node(shape.limit, &evaluator),
                let first = Self.start(start, up: step > 0, signed: signed, &reader, &evaluator)
            else { return nil }
            return Self.counting(shape.operation, step, first, limit, signed: signed)
        }
    }

    /// The counter, and what it is compared with.
    private static func oriented(
        _ operation: ComparisonOperator, _ left: Expression, _ right: Expression, _ variable: Int
    ) -> (operation: ComparisonOperator, limit: Expression, signed: Bool)? {
        let signed = left.type.base.isSigned
        if case .variable(variable) = Self.stripped(left).node { return (operation, right, signed) }
        guard case .variable(variable) = Self.stripped(right).node else { return nil }
        let turned: ComparisonOperator
        switch operation {
        case .less: turned = .greater
        case .lessOrEqual: turned = .greaterOrEqual
        case .greater: turned = .less
        case .greaterOrEqual: turned = .lessOrEqual
        case .equal, .notEqual: turned = operation
        }
        return (turned, left, signed)
    }

    /// Without conversions between integers of 32 and 64 bits.
    static func stripped(_ expression: Expression) -> Expression {
        var inner = expression
        while case .cast(.value, let operand) = inner.node, inner.type.base.bits >= 32,
            operand.type.base.bits >= 32, inner.type.base.isInteger, operand.type.base.isInteger
        { inner = operand }
        return inner
    }

    private static func counter(of loop: Loop, _ condition: Expression) -> Counter? {
        var candidates: [Int] = []
        condition.forEachNode {
            if case .variable(let variable) = $0.node { candidates.append(variable) }
        }
        let continues = loop.body.contains(where: \.continuesLoop)
        let last = loop.step.isEmpty && !continues ? Array(loop.body.suffix(1)) : loop.step
        for variable in candidates.prefix(4) {
            guard loop.assignments(of: variable) == 1 else { continue }
            for case .assign(variable, let value) in last {
                if let step = Self.step(value, variable) {
                    return Counter(variable: variable, step: step)
                }
            }
        }
        return nil
    }

    private static func step(_ value: Expression, _ variable: Int) -> Step? {
        guard value.type.base.bits >= 32,
            case .binary(let operation, let left, let right) = Self.stripped(value).node,
            case .variable(variable) = Self.stripped(left).node,
            case .constant(let bits) = right.node
        else { return nil }
        let amount = Folding.extended(bits, right.type.base)
        guard amount >= 1, amount <= Self.stepMax else { return nil }
        switch operation {
        case .add: return .add(amount)
        case .subtract: return .add(-amount)
        case .shiftRight: return amount < 32 ? .shiftRight(amount) : nil
        case .divide: return amount >= 2 ? .shiftRight(1) : nil
        case .multiply, .remainder, .bitAnd, .bitOr, .bitXor, .shiftLeft: return nil
        }
    }

    /// `for (s = …; s > 0; s >>= 1)`: at most as many rounds as s has bits.
    private static func shifting(
        _ condition: Expression, _ variable: Int, _ base: ScalarType, _ amount: Int64,
        _ start: Polynomial?
    ) -> LoopBound? {
        let rounds = LoopBound.constant(UInt64(base.bits) / UInt64(amount) + 1)
        let nonnegative =
            !base.isSigned || (start.map { $0.isConstant && $0.constant >= 0 } ?? false)
        switch condition.node {
        case .variable(variable): return nonnegative ? rounds : nil
        case .compare(let operation, let left, let right):
            guard case .variable(variable) = Self.stripped(left).node,
                case .constant(let bits) = right.node
            else { return nil }
            let limit = Folding.extended(bits, right.type.base)
            switch operation {
            case .greater where limit >= 0 && (nonnegative || left.type.base.isSigned):
                return rounds
            case .greaterOrEqual where limit >= 1 && (nonnegative || left.type.base.isSigned):
                return rounds
            case .notEqual where limit == 0 && nonnegative: return rounds
            default: return nil
            }
        default: return nil
        }
    }

    /// A lower bound of the start when counting up, an upper bound when counting down.
    private static func start(
        _ start: Polynomial?, up: Bool, signed: Bool, _ reader: inout Reader,
        _ evaluator: inout Evaluator
    ) -> ScalarExpression.Node? {
        if let start, let node = reader.node(start, signed: signed, &evaluator) { return node }
        guard let start, up else { return up && !signed ? .constant(0) : nil }
        let table = evaluator.table
        let lanesOnly = start.terms.allSatisfy { term in
            term.coefficient > 0
                && term.atoms.allSatisfy { if case .lane = table[$0] { true } else { false } }
        }
        if lanesOnly { return .constant(start.constant) }
        return signed ? nil : .constant(0)
    }

    private static func counting(
        _ operation: ComparisonOperator, _ step: Int64, _ start: ScalarExpression.Node,
        _ limit: ScalarExpression.Node, signed: Bool
    ) -> LoopBound? {
        // rounds = max(0, (distance + |step| - 1) / |step|), the end one step further within range.
        let size = step.magnitude
        let inclusive: Bool
        switch operation {
        case .less where step > 0: inclusive = false
        case .lessOrEqual where step > 0: inclusive = true
        case .greater where step < 0 && (signed || size == 1): inclusive = false
        case .greaterOrEqual where step < 0 && signed: inclusive = true
        case .notEqual where size == 1: inclusive = false
        default: return nil
        }
        if operation == .notEqual {
            guard case .constant(let a) = start, case .constant(let b) = limit,
                step > 0 ? a <= b : a >= b
            else { return nil }
        }
        let (from, to) = step > 0 ? (start, limit) : (limit, start)
        let reach = ScalarExpression.Node.binary(
            .add, to, .constant(Int64(size) - (inclusive ? 0 : 1)))
        let distance = ScalarExpression.Node.binary(.subtract, reach, from)
        // Counting down, the last value is one step below the limit.
        let below = ScalarExpression.Node.binary(.subtract, limit, .constant(Int64(size)))
        let checked =
            step > 0 || !signed ? distance : .binary(.max, distance, .binary(.min, below, distance))
        let rounds = ScalarExpression.Node.binary(
            .max, .constant(0), .binary(.divide, checked, .constant(Int64(size))))
        guard let expression = ScalarExpression(rounds) else { return nil }
        guard expression.isConstant else { return .scalars(expression) }
        let nothing = ScalarExpression.Environment(
            names: [], values: [], groups: [1, 1, 1], local: [1, 1, 1])
        guard let value = expression.value(in: nothing, within: Self.range),
            let count = UInt64(exactly: value)
        else { return nil }
        return .constant(count)
    }

    /// Turns expressions into manifest expressions that are at least as large as the C value.
    private struct Reader {
        let tree: Tree
        let facts: Facts
        let assigned: [Int]

        mutating func node(
            _ expression: Expression, _ evaluator: inout Evaluator, depth: Int = 0
        ) -> ScalarExpression.Node? {
            guard expression.type.isScalar, expression.type.base.isInteger,
                expression.type.base.bits >= 32, depth < 8
            else { return nil }
            let inner = LoopBounds.stripped(expression)
            let signed = inner.type.base.isSigned && expression.type.base.isSigned
            return self.node(
                evaluator.polynomial(inner, self.facts), signed: signed, &evaluator, depth: depth)
        }

        mutating func node(
            _ polynomial: Polynomial, signed: Bool, _ evaluator: inout Evaluator, depth: Int = 0
        ) -> ScalarExpression.Node? {
            // Unsigned arithmetic below zero would wrap to something large.
            if !signed {
                guard polynomial.constant >= 0, polynomial.terms.allSatisfy({ $0.coefficient > 0 })
                else { return nil }
            }
            var sum: ScalarExpression.Node = .constant(polynomial.constant)
            for term in polynomial.terms {
                var product: ScalarExpression.Node?
                for number in term.atoms {
                    guard let factor = self.node(evaluator.table[number], &evaluator, depth: depth)
                    else { return nil }
                    product = product.map { .binary(.multiply, $0, factor) } ?? factor
                }
                guard let product else { return nil }
                let scaled: ScalarExpression.Node =
                    term.coefficient == 1
                    ? product : .binary(.multiply, product, .constant(term.coefficient))
                if case .constant(0) = sum {
                    sum = scaled
                } else {
                    sum = .binary(.add, sum, scaled)
                }
            }
            return ScalarExpression(sum)?.node
        }

        private mutating func node(
            _ atom: Atom, _ evaluator: inout Evaluator, depth: Int
        ) -> ScalarExpression.Node? {
            switch atom {
            case .scalar(let index):
                return self.tree.scalars[index].type.isInteger
                    ? .scalar(self.tree.scalars[index].name) : nil
            case .groups(let axis): return .groups(axis)
            case .lane, .group, .variable: return nil
            case .expression(let expression):
                return self.operation(expression, &evaluator, depth: depth + 1)
            }
        }

        private mutating func operation(
            _ expression: Expression, _ evaluator: inout Evaluator, depth: Int
        ) -> ScalarExpression.Node? {
            switch expression.node {
            case .binary(.divide, let left, let right):
                guard case .constant(let bits) = right.node,
                    Folding.extended(bits, right.type.base) > 0,
                    let dividend = self.node(left, &evaluator, depth: depth)
                else { return nil }
                return .binary(
                    .divide, dividend, .constant(Folding.extended(bits, right.type.base)))
            case .binary(.shiftRight, let left, let right):
                // Truncation is at least the floor.
                guard case .constant(let amount) = right.node, amount < 31,
                    let dividend = self.node(left, &evaluator, depth: depth)
                else { return nil }
                return .binary(.divide, dividend, .constant(1 << Int64(amount)))
            case .call(let builtin, let operands) where builtin == .min || builtin == .max:
                guard let a = self.node(operands[0], &evaluator, depth: depth),
                    let b = self.node(operands[1], &evaluator, depth: depth)
                else { return nil }
                return .binary(builtin == .min ? .min : .max, a, b)
            default: return nil
            }
        }
    }
}

extension Loop {
    /// Assignments of a variable anywhere inside.
    fileprivate func assignments(of variable: Int) -> Int {
        func count(_ block: Block) -> Int {
            block.reduce(0) { sum, statement in
                var more = statement.blocks.reduce(0) { $0 + count($1) }
                if case .assign(variable, _) = statement { more += 1 }
                return sum + more
            }
        }
        return count(self.header) + count(self.body) + count(self.step)
    }
}
