import OrderedCollections
import Primitives

extension Gossip {
    mutating func onReceived(
        _ id: ConnectionID, _ traffic: TrafficClass, _ bytes: [UInt8], now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        guard let link = self.links[id] else { return }
        if case .dialling = link.phase { return }
        switch link.purpose {
        case .main: self.onMain(id, link, traffic, bytes, now: now, into: &outbox)
        case .blobs: self.onBlobs(id, link, traffic, bytes, now: now, into: &outbox)
        }
    }

    private mutating func onMain(
        _ id: ConnectionID, _ link: Link, _ traffic: TrafficClass, _ bytes: [UInt8], now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        if let version = Hello.version(of: bytes), version != PeerMessage.version {
            let text = "it speaks version \(version), this node \(PeerMessage.version)"
            self.refuse(link.peer, text, now: now, into: &outbox)
            return
        }
        let message: PeerMessage
        do throws(DecodeError) {
            message = try PeerMessage(canonical: bytes)
        } catch {
            self.violation(link.peer, "a message: \(error)", now: now, into: &outbox)
            return
        }
        guard message.traffic == traffic else {
            self.violation(
                link.peer, "\(message.name) among \(traffic)", now: now, into: &outbox)
            return
        }
        if case .hello(let hello) = message {
            self.onHello(hello, id, link, now: now, into: &outbox)
            return
        }
        guard link.phase == .up else {
            self.violation(
                link.peer, "\(message.name) before hello", now: now, into: &outbox)
            return
        }
        self.onMessage(message, link.peer, id, now: now, into: &outbox)
    }

    private mutating func onMessage(
        _ message: PeerMessage, _ peer: PublicKey, _ id: ConnectionID, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        switch message {
        case .hello: break  // Was taken before.
        case .status(let height):
            self.neighbors[peer]?.height = height
            self.synchronise(now: now, into: &outbox)
        case .peers(let addresses): self.onPeers(addresses, now: now)
        case .consensus, .block, .noBlock:
            outbox.append(.deliver(message, from: peer))
        case .direct:
            guard self.neighbors[peer]?.directs.take(1, now: now) == true else { return }
            outbox.append(.deliver(message, from: peer))
        case .transaction:
            outbox.append(.deliver(message, from: peer))
            self.onPaid(peer, now: now, into: &outbox)
        case .wantBlock:
            // More than its allowance is not answered.
            guard self.neighbors[peer]?.wants.take(1, now: now) == true else { return }
            outbox.append(.deliver(message, from: peer))
        case .wantRange:
            guard self.neighbors[peer]?.ranges.take(1, now: now) == true else { return }
            outbox.append(.deliver(message, from: peer))
        case .haveTransactions(let ids):
            guard self.neighbors[peer]?.haves.take(1, now: now) == true else { return }
            self.onHave(ids, of: peer, now: now, into: &outbox)
        case .wantTransactions(let ids):
            self.onWant(ids, of: peer, on: id, now: now, into: &outbox)
        case .range(let from, let blocks):
            let height = self.neighbors[peer]?.height ?? 0
            if self.sync.received(
                from: from, count: blocks.count,
                isSettled: blocks.last?.certificate.isEmpty == false, of: peer,
                height: height, now: now)
            {
                outbox.append(.deliver(message, from: peer))
            }
            self.synchronise(now: now, into: &outbox)
        }
    }

    /// Asks for missing blocks if it is time to.
    mutating func synchronise(now: Instant, into outbox: inout Outbox<Effect>) {
        let peers = self.neighbors.map { (key: $0.key, height: $0.value.height) }
        guard let ask = self.sync.next(peers, now: now, &self.generator),
            let neighbor = self.neighbors[ask.peer]
        else { return }
        let count = UInt16(clamping: PeerMessage.blocksMax)
        self.send(
            .wantRange(from: ask.from, count: count), on: neighbor.connection, into: &outbox)
    }
}
