import Primitives

/// One machine's oscillator: it runs fast or slow, and its wall time is off by a constant.
///
/// - Bounds: `ppm` within ±500, the offset within half of what headers may lie ahead.
struct Drift: Hashable, Sendable {
    /// Milliseconds since 1970 when the world begins.
    static let beginMs: UInt64 = 1_700_000_000_000

    /// Parts per million by which it runs fast; negative: slow.
    let ppm: Int64
    /// Milliseconds by which its wall time is ahead; negative: behind.
    let offsetMs: Int64
    /// Where its monotonic time begins, so that no reading of one machine fits another.
    let bootNs: UInt64

    /// The machine's monotonic time at a moment of the world.
    func instant(at worldNs: UInt64) -> Instant {
        Instant(ns: self.bootNs + self.elapsed(worldNs))
    }

    /// The machine's wall time at a moment of the world.
    func wallMs(at worldNs: UInt64) -> UInt64 {
        let shown = Int64(clamping: Self.beginMs + self.elapsed(worldNs) / 1_000_000)
        return UInt64(clamping: shown + self.offsetMs)
    }

    /// The first moment of the world at which the machine's monotonic time is `instant`.
    func worldNs(of instant: Instant) -> UInt64 {
        guard instant.ns > self.bootNs else { return 0 }
        let rate = UInt128(clamping: 1_000_000 + self.ppm)
        let scaled = UInt128(instant.ns - self.bootNs) * 1_000_000
        return UInt64(clamping: (scaled + rate - 1) / rate)
    }

    private func elapsed(_ worldNs: UInt64) -> UInt64 {
        let rate = UInt128(clamping: 1_000_000 + self.ppm)
        return UInt64(clamping: UInt128(worldNs) * rate / 1_000_000)
    }
}
