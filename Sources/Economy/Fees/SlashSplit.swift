package import Primitives

/// Where a slash goes: a part to whoever proved the fault, a part to the cover, the rest burned.
///
/// The parts leave at least a fifth to burn, so that nobody gains by reporting itself.
///
/// - Invariant: the three sum to `total`, exactly.
/// - Source: protocol/jobs.md, "Slashes".
package struct SlashSplit: Hashable, Sendable {
    package let total: Amount
    package let reporter: Amount
    package let cover: Amount
    package let burned: Amount

    /// Without a reporter its part is burned.
    ///
    /// - Rounding: down; the burn, named last, keeps the remainder.
    package static func split(
        _ amount: Amount, hasReporter: Bool, _ parameters: Parameters
    ) -> SlashSplit {
        let reporter = hasReporter ? amount.fraction(parameters.reporterPart, .down) : .zero
        let cover = amount.fraction(parameters.slashCoverPart, .down)
        let rest = (amount - reporter).proven("a fraction is at most the whole")
        let burned = (rest - cover).proven("the parts are at most four fifths")
        return SlashSplit(total: amount, reporter: reporter, cover: cover, burned: burned)
    }
}
