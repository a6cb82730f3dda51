/// A rule of the world that a run broke.
package struct Violation: Hashable, Sendable, CustomStringConvertible {
    /// What is checked.
    package enum Rule: String, Hashable, Sendable {
        /// No two final blocks of one height.
        case agreement
        /// A final block has the signatures of more than two thirds of the stake under it.
        case certificate
        /// Nothing is signed before the record that says it is durable.
        case voteDurable = "vote-durable"
        /// No honest key contradicts itself.
        case doubleVote = "double-vote"
        /// What was reported final stays final, with the same receipt.
        case durable
        /// Balances, deposits and holds add up to what was issued.
        case conservation
        /// The rows that a node has give the root that its header names.
        case stateRoot = "state-root"
        /// A nonce of an account is in one final transaction.
        case nonce
        /// Payments moved exactly what their orders said, once.
        case books
        /// The chain grows without gaps on every disk.
        case storage
        /// After the faults everything becomes final everywhere.
        case progress
        /// A node gave up.
        case failure
    }

    package let rule: Rule
    package let text: String
    /// When, in nanoseconds of the world.
    package let atNs: UInt64

    package var description: String { "\(self.rule.rawValue): \(self.text)" }
}

/// Violations of one run.
///
/// - Bounds: the first `max` are kept; all are counted.
struct Verdicts {
    static let max = 20

    private(set) var list: [Violation] = []
    private(set) var count = 0

    mutating func add(_ rule: Violation.Rule, _ text: String, at ns: UInt64) {
        self.count += 1
        guard self.list.count < Self.max else { return }
        self.list.append(Violation(rule: rule, text: text, atNs: ns))
    }
}
