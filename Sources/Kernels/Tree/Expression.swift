/// A typed expression: pure, total, without side effects.
///
/// The checker lifts everything that has an effect (assignments, `++`, helper calls, stores) out
/// into statements, and makes every conversion of C an explicit ``Node/cast(_:)`` node. So an
/// expression depends on variables, parameters and memory only, always has a value, and evaluating
/// an operand whose value is not needed cannot be observed: `&&`, `||` and `?:` may be evaluated
/// eagerly by an engine, and gas (``Gas``) counts them as evaluated in full.
///
/// Semantics of values:
/// - integers are two's complement and wrap modulo 2^bits in every operation;
/// - `bool` is 0 or 1;
/// - floats are IEEE 754 binary32, denormals kept, round to nearest even, never contracted; which
///   NaN an operation yields is not observable, because stores and ``CastMode/bits`` write every
///   NaN as 0x7FC00000;
/// - an operation on vectors acts on each component.
package struct Expression: Hashable, Sendable {
    package let type: ValueType
    package let node: Node
    /// Height of the tree below, itself included; at most ``Limits/expressionDepth``.
    package let depth: Int
    /// Gas of one evaluation in one lane, operands included (see ``Gas``).
    package let cost: UInt64

    /// A node; depth and cost follow from its operands.
    package init(_ type: ValueType, _ node: Node) {
        self.type = type
        self.node = node
        var depth = 0
        var cost = Gas.own(node, type: type)
        node.forEachOperand { operand in
            depth = Swift.max(depth, operand.depth)
            cost = cost.saturatingSum(operand.cost)
        }
        self.depth = depth + 1
        self.cost = cost
    }

    /// What it does; operands are expressions.
    package indirect enum Node: Hashable, Sendable {
        /// A scalar given by its bits: integers zero-extended from their width, floats as IEEE
        /// bits.
        case constant(UInt64)
        /// A scalar parameter of the kernel, by its index in ``Tree/scalars``. Group-uniform.
        case scalar(Int)
        /// A private variable, by its index in ``Tree/variables``.
        case variable(Int)
        /// A work-item query on axis 0, 1 or 2. The type is always ulong.
        case query(Query, axis: Int)
        /// One scalar read of an object. See ``Place`` for what is out of range.
        case load(Place)
        case unary(UnaryOperator, Expression)
        /// Both operands have the type of the result.
        case binary(BinaryOperator, Expression, Expression)
        /// Both operands have one type T. Scalars: the result is int, 0 or 1. Vectors: the result
        /// is the signed integer vector as wide as T with 0 or -1 (all bits). A comparison with NaN
        /// is false, except `notEqual`, which is true.
        case compare(ComparisonOperator, Expression, Expression)
        /// `!x` of a scalar: int 1 if x == 0 (for floats: equal to +0 or -0), else 0.
        case not(Expression)
        /// `a && b` of scalars: int 1 if both are nonzero (NaN is nonzero), else 0.
        case and(Expression, Expression)
        /// `a || b` of scalars: int 1 if one is nonzero, else 0.
        case or(Expression, Expression)
        /// `condition ? then : otherwise`. Condition is a scalar (nonzero is true); both values
        /// have the type of the result.
        case choose(Expression, Expression, Expression)
        /// A conversion to `type` (of this node) of an expression of the same width.
        case cast(CastMode, Expression)
        /// A built-in function; see ``Builtin`` for the operands' types.
        case call(Builtin, [Expression])
        /// A vector from scalars of its base type, one per component, in order.
        case build([Expression])
        /// Components of a vector, in the order given: a scalar when one, else a vector.
        case extract(Expression, [Int])
        /// The vector with some components replaced: component `positions[k]` becomes component k
        /// of the value (the value itself when it is a scalar). Positions are distinct.
        case insert(Expression, positions: [Int], Expression)
    }
}

/// Work-item queries; all of type ulong. `get_local_size` is a constant, `get_global_size` a
/// product of `numGroups`, `get_global_offset` zero: the checker writes them out.
package enum Query: UInt8, Hashable, Sendable {
    /// Position of the lane in its group: 0 ..< local size of the axis. Lane number =
    /// (z * sizeY + y) * sizeX + x.
    case localID
    /// Position of the group in the launch, never in the part of it that a device runs at once.
    case groupID
    /// groupID * local size + localID.
    case globalID
    /// Groups of the launch along the axis.
    case numGroups
}

/// Operators of one operand.
package enum UnaryOperator: UInt8, Hashable, Sendable {
    /// -x: wrapping for integers, sign flip for floats.
    case negate
    /// ~x, integers only.
    case complement
}

/// Operators of two operands of one type.
package enum BinaryOperator: UInt8, Hashable, Sendable {
    case add, subtract, multiply
    /// Integers: truncates toward zero; x / 0 = 0; MIN / -1 = MIN. Floats: IEEE, correctly rounded.
    case divide
    /// Integers only: sign of the dividend; x % 0 = 0; MIN % -1 = 0.
    case remainder
    /// Integers only.
    case bitAnd, bitOr, bitXor
    /// Integers only. The amount is the right operand's low bits: modulo the width of the type
    /// (8, 16, 32 or 64). `shiftRight` is arithmetic for signed types, logical for unsigned ones.
    case shiftLeft, shiftRight
}

/// Comparisons of two operands of one type.
package enum ComparisonOperator: UInt8, Hashable, Sendable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
}

/// How a value becomes one of another type.
package enum CastMode: UInt8, Hashable, Sendable {
    /// C conversion and `convert_T`.
    /// - integer to integer: modulo 2^bits of the result (sign or zero extension);
    /// - anything to bool: x != 0 (NaN is true);
    /// - integer to float: round to nearest even;
    /// - float to integer: toward zero, **saturating**, NaN gives 0.
    case value
    /// `convert_T_sat` from an integer: clamped to the range of the result.
    case saturate
    /// Float to integer like `value`, but rounded to nearest even first (`convert_T_rte`).
    case nearest
    /// Float to integer like `value`, but rounded down first (`convert_T_rtn`).
    case down
    /// Float to integer like `value`, but rounded up first (`convert_T_rtp`).
    case up
    /// `as_T`: the same bits; base types are equally wide. A NaN becomes 0x7FC00000 on the way out.
    case bits
}

/// Built-in functions. Unless said otherwise the operands and the result have one type.
package enum Builtin: UInt8, Hashable, Sendable {
    /// Integers: the smaller. Floats: `min(x, y)` = `y < x ? y : x`, so with a NaN operand x.
    case min
    /// Integers: the larger. Floats: `max(x, y)` = `x < y ? y : x`, so with a NaN operand x.
    case max
    /// `min(max(x, low), high)` with the two above, also where low > high.
    case clamp
    /// Integer; the result is the unsigned type: abs(MIN) = 2^(bits-1).
    case abs
    /// Integers; |x - y| without overflow, in the unsigned type.
    case absDiff
    /// Integers; the high half of the double-width product.
    case mulHigh
    /// Integers; number of one bits.
    case popcount
    /// Integers; number of leading zero bits; of 0: the width.
    case leadingZeros
    /// Integers; x rotated left by y modulo the width.
    case rotate
    /// Integers; x + y and x - y clamped to the range of the type.
    case addSaturating, subtractSaturating
    /// Integers; (x + y) >> 1 without overflow; (x + y + 1) >> 1 without overflow.
    case halfAdd, roundedHalfAdd
    /// `select(a, b, c)` of scalars: b if c != 0, of vectors: per component b if the most
    /// significant bit of c is set, else a. c is an integer type as wide as the result.
    case select
    /// Floats. fabs clears the sign bit, rint rounds half to even; zeros keep their sign.
    case fabs, floor, ceil, trunc, rint
    /// Floats; correctly rounded; of a negative number: NaN; sqrt(-0) = -0.
    case sqrt
    /// Floats; x * y + z with one rounding.
    case fma
    /// Floats. One NaN operand: the other operand. fmin(-0, +0) = -0 in either order.
    case fmin
    /// Floats. One NaN operand: the other operand. fmax(-0, +0) = +0 in either order.
    case fmax
}

/// One scalar cell of memory: a statically known object and an element index.
///
/// The index is of type long, counts **scalars** of the object's element type (a `float4 *`
/// parameter is an object of floats; the checker multiplied), and may have any value:
/// - a read outside `0 ..< count` gives 0;
/// - a store outside is skipped.
/// A buffer's count is the launch's `Binding.elements`.
///
/// Reading buffers: `in` buffers read the input. `out` buffers read the group's own earlier stores
/// in the cells that the group owns (zero before the first) and 0 everywhere else. `inout` buffers
/// read the group's own earlier stores, else the launch's input, in owned cells, and the launch's
/// input everywhere else.
package struct Place: Hashable, Sendable {
    package let object: ObjectID
    /// Always of type long, scalar.
    package let index: Expression

    package init(object: ObjectID, index: Expression) {
        self.object = object
        self.index = index
    }
}

/// A statically known piece of memory. Numbers index the arrays of ``Tree``.
package enum ObjectID: Hashable, Sendable {
    /// A `__global` or `__constant` pointer parameter: ``Tree/buffers``.
    case buffer(Int)
    /// An array shared by the group, zero when the group starts: ``Tree/locals``.
    case local(Int)
    /// An array of each lane, zero when the group starts: ``Tree/privates``.
    case privately(Int)
    /// A constant table: ``Tree/constants``.
    case constant(Int)
}

extension Expression.Node {
    /// Calls `visit` with each direct operand, in order; a load's operand is its index.
    package func forEachOperand(_ visit: (Expression) -> Void) {
        switch self {
        case .constant, .scalar, .variable, .query: break
        case .load(let place): visit(place.index)
        case .unary(_, let operand), .not(let operand), .cast(_, let operand),
            .extract(let operand, _):
            visit(operand)
        case .binary(_, let left, let right), .compare(_, let left, let right),
            .and(let left, let right), .or(let left, let right), .insert(let left, _, let right):
            visit(left)
            visit(right)
        case .choose(let condition, let then, let otherwise):
            visit(condition)
            visit(then)
            visit(otherwise)
        case .call(_, let operands), .build(let operands):
            for operand in operands { visit(operand) }
        }
    }
}

extension Expression {
    /// Calls `visit` with this expression and everything below.
    package func forEachNode(_ visit: (Expression) -> Void) {
        visit(self)
        self.node.forEachOperand { $0.forEachNode(visit) }
    }
}
