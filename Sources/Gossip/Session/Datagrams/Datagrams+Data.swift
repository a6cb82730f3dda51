import OrderedCollections
import Primitives

/// Sealed payloads in both directions, and who has keys.
///
/// - Source: protocol/session.md, "Data".
extension Datagrams {
    mutating func onSend(
        _ payload: [UInt8], to peer: PublicKey, at endpoint: Endpoint, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        guard !payload.isEmpty, payload.count <= Self.payloadMax else {
            self.dropped &+= 1
            return
        }
        guard let name = self.peers[peer]?.current, let pair = self.pairs[name],
            pair.canSend(now)
        else {
            self.seek(peer, at: endpoint, waiting: payload, now: now, into: &outbox)
            return
        }
        self.peers[peer]?.isSought = true
        self.write(payload, under: name, to: endpoint, now: now, into: &outbox)
        if pair.isRekeyDue(now) {
            self.seek(peer, at: endpoint, waiting: nil, now: now, into: &outbox)
        }
    }

    mutating func write(
        _ payload: [UInt8], under name: UInt32, to endpoint: Endpoint, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        guard var pair = self.pairs[name], pair.canSend(now) else {
            self.dropped &+= 1
            return
        }
        let bytes = pair.seal(payload, now: now)
        self.pairs[name] = pair
        outbox.append(.write(bytes, to: endpoint))
    }

    mutating func onData(
        to name: UInt32, counter: UInt64, _ sealed: ArraySlice<UInt8>, from endpoint: Endpoint,
        now: Instant, into outbox: inout Outbox<Effect>
    ) {
        guard var pair = self.pairs[name] ?? self.answers[name]?.pair,
            let payload = pair.open(sealed, counter: counter, now: now)
        else {
            self.dropped &+= 1
            return
        }
        if let answer = self.answers[name] {
            // SPEC session: "A responder MUST NOT send under new keys, nor forget older ones,
            // before the initiator's first data under them."
            let stamp = answer.handshake.peer?.stamp ?? 0
            self.forget(answer: name)
            self.use(pair, named: name, stamp: stamp, isSought: false, now: now, into: &outbox)
        } else {
            self.pairs[name] = pair
        }
        self.peers[pair.peer]?.lastHeard = now
        guard !payload.isEmpty else { return }
        // SPEC session: "Data that is not empty MUST be answered by empty data if nothing was sent
        // for 10 s."
        if pair.isQuiet(now) {
            self.write([], under: name, to: endpoint, now: now, into: &outbox)
        }
        outbox.append(.deliver(payload, from: pair.peer, at: endpoint))
    }

    /// Makes a pair the one in use with its peer; the one before it stays for what is on its way.
    mutating func use(
        _ pair: KeyPair, named name: UInt32, stamp: UInt64, isSought: Bool, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        self.pairs[name] = pair
        if var peer = self.peers[pair.peer] {
            if let older = peer.previous { self.pairs[older] = nil }
            peer.previous = peer.current
            peer.current = name
            peer.stamp = max(peer.stamp, stamp)
            peer.isSought = peer.isSought || isSought
            peer.lastHeard = now
            self.peers[pair.peer] = peer
        } else {
            if self.peers.count == Self.peersMax { self.forgetOne() }
            self.peers[pair.peer] = Peer(
                current: name, previous: nil, stamp: stamp, isSought: isSought, lastHeard: now)
        }
        if self.sweepAt == nil { self.scheduleSweep(now: now, into: &outbox) }
    }

    private mutating func scheduleSweep(now: Instant, into outbox: inout Outbox<Effect>) {
        let at = now.adding(ms: Self.sweepMs)
        self.sweepAt = at
        outbox.append(.schedule(.sweep, at: at))
    }

    /// Makes room: of the peers that came by themselves, or else of all, the one silent longest.
    private mutating func forgetOne() {
        let guests = self.peers.filter { !$0.value.isSought }
        let silent = (guests.isEmpty ? self.peers : guests).min {
            $0.value.lastHeard < $1.value.lastHeard
        }
        if let silent { self.forget(silent.key) }
    }

    private mutating func forget(_ key: PublicKey) {
        guard let peer = self.peers.removeValue(forKey: key) else { return }
        self.pairs[peer.current] = nil
        if let previous = peer.previous { self.pairs[previous] = nil }
    }

    /// Forgets keys that nobody may use any more.
    mutating func onSweep(now: Instant, into outbox: inout Outbox<Effect>) {
        guard let at = self.sweepAt, now >= at else { return }
        for (key, peer) in self.peers {
            if let previous = peer.previous, self.pairs[previous]?.isFresh(now) != true {
                self.pairs[previous] = nil
                self.peers[key]?.previous = nil
            }
            if self.pairs[peer.current]?.isFresh(now) != true { self.forget(key) }
        }
        self.sweepAt = nil
        if !self.peers.isEmpty { self.scheduleSweep(now: now, into: &outbox) }
    }
}
