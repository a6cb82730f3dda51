extension Emitter {
    /// Every NaN becomes one pattern.
    mutating func canonical() -> String {
        self.helper("sl_nan") {
            "float sl_nan(float x) { return x != x ? as_float(0x7fc00000u) : x; }"
        }
    }

    mutating func cast(_ mode: CastMode, _ operand: Expression, _ type: ValueType) -> String {
        let text = self.expression(operand)
        let from = operand.type
        let name = Self.name(type)
        if mode == .bits { return self.reinterpreted(text, from, type) }
        if from.base.isFloat && type.base.isInteger && type.base != .bool {
            return "\(self.fromFloat(mode, from, type))(\(text))"
        }
        if mode == .saturate { return "convert_\(name)_sat(\(text))" }
        if type.base == .bool { return "(uchar)(\(text) != 0)" }
        if type.base.isFloat && from.base.isInteger {
            return "convert_\(name)_rte(\(text))"
        }
        return type.isScalar ? "(\(name))\(text)" : "convert_\(name)(\(text))"
    }

    private mutating func reinterpreted(
        _ text: String, _ from: ValueType, _ type: ValueType
    ) -> String {
        guard from.base.isFloat else { return "as_\(Self.name(type))(\(text))" }
        let single = self.canonical()
        let canonical =
            from.isScalar
            ? single
            : self.componentwise("sl_nan\(from.width)", single, from, from, operands: 1)
        return "as_\(Self.name(type))(\(canonical)(\(text)))"
    }

    /// Saturating, NaN gives 0.
    private mutating func fromFloat(
        _ mode: CastMode, _ from: ValueType, _ type: ValueType
    ) -> String {
        let suffix: String
        switch mode {
        case .nearest: suffix = "rte"
        case .down: suffix = "rtn"
        case .up: suffix = "rtp"
        case .value, .saturate, .bits: suffix = "rtz"
        }
        let base = Self.name(type.base)
        let single = self.helper("sl_\(base)_\(suffix)") {
            "\(base) sl_\(base)_\(suffix)(float x) { return x != x ? "
                + "\(Self.literal(0, type.base)) : "
                + "convert_\(base)_sat_\(suffix)(x); }"
        }
        guard !type.isScalar else { return single }
        return self.componentwise(
            "sl_\(Self.name(type))_\(suffix)", single, from, type, operands: 1)
    }

    mutating func call(
        _ builtin: Builtin, _ operands: [Expression], _ type: ValueType
    ) -> String {
        var texts = operands.map { self.expression($0) }
        if builtin == .rotate {
            let mask = Self.literal(UInt64(type.base.bits - 1), type.base)
            let masked = type.isScalar ? mask : "(\(Self.name(type)))(\(mask))"
            let cast = type.isScalar && type.base.bits < 32 ? "(\(Self.name(type)))" : ""
            texts[1] = "\(cast)(\(texts[1]) & \(masked))"
        }
        let name: String
        switch builtin {
        case .min, .max, .clamp:
            if type.base.isFloat { return self.floatExtremum(builtin, texts, type) }
            if builtin == .clamp { return "min(max(\(texts[0]), \(texts[1])), \(texts[2]))" }
            name = builtin == .min ? "min" : "max"
        case .abs: name = "abs"
        case .absDiff: name = "abs_diff"
        case .mulHigh: name = "mul_hi"
        case .popcount: name = "popcount"
        case .leadingZeros: name = "clz"
        case .rotate: name = "rotate"
        case .addSaturating: name = "add_sat"
        case .subtractSaturating: name = "sub_sat"
        case .halfAdd: name = "hadd"
        case .roundedHalfAdd: name = "rhadd"
        case .select: name = "select"
        case .fabs: name = "fabs"
        case .floor: name = "floor"
        case .ceil: name = "ceil"
        case .trunc: name = "trunc"
        case .rint: name = "rint"
        case .sqrt: name = "sqrt"
        case .fma: name = "fma"
        case .fmin, .fmax: return self.floatExtremum(builtin, texts, type)
        }
        return "\(name)(\(texts.joined(separator: ", ")))"
    }

    private mutating func floatExtremum(
        _ builtin: Builtin, _ texts: [String], _ type: ValueType
    ) -> String {
        if builtin == .clamp {
            let inner = self.floatExtremum(.max, [texts[0], texts[1]], type)
            return self.floatExtremum(.min, [inner, texts[2]], type)
        }
        let single: String
        switch builtin {
        case .min:
            single = self.helper("sl_min") {
                "float sl_min(float a, float b) { return b < a ? b : a; }"
            }
        case .max:
            single = self.helper("sl_max") {
                "float sl_max(float a, float b) { return a < b ? b : a; }"
            }
        default:
            // Equal operands differ in the sign of zero at most.
            let isMin = builtin == .fmin
            let (name, join) = isMin ? ("sl_fmin", "|") : ("sl_fmax", "&")
            let (first, second) = isMin ? ("a < b", "b < a") : ("b < a", "a < b")
            single = self.helper(name) {
                "float \(name)(float a, float b) { return a != a ? b : b != b ? a : \(first) ? a : "
                    + "\(second) ? b : as_float(as_uint(a) \(join) as_uint(b)); }"
            }
        }
        guard !type.isScalar else { return "\(single)(\(texts.joined(separator: ", ")))" }
        let name = self.componentwise("\(single)\(type.width)", single, type, type, operands: 2)
        return "\(name)(\(texts.joined(separator: ", ")))"
    }
}
