package import Primitives

/// One direction of sealed frames: a key, a counter, and a new key every so many frames.
///
/// - Invariant: no two frames are sealed under one key and counter.
/// - Source: protocol/session.md, "Frames"; the Noise protocol framework, revision 34, section 4.2.
package struct SealedStream: Sendable {
    /// Frames under one key.
    package static let rekeyFrames: UInt64 = 1 << 20

    private var key: SecretBytes
    private var counter: UInt64

    /// A direction at its start, or (for tests) further on.
    package init(key: SecretBytes, counter: UInt64 = 0) {
        self.key = key
        self.counter = counter
    }

    /// True when no counter is left; the last one is the rekeying's own.
    package var isExhausted: Bool { self.counter == .max }

    /// `prefix` and `plain` sealed as the next frame; nil when no counter is left.
    package mutating func seal(_ plain: [UInt8], prefix: [UInt8] = []) -> [UInt8]? {
        guard !self.isExhausted else { return nil }
        let sealed = Sealing.seal(plain, key: self.key, counter: self.counter, prefix: prefix)
        self.advance()
        return sealed
    }

    /// The next frame's plain bytes; nil for a forgery, or when no counter is left.
    package mutating func open(_ sealed: ArraySlice<UInt8>) -> [UInt8]? {
        guard !self.isExhausted else { return nil }
        guard let plain = Sealing.open(sealed, key: self.key, counter: self.counter) else {
            return nil
        }
        self.advance()
        return plain
    }

    // SPEC session: "Before the frames 2^20, 2 * 2^20 and so on both sides MUST replace the key k
    // by the first 32 bytes of SEAL(k, 2^64 - 1, 32 zero bytes)."
    private mutating func advance() {
        self.counter += 1  // Not exhausted, so below the largest.
        guard self.counter.isMultiple(of: Self.rekeyFrames) else { return }
        var next = Sealing.seal(
            [UInt8](repeating: 0, count: Sealing.keyCount), key: self.key, counter: .max)
        self.key = SecretBytes(Array(next.prefix(Sealing.keyCount)))
        SecretBytes.wipe(&next)
    }
}
