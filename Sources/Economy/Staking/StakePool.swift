package import Primitives

/// All stake together, and what it is owed.
///
/// What a unit of power earned is `perShare`, in 2^-64 motes. What does not divide is carried to
/// the next reward, so that at every moment, in 2^-64 motes:
///
/// owed = queued + carry + Σ over accounts (accrued + fraction + power × (perShare − index)).
///
/// - Invariant: `owed` is the balance of the stakers' account.
/// - Source: protocol/economy/staking.md, "Rewards".
package struct StakePool: Record {
    /// Sum of what accounts bonded.
    package var bonded: Amount = .zero
    /// Sum of the stakes of validators.
    package var locked: Amount = .zero
    /// Sum of what is on its way out.
    package var unbonding: Amount = .zero
    /// Reward per mote of power since the genesis, in 2^-64 motes.
    package var perShare: UInt128 = 0
    /// The remainder of the last division, in 2^-64 motes.
    package var carry: UInt128 = 0
    /// Rewards that came while nobody had power.
    package var queued: Amount = .zero
    /// Paid in and not yet claimed.
    package var owed: Amount = .zero
    /// Paid in since the genesis, for people.
    package var paidIn: UInt128 = 0
    /// How total power changed, as far back as a ballot that begins now needs it.
    package var points: [PowerPoint] = []
    /// Snapshots of the ballots that are voted on, oldest first.
    package var snapshots: [UInt64] = []

    package init() {}

    package static var blank: StakePool { StakePool() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("bonded", &self.bonded)
        try visitor.field("locked", &self.locked)
        try visitor.field("unbonding", &self.unbonding)
        try visitor.field("perShare", &self.perShare)
        try visitor.field("carry", &self.carry)
        try visitor.field("queued", &self.queued)
        try visitor.field("owed", &self.owed)
        try visitor.field("paidIn", &self.paidIn)
        try visitor.list("points", &self.points, max: PowerHistory.pointsMax)
        try visitor.list("snapshots", &self.snapshots, max: ProposalEntry.openMax)
    }

    /// Total power. Held coins are part of the supply.
    package var power: Amount {
        (self.bonded + self.locked).proven("held coins are part of the supply")
    }

    /// Total power after the block at `height`, for the block before this one and later.
    package func power(at height: UInt64) -> Amount {
        PowerHistory.power(self.points, at: height)
    }

    /// Divides what is queued among all power; without power, or where a share would exceed 128
    /// bits, it stays queued and is never lost.
    package mutating func distribute() {
        let total = self.power.units  // raw: a division of 256 by 128 bits.
        guard total > 0, self.queued > .zero else { return }
        var (high, low) = self.queued.units.multipliedFullWidth(by: 1 << 64)  // raw: as above
        let (sum, overflow) = low.addingReportingOverflow(self.carry)
        if overflow { high += 1 }  // At most 2^48 + 1.
        guard high < total else { return }
        let (share, rest) = total.dividingFullWidth((high, sum))
        let (perShare, isOver) = self.perShare.addingReportingOverflow(share)
        guard !isOver else { return }
        self.perShare = perShare
        self.carry = rest
        self.queued = .zero
    }
}
