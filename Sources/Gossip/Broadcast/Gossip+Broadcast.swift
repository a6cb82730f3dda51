import OrderedCollections
import Primitives

// Transactions are pushed by whoever made them, and announced to peers that come later. Offers are
// repeated by datagram while they stand.
//
// Source: protocol/gossip.md, "Transactions" and "Offers".

extension Gossip {
    /// Bytes of transactions sent for one request.
    static let answerBytesMax = 192 << 10
    /// Own transactions are announced so long after they were pushed.
    static let announceMs: UInt64 = 2_000

    mutating func onTransaction(
        _ bytes: [UInt8], id: TransactionID, isOwn: Bool, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        guard bytes.count <= PeerMessage.transactionBytesMax else {
            outbox.append(.report(.unsendable("transaction")))
            return
        }
        let short = id.digest.leadingWord
        self.wanted.remove(short)
        guard self.window.insert(short, bytes), isOwn else { return }
        self.broadcast(.transaction(bytes), into: &outbox)
        if self.pushed.count < PeerMessage.idsMax { self.pushed.append((short, now)) }
    }

    /// Tells a new peer what is in the window.
    func announceWindow(on id: ConnectionID, into outbox: inout Outbox<Effect>) {
        var rest = self.window.ids[...]
        while !rest.isEmpty {
            let page = Array(rest.prefix(PeerMessage.idsMax))
            self.send(.haveTransactions(page), on: id, into: &outbox)
            rest = rest.dropFirst(page.count)
        }
    }

    mutating func onHave(
        _ ids: [UInt64], of peer: PublicKey, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        for short in ids where self.window[short] == nil { self.wanted.add(short, of: peer) }
        self.askForTransactions(peer, now: now, into: &outbox)
    }

    /// A peer sent a transaction, one that it owed perhaps.
    mutating func onPaid(
        _ peer: PublicKey, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        guard let owed = self.neighbors[peer]?.owed, owed > 0 else { return }
        self.neighbors[peer]?.owed = owed - 1
        if owed - 1 <= WantedTransactions.owedMax / 4 {
            self.askForTransactions(peer, now: now, into: &outbox)
        }
    }

    private mutating func askForTransactions(
        _ peer: PublicKey, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        guard !self.wanted.isEmpty, let neighbor = self.neighbors[peer] else { return }
        let room = WantedTransactions.owedMax - neighbor.owed
        let ids = self.wanted.next(room, of: peer, now: now)
        guard !ids.isEmpty else { return }
        self.neighbors[peer]?.owed += ids.count
        self.send(.wantTransactions(ids), on: neighbor.connection, into: &outbox)
    }

    /// Asks every peer for what it has and this node lacks.
    mutating func askForTransactions(now: Instant, into outbox: inout Outbox<Effect>) {
        guard !self.wanted.isEmpty else { return }
        for peer in self.neighbors.keys {
            self.askForTransactions(peer, now: now, into: &outbox)
        }
    }

    mutating func onWant(
        _ ids: [UInt64], of peer: PublicKey, on id: ConnectionID, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        var said = 0
        for short in ids {
            guard let bytes = self.window[short] else { continue }
            // What does not fit the connection's queue is asked for again.
            said += bytes.count
            guard said == bytes.count || said <= Self.answerBytesMax,
                self.neighbors[peer]?.transactionBytes.take(UInt64(bytes.count), now: now) == true
            else { return }
            self.send(.transaction(bytes), on: id, into: &outbox)
        }
    }

    /// Announces what was pushed: a full queue may have dropped it.
    private mutating func announcePushed(now: Instant, into outbox: inout Outbox<Effect>) {
        // By then the others have verified what they got.
        let ripe = self.pushed.prefix { now >= $0.at.adding(ms: Self.announceMs) }
        guard !ripe.isEmpty else { return }
        self.broadcast(.haveTransactions(ripe.map(\.id)), into: &outbox)
        self.pushed.removeFirst(ripe.count)
    }

    mutating func broadcastTick(now: Instant, into outbox: inout Outbox<Effect>) {
        self.announcePushed(now: now, into: &outbox)
        for peer in self.wanted.overdue(now) { self.neighbors[peer]?.owed = 0 }
        self.askForTransactions(now: now, into: &outbox)
        for key in self.offers.expire(now) { outbox.append(.report(.offerGone(key))) }
        if now >= self.offerAt { self.sayOffer(now: now, into: &outbox) }
    }

    // MARK: Offers

    mutating func onOffer(
        _ advert: OfferAdvert?, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        if let advert, !advert.isValid {
            outbox.append(.report(.unsendable("offer")))
            return
        }
        guard advert != self.offer else { return }
        self.withdrawals = advert == nil ? OfferStore.withdrawalsMax : 0
        self.offer = advert
        self.sayOffer(now: now, into: &outbox)
    }

    private mutating func sayOffer(now: Instant, into outbox: inout Outbox<Effect>) {
        let datagram: PeerDatagram
        if let offer {
            datagram = .offer(offer)
        } else {
            guard self.withdrawals > 0 else { return }
            self.withdrawals -= 1
            datagram = .noOffer
        }
        self.offerAt = now.adding(ms: OfferStore.periodMs)
        let bytes = datagram.canonicalBytes
        for address in self.book.addresses where !self.bans.contains(address.key, now: now) {
            outbox.append(.datagram(bytes, to: address))
        }
    }

    mutating func onDatagram(
        _ bytes: [UInt8], from peer: PublicKey, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        // Strangers could fill the store.
        guard self.neighbors[peer] != nil || self.book.contains(peer),
            !self.bans.contains(peer, now: now)
        else { return }
        let datagram: PeerDatagram
        do throws(DecodeError) {
            datagram = try PeerDatagram(canonical: bytes)
        } catch {
            self.violation(peer, "a datagram: \(error)", now: now, into: &outbox)
            return
        }
        switch datagram {
        case .offer(let advert):
            guard self.offers.insert(advert, of: peer, now: now) else { return }
            outbox.append(.report(.offerSeen(advert, from: peer)))
        case .noOffer:
            guard self.offers.remove(peer) else { return }
            outbox.append(.report(.offerGone(peer)))
        }
    }
}
