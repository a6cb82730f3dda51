import OrderedCollections
import Primitives

/// Which peer to ask for missing blocks, and when: one range at a time.
///
/// A peer that is silent, sends nothing, or whose blocks lead nowhere is passed over until every
/// other was asked.
///
/// - Source: protocol/gossip.md, "Catching up".
struct RangeSync: Sendable {
    /// A peer that is so many blocks ahead is asked at once.
    static let gapMin: UInt64 = 8
    /// A peer that is ahead at all is asked after so long without a new block here.
    static let behindMs: UInt64 = 1_000
    /// A peer has so long to answer, and its blocks to move the head.
    static let patienceMs: UInt64 = 3_000
    /// Ranges that end without a certificate are followed up so often.
    static let extensionsMax = 2
    /// The wait after every peer was asked in vain.
    static let pauseMs: UInt64 = 1_000

    private enum Phase: Hashable, Sendable {
        case idle
        case asked(PublicKey, from: UInt64, at: Instant)
        /// Blocks up to this height are with `Node`; `isMore` if the peer has further ones.
        case delivered(PublicKey, upTo: UInt64, at: Instant, isMore: Bool)
    }

    private(set) var head: UInt64 = 0
    private var phase = Phase.idle
    private var headMovedAt = Instant.zero
    private var behindSince: Instant?
    private var wish: UInt64?
    private var isMore = false
    /// Ranges without an end that were followed up since the head moved, and whose they were.
    private var extensions = 0
    private var extending: PublicKey?
    private var tried: [PublicKey] = []
    private var pausedUntil = Instant.zero

    /// The newest height that this node can serve. True if it changed.
    mutating func moved(to height: UInt64, now: Instant) -> Bool {
        guard height != self.head else { return false }
        self.head = height
        self.headMovedAt = now
        self.extensions = 0
        self.extending = nil
        if let wish, wish < height { self.wish = nil }  // What it was about is here.
        return true
    }

    /// `Node` wants blocks above a height.
    mutating func wanted(above height: UInt64) { self.wish = height }

    /// A range came; `isSettled` if its last block has a certificate. True if it is the one that
    /// was asked for and has blocks.
    mutating func received(
        from: UInt64, count: Int, isSettled: Bool, of peer: PublicKey, height: UInt64,
        now: Instant
    ) -> Bool {
        guard case .asked(peer, from: from, _) = self.phase else { return false }
        guard count > 0 else {
            self.pass(peer)
            return false
        }
        let (upTo, overflow) = from.addingReportingOverflow(UInt64(count - 1))
        guard !overflow else {
            self.pass(peer)
            return false
        }
        if let wish, wish < from { self.wish = nil }
        guard isSettled else {
            // What finalizes these blocks comes further up; the same peer has it, if it is true.
            guard self.extensions < Self.extensionsMax else {
                self.pass(peer)
                return false
            }
            self.phase = .idle
            self.extensions += 1
            self.extending = peer
            self.wish = upTo
            return true
        }
        self.phase = .delivered(peer, upTo: upTo, at: now, isMore: height > upTo)
        return true
    }

    /// Whom to ask now, and from which height; `peers` are all connected ones with their heights.
    mutating func next(
        _ peers: [(key: PublicKey, height: UInt64)], now: Instant, _ generator: inout Generator
    ) -> (peer: PublicKey, from: UInt64)? {
        guard self.isFree(peers, now: now) else { return nil }
        let (from, overflow) = (self.wish ?? self.head).addingReportingOverflow(1)
        let ahead = overflow ? [] : peers.filter { $0.height >= from }
        guard let best = ahead.map(\.height).max() else {
            self.behindSince = nil
            self.isMore = false
            return nil
        }
        let since = self.behindSince ?? now
        self.behindSince = since
        let isLate = now >= max(since, self.headMovedAt).adding(ms: Self.behindMs)
        let isFar = best - from >= Self.gapMin - 1
        guard self.wish != nil || self.isMore || isFar || isLate, now >= self.pausedUntil else {
            return nil
        }
        let fresh = ahead.filter { !self.tried.contains($0.key) }
        guard !fresh.isEmpty else {
            self.tried = []
            self.isMore = false
            self.pausedUntil = now.adding(ms: Self.pauseMs)
            return nil
        }
        let same = self.extending.flatMap { peer in fresh.firstIndex { $0.key == peer } }
        let index = same ?? Int(clamping: generator.below(UInt64(fresh.count)))
        self.phase = .asked(fresh[index].key, from: from, at: now)
        return (fresh[index].key, from)
    }

    /// True if nothing is awaited any more; what was awaited in vain is passed over.
    private mutating func isFree(
        _ peers: [(key: PublicKey, height: UInt64)], now: Instant
    ) -> Bool {
        switch self.phase {
        case .idle: return true
        case .asked(let peer, _, let at):
            let isThere = peers.contains { $0.key == peer }
            if isThere, now < at.adding(ms: Self.patienceMs) { return false }
            self.pass(peer)
        case .delivered(let peer, let upTo, let at, let isMore):
            if self.head >= upTo {
                self.phase = .idle
                self.isMore = isMore
                self.tried = []
            } else if now < max(at, self.headMovedAt).adding(ms: Self.patienceMs) {
                return false
            } else {
                self.pass(peer)
            }
        }
        return true
    }

    private mutating func pass(_ peer: PublicKey) {
        self.phase = .idle
        if self.extending == peer {
            self.wish = nil
            self.extending = nil
            self.extensions = 0
        }
        if self.tried.count < Gossip.neighborsMax { self.tried.append(peer) }
    }
}
