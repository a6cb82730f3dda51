internal import Primitives

extension Checker {
    /// The value of an expression.
    mutating func value(_ syntax: Syntax) throws(KernelError) -> Expression {
        switch try self.check(syntax) {
        case .value(let value): return value
        case .pointer:
            throw self.refused(
                "kernel.unsupported.pointer.value", syntax.position, "a pointer used as a number",
                fix: "index it: p[i]")
        case .nothing:
            throw self.refused(
                "kernel.type.void", syntax.position, "a void value is used", fix: "return a value")
        }
    }

    mutating func check(_ syntax: Syntax) throws(KernelError) -> Operand {
        try self.enter(syntax.position)
        defer { self.depth -= 1 }
        let position = syntax.position
        switch syntax.node {
        case .number(let text): return .value(try self.number(text, position))
        case .character(let text):
            guard let literal = Literal(character: text) else {
                throw self.refused(
                    "kernel.syntax.number", position, "a character with no value",
                    fix: "use a number")
            }
            return .value(try self.make(.int, .constant(literal.bits), position))
        case .name(let name): return try self.name(name, position)
        case .prefix(let symbol, let operand): return try self.prefix(symbol, operand, position)
        case .postfix(let symbol, let operand):
            return .value(try self.count(symbol, operand, position, old: true))
        case .binary(let symbol, let left, let right):
            return try self.binary(symbol, left, right, position)
        case .assign(let symbol, let left, let right):
            return try self.assign(symbol, left, right, position)
        case .conditional(let condition, let then, let otherwise):
            return .value(try self.conditional(condition, then, otherwise, position))
        case .call(let name, let arguments): return try self.call(name, arguments, position)
        case .index, .member:
            if let operand = try self.nestedArray(syntax) { return operand }
            return .value(try self.read(try self.target(syntax), position))
        case .cast(let type, let operand): return try self.cast(type, operand, position)
        case .vector(let type, let items):
            return .value(try self.vector(type.value ?? .int, items, position))
        case .comma(let left, let right):
            _ = try self.check(left)
            return try self.check(right)
        case .sizeOf(let type):
            guard let value = type.value, !type.isPointer else {
                throw self.refused(
                    "kernel.unsupported.sizeof", position, "sizeof a pointer", fix: "sizeof(int)")
            }
            let width = value.width == 3 ? 4 : value.width
            let bytes = UInt64(width * value.base.bytes)
            return .value(try self.make(.ulong, .constant(bytes), position))
        case .list:
            throw self.refused(
                "kernel.syntax", position, "a list in braces outside an array's initialiser",
                fix: "write (int4)(a, b, c, d) for vectors")
        }
    }

    private mutating func number(
        _ text: String, _ position: Position
    ) throws(KernelError) -> Expression {
        if let literal = Literal(integer: text) ?? Literal(float: text) {
            return try self.make(ValueType(literal.type), .constant(literal.bits), position)
        }
        if Literal(float: text + "f") != nil {
            throw self.refused(
                "kernel.unsupported.double", position, "\(text) is a double", fix: "write \(text)f")
        }
        throw self.refused(
            "kernel.syntax.number", position, "\(text.prefix(40)) is no number",
            fix: "write 10, 0x1F, 1.5f")
    }

    private mutating func name(_ name: String, _ position: Position) throws(KernelError) -> Operand
    {
        switch self.lookup(name) {
        case .variable(let variable):
            let type = self.variables[variable].type
            return .value(try self.make(type, .variable(variable), position))
        case .value(let value): return .value(value)
        case .pointer(let pointer): return .pointer(pointer)
        case .movingPointer(let pointer, let offset):
            let index = try self.make(.long, .variable(offset), position)
            return .pointer(
                Pointer(
                    target: pointer.target, element: pointer.element, index: index,
                    isConst: pointer.isConst))
        case .array(let object, let element, let extents, let isConst):
            return .pointer(
                Pointer(
                    target: .object(object), element: element, index: self.long(0),
                    extents: Array(extents.dropFirst()), isConst: isConst))
        case nil:
            if let constant = Self.named(name) {
                return .value(
                    try self.make(ValueType(constant.type), .constant(constant.bits), position))
            }
            throw self.refused(
                "kernel.name.unknown", position, "\(name.prefix(40)) is not declared",
                fix: "declare it before use; macros are expanded at publication only")
        }
    }

    /// Constants that OpenCL C defines as macros.
    private static func named(_ name: String) -> (type: ScalarType, bits: UInt64)? {
        switch name {
        case "CLK_LOCAL_MEM_FENCE": (.uint, 1)
        case "CLK_GLOBAL_MEM_FENCE": (.uint, 2)
        case "true": (.int, 1)
        case "false": (.int, 0)
        case "CHAR_BIT": (.int, 8)
        case "CHAR_MAX", "SCHAR_MAX": (.int, 127)
        case "CHAR_MIN", "SCHAR_MIN": (.int, 0xFFFF_FF80)
        case "UCHAR_MAX": (.int, 255)
        case "SHRT_MAX": (.int, 32_767)
        case "SHRT_MIN": (.int, 0xFFFF_8000)
        case "USHRT_MAX": (.int, 65_535)
        case "INT_MAX": (.int, 0x7FFF_FFFF)
        case "INT_MIN": (.int, 0x8000_0000)
        case "UINT_MAX": (.uint, 0xFFFF_FFFF)
        case "LONG_MAX": (.long, UInt64(Int64.max))
        case "LONG_MIN": (.long, 1 << 63)
        case "ULONG_MAX": (.ulong, .max)
        case "FLT_MAX": (.float, 0x7F7F_FFFF)
        case "FLT_MIN": (.float, 0x0080_0000)
        case "FLT_EPSILON": (.float, 0x3400_0000)
        case "INFINITY", "HUGE_VALF": (.float, 0x7F80_0000)
        case "NAN": (.float, 0x7FC0_0000)
        case "M_PI_F": (.float, 0x4049_0FDB)
        default: nil
        }
    }

    private mutating func prefix(
        _ symbol: String, _ operand: Syntax, _ position: Position
    ) throws(KernelError) -> Operand {
        switch symbol {
        case "++", "--": return .value(try self.count(symbol, operand, position, old: false))
        case "*":
            if case .pointer(let pointer) = try self.check(operand), !pointer.extents.isEmpty {
                return .pointer(self.inner(pointer, at: pointer.index))
            }
            return .value(
                try self.read(
                    try self.target(
                        Syntax(node: .prefix("*", operand), position: position, height: 1)),
                    position))
        case "&": return .pointer(try self.address(operand, position))
        default: break
        }
        let value = try self.value(operand)
        switch symbol {
        case "!":
            guard value.type.isScalar else {
                throw self.refused(
                    "kernel.unsupported.vector.logic", position, "! of a vector",
                    fix: "compare with 0")
            }
            return .value(try self.make(.int, .not(value), position))
        case "~":
            guard value.type.base.isInteger else {
                throw self.refused(
                    "kernel.type.integer", position, "~ takes integers", fix: "convert first")
            }
            let operand = try self.promoted(value, position)
            return .value(try self.unary(.complement, operand, position))
        case "-":
            let operand = try self.promoted(value, position)
            return .value(try self.unary(.negate, operand, position))
        default: return .value(try self.promoted(value, position))
        }
    }

    private mutating func unary(
        _ operation: UnaryOperator, _ operand: Expression, _ position: Position
    ) throws(KernelError) -> Expression {
        if case .constant(let bits) = operand.node, operand.type.base.isInteger {
            let value = Folding.extended(bits, operand.type.base)
            let folded = Folding.wrapped(
                operation == .negate ? 0 &- value : ~value, operand.type.base)
            return try self.make(operand.type, .constant(folded), position)
        }
        if case .constant(let bits) = operand.node, operand.type == .float {
            return try self.make(.float, .constant(bits ^ 0x8000_0000), position)
        }
        return try self.make(operand.type, .unary(operation, operand), position)
    }

    private static func comparison(_ symbol: String) -> ComparisonOperator? {
        switch symbol {
        case "==": .equal
        case "!=": .notEqual
        case "<": .less
        case "<=": .lessOrEqual
        case ">": .greater
        case ">=": .greaterOrEqual
        default: nil
        }
    }

    static func operation(_ symbol: String) -> BinaryOperator? {
        switch symbol {
        case "+": .add
        case "-": .subtract
        case "*": .multiply
        case "/": .divide
        case "%": .remainder
        case "&": .bitAnd
        case "|": .bitOr
        case "^": .bitXor
        case "<<": .shiftLeft
        case ">>": .shiftRight
        default: nil
        }
    }

    private mutating func binary(
        _ symbol: String, _ left: Syntax, _ right: Syntax, _ position: Position
    ) throws(KernelError) -> Operand {
        if symbol == "&&" || symbol == "||" {
            return .value(try self.logic(symbol == "&&", left, right, position))
        }
        let first = try self.check(left)
        let second = try self.check(right)
        switch (first, second) {
        case (.value(let a), .value(let b)):
            if let comparison = Self.comparison(symbol) {
                return .value(try self.comparison(comparison, a, b, position))
            }
            guard let operation = Self.operation(symbol) else {
                throw self.refused("kernel.syntax", position, "unknown operator", fix: "use C's")
            }
            return .value(try self.arithmetic(operation, a, b, position))
        case (.pointer(let pointer), .value(let offset)) where symbol == "+" || symbol == "-":
            return .pointer(
                try self.moved(pointer, symbol == "+" ? .add : .subtract, offset, position))
        case (.value(let offset), .pointer(let pointer)) where symbol == "+":
            return .pointer(try self.moved(pointer, .add, offset, position))
        default:
            throw self.refused(
                "kernel.unsupported.pointer.operation", position, "this operation on pointers",
                fix: "use p + n, p - n and p[n]; compare indexes, not pointers")
        }
    }

    /// pointer ± integer
    mutating func moved(
        _ pointer: Pointer, _ operation: BinaryOperator, _ offset: Expression, _ position: Position
    ) throws(KernelError) -> Pointer {
        guard pointer.extents.isEmpty, case .object = pointer.target, offset.type.isScalar,
            offset.type.base.isInteger
        else {
            throw self.refused(
                "kernel.unsupported.pointer.operation", position, "this pointer cannot move",
                fix: "index the array: a[i][j]")
        }
        let amount = try self.converted(offset, to: .long, position)
        let index = try self.longOperation(operation, pointer.index, amount, position)
        return Pointer(
            target: pointer.target, element: pointer.element, index: index, isConst: pointer.isConst
        )
    }

    private mutating func logic(
        _ isAnd: Bool, _ left: Syntax, _ right: Syntax, _ position: Position
    ) throws(KernelError) -> Expression {
        let a = try self.condition(left)
        let (b, effects) = try self.gathered { (checker) throws(KernelError) in
            try checker.condition(right)
        }
        if effects.isEmpty {
            if case .constant(let x) = a.node, case .constant(let y) = b.node,
                a.type.base.isInteger,
                b.type.base.isInteger
            {
                let holds = isAnd ? x != 0 && y != 0 : x != 0 || y != 0
                return try self.make(.int, .constant(holds ? 1 : 0), position)
            }
            return try self.make(.int, isAnd ? .and(a, b) : .or(a, b), position)
        }
        // The right side has effects: it is evaluated where the left one does not decide.
        self.temporaries += 1
        let result = try self.variable("t\(self.temporaries)", .int, position)
        let zero = try self.make(.int, .constant(0), position)
        let truth = try self.make(
            .int, .not(try self.make(.int, .not(a), position)), position)
        self.append(.assign(variable: result, truth))
        let second = try self.make(.int, .not(try self.make(.int, .not(b), position)), position)
        let evaluated = effects + [.assign(variable: result, second)]
        let tested = try self.make(.int, .variable(result), position)
        let condition =
            isAnd ? tested : try self.make(.int, .compare(.equal, tested, zero), position)
        self.append(
            .branch(Branch(condition: condition, then: evaluated, otherwise: [], isUniform: false)))
        return tested
    }

    private mutating func conditional(
        _ condition: Syntax, _ then: Syntax, _ otherwise: Syntax, _ position: Position
    ) throws(KernelError) -> Expression {
        let test = try self.condition(condition)
        var (a, first) = try self.gathered { (checker) throws(KernelError) in
            try checker.value(then)
        }
        var (b, second) = try self.gathered { (checker) throws(KernelError) in
            try checker.value(otherwise)
        }
        if a.type != b.type {
            let pair = (a, b)
            let type: ValueType
            if pair.0.type.isScalar && pair.1.type.isScalar {
                type = ValueType(Self.common(pair.0.type.base, pair.1.type.base))
            } else {
                type = pair.0.type.isScalar ? pair.1.type : pair.0.type
            }
            let (x, more) = try self.gathered { (checker) throws(KernelError) in
                try checker.converted(pair.0, to: type, position)
            }
            let (y, others) = try self.gathered { (checker) throws(KernelError) in
                try checker.converted(pair.1, to: type, position)
            }
            (a, b) = (x, y)
            first += more
            second += others
        }
        if first.isEmpty && second.isEmpty {
            if case .constant(let bits) = test.node, test.type.base.isInteger {
                return bits != 0 ? a : b
            }
            return try self.make(a.type, .choose(test, a, b), position)
        }
        self.temporaries += 1
        let result = try self.variable("t\(self.temporaries)", a.type, position)
        self.append(
            .branch(
                Branch(
                    condition: test, then: first + [.assign(variable: result, a)],
                    otherwise: second + [.assign(variable: result, b)], isUniform: false)))
        return try self.make(a.type, .variable(result), position)
    }

    private mutating func cast(
        _ type: TypeSyntax, _ operand: Syntax, _ position: Position
    ) throws(KernelError) -> Operand {
        if type.isPointer {
            guard case .pointer(let pointer) = try self.check(operand) else {
                throw self.refused(
                    "kernel.unsupported.pointer.integer", position, "a pointer made from a number",
                    fix: "use an index into a buffer parameter")
            }
            guard type.value == pointer.element, pointer.extents.isEmpty else {
                throw self.refused(
                    "kernel.unsupported.pointer.cast", position,
                    "a cast to a pointer of another type",
                    fix: "use a buffer of the type, or as_T(x)")
            }
            return .pointer(pointer)
        }
        guard let target = type.value else {
            _ = try self.check(operand)
            return .nothing
        }
        return .value(try self.converted(try self.value(operand), to: target, position))
    }

    private mutating func vector(
        _ type: ValueType, _ items: [Syntax], _ position: Position
    ) throws(KernelError) -> Expression {
        if items.count == 1 {
            let only = try self.value(items[0])
            if only.type.isScalar { return try self.converted(only, to: type, position) }
        }
        var parts: [Expression] = []
        for item in items {
            let value = try self.value(item)
            guard !value.type.isScalar else {
                parts.append(try self.converted(value, to: ValueType(type.base), item.position))
                continue
            }
            guard value.type.base == type.base else {
                throw self.refused(
                    "kernel.type.mismatch", item.position,
                    "a \(value.type.name) inside a \(type.name)", fix: "convert it first")
            }
            let once = try self.spilled(value, item.position)
            for component in 0..<value.type.width {
                parts.append(
                    try self.make(ValueType(type.base), .extract(once, [component]), item.position))
            }
        }
        guard parts.count == type.width else {
            throw self.refused(
                "kernel.type.components", position,
                "\(parts.count) components for a \(type.name)", fix: "give \(type.width), or one")
        }
        return try self.make(type, .build(parts), position)
    }
}
