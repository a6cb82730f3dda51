extension Lowering {
    // MARK: casts

    /// One component of a conversion from `source` to `result`.
    mutating func lowerCast(
        _ mode: CastMode, _ source: ScalarType, _ result: ScalarType, _ a: Operand,
        _ target: Operand?
    ) -> Operand {
        if mode == .bits { return self.lowerReinterpret(source, result, a, target) }
        if result == .bool { return self.lowerToBool(source, a, target) }
        if source.isFloat {
            return result.isFloat
                ? self.copied(a, target) : self.floatToInteger(mode, result, a, target)
        }
        if result.isFloat {
            let signed = source.isSigned
            return self.emit(
                a.isWide
                    ? .narrow(signed ? .floatFromS : .floatFromU)
                    : .unary32(signed ? .floatFromS : .floatFromU), a, wide: false, target: target)
        }
        guard mode == .saturate else { return self.resized(source, result, a, target) }
        let clamped = self.clamped(source, result, a)
        let sized = self.resized(source, result, clamped, target)
        if clamped != a && clamped != sized { self.release(clamped) }
        return sized
    }

    private mutating func copied(_ a: Operand, _ target: Operand?) -> Operand {
        self.emit(a.isWide ? .unary64(.copy) : .unary32(.copy), a, wide: a.isWide, target: target)
    }

    private mutating func lowerToBool(
        _ source: ScalarType, _ a: Operand, _ target: Operand?
    ) -> Operand {
        if a.isWide { return self.emit(.narrow(.isNonZero), a, wide: false, target: target) }
        guard source.isFloat else {
            return self.emit(.unary32(.isNonZero), a, wide: false, target: target)
        }
        let absolute = self.emit(.unary32(.fabs), a, wide: false)
        let result = self.emit(.unary32(.isNonZero), absolute, wide: false, target: target)
        self.release(absolute)
        return result
    }

    private mutating func lowerReinterpret(
        _ source: ScalarType, _ result: ScalarType, _ a: Operand, _ target: Operand?
    ) -> Operand {
        if source.isFloat { return self.emit(.unary32(.canonical), a, wide: false, target: target) }
        if let extend = result.extend {
            return self.emit(.unary32(extend), a, wide: false, target: target)
        }
        return self.copied(a, target)
    }

    /// Integer to integer, modulo 2^bits.
    private mutating func resized(
        _ source: ScalarType, _ result: ScalarType, _ a: Operand, _ target: Operand?
    ) -> Operand {
        if result.bits == 64 {
            if a.isWide { return self.copied(a, target) }
            return self.emit(
                .widen(source.isSigned ? .signed : .unsigned), a, wide: true, target: target)
        }
        guard a.isWide else {
            guard let extend = result.extend else { return self.copied(a, target) }
            return self.emit(.unary32(extend), a, wide: false, target: target)
        }
        return self.normalised(result, target) {
            $0.emit(.narrow(.truncate), a, wide: false, target: $1)
        }
    }

    /// Clamps an integer of type `source` to the range of `result`, still as a `source`.
    private mutating func clamped(
        _ source: ScalarType, _ result: ScalarType, _ a: Operand
    ) -> Operand {
        var value = a
        if source.isSigned, !result.isSigned || result.bits < source.bits {
            let low = result.isSigned ? ~UInt64(0) << UInt64(result.bits - 1) : 0
            value = self.bounded(.maxS, .maxS, value, keeping: a, source.registerValue(low))
        }
        let sourceTop = source.bits - (source.isSigned ? 1 : 0)
        let resultTop = result.bits - (result.isSigned ? 1 : 0)
        if resultTop < sourceTop {
            let high = (UInt64(1) << UInt64(resultTop)) - 1
            value = self.bounded(
                source.isSigned ? .minS : .minU, source.isSigned ? .minS : .minU, value,
                keeping: a, source.registerValue(high))
        }
        return value
    }

    private mutating func bounded(
        _ narrow: Binary32, _ wide: Binary64, _ value: Operand, keeping a: Operand, _ limit: UInt64
    ) -> Operand {
        let bound = self.constant(limit, wide: value.isWide)
        let result = self.emit(
            value.isWide ? .binary64(wide) : .binary32(narrow), value, bound, wide: value.isWide)
        if value != a { self.release(value) }
        return result
    }

    private mutating func floatToInteger(
        _ mode: CastMode, _ result: ScalarType, _ a: Operand, _ target: Operand?
    ) -> Operand {
        var value = a
        let rounding: Unary32? =
            switch mode {
            case .nearest: .rint
            case .down: .floor
            case .up: .ceil
            case .value, .saturate, .bits: nil
            }
        if let rounding { value = self.emit(.unary32(rounding), a, wide: false) }
        defer { if value != a { self.release(value) } }
        let signed = result.isSigned
        if result.bits == 64 {
            return self.emit(
                .widen(signed ? .signedFromFloat : .unsignedFromFloat), value, wide: true,
                target: target)
        }
        let whole: Operation = .unary32(signed ? .signedFromFloat : .unsignedFromFloat)
        guard result.bits < 32 else {
            return self.emit(whole, value, wide: false, target: target)
        }
        let full = self.emit(whole, value, wide: false)
        let clamped = self.clamped(signed ? .int : .uint, result, full)
        let copy = self.copied(clamped, target)
        if clamped != full { self.release(clamped) }
        self.release(full)
        return copy
    }

    // MARK: calls

    mutating func lowerCall(
        _ builtin: Builtin, _ operands: [Expression], _ type: ValueType, _ target: [Operand]?
    ) -> [Operand] {
        let values = operands.map { self.lower($0, into: nil) }
        let operandType = operands.first?.type.base ?? type.base
        let conditionType = operands.last?.type ?? type
        var results: [Operand] = []
        for index in 0..<type.width {
            let parts = values.map { $0[$0.count == 1 ? 0 : index] }
            let wanted = target?[index]
            switch parts.count {
            case 1: results.append(self.lowerCall(builtin, operandType, parts[0], wanted))
            case 2: results.append(self.lowerCall(builtin, operandType, parts[0], parts[1], wanted))
            default:
                results.append(
                    self.lowerCall(builtin, operandType, conditionType, parts, wanted))
            }
        }
        for value in values { self.release(value) }
        return results
    }

    private mutating func lowerCall(
        _ builtin: Builtin, _ type: ScalarType, _ a: Operand, _ target: Operand?
    ) -> Operand {
        let wide = a.isWide
        switch builtin {
        case .abs:
            guard type.isSigned else { return self.copied(a, target) }
            return self.emit(wide ? .unary64(.abs) : .unary32(.abs), a, wide: wide, target: target)
        case .popcount:
            if wide { return self.emit(.unary64(.popcount), a, wide: true, target: target) }
            let bits = self.unsigned(type, a)
            let count = self.emit(.unary32(.popcount), bits, wide: false, target: target)
            if bits != a { self.release(bits) }
            return count
        case .leadingZeros:
            if wide { return self.emit(.unary64(.clz), a, wide: true, target: target) }
            guard type.bits < 32 else {
                return self.emit(.unary32(.clz), a, wide: false, target: target)
            }
            let bits = self.unsigned(type, a)
            let zeros = self.emit(.unary32(.clz), bits, wide: false)
            if bits != a { self.release(bits) }
            let excess = self.constant(UInt64(32 - type.bits), wide: false)
            let count = self.emit(.binary32(.sub), zeros, excess, wide: false, target: target)
            self.release(zeros)
            return count
        case .fabs: return self.emit(.unary32(.fabs), a, wide: false, target: target)
        case .floor: return self.emit(.unary32(.floor), a, wide: false, target: target)
        case .ceil: return self.emit(.unary32(.ceil), a, wide: false, target: target)
        case .trunc: return self.emit(.unary32(.trunc), a, wide: false, target: target)
        case .rint: return self.emit(.unary32(.rint), a, wide: false, target: target)
        case .sqrt: return self.emit(.unary32(.sqrt), a, wide: false, target: target)
        case .min, .max, .clamp, .absDiff, .mulHigh, .rotate, .addSaturating, .subtractSaturating,
            .halfAdd, .roundedHalfAdd, .select, .fma, .fmin, .fmax:
            return self.miscounted(a)
        }
    }

    private mutating func miscounted(_ a: Operand) -> Operand {
        self.fail(
            "kernel.unsupported.builtin", "a built-in with this number of operands",
            "report this kernel")
        return self.copied(a, nil)
    }

    /// An 8- or 16-bit signed value zero-extended.
    private mutating func unsigned(_ type: ScalarType, _ a: Operand) -> Operand {
        switch type {
        case .char: self.emit(.unary32(.extend8U), a, wide: false)
        case .short: self.emit(.unary32(.extend16U), a, wide: false)
        default: a
        }
    }

    private mutating func lowerCall(
        _ builtin: Builtin, _ type: ScalarType, _ a: Operand, _ b: Operand, _ target: Operand?
    ) -> Operand {
        let signed = type.isSigned
        switch builtin {
        case .min: return self.minimum(type, a, b, target)
        case .max: return self.maximum(type, a, b, target)
        case .absDiff:
            return self.pair(signed ? .diffS : .diffU, signed ? .diffS : .diffU, a, b, target)
        case .mulHigh: return self.lowerMulHigh(type, a, b, target)
        case .rotate: return self.lowerRotate(type, a, b, target)
        case .addSaturating, .subtractSaturating:
            return self.lowerSaturating(builtin, type, a, b, target)
        case .halfAdd:
            return self.pair(
                signed ? .halfAddS : .halfAddU, signed ? .halfAddS : .halfAddU, a, b, target)
        case .roundedHalfAdd:
            return self.pair(
                signed ? .roundAddS : .roundAddU, signed ? .roundAddS : .roundAddU, a, b, target)
        case .fmin: return self.emit(.binary32(.fmin), a, b, wide: false, target: target)
        case .fmax: return self.emit(.binary32(.fmax), a, b, wide: false, target: target)
        case .clamp, .abs, .popcount, .leadingZeros, .select, .fabs, .floor, .ceil, .trunc, .rint,
            .sqrt,
            .fma:
            return self.miscounted(a)
        }
    }

    private mutating func pair(
        _ narrow: Binary32, _ wide: Binary64, _ a: Operand, _ b: Operand, _ target: Operand?
    ) -> Operand {
        self.emit(
            a.isWide ? .binary64(wide) : .binary32(narrow), a, b, wide: a.isWide, target: target)
    }

    private mutating func minimum(
        _ type: ScalarType, _ a: Operand, _ b: Operand, _ target: Operand?
    ) -> Operand {
        if type.isFloat {
            return self.emit(.binary32(.orderMin), a, b, wide: false, target: target)
        }
        return self.pair(
            type.isSigned ? .minS : .minU, type.isSigned ? .minS : .minU, a, b, target)
    }

    private mutating func maximum(
        _ type: ScalarType, _ a: Operand, _ b: Operand, _ target: Operand?
    ) -> Operand {
        if type.isFloat {
            return self.emit(.binary32(.orderMax), a, b, wide: false, target: target)
        }
        return self.pair(
            type.isSigned ? .maxS : .maxU, type.isSigned ? .maxS : .maxU, a, b, target)
    }

    /// Below 32 bits the whole product fits in a register.
    private mutating func lowerMulHigh(
        _ type: ScalarType, _ a: Operand, _ b: Operand, _ target: Operand?
    ) -> Operand {
        let signed = type.isSigned
        guard type.bits < 32 else {
            return self.pair(
                signed ? .mulHighS : .mulHighU, signed ? .mulHighS : .mulHighU, a, b, target)
        }
        let product = self.emit(.binary32(.mul), a, b, wide: false)
        let amount = self.constant(UInt64(type.bits), wide: false)
        let high = self.emit(
            .binary32(signed ? .shrS : .shrU), product, amount, wide: false, target: target)
        self.release(product)
        return high
    }

    private mutating func lowerRotate(
        _ type: ScalarType, _ a: Operand, _ b: Operand, _ target: Operand?
    ) -> Operand {
        guard type.bits < 32 else { return self.pair(.rotate, .rotate, a, b, target) }
        let bits = self.unsigned(type, a)
        let left = self.shiftAmount(b, type)
        let width = self.constant(UInt64(type.bits), wide: false)
        let right = self.emit(.binary32(.sub), width, left, wide: false)
        let high = self.emit(.binary32(.shl), bits, left, wide: false)
        let low = self.emit(.binary32(.shrU), bits, right, wide: false)
        let result = self.normalised(type, target) {
            $0.emit(.binary32(.or), high, low, wide: false, target: $1)
        }
        if bits != a { self.release(bits) }
        self.release([left, right, high, low])
        return result
    }

    private mutating func lowerSaturating(
        _ builtin: Builtin, _ type: ScalarType, _ a: Operand, _ b: Operand, _ target: Operand?
    ) -> Operand {
        let adds = builtin == .addSaturating
        let signed = type.isSigned
        guard type.bits < 32 else {
            return adds
                ? self.pair(
                    signed ? .addSatS : .addSatU, signed ? .addSatS : .addSatU, a, b, target)
                : self.pair(
                    signed ? .subSatS : .subSatU, signed ? .subSatS : .subSatU, a, b, target)
        }
        // The exact sum fits in an int.
        let sum = self.emit(.binary32(adds ? .add : .sub), a, b, wide: false)
        let clamped = self.clamped(.int, type, sum)
        let result = self.copied(clamped, target)
        if clamped != sum { self.release(clamped) }
        self.release(sum)
        return result
    }

    private mutating func lowerCall(
        _ builtin: Builtin, _ type: ScalarType, _ last: ValueType, _ parts: [Operand],
        _ target: Operand?
    ) -> Operand {
        let (a, b, c) = (parts[0], parts[1], parts[parts.count - 1])
        switch builtin {
        case .clamp:
            let raised = self.maximum(type, a, b, nil)
            let result = self.minimum(type, raised, c, target)
            self.release(raised)
            return result
        case .fma: return self.fma(a, b, c, target)
        case .select:
            let truth = self.lowerSelector(c, last)
            let result = self.select(truth, b, a, target)
            if truth != c { self.release(truth) }
            return result
        case .min, .max, .abs, .absDiff, .mulHigh, .popcount, .leadingZeros, .rotate,
            .addSaturating,
            .subtractSaturating, .halfAdd, .roundedHalfAdd, .fabs, .floor, .ceil, .trunc, .rint,
            .sqrt,
            .fmin, .fmax:
            return self.miscounted(a)
        }
    }

    /// Scalars: nonzero. Vectors: the most significant bit.
    private mutating func lowerSelector(_ c: Operand, _ type: ValueType) -> Operand {
        if type.isScalar {
            return c.isWide ? self.emit(.narrow(.isNonZero), c, wide: false) : c
        }
        let zero = self.constant(0, wide: c.isWide)
        if c.isWide { return self.emit(.compare64(.ltS), c, zero, wide: false) }
        guard type.base.bits < 32, !type.base.isSigned else {
            return self.emit(.binary32(.ltS), c, zero, wide: false)
        }
        let top = self.constant(UInt64(1) << UInt64(type.base.bits - 1), wide: false)
        return self.emit(.binary32(.and), c, top, wide: false)
    }
}

extension ScalarType {
    /// A 64-bit two's complement value as it lies in a register of this type.
    fileprivate func registerValue(_ value: UInt64) -> UInt64 {
        self.bits == 64 ? value : UInt64(UInt32(truncatingIfNeeded: value))
    }
}
