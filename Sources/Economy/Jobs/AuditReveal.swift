import Ledger
package import Primitives

/// A validator says a pre-image of its audit chain, so that it can be drawn again.
///
/// Draws that ended without its word leave the chain behind: after 256 of them it is passed over.
package struct AuditReveal: Operation {
    package static let tag: UInt16 = 0x030f
    package static let name = "audit.reveal"
    package static let summary = "Says a pre-image of an audit chain that draws have left behind."
    /// Steps from the newest pre-image, for one operation.
    package static let stepsMax: UInt64 = 4_096
    /// Charged for each step, a hash.
    static let gasPerStep: UInt64 = 1_000

    /// The validator's number in the genesis.
    package var seat: UInt32 = 0
    /// The pre-image's number in the chain.
    package var index: UInt64 = 0
    package var reveal: Digest = .zero

    package init() {}

    package init(seat: UInt32, index: UInt64, reveal: Digest) {
        self.seat = seat
        self.index = index
        self.reveal = reveal
    }

    package static var blank: AuditReveal { AuditReveal() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("seat", &self.seat)
        try visitor.field("index", &self.index)
        try visitor.field("reveal", &self.reveal)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case seatNotFound = 1280
        case notTheValidator = 1281
        case indexOutOfRange = 1282
        case revealWrong = 1283
        package static let prefix = "audit.reveal"
    }

    /// - Touches: one validator's row.
    /// - Bounds: ``stepsMax`` hashes, which are paid for before they are made.
    /// - Source: protocol/jobs.md, "Draw".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard var validator = state.read(EconomyTable.validator, self.seat) else {
            throw Failure(Rejection.seatNotFound)
        }
        guard validator.payout == account else { throw Failure(Rejection.notTheValidator) }
        // A number that was not drawn yet would tell the leaves of a draw to come.
        guard self.index > validator.auditsRevealed, self.index <= validator.auditsDrawn,
            self.index - validator.auditsRevealed <= Self.stepsMax
        else { throw Failure(Rejection.indexOutOfRange) }
        let steps = self.index - validator.auditsRevealed
        guard state.ledger.canAfford(gas: steps * Self.gasPerStep) else {
            throw Failure(ExecutionRejection.weightAboveMaxFee)
        }
        state.ledger.charge(gas: steps * Self.gasPerStep)
        var value = self.reveal
        for _ in 0..<steps { value = RevealChain.step(value) }
        guard value == validator.auditReveal, self.reveal != .zero else {
            throw Failure(Rejection.revealWrong)
        }
        validator.auditReveal = self.reveal
        validator.auditsRevealed = self.index
        state.write(EconomyTable.validator, self.seat, validator)
    }
}
