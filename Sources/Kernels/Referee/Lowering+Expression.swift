// Every function here returns one operand per component. `target` is where the result is wanted; it
// is used by the last instruction of a component only, so a target may also be read by the
// expression.

extension Expression {
    /// Whether component n of the value depends on component n of vector variables only.
    var isComponentwise: Bool {
        switch self.node {
        case .constant, .scalar, .variable, .query: true
        case .load(let place): place.index.isComponentwise
        case .unary(_, let a), .not(let a), .cast(_, let a): a.isComponentwise
        case .binary(_, let a, let b), .compare(_, let a, let b), .and(let a, let b),
            .or(let a, let b):
            a.isComponentwise && b.isComponentwise
        case .choose(let a, let b, let c):
            a.isComponentwise && b.isComponentwise && c.isComponentwise
        case .call(_, let operands): operands.allSatisfy(\.isComponentwise)
        case .build, .extract, .insert: false
        }
    }
}

extension Lowering {
    // MARK: emission

    mutating func emit(_ operation: Operation, _ a: Operand, wide: Bool, target: Operand? = nil)
        -> Operand
    {
        let d = self.destination(uniform: a.isUniform, wide: wide, target)
        self.emit(
            Instruction(
                operation: operation, form: a.isUniform ? .uniform : .rows, d: d.offset, a: a.offset
            ))
        return d
    }

    mutating func emit(
        _ operation: Operation, _ a: Operand, _ b: Operand, wide: Bool, target: Operand? = nil
    ) -> Operand {
        let form: Instruction.Form
        switch (a.isUniform, b.isUniform) {
        case (true, true): form = .uniform
        case (true, false): form = .uniformRow
        case (false, true): form = .rowUniform
        case (false, false): form = .rows
        }
        let d = self.destination(uniform: form == .uniform, wide: wide, target)
        self.emit(
            Instruction(operation: operation, form: form, d: d.offset, a: a.offset, b: b.offset))
        return d
    }

    private mutating func emit(
        _ operation: Ternary, _ a: Operand, _ b: Operand, _ c: Operand, wide: Bool, target: Operand?
    ) -> Operand {
        let isUniform = a.isUniform && b.isUniform && c.isUniform
        let selects = operation != .fma32
        let first = isUniform || selects && a.isUniform ? a : self.rowOf(a)
        let second = isUniform ? b : self.rowOf(b)
        let third = isUniform ? c : self.rowOf(c)
        let d = self.destination(uniform: isUniform, wide: wide, target)
        let form: Instruction.Form =
            isUniform ? .uniform : (first.isUniform ? .uniformRow : .rows)
        self.emit(
            Instruction(
                operation: .ternary(operation), form: form, d: d.offset, a: first.offset,
                b: second.offset, c: third.offset))
        for (made, given) in [(first, a), (second, b), (third, c)] where made != given {
            self.release(made)
        }
        return d
    }

    private mutating func destination(uniform: Bool, wide: Bool, _ target: Operand?) -> Operand {
        if let target, target.isUniform == uniform, target.isWide == wide { return target }
        return self.register(uniform: uniform, wide: wide)
    }

    /// The operand as a row.
    mutating func rowOf(_ operand: Operand) -> Operand {
        guard operand.isUniform else { return operand }
        let row = self.row(wide: operand.isWide)
        self.emit(
            Instruction(
                operation: .mask(operand.isWide ? .splat64 : .splat32), form: .rows, d: row.offset,
                a: operand.offset))
        return row
    }

    // MARK: conditions

    /// A 32-bit operand that is nonzero where the scalar is true.
    mutating func lowerCondition(_ expression: Expression) -> Operand {
        let operand = self.lowerOne(expression)
        return self.nonzero(operand, expression.type.base)
    }

    /// Consumes `operand`; gives one that is nonzero where it is (NaN counts, -0 does not).
    private mutating func nonzero(_ operand: Operand, _ type: ScalarType) -> Operand {
        let result: Operand
        if type.isFloat {
            result = self.emit(.unary32(.fabs), operand, wide: false)
        } else if operand.isWide {
            result = self.emit(.narrow(.isNonZero), operand, wide: false)
        } else {
            return operand
        }
        self.release(operand)
        return result
    }

    /// 0 or 1.
    private mutating func lowerTruth(_ expression: Expression) -> Operand {
        let operand = self.lowerCondition(expression)
        switch expression.node {
        case .compare, .not, .and, .or: return operand
        default:
            if expression.type.base == .bool || operand.isWide { return operand }
            let truth = self.emit(.unary32(.isNonZero), operand, wide: false)
            self.release(operand)
            return truth
        }
    }

    // MARK: expressions

    /// A scalar expression.
    mutating func lowerOne(_ expression: Expression, into target: Operand? = nil) -> Operand {
        let operands = self.lower(expression, into: target.map { [$0] })
        return operands.first ?? self.constant(0, wide: false)
    }

    mutating func lower(_ expression: Expression, into target: [Operand]?) -> [Operand] {
        guard !self.hasFailed, expression.type.base != .double, expression.type.base != .half else {
            self.fail(
                "kernel.unsupported.type", "double and half have no referee yet", "use float")
            return (0..<expression.type.width).map { _ in self.constant(0, wide: false) }
        }
        let type = expression.type
        switch expression.node {
        case .constant(let bits):
            return [self.constant(type.base.registerBits(bits), wide: type.base.bits == 64)]
        case .scalar(let number): return [self.scalar(number)]
        case .variable(let number): return self.variables[number]
        case .query(let query, let axis): return [self.query(query, axis: axis)]
        case .load(let place): return [self.lowerLoad(place, into: target?.first)]
        case .unary(let operation, let a):
            return self.mapped(a, target) { $0.lowerUnary(operation, type.base, $1, $2) }
        case .binary(let operation, let a, let b):
            return self.mapped(a, b, target) { $0.lowerBinary(operation, type.base, $1, $2, $3) }
        case .compare(let operation, let a, let b):
            return self.lowerCompare(operation, a, b, isVector: !type.isScalar, target)
        case .not(let a):
            let operand = self.lowerCondition(a)
            let result = self.emit(.unary32(.isZero), operand, wide: false, target: target?.first)
            self.release(operand)
            return [result]
        case .and(let a, let b): return [self.lowerLogic(.and, a, b, target?.first)]
        case .or(let a, let b): return [self.lowerLogic(.or, a, b, target?.first)]
        case .choose(let condition, let a, let b):
            return self.lowerChoose(condition, a, b, target)
        case .cast(let mode, let a):
            let from = a.type.base
            return self.mapped(a, target) { $0.lowerCast(mode, from, type.base, $1, $2) }
        case .call(let builtin, let operands):
            return self.lowerCall(builtin, operands, type, target)
        case .build, .extract, .insert: return self.lowerShuffle(expression)
        }
    }

    private mutating func lowerShuffle(_ expression: Expression) -> [Operand] {
        switch expression.node {
        case .build(let parts): return parts.map { self.lowerOne($0) }
        case .extract(let vector, let positions):
            let all = self.lower(vector, into: nil)
            // A component that is taken twice must not be released twice: the later ones are
            // copies.
            var taken: [Int] = []
            let result = positions.map { position in
                let operand = all[position]
                defer { taken.append(position) }
                guard operand.isTemporary, taken.contains(position) else { return operand }
                return self.emit(
                    operand.isWide ? .unary64(.copy) : .unary32(.copy), operand,
                    wide: operand.isWide)
            }
            for (index, operand) in all.enumerated() where !positions.contains(index) {
                self.release(operand)
            }
            return result
        case .insert(let vector, let positions, let value):
            var all = self.lower(vector, into: nil)
            let parts = self.lower(value, into: nil)
            for (position, part) in zip(positions, parts) {
                self.release(all[position])
                all[position] = part
            }
            return all
        default: return []
        }
    }

    private mutating func mapped(
        _ a: Expression, _ target: [Operand]?,
        _ body: (inout Lowering, Operand, Operand?) -> Operand
    ) -> [Operand] {
        let operands = self.lower(a, into: nil)
        var results: [Operand] = []
        for (index, operand) in operands.enumerated() {
            results.append(body(&self, operand, target?[index]))
        }
        self.release(operands)
        return results
    }

    private mutating func mapped(
        _ a: Expression, _ b: Expression, _ target: [Operand]?,
        _ body: (inout Lowering, Operand, Operand, Operand?) -> Operand
    ) -> [Operand] {
        let left = self.lower(a, into: nil)
        let right = self.lower(b, into: nil)
        var results: [Operand] = []
        for (index, operands) in zip(left, right).enumerated() {
            results.append(body(&self, operands.0, operands.1, target?[index]))
        }
        self.release(left)
        self.release(right)
        return results
    }

    // MARK: operators

    private mutating func lowerUnary(
        _ operation: UnaryOperator, _ type: ScalarType, _ a: Operand, _ target: Operand?
    ) -> Operand {
        let wide = a.isWide
        switch operation {
        case .negate:
            if type.isFloat { return self.emit(.unary32(.fneg), a, wide: false, target: target) }
            return self.normalised(type, target) {
                $0.emit(wide ? .unary64(.neg) : .unary32(.neg), a, wide: wide, target: $1)
            }
        case .complement:
            return self.normalised(type, target) {
                $0.emit(wide ? .unary64(.not) : .unary32(.not), a, wide: wide, target: $1)
            }
        }
    }

    /// Runs `body`, then brings an 8- or 16-bit result back into its range.
    mutating func normalised(
        _ type: ScalarType, _ target: Operand?, _ body: (inout Lowering, Operand?) -> Operand
    ) -> Operand {
        guard let extend = type.extend else { return body(&self, target) }
        let raw = body(&self, nil)
        let result = self.emit(.unary32(extend), raw, wide: false, target: target)
        self.release(raw)
        return result
    }

    private mutating func lowerBinary(
        _ operation: BinaryOperator, _ type: ScalarType, _ a: Operand, _ b: Operand,
        _ target: Operand?
    ) -> Operand {
        if type.isFloat {
            let float: Binary32
            switch operation {
            case .add: float = .fadd
            case .subtract: float = .fsub
            case .multiply: float = .fmul
            case .divide: float = .fdiv
            case .remainder, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
                self.fail("kernel.unsupported.operator", "no such float operator", "convert first")
                return a
            }
            return self.emit(.binary32(float), a, b, wide: false, target: target)
        }
        let isSigned = type.isSigned
        let isShift = operation == .shiftLeft || operation == .shiftRight
        let amount = isShift ? self.shiftAmount(b, type) : b
        let result = self.normalised(type, target) { lowering, target in
            lowering.emit(
                a.isWide
                    ? .binary64(operation.wide(isSigned)) : .binary32(operation.narrow(isSigned)),
                a, amount, wide: a.isWide, target: target)
        }
        if amount != b { self.release(amount) }
        return result
    }

    /// 32- and 64-bit shifts take the amount modulo their width themselves.
    mutating func shiftAmount(_ b: Operand, _ type: ScalarType) -> Operand {
        guard type.bits < 32 else { return b }
        let limit = self.constant(UInt64(type.bits - 1), wide: false)
        return self.emit(.binary32(.and), b, limit, wide: false)
    }

    private mutating func lowerCompare(
        _ operation: ComparisonOperator, _ a: Expression, _ b: Expression, isVector: Bool,
        _ target: [Operand]?
    ) -> [Operand] {
        let type = a.type.base
        return self.mapped(a, b, target) { lowering, left, right, target in
            let swaps = operation == .greater || operation == .greaterOrEqual
            let (x, y) = swaps ? (right, left) : (left, right)
            let compare: Operation =
                left.isWide
                ? .compare64(operation.wide(type.isSigned))
                : .binary32(type.isFloat ? operation.float : operation.narrow(type.isSigned))
            guard isVector else {
                return lowering.emit(compare, x, y, wide: false, target: target)
            }
            let truth = lowering.emit(compare, x, y, wide: false)
            let all = lowering.emit(
                .unary32(.neg), truth, wide: false, target: left.isWide ? nil : target)
            lowering.release(truth)
            guard left.isWide else { return all }
            let widened = lowering.emit(.widen(.signed), all, wide: true, target: target)
            lowering.release(all)
            return widened
        }
    }

    private mutating func lowerLogic(
        _ operation: Binary32, _ a: Expression, _ b: Expression, _ target: Operand?
    ) -> Operand {
        let left = self.lowerTruth(a)
        let right = self.lowerTruth(b)
        let result = self.emit(.binary32(operation), left, right, wide: false, target: target)
        self.release([left, right])
        return result
    }

    private mutating func lowerChoose(
        _ condition: Expression, _ a: Expression, _ b: Expression, _ target: [Operand]?
    ) -> [Operand] {
        let truth = self.lowerCondition(condition)
        let results = self.mapped(a, b, target) { lowering, left, right, target in
            lowering.select(truth, left, right, target)
        }
        self.release(truth)
        return results
    }

    /// `truth ? a : b`.
    mutating func select(_ truth: Operand, _ a: Operand, _ b: Operand, _ target: Operand?)
        -> Operand
    {
        self.emit(a.isWide ? .select64 : .select32, truth, a, b, wide: a.isWide, target: target)
    }

    mutating func fma(_ a: Operand, _ b: Operand, _ c: Operand, _ target: Operand?) -> Operand {
        self.emit(.fma32, a, b, c, wide: false, target: target)
    }
}
