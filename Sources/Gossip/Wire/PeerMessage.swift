package import Primitives

/// What nodes say to each other on their main connection. Blob messages have their own type.
///
/// Bytes: tag u8 | the fields. Tags and bounds are in protocol/messages.csv.
///
/// - Source: protocol/gossip.md, "Messages".
package enum PeerMessage: Hashable, Sendable {
    // Control.
    /// First in both directions; a later one replaces what the former said.
    case hello(Hello)
    /// The newest height that the sender can serve; sent when it changed, at most every 250 ms.
    case status(height: UInt64)
    /// Nodes that the sender knows how to reach.
    case peers([PeerAddress])
    // Votes.
    /// A consensus message: opaque here.
    case consensus([UInt8])
    // Blocks.
    /// Canonical header and body.
    case block([UInt8])
    case wantBlock(BlockID)
    case noBlock(BlockID)
    // Transactions.
    case transaction([UInt8])
    /// The first eight bytes of ids of transactions that the sender has.
    case haveTransactions([UInt64])
    case wantTransactions([UInt64])
    // Offers.
    /// Provider, auditor and requester to each other: opaque here.
    case direct(to: AccountID, [UInt8])
    // Sync.
    /// Final blocks from this height on.
    case wantRange(from: UInt64, count: UInt16)
    case range(from: UInt64, [SyncedBlock])
}

extension PeerMessage {
    /// The version of everything in protocol/gossip.md.
    package static let version: UInt16 = 1
    /// Addresses in one message.
    package static let peersMax = 256
    /// Transaction ids in one message.
    package static let idsMax = 1_024
    /// Blocks in a range, and asked for in one.
    package static let blocksMax = 64
    /// Bytes of all blocks of a range that has several.
    package static let rangeBytesMax = 2 << 20
    /// Bytes of all certificates of a range.
    package static let certificatesBytesMax = 1 << 20
    /// Bytes of a block: header and body.
    package static let blockBytesMax = (2 << 20) + 4_096
    /// Bytes of a certificate or another consensus message.
    package static let consensusBytesMax = 60 << 10
    /// Bytes of a transaction.
    package static let transactionBytesMax = (512 << 10) + 4_096
    /// Bytes of what providers, auditors and requesters say to each other at once.
    package static let directBytesMax = 256 << 10
    /// Bytes of the largest message: a range.
    package static let bytesMax = 4 << 20

    /// The priority that the message travels with; in another one it is refused.
    package var traffic: TrafficClass {
        switch self {
        case .hello, .status, .peers: .control
        case .consensus: .votes
        case .block, .wantBlock, .noBlock: .blocks
        case .transaction, .haveTransactions, .wantTransactions: .transactions
        case .direct: .offers
        case .wantRange, .range: .sync
        }
    }

    /// For people.
    package var name: String {
        switch self {
        case .hello: "hello"
        case .status: "status"
        case .peers: "peers"
        case .consensus: "consensus"
        case .block: "block"
        case .wantBlock: "wantBlock"
        case .noBlock: "noBlock"
        case .transaction: "transaction"
        case .haveTransactions: "haveTransactions"
        case .wantTransactions: "wantTransactions"
        case .direct: "direct"
        case .wantRange: "wantRange"
        case .range: "range"
        }
    }
}

/// The first message of each side.
package struct Hello: Hashable, Sendable {
    /// Claims in one hello.
    package static let claimsMax = 64

    package var version: UInt16
    package var genesis: GenesisID
    package var height: UInt64
    /// Where the sender accepts connections, if it does.
    package var address: PeerAddress?
    package var claims: [AccountClaim]

    package init(
        version: UInt16, genesis: GenesisID, height: UInt64, address: PeerAddress?,
        claims: [AccountClaim]
    ) {
        self.version = version
        self.genesis = genesis
        self.height = height
        self.address = address
        self.claims = claims
    }
}

/// A final block on its way to somebody who missed it.
package struct SyncedBlock: Hashable, Sendable {
    /// Canonical header and body.
    package var block: [UInt8]
    /// What finalized it; empty where a later block's certificate does.
    package var certificate: [UInt8]

    package init(block: [UInt8], certificate: [UInt8]) {
        self.block = block
        self.certificate = certificate
    }
}
