package import Primitives

/// The base fee as a function of work above the paid-off rate: on time, not on blocks.
///
/// Before a block: excess −= rate × elapsed, not below 0; price = min × 2^(excess / doubling), at
/// most max. After it: excess += used. Twenty blocks of 50 ms move the price as one of a second
/// does, whatever its size, because the excess is whole units and only the price is rounded.
///
/// - Source: protocol/fees.md; the spirit of EIP-1559 with the integral of EIP-4844.
package struct BaseFee: Record {
    /// Units of weight above what time has paid off.
    package private(set) var excess: UInt64

    /// A fee with this much excess.
    package init(excess: UInt64 = 0) { self.excess = excess }

    /// Time passes: `elapsedMs` of ledger time.
    package mutating func elapse(_ elapsedMs: UInt64, _ parameters: LedgerParameters) {
        let paid = saturating(elapsedMs, times: parameters.feeRate)
        self.excess = self.excess > paid ? self.excess - paid : 0
    }

    /// A block used `units` of weight.
    package mutating func use(_ units: UInt64) {
        self.excess = saturating(self.excess, plus: units)
    }

    /// The price at this excess.
    ///
    /// - Rounding: down; at most 2^-56 of the price and one mote below the exact value.
    /// - Invariant: never falls as the excess grows.
    package func price(_ parameters: LedgerParameters) -> FeePrice {
        precondition(parameters.isValid, "genesis and votes check parameters")
        let doublings = self.excess / parameters.feeDoubling
        let rest = UInt128(self.excess % parameters.feeDoubling) << 32
        let fraction = UInt32(truncatingIfNeeded: rest / UInt128(parameters.feeDoubling))
        let scaled = UInt128(parameters.feePriceMin.motes) * UInt128(Self.exp2(fraction))
        guard doublings < 62 else {
            // min >= 1 would exceed 2^60; min = 0 stays free.
            return parameters.feePriceMin.motes == 0
                ? parameters.feePriceMin : parameters.feePriceMax
        }
        let motes = scaled >> (62 - UInt128(doublings))
        return FeePrice(motes: UInt64(min(motes, UInt128(parameters.feePriceMax.motes))))
    }

    /// 2^(fraction / 2^32) in units of 2^-62: between 2^62 and 2^63.
    ///
    /// The product of one factor per set bit. Truncation loses less than 2^-56 in all, less than
    /// the step of 2^-32.5 between neighbours, so the result grows strictly.
    static func exp2(_ fraction: UInt32) -> UInt64 {
        var value: UInt64 = 1 << 62
        for (index, factor) in Self.roots.enumerated()
        where fraction >> (31 - UInt32(index)) & 1 == 1 {
            value = UInt64(truncatingIfNeeded: (UInt128(value) * UInt128(factor)) >> 62)
        }
        return value
    }

    /// 2^(2^-i) in units of 2^-62, truncated, for i = 1...32.
    private static let roots: [UInt64] = [
        0x5a82_7999_fcef_3242, 0x4c1b_f828_c6dc_54b7, 0x45ca_e0f1_f545_eb73, 0x42d5_61b3_e624_3d8a,
        0x4166_c34c_5615_d0eb, 0x40b2_68f9_de01_83b9, 0x4058_f6a7_eccc_d5b6, 0x402c_6be9_6af2_fb58,
        0x4016_321b_6870_27a8, 0x400b_1817_8ba3_3b14, 0x4005_8bce_4101_47e8, 0x4002_c5d7_bff7_1dae,
        0x4001_62e8_07ee_7e5b, 0x4000_b173_0df6_a524, 0x4000_58b9_497b_8151, 0x4000_2c5c_955d_d701,
        0x4000_162e_46d6_f26b, 0x4000_0b17_2275_7b1b, 0x4000_058b_90fd_3e0c, 0x4000_02c5_c86f_3f26,
        0x4000_0162_e433_c79b, 0x4000_00b1_7218_edcf, 0x4000_0058_b90c_3968, 0x4000_002c_5c86_0d54,
        0x4000_0016_2e43_02d2, 0x4000_000b_1721_8073, 0x4000_0005_8b90_bffc, 0x4000_0002_c5c8_5fee,
        0x4000_0001_62e4_2ff3, 0x4000_0000_b172_17f8, 0x4000_0000_58b9_0bfc, 0x4000_0000_2c5c_85fe,
    ]

    /// No excess.
    package static var blank: BaseFee { BaseFee() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("excess", &self.excess)
    }
}
