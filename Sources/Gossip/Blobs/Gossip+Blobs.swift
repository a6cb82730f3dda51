import OrderedCollections
import Primitives

// Connections for blobs: dialled by whoever wants something, used by both sides.
//
// Source: protocol/gossip.md, "Blobs".

extension Gossip {
    mutating func onBlobConnected(
        _ id: ConnectionID, _ peer: PublicKey, _ isOutbound: Bool, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        var entry = self.blobPeers[peer] ?? BlobPeer()
        entry.usedAt = now
        if isOutbound {
            entry.failures = 0
        } else {
            if let old = entry.inbound {
                outbox.append(.close(old, reason: "replaced by another connection"))
                self.links.removeValue(forKey: old)
                self.servings.removeValue(forKey: old)
            }
            entry.inbound = id
        }
        self.blobPeers[peer] = entry
        self.servings[id] = BlobServing(peer: peer)
        self.pump(peer, now: now, into: &outbox)
    }

    mutating func onBlobClosed(
        _ id: ConnectionID, _ link: Link, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        let peer = link.peer
        let wasUsed = self.blobLink(peer) == id
        self.links.removeValue(forKey: id)
        self.servings.removeValue(forKey: id)
        guard var entry = self.blobPeers[peer] else { return }
        if entry.outbound == id {
            entry.outbound = nil
            entry.dialAt = AddressBook.next(after: entry.failures, now: now, &self.generator)
            entry.failures = min(entry.failures + 1, AddressBook.failuresMax)
        }
        if entry.inbound == id { entry.inbound = nil }
        self.blobPeers[peer] = entry
        if wasUsed || link.phase != .up { self.strike(peer) }
        if self.neighbors[peer] == nil, entry.outbound == nil, entry.inbound == nil {
            self.blobPeers.removeValue(forKey: peer)
        }
        self.pumpAll(now: now, into: &outbox)
    }

    /// The connection to ask a peer on; nil if there is none yet.
    func blobLink(_ peer: PublicKey) -> ConnectionID? {
        guard let entry = self.blobPeers[peer] else { return nil }
        if let id = entry.outbound, self.links[id]?.phase == .up { return id }
        return entry.inbound
    }

    /// A connected peer may have what is wanted.
    mutating func addBlobSource(
        _ peer: PublicKey, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        if self.blobPeers[peer] == nil { self.blobPeers[peer] = BlobPeer() }
        self.blobPeers[peer]?.dialAt = now
        self.blobPeers[peer]?.failures = 0
        for blob in self.fetches.keys where self.fetches[blob]?.sources[peer] == nil {
            self.fetches[blob]?.sources[peer] = BlobFetch.Source()
        }
        self.pump(peer, now: now, into: &outbox)
    }

    /// A peer is gone, and its connections for blobs with it.
    mutating func dropBlobPeer(
        _ peer: PublicKey, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        self.takeBack(peer)
        for blob in self.fetches.keys { self.fetches[blob]?.remove(peer) }
        if let entry = self.blobPeers.removeValue(forKey: peer) {
            for id in [entry.outbound, entry.inbound].compactMap({ $0 }) {
                outbox.append(.close(id, reason: "the peer's main connection ended"))
                self.links.removeValue(forKey: id)
                self.servings.removeValue(forKey: id)
            }
        }
        self.pumpAll(now: now, into: &outbox)
    }

    /// A connection broke or was silent: what was asked on it is asked of others.
    mutating func strike(_ peer: PublicKey) {
        let blobs = OrderedSet(self.blobPeers[peer]?.pending.map(\.request.blob) ?? [])
        self.takeBack(peer)
        for blob in self.fetches.keys {
            let state = self.fetches[blob]?.sources[peer]?.state
            // Without a connection, what it has is out of reach, too.
            let isCut = state == .hasIt && self.blobLink(peer) == nil
            if blobs.contains(blob) || state == .unasked || isCut {
                self.fetches[blob]?.strike(peer)
            }
        }
    }

    /// Takes back everything that a peer was asked for.
    private mutating func takeBack(_ peer: PublicKey) {
        let pending = self.blobPeers[peer]?.pending ?? []
        self.blobPeers[peer]?.pending = []
        for (request, _) in pending {
            if case .want(let blob, let group) = request { self.fetches[blob]?.giveBack(group) }
        }
    }

    // MARK: Time

    mutating func blobTick(now: Instant, into outbox: inout Outbox<Effect>) {
        for peer in self.blobPeers.keys where self.blobPeers[peer]?.isSilent(now) == true {
            self.strike(peer)
        }
        for blob in self.fetches.keys { self.review(blob, now: now, into: &outbox) }
        self.pumpAll(now: now, into: &outbox)
        for (peer, entry) in self.blobPeers {
            guard let id = entry.outbound, self.links[id]?.phase == .up, entry.pending.isEmpty,
                self.config.address != nil, self.servings[id]?.queue.isEmpty != false,
                now >= entry.usedAt.adding(ms: BlobPeer.idleMs)
            else { continue }
            outbox.append(.close(id, reason: "idle"))
            self.links.removeValue(forKey: id)
            self.servings.removeValue(forKey: id)
            self.blobPeers[peer]?.outbound = nil
        }
    }

    mutating func dialBlobs(
        _ peer: PublicKey, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        guard let entry = self.blobPeers[peer], entry.outbound == nil, now >= entry.dialAt,
            self.links.count < Self.linksMax,
            let address = self.book.address(of: peer)
        else { return }
        let id = self.newConnection()
        self.blobPeers[peer]?.outbound = id
        self.links[id] = Link(
            peer: peer, purpose: .blobs, isOutbound: true, phase: .dialling(address), since: now)
        outbox.append(.dial(address, id, .blobs))
    }

    // MARK: Messages

    mutating func onBlobs(
        _ id: ConnectionID, _ link: Link, _ traffic: TrafficClass, _ bytes: [UInt8],
        now: Instant, into outbox: inout Outbox<Effect>
    ) {
        let message: BlobMessage
        do throws(DecodeError) {
            message = try BlobMessage(canonical: bytes)
        } catch {
            self.violation(link.peer, "a blob message: \(error)", now: now, into: &outbox)
            return
        }
        guard traffic == .blobs else {
            self.violation(
                link.peer, "a blob message among \(traffic)", now: now, into: &outbox)
            return
        }
        switch message {
        case .describe(let blob, let from):
            self.onAsked(.describe(blob, from: from), id, now: now, into: &outbox)
        case .want(let blob, let group):
            self.onAsked(.want(blob, group: group), id, now: now, into: &outbox)
        case .description(let blob, let bytes, let from, let digests):
            guard self.accept(.describe(blob, from: from), link.peer, now: now) else { return }
            self.onDescription(
                blob, bytes, from: from, digests, link.peer, now: now, into: &outbox)
        case .group(let blob, let group, let bytes):
            guard self.accept(.want(blob, group: group), link.peer, now: now) else { return }
            self.onGroup(blob, group, bytes, link.peer, now: now, into: &outbox)
        case .absent(let blob): self.onAbsent(blob, link.peer, now: now, into: &outbox)
        }
    }

    /// True if the peer was asked; a late answer to what was taken back is nobody's fault.
    private mutating func accept(
        _ request: BlobPeer.Request, _ peer: PublicKey, now: Instant
    ) -> Bool {
        guard self.blobPeers[peer]?.answered(request) == true else { return false }
        self.blobPeers[peer]?.heardAt = now
        self.blobPeers[peer]?.usedAt = now
        return true
    }
}
