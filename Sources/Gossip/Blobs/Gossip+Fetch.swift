import OrderedCollections
import Primitives

// Blobs on their way here.
//
// Source: protocol/gossip.md, "Blobs".

extension Gossip {
    mutating func onFetch(
        _ blob: BlobID, _ bytesMax: UInt64, _ token: UInt64, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        let waiter = BlobFetch.Waiter(
            token: token, bytesMax: min(bytesMax, BlobFetch.blobBytesMax))
        if let fetch = self.fetches[blob] {
            if let groups = fetch.groups, groups.bytes > bytesMax {
                let reason = "it has more than \(bytesMax) bytes"
                outbox.append(.fetchFailed(blob, reason: reason, token: token))
            } else if fetch.waiters.count >= BlobFetch.waitersMax {
                outbox.append(
                    .fetchFailed(blob, reason: "too many wait for it", token: token))
            } else {
                self.fetches[blob]?.waiters.append(waiter)
            }
            return
        }
        guard self.fetches.count < BlobFetch.fetchesMax else {
            outbox.append(
                .fetchFailed(blob, reason: "too many blobs at once", token: token))
            return
        }
        var fetch = BlobFetch(waiter, now: now)
        for peer in self.neighbors.keys { fetch.sources[peer] = BlobFetch.Source() }
        self.fetches[blob] = fetch
        self.pumpAll(now: now, into: &outbox)
    }

    /// Ends a round that leads nowhere, begins the next one, or gives up.
    mutating func review(_ blob: BlobID, now: Instant, into outbox: inout Outbox<Effect>) {
        guard var fetch = self.fetches[blob] else { return }
        if let pausedUntil = fetch.pausedUntil {
            guard now >= pausedUntil else { return }
            fetch.restart(now)
            self.fetches[blob] = fetch
            return
        }
        guard fetch.isExhausted(now) else { return }
        switch fetch.phase {
        case .opening, .storing:
            self.fail(blob, "the store does not answer", into: &outbox)
        case .describing, .moving:
            fetch.rounds += 1
            guard fetch.rounds < BlobFetch.roundsMax else {
                self.fail(blob, fetch.failure, into: &outbox)
                return
            }
            fetch.pausedUntil = now.adding(ms: BlobFetch.pauseMs)
            self.fetches[blob] = fetch
        }
    }

    private mutating func fail(
        _ blob: BlobID, _ reason: String, into outbox: inout Outbox<Effect>
    ) {
        guard let fetch = self.fetches.removeValue(forKey: blob) else { return }
        // What came stays, to be resumed, and gives way when the store needs the room.
        let isOpen = if case .describing = fetch.phase { false } else { true }
        if isOpen { outbox.append(.closeBlob(blob)) }
        for waiter in fetch.waiters {
            outbox.append(.fetchFailed(blob, reason: reason, token: waiter.token))
        }
    }

    // MARK: Asking

    mutating func pumpAll(now: Instant, into outbox: inout Outbox<Effect>) {
        let isReachable = self.config.address != nil
        guard !self.fetches.isEmpty || !isReachable else { return }
        for peer in self.neighbors.keys { self.pump(peer, now: now, into: &outbox) }
    }

    /// Asks a peer for as much as it may be asked for.
    mutating func pump(_ peer: PublicKey, now: Instant, into outbox: inout Outbox<Effect>) {
        guard self.neighbors[peer] != nil else { return }
        guard let id = self.blobLink(peer) else {
            // A node that cannot be dialled opens the connection for what it may be asked.
            if self.config.address == nil || self.isWanted(of: peer) {
                self.dialBlobs(peer, now: now, into: &outbox)
            }
            return
        }
        for blob in self.fetches.keys {
            while let request = self.nextRequest(blob, peer) {
                self.blobPeers[peer]?.pending.append((request, now))
                self.blobPeers[peer]?.usedAt = now
                switch request {
                case .describe(let blob, let from):
                    self.say(.describe(blob, from: from), on: id, into: &outbox)
                case .want(let blob, let group):
                    self.say(.want(blob, group: group), on: id, into: &outbox)
                }
            }
        }
    }

    private func isWanted(of peer: PublicKey) -> Bool {
        self.fetches.values.contains { fetch in
            let state = fetch.sources[peer]?.state
            return fetch.pausedUntil == nil && (state == .unasked || state == .hasIt)
        }
    }

    /// One place at a source is for questions, and the others are shared by the blobs that it has:
    /// a large one does not starve a small one.
    private func mayMove(_ blob: BlobID, _ peer: PublicKey) -> Bool {
        guard let pending = self.blobPeers[peer]?.pending else { return false }
        guard self.fetches.count > 1 else { return true }
        let sharing = self.fetches.values.count { $0.sources[peer]?.state == .hasIt }
        let share = max(1, (BlobPeer.pendingMax - 1) / max(1, sharing))
        let mine = pending.count { $0.request.blob == blob }
        return mine < share && pending.count < BlobPeer.pendingMax - 1
    }

    /// The next thing to ask a source for, marked as asked.
    private mutating func nextRequest(_ blob: BlobID, _ peer: PublicKey) -> BlobPeer.Request? {
        guard self.blobPeers[peer]?.hasRoom == true, var fetch = self.fetches[blob],
            fetch.pausedUntil == nil, let source = fetch.sources[peer]
        else { return nil }
        switch (source.state, fetch.phase) {
        case (.unasked, _):
            fetch.sources[peer]?.state = .asked
            self.fetches[blob] = fetch
            return .describe(blob, from: UInt64(fetch.groups?.digests.count ?? 0))
        case (.hasIt, .describing(nil)):
            fetch.phase = .describing(BlobFetch.Describing(peer: peer))
            self.fetches[blob] = fetch
            return .describe(blob, from: 0)
        case (.hasIt, .moving):
            guard self.mayMove(blob, peer) else { return nil }
            // A copy of the fetch here would copy its queue at each group.
            fetch.phase = .describing(nil)
            guard let group = self.fetches[blob]?.nextGroup() else { return nil }
            return .want(blob, group: group)
        case (.hasIt, .describing(let describing?)):
            // One page after the other, of one source.
            let page = BlobPeer.Request.describe(blob, from: UInt64(describing.digests.count))
            guard describing.peer == peer, self.blobPeers[peer]?.isPending(page) == false else {
                return nil
            }
            return page
        case (.hasIt, .opening), (.hasIt, .storing), (.asked, _),
            (.absent, _), (.tooLarge, _), (.failed, _), (.wrong, _):
            return nil
        }
    }

    // MARK: Answers

    mutating func onAbsent(
        _ blob: BlobID, _ peer: PublicKey, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        // It answers everything that was asked of it about the blob.
        let asked = self.blobPeers[peer]?.pending.filter { $0.request.blob == blob } ?? []
        guard !asked.isEmpty else { return }
        self.blobPeers[peer]?.pending.removeAll { $0.request.blob == blob }
        self.blobPeers[peer]?.heardAt = now
        for (request, _) in asked {
            if case .want(_, let group) = request { self.fetches[blob]?.giveBack(group) }
        }
        self.fetches[blob]?.settle(peer, .absent)
        self.review(blob, now: now, into: &outbox)
        self.pumpAll(now: now, into: &outbox)
    }

    mutating func onDescription(
        _ blob: BlobID, _ bytes: UInt64, from: UInt64, _ digests: [Digest], _ peer: PublicKey,
        now: Instant, into outbox: inout Outbox<Effect>
    ) {
        defer { self.pumpAll(now: now, into: &outbox) }
        guard var fetch = self.fetches[blob], let source = fetch.sources[peer],
            source.state == .asked || source.state == .hasIt
        else { return }
        let count = BlobGroups.count(bytes: bytes)
        let rest = count - min(count, from)
        guard UInt64(digests.count) == min(rest, UInt64(BlobMessage.digestsMax)) else {
            self.wrong(blob, peer, "a page of the wrong size", into: &outbox)
            return
        }
        if let groups = fetch.groups {
            guard groups.bytes == bytes else {
                self.wrong(blob, peer, "another size", into: &outbox)
                return
            }
            self.fetches[blob]?.sources[peer]?.state = .hasIt
            return
        }
        guard bytes <= fetch.bytesMax else {
            self.fetches[blob]?.settle(peer, .tooLarge)
            self.review(blob, now: now, into: &outbox)
            return
        }
        fetch.sources[peer]?.state = .hasIt
        guard case .describing(let known) = fetch.phase else { return }
        var describing = known ?? BlobFetch.Describing(peer: peer)
        if describing.peer == peer, UInt64(describing.digests.count) == from {
            guard describing.bytes == nil || describing.bytes == bytes else {
                self.wrong(blob, peer, "another size", into: &outbox)
                return
            }
            fetch.progressed(now)
            describing.bytes = bytes
            describing.digests += digests
            fetch.phase = .describing(describing)
        }
        self.fetches[blob] = fetch
        self.checkDescription(blob, into: &outbox)
    }

    /// Checks a description once it is whole, and has the blob opened.
    private mutating func checkDescription(
        _ blob: BlobID, into outbox: inout Outbox<Effect>
    ) {
        guard case .describing(let describing?) = self.fetches[blob]?.phase,
            let bytes = describing.bytes
        else { return }
        let peer = describing.peer
        // The next page is asked for like everything else.
        guard UInt64(describing.digests.count) == BlobGroups.count(bytes: bytes) else { return }
        guard let groups = BlobGroups(bytes: bytes, digests: describing.digests),
            groups.id == blob
        else {
            self.wrong(blob, peer, "a description of something else", into: &outbox)
            return
        }
        self.fetches[blob]?.phase = .opening(groups)
        for waiter in self.fetches[blob]?.waiters ?? [] where waiter.bytesMax < bytes {
            let reason = "it has more than \(waiter.bytesMax) bytes"
            outbox.append(.fetchFailed(blob, reason: reason, token: waiter.token))
        }
        self.fetches[blob]?.waiters.removeAll { $0.bytesMax < bytes }
        outbox.append(
            .openBlob(blob, BlobDescription(bytes: bytes, groups: groups.digests)))
    }

    /// A source sent something that the blob's id refutes.
    private mutating func wrong(
        _ blob: BlobID, _ peer: PublicKey, _ text: String, into outbox: inout Outbox<Effect>
    ) {
        outbox.append(.report(.violation(peer, "blob \(blob.short): \(text)")))
        self.fetches[blob]?.settle(peer, .wrong)
        let pending = self.blobPeers[peer]?.pending ?? []
        self.blobPeers[peer]?.pending.removeAll { $0.request.blob == blob }
        for (request, _) in pending {
            if case .want(blob, let group) = request { self.fetches[blob]?.giveBack(group) }
        }
    }

    mutating func onGroup(
        _ blob: BlobID, _ group: UInt64, _ bytes: [UInt8], _ peer: PublicKey, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        guard case .moving(let groups, var queue) = self.fetches[blob]?.phase else {
            self.pump(peer, now: now, into: &outbox)
            return
        }
        guard !queue.isThere(group) else {
            self.pump(peer, now: now, into: &outbox)
            return
        }
        guard groups.isGroup(group, bytes) else {
            self.wrong(blob, peer, "group \(group) is another", into: &outbox)
            self.fetches[blob]?.giveBack(group)
            self.pumpAll(now: now, into: &outbox)
            return
        }
        self.fetches[blob]?.phase = .storing(groups)  // The queue is not copied.
        queue.arrived(group)
        self.fetches[blob]?.progressed(now)
        let isLast = queue.missing == 0
        if !isLast { self.fetches[blob]?.phase = .moving(groups, queue) }
        outbox.append(.writeBlob(blob, group: group, bytes, isLast: isLast))
        self.pump(peer, now: now, into: &outbox)
    }

    // MARK: The store

    mutating func onOpened(
        _ blob: BlobID, _ present: [Bool], now: Instant, into outbox: inout Outbox<Effect>
    ) {
        guard case .opening(let groups) = self.fetches[blob]?.phase else { return }
        self.fetches[blob]?.progressed(now)
        guard !groups.digests.isEmpty else {
            self.fetches[blob]?.phase = .storing(groups)
            outbox.append(.writeBlob(blob, group: 0, [], isLast: true))
            return
        }
        var here = Array(present.prefix(groups.digests.count))
        here += [Bool](repeating: false, count: groups.digests.count - here.count)
        // The write of the last group finishes the blob, so one has to come.
        if !here.contains(false) { here[here.count - 1] = false }
        self.fetches[blob]?.phase = .moving(groups, GroupQueue(present: here))
        self.pumpAll(now: now, into: &outbox)
    }

    mutating func onDone(
        _ blob: BlobID, _ isDone: Bool, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        guard let groups = self.fetches[blob]?.groups else { return }
        guard isDone else {
            self.fail(blob, "it cannot be stored", into: &outbox)
            return
        }
        guard case .storing = self.fetches[blob]?.phase,
            let fetch = self.fetches.removeValue(forKey: blob)
        else { return }
        for waiter in fetch.waiters {
            outbox.append(.fetched(blob, bytes: groups.bytes, token: waiter.token))
        }
    }
}
