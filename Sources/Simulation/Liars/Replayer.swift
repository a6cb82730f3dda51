import Gossip

/// Says one of its last votes or blocks again with every fourth message.
///
/// - Bounds: `saidMax` messages remembered.
enum Replayer {
    static let saidMax = 64

    static func lie(
        _ traffic: TrafficClass, _ bytes: [UInt8], _ said: inout [[UInt8]],
        _ chance: inout Chance
    ) -> Lie {
        guard traffic == .votes || traffic == .blocks else { return Lie(messages: [bytes]) }
        var messages = [bytes]
        if !said.isEmpty, chance.index(4) == 0 {
            messages.append(said[chance.index(said.count)])
        }
        if said.count >= Self.saidMax { said.removeFirst() }
        said.append(bytes)
        return Lie(messages: messages)
    }
}
