import Ledger
import Primitives
import Testing

@Suite struct BaseFeeTests {
    /// 10^12 × 2^(n/64), computed elsewhere with 60 digits.
    @Test func priceIsTheExponential() {
        var parameters = LedgerParameters.standard
        parameters.feePriceMin = FeePrice(motes: 1_000_000_000_000)
        parameters.feeDoubling = 64
        let expected: [(UInt64, UInt64)] = [
            (0, 1_000_000_000_000), (1, 1_010_889_286_051), (32, 1_414_213_562_373),
            (63, 1_978_456_026_387), (64, 2_000_000_000_000), (96, 2_828_427_124_746),
            (640, 1_024_000_000_000_000), (650, 1_141_132_024_418_193),
            (100_000, 1 << 60), (.max, 1 << 60),
        ]
        for (excess, motes) in expected {
            #expect(BaseFee(excess: excess).price(parameters).motes == motes, "excess \(excess)")
        }
    }

    @Test func neverFallsAsTheExcessGrows() {
        for doubling in [1, 2, 3, 1000, 30_000_000, UInt64.max] as [UInt64] {
            var random = generator(doubling)
            var parameters = LedgerParameters.standard
            parameters.feeDoubling = doubling
            for _ in 0..<2000 {
                let excess = random.u64() >> random.below(64)
                let near = excess - min(excess, random.below(3))
                #expect(
                    BaseFee(excess: near).price(parameters)
                        <= BaseFee(excess: excess).price(parameters), "\(doubling) \(excess)")
            }
        }
    }

    /// Fifty blocks of 20 ms move the fee as one of a second does.
    @Test func dependsOnTimeNotOnBlocks() {
        let parameters = LedgerParameters.standard
        var one = BaseFee(excess: 10_000_000)
        one.elapse(1000, parameters)
        one.use(1_000_000)
        var many = BaseFee(excess: 10_000_000)
        for _ in 0..<50 {
            many.elapse(20, parameters)
            many.use(20_000)
        }
        #expect(one == many && one.excess == 10_500_000)
        #expect(one.price(parameters) > BaseFee(excess: 10_000_000).price(parameters))
        one.elapse(.max, parameters)
        #expect(one.excess == 0 && one.price(parameters) == parameters.feePriceMin)
        one.use(.max)
        one.use(.max)
        #expect(one.excess == .max)
    }

    @Test func feesRoundUp() {
        #expect(FeePrice(motes: 1).fee(1) == Amount(1))
        #expect(FeePrice(motes: 1).fee(1_000_000) == Amount(1))
        #expect(FeePrice(motes: 1).fee(1_000_001) == Amount(2))
        #expect(FeePrice(motes: 0).fee(.max) == .zero)
        #expect(FeePrice(motes: .max).fee(.max) <= .maxSupply)
    }
}
