/// Ledger time in milliseconds since the Unix epoch, as agreed by the chain: every deadline is in
/// it.
///
/// - Source: protocol/ledger.md, "Time".
package struct LedgerTime: FieldValue, Comparable {
    /// The beginning.
    package static let zero = LedgerTime(ms: 0)

    /// Milliseconds.
    package let ms: UInt64

    /// A point of ledger time.
    package init(ms: UInt64) { self.ms = ms }

    /// Later by `ms`; nil beyond 64 bits.
    package func adding(ms: UInt64) -> LedgerTime? {
        let (sum, overflow) = self.ms.addingReportingOverflow(ms)
        return overflow ? nil : LedgerTime(ms: sum)
    }

    package static func < (left: LedgerTime, right: LedgerTime) -> Bool { left.ms < right.ms }

    /// The beginning.
    package static var blank: LedgerTime { .zero }
    /// Eight bytes.
    package func encode(into encoder: inout Encoder) { encoder.u64(self.ms) }
    /// Eight bytes.
    package init(from decoder: inout Decoder) throws(DecodeError) { self.ms = try decoder.u64() }
    /// A decimal string of milliseconds.
    package var json: JSON { self.ms.json }
    /// A decimal string of milliseconds.
    package init(json: JSON, at path: String) throws(FieldError) {
        self.ms = try UInt64(json: json, at: path)
    }
    /// A decimal string.
    package static var schema: JSON { UInt64.schema }
}

/// A reading of one node's monotonic clock, given to cores as data.
package struct Instant: Hashable, Comparable, Sendable {
    /// The start of the clock.
    package static let zero = Instant(ns: 0)

    /// Nanoseconds since some start.
    package let ns: UInt64

    /// A reading.
    package init(ns: UInt64) { self.ns = ns }

    /// Later by `ns`, or the end of time.
    package func adding(ns: UInt64) -> Instant {
        let (sum, overflow) = self.ns.addingReportingOverflow(ns)
        return Instant(ns: overflow ? .max : sum)
    }

    /// Later by `ms`, or the end of time.
    package func adding(ms: UInt64) -> Instant {
        let (ns, overflow) = ms.multipliedReportingOverflow(by: 1_000_000)
        return self.adding(ns: overflow ? .max : ns)
    }

    package static func < (left: Instant, right: Instant) -> Bool { left.ns < right.ns }
}
