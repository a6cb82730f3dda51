package import Primitives

/// How one price was divided, to the last mote.
///
/// - Invariant: the legs sum to `price`, exactly.
package struct Waterfall: Record {
    package var price: Amount = .zero
    package var stakers: Amount = .zero
    package var treasury: Amount = .zero
    package var cover: Amount = .zero
    package var burned: Amount = .zero
    package var author: Amount = .zero
    package var dataOwner: Amount = .zero
    package var holders: Amount = .zero
    package var `operator`: Amount = .zero
    /// Beside the price: the auditor's fee and what the requester gets back.
    package var auditor: Amount = .zero
    package var refund: Amount = .zero

    package static var blank: Waterfall { Waterfall() }

    /// The parts of a price that have a payee; the rest is the operator's.
    package struct Parts: Hashable, Sendable {
        package var author: BasisPoints = .blank
        package var dataOwner: BasisPoints = .blank
        /// Of what is left after fee, author and data owner.
        package var holders: BasisPoints = .blank

        package init(
            author: BasisPoints = .blank, dataOwner: BasisPoints = .blank,
            holders: BasisPoints = .blank
        ) {
            self.author = author
            self.dataOwner = dataOwner
            self.holders = holders
        }
    }

    /// Divides `price`.
    ///
    /// - Rounding: every leg down; the operator keeps the remainder of the price, the burn the
    ///   remainder of the protocol fee.
    /// - Throws: nothing; nil if the parts together exceed the price.
    package static func divide(
        _ price: Amount, _ parts: Parts, _ terms: FeeTerms
    ) -> Waterfall? {
        var out = Waterfall()
        out.price = price
        let fee = FeeRouter.split(price.fraction(terms.protocolFee, .down), terms)
        out.stakers = fee.stakers
        out.treasury = fee.treasury
        out.cover = fee.cover
        out.burned = fee.burned
        out.author = price.fraction(parts.author, .down)
        out.dataOwner = price.fraction(parts.dataOwner, .down)
        guard let afterFee = price - fee.total, let afterAuthor = afterFee - out.author,
            let rest = afterAuthor - out.dataOwner
        else { return nil }
        out.holders = rest.fraction(parts.holders, .down)
        out.operator = (rest - out.holders).proven("a fraction is at most the whole")
        return out
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("price", &self.price)
        try visitor.field("stakers", &self.stakers)
        try visitor.field("treasury", &self.treasury)
        try visitor.field("cover", &self.cover)
        try visitor.field("burned", &self.burned)
        try visitor.field("author", &self.author)
        try visitor.field("dataOwner", &self.dataOwner)
        try visitor.field("holders", &self.holders)
        try visitor.field("operator", &self.operator)
        try visitor.field("auditor", &self.auditor)
        try visitor.field("refund", &self.refund)
    }
}
