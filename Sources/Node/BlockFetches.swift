import Primitives

/// Blocks that consensus wants and this node lacks: asked of one peer after the other.
///
/// - Bounds: `wantedMax` blocks; further ones wait until somebody asks for them again.
struct BlockFetches: Sendable {
    static let wantedMax = 64
    /// One peer has so long to answer.
    static let againMs: UInt64 = 200
    /// After so many parents in a row a range is the better question.
    static let depthMax = 8

    struct Wanted: Sendable {
        let id: BlockID
        /// Parents fetched on the way here.
        let depth: Int
        var tries = 0
        /// Who was asked last.
        var peer: PublicKey?
    }

    private(set) var wanted: [Wanted] = []
    var isArmed = false

    /// True if anything is asked for.
    var isEmpty: Bool { self.wanted.isEmpty }

    func contains(_ id: BlockID) -> Bool { self.wanted.contains { $0.id == id } }

    /// Wants one more; false if it is wanted already or too many are.
    mutating func add(_ id: BlockID, depth: Int) -> Bool {
        guard !self.contains(id), self.wanted.count < Self.wantedMax else { return false }
        self.wanted.append(Wanted(id: id, depth: depth))
        return true
    }

    /// The block is here, or not needed any more.
    mutating func remove(_ id: BlockID) -> Wanted? {
        guard let index = self.wanted.firstIndex(where: { $0.id == id }) else { return nil }
        return self.wanted.remove(at: index)
    }

    /// The next of `peers` to ask for a block; nil without peers.
    mutating func next(_ id: BlockID, of peers: [PublicKey]) -> PublicKey? {
        guard !peers.isEmpty, let index = self.wanted.firstIndex(where: { $0.id == id }) else {
            return nil
        }
        let peer = peers[self.wanted[index].tries % peers.count]
        self.wanted[index].tries &+= 1
        self.wanted[index].peer = peer
        return peer
    }

    /// True if the peer was asked for a block and has not answered.
    func isAsked(_ peer: PublicKey) -> Bool { self.wanted.contains { $0.peer == peer } }

    mutating func removeAll() { self.wanted.removeAll() }
}
