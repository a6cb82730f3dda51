import Gossip

/// A machine that does not keep to the rules: its node is right, what leaves it is not.
///
/// One file for each kind says what it does to a message. A validator that says two different
/// things is none of these: it is two machines with one key (`Plan.keys`).
package enum Liar: UInt8, CaseIterable, Sendable {
    /// Takes part in everything and never votes.
    case mute
    /// Flips bytes in what it says.
    case garbler
    /// Says old things again.
    case replayer
    /// Keeps what it says back, for a while that it chooses.
    case laggard
    /// Proposes blocks that do not execute as they say.
    case forger
}

/// What becomes of one message of a liar.
struct Lie {
    /// Sent in its place, in order; none if it is swallowed.
    var messages: [[UInt8]]
    /// Longer on the way than the network alone would make it.
    var extraNs: UInt64 = 0
}

/// A liar's memory.
struct LiarState {
    let kind: Liar
    /// What a replayer heard itself say.
    var said: [[UInt8]] = []

    init(_ kind: Liar) { self.kind = kind }

    mutating func lie(
        _ traffic: TrafficClass, _ bytes: [UInt8], _ chance: inout Chance
    ) -> Lie {
        switch self.kind {
        case .mute: Mute.lie(traffic, bytes)
        case .garbler: Garbler.lie(bytes, &chance)
        case .replayer: Replayer.lie(traffic, bytes, &self.said, &chance)
        case .laggard: Laggard.lie(traffic, bytes, &chance)
        case .forger: Lie(messages: [bytes])
        }
    }
}
