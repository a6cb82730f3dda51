package import Primitives

/// The one way of every named fee: stakers, treasury, cover, and the rest burned.
package enum FeeRouter {
    /// One fee, divided.
    package struct Split: Hashable, Sendable {
        package let total: Amount
        package let stakers: Amount
        package let treasury: Amount
        package let cover: Amount
        package let burned: Amount
    }

    /// - Rounding: down; the burn, named last, keeps the remainder.
    package static func split(_ fee: Amount, _ terms: FeeTerms) -> Split {
        let stakers = fee.fraction(terms.stakersPart, .down)
        let treasury = fee.fraction(terms.treasuryPart, .down)
        let cover = fee.fraction(terms.coverPart, .down)
        let afterStakers = (fee - stakers).proven("a fraction is at most the whole")
        let afterTreasury = (afterStakers - treasury).proven("the parts are at most the whole")
        let burned = (afterTreasury - cover).proven("the parts are at most the whole")
        return Split(
            total: fee, stakers: stakers, treasury: treasury, cover: cover, burned: burned)
    }
}
