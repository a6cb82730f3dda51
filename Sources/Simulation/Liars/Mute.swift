import Gossip

/// Takes part in everything and never votes: no proposal, vote or certificate leaves it.
enum Mute {
    static func lie(_ traffic: TrafficClass, _ bytes: [UInt8]) -> Lie {
        Lie(messages: traffic == .votes ? [] : [bytes])
    }
}
