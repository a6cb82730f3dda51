import Chain
import Gossip
import Primitives

// Blocks on their way between nodes: pushed by leaders, fetched where missing, served to others.
extension Node {
    /// A block came. Unasked, only those of validators are looked at.
    ///
    /// - Bounds: `pushedMax` wait for the chain; what is dropped is asked for when it is missed.
    mutating func onBlock(
        _ bytes: [UInt8], from peer: PublicKey, _ outbox: inout Outbox<Effect>
    ) {
        guard self.config.epochs.set.index(of: peer) != nil || self.fetches.isAsked(peer),
            self.blocksInChain < Self.pushedMax
        else { return }
        self.blocksInChain += 1
        outbox.append(.chain(.block(bytes)))
    }

    /// The chain knows a block now; its parent is fetched too if the block was.
    mutating func onLearned(
        _ id: BlockID, _ missingParent: BlockID?, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard let wanted = self.fetches.remove(id), let parent = missingParent else { return }
        if wanted.depth >= BlockFetches.depthMax,
            self.gossip.peers.contains(where: { $0.height > self.head })
        {
            // Too far behind for one by one, and somebody has them as final blocks.
            self.tell(.catchUp(above: self.head), now, &outbox)
            return
        }
        self.fetch(parent, depth: wanted.depth + 1, now, &outbox)
    }

    mutating func onMissing(
        _ id: BlockID, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        self.fetch(id, depth: 0, now, &outbox)
    }

    private mutating func fetch(
        _ id: BlockID, depth: Int, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard self.fetches.add(id, depth: depth) else { return }
        self.ask(id, now, &outbox)
        self.armFetch(now, &outbox)
    }

    private mutating func ask(
        _ id: BlockID, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard let peer = self.fetches.next(id, of: self.gossip.peers.map(\.key)) else { return }
        self.tell(.send(.wantBlock(id), to: peer), now, &outbox)
    }

    private mutating func armFetch(_ now: Instant, _ outbox: inout Outbox<Effect>) {
        guard !self.fetches.isArmed, !self.fetches.isEmpty else { return }
        self.fetches.isArmed = true
        outbox.append(.schedule(.fetch, at: now.adding(ms: BlockFetches.againMs)))
    }

    /// Time to ask the next peer.
    mutating func onFetchAgain(_ now: Instant, _ outbox: inout Outbox<Effect>) {
        self.fetches.isArmed = false
        self.askAgain(now, &outbox)
        self.armFetch(now, &outbox)
    }

    mutating func askAgain(_ now: Instant, _ outbox: inout Outbox<Effect>) {
        for wanted in self.fetches.wanted { self.ask(wanted.id, now, &outbox) }
    }

    // MARK: Serving

    mutating func serve(
        _ peer: PublicKey, _ what: Serving.What, _ outbox: inout Outbox<Effect>,
        _ question: (UInt64) -> Chain.Input
    ) {
        let waiting = self.servingsOf[peer] ?? 0
        guard self.serving.count < Self.servingMax, waiting < Self.servingPerPeer else {
            return  // It asks again, or another.
        }
        self.servingsOf[peer] = waiting + 1
        let token = self.nextServe
        self.nextServe += 1
        self.serving[token] = Serving(peer: peer, what: what)
        outbox.append(.chain(question(token)))
    }

    private mutating func served(_ token: UInt64) -> Serving? {
        guard let serving = self.serving.removeValue(for: token) else { return nil }
        let left = (self.servingsOf[serving.peer] ?? 1) - 1
        self.servingsOf[serving.peer] = left > 0 ? left : nil
        return serving
    }

    mutating func onServed(
        _ token: UInt64, _ bytes: [UInt8]?, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard let serving = self.served(token), case .block(let id) = serving.what else { return }
        let answer = bytes.map { PeerMessage.block($0) } ?? .noBlock(id)
        self.tell(.send(answer, to: serving.peer), now, &outbox)
    }

    mutating func onServed(
        _ token: UInt64, _ blocks: [Chain.FinalBlock], _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        guard let serving = self.served(token), case .range(let from) = serving.what else {
            return
        }
        let synced = blocks.map { SyncedBlock(block: $0.block, certificate: $0.certificate) }
        self.tell(.send(.range(from: from, synced), to: serving.peer), now, &outbox)
    }
}
