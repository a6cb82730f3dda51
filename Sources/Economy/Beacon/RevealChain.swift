package import Primitives

/// A validator's hash chain: revealed backwards from the anchor, one pre-image per own block.
///
/// anchor = r_0; r_i = H(.reveal, none | r_{i+1}); the last is derived from a secret. Reveals are
/// found from checkpoints every `stride`, so that a long chain costs little memory.
///
/// - Source: protocol/consensus.md, "Beacon".
package struct RevealChain: Hashable, Sendable {
    private static let stride = 256

    /// Goes into the genesis: commits to the whole chain.
    package let anchor: Digest
    /// Reveals in the chain.
    package let count: UInt64
    // checkpoints[j] = r_{j * stride}, the last one r_count.
    private let checkpoints: [Digest]

    /// The chain of `count` reveals (rounded up to a multiple of 256) that ends in `secret`.
    package init(secret: Digest, count: Int) {
        let blocks = max(1, (count + Self.stride - 1) / Self.stride)
        var value = secret
        var checkpoints = [value]
        for _ in 0..<blocks {
            for _ in 0..<Self.stride { value = RevealChain.step(value) }
            checkpoints.append(value)
        }
        self.anchor = value
        self.count = UInt64(blocks * Self.stride)
        self.checkpoints = checkpoints.reversed()
    }

    /// One step towards the anchor.
    package static func step(_ reveal: Digest) -> Digest {
        Blake2b.hash(.reveal, .none, reveal.bytes)
    }

    /// The reveal number `index`, from 1; nil past the end.
    package func reveal(_ index: UInt64) -> Digest? {
        guard index >= 1, index <= self.count else { return nil }
        let stride = UInt64(Self.stride)
        let block = (index + stride - 1) / stride
        var value = self.checkpoints[Int(clamping: block)]
        for _ in 0..<(block * stride - index) { value = Self.step(value) }
        return value
    }
}
