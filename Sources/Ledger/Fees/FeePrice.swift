package import Primitives

/// What weight costs: motes for a million units (a second of one core). In a header it is the base
/// fee.
package struct FeePrice: FieldValue, Comparable {
    /// Units of weight that the price is for.
    package static let per: UInt64 = 1_000_000

    /// Motes per million units.
    package let motes: UInt64

    /// A price.
    package init(motes: UInt64) { self.motes = motes }

    /// The fee for `units` of weight.
    ///
    /// - Rounding: up; the remainder is burned.
    package func fee(_ units: UInt64) -> Amount {
        let motes = mulDiv128(UInt128(units), UInt128(self.motes), UInt128(Self.per), .up)
        // 2^128 / 10^6 exceeds the largest amount; such a fee is refused as above any maxFee.
        return motes.flatMap { Amount($0) } ?? .maxSupply
    }

    package static func < (left: FeePrice, right: FeePrice) -> Bool { left.motes < right.motes }

    /// Free.
    package static var blank: FeePrice { FeePrice(motes: 0) }
    /// Eight bytes.
    package func encode(into encoder: inout Encoder) { encoder.u64(self.motes) }
    /// Eight bytes.
    package init(from decoder: inout Decoder) throws(DecodeError) { self.motes = try decoder.u64() }
    /// A decimal string.
    package var json: JSON { self.motes.json }
    /// A decimal string.
    package init(json: JSON, at path: String) throws(FieldError) {
        self.motes = try UInt64(json: json, at: path)
    }
    /// A decimal string.
    package static var schema: JSON { UInt64.schema }
}

/// The ledger's parameters, fixed by genesis or changed by vote.
package struct LedgerParameters: Record {
    /// Units of weight that a millisecond of ledger time pays off without raising the price.
    package var feeRate: UInt64
    /// The excess, in units, that doubles the price; at least 1.
    package var feeDoubling: UInt64
    /// The price without excess.
    package var feePriceMin: FeePrice
    /// The highest price, at most 2^60 motes.
    package var feePriceMax: FeePrice
    /// The deposit on a new row, in motes; 0 for none.
    package var entryDeposit: UInt64

    /// Parameters; ``check`` says whether a chain may run with them.
    package init(
        feeRate: UInt64, feeDoubling: UInt64, feePriceMin: FeePrice, feePriceMax: FeePrice,
        entryDeposit: UInt64
    ) {
        self.feeRate = feeRate
        self.feeDoubling = feeDoubling
        self.feePriceMin = feePriceMin
        self.feePriceMax = feePriceMax
        self.entryDeposit = entryDeposit
    }

    /// Half a core paid off, doubling after 60 s of twice that, 1 mote a unit, 0.0001 STAR a row.
    package static let standard = LedgerParameters(
        feeRate: 500, feeDoubling: 30_000_000, feePriceMin: FeePrice(motes: 1_000_000),
        feePriceMax: FeePrice(motes: 1 << 60), entryDeposit: 100_000)

    /// True for parameters that no computation refuses.
    package var isValid: Bool {
        self.feeDoubling >= 1 && self.feePriceMin <= self.feePriceMax
            && self.feePriceMax.motes <= 1 << 60
    }

    /// Free of charge.
    package static var blank: LedgerParameters {
        LedgerParameters(
            feeRate: 0, feeDoubling: 1, feePriceMin: .blank, feePriceMax: .blank, entryDeposit: 0)
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("feeRate", &self.feeRate)
        try visitor.field("feeDoubling", &self.feeDoubling)
        try visitor.field("feePriceMin", &self.feePriceMin)
        try visitor.field("feePriceMax", &self.feePriceMax)
        try visitor.field("entryDeposit", &self.entryDeposit)
    }
}
