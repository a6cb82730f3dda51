import Primitives
import Provider

/// Computes only a part of the leaves; the slices of the others are garbage.
enum Lazy {
    /// `percent` of the leaves, rounded up: at least one.
    static func count(_ percent: UInt64, of leaves: UInt64) -> UInt64 {
        min(leaves, max(1, (leaves * min(percent, 100) + 99) / 100))
    }

    static func performs(
        _ effect: Provider.Effect, _ percent: UInt64, _ host: Host, _ world: World
    ) -> Bool {
        guard case .execute(let job, let package, let order) = effect else { return false }
        let faked = Self.draw(
            Self.count(percent, of: world.plan.leaves), of: world.plan.leaves, &world.workChance)
        world.execute(job, package, order, host, faked: faked)
        return true
    }

    /// Leaves without repetition, each equally likely.
    static func draw(_ count: UInt64, of leaves: UInt64, _ chance: inout Chance) -> [UInt64] {
        var all = Array(0..<leaves)
        var drawn: [UInt64] = []
        for _ in 0..<min(count, leaves) { drawn.append(all.remove(at: chance.index(all.count))) }
        return drawn
    }
}
