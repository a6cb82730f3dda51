internal import Primitives

/// An expression as written, before types.
///
/// - Bounds: `height` is at most ``Limits/expressionDepth``.
struct Syntax: Sendable {
    let node: Node
    let position: Position
    let height: Int

    indirect enum Node: Sendable {
        case number(String)
        case character(String)
        case name(String)
        case prefix(String, Syntax)
        /// `x++`, `x--`
        case postfix(String, Syntax)
        case binary(String, Syntax, Syntax)
        /// The operator without its `=`; empty for plain assignment.
        case assign(String, Syntax, Syntax)
        case conditional(Syntax, Syntax, Syntax)
        case call(String, [Syntax])
        case index(Syntax, Syntax)
        case member(Syntax, String)
        case cast(TypeSyntax, Syntax)
        /// `(int4)(a, b, c, d)`
        case vector(TypeSyntax, [Syntax])
        case comma(Syntax, Syntax)
        case sizeOf(TypeSyntax)
        /// `{a, b, c}`, in initialisers only.
        case list([Syntax])
    }
}

/// Where a pointer points, or an array lies.
enum AddressSpace: Hashable, Sendable {
    case privately, global, local, constant
}

/// A type as written.
struct TypeSyntax: Hashable, Sendable {
    /// Nil is void.
    var value: ValueType?
    var isPointer = false
    var isConst = false
    var space: AddressSpace?
}

struct ParameterSyntax: Sendable {
    let name: String
    let type: TypeSyntax
    let position: Position
}

struct DeclaratorSyntax: Sendable {
    let name: String
    let isPointer: Bool
    /// Extents as written; nil for `[]`.
    let extents: [Syntax?]
    let initialiser: Syntax?
    let position: Position
}

struct StatementSyntax: Sendable {
    let node: Node
    let position: Position

    indirect enum Node: Sendable {
        case empty
        case expression(Syntax)
        case declaration(TypeSyntax, [DeclaratorSyntax])
        case block([StatementSyntax])
        case branch(Syntax, StatementSyntax, StatementSyntax?)
        case loop(LoopSyntax)
        case choice(Syntax, [CaseSyntax])
        case breakLoop
        case continueLoop
        case leave(Syntax?)
    }
}

struct LoopSyntax: Sendable {
    var start: StatementSyntax?
    let condition: Syntax?
    let step: Syntax?
    let body: StatementSyntax
    let testsFirst: Bool
}

/// One `case` or `default` of a switch, with its statements.
struct CaseSyntax: Sendable {
    /// Nil for default.
    let value: Syntax?
    let body: [StatementSyntax]
    let position: Position
}

struct FunctionSyntax: Sendable {
    let name: String
    let isKernel: Bool
    let result: TypeSyntax
    let parameters: [ParameterSyntax]
    let body: [StatementSyntax]
    let position: Position
    /// `reqd_work_group_size`.
    let requiredSize: [UInt32]?
}

/// A constant table at file scope.
struct TableSyntax: Sendable {
    let type: TypeSyntax
    let declarator: DeclaratorSyntax
}

struct UnitSyntax: Sendable {
    var functions: [FunctionSyntax] = []
    var tables: [TableSyntax] = []
    /// See ``Parser/assigned``.
    var assigned = Lookup<String, Bool>()
}
