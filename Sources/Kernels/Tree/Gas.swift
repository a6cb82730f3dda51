/// What execution costs, defined on the tree so that no engine's instruction set is part of it.
///
/// Gas of a group = Σ over issued statements of (its own cost below) × max(32, lanes), whatever the
/// mask. Own cost of a statement:
/// - assign, store: 1 + cost of the value, the index and the cells;
/// - clear: 1 + elements / 8;
/// - branch: 1 + cost of the condition; its blocks cost when at least one lane enters them;
/// - loop: 1 on entry; 1 + cost of the condition each time step 1 of ``Loop`` is issued, plus the
///   header's statements; then body and step as issued;
/// - scope: its statements; leave, break, continue: 1;
/// - barrier: 4.
/// A group also costs ``groupStart`` + local bytes / 64 (local memory is cleared) once, times
/// max(32, lanes).
///
/// - Rounding: every quotient is rounded down.
/// - Bounds: saturates at `UInt64.max`, which every limit refuses.
package enum Gas {
    package static let groupStart: UInt64 = 8
    package static let barrier: UInt64 = 4
    /// Lanes charged for a group that is smaller.
    package static let lanesMin = 32

    /// Multiplier of own costs for a group of so many lanes.
    package static func multiplier(lanes: Int) -> UInt64 {
        UInt64(Swift.max(lanes, Self.lanesMin))
    }

    /// Cost of an expression node without its operands; times the width of its type.
    static func own(_ node: Expression.Node, type: ValueType) -> UInt64 {
        let unit: UInt64
        switch node {
        case .constant, .scalar, .variable: return 0
        case .query(.globalID, _): return 1
        case .query: return 0
        case .load(let place):
            switch place.object {
            case .buffer: unit = 4
            case .local, .privately, .constant: unit = 2
            }
        case .binary(let operation, _, _):
            switch operation {
            case .divide, .remainder: unit = type.base.isFloat ? 4 : 8
            default: unit = 1
            }
        case .call(.sqrt, _), .call(.fma, _): unit = 4
        case .call(.clamp, _), .call(.mulHigh, _): unit = 2
        case .build, .extract, .insert: return 1
        case .unary, .compare, .not, .and, .or, .choose, .cast, .call: unit = 1
        }
        return unit * UInt64(type.width)
    }
}
