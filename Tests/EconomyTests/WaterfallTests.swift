import Economy
import Primitives
import Testing

@Suite struct WaterfallTests {
    private func points(_ value: UInt16) -> BasisPoints {
        BasisPoints(value).proven("a constant")
    }

    @Test func theGoldenWaterfall() throws {
        let parts = Waterfall.Parts(
            author: points(300), dataOwner: points(500), holders: points(6_000))
        let divided = Waterfall.divide(Amount(1_000_000_000), parts, FeeTerms())
        let out = try #require(divided)
        #expect(out.stakers == Amount(10_000_000))
        #expect(out.treasury == Amount(7_500_000))
        #expect(out.cover == Amount(5_000_000))
        #expect(out.burned == Amount(2_500_000))
        #expect(out.author == Amount(30_000_000))
        #expect(out.dataOwner == Amount(50_000_000))
        #expect(out.holders == Amount(537_000_000))
        #expect(out.operator == Amount(358_000_000))
    }

    @Test func partsWithoutPayeeFallToTheOperator() throws {
        let divided = Waterfall.divide(
            Amount(1_000_000_000), .init(author: points(300)), FeeTerms())
        let out = try #require(divided)
        #expect(out.operator == Amount(945_000_000))
        #expect(out.holders == .zero && out.dataOwner == .zero)
    }

    @Test func everyPriceIsDividedExactly() throws {
        var generator = Generator(seed: .zero)
        var prices = (0..<200).map { Amount(UInt64($0)) }
        prices += [.maxSupply, (Amount.maxSupply - Amount(1)).proven("large")]
        for _ in 0..<2_000 {
            let wide = UInt128(generator.u64()) << 64 | UInt128(generator.u64())
            prices.append(Amount(wide >> UInt128(16 + generator.below(100))).proven("small"))
        }
        for price in prices {
            let parts = Waterfall.Parts(
                author: points(UInt16(generator.below(5_001))),
                dataOwner: points(UInt16(generator.below(2_501))),
                holders: points(UInt16(generator.below(10_001))))
            guard let out = Waterfall.divide(price, parts, FeeTerms()) else {
                Issue.record("no waterfall for \(price.json.text)")
                continue
            }
            let legs = [
                out.stakers, out.treasury, out.cover, out.burned, out.author, out.dataOwner,
                out.holders, out.operator,
            ]
            let sum = legs.reduce(UInt128(0)) { $0 + $1.units }
            #expect(sum == price.units, "price \(price.json.text)")
        }
    }

    @Test func theBurnKeepsTheRemainderOfTheFee() {
        let split = FeeRouter.split(Amount(9), FeeTerms())
        #expect(split.stakers == Amount(3))
        #expect(split.treasury == Amount(2))
        #expect(split.cover == Amount(1))
        #expect(split.burned == Amount(3))
    }

    @Test func partsThatExceedThePriceAreRefused() {
        let parts = Waterfall.Parts(author: points(5_000), dataOwner: points(5_000))
        #expect(Waterfall.divide(Amount(1_000), parts, FeeTerms()) == nil)
    }
}

@Suite struct DetectionTests {
    @Test func theChanceIsHypergeometricAndRoundedUp() {
        // 16 leaves, 4 audited, 1 faked: 12/16; all audited: 0; nothing audited: certain.
        #expect(Detection.unseenPpm(leaves: 16, audited: 4, fakedPercent: 1) == 750_000)
        #expect(Detection.unseenPpm(leaves: 16, audited: 16, fakedPercent: 1) == 0)
        #expect(Detection.unseenPpm(leaves: 16, audited: 0, fakedPercent: 1) == 1_000_000)
        // 1,024 leaves, 11 faked, 16 audited: product of (1013 - i) / (1024 - i) = 0.841093….
        let chance = Detection.unseenPpm(leaves: 1_024, audited: 16, fakedPercent: 1)
        #expect((840_000...842_500).contains(chance))
        // A huge job: 0.99^64 = 0.525596….
        let large = Detection.unseenPpm(leaves: 1 << 40, audited: 64, fakedPercent: 1)
        #expect((525_590...525_600).contains(large))
        #expect(Detection.unseenPpm(leaves: .max, audited: .max, fakedPercent: .max) == 0)
        #expect(Detection.unseenPpm(leaves: 0, audited: 0, fakedPercent: 1) == 1_000_000)
    }
}
