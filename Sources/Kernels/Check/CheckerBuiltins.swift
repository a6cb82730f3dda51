extension Checker {
    /// `convert_T`, `convert_T_sat`, `convert_T_rte`, …, `as_T`.
    mutating func conversion(
        _ name: String, _ values: [Expression], _ position: Position
    ) throws(KernelError) -> Expression? {
        if name.hasPrefix("as_"), let type = ValueType(name: String(name.dropFirst(3))) {
            try self.checkAccepted(type, position)
            guard values.count == 1, values[0].type.width == type.width,
                values[0].type.base.bits == type.base.bits, type.base != .bool,
                values[0].type.base != .bool
            else {
                throw self.refused(
                    "kernel.type.mismatch", position, "\(name) takes one value of the same shape",
                    fix: "reinterpret component by component")
            }
            if values[0].type == type { return values[0] }
            let isFloat = type.base.isFloat || values[0].type.base.isFloat
            // Between integers of one width the bits stay.
            return try self.cast(isFloat ? .bits : .value, values[0], to: type, position)
        }
        guard name.hasPrefix("convert_") else { return nil }
        var parts = name.dropFirst(8).split(separator: "_", omittingEmptySubsequences: false)
        guard let first = parts.first, let type = ValueType(name: String(first)),
            type.base != .bool
        else { return nil }
        try self.checkAccepted(type, position)
        parts.removeFirst()
        var saturates = false
        if parts.first == "sat" {
            saturates = true
            parts.removeFirst()
        }
        let rounding = parts.first.map(String.init)
        guard parts.count <= 1, values.count == 1, values[0].type.width == type.width,
            rounding == nil || ["rte", "rtz", "rtp", "rtn"].contains(rounding)
        else {
            throw self.refused(
                "kernel.unsupported.conversion", position, "\(name) of this value",
                fix: "convert_T(x), convert_T_sat(x), convert_T_rte(x)")
        }
        let value = values[0]
        let mode: CastMode
        if value.type.base.isInteger && type.base.isInteger {
            mode = saturates ? .saturate : .value
        } else if type.base.isInteger {
            switch rounding {
            case "rte": mode = .nearest
            case "rtn": mode = .down
            case "rtp": mode = .up
            default: mode = .value
            }
        } else {
            guard rounding == nil || rounding == "rte" || value.type.base.isFloat else {
                throw self.refused(
                    "kernel.unsupported.conversion", position, "this rounding to float",
                    fix: "convert_float rounds to nearest even")
            }
            mode = .value
        }
        if value.type == type && mode == .value { return value }
        return try self.cast(mode, value, to: type, position)
    }

    private enum Shape { case integers, floats, numbers }

    private static func signature(
        _ name: String
    ) -> (builtin: Builtin, count: Int, shape: Shape)? {
        switch name {
        case "min": (.min, 2, .numbers)
        case "max": (.max, 2, .numbers)
        case "clamp": (.clamp, 3, .numbers)
        case "abs": (.abs, 1, .integers)
        case "abs_diff": (.absDiff, 2, .integers)
        case "mul_hi": (.mulHigh, 2, .integers)
        case "popcount": (.popcount, 1, .integers)
        case "clz": (.leadingZeros, 1, .integers)
        case "rotate": (.rotate, 2, .integers)
        case "add_sat": (.addSaturating, 2, .integers)
        case "sub_sat": (.subtractSaturating, 2, .integers)
        case "hadd": (.halfAdd, 2, .integers)
        case "rhadd": (.roundedHalfAdd, 2, .integers)
        case "fabs": (.fabs, 1, .floats)
        case "floor": (.floor, 1, .floats)
        case "ceil": (.ceil, 1, .floats)
        case "trunc": (.trunc, 1, .floats)
        case "rint": (.rint, 1, .floats)
        case "sqrt": (.sqrt, 1, .floats)
        case "fma": (.fma, 3, .floats)
        case "fmin": (.fmin, 2, .floats)
        case "fmax": (.fmax, 2, .floats)
        default: nil
        }
    }

    /// A built-in function of values; nil for other names.
    mutating func builtin(
        _ name: String, _ values: [Expression], _ position: Position
    ) throws(KernelError) -> Expression? {
        switch name {
        case "mul24", "mad24": return try self.multiply24(name, values, position)
        case "mad_hi", "mad_sat": return nil
        case "select": return try self.select(values, position)
        case "any", "all", "isnan", "isinf", "isfinite":
            return try self.test(name, values, position)
        default: break
        }
        guard let (builtin, count, shape) = Self.signature(name) else { return nil }
        guard values.count == count else {
            throw self.refused(
                "kernel.call.arguments", position,
                "\(name) takes \(count) arguments, found \(values.count)", fix: "give \(count)")
        }
        let type = try self.commonType(values, shape, name, position)
        var operands: [Expression] = []
        for value in values { operands.append(try self.converted(value, to: type, position)) }
        var result = type
        if builtin == .abs || builtin == .absDiff { result = type.with(Parser.unsigned(type.base)) }
        return try self.make(result, .call(builtin, operands), position)
    }

    /// All vectors of one type, scalars beside them widened; scalars alone: kept when equal,
    /// balanced when they differ.
    private func commonType(
        _ values: [Expression], _ shape: Shape, _ name: String, _ position: Position
    ) throws(KernelError) -> ValueType {
        let vectors = values.map(\.type).filter { !$0.isScalar }
        var type: ValueType
        if let vector = vectors.first {
            guard vectors.allSatisfy({ $0 == vector }) else {
                throw self.refused(
                    "kernel.type.mismatch", position, "\(name) of vectors of different types",
                    fix: "convert them to one type")
            }
            type = vector
        } else {
            type = values[0].type
            for value in values.dropFirst() where value.type != type {
                type = ValueType(Self.common(type.base, value.type.base))
            }
        }
        if type.base == .bool { type = type.with(.int) }
        if shape == .floats && type.base.isInteger && type.isScalar { type = .float }
        guard shape == .numbers || (shape == .floats) == type.base.isFloat else {
            throw self.refused(
                "kernel.type.mismatch", position, "\(name) of \(type.name)",
                fix: shape == .floats ? "use a float, or min, max, abs" : "use an integer, or fabs")
        }
        return type
    }

    /// 32-bit products: the exact result wherever OpenCL defines one.
    private mutating func multiply24(
        _ name: String, _ values: [Expression], _ position: Position
    ) throws(KernelError) -> Expression {
        guard values.count == (name == "mul24" ? 2 : 3),
            values.allSatisfy({ $0.type.base.isInteger && $0.type.base.bits <= 32 })
        else {
            throw self.refused(
                "kernel.call.arguments", position, "\(name) takes 32-bit integers",
                fix: "mul24(a, b), mad24(a, b, c)")
        }
        let product = try self.arithmetic(.multiply, values[0], values[1], position)
        return values.count == 2
            ? product : try self.arithmetic(.add, product, values[2], position)
    }

    private mutating func select(
        _ values: [Expression], _ position: Position
    ) throws(KernelError) -> Expression {
        guard values.count == 3, values[0].type.width == values[1].type.width,
            values[2].type.base.isInteger, values[2].type.width == values[0].type.width
        else {
            throw self.refused(
                "kernel.call.arguments", position,
                "select takes two values and an integer of their shape",
                fix: "select(a, b, condition)")
        }
        let (a, b) = try self.balanced(values[0], values[1], position)
        let mask = values[2]
        if a.type.isScalar {
            return try self.make(a.type, .choose(mask, b, a), position)
        }
        guard mask.type.base.bits == a.type.base.bits else {
            throw self.refused(
                "kernel.type.mismatch", position,
                "select of \(a.type.name) with a \(mask.type.name)",
                fix: "convert the condition to integers of the same width")
        }
        return try self.make(a.type, .call(.select, [a, b, mask]), position)
    }

    private mutating func test(
        _ name: String, _ values: [Expression], _ position: Position
    ) throws(KernelError) -> Expression {
        guard values.count == 1 else {
            throw self.refused(
                "kernel.call.arguments", position, "\(name) takes one argument", fix: "\(name)(x)")
        }
        let value = values[0]
        if name == "any" || name == "all" {
            guard value.type.base.isInteger, value.type.base.isSigned else {
                throw self.refused(
                    "kernel.type.mismatch", position, "\(name) of \(value.type.name)",
                    fix: "use the result of a vector comparison")
            }
            let once = try self.spilled(value, position)
            let zero = try self.zero(ValueType(value.type.base), position)
            var result: Expression?
            for component in 0..<value.type.width {
                let part =
                    value.type.isScalar
                    ? once
                    : try self.make(
                        ValueType(value.type.base), .extract(once, [component]), position)
                let negative = try self.make(.int, .compare(.less, part, zero), position)
                guard let before = result else {
                    result = negative
                    continue
                }
                result = try self.make(
                    .int, name == "any" ? .or(before, negative) : .and(before, negative), position)
            }
            guard let result else { return try self.zero(.int, position) }
            return result
        }
        guard value.type == .float else {
            throw self.refused(
                "kernel.unsupported.vector", position, "\(name) of \(value.type.name)",
                fix: "test the components")
        }
        if name == "isnan" {
            let once = try self.spilled(value, position)
            return try self.make(.int, .compare(.notEqual, once, once), position)
        }
        let magnitude = try self.make(.float, .call(.fabs, [value]), position)
        let infinity = try self.make(.float, .constant(0x7F80_0000), position)
        return try self.make(
            .int, .compare(name == "isinf" ? .equal : .less, magnitude, infinity), position)
    }
}
