import Gossip
import Node
import Primitives

// What the transport does, in virtual time.
extension World {
    func perform(_ effect: Gossip.Effect, _ host: Host) {
        switch effect {
        case .dial(let address, let id, let purpose): self.dial(address, id, purpose, host)
        case .close(let id, let reason): self.close(id, reason, host)
        case .send(let id, let traffic, let bytes): self.send(id, traffic, bytes, host)
        case .datagram(let bytes, let address): self.datagram(bytes, address, host)
        case .describeBlob, .readBlob, .openBlob, .closeBlob, .writeBlob:
            self.performBlob(effect, host)
        case .deliver, .up, .down, .fetched, .fetchFailed, .schedule, .report:
            preconditionFailure("the node routes these itself")
        }
    }

    /// The machine behind an address; where a key has several, the one that can be reached.
    private func target(_ key: PublicKey, from host: Host) -> Host? {
        let all = self.hosts.filter { $0.key == key && $0.index != host.index }
        guard all.count > 1 else { return all.first }
        return all.first { self.network[host.index, $0.index].cuts == 0 && $0.isUp }
            ?? all[host.index % all.count]
    }

    private func jitter(_ from: Int, _ to: Int) -> UInt64 {
        let link = self.network[from, to]
        var extra = self.networkChance.between(0, link.jitterNs)
        if !self.isHealed, self.networkChance.happens(self.plan.resendPpm) {
            extra += 200_000_000  // Lost once, and sent again after the usual time-out.
        }
        return extra
    }

    // MARK: Dialling

    private func dial(
        _ address: PeerAddress, _ id: ConnectionID, _ purpose: Purpose, _ host: Host
    ) {
        let end = Network.End(host: host.index, generation: host.generation, id: id)
        guard let target = self.target(address.key, from: host) else {
            self.give(host, .gossip(.closed(id, reason: "no such host")), after: 1_000_000)
            return
        }
        let number = self.network.open(end, to: target.index, purpose)
        // One round trip for TCP, half of one for the first message of the handshake.
        let there = self.network[host.index, target.index].delayNs
        let back = self.network[target.index, host.index].delayNs
        let wait = 2 * there + back + self.jitter(host.index, target.index)
        self.queue.add(.dialled(number, target: target.index), at: self.now + wait)
    }

    func onDialled(_ number: Int, _ target: Int) {
        guard let dialler = self.network.connections[number]?.ends[0] else { return }
        let host = self.hosts[target]
        let isCut =
            self.network[dialler.host, target].cuts > 0
            || self.network[target, dialler.host].cuts > 0
        let back = self.network[target, dialler.host].delayNs
        guard host.isUp, !isCut else {
            let wait = isCut ? Network.dialNs : back
            self.queue.add(.dialAnswered(number, accepted: false), at: self.now + wait)
            return
        }
        let readyAt = self.now + back + self.jitter(target, dialler.host)
        let purpose = self.network.connections[number]?.purpose ?? .main
        guard
            let id = self.network.accept(number, generation: host.generation, readyAt: readyAt)
        else { return }
        self.queue.add(.dialAnswered(number, accepted: true), at: readyAt)
        let peer = self.hosts[dialler.host].key
        self.step(
            target, host.generation,
            .gossip(.connected(id, peer: peer, purpose: purpose, isOutbound: false)))
    }

    func onDialAnswered(_ number: Int, _ accepted: Bool) {
        guard let connection = self.network.connections[number] else { return }
        let dialler = connection.ends[0]
        guard accepted else {
            self.network.forget(number)
            self.step(
                dialler.host, dialler.generation,
                .gossip(.closed(dialler.id, reason: "no answer")))
            return
        }
        let peer = self.hosts[connection.ends[1].host].key
        self.step(
            dialler.host, dialler.generation,
            .gossip(
                .connected(
                    dialler.id, peer: peer, purpose: connection.purpose, isOutbound: true)))
    }

    // MARK: Connections

    private func send(
        _ id: ConnectionID, _ traffic: TrafficClass, _ bytes: [UInt8], _ host: Host
    ) {
        guard let (number, end) = self.network.find(host.index, host.generation, id) else {
            return
        }
        self.counts.messages += 1
        if !self.isHealed, self.networkChance.happens(self.plan.breakPpm) {
            self.counts.dropped += 1
            return self.sever(number, reason: "reset")
        }
        let lie =
            host.liar?.lie(traffic, bytes, &self.networkChance) ?? Lie(messages: [bytes])
        for message in lie.messages {
            self.put(.message(traffic, message), number, end, extraNs: lie.extraNs)
        }
    }

    private func put(
        _ item: Network.Item, _ number: Int, _ end: Int, extraNs: UInt64 = 0
    ) {
        guard let connection = self.network.connections[number] else { return }
        let extra =
            extraNs + self.jitter(connection.ends[end].host, connection.ends[1 - end].host)
        let at = self.network.send(item, number, from: end, now: self.now, extraNs: extra)
        if let at { self.queue.add(.arrived(number, from: end), at: at) }
    }

    private func close(_ id: ConnectionID, _ reason: String, _ host: Host) {
        guard let (number, end) = self.network.find(host.index, host.generation, id) else {
            return
        }
        guard self.network.connections[number]?.ends[end].isClosed == false else { return }
        self.put(.close(reason: reason), number, end)
        self.network.hangUp(number, end: end)
        self.give(host, .gossip(.closed(id, reason: reason)), after: 10_000)
    }

    func onArrived(_ number: Int, _ end: Int) {
        guard let connection = self.network.connections[number] else { return }
        guard let items = self.network.arrivals(number, from: end, now: self.now) else {
            self.queue.add(
                .stalled(number, stalls: connection.stalls), at: self.now + Network.stallNs)
            return
        }
        let receiver = connection.ends[1 - end]
        for item in items where self.network.connections[number] != nil {
            // What was stepped may have hung up.
            let isClosed = self.network.connections[number]?.ends[1 - end].isClosed ?? true
            switch item {
            case .message where isClosed: continue
            case .message(let traffic, let bytes):
                self.log.note(bytes)
                self.overhears(bytes, self.hosts[receiver.host])
                self.step(
                    receiver.host, receiver.generation,
                    .gossip(.received(receiver.id, traffic, bytes)))
            case .close(let reason):
                self.network.forget(number)
                guard !isClosed else { continue }
                self.step(
                    receiver.host, receiver.generation,
                    .gossip(.closed(receiver.id, reason: reason)))
            }
        }
    }

    func onStalled(_ number: Int, _ stalls: Int) {
        guard let connection = self.network.connections[number], connection.stalls == stalls,
            connection.pipes.contains(where: \.isStalled)
        else { return }
        self.sever(number, reason: "timed out")
    }

    /// Ends a connection on both sides at once; what is in it is lost.
    func sever(_ number: Int, reason: String) {
        guard let connection = self.network.connections[number] else { return }
        self.network.forget(number)
        for end in connection.ends where end.generation >= 0 && !end.isClosed {
            self.queue.add(
                .input(
                    end.host, generation: end.generation, .gossip(.closed(end.id, reason: reason))),
                at: self.now + 1_000)
        }
    }

    // MARK: Datagrams

    private func datagram(_ bytes: [UInt8], _ address: PeerAddress, _ host: Host) {
        guard let target = self.target(address.key, from: host) else { return }
        self.counts.datagrams += 1
        let isFaulty = !self.isHealed
        if isFaulty, self.networkChance.happens(self.plan.datagramLossPpm) {
            self.counts.dropped += 1
            return
        }
        let copies = isFaulty && self.networkChance.happens(self.plan.duplicatePpm) ? 2 : 1
        for _ in 0..<copies {
            let link = self.network[host.index, target.index]
            let wait = link.delayNs + self.networkChance.between(0, 2 * link.jitterNs)
            self.queue.add(
                .datagram(bytes, from: host.index, to: target.index), at: self.now + wait)
        }
    }

    func onDatagram(_ bytes: [UInt8], _ sender: Int, _ target: Int) {
        guard self.network[sender, target].cuts == 0 else { return }
        let host = self.hosts[target]
        self.step(
            target, host.generation, .gossip(.datagram(bytes, from: self.hosts[sender].key)))
    }
}
