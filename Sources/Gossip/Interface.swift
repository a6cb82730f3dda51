package import Primitives

// What goes into Gossip and what comes out. The node owns one `Gossip`; Transport (or the simulated
// world) performs what concerns connections, the store what concerns blobs, and `Node` the rest.

/// One connection: chosen by Gossip for those it dials (even), by the driver for those it accepts
/// (odd). Never used twice in one run.
package typealias ConnectionID = UInt64

extension Gossip {
    package enum Input: Sendable {
        /// Once, first.
        case start
        /// A handshake succeeded: the peer proved its key.
        case connected(ConnectionID, peer: PublicKey, purpose: Purpose, isOutbound: Bool)
        /// A connection ended, or a dial failed; nothing more comes from it.
        case closed(ConnectionID, reason: String)
        /// One whole message.
        case received(ConnectionID, TrafficClass, [UInt8])
        /// The payload of one opened datagram.
        case datagram([UInt8], from: PublicKey)
        case expired(Timer)

        /// The newest height that this node can serve.
        case head(height: UInt64)
        /// Accounts that this node acts for, each signed by its key.
        case claims([AccountClaim])
        /// Say it to one peer; dropped if it is not connected.
        case send(PeerMessage, to: PublicKey)
        /// Say it to every connected peer.
        case broadcast(PeerMessage)
        /// A transaction entered the pool. Pushed to all peers if `isOwn`, else only announced to
        /// newcomers.
        case transaction([UInt8], id: TransactionID, isOwn: Bool)
        /// A standing offer of this node, or none: hints for peers, by datagram.
        case offer(OfferAdvert?)
        /// What a peer said is wrong in a way that its key answers for: it is hung up on and
        /// banned.
        case accuse(PublicKey, String)
        /// Bring the blob here. Answered by `fetched` or `fetchFailed`, once.
        case fetch(BlobID, bytesMax: UInt64, token: UInt64)
        /// Ask for blocks above this height of whoever has them, if anybody does.
        case catchUp(above: UInt64)

        /// Answers `describeBlob`: bytes and digests of all groups of 16 KiB; nil if not here.
        case blobDescribed(BlobID, BlobDescription?, token: UInt64)
        /// Answers `readBlob`; nil if it cannot be read.
        case blobRead(BlobID, group: UInt64, [UInt8]?, token: UInt64)
        /// Answers `openBlob`: groups that are here already, after a crash too. If all are, the
        /// last one is fetched again, because its `writeBlob` finishes the blob.
        case blobOpened(BlobID, present: [Bool])
        /// Answers `writeBlob` for the last group: it is durable and has its name; false if not.
        case blobDone(BlobID, Bool)
    }

    package enum Effect: Hashable, Sendable {
        // For the transport.
        case dial(PeerAddress, ConnectionID, Purpose)
        case close(ConnectionID, reason: String)
        case send(ConnectionID, TrafficClass, [UInt8])
        /// At most `Datagrams.payloadMax` bytes.
        case datagram([UInt8], to: PeerAddress)

        // For the store.
        case describeBlob(BlobID, token: UInt64)
        case readBlob(BlobID, group: UInt64, token: UInt64)
        case openBlob(BlobID, BlobDescription)
        /// The fetch was given up: the download is kept until its room is needed.
        case closeBlob(BlobID)
        /// A verified group, in any order. The driver answers the last one with `blobDone`. An
        /// empty blob has no group: its one write is of no bytes, as group 0.
        case writeBlob(BlobID, group: UInt64, [UInt8], isLast: Bool)

        // For the node.
        /// A peer said this. Everything in it is hostile; the peer's key is proven.
        case deliver(PeerMessage, from: PublicKey)
        /// The peer's main connection stands, and its hello was right.
        case up(PublicKey)
        case down(PublicKey)
        case fetched(BlobID, bytes: UInt64, token: UInt64)
        case fetchFailed(BlobID, reason: String, token: UInt64)
        case schedule(Timer, at: Instant)
        case report(GossipReport)
    }
}

/// What a connection is for: blobs never delay a vote.
package enum Purpose: UInt8, CodeEnum {
    case main = 0
    case blobs = 1
}

/// Strict priorities within one connection, the highest first.
package enum TrafficClass: UInt8, CodeEnum, Comparable {
    case control = 0
    case votes = 1
    case blocks = 2
    case transactions = 3
    /// Offers and what providers, auditors and requesters say to each other.
    case offers = 4
    case sync = 5
    case blobs = 6

    package static func < (left: TrafficClass, right: TrafficClass) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Size of a blob and the digest of each group of 16 KiB; the digests lead to the id.
package struct BlobDescription: Hashable, Sendable {
    package var bytes: UInt64
    package var groups: [Digest]

    package init(bytes: UInt64, groups: [Digest]) {
        self.bytes = bytes
        self.groups = groups
    }
}

/// Something for the log or for `starling peers`.
package enum GossipReport: Hashable, Sendable {
    case up(PublicKey, isOutbound: Bool)
    case down(PublicKey, reason: String)
    /// An authenticated peer broke a rule; the connection is closed.
    case violation(PublicKey, String)
    case dialFailed(PeerAddress, reason: String)
    case offerSeen(OfferAdvert, from: PublicKey)
    case offerGone(PublicKey)
    /// A message of this node's own breaks the bounds of its kind; it was not sent.
    case unsendable(String)
}
