/// How likely a cheat is caught, in fixed point: the simulator's numbers have no fractions.
///
/// - Units: 2^32 is one.
package enum Odds {
    /// Certainty.
    package static let one: UInt64 = 1 << 32

    /// (1 - f)(1 - C(L - F, k) / C(L, k)): an auditor that is no friend draws k of L leaves without
    /// repetition, and meets at least one of the F that are wrong.
    ///
    /// - Parameter friends: f, the part of the stake that may audit and vouches for anything.
    /// - Rounding: the quotient of each step down; off by fewer than `sample` units.
    package static func detection(
        faked: UInt64, of leaves: UInt64, sample: UInt64, friends: UInt64
    ) -> UInt64 {
        guard faked <= leaves, sample <= leaves else { return 0 }
        var missed = UInt128(Self.one)
        for index in 0..<sample {
            let right = leaves - faked
            guard right > index else {
                missed = 0
                break
            }
            missed = missed * UInt128(right - index) / UInt128(leaves - index)
        }
        let caught = UInt128(Self.one) - missed
        return UInt64(clamping: (caught * UInt128(Self.one - friends)) >> 32)
    }

    /// The chance that the `distinct` proposers after a commitment are all friends, who then know
    /// the auditor that their reveals will draw: c/n (c - 1)/(n - 1) and so on. No cheat of a court
    /// makes use of that, so the judge does not count it.
    ///
    /// - Source: protocol/jobs.md, "Own reveals in a row".
    package static func foreseen(friends: UInt64, of seats: UInt64, distinct: UInt64) -> UInt64 {
        guard distinct <= seats else { return 0 }
        return Self.one
            - Self.detection(
                faked: seats - min(friends, seats), of: seats, sample: distinct, friends: 0)
    }

    /// The standard deviation of the number caught of `trials`, each with probability `chance`.
    ///
    /// - Rounding: down.
    package static func deviation(_ trials: UInt64, _ chance: UInt64) -> UInt64 {
        let variance = UInt128(trials) * UInt128(chance) * UInt128(Self.one - chance)
        return UInt64(clamping: Self.root(variance))
    }

    /// The integer square root, by Newton's steps from above.
    package static func root(_ value: UInt128) -> UInt128 {
        guard value > 1 else { return value }
        var root = UInt128(1) << UInt128((129 - value.leadingZeroBitCount) / 2)
        while true {
            let next = (root + value / root) / 2
            guard next < root else { return root }
            root = next
        }
    }
}
