package import Primitives

/// Who votes when, and who leads which view.
///
/// One set, that of the genesis, serves in epoch 0; a change of the set is refused, and so is any
/// later epoch.
///
/// - Source: protocol/consensus.md, "Epochs".
package struct Epochs: Hashable, Sendable {
    /// Why an epoch has no validators here.
    package enum Refusal: Error, Hashable, Sendable {
        /// Only the genesis' validators vote.
        case setIsFixed(epoch: UInt64)
    }

    /// The salt of the chain, for everything that is signed.
    package let salt: ChainSalt
    /// The epoch that votes now.
    package let current: UInt64 = 0
    /// Its validators.
    package let set: ValidatorSet
    private let seed: Digest

    /// The epochs of a chain that begins with `set`; `seed` is the genesis' randomness.
    package init(genesis set: ValidatorSet, seed: Digest, salt: ChainSalt) {
        self.set = set
        self.seed = seed
        self.salt = salt
    }

    /// The validators of an epoch.
    package func validators(of epoch: UInt64) throws(Refusal) -> ValidatorSet {
        guard epoch == self.current else { throw .setIsFixed(epoch: epoch) }
        return self.set
    }

    /// Seats `next` from the following epoch on.
    ///
    /// - Throws: always, unless the set stays as it is.
    package mutating func change(to next: ValidatorSet) throws(Refusal) {
        guard next == self.set else { throw .setIsFixed(epoch: self.current + 1) }
    }

    /// The validators of an epoch, or nil.
    func known(_ epoch: UInt64) -> ValidatorSet? { epoch == self.current ? self.set : nil }

    /// The leader of a view: a draw weighted by stake.
    ///
    /// r = the first 16 bytes, little-endian, of H(.draw, salt, seed | epoch u64 | view u64),
    /// modulo the total weight (a bias below 2^-55); the leader is the first seat at which the
    /// running sum of weights exceeds r.
    package func leader(of view: UInt64) -> UInt32 {
        guard self.set.members.count > 1 else { return 0 }
        var hash = Blake2b(.draw, self.salt)
        hash.update(self.seed)
        hash.update(u64: self.current)
        hash.update(u64: view)
        var draw: UInt128 = 0
        for byte in hash.finish().bytes.prefix(16).reversed() { draw = draw << 8 | UInt128(byte) }
        draw %= self.set.total
        var sum: UInt128 = 0
        for (index, member) in self.set.members.enumerated() {
            sum += UInt128(member.weight)
            if draw < sum { return UInt32(index) }
        }
        return 0
    }
}
