/// A list of statements, run in order by the lanes that are active.
package typealias Block = [Statement]

/// A statement. All lanes of a group run in lockstep under a mask of active lanes; a statement is
/// *issued* when at least one lane is active, and only then costs gas (``Gas``).
///
/// Evaluation order inside one statement: index expressions and value first, for every active lane,
/// then the effect, for every active lane. Between barriers no two lanes of an accepted kernel
/// touch one cell of which one is a store, so no order of lanes can be observed.
package indirect enum Statement: Hashable, Sendable {
    /// Sets a private variable. The value has the variable's type.
    case assign(variable: Int, Expression)
    /// Writes one scalar cell; see ``Store``.
    case store(Store)
    /// Sets a private array of each active lane to zero (its declaration was executed).
    case clear(privateArray: Int)
    case branch(Branch)
    case loop(Loop)
    /// An inlined helper body: `leave` inside it, not inside an inner scope, ends at its end.
    case scope(Block)
    /// The lane leaves the innermost scope (a helper's `return`); outside every scope, the kernel.
    case leave
    /// The lane leaves the innermost loop. Never crosses a scope.
    case breakLoop
    /// The lane continues with the step of the innermost loop. Never crosses a scope.
    case continueLoop
    /// All lanes of the group wait; control is uniform here and every lane is active. Local memory
    /// is then visible to all lanes, and with `global` the group's stores to its own cells too.
    case barrier(global: Bool)
}

/// `if`. The condition is a scalar; nonzero (NaN too) is true.
package struct Branch: Hashable, Sendable {
    package let condition: Expression
    package let then: Block
    package let otherwise: Block
    /// Every active lane computes the same condition: an engine may skip the masks.
    package let isUniform: Bool

    package init(condition: Expression, then: Block, otherwise: Block, isUniform: Bool) {
        self.condition = condition
        self.then = then
        self.otherwise = otherwise
        self.isUniform = isUniform
    }
}

/// `for`, `while` and `do` in one node.
///
/// Iteration n = 0, 1, …, for the lanes that are still in the loop:
/// 1. unless n = 0 and `testsFirst` is false: run `header`, evaluate `condition`; lanes where it is
///    zero leave the loop (a missing condition is true);
/// 2. if no lane is left, the loop ends;
/// 3. if n = bound (see ``LoopBound``), all lanes leave: the loop ends;
/// 4. run `body`; `continueLoop` lanes wait for its end;
/// 5. run `step`.
/// The iteration number belongs to one execution of the loop by the group, so it is the same for
/// all lanes, and a loop under uniform control stays uniform when it is cut.
package struct Loop: Hashable, Sendable {
    package let bound: LoopBound
    package let testsFirst: Bool
    package let header: Block
    package let condition: Expression?
    package let body: Block
    package let step: Block
    /// All lanes that enter leave in the same iteration: an engine may skip the masks.
    package let isUniform: Bool

    package init(
        bound: LoopBound, testsFirst: Bool, header: Block, condition: Expression?, body: Block,
        step: Block, isUniform: Bool
    ) {
        self.bound = bound
        self.testsFirst = testsFirst
        self.header = header
        self.condition = condition
        self.body = body
        self.step = step
        self.isUniform = isUniform
    }
}

/// How often a loop body runs at most, per execution of the loop.
///
/// `constant` and `scalars` are proved by the checker (no engine needs a counter for them); `fuel`
/// is enforced by every engine with a counter.
package enum LoopBound: Hashable, Sendable {
    case constant(UInt64)
    /// A bound that depends on the launch's scalars and group counts; ``Geometry`` evaluates it to
    /// charge gas.
    case scalars(ScalarExpression)
    /// The manifest's `fuel`, counted: the loop is cut after that many iterations.
    case fuel
}

/// One scalar store.
///
/// For local and private objects the store happens when the index is within the object. For buffers
/// it happens when the index is within `0 ..< elements` **and** the group owns the cell:
/// - `cells` empty: the index, taken apart by the buffer's layout, is in the group's box
///   (``Geometry/Box/owns(_:)``);
/// - `cells` given: they are long expressions, one for each axis of the buffer's layout; each lies
///   in the group's range of that axis. (The checker proved that then
///   index = origin + Σ cell × stride, so the group owns the index.)
/// The value has the object's element type; a NaN is written as 0x7FC00000.
package struct Store: Hashable, Sendable {
    package let place: Place
    package let value: Expression
    package let cells: [Expression]

    package init(place: Place, value: Expression, cells: [Expression]) {
        self.place = place
        self.value = value
        self.cells = cells
    }
}
