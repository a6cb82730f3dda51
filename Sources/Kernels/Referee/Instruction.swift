/// One instruction of the referee: an operation on whole rows of lanes, or on one group-uniform
/// value.
///
/// Operands are byte offsets into the ``Frame``. ``Program`` checks once, when a kernel is lowered,
/// that every offset lies inside the frame, aligned, and every jump inside the code; the machine
/// relies on it.
struct Instruction: Hashable, Sendable {
    /// Which operands are rows (one value per lane) and which are uniform (one value per group).
    enum Form: UInt8, Sendable {
        case rows
        /// `a` is a row, `b` uniform.
        case rowUniform
        /// `a` is uniform, `b` a row.
        case uniformRow
        /// Everything is uniform, the destination too.
        case uniform
    }

    /// How a row of element indexes is read.
    enum Index: UInt8, Sendable {
        case wide
        /// 32 bits, sign-extended.
        case signed
        /// 32 bits, zero-extended.
        case unsigned
    }

    var operation: Operation
    var form: Form
    /// Memory operations: type of an element in memory.
    var element: ScalarType = .uint
    /// Memory operations: form of the index in a.
    var index: Index = .wide
    var d: Int32 = 0
    var a: Int32 = 0
    var b: Int32 = 0
    var c: Int32 = 0
    /// Jump target, gas, object number or constant, as the operation says.
    var immediate: Int64 = 0
}

/// What an instruction does.
///
/// 8- and 16-bit integers live in 32-bit rows, sign- or zero-extended as their type says.
/// Truth values are 0 and 1 in 32-bit rows.
enum Operation: Hashable, Sendable {
    case binary32(Binary32)
    case binary64(Binary64)
    case compare64(Compare64)
    case unary32(Unary32)
    case unary64(Unary64)
    case widen(Widen)
    case narrow(Narrow)
    case ternary(Ternary)
    case mask(MaskOperation)
    case control(Control)
    case memory(MemoryOperation)
}

/// 32-bit row, 32-bit row -> 32-bit row. A suffix S or U is the signedness; f is f32.
enum Binary32: UInt8, CaseIterable, Sendable {
    case add, sub, mul, and, or, xor, shl, shrS, shrU, divS, divU, remS, remU
    case minS, minU, maxS, maxU, mulHighS, mulHighU, rotate
    case addSatS, addSatU, subSatS, subSatU, diffS, diffU, halfAddS, halfAddU, roundAddS, roundAddU
    case eq, ne, ltS, ltU, leS, leU
    case fadd, fsub, fmul, fdiv, fmin, fmax, feq, fne, flt, fle
    /// `min` and `max` of floats: b < a ? b : a, a < b ? b : a.
    case orderMin, orderMax
}

/// 64-bit row, 64-bit row -> 64-bit row. Shift counts are 64-bit too.
enum Binary64: UInt8, CaseIterable, Sendable {
    case add, sub, mul, and, or, xor, shl, shrS, shrU, divS, divU, remS, remU
    case minS, minU, maxS, maxU, mulHighS, mulHighU, rotate
    case addSatS, addSatU, subSatS, subSatU, diffS, diffU, halfAddS, halfAddU, roundAddS, roundAddU
}

/// 64-bit row, 64-bit row -> truth value.
enum Compare64: UInt8, CaseIterable, Sendable {
    case eq, ne, ltS, ltU, leS, leU
}

/// 32-bit row -> 32-bit row.
enum Unary32: UInt8, CaseIterable, Sendable {
    case copy, neg, not, isZero, isNonZero, abs, clz, popcount
    case extend8S, extend8U, extend16S, extend16U
    case fneg, fabs, sqrt, floor, ceil, trunc, rint, canonical
    case floatFromS, floatFromU, signedFromFloat, unsignedFromFloat
}

/// 64-bit row -> 64-bit row.
enum Unary64: UInt8, CaseIterable, Sendable {
    case copy, neg, not, abs, clz, popcount
}

/// 32-bit row -> 64-bit row.
enum Widen: UInt8, CaseIterable, Sendable {
    case signed, unsigned, signedFromFloat, unsignedFromFloat
}

/// 64-bit row -> 32-bit row.
enum Narrow: UInt8, CaseIterable, Sendable {
    case truncate, isZero, isNonZero
    case floatFromS, floatFromU
}

/// Three operands: all rows, all uniform, or (form `uniformRow`) `a` uniform and the others rows.
/// `select` reads the truth value in `a`: `a ? b : c`.
enum Ternary: UInt8, CaseIterable, Sendable {
    case select32, select64, fma32
}

/// Rows of masks: all bits set where a lane is active, zero elsewhere and in the padding lanes.
enum MaskOperation: UInt8, CaseIterable, Sendable {
    /// d = a where the truth value b is not 0 (b may be uniform).
    case keepTrue
    /// d = a where the truth value b is 0.
    case keepFalse
    /// d = a without b.
    case without
    /// d = a or b.
    case union
    /// d = a.
    case copy
    /// d = no lane.
    case clear
    /// Where mask c is set, d = a (row or uniform), 32 bits.
    case blend32
    /// The same, 64 bits.
    case blend64
    /// Row d = uniform a, 32 bits.
    case splat32
    /// The same, 64 bits.
    case splat64
}

/// Memory. `immediate` is the object's number in ``Program/objects``; `index` says how the index
/// row a is read. A read outside its object gives 0 and a store outside is skipped, so any index is
/// allowed. Loads name the active lanes in mask c, which count only where reads are noted.
enum MemoryOperation: UInt8, CaseIterable, Sendable {
    /// d = object[a], in shared memory.
    case load
    /// d = object[a] of each lane's own array. A uniform index has form `rowUniform`.
    case loadPrivate
    /// d = buffer[a] of a written buffer: the group's own cell, else the launch's input, else 0.
    case loadOwned
    /// Where mask c is set, local object[a] = b.
    case store
    /// Where mask c is set, private object[a] = b.
    case storePrivate
    /// Row d = position in the group's cells of index a; mask b = mask c where the group owns it.
    case locate
    /// The first axis of a proved cell: row d = its part of the position, mask b = mask c where the
    /// coordinate a is in the group's range. `immediate` = object + 2^16 × axis.
    case firstCell
    /// A further axis: adds to row d and narrows mask b.
    case nextCell
    /// Where mask c is set, the cell at position a = b.
    case storeOwned
    /// Where mask c is set, the private object = 0.
    case clear
}

/// Control of the whole group.
enum Control: UInt8, CaseIterable, Sendable {
    /// Continue at `immediate`.
    case jump
    /// Continue at `immediate` where the uniform truth value a is 0.
    case jumpIfFalse
    /// The same where it is not 0.
    case jumpIfTrue
    /// Continue at `immediate` where mask a is empty.
    case jumpIfNone
    /// Charge `immediate` units of cost.
    case gas
    /// End of the kernel.
    case halt
}
