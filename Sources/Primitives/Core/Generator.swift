internal import CSodium

/// A deterministic stream of random bytes: ChaCha20 (IETF) under a seed, from block 0.
///
/// - Source: RFC 8439; protocol/encoding.md, "Generator".
package struct Generator: Hashable, Sendable {
    private static let batch = 512

    private let key: [UInt8]
    private var buffer: [UInt8] = []
    private var used = 0
    private var block: UInt32 = 0
    private var nonce: UInt64 = 0

    /// The stream of `seed`.
    package init(seed: Digest) { self.key = seed.bytes }

    /// The next eight bytes, little-endian.
    package mutating func u64() -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<8 { value |= UInt64(self.byte()) << UInt64(8 * index) }
        return value
    }

    /// A number in 0..<`bound`, each equally likely; 0 for a bound of 0.
    ///
    /// - Source: rejection of the incomplete last interval.
    package mutating func below(_ bound: UInt64) -> UInt64 {
        guard bound > 1 else { return 0 }
        let limit = UInt64.max - (UInt64.max % bound + 1) % bound
        while true {
            let value = self.u64()
            if value <= limit { return value % bound }
        }
    }

    /// The next `count` bytes.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(max(0, count))
        while out.count < count { out.append(self.byte()) }
        return out
    }

    private mutating func byte() -> UInt8 {
        if self.used == self.buffer.count { self.refill() }
        defer { self.used += 1 }
        return self.buffer[self.used]
    }

    private mutating func refill() {
        var out = [UInt8](repeating: 0, count: Self.batch)
        let zeros = out
        var nonce = [UInt8](repeating: 0, count: 12)
        for index in 0..<8 {
            nonce[4 + index] = UInt8(truncatingIfNeeded: self.nonce >> UInt64(8 * index))
        }
        _ = crypto_stream_chacha20_ietf_xor_ic(
            &out, zeros, UInt64(Self.batch), nonce, self.block, self.key)
        let step = UInt32(Self.batch / 64)
        let (next, overflow) = self.block.addingReportingOverflow(step)
        self.block = next
        if overflow { self.nonce += 1 }
        self.buffer = out
        self.used = 0
    }
}
