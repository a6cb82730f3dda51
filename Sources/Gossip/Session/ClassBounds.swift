import Primitives

/// The bounds of each class, which both sides know.
///
/// - Source: protocol/session.md, "Classes".
extension TrafficClass {
    private static let small = 64 * 1024
    private static let body = 2 * 1024 * 1024
    private static let transaction = 512 * 1024
    private static let offer = 1024 * 1024
    private static let range = 4 * 1024 * 1024
    /// Headers, signatures and lengths around a body or a transaction.
    private static let slack = 64 * 1024
    private static let queueBytes = 256 * 1024
    private static let blobQueueBytes = 2 * 1024 * 1024
    /// Messages of one class that wait for one peer.
    static let queueMessages = 64
    /// Classes of a connection, so that each has its place in an array.
    static let count = 7

    /// Bytes of the longest message.
    package var messageMax: Int {
        switch self {
        case .control, .votes, .blobs: Self.small
        case .blocks: Self.body + Self.slack
        case .transactions: Self.transaction + Self.slack
        case .offers: Self.offer
        case .sync: Self.range
        }
    }

    /// Bytes that a sender may be ahead of the receiver's grants.
    var window: UInt64 {
        switch self {
        case .control, .votes: 256 * 1024
        case .blocks: 4 * 1024 * 1024
        case .transactions: 1024 * 1024
        case .offers: 2 * 1024 * 1024
        case .sync: 8 * 1024 * 1024
        case .blobs: 1024 * 1024
        }
    }

    /// Bytes that may wait for one peer, if more than one message waits.
    ///
    /// Large messages are the business of blocks and sync: two of the longest may wait.
    var queueMax: Int {
        switch self {
        case .control, .votes, .transactions, .offers: Self.queueBytes
        case .blobs: Self.blobQueueBytes
        case .blocks, .sync: 2 * self.messageMax
        }
    }

    /// True for classes whose messages may be lost: somebody asks again, or another peer has them.
    var isDroppable: Bool {
        switch self {
        case .control, .votes, .blocks: false
        case .transactions, .offers, .sync, .blobs: true
        }
    }

    /// Whether a connection of this purpose has the class.
    func isAllowed(on purpose: Purpose) -> Bool {
        switch purpose {
        case .main: true
        case .blobs: self == .blobs || self == .control
        }
    }

    /// Its place in an array of all classes.
    var place: Int { Int(self.rawValue) }
}
