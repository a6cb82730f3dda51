/// Which way a division rounds; every division names it.
package enum Rounding: Hashable, Sendable {
    /// Toward zero.
    case down
    /// Away from zero.
    case up
}

/// `a * b / d` with a 256-bit product; nil if `d` is zero or the quotient exceeds 128 bits.
package func mulDiv128(_ a: UInt128, _ b: UInt128, _ d: UInt128, _ rounding: Rounding) -> UInt128? {
    guard d > 0 else { return nil }
    let product = a.multipliedFullWidth(by: b)
    guard product.high < d else { return nil }
    let (quotient, remainder) = d.dividingFullWidth(product)
    guard rounding == .up, remainder > 0 else { return quotient }
    let (up, overflow) = quotient.addingReportingOverflow(1)
    return overflow ? nil : up
}

/// A quantity of one asset in its base units (motes for STAR).
///
/// - Bounds: at most 2^112, the largest supply of any asset.
/// - Invariant: arithmetic never traps and never wraps; it answers nil.
package struct Amount: FieldValue, Comparable {
    /// Nothing.
    package static let zero = Amount(unchecked: 0)
    /// 2^112, the largest supply of any asset.
    package static let maxSupply = Amount(unchecked: 1 << 112)
    /// Motes in one STAR.
    package static let motesPerStar: UInt64 = 1_000_000_000

    /// Base units.
    package let units: UInt128

    /// An amount up to the largest supply; nil above it.
    package init?(_ units: UInt128) {
        guard units <= 1 << 112 else { return nil }
        self.units = units
    }

    /// An amount that certainly fits.
    package init(_ small: UInt64) { self.units = UInt128(small) }

    private init(unchecked units: UInt128) { self.units = units }

    /// The sum, or nil above the largest supply.
    package static func + (left: Amount, right: Amount) -> Amount? {
        Amount(left.units + right.units)  // Both are at most 2^112: no overflow of 128 bits.
    }

    /// The difference, or nil below zero.
    package static func - (left: Amount, right: Amount) -> Amount? {
        left.units >= right.units ? Amount(unchecked: left.units - right.units) : nil
    }

    /// `self * numerator / denominator`; nil for a zero denominator or above the largest supply.
    package func mulDiv(
        _ numerator: UInt128, _ denominator: UInt128, _ rounding: Rounding
    ) -> Amount? {
        mulDiv128(self.units, numerator, denominator, rounding).flatMap { Amount($0) }
    }

    /// The part of the amount that `points` says.
    ///
    /// - Rounding: as named; never more than `self`.
    package func fraction(_ points: BasisPoints, _ rounding: Rounding) -> Amount {
        self.mulDiv(UInt128(points.value), UInt128(BasisPoints.whole), rounding)
            .proven("at most the whole")
    }

    package static func < (left: Amount, right: Amount) -> Bool { left.units < right.units }

    /// Zero.
    package static var blank: Amount { .zero }

    /// Sixteen bytes, little-endian.
    package func encode(into encoder: inout Encoder) { encoder.u128(self.units) }

    /// Sixteen bytes of at most 2^112.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        guard let amount = Amount(try decoder.u128()) else {
            throw .invalid(field: "amount", offset: offset)
        }
        self = amount
    }

    /// A decimal string of base units.
    package var json: JSON { .string(String(self.units)) }

    /// A decimal string of base units, at most 2^112.
    package init(json: JSON, at path: String) throws(FieldError) {
        let units: UInt128 = try decimal(json, at: path)
        guard let amount = Amount(units) else {
            throw FieldError(path: path, expected: "at most 2^112 base units", found: json.text)
        }
        self = amount
    }

    /// A decimal string.
    package static var schema: JSON { UInt128.schema }
}

/// Hundredths of a percent: 10,000 is the whole.
package struct BasisPoints: FieldValue, Comparable {
    /// The value that means everything.
    package static let whole: UInt16 = 10_000

    /// 0...10,000.
    package let value: UInt16

    /// A part of a whole; nil above 10,000.
    package init?(_ value: UInt16) {
        guard value <= Self.whole else { return nil }
        self.value = value
    }

    private init(unchecked value: UInt16) { self.value = value }

    package static func < (left: BasisPoints, right: BasisPoints) -> Bool {
        left.value < right.value
    }

    /// Nothing.
    package static var blank: BasisPoints { BasisPoints(unchecked: 0) }

    /// Two bytes.
    package func encode(into encoder: inout Encoder) { encoder.u16(self.value) }

    /// Two bytes of at most 10,000.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        guard let points = BasisPoints(try decoder.u16()) else {
            throw .invalid(field: "basisPoints", offset: offset)
        }
        self = points
    }

    /// A number.
    package var json: JSON { .number(Int64(self.value)) }

    /// A number of at most 10,000.
    package init(json: JSON, at path: String) throws(FieldError) {
        guard let points = BasisPoints(try UInt16(json: json, at: path)) else {
            throw FieldError(path: path, expected: "0...10000 basis points", found: json.text)
        }
        self = points
    }

    /// An integer of at most 10,000.
    package static var schema: JSON {
        .object(
            ("type", .string("integer")), ("minimum", .number(0)), ("maximum", .number(10_000)))
    }
}
