import Gossip

/// Keeps votes and blocks back for up to a second and a half: now and then beyond a view's time.
enum Laggard {
    static func lie(
        _ traffic: TrafficClass, _ bytes: [UInt8], _ chance: inout Chance
    ) -> Lie {
        guard traffic == .votes || traffic == .blocks, chance.index(3) == 0 else {
            return Lie(messages: [bytes])
        }
        return Lie(messages: [bytes], extraNs: chance.between(0, 1_500_000_000))
    }
}
