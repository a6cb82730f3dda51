import Primitives

/// Random draws of the world, each purpose with a stream of its own: a draw more of one purpose
/// moves none of another.
struct Chance: Sendable {
    /// What a stream is drawn for.
    enum Purpose: UInt8 {
        case plan = 1
        case network = 2
        case disk = 3
        case load = 4
        case work = 5
        case node = 6
        case key = 7
        case fault = 8
        case events = 9
        case signature = 10
    }

    private var generator: Generator

    /// The stream of a purpose in the world of `seed`.
    init(_ seed: UInt64, _ purpose: Purpose, index: Int = 0) {
        self.generator = Generator(seed: Self.digest(seed, purpose, index: index))
    }

    /// 32 bytes that follow from seed, purpose and index.
    static func digest(_ seed: UInt64, _ purpose: Purpose, index: Int = 0) -> Digest {
        var hash = Blake2b(.generator, .none)
        hash.update(Array("simulation".utf8))
        hash.update(u64: seed)
        hash.update(u8: purpose.rawValue)
        hash.update(u64: UInt64(clamping: index))
        return hash.finish()
    }

    /// A number in `low...high`, each equally likely.
    mutating func between(_ low: UInt64, _ high: UInt64) -> UInt64 {
        low >= high ? low : low + self.generator.below(high - low + 1)
    }

    /// A number in 0..<`bound`.
    mutating func index(_ bound: Int) -> Int {
        Int(clamping: self.generator.below(UInt64(clamping: bound)))
    }

    /// True in `ppm` of a million draws.
    mutating func happens(_ ppm: UInt64) -> Bool {
        ppm > 0 && self.generator.below(1_000_000) < ppm
    }

    /// A wait whose mean is about `mean`: uniform over 0...2·mean.
    mutating func wait(mean: UInt64) -> UInt64 { self.between(0, 2 * mean) }

    /// The next `count` bytes.
    mutating func bytes(_ count: Int) -> [UInt8] { self.generator.bytes(count) }
}
