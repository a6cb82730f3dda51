/// What the checker makes of an expression.
enum Operand {
    case value(Expression)
    case pointer(Pointer)
    /// A call of a void helper.
    case nothing
}

/// A pointer value: a statically known object, or a private variable, and an offset.
struct Pointer {
    enum Target: Hashable {
        case object(ObjectID)
        /// `&x`
        case variable(Int)
    }

    let target: Target
    /// What it points to.
    let element: ValueType
    /// In elements; of type long.
    let index: Expression
    /// Extents of the arrays it points to; empty for a plain element.
    var extents: [Int] = []
    let isConst: Bool
}

/// What a name stands for.
enum Symbol {
    case variable(Int)
    /// Never assigned: a scalar parameter, or a helper's parameter bound to a constant.
    case value(Expression)
    case pointer(Pointer)
    /// A pointer that is assigned to: its offset is a variable of type long.
    case movingPointer(Pointer, offset: Int)
    case array(ObjectID, element: ValueType, extents: [Int], isConst: Bool)
}

/// A place that can be assigned.
enum Target {
    case variable(Int)
    case components(Int, [Int])
    /// Index in elements.
    case cell(ObjectID, element: ValueType, index: Expression)
    case pointerOffset(Pointer, Int)
}
