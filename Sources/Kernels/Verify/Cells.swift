extension Verifier {
    /// Notes the reads of an expression.
    mutating func read(_ expression: Expression) {
        guard self.mode == .collect else {
            self.noteGuards(expression)
            return
        }
        var places: [Place] = []
        expression.forEachNode { if case .load(let place) = $0.node { places.append(place) } }
        for place in places { self.note(place, [place.index], isStore: false) }
    }

    mutating func store(_ store: Store) -> Store {
        if self.mode == .collect {
            // A store happens only with its cells in range: they tell addresses apart.
            self.note(store.place, [store.place.index] + store.cells, isStore: true)
            return store
        }
        guard case .buffer(let buffer) = store.place.object else { return store }
        self.indexes.append((buffer, self.evaluator.polynomial(store.place.index, self.facts)))
        guard let cells = self.cells(of: store.place.index, in: self.manifest.buffers[buffer])
        else { return store }
        return Store(place: store.place, value: store.value, cells: cells)
    }

    /// Comparisons of something with a scalar of the launch.
    private mutating func noteGuards(_ expression: Expression) {
        var comparisons: [(Expression, Expression)] = []
        expression.forEachNode {
            guard case .compare(let operation, let left, let right) = $0.node else { return }
            switch operation {
            case .less, .greaterOrEqual: comparisons.append((left, right))
            case .greater, .lessOrEqual: comparisons.append((right, left))
            case .equal, .notEqual: break
            }
        }
        for (value, limit) in comparisons {
            let bound = LoopBounds.stripped(limit)
            guard case .scalar(let index) = bound.node, bound.type.base.isInteger,
                let formula = ScalarExpression(.scalar(self.tree.scalars[index].name))
            else { continue }
            self.guards.append((self.evaluator.polynomial(value, self.facts), formula))
        }
    }

    private mutating func note(_ place: Place, _ coordinates: [Expression], isStore: Bool) {
        let intervals: [Int]
        switch place.object {
        case .local: intervals = self.intervals.local
        case .buffer(let number):
            guard self.tree.buffers[number].role.isWritten else { return }
            intervals = self.intervals.global
        case .privately, .constant: return
        }
        self.accesses.append(
            Access(
                object: place.object, isStore: isStore, intervals: intervals,
                coordinates: coordinates.map { self.coordinate($0) }, mask: self.mask,
                position: self.position))
    }

    /// Splits a number into what follows from the lane and the rest.
    private mutating func coordinate(_ expression: Expression) -> Access.Coordinate {
        let polynomial = self.evaluator.polynomial(expression, self.facts)
        var lanes = [Int64](repeating: polynomial.constant, count: self.tree.lanes)
        var rest = Polynomial()
        for term in polynomial.terms {
            guard let values = self.values(of: term) else {
                rest.terms.append(term)
                continue
            }
            for lane in lanes.indices { lanes[lane] &+= values[lane] }
        }
        let table = self.evaluator.table
        let known = rest.terms.allSatisfy { term in
            term.atoms.allSatisfy { table[$0].isLaunchConstant }
        }
        // Numbers this small differ modulo 2^32 when they differ.
        let small = lanes.allSatisfy { $0.magnitude < 1 << 30 }
        return Access.Coordinate(lanes: lanes, rest: rest, isFixed: known && small)
    }

    /// The term in every lane, when all its atoms follow from local ids.
    private mutating func values(of term: Polynomial.Term) -> [Int64]? {
        var values = [Int64](repeating: term.coefficient, count: self.tree.lanes)
        for number in term.atoms {
            for lane in values.indices {
                switch self.evaluator.table[number] {
                case .lane(let axis):
                    values[lane] &*= Int64(self.evaluator.position(lane, axis))
                case .variable(let variable):
                    guard let bits = self.facts.lanes[variable] else { return nil }
                    values[lane] &*= Folding.extended(
                        bits[lane], self.tree.variables[variable].type.base)
                case .expression, .group, .groups, .scalar:
                    break
                }
            }
            switch self.evaluator.table[number] {
            case .lane, .variable: break
            case .group, .groups, .scalar: return nil
            case .expression(let expression):
                guard let bits = self.evaluator.bits(expression, self.facts) else { return nil }
                for lane in values.indices {
                    values[lane] &*= Folding.extended(bits[lane], expression.type.base)
                }
            }
        }
        return values
    }

    // Cells ----------------------------------------------------------------------------------

    /// Coordinates of an index in a layout: index = origin + Σ cell × stride modulo 2^32; nil where
    /// the strides do not divide it.
    private mutating func cells(
        of index: Expression, in layout: BufferLayout
    ) -> [Expression]? {
        let polynomial = self.evaluator.polynomial(index, self.facts)
        guard let origin = self.polynomial(layout.origin.node),
            var rest = polynomial.adding(origin, times: -1)
        else { return nil }
        var cells: [Expression] = []
        for axis in layout.axes {
            guard let stride = self.polynomial(axis.stride.node) else { return nil }
            let divisor: Polynomial.Term
            if stride.isConstant {
                divisor = Polynomial.Term(atoms: [], coefficient: stride.constant)
            } else {
                guard stride.constant == 0, stride.terms.count == 1 else { return nil }
                divisor = stride.terms[0]
            }
            guard divisor.coefficient > 0 else { return nil }
            let (quotient, remainder) = rest.divided(by: divisor)
            guard let cell = self.expression(quotient) else { return nil }
            cells.append(cell)
            rest = remainder
        }
        return rest == Polynomial() ? cells : nil
    }

    /// A manifest expression as a polynomial, where it is one.
    private mutating func polynomial(_ node: ScalarExpression.Node) -> Polynomial? {
        switch node {
        case .constant(let value):
            return value.magnitude <= Polynomial.coefficientMax.magnitude ? .constant(value) : nil
        case .scalar(let name):
            guard let number = self.tree.scalars.firstIndex(where: { $0.name == name }) else {
                return nil
            }
            return .atom(self.evaluator.table.number(.scalar(number)))
        case .groups(let axis): return .atom(self.evaluator.table.number(.groups(axis)))
        case .local(let axis): return .constant(Int64(self.tree.localSize[axis]))
        case .binary(let operation, let left, let right):
            guard let a = self.polynomial(left), let b = self.polynomial(right) else { return nil }
            switch operation {
            case .add: return a.adding(b)
            case .subtract: return a.adding(b, times: -1)
            case .multiply: return a.multiplied(by: b)
            case .divide, .remainder, .min, .max: return nil
            }
        }
    }

    /// A polynomial as an expression of type long; a variable that is known to equal it is
    /// preferred.
    private func expression(_ polynomial: Polynomial) -> Expression? {
        if polynomial.isConstant { return Self.long(polynomial.constant) }
        // Coordinates are named early; the search is short.
        for (variable, known) in self.facts.polynomials.prefix(512).enumerated()
        where known == polynomial {
            return Self.widened(
                Expression(self.tree.variables[variable].type, .variable(variable)))
        }
        var terms = polynomial.terms
        var sum: Expression?
        func add(_ term: Expression) {
            sum = sum.map { Expression(.long, .binary(.add, $0, term)) } ?? term
        }
        // local size × group + lane is the global id.
        for axis in 0..<3 {
            let size = Int64(self.tree.localSize[axis])
            let table = self.evaluator.table
            guard size > 1,
                let lane = terms.firstIndex(where: {
                    $0.coefficient == 1 && $0.atoms.map { table[$0] } == [.lane(axis)]
                }),
                let group = terms.firstIndex(where: {
                    $0.coefficient == size && $0.atoms.map { table[$0] } == [.group(axis)]
                })
            else { continue }
            terms.remove(at: max(lane, group))
            terms.remove(at: min(lane, group))
            add(Self.widened(Expression(.ulong, .query(.globalID, axis: axis))))
        }
        for term in terms {
            var product: Expression?
            for number in term.atoms {
                let factor = Self.widened(self.expression(self.evaluator.table[number]))
                product =
                    product.map { Expression(.long, .binary(.multiply, $0, factor)) } ?? factor
            }
            guard let product else { return nil }
            add(
                term.coefficient == 1
                    ? product
                    : Expression(.long, .binary(.multiply, product, Self.long(term.coefficient))))
        }
        if polynomial.constant != 0 { add(Self.long(polynomial.constant)) }
        guard let sum, sum.depth < Limits.expressionDepth else { return nil }
        return sum
    }

    private func expression(_ atom: Atom) -> Expression {
        switch atom {
        case .lane(let axis): Expression(.ulong, .query(.localID, axis: axis))
        case .group(let axis): Expression(.ulong, .query(.groupID, axis: axis))
        case .groups(let axis): Expression(.ulong, .query(.numGroups, axis: axis))
        case .scalar(let index):
            Expression(ValueType(self.tree.scalars[index].type), .scalar(index))
        case .variable(let variable):
            Expression(self.tree.variables[variable].type, .variable(variable))
        case .expression(let expression): expression
        }
    }

    private static func long(_ value: Int64) -> Expression {
        Expression(.long, .constant(UInt64(bitPattern: value)))
    }

    private static func widened(_ expression: Expression) -> Expression {
        expression.type == .long ? expression : Expression(.long, .cast(.value, expression))
    }
}
