import Chain
import Gossip
import Primitives

// Blocks on their way between nodes: pushed by leaders, fetched where missing, served to others.
extension Node {
    /// A block came. Unasked, only those of validators are looked at.
    mutating func onBlock(
        _ bytes: [UInt8], from peer: PublicKey, _ outbox: inout Outbox<Effect>
    ) {
        guard self.config.epochs.set.index(of: peer) != nil || !self.fetches.isEmpty else {
            return
        }
        outbox.append(.chain(.block(bytes)))
    }

    /// The chain knows a block now; its parent is fetched too if the block was.
    mutating func onLearned(
        _ id: BlockID, _ missingParent: BlockID?, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard let wanted = self.fetches.remove(id), let parent = missingParent else { return }
        guard wanted.depth < BlockFetches.depthMax else {
            // Too far behind for one by one.
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
        guard self.serving.count < Self.servingMax else { return }  // It asks again, or another.
        let token = self.nextServe
        self.nextServe += 1
        self.serving[token] = Serving(peer: peer, what: what)
        outbox.append(.chain(question(token)))
    }

    mutating func onServed(
        _ token: UInt64, _ bytes: [UInt8]?, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard let serving = self.serving.removeValue(for: token),
            case .block(let id) = serving.what
        else { return }
        let answer = bytes.map { PeerMessage.block($0) } ?? .noBlock(id)
        self.tell(.send(answer, to: serving.peer), now, &outbox)
    }

    mutating func onServed(
        _ token: UInt64, _ blocks: [Chain.FinalBlock], _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        guard let serving = self.serving.removeValue(for: token),
            case .range(let from) = serving.what
        else { return }
        let synced = blocks.map { SyncedBlock(block: $0.block, certificate: $0.certificate) }
        self.tell(.send(.range(from: from, synced), to: serving.peer), now, &outbox)
    }
}
