/// Why a session ended on this side.
///
/// - Source: protocol/session.md, "Faults".
package enum SessionFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// A key that is no key: it does not convert to X25519, or an agreement was refused.
    case keyRefused
    /// A handshake message of another length than the protocol's.
    case handshakeLength(Int)
    /// A handshake message that this node cannot open: another key, chain or version, or a forgery.
    case handshakeForged
    /// Bytes after a handshake message that had to be the last.
    case earlyBytes
    /// The payload of a handshake message is no identity, or its key is not the handshake's.
    case identityMalformed
    /// The peer's signature over the handshake does not hold.
    case identityForged
    /// The peer is not the one that was dialled.
    case wrongPeer
    /// The peer answered with another purpose than asked for, or an unknown one.
    case wrongPurpose
    /// The peer has this node's own key.
    case isSelf
    case handshakeTimeout
    /// A frame whose length is out of bounds.
    case frameLength(Int)
    /// A frame that does not open.
    case frameForged
    /// A frame whose inside breaks the format.
    case frameMalformed
    /// A class that this connection's purpose does not have.
    case classForbidden(TrafficClass)
    /// A message above its class's bound.
    case messageTooLong(TrafficClass)
    /// The peer sent more than it was granted.
    case creditExceeded(TrafficClass)
    /// Too much waits for this peer.
    case queueFull(TrafficClass)
    /// Nothing valid came for too long.
    case silent
    /// The peer took nothing for too long.
    case stalled
    /// A counter ended.
    case exhausted
    /// The machine was given an answer that it did not ask for: a bug of ours.
    case outOfOrder

    /// For the log.
    package var description: String {
        switch self {
        case .keyRefused: "a key was refused"
        case .handshakeLength(let count): "a handshake message of \(count) bytes"
        case .handshakeForged: "a handshake message that does not open"
        case .earlyBytes: "bytes before the handshake allows them"
        case .identityMalformed: "a malformed identity"
        case .identityForged: "a forged identity"
        case .wrongPeer: "another peer than was dialled"
        case .wrongPurpose: "another purpose than was asked for"
        case .isSelf: "a connection to itself"
        case .handshakeTimeout: "the handshake took too long"
        case .frameLength(let count): "a frame of \(count) bytes"
        case .frameForged: "a frame that does not open"
        case .frameMalformed: "a malformed frame"
        case .classForbidden(let traffic): "\(traffic) on a connection that has none"
        case .messageTooLong(let traffic): "a message of \(traffic) above its bound"
        case .creditExceeded(let traffic): "more \(traffic) than was granted"
        case .queueFull(let traffic): "too much queued, first of \(traffic)"
        case .silent: "silence"
        case .stalled: "the peer reads nothing"
        case .exhausted: "a counter ended"
        case .outOfOrder: "an answer that nobody asked for"
        }
    }
}
