import Foundation
import Primitives

/// The machine's clocks, read at the edge and given to cores as data.
enum Clock {
    /// Monotonic, for timers.
    static var now: Instant { Instant(ns: DispatchTime.now().uptimeNanoseconds) }

    /// Milliseconds since 1970, for block headers.
    static var wallMs: UInt64 {
        UInt64(max(0, Date().timeIntervalSince1970 * 1000))
    }

    /// The date at which `instant` will be.
    static func date(of instant: Instant) -> Date {
        let now = self.now
        guard instant > now else { return Date() }
        let seconds = Double(min(instant.ns - now.ns, 3_600_000_000_000)) / 1e9
        return Date(timeIntervalSinceNow: seconds)
    }
}

/// Random bytes of the operating system.
enum SystemRandom {
    static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    static func digest() -> Digest { Digest(self.bytes(Digest.count)).proven("32 bytes") }
}
