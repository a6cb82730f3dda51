internal import Primitives

extension Checker {
    mutating func check(_ statement: StatementSyntax) throws(KernelError) {
        try self.enter(statement.position)
        defer { self.depth -= 1 }
        let position = statement.position
        switch statement.node {
        case .empty: break
        case .expression(let expression): try self.discard(expression)
        case .declaration(let type, let items):
            for item in items { try self.declare(type, item) }
        case .block(let statements):
            self.scopes.append([])
            for inner in statements { try self.check(inner) }
            self.scopes.removeLast()
        case .branch(let condition, let then, let otherwise):
            try self.branch(condition, then, otherwise)
        case .loop(let loop): try self.loop(loop, position)
        case .choice(let value, let cases): try self.choice(value, cases, position)
        case .breakLoop:
            guard !self.loops.isEmpty else {
                throw self.refused(
                    "kernel.syntax", position, "break outside a loop", fix: "remove it")
            }
            self.append(.breakLoop)
        case .continueLoop:
            guard let inner = self.loops.last else {
                throw self.refused(
                    "kernel.syntax", position, "continue outside a loop", fix: "remove it")
            }
            guard inner == .loop else {
                throw self.refused(
                    "kernel.unsupported.continue", position, "continue inside a switch",
                    fix: "use if … else instead of switch")
            }
            self.append(.continueLoop)
        case .leave(let value): try self.leave(value, position)
        }
    }

    /// An expression whose value nobody uses.
    private mutating func discard(_ syntax: Syntax) throws(KernelError) {
        switch syntax.node {
        case .postfix(let symbol, let operand), .prefix(let symbol, let operand):
            guard symbol == "++" || symbol == "--" else { break }
            if case .name(let name) = operand.node,
                case .movingPointer(let pointer, let offset) = self.lookup(name)
            {
                let current = try self.make(.long, .variable(offset), syntax.position)
                let after = try self.longOperation(
                    symbol == "++" ? .add : .subtract, current, self.long(1), syntax.position)
                _ = pointer
                self.append(.assign(variable: offset, after))
                return
            }
            _ = try self.count(symbol, operand, syntax.position, old: false)
            return
        case .comma(let left, let right):
            try self.discard(left)
            try self.discard(right)
            return
        default: break
        }
        _ = try self.check(syntax)
    }

    // Declarations ---------------------------------------------------------------------------

    private mutating func declare(
        _ type: TypeSyntax, _ item: DeclaratorSyntax
    ) throws(KernelError) {
        guard let value = type.value else {
            throw self.refused(
                "kernel.type.void", item.position, "a variable of type void", fix: "give it a type")
        }
        try self.checkAccepted(value, item.position)
        if item.isPointer {
            try self.declarePointer(value, item)
        } else if type.space == .local {
            try self.declareLocal(value, item)
        } else if item.extents.isEmpty {
            var initial: Expression?
            if let initialiser = item.initialiser {
                initial = try self.converted(
                    try self.value(initialiser), to: value, initialiser.position)
            }
            if type.isConst, let initial, case .constant = initial.node,
                self.unit.assigned[item.name] == nil
            {
                try self.bind(item.name, .value(initial), item.position)
                return
            }
            let variable = try self.variable(item.name, value, item.position)
            let zero = try self.zero(value, item.position)
            self.append(.assign(variable: variable, initial ?? zero))
            try self.bind(item.name, .variable(variable), item.position)
        } else {
            try self.declareArray(value, item, isConst: type.isConst)
        }
    }

    mutating func zero(_ type: ValueType, _ position: Position) throws(KernelError) -> Expression {
        let scalar = try self.make(ValueType(type.base), .constant(0), position)
        if type.isScalar { return scalar }
        return try self.make(
            type, .build([Expression](repeating: scalar, count: type.width)), position)
    }

    private mutating func declarePointer(
        _ element: ValueType, _ item: DeclaratorSyntax
    ) throws(KernelError) {
        guard let initialiser = item.initialiser, item.extents.isEmpty,
            case .pointer(let source) = try self.check(initialiser)
        else {
            throw self.refused(
                "kernel.unsupported.pointer.declaration", item.position,
                "a pointer that does not say what it points to",
                fix: "initialise it: __global const uchar *p = buffer + offset;")
        }
        guard source.element == element, source.extents.isEmpty else {
            throw self.refused(
                "kernel.unsupported.pointer.cast", item.position,
                "a pointer to \(element.name) made from one to \(source.element.name)",
                fix: "use the element type of the array")
        }
        try self.bindPointer(item.name, source, item.position)
    }

    private mutating func extents(_ item: DeclaratorSyntax) throws(KernelError) -> [Int] {
        var extents: [Int] = []
        for (number, extent) in item.extents.enumerated() {
            if let extent {
                extents.append(try self.extent(extent))
            } else if number == 0, case .list(let values)? = item.initialiser?.node,
                !values.isEmpty
            {
                extents.append(values.count)
            } else {
                throw self.refused(
                    "kernel.array.extent", item.position, "an extent is missing", fix: "write it")
            }
        }
        var count = 1
        for extent in extents {
            count = count.multipliedReportingOverflow(by: extent).partialValue
            guard count >= 1, count <= Limits.localBytes else {
                throw self.refused(
                    "kernel.array.extent", item.position, "an array of too many elements",
                    fix: "at most \(Limits.localBytes)")
            }
        }
        return extents
    }

    private func checkArrays(_ position: Position) throws(KernelError) {
        guard self.privates.count + self.locals.count < Limits.arrays else {
            throw self.refused(
                "kernel.limit.arrays", position, "more than \(Limits.arrays) arrays",
                fix: "inline fewer helpers with arrays")
        }
    }

    private mutating func declareLocal(
        _ element: ValueType, _ item: DeclaratorSyntax
    ) throws(KernelError) {
        guard self.calls.isEmpty, item.initialiser == nil, self.loops.isEmpty else {
            throw self.refused(
                "kernel.local.declaration", item.position,
                "local memory is declared in the kernel itself, outside loops, without initialiser",
                fix: "declare it at the top of the kernel and pass it to helpers")
        }
        try self.checkArrays(item.position)
        let extents = try self.extents(item)
        let count = extents.reduce(1, *) * element.width
        self.locals.append(ArrayObject(name: item.name, element: element.base, count: count))
        let object = ObjectID.local(self.locals.count - 1)
        if extents.isEmpty {
            // A single local variable is an array of one, written as *name.
            try self.bind(
                item.name, .array(object, element: element, extents: [1], isConst: false),
                item.position)
            return
        }
        try self.bind(
            item.name, .array(object, element: element, extents: extents, isConst: false),
            item.position)
    }

    private mutating func declareArray(
        _ element: ValueType, _ item: DeclaratorSyntax, isConst: Bool
    ) throws(KernelError) {
        try self.checkArrays(item.position)
        let extents = try self.extents(item)
        let count = extents.reduce(1, *) * element.width
        self.privates.append(ArrayObject(name: item.name, element: element.base, count: count))
        let number = self.privates.count - 1
        self.append(.clear(privateArray: number))
        try self.bind(
            item.name,
            .array(.privately(number), element: element, extents: extents, isConst: isConst),
            item.position)
        guard let initialiser = item.initialiser else { return }
        guard case .list = initialiser.node else {
            throw self.refused(
                "kernel.array.initialiser", initialiser.position, "an array takes values in braces",
                fix: "{a, b, c}")
        }
        var next = 0
        try self.fill(
            number, element, initialiser, extents: extents[...], from: &next,
            limit: extents.reduce(1, *))
    }

    private mutating func fill(
        _ array: Int, _ element: ValueType, _ syntax: Syntax, extents: ArraySlice<Int>,
        from next: inout Int, limit: Int
    ) throws(KernelError) {
        guard case .list(let items) = syntax.node else {
            guard next < limit else {
                throw self.refused(
                    "kernel.array.initialiser", syntax.position, "more values than elements",
                    fix: "remove some")
            }
            let value = try self.converted(try self.value(syntax), to: element, syntax.position)
            try self.store(.privately(array), element, self.long(next), value, syntax.position)
            next += 1
            return
        }
        let start = next
        let inner = extents.dropFirst()
        let size = inner.reduce(1, *)
        for (number, item) in items.enumerated() {
            if case .list = item.node { next = start + number * size }
            try self.fill(array, element, item, extents: inner, from: &next, limit: limit)
        }
    }

    // Control --------------------------------------------------------------------------------

    private mutating func branch(
        _ condition: Syntax, _ then: StatementSyntax, _ otherwise: StatementSyntax?
    ) throws(KernelError) {
        let test = try self.condition(condition)
        let (_, first) = try self.gathered { (checker) throws(KernelError) in
            try checker.scoped(then)
        }
        let (_, second) = try self.gathered { (checker) throws(KernelError) in
            if let otherwise { try checker.scoped(otherwise) }
        }
        if case .constant(let bits) = test.node, test.type.base.isInteger,
            !first.contains(where: \.hasBarrier), !second.contains(where: \.hasBarrier)
        {
            // Decided at publication, such as `if (MODE == 2)`.
            self.current += bits != 0 ? first : second
            return
        }
        self.append(
            .branch(Branch(condition: test, then: first, otherwise: second, isUniform: false)))
    }

    private mutating func scoped(_ statement: StatementSyntax) throws(KernelError) {
        self.scopes.append([])
        try self.check(statement)
        self.scopes.removeLast()
    }

    private mutating func loop(_ loop: LoopSyntax, _ position: Position) throws(KernelError) {
        self.scopes.append([])
        defer { self.scopes.removeLast() }
        if let start = loop.start { try self.check(start) }
        let (condition, header) = try self.gathered { (checker) throws(KernelError) in
            try loop.condition.map { (syntax) throws(KernelError) in try checker.condition(syntax) }
        }
        self.loops.append(.loop)
        let (_, body) = try self.gathered { (checker) throws(KernelError) in
            try checker.scoped(loop.body)
        }
        self.loops.removeLast()
        let (_, step) = try self.gathered { (checker) throws(KernelError) in
            if let step = loop.step { try checker.discard(step) }
        }
        var test = condition
        if let value = condition, case .constant(let bits) = value.node, bits != 0,
            value.type.base.isInteger
        {
            test = nil
        }
        self.append(
            .loop(
                Loop(
                    bound: .fuel, testsFirst: loop.testsFirst, header: header, condition: test,
                    body: body, step: step, isUniform: false)))
    }

    /// `switch`: the number of the chosen label, then one branch per label that a lane has reached.
    private mutating func choice(
        _ value: Syntax, _ cases: [CaseSyntax], _ position: Position
    ) throws(KernelError) {
        let selector = try self.spilled(
            try self.promoted(try self.condition(value), position), position)
        guard selector.type.base.isInteger else {
            throw self.refused(
                "kernel.type.integer", position, "switch takes an integer", fix: "convert it")
        }
        self.temporaries += 1
        let target = try self.variable("t\(self.temporaries)", .int, position)
        let number = try self.make(.int, .variable(target), position)
        let otherwise = cases.firstIndex { $0.value == nil } ?? cases.count
        guard cases.filter({ $0.value == nil }).count <= 1 else {
            throw self.refused("kernel.syntax", position, "two defaults", fix: "keep one")
        }
        var choose = try self.make(.int, .constant(UInt64(otherwise)), position)
        self.append(.assign(variable: target, choose))
        for (index, item) in cases.enumerated() {
            guard let label = item.value else { continue }
            let constant = try self.converted(
                try self.value(label), to: selector.type, item.position)
            guard case .constant = constant.node else {
                throw self.refused(
                    "kernel.switch.label", item.position, "a label that is not a constant",
                    fix: "use a literal")
            }
            let test = try self.comparison(.equal, selector, constant, item.position)
            choose = try self.make(.int, .constant(UInt64(index)), item.position)
            self.append(
                .branch(
                    Branch(
                        condition: test, then: [.assign(variable: target, choose)], otherwise: [],
                        isUniform: false)))
        }
        self.loops.append(.choice)
        self.scopes.append([])
        let (_, body) = try self.gathered { (checker) throws(KernelError) in
            for (index, item) in cases.enumerated() {
                let reached = try checker.comparison(
                    .lessOrEqual, number,
                    try checker.make(.int, .constant(UInt64(index)), item.position), item.position)
                let (_, block) = try checker.gathered { (inner) throws(KernelError) in
                    for statement in item.body { try inner.check(statement) }
                }
                checker.append(
                    .branch(
                        Branch(condition: reached, then: block, otherwise: [], isUniform: false)))
            }
        }
        self.scopes.removeLast()
        self.loops.removeLast()
        self.append(
            .loop(
                Loop(
                    bound: .constant(1), testsFirst: false, header: [], condition: nil,
                    body: body + [.breakLoop], step: [], isUniform: false)))
    }

    private mutating func leave(_ value: Syntax?, _ position: Position) throws(KernelError) {
        if let call = self.calls.last, let result = call.result, let type = call.type {
            guard let value else {
                throw self.refused(
                    "kernel.return.value", position, "\(call.name) returns a value",
                    fix: "return a \(type.name)")
            }
            let converted = try self.converted(try self.value(value), to: type, position)
            self.append(.assign(variable: result, converted))
        } else if value != nil {
            throw self.refused(
                "kernel.return.value", position, "a value returned from a void function",
                fix: "return;")
        }
        self.append(.leave)
    }
}

extension Statement {
    /// Whether a barrier is in it.
    var hasBarrier: Bool {
        switch self {
        case .barrier: true
        case .branch(let branch):
            branch.then.contains(where: \.hasBarrier)
                || branch.otherwise.contains(where: \.hasBarrier)
        case .loop(let loop):
            loop.header.contains(where: \.hasBarrier) || loop.body.contains(where: \.hasBarrier)
                || loop.step.contains(where: \.hasBarrier)
        case .scope(let body): body.contains(where: \.hasBarrier)
        case .assign, .store, .clear, .leave, .breakLoop, .continueLoop: false
        }
    }

    /// Whether it leaves the scope that it stands in.
    var leavesScope: Bool {
        switch self {
        case .leave: true
        case .branch(let branch):
            branch.then.contains(where: \.leavesScope)
                || branch.otherwise.contains(where: \.leavesScope)
        case .loop(let loop):
            loop.header.contains(where: \.leavesScope) || loop.body.contains(where: \.leavesScope)
                || loop.step.contains(where: \.leavesScope)
        case .scope, .assign, .store, .clear, .breakLoop, .continueLoop, .barrier: false
        }
    }
}
