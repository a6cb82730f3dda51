package import Primitives

/// Whose coins a slash took.
package enum SlashRole: UInt8, CodeEnum {
    case provider = 0
    case auditor = 1
    case author = 2
}

/// What a slash was for; the first three as in ``AttemptEnd``.
package enum SlashReason: UInt8, CodeEnum {
    /// A leaf was proved wrong.
    case wrongLeaf = 1
    /// The provider did not open on the ledger.
    case silent = 2
    /// The provider did not give a piece of its output on the ledger.
    case withheld = 3
    /// The auditor vouched for a leaf that was proved wrong.
    case vouched = 4
    /// The auditor said nothing in its time.
    case auditorSilent = 5
    /// The kernel broke its own bound.
    case kernelFault = 6
    /// The auditor bound itself to two results.
    case askedTwice = 7
}

/// The event of a slash.
///
/// - Units: motes.
/// - Invariant: `toReporter`, `toCover` and `burned` sum to `amount`.
package struct SlashEvent: Record {
    /// The event's kind in receipts.
    package static let kind: UInt16 = 1181

    package var job: JobID = .zero
    package var account: AccountID = .zero
    package var role: SlashRole = .provider
    package var reason: SlashReason = .wrongLeaf
    package var amount: Amount = .zero
    package var reporter: AccountID?
    package var toReporter: Amount = .zero
    package var toCover: Amount = .zero
    package var burned: Amount = .zero

    package init() {}

    package static var blank: SlashEvent { SlashEvent() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.field("account", &self.account)
        try visitor.field("role", &self.role)
        try visitor.field("reason", &self.reason)
        try visitor.field("amount", &self.amount)
        try visitor.field("reporter", &self.reporter)
        try visitor.field("toReporter", &self.toReporter)
        try visitor.field("toCover", &self.toCover)
        try visitor.field("burned", &self.burned)
    }
}
