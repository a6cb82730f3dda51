package import Primitives

/// Which nonces of an account are still unused: everything from `base`, less a map of 64.
///
/// Nonces may arrive in any order within the window. One that lies 64 or more above the base slides
/// the window just far enough to hold it and voids the unused ones that fall out, so that a low
/// nonce whose transaction expired freezes nobody.
///
/// - Invariant: bit 0 of `used` is clear: the base is the lowest nonce that may still be used.
/// - Source: protocol/transaction.md, "Nonces".
package struct NonceWindow: Record {
    /// The nonces that the map covers.
    package static let width: UInt64 = 64
    /// A nonce this far above the base, or farther, is refused.
    package static let reach: UInt64 = 128

    /// The lowest nonce that may still be used.
    package private(set) var base: UInt64 = 0
    /// Bit i set: nonce `base + i` is used.
    package private(set) var used: UInt64 = 0

    /// Nothing used.
    package init() {}

    /// Checks that `nonce` may be used.
    ///
    /// - Throws: `.nonceUsedOrVoid` or `.nonceTooHigh`.
    package func check(_ nonce: UInt64) throws(InclusionFault) {
        guard nonce >= self.base else { throw .nonceUsedOrVoid }
        let offset = nonce - self.base
        guard offset < Self.reach, nonce < .max else { throw .nonceTooHigh }
        guard offset >= Self.width || self.used >> offset & 1 == 0 else { throw .nonceUsedOrVoid }
    }

    /// Uses `nonce` once.
    ///
    /// - Throws: the first failing check; `self` is then unchanged.
    package mutating func use(_ nonce: UInt64) throws(InclusionFault) {
        try self.check(nonce)
        var offset = nonce - self.base  // Below `reach`.
        if offset >= Self.width {
            let slide = offset - (Self.width - 1)  // 1...64
            self.base += slide  // At most `nonce`.
            self.used = slide < Self.width ? self.used >> slide : 0
            offset = Self.width - 1
        }
        self.used |= 1 << offset
        let done = UInt64((~self.used).trailingZeroBitCount)
        if done > 0 {
            self.base += done  // At most `nonce + 1`, and `nonce < .max`.
            self.used = done < Self.width ? self.used >> done : 0
        }
        precondition(self.used & 1 == 0, "the base is unused")
    }

    /// Nothing used.
    package static var blank: NonceWindow { NonceWindow() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("base", &self.base)
        try visitor.field("used", &self.used)
    }
}
