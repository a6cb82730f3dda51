// One line per operation; each expands to plain loops over contiguous memory, which vectorise.

@inline(__always) private func truth(_ x: Bool) -> UInt32 { x ? 1 : 0 }

extension Frame {
    @inline(never) func run(_ operation: Binary32, _ i: Instruction) {
        typealias I = IntegerArithmetic
        switch operation {
        case .add: self.accumulating(i) { (a: UInt32, b: UInt32) in a &+ b }
        case .sub: self.accumulating(i) { (a: UInt32, b: UInt32) in a &- b }
        case .mul: self.accumulating(i) { (a: UInt32, b: UInt32) in a &* b }
        case .and: self.accumulating(i) { (a: UInt32, b: UInt32) in a & b }
        case .or: self.accumulating(i) { (a: UInt32, b: UInt32) in a | b }
        case .xor: self.accumulating(i) { (a: UInt32, b: UInt32) in a ^ b }
        case .shl: self.accumulating(i) { (a: UInt32, b: UInt32) in a &<< b }
        case .shrS: self.accumulating(i) { (a: Int32, b: Int32) in a &>> b }
        case .shrU: self.accumulating(i) { (a: UInt32, b: UInt32) in a &>> b }
        case .divS: self.binary(i) { (a: Int32, b: Int32) in I.div(a, b) }
        case .divU: self.binary(i) { (a: UInt32, b: UInt32) in I.div(a, b) }
        case .remS: self.binary(i) { (a: Int32, b: Int32) in I.rem(a, b) }
        case .remU: self.binary(i) { (a: UInt32, b: UInt32) in I.rem(a, b) }
        case .minS: self.binary(i) { (a: Int32, b: Int32) in a < b ? a : b }
        case .minU: self.binary(i) { (a: UInt32, b: UInt32) in a < b ? a : b }
        case .maxS: self.binary(i) { (a: Int32, b: Int32) in a < b ? b : a }
        case .maxU: self.binary(i) { (a: UInt32, b: UInt32) in a < b ? b : a }
        case .mulHighS: self.binary(i) { (a: Int32, b: Int32) in I.mulHigh(a, b) }
        case .mulHighU: self.binary(i) { (a: UInt32, b: UInt32) in I.mulHigh(a, b) }
        case .rotate: self.accumulating(i) { (a: UInt32, b: UInt32) in I.rotate(a, b) }
        case .addSatS: self.binary(i) { (a: Int32, b: Int32) in I.addSaturating(a, b) }
        case .addSatU: self.binary(i) { (a: UInt32, b: UInt32) in I.addSaturating(a, b) }
        case .subSatS: self.binary(i) { (a: Int32, b: Int32) in I.subSaturating(a, b) }
        case .subSatU: self.binary(i) { (a: UInt32, b: UInt32) in I.subSaturating(a, b) }
        case .diffS: self.binary(i) { (a: Int32, b: Int32) in I.absoluteDifference(a, b) }
        case .diffU: self.binary(i) { (a: UInt32, b: UInt32) in I.absoluteDifference(a, b) }
        case .halfAddS: self.binary(i) { (a: Int32, b: Int32) in I.halfAdd(a, b) }
        case .halfAddU: self.binary(i) { (a: UInt32, b: UInt32) in I.halfAdd(a, b) }
        case .roundAddS: self.binary(i) { (a: Int32, b: Int32) in I.roundedHalfAdd(a, b) }
        case .roundAddU: self.binary(i) { (a: UInt32, b: UInt32) in I.roundedHalfAdd(a, b) }
        case .eq, .ne, .ltS, .ltU, .leS, .leU: self.compare(operation, i)
        case .fadd, .fsub, .fmul, .fdiv, .fmin, .fmax, .orderMin, .orderMax, .feq, .fne, .flt, .fle:
            self.float(operation, i)
        }
    }

    @inline(never) private func compare(_ operation: Binary32, _ i: Instruction) {
        switch operation {
        case .eq: self.binary(i) { (a: UInt32, b: UInt32) in truth(a == b) }
        case .ne: self.binary(i) { (a: UInt32, b: UInt32) in truth(a != b) }
        case .ltS: self.binary(i) { (a: Int32, b: Int32) in truth(a < b) }
        case .ltU: self.binary(i) { (a: UInt32, b: UInt32) in truth(a < b) }
        case .leS: self.binary(i) { (a: Int32, b: Int32) in truth(a <= b) }
        case .leU: self.binary(i) { (a: UInt32, b: UInt32) in truth(a <= b) }
        default: preconditionFailure("only comparisons come here")
        }
    }

    @inline(never) private func float(_ operation: Binary32, _ i: Instruction) {
        typealias F = FloatArithmetic
        switch operation {
        case .fadd: self.accumulating(i) { (a: UInt32, b: UInt32) in F.add(a, b) }
        case .fsub: self.accumulating(i) { (a: UInt32, b: UInt32) in F.sub(a, b) }
        case .fmul: self.accumulating(i) { (a: UInt32, b: UInt32) in F.mul(a, b) }
        case .fdiv: self.accumulating(i) { (a: UInt32, b: UInt32) in F.div(a, b) }
        case .fmin: self.binary(i) { (a: UInt32, b: UInt32) in F.fmin(a, b) }
        case .fmax: self.binary(i) { (a: UInt32, b: UInt32) in F.fmax(a, b) }
        case .orderMin: self.binary(i) { (a: UInt32, b: UInt32) in F.less(b, a) ? b : a }
        case .orderMax: self.binary(i) { (a: UInt32, b: UInt32) in F.less(a, b) ? b : a }
        case .feq: self.binary(i) { (a: UInt32, b: UInt32) in truth(F.equal(a, b)) }
        case .fne: self.binary(i) { (a: UInt32, b: UInt32) in truth(!F.equal(a, b)) }
        case .flt: self.binary(i) { (a: UInt32, b: UInt32) in truth(F.less(a, b)) }
        case .fle: self.binary(i) { (a: UInt32, b: UInt32) in truth(F.lessEqual(a, b)) }
        default: preconditionFailure("only f32 operations come here")
        }
    }

    @inline(never) func run(_ operation: Binary64, _ i: Instruction) {
        typealias I = IntegerArithmetic
        switch operation {
        case .add: self.accumulating(i) { (a: UInt64, b: UInt64) in a &+ b }
        case .sub: self.accumulating(i) { (a: UInt64, b: UInt64) in a &- b }
        case .mul: self.accumulating(i) { (a: UInt64, b: UInt64) in a &* b }
        case .and: self.accumulating(i) { (a: UInt64, b: UInt64) in a & b }
        case .or: self.accumulating(i) { (a: UInt64, b: UInt64) in a | b }
        case .xor: self.accumulating(i) { (a: UInt64, b: UInt64) in a ^ b }
        case .shl: self.accumulating(i) { (a: UInt64, b: UInt64) in a &<< b }
        case .shrS: self.binary(i) { (a: Int64, b: Int64) in a &>> b }
        case .shrU: self.accumulating(i) { (a: UInt64, b: UInt64) in a &>> b }
        case .divS: self.binary(i) { (a: Int64, b: Int64) in I.div(a, b) }
        case .divU: self.binary(i) { (a: UInt64, b: UInt64) in I.div(a, b) }
        case .remS: self.binary(i) { (a: Int64, b: Int64) in I.rem(a, b) }
        case .remU: self.binary(i) { (a: UInt64, b: UInt64) in I.rem(a, b) }
        case .minS: self.binary(i) { (a: Int64, b: Int64) in a < b ? a : b }
        case .minU: self.binary(i) { (a: UInt64, b: UInt64) in a < b ? a : b }
        case .maxS: self.binary(i) { (a: Int64, b: Int64) in a < b ? b : a }
        case .maxU: self.binary(i) { (a: UInt64, b: UInt64) in a < b ? b : a }
        case .mulHighS: self.binary(i) { (a: Int64, b: Int64) in I.mulHigh(a, b) }
        case .mulHighU: self.binary(i) { (a: UInt64, b: UInt64) in I.mulHigh(a, b) }
        case .rotate: self.accumulating(i) { (a: UInt64, b: UInt64) in I.rotate(a, b) }
        case .addSatS: self.binary(i) { (a: Int64, b: Int64) in I.addSaturating(a, b) }
        case .addSatU: self.binary(i) { (a: UInt64, b: UInt64) in I.addSaturating(a, b) }
        case .subSatS: self.binary(i) { (a: Int64, b: Int64) in I.subSaturating(a, b) }
        case .subSatU: self.binary(i) { (a: UInt64, b: UInt64) in I.subSaturating(a, b) }
        case .diffS: self.binary(i) { (a: Int64, b: Int64) in I.absoluteDifference(a, b) }
        case .diffU: self.binary(i) { (a: UInt64, b: UInt64) in I.absoluteDifference(a, b) }
        case .halfAddS: self.binary(i) { (a: Int64, b: Int64) in I.halfAdd(a, b) }
        case .halfAddU: self.binary(i) { (a: UInt64, b: UInt64) in I.halfAdd(a, b) }
        case .roundAddS: self.binary(i) { (a: Int64, b: Int64) in I.roundedHalfAdd(a, b) }
        case .roundAddU: self.binary(i) { (a: UInt64, b: UInt64) in I.roundedHalfAdd(a, b) }
        }
    }

    @inline(never) func run(_ operation: Compare64, _ i: Instruction) {
        switch operation {
        case .eq: self.binary(i) { (a: UInt64, b: UInt64) in truth(a == b) }
        case .ne: self.binary(i) { (a: UInt64, b: UInt64) in truth(a != b) }
        case .ltS: self.binary(i) { (a: Int64, b: Int64) in truth(a < b) }
        case .ltU: self.binary(i) { (a: UInt64, b: UInt64) in truth(a < b) }
        case .leS: self.binary(i) { (a: Int64, b: Int64) in truth(a <= b) }
        case .leU: self.binary(i) { (a: UInt64, b: UInt64) in truth(a <= b) }
        }
    }
}
