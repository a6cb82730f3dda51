package import Primitives

/// What somebody's power is from a height on: power after the last change of that block.
package struct PowerPoint: Record {
    package var height: UInt64 = 0
    package var power: Amount = .zero

    package init() {}

    package init(height: UInt64, power: Amount) {
        self.height = height
        self.power = power
    }

    package static var blank: PowerPoint { PowerPoint() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("height", &self.height)
        try visitor.field("power", &self.power)
    }
}

/// A history of power, kept as short as open ballots allow.
package enum PowerHistory {
    /// One point per ballot, the one before this block, the newest.
    package static let pointsMax = ProposalEntry.openMax + 2

    /// Power after the block at `height`; zero before the first point.
    package static func power(_ points: [PowerPoint], at height: UInt64) -> Amount {
        points.last { $0.height <= height }?.power ?? .zero
    }

    /// Notes that power is `power` after the block at `height`, and forgets every point that
    /// neither a ballot on one of `snapshots` nor one begun in this very block can ask for.
    ///
    /// - Bounds: ``pointsMax`` points are left.
    package static func note(
        _ power: Amount, at height: UInt64, in points: inout [PowerPoint], snapshots: [UInt64]
    ) {
        let newest = points.last
        if newest?.height == height {
            points[points.count - 1].power = power
        } else if newest.map({ $0.power != power }) ?? (power > .zero) {
            points.append(PowerPoint(height: height, power: power))
        }
        var wanted = snapshots
        if height > 0 { wanted.append(height - 1) }
        let last = points.count - 1
        let needed = wanted.map { one in points.lastIndex { $0.height <= one } }
        points = points.enumerated().filter { $0.offset == last || needed.contains($0.offset) }
            .map(\.element)
    }
}

/// Stake on its way out.
package struct Unbonding: Record {
    package var amount: Amount = .zero
    /// Free from here on.
    package var due: LedgerTime = .zero

    package init() {}

    package init(amount: Amount, due: LedgerTime) {
        self.amount = amount
        self.due = due
    }

    package static var blank: Unbonding { Unbonding() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("amount", &self.amount)
        try visitor.field("due", &self.due)
    }
}

/// An account's stake: what it bonded, what validators hold for it, what it earned.
///
/// - Invariant: the newest point is `power`; what is bonded, locked and unbonding is held.
/// - Bounds: below 1 KiB.
/// - Source: protocol/economy/staking.md, "Stake".
package struct StakeEntry: Record {
    /// Unbondings of one account at once.
    package static let unbondingsMax = 16

    /// Bonded by the account; hold 5.
    package var bonded: Amount = .zero
    /// Stake of validators that pay out to the account; holds 2.
    package var locked: Amount = .zero
    /// On its way out, earliest first; hold 6. Neither earns nor votes.
    package var unbondings: [Unbonding] = []
    /// The pool's `perShare` up to which the account's reward is in `accrued`.
    package var index: UInt128 = 0
    /// Earned and not yet claimed.
    package var accrued: Amount = .zero
    /// What was earned beyond `accrued`, in 2^-64 motes.
    package var fraction: UInt64 = 0
    /// Claimed in all, for people.
    package var claimed: UInt128 = 0
    /// When power changed, as far back as ballots need it.
    package var points: [PowerPoint] = []

    package init() {}

    package static var blank: StakeEntry { StakeEntry() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("bonded", &self.bonded)
        try visitor.field("locked", &self.locked)
        try visitor.list("unbondings", &self.unbondings, max: Self.unbondingsMax)
        try visitor.field("index", &self.index)
        try visitor.field("accrued", &self.accrued)
        try visitor.field("fraction", &self.fraction)
        try visitor.field("claimed", &self.claimed)
        try visitor.list("points", &self.points, max: PowerHistory.pointsMax)
    }

    /// Earns and votes: bonded and locked together. Both are part of the supply.
    package var power: Amount {
        (self.bonded + self.locked).proven("held coins are part of the supply")
    }

    /// What is on its way out.
    package var unbonding: Amount {
        self.unbondings.reduce(.zero) { sum, one in
            (sum + one.amount).proven("held coins are part of the supply")
        }
    }

    /// Power after the block at `height`, exact for every height that a ballot may ask for.
    package func power(at height: UInt64) -> Amount {
        PowerHistory.power(self.points, at: height)
    }

    /// The entry with everything earned up to `perShare` moved to `accrued`.
    ///
    /// Nothing is rounded away, so how often it is settled makes no difference.
    ///
    /// - Returns: nil for more than the supply: the books are broken then.
    package func settled(_ perShare: UInt128) -> StakeEntry? {
        guard perShare >= self.index else { return nil }
        var entry = self
        // raw: a product of 256 bits, in 2^-64 motes.
        var (high, low) = self.power.units.multipliedFullWidth(by: perShare - self.index)
        let (sum, overflow) = low.addingReportingOverflow(UInt128(self.fraction))
        low = sum
        if overflow { high += 1 }  // A product of 128 bits leaves room for one.
        guard high >> 64 == 0, let earned = Amount(high << 64 | low >> 64),
            let accrued = self.accrued + earned
        else { return nil }
        entry.accrued = accrued
        entry.fraction = UInt64(truncatingIfNeeded: low)
        entry.index = perShare
        return entry
    }

    /// Nothing is in it that anybody could still ask for.
    package var isEmpty: Bool {
        self.power == .zero && self.unbondings.isEmpty && self.accrued == .zero
            && self.points.allSatisfy { $0.power == .zero }
    }
}
