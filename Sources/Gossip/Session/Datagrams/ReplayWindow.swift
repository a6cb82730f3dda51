/// Which counters of one peer were seen: the newest and the ones shortly before it.
///
/// - Bounds: `size` bits.
/// - Source: protocol/session.md, "Data"; RFC 6479.
struct ReplayWindow: Hashable, Sendable {
    /// How far behind the newest counter a datagram may come.
    static let size: UInt64 = 2_048

    /// One above the newest counter.
    private var next: UInt64 = 0
    private var words = [UInt64](repeating: 0, count: Int(size / 64))

    // SPEC session: "A counter that was seen, or that is 2,048 or more below the newest, MUST be
    // refused."
    func accepts(_ counter: UInt64) -> Bool {
        if counter >= self.next { return counter < .max }
        guard self.next - counter <= Self.size else { return false }
        return self.words[Self.word(counter)] & Self.bit(counter) == 0
    }

    /// Notes a counter that was accepted and whose datagram opened.
    mutating func insert(_ counter: UInt64) {
        guard self.accepts(counter) else { return }
        if counter >= self.next {
            if counter - self.next >= Self.size {
                self.words = [UInt64](repeating: 0, count: self.words.count)
            } else {
                for old in self.next...counter { self.words[Self.word(old)] &= ~Self.bit(old) }
            }
            self.next = counter + 1  // Below the largest, or it had not been accepted.
        }
        self.words[Self.word(counter)] |= Self.bit(counter)
    }

    private static func word(_ counter: UInt64) -> Int {
        Int(truncatingIfNeeded: counter % Self.size / 64)
    }

    private static func bit(_ counter: UInt64) -> UInt64 { 1 << (counter % 64) }
}
