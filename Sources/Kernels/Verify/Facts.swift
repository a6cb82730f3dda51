/// What is known about the private variables at one point of a kernel.
struct Facts: Sendable {
    /// Residues modulo 2^32; nil: unknown.
    var polynomials: [Polynomial?]
    /// Bits in every lane, where they follow from local ids and constants alone.
    var lanes: [[UInt64]?]

    /// For each variable, those whose polynomial may mention it.
    private var dependents: [[Int]]

    init(count: Int) {
        self.polynomials = [Polynomial?](repeating: .constant(0), count: count)
        self.lanes = [[UInt64]?](repeating: nil, count: count)
        self.dependents = [[Int]](repeating: [], count: count)
    }

    /// Says what a variable is now; what was said in terms of its old value is forgotten.
    mutating func set(
        _ variable: Int, _ polynomial: Polynomial?, lanes: [UInt64]?, _ table: AtomTable
    ) {
        self.forget(variable)
        self.lanes[variable] = lanes
        guard let polynomial, let mentioned = table.variables(of: polynomial),
            !mentioned.contains(variable)
        else { return }
        self.polynomials[variable] = polynomial
        for other in mentioned { self.dependents[other].append(variable) }
    }

    /// Forgets a variable, and everything said in terms of its old value.
    mutating func forget(_ variable: Int) {
        self.polynomials[variable] = nil
        self.lanes[variable] = nil
        for other in self.dependents[variable] { self.polynomials[other] = nil }
        self.dependents[variable] = []
    }

    mutating func forget(_ variables: [Int]) {
        for variable in variables { self.forget(variable) }
    }
}

/// Evaluates integer expressions, symbolically and lane by lane.
struct Evaluator: Sendable {
    /// Nodes × lanes that concrete evaluation may visit in one kernel.
    static let budget = 1 << 24

    let localSize: [UInt32]
    let lanes: Int
    let constants: [ConstantTable]
    var table = AtomTable()
    private var spent = 0

    init(tree: Tree) {
        self.localSize = tree.localSize
        self.lanes = tree.lanes
        self.constants = tree.constants
    }

    // Symbolic -------------------------------------------------------------------------------

    mutating func polynomial(_ expression: Expression, _ facts: Facts) -> Polynomial {
        self.ring(expression, facts) ?? .atom(self.table.number(.expression(expression)))
    }

    private mutating func ring(_ expression: Expression, _ facts: Facts) -> Polynomial? {
        let type = expression.type
        guard type.isScalar, type.base.isInteger else { return nil }
        switch expression.node {
        case .constant(let bits):
            let value = Folding.extended(bits, type.base)
            return value.magnitude <= Polynomial.coefficientMax.magnitude ? .constant(value) : nil
        case .scalar(let index): return .atom(self.table.number(.scalar(index)))
        case .variable(let variable):
            return facts.polynomials[variable] ?? .atom(self.table.number(.variable(variable)))
        case .query(let query, let axis):
            switch query {
            case .localID: return .atom(self.table.number(.lane(axis)))
            case .groupID: return .atom(self.table.number(.group(axis)))
            case .numGroups: return .atom(self.table.number(.groups(axis)))
            case .globalID:
                let lane = Polynomial.atom(self.table.number(.lane(axis)))
                let group = Polynomial.atom(self.table.number(.group(axis)))
                return lane.adding(group, times: Int64(self.localSize[axis]))
            }
        case .cast(.value, let operand):
            // Widening keeps the value, narrowing to 32 bits the residue.
            guard operand.type.base.isInteger, type.base.bits >= 32 else { return nil }
            return self.polynomial(operand, facts)
        case .unary(.negate, let operand) where type.base.bits >= 32:
            return Polynomial().adding(self.polynomial(operand, facts), times: -1)
        case .binary(let operation, let left, let right) where type.base.bits >= 32:
            switch operation {
            case .add, .subtract:
                return self.polynomial(left, facts)
                    .adding(self.polynomial(right, facts), times: operation == .add ? 1 : -1)
            case .multiply:
                return self.polynomial(left, facts).multiplied(by: self.polynomial(right, facts))
            case .shiftLeft:
                guard case .constant(let amount) = right.node, amount < 31 else { return nil }
                return self.polynomial(left, facts).multiplied(by: .constant(1 << Int64(amount)))
            default: return nil
            }
        default: return nil
        }
    }

    // Lane by lane ---------------------------------------------------------------------------

    /// Position of a lane on an axis.
    func position(_ lane: Int, _ axis: Int) -> Int {
        let (x, y) = (Int(self.localSize[0]), Int(self.localSize[1]))
        switch axis {
        case 0: return lane % x
        case 1: return lane / x % y
        default: return lane / x / y
        }
    }

    /// The bits in every lane, or nil when they depend on more than local ids and constants.
    mutating func bits(_ expression: Expression, _ facts: Facts) -> [UInt64]? {
        guard self.isConcrete(expression, facts) else { return nil }
        var size = 0
        expression.forEachNode { _ in size += 1 }
        self.spent += size * self.lanes
        guard self.spent <= Self.budget else { return nil }
        var result: [UInt64] = []
        result.reserveCapacity(self.lanes)
        for lane in 0..<self.lanes {
            guard let value = self.value(expression, lane, facts) else { return nil }
            result.append(value)
        }
        return result
    }

    private func isConcrete(_ expression: Expression, _ facts: Facts) -> Bool {
        guard expression.type.isScalar, expression.type.base.isInteger else { return false }
        switch expression.node {
        case .constant: return true
        case .variable(let variable): return facts.lanes[variable] != nil
        case .query(let query, _): return query == .localID
        case .load(let place):
            guard case .constant = place.object else { return false }
            return self.isConcrete(place.index, facts)
        case .unary, .binary, .compare, .not, .and, .or, .choose, .cast(.value, _):
            var all = true
            expression.node.forEachOperand { if !self.isConcrete($0, facts) { all = false } }
            return all
        case .scalar, .cast, .call, .build, .extract, .insert: return false
        }
    }

    private func value(_ expression: Expression, _ lane: Int, _ facts: Facts) -> UInt64? {
        let base = expression.type.base
        switch expression.node {
        case .constant(let bits): return bits
        case .variable(let variable): return facts.lanes[variable]?[lane]
        case .query(_, let axis): return UInt64(self.position(lane, axis))
        case .load(let place):
            guard case .constant(let number) = place.object,
                let index = self.value(place.index, lane, facts)
            else { return nil }
            let values = self.constants[number].values
            return index < UInt64(values.count) ? values[Int(index)] : 0
        case .unary(let operation, let operand):
            guard let bits = self.value(operand, lane, facts) else { return nil }
            let value = Folding.extended(bits, base)
            return Folding.wrapped(operation == .negate ? 0 &- value : ~value, base)
        case .binary(let operation, let left, let right):
            guard let a = self.value(left, lane, facts), let b = self.value(right, lane, facts)
            else { return nil }
            return Folding.binary(operation, a, b, base)
        case .compare(let operation, let left, let right):
            guard let a = self.value(left, lane, facts), let b = self.value(right, lane, facts)
            else { return nil }
            return Folding.compare(operation, a, b, left.type.base).map { $0 ? 1 : 0 }
        case .not(let operand): return self.value(operand, lane, facts).map { $0 == 0 ? 1 : 0 }
        case .and(let left, let right):
            guard let a = self.value(left, lane, facts), let b = self.value(right, lane, facts)
            else { return nil }
            return a != 0 && b != 0 ? 1 : 0
        case .or(let left, let right):
            guard let a = self.value(left, lane, facts), let b = self.value(right, lane, facts)
            else { return nil }
            return a != 0 || b != 0 ? 1 : 0
        case .choose(let condition, let then, let otherwise):
            guard let test = self.value(condition, lane, facts) else { return nil }
            return self.value(test != 0 ? then : otherwise, lane, facts)
        case .cast(_, let operand):
            return self.value(operand, lane, facts)
                .flatMap { Folding.cast($0, from: operand.type.base, to: base) }
        case .scalar, .call, .build, .extract, .insert: return nil
        }
    }
}
