/// What a core wants done, in order; the driver drains it after every input.
package struct Outbox<Effect: Sendable>: Sendable {
    private var effects: [Effect] = []

    /// Nothing to do.
    package init() {}

    /// Adds an effect after the others.
    package mutating func append(_ effect: Effect) { self.effects.append(effect) }

    /// True if there is nothing to do.
    package var isEmpty: Bool { self.effects.isEmpty }

    /// Takes all effects out.
    package mutating func drain() -> [Effect] {
        defer { self.effects = [] }
        return self.effects
    }
}
