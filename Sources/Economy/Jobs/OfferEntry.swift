package import Primitives

/// A provider's standing offer.
///
/// - Bounds: at most `capacityMax` jobs at once; `classesMax` exactness classes; 2 KiB.
/// - Invariant: `running <= capacity`, `running <= open <= openMax`; the bond is held as long as
///   the entry exists, and shrinks with what is taken of it.
package struct OfferEntry: Record {
    package static let capacityMax: UInt16 = 64
    /// For each place, jobs whose end the bond may await.
    package static let openPerPlace: UInt16 = 16
    package static let classesMax = 8
    package static let deviceMax = 128
    /// Offers that may stand on the whole chain.
    package static let standingMax: UInt32 = 512

    package var id: OfferID = .zero
    package var sequence: UInt64 = 0
    package var provider: AccountID = .zero
    /// The node that signs openings for the provider.
    package var node: PublicKey = .blank
    package var pricePerGigaGas: Amount = .zero
    package var capacity: UInt16 = 0
    /// Jobs that it has to run yet: these take its places.
    package var running: UInt16 = 0
    /// Jobs that its bond stands behind: those, and the committed ones until they end.
    package var open: UInt16 = 0
    package var classes: [UInt8] = []
    package var maxJobGas: UInt64 = 0
    package var bond: Amount = .zero
    package var device: String = ""
    package var posted = Moment()
    package var standsUntil: LedgerTime = .zero
    /// Withdrawn or past its time: takes no new job, goes when the open ones are closed.
    package var closing: Bool = false
    /// Its place in the list of offers.
    package var slot: UInt32 = 0

    package init() {}

    package static var blank: OfferEntry { OfferEntry() }

    /// Jobs that the bond may stand behind at once.
    package var openMax: UInt16 { min(self.capacity, Self.capacityMax) * Self.openPerPlace }

    /// What its numbers may not exceed.
    var isWithinCapacity: Bool {
        self.running <= min(self.capacity, self.open) && self.open <= self.openMax
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("id", &self.id)
        try visitor.field("sequence", &self.sequence)
        try visitor.field("provider", &self.provider)
        try visitor.field("node", &self.node)
        try visitor.field("pricePerGigaGas", &self.pricePerGigaGas)
        try visitor.field("capacity", &self.capacity)
        try visitor.field("running", &self.running)
        try visitor.field("open", &self.open)
        try visitor.bytes("classes", &self.classes, max: Self.classesMax)
        try visitor.field("maxJobGas", &self.maxJobGas)
        try visitor.field("bond", &self.bond)
        try visitor.text("device", &self.device, max: Self.deviceMax)
        try visitor.field("posted", &self.posted)
        try visitor.field("standsUntil", &self.standsUntil)
        try visitor.field("closing", &self.closing)
        try visitor.field("slot", &self.slot)
    }
}
