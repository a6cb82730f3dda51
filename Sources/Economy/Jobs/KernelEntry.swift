package import Primitives

/// A published kernel; its package lies beside it, in pieces.
package struct KernelEntry: Record {
    package static let titleMax = 96
    /// The author takes half of a price at most.
    package static let feeMax: UInt16 = 5_000

    package var id: KernelID = .zero
    package var sequence: UInt64 = 0
    package var author: AccountID = .zero
    package var title: String = ""
    /// The author's part of each job's price.
    package var fee: BasisPoints = .blank
    package var exactness: UInt8 = 0
    /// Bytes of the canonical package.
    package var bytes: UInt32 = 0
    package var vectors: UInt8 = 0
    package var vectorGas: UInt64 = 0
    package var published = Moment()
    /// May be ordered from here on.
    package var activeFrom: LedgerTime = .zero
    /// Held of the author until the kernel is retired and no job of it is open.
    package var bond: Amount = .zero
    /// Open jobs that ordered it.
    package var open: UInt64 = 0
    /// Taken back by its author: no more orders.
    package var isRetired = false
    /// Broke its own bound: no more orders, and the bond is burned.
    package var isFaulty = false

    package init() {}

    package static var blank: KernelEntry { KernelEntry() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("id", &self.id)
        try visitor.field("sequence", &self.sequence)
        try visitor.field("author", &self.author)
        try visitor.text("title", &self.title, max: Self.titleMax)
        try visitor.field("fee", &self.fee)
        try visitor.field("exactness", &self.exactness)
        try visitor.field("bytes", &self.bytes)
        try visitor.field("vectors", &self.vectors)
        try visitor.field("vectorGas", &self.vectorGas)
        try visitor.field("published", &self.published)
        try visitor.field("activeFrom", &self.activeFrom)
        try visitor.field("bond", &self.bond)
        try visitor.field("open", &self.open)
        try visitor.field("isRetired", &self.isRetired)
        try visitor.field("isFaulty", &self.isFaulty)
    }
}
