extension Emitter {
    static func swizzle(_ positions: [Int]) -> String {
        "s" + positions.map { String($0, radix: 16) }.joined()
    }

    /// An expression in parentheses where it needs them, of exactly the tree's type.
    mutating func expression(_ expression: Expression) -> String {
        let type = expression.type
        switch expression.node {
        case .constant(let bits): return Self.literal(bits, type.base)
        case .scalar(let index): return "s\(index)"
        case .variable(let variable): return "v\(variable)"
        case .query(let query, let axis):
            switch query {
            case .localID: return "l\(axis)"
            case .groupID: return "g\(axis)"
            case .globalID: return "(g\(axis) * \(self.tree.localSize[axis])UL + l\(axis))"
            case .numGroups: return "(ulong)groups\(axis)"
            }
        case .load(let place): return self.load(place)
        case .unary(let operation, let operand): return self.unary(operation, operand)
        case .binary(let operation, let left, let right):
            return self.binary(operation, left, right, type)
        case .compare(let operation, let left, let right):
            let symbol = Self.symbol(operation)
            return "(\(self.expression(left)) \(symbol) \(self.expression(right)))"
        case .not(let operand): return "(\(self.expression(operand)) == 0)"
        case .and(let left, let right): return "(\(self.test(left)) && \(self.test(right)))"
        case .or(let left, let right): return "(\(self.test(left)) || \(self.test(right)))"
        case .choose(let condition, let then, let otherwise):
            let (a, b) = (self.expression(then), self.expression(otherwise))
            let text = "(\(self.test(condition)) ? \(a) : \(b))"
            // C would promote small integers.
            return type.isScalar && type.base.bits < 32 ? "(\(Self.name(type)))\(text)" : text
        case .cast(let mode, let operand): return self.cast(mode, operand, type)
        case .call(let builtin, let operands): return self.call(builtin, operands, type)
        case .build(let parts):
            let texts = parts.map { self.expression($0) }
            return "(\(Self.name(type)))(\(texts.joined(separator: ", ")))"
        case .extract(let operand, let positions):
            return "(\(self.expression(operand))).\(Self.swizzle(positions))"
        case .insert(let whole, let positions, let part):
            let (old, new) = (self.expression(whole), self.expression(part))
            let parts = (0..<type.width).map { component -> String in
                guard let source = positions.firstIndex(of: component) else {
                    return "(\(old)).\(Self.swizzle([component]))"
                }
                return part.type.isScalar ? new : "(\(new)).\(Self.swizzle([source]))"
            }
            return "(\(Self.name(type)))(\(parts.joined(separator: ", ")))"
        }
    }

    private static func symbol(_ operation: ComparisonOperator) -> String {
        switch operation {
        case .equal: "=="
        case .notEqual: "!="
        case .less: "<"
        case .lessOrEqual: "<="
        case .greater: ">"
        case .greaterOrEqual: ">="
        }
    }

    private mutating func load(_ place: Place) -> String {
        let index = self.expression(place.index)
        let fixed = self.fixedIndex(place)
        switch place.object {
        case .buffer(let buffer):
            let object = self.tree.buffers[buffer]
            let name = self.reader("__global const", "g", object.element)
            let text = "\(name)(b\(buffer), n\(buffer), \(index))"
            guard object.role.isWritten else { return text }
            // Cells of other groups read as zero.
            let zero = Self.literal(0, object.element)
            let choice = "(\(self.owns(buffer, index)) ? \(text) : \(zero))"
            return object.element.bits < 32 ? "(\(Self.name(object.element)))\(choice)" : choice
        case .local(let array):
            let object = self.tree.locals[array]
            if let fixed { return "m\(array)[\(fixed)]" }
            let name = self.reader("__local const", "m", object.element)
            return "\(name)(m\(array), \(object.count)UL, \(index))"
        case .privately(let array):
            let object = self.tree.privates[array]
            if let fixed { return "a\(array)[\(fixed)]" }
            let name = self.reader("const", "a", object.element)
            return "\(name)(a\(array), \(object.count)UL, \(index))"
        case .constant(let table):
            let object = self.tree.constants[table]
            if let fixed { return "c\(table)[\(fixed)]" }
            let name = self.reader("__constant", "c", object.element)
            return "\(name)(c\(table), \(object.values.count)UL, \(index))"
        }
    }

    private mutating func reader(_ space: String, _ tag: String, _ element: ScalarType) -> String {
        let type = Self.name(element)
        let name = "sl_read_\(tag)_\(type)"
        return self.helper(name) {
            let zero = Self.literal(0, element)
            let choice = "(ulong)x < n ? p[x] : \(zero)"
            return "\(type) \(name)(\(space) \(type) *p, ulong n, long x) { return \(choice); }"
        }
    }

    private mutating func unary(_ operation: UnaryOperator, _ operand: Expression) -> String {
        let type = operand.type
        let text = self.expression(operand)
        switch operation {
        case .complement:
            return type.isScalar && type.base.bits < 32
                ? "(\(Self.name(type)))(~\(text))" : "(~\(text))"
        case .negate:
            if type.base.isFloat { return "(-\(text))" }
            let zero = Expression(ValueType(type.base), .constant(0))
            if type.isScalar {
                return self.wrapping("-", self.expression(zero), text, type)
            }
            return self.wrapping("-", "(\(Self.name(type)))(\(self.expression(zero)))", text, type)
        }
    }

    /// Arithmetic modulo 2^bits: signed operands go through the unsigned type.
    private func wrapping(_ symbol: String, _ a: String, _ b: String, _ type: ValueType) -> String {
        if type.isScalar && type.base.bits < 32 {
            return "(\(Self.name(type)))((uint)\(a) \(symbol) (uint)\(b))"
        }
        guard type.base.isSigned else { return "(\(a) \(symbol) \(b))" }
        let unsigned = Self.name(type.with(Parser.unsigned(type.base)))
        return "as_\(Self.name(type))(as_\(unsigned)(\(a)) \(symbol) as_\(unsigned)(\(b)))"
    }

    private mutating func binary(
        _ operation: BinaryOperator, _ left: Expression, _ right: Expression, _ type: ValueType
    ) -> String {
        let (a, b) = (self.expression(left), self.expression(right))
        let small = type.isScalar && type.base.bits < 32
        func plain(_ symbol: String) -> String {
            small ? "(\(Self.name(type)))(\(a) \(symbol) \(b))" : "(\(a) \(symbol) \(b))"
        }
        let bits = Self.literal(UInt64(type.base.bits - 1), type.base)
        let amount = "(\(b) & \(type.isScalar ? bits : "(\(Self.name(type)))(\(bits))"))"
        switch operation {
        case .add: return type.base.isFloat ? plain("+") : self.wrapping("+", a, b, type)
        case .subtract: return type.base.isFloat ? plain("-") : self.wrapping("-", a, b, type)
        case .multiply: return type.base.isFloat ? plain("*") : self.wrapping("*", a, b, type)
        case .divide, .remainder:
            if type.base.isFloat { return plain("/") }
            let symbol = operation == .divide ? "/" : "%"
            if type.isScalar, case .constant(let divisor) = right.node, divisor != 0,
                !(type.base.isSigned && Folding.extended(divisor, type.base) == -1)
            {
                return plain(symbol)
            }
            let name = self.divide(type, remainder: operation == .remainder)
            return "\(name)(\(a), \(b))"
        case .bitAnd: return plain("&")
        case .bitOr: return plain("|")
        case .bitXor: return plain("^")
        case .shiftLeft:
            guard type.base.isSigned && !small else {
                return small
                    ? "(\(Self.name(type)))((uint)\(a) << \(amount))" : "(\(a) << \(amount))"
            }
            let unsigned = Self.name(type.with(Parser.unsigned(type.base)))
            return "as_\(Self.name(type))(as_\(unsigned)(\(a)) << as_\(unsigned)(\(amount)))"
        case .shiftRight:
            return small ? "(\(Self.name(type)))(\(a) >> \(amount))" : "(\(a) >> \(amount))"
        }
    }

    /// x / 0 = 0, MIN / -1 = MIN; x % 0 = 0, MIN % -1 = 0.
    mutating func divide(_ type: ValueType, remainder: Bool) -> String {
        let text = Self.name(type)
        let name = (remainder ? "sl_rem_" : "sl_div_") + text
        let symbol = remainder ? "%" : "/"
        if type.isScalar {
            let zero = Self.literal(0, type.base)
            let minus = remainder ? zero : self.wrapping("-", zero, "a", type)
            return self.helper(name) {
                let choice = type.base.isSigned ? "b == -1 ? \(minus) : " : ""
                return "\(text) \(name)(\(text) a, \(text) b) "
                    + "{ return b == 0 ? \(zero) : \(choice)(\(text))(a \(symbol) b); }"
            }
        }
        let single = self.divide(ValueType(type.base), remainder: remainder)
        return self.componentwise(name, single, type, type, operands: 2)
    }

    /// A function on vectors from one on scalars.
    mutating func componentwise(
        _ name: String, _ single: String, _ operand: ValueType, _ result: ValueType, operands: Int
    ) -> String {
        self.helper(name) {
            let names = ["a", "b", "c"].prefix(operands)
            let parameters = names.map { "\(Self.name(operand)) \($0)" }.joined(separator: ", ")
            let parts = (0..<operand.width).map { component -> String in
                let arguments = names.map { "\($0).\(Self.swizzle([component]))" }
                return "\(single)(\(arguments.joined(separator: ", ")))"
            }
            let type = Self.name(result)
            let list = parts.joined(separator: ", ")
            return "\(type) \(name)(\(parameters)) { return (\(type))(\(list)); }"
        }
    }
}
