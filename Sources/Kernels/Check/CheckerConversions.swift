extension Checker {
    /// C conversion to `type`, folded for constants.
    mutating func converted(
        _ value: Expression, to type: ValueType, _ position: Position
    ) throws(KernelError) -> Expression {
        if value.type == type { return value }
        try self.checkAccepted(type, position)
        if value.type.width == type.width {
            return try self.cast(.value, value, to: type, position)
        }
        guard value.type.isScalar else {
            throw self.refused(
                "kernel.type.mismatch", position,
                "a \(value.type.name) where a \(type.name) belongs",
                fix: "convert it: convert_\(type.name)(…), or pick components")
        }
        let scalar = try self.converted(value, to: ValueType(type.base), position)
        let once = try self.spilled(scalar, position)
        return try self.make(
            type, .build([Expression](repeating: once, count: type.width)), position)
    }

    mutating func cast(
        _ mode: CastMode, _ value: Expression, to type: ValueType, _ position: Position
    ) throws(KernelError) -> Expression {
        if case .constant(let bits) = value.node, mode == .value,
            let folded = Folding.cast(bits, from: value.type.base, to: type.base)
        {
            return try self.make(type, .constant(folded), position)
        }
        return try self.make(type, .cast(mode, value), position)
    }

    /// Integer promotion: types below int become int.
    mutating func promoted(
        _ value: Expression, _ position: Position
    ) throws(KernelError) -> Expression {
        guard value.type.isScalar, value.type.base.isInteger, value.type.base.bits < 32 else {
            return value
        }
        return try self.converted(value, to: .int, position)
    }

    /// The usual arithmetic conversions, and OpenCL's widening of a scalar beside a vector.
    mutating func balanced(
        _ left: Expression, _ right: Expression, _ position: Position
    ) throws(KernelError) -> (Expression, Expression) {
        if !left.type.isScalar || !right.type.isScalar {
            let type = left.type.isScalar ? right.type : left.type
            if !left.type.isScalar && !right.type.isScalar && left.type != right.type {
                throw self.refused(
                    "kernel.type.mismatch", position,
                    "\(left.type.name) and \(right.type.name) in one operation",
                    fix: "convert one with convert_\(left.type.name)(…)")
            }
            return (
                try self.converted(left, to: type, position),
                try self.converted(right, to: type, position)
            )
        }
        let type = Self.common(left.type.base, right.type.base)
        return (
            try self.converted(left, to: ValueType(type), position),
            try self.converted(right, to: ValueType(type), position)
        )
    }

    static func common(_ left: ScalarType, _ right: ScalarType) -> ScalarType {
        if left.isFloat || right.isFloat { return .float }
        func promoted(_ type: ScalarType) -> ScalarType { type.bits < 32 ? .int : type }
        let (a, b) = (promoted(left), promoted(right))
        if a == b { return a }
        if a.bits != b.bits { return a.bits > b.bits ? a : b }
        return a.isSigned ? b : a
    }

    /// A scalar that is a condition.
    mutating func condition(_ syntax: Syntax) throws(KernelError) -> Expression {
        let value = try self.value(syntax)
        guard value.type.isScalar else {
            throw self.refused(
                "kernel.type.condition", syntax.position, "a vector is no condition",
                fix: "test a component, or use select")
        }
        return value
    }

    /// An index: converted to long.
    mutating func index(_ syntax: Syntax) throws(KernelError) -> Expression {
        let value = try self.value(syntax)
        guard value.type.isScalar, value.type.base.isInteger else {
            throw self.refused(
                "kernel.type.index", syntax.position, "an index of type \(value.type.name)",
                fix: "use an integer")
        }
        return try self.converted(value, to: .long, syntax.position)
    }

    /// `left op right` of two longs, without needless nodes.
    mutating func longOperation(
        _ operation: BinaryOperator, _ left: Expression, _ right: Expression, _ position: Position
    ) throws(KernelError) -> Expression {
        if case .constant(let a) = left.node {
            if case .constant(let b) = right.node,
                let folded = Folding.binary(operation, a, b, .long)
            {
                return self.long(Int(truncatingIfNeeded: folded))
            }
            if a == 0 && operation == .add { return right }
            if a == 1 && operation == .multiply { return right }
        }
        if case .constant(let b) = right.node {
            if b == 0 && (operation == .add || operation == .subtract) { return left }
            if b == 1 && operation == .multiply { return left }
        }
        return try self.make(.long, .binary(operation, left, right), position)
    }

    /// `left op right` after balancing; comparisons and logic are elsewhere.
    mutating func arithmetic(
        _ operation: BinaryOperator, _ left: Expression, _ right: Expression, _ position: Position
    ) throws(KernelError) -> Expression {
        let isShift = operation == .shiftLeft || operation == .shiftRight
        let (a, b): (Expression, Expression)
        if isShift && left.type.isScalar && right.type.isScalar {
            // The amount counts modulo the width of the left operand: its low bits are enough.
            a = try self.promoted(left, position)
            b =
                right.type.base.isInteger
                ? try self.converted(right, to: a.type, position) : right
        } else {
            (a, b) = try self.balanced(left, right, position)
        }
        let integersOnly: Bool
        switch operation {
        case .add, .subtract, .multiply, .divide: integersOnly = false
        case .remainder, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight: integersOnly = true
        }
        guard !integersOnly || (a.type.base.isInteger && b.type.base.isInteger) else {
            throw self.refused(
                "kernel.type.integer", position, "this operator takes integers",
                fix: "convert first")
        }
        if case .constant(let x) = a.node, case .constant(let y) = b.node,
            let folded = Folding.binary(operation, x, y, a.type.base)
        {
            return try self.make(a.type, .constant(folded), position)
        }
        return try self.make(a.type, .binary(operation, a, b), position)
    }

    mutating func comparison(
        _ operation: ComparisonOperator, _ left: Expression, _ right: Expression,
        _ position: Position
    ) throws(KernelError) -> Expression {
        let (a, b) = try self.balanced(left, right, position)
        if case .constant(let x) = a.node, case .constant(let y) = b.node,
            let folded = Folding.compare(operation, x, y, a.type.base)
        {
            return try self.make(.int, .constant(folded ? 1 : 0), position)
        }
        return try self.make(Self.maskType(a.type), .compare(operation, a, b), position)
    }

    /// The type of a comparison: int, or the signed integers as wide as the operands.
    static func maskType(_ type: ValueType) -> ValueType {
        if type.isScalar { return .int }
        switch type.base.bits {
        case 8: return type.with(.char)
        case 16: return type.with(.short)
        case 32: return type.with(.int)
        default: return type.with(.long)
        }
    }
}

/// Constant folding of integers: exactly what an engine would compute.
enum Folding {
    /// Sign or zero extension of `bits` to 64.
    static func extended(_ bits: UInt64, _ type: ScalarType) -> Int64 {
        switch type {
        case .bool, .uchar, .ushort, .uint, .half, .float: Int64(truncatingIfNeeded: bits)
        case .char: Int64(Int8(truncatingIfNeeded: bits))
        case .short: Int64(Int16(truncatingIfNeeded: bits))
        case .int: Int64(Int32(truncatingIfNeeded: bits))
        case .long, .ulong, .double: Int64(bitPattern: bits)
        }
    }

    /// The low bits of a value, zero-extended.
    static func wrapped(_ value: Int64, _ type: ScalarType) -> UInt64 {
        let bits = UInt64(bitPattern: value)
        return type.bits == 64 ? bits : bits & ((1 << UInt64(type.bits)) - 1)
    }

    static func cast(_ bits: UInt64, from: ScalarType, to: ScalarType) -> UInt64? {
        if from == to { return bits }
        guard from.isInteger else { return nil }
        if to == .bool { return bits == 0 ? 0 : 1 }
        if to == .float { return FloatFolding.fromInteger(bits, unsigned: from == .ulong, from) }
        guard to.isInteger else { return nil }
        return self.wrapped(self.extended(bits, from), to)
    }

    static func binary(
        _ operation: BinaryOperator, _ left: UInt64, _ right: UInt64, _ type: ScalarType
    ) -> UInt64? {
        guard type.isInteger else { return nil }
        let (a, b) = (self.extended(left, type), self.extended(right, type))
        let amount = right & UInt64(type.bits - 1)
        switch operation {
        case .add: return self.wrapped(a &+ b, type)
        case .subtract: return self.wrapped(a &- b, type)
        case .multiply: return self.wrapped(a &* b, type)
        case .divide:
            if right == 0 { return 0 }
            if !type.isSigned { return left / right }
            return self.wrapped(a.dividedReportingOverflow(by: b).partialValue, type)
        case .remainder:
            if right == 0 { return 0 }
            if !type.isSigned { return left % right }
            return self.wrapped(a.remainderReportingOverflow(dividingBy: b).partialValue, type)
        case .bitAnd: return left & right
        case .bitOr: return left | right
        case .bitXor: return left ^ right
        case .shiftLeft: return self.wrapped(a << Int64(amount), type)
        case .shiftRight:
            return type.isSigned ? self.wrapped(a >> Int64(amount), type) : left >> amount
        }
    }

    static func compare(
        _ operation: ComparisonOperator, _ left: UInt64, _ right: UInt64, _ type: ScalarType
    ) -> Bool? {
        guard type.isInteger else { return nil }
        let (a, b) = (self.extended(left, type), self.extended(right, type))
        let below = type.isSigned ? a < b : left < right
        switch operation {
        case .equal: return left == right
        case .notEqual: return left != right
        case .less: return below
        case .lessOrEqual: return below || left == right
        case .greater: return !below && left != right
        case .greaterOrEqual: return !below
        }
    }
}
