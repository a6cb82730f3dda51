extension Checker {
    /// A row of an array of arrays.
    func inner(_ pointer: Pointer, at index: Expression) -> Pointer {
        Pointer(
            target: pointer.target, element: pointer.element, index: index,
            extents: Array(pointer.extents.dropFirst()), isConst: pointer.isConst)
    }

    /// `a[i]` where a is an array of arrays: a pointer, not a value.
    mutating func nestedArray(_ syntax: Syntax) throws(KernelError) -> Operand? {
        guard case .index(let base, let subscripted) = syntax.node,
            let remaining = self.remainingExtents(base), !remaining.isEmpty,
            case .pointer(let pointer) = try self.check(base)
        else { return nil }
        return .pointer(try self.row(pointer, subscripted))
    }

    /// Extents of what the elements of an array expression are; nothing is evaluated.
    private func remainingExtents(_ syntax: Syntax) -> [Int]? {
        switch syntax.node {
        case .name(let name):
            guard case .array(_, _, let extents, _) = self.lookup(name) else { return nil }
            return Array(extents.dropFirst())
        case .index(let base, _):
            guard let outer = self.remainingExtents(base), !outer.isEmpty else { return nil }
            return Array(outer.dropFirst())
        default: return nil
        }
    }

    private mutating func row(
        _ pointer: Pointer, _ subscripted: Syntax
    ) throws(KernelError) -> Pointer {
        let size = pointer.extents.reduce(1, *)
        let index = try self.index(subscripted)
        let scaled = try self.longOperation(
            .multiply, index, self.long(size), subscripted.position)
        return self.inner(
            pointer,
            at: try self.longOperation(.add, pointer.index, scaled, subscripted.position))
    }

    /// What an expression that can be assigned denotes; its index expressions are evaluated now.
    mutating func target(_ syntax: Syntax) throws(KernelError) -> Target {
        let position = syntax.position
        switch syntax.node {
        case .name(let name):
            switch self.lookup(name) {
            case .variable(let variable): return .variable(variable)
            case .movingPointer(let pointer, let offset): return .pointerOffset(pointer, offset)
            default: break
            }
        case .member(let base, let member):
            return try self.components(member, of: base, position)
        case .index(let base, let subscripted):
            guard case .pointer(let pointer) = try self.check(base) else {
                throw self.refused(
                    "kernel.type.index", position, "only arrays and pointers have elements",
                    fix: "use .x or .s0 for components of a vector")
            }
            guard pointer.extents.isEmpty else {
                throw self.refused(
                    "kernel.type.array", position, "a row of an array is no value",
                    fix: "give all indexes")
            }
            let offset = try self.index(subscripted)
            return try self.cell(
                pointer, try self.longOperation(.add, pointer.index, offset, position), position)
        case .prefix("*", let operand):
            guard case .pointer(let pointer) = try self.check(operand) else {
                throw self.refused(
                    "kernel.type.pointer", position, "* takes a pointer", fix: "remove it")
            }
            return try self.cell(pointer, pointer.index, position)
        default: break
        }
        // A value: only its components can be looked at.
        if case .value(let value) = try self.check(syntax) {
            if case .variable(let variable) = value.node { return .variable(variable) }
            let once = try self.spilled(value, position)
            if case .variable(let variable) = once.node { return .variable(variable) }
        }
        throw self.refused(
            "kernel.assign.target", position, "this cannot be assigned",
            fix: "assign to a variable or an element")
    }

    /// Components of something that can be assigned, or of any value.
    private mutating func components(
        _ member: String, of base: Syntax, _ position: Position
    ) throws(KernelError) -> Target {
        let outer = try self.target(base)
        let type = self.type(of: outer)
        guard let positions = Self.components(member, of: type) else {
            throw self.refused(
                "kernel.unsupported.member", position,
                "\(type.name) has no component \(member.prefix(40))",
                fix: "use .x .y .z .w, .s0, .lo, .hi")
        }
        switch outer {
        case .variable(let variable): return .components(variable, positions)
        case .components(let variable, let inner):
            return .components(variable, positions.map { inner[$0] })
        case .cell(let object, let element, let index) where positions.count == 1:
            let scaled = try self.longOperation(
                .multiply, index, self.long(element.width), position)
            let shifted = try self.longOperation(
                .add, scaled, self.long(positions[0]), position)
            return .cell(object, element: ValueType(element.base), index: shifted)
        case .cell, .pointerOffset:
            throw self.refused(
                "kernel.unsupported.swizzle", position, "several components of memory at once",
                fix: "read the vector into a variable first")
        }
    }

    /// Whether an expression denotes a place, by its form alone.
    static func isPlace(_ syntax: Syntax) -> Bool {
        switch syntax.node {
        case .name, .index, .prefix("*", _): true
        case .member(let base, _): Self.isPlace(base)
        default: false
        }
    }

    func checkPlace(_ syntax: Syntax) throws(KernelError) {
        guard Self.isPlace(syntax) else {
            throw self.refused(
                "kernel.assign.target", syntax.position, "this cannot be assigned",
                fix: "assign to a variable or an element")
        }
    }

    private func cell(
        _ pointer: Pointer, _ index: Expression, _ position: Position
    ) throws(KernelError) -> Target {
        switch pointer.target {
        case .object(let object): return .cell(object, element: pointer.element, index: index)
        case .variable(let variable):
            guard case .constant(0) = index.node else {
                throw self.refused(
                    "kernel.unsupported.pointer.operation", position,
                    "an element beside a single variable", fix: "use *p")
            }
            return .variable(variable)
        }
    }

    func type(of target: Target) -> ValueType {
        switch target {
        case .variable(let variable): self.variables[variable].type
        case .components(let variable, let positions):
            ValueType(self.variables[variable].type.base, width: positions.count)
        case .cell(_, let element, _): element
        case .pointerOffset: .long
        }
    }

    /// `&x`, `&a[i]`
    mutating func address(
        _ operand: Syntax, _ position: Position
    ) throws(KernelError) -> Pointer {
        try self.checkPlace(operand)
        switch try self.target(operand) {
        case .variable(let variable):
            return Pointer(
                target: .variable(variable), element: self.variables[variable].type,
                index: self.long(0), isConst: false)
        case .cell(let object, let element, let index):
            var isConst = false
            if case .constant = object { isConst = true }
            if case .buffer(let number) = object { isConst = !self.buffers[number].role.isWritten }
            return Pointer(
                target: .object(object), element: element, index: index, isConst: isConst)
        case .components, .pointerOffset:
            throw self.refused(
                "kernel.unsupported.pointer.address", position, "the address of this",
                fix: "take the address of a variable or an element")
        }
    }

    mutating func read(_ target: Target, _ position: Position) throws(KernelError) -> Expression {
        switch target {
        case .variable(let variable):
            return try self.make(self.variables[variable].type, .variable(variable), position)
        case .components(let variable, let positions):
            let type = self.variables[variable].type
            let whole = try self.make(type, .variable(variable), position)
            return try self.make(
                ValueType(type.base, width: positions.count), .extract(whole, positions), position)
        case .cell(let object, let element, let index):
            return try self.load(object, element, index, position)
        case .pointerOffset:
            throw self.refused(
                "kernel.unsupported.pointer.value", position, "a pointer used as a number",
                fix: "index it")
        }
    }

    /// Reads an element: a vector is read scalar by scalar.
    mutating func load(
        _ object: ObjectID, _ element: ValueType, _ index: Expression, _ position: Position,
        stride: Int? = nil
    ) throws(KernelError) -> Expression {
        if element.isScalar {
            return try self.make(element, .load(Place(object: object, index: index)), position)
        }
        let scaled = try self.longOperation(
            .multiply, index, self.long(stride ?? element.width), position)
        let base = try self.spilled(scaled, position)
        var parts: [Expression] = []
        for component in 0..<element.width {
            let place = Place(
                object: object,
                index: try self.longOperation(.add, base, self.long(component), position))
            parts.append(try self.make(ValueType(element.base), .load(place), position))
        }
        return try self.make(element, .build(parts), position)
    }

    /// Assigns; the value already has the target's type.
    mutating func write(
        _ target: Target, _ value: Expression, _ position: Position, isConst: Bool = false
    ) throws(KernelError) {
        switch target {
        case .variable(let variable): self.append(.assign(variable: variable, value))
        case .pointerOffset(_, let offset): self.append(.assign(variable: offset, value))
        case .components(let variable, let positions):
            let type = self.variables[variable].type
            guard
                positions.enumerated().allSatisfy({ !positions[..<$0.offset].contains($0.element) })
            else {
                throw self.refused(
                    "kernel.assign.target", position, "a component is assigned twice",
                    fix: "name each component once")
            }
            let whole = try self.make(type, .variable(variable), position)
            self.append(
                .assign(
                    variable: variable,
                    try self.make(
                        type, .insert(whole, positions: positions, value), position)))
        case .cell(let object, let element, let index):
            try self.store(object, element, index, value, position)
        }
    }

    /// Writes an element: a vector is written scalar by scalar.
    mutating func store(
        _ object: ObjectID, _ element: ValueType, _ index: Expression, _ value: Expression,
        _ position: Position, stride: Int? = nil
    ) throws(KernelError) {
        switch object {
        case .constant:
            throw self.refused(
                "kernel.assign.constant", position, "a constant table is written",
                fix: "use a private or local array")
        case .buffer(let number) where !self.buffers[number].role.isWritten:
            throw self.refused(
                "kernel.assign.input", position,
                "\(self.buffers[number].name) is an input and is written",
                fix: "set its role to out or inout in the manifest")
        case .buffer, .local, .privately: break
        }
        if element.isScalar {
            self.append(
                .store(
                    Store(place: Place(object: object, index: index), value: value, cells: [])))
            self.stores.append(position)
            return
        }
        let whole = try self.spilled(value, position)
        let scaled = try self.longOperation(
            .multiply, index, self.long(stride ?? element.width), position)
        let base = try self.spilled(scaled, position)
        for component in 0..<element.width {
            let place = Place(
                object: object,
                index: try self.longOperation(.add, base, self.long(component), position))
            let part = try self.make(
                ValueType(element.base), .extract(whole, [component]), position)
            self.append(.store(Store(place: place, value: part, cells: [])))
            self.stores.append(position)
        }
    }

    mutating func assign(
        _ symbol: String, _ left: Syntax, _ right: Syntax, _ position: Position
    ) throws(KernelError) -> Operand {
        try self.checkPlace(left)
        let target = try self.target(left)
        if case .pointerOffset(let pointer, let offset) = target {
            try self.assignPointer(symbol, pointer, offset, right, position)
            return .pointer(pointer)
        }
        try self.checkNotConst(left)
        let type = self.type(of: target)
        var value: Expression
        var place = target
        if symbol.isEmpty {
            value = try self.converted(try self.value(right), to: type, position)
        } else {
            guard let operation = Self.operation(symbol) else {
                throw self.refused("kernel.syntax", position, "unknown operator", fix: "use C's")
            }
            if case .cell(let object, let element, let index) = target {
                place = .cell(
                    object, element: element, index: try self.spilled(index, position))
            }
            let operand = try self.value(right)
            let old = try self.read(place, position)
            value = try self.converted(
                try self.arithmetic(operation, old, operand, position), to: type, position)
        }
        if case .cell = place { value = try self.spilled(value, position) }
        try self.write(place, value, position)
        if case .cell = place { return .value(value) }
        return .value(try self.read(place, position))
    }

    private func checkNotConst(_ syntax: Syntax) throws(KernelError) {
        var node = syntax
        while true {
            switch node.node {
            case .index(let base, _), .member(let base, _), .prefix("*", let base): node = base
            case .name(let name):
                let isConst: Bool
                switch self.lookup(name) {
                case .pointer(let pointer), .movingPointer(let pointer, _):
                    guard case .object(.buffer) = pointer.target else { return }
                    return
                case .array(_, _, _, let constant): isConst = constant
                default: isConst = false
                }
                guard !isConst else {
                    throw self.refused(
                        "kernel.assign.constant", syntax.position, "\(name) is constant",
                        fix: "remove const, or use another variable")
                }
                return
            default: return
            }
        }
    }

    private mutating func assignPointer(
        _ symbol: String, _ pointer: Pointer, _ offset: Int, _ right: Syntax, _ position: Position
    ) throws(KernelError) {
        let index: Expression
        switch (symbol, try self.check(right)) {
        case ("", .pointer(let source)):
            guard source.target == pointer.target, source.element == pointer.element else {
                throw self.refused(
                    "kernel.unsupported.pointer.object", position,
                    "a pointer that changes from one array to another",
                    fix: "use one pointer for each array, or an index")
            }
            index = source.index
        case ("+", .value(let amount)), ("-", .value(let amount)):
            let current = try self.make(.long, .variable(offset), position)
            var base = pointer
            base = Pointer(
                target: base.target, element: base.element, index: current, isConst: base.isConst)
            index = try self.moved(base, symbol == "+" ? .add : .subtract, amount, position).index
        default:
            throw self.refused(
                "kernel.unsupported.pointer.operation", position, "this assignment to a pointer",
                fix: "use p = q, p += n, p -= n")
        }
        self.append(.assign(variable: offset, index))
    }

    /// `++x`, `x--`, …; the old or the new value.
    mutating func count(
        _ symbol: String, _ operand: Syntax, _ position: Position, old: Bool
    ) throws(KernelError) -> Expression {
        try self.checkPlace(operand)
        var target = try self.target(operand)
        if case .pointerOffset = target {
            throw self.refused(
                "kernel.unsupported.pointer.operation", position, "p++ as a value",
                fix: "write p += 1 as a statement of its own")
        }
        try self.checkNotConst(operand)
        if case .cell(let object, let element, let index) = target {
            target = .cell(object, element: element, index: try self.spilled(index, position))
        }
        let type = self.type(of: target)
        let before = try self.read(target, position)
        let kept = old ? try self.spilled(before, position) : before
        let one = try self.make(.int, .constant(1), position)
        let after = try self.converted(
            try self.arithmetic(symbol == "++" ? .add : .subtract, before, one, position),
            to: type, position)
        let value = old ? after : try self.spilledForCell(after, target, position)
        try self.write(target, value, position)
        if old { return kept }
        if case .cell = target { return value }
        return try self.read(target, position)
    }

    private mutating func spilledForCell(
        _ value: Expression, _ target: Target, _ position: Position
    ) throws(KernelError) -> Expression {
        if case .cell = target { return try self.spilled(value, position) }
        return value
    }

    /// Positions that `.xyz`, `.s03`, `.lo`, … name.
    static func components(_ member: String, of type: ValueType) -> [Int]? {
        guard !type.isScalar else { return nil }
        let half = type.width == 3 ? 2 : type.width / 2
        let known: [Int]
        switch member {
        case "lo": known = Array(0..<half)
        case "hi": known = Array(half..<2 * half)
        case "even": known = (0..<half).map { 2 * $0 }
        case "odd": known = (0..<half).map { 2 * $0 + 1 }
        default:
            let bytes = Array(member.utf8)
            if bytes.count > 1, bytes[0] == 115 || bytes[0] == 83 {
                known = bytes.dropFirst().map { byte in
                    Int(String(decoding: [byte], as: UTF8.self), radix: 16) ?? -1
                }
            } else {
                known = bytes.map { byte in
                    switch byte {
                    case 120: 0
                    case 121: 1
                    case 122: 2
                    case 119: 3
                    default: -1
                    }
                }
            }
        }
        guard [1, 2, 3, 4, 8, 16].contains(known.count),
            known.allSatisfy({ $0 >= 0 && $0 < type.width })
        else { return nil }
        return known
    }
}
