import Ledger
package import Primitives

/// Offers to run jobs at a price, behind a bond.
package struct OfferPost: Operation {
    package static let tag: UInt16 = 0x0302
    package static let name = "offer.post"
    package static let summary = "Offers to run jobs at a price, behind a bond."

    package var pricePerGigaGas: Amount = .zero
    package var capacity: UInt16 = 0
    package var classes: [UInt8] = []
    package var maxJobGas: UInt64 = 0
    package var bond: Amount = .zero
    package var device: String = ""
    package var standsUntil: LedgerTime = .zero
    /// The node that signs openings for the provider.
    package var node: PublicKey = .blank

    package init() {}

    package static var blank: OfferPost { OfferPost() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("pricePerGigaGas", &self.pricePerGigaGas)
        try visitor.field("capacity", &self.capacity)
        try visitor.bytes("classes", &self.classes, max: OfferEntry.classesMax)
        try visitor.field("maxJobGas", &self.maxJobGas)
        try visitor.field("bond", &self.bond)
        try visitor.text("device", &self.device, max: OfferEntry.deviceMax)
        try visitor.field("standsUntil", &self.standsUntil)
        try visitor.field("node", &self.node)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case capacityOutOfRange = 1110
        case noClasses = 1111
        case maxJobGasIsZero = 1112
        case bondBelowMin = 1113
        case standsUntilIsPast = 1114
        case tooManyOffers = 1115
        package static let prefix = "offer.post"
    }

    /// - Touches: one offer, one page of the list of offers, the due queue, one hold.
    /// - Bounds: `OfferEntry.standingMax` offers on the chain.
    /// - Source: protocol/jobs.md, "Offers".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard self.capacity >= 1, self.capacity <= OfferEntry.capacityMax else {
            throw Failure(Rejection.capacityOutOfRange)
        }
        guard !self.classes.isEmpty else { throw Failure(Rejection.noClasses) }
        guard self.maxJobGas > 0 else { throw Failure(Rejection.maxJobGasIsZero) }
        guard self.bond >= state.parameters.bondMin else { throw Failure(Rejection.bondBelowMin) }
        guard self.standsUntil > state.now else { throw Failure(Rejection.standsUntilIsPast) }
        guard state.counters.standing < OfferEntry.standingMax else {
            throw Failure(Rejection.tooManyOffers)
        }

        var entry = OfferEntry()
        entry.id = OfferID(state.freshID(.offer))
        entry.provider = account
        entry.node = self.node
        entry.pricePerGigaGas = self.pricePerGigaGas
        entry.capacity = self.capacity
        entry.classes = self.classes
        entry.maxJobGas = self.maxJobGas
        entry.bond = self.bond
        entry.device = self.device
        entry.posted = state.moment
        entry.standsUntil = self.standsUntil
        try state.holdBond(entry)
        state.insertOffer(entry)
    }
}
