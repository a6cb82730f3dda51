import Ledger
import Primitives
import Testing

@Suite struct NonceWindowTests {
    /// The rules told with a list of used and voided nonces instead of a map.
    struct Oracle {
        var gone: [Bool] = [Bool](repeating: false, count: 4096)
        var base = 0

        mutating func use(_ nonce: Int) -> Bool {
            guard nonce >= self.base, nonce < self.base + 128, !self.gone[nonce] else {
                return false
            }
            self.gone[nonce] = true
            if nonce >= self.base + 64 {
                for skipped in self.base..<(nonce - 63) { self.gone[skipped] = true }
                self.base = nonce - 63
            }
            while self.gone[self.base] { self.base += 1 }
            return true
        }
    }

    @Test func agreesWithTheOracle() {
        for seed in UInt64(0)..<200 {
            var random = generator(seed)
            var window = NonceWindow()
            var oracle = Oracle()
            for _ in 0..<300 {
                let low = UInt64(max(0, oracle.base - 5))
                let nonce = low + random.below(random.below(3) == 0 ? 140 : 12)
                if nonce > 3900 { break }
                var accepted = true
                do throws(InclusionFault) { try window.use(nonce) } catch { accepted = false }
                #expect(accepted == oracle.use(Int(nonce)), "seed \(seed), nonce \(nonce)")
                #expect(window.base == UInt64(oracle.base), "seed \(seed)")
            }
        }
    }

    @Test func slidesAndVoids() throws {
        var window = NonceWindow()
        try window.use(1)
        #expect(throws: InclusionFault.nonceTooHigh) { try window.use(128) }
        try window.use(127)
        #expect(window.base == 64)
        #expect(throws: InclusionFault.nonceUsedOrVoid) { try window.use(63) }
        #expect(throws: InclusionFault.nonceUsedOrVoid) { try window.use(127) }
        try window.use(64)
        #expect(window.base == 65)
    }

    /// The window frozen by an expired low nonce.
    @Test func anExpiredLowNonceFreezesNothing() throws {
        var window = NonceWindow()
        for nonce in UInt64(1)..<1000 { try window.use(nonce) }
        #expect(window.base == 1000)
    }

    @Test func theLastNonceIsRefused() throws {
        let bytes = [UInt8](repeating: 255, count: 8) + [UInt8](repeating: 0, count: 8)
        var window = try NonceWindow(canonical: bytes)
        #expect(throws: InclusionFault.nonceTooHigh) { try window.use(.max) }
        #expect(throws: InclusionFault.nonceUsedOrVoid) { try window.use(0) }
    }
}
