import Ledger
package import Primitives

/// Takes an offer back; the bond follows when its open jobs are closed.
package struct OfferWithdraw: Operation {
    package static let tag: UInt16 = 0x0303
    package static let name = "offer.withdraw"
    package static let summary = "Takes an offer back; its bond is free once its jobs are closed."

    package var offer: OfferID = .zero

    package init() {}

    package init(offer: OfferID) { self.offer = offer }

    package static var blank: OfferWithdraw { OfferWithdraw() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("offer", &self.offer)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case offerNotFound = 1120
        case notTheProvider = 1121
        case alreadyClosing = 1122
        package static let prefix = "offer.withdraw"
    }

    /// - Touches: one offer, two pages of the list of offers, one hold.
    /// - Source: protocol/jobs.md, "Offers".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard var entry = state.offer(self.offer) else { throw Failure(Rejection.offerNotFound) }
        guard entry.provider == account else { throw Failure(Rejection.notTheProvider) }
        guard !entry.closing else { throw Failure(Rejection.alreadyClosing) }
        entry.closing = true
        state.settle(entry)
    }
}
