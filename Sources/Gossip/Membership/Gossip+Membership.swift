import OrderedCollections
import Primitives

// Full mesh: every known node is dialled; of two connections to one peer one is kept.
//
// Source: protocol/gossip.md, "Membership".

extension Gossip {
    mutating func membershipTick(now: Instant, into outbox: inout Outbox<Effect>) {
        self.dropLate(now: now, into: &outbox)
        self.dialDue(now: now, into: &outbox)
        if self.isHelloDue {
            self.isHelloDue = false
            for (id, link) in self.links where link.purpose == .main {
                if case .dialling = link.phase { continue }
                self.sendHello(on: id, into: &outbox)
            }
        }
        self.sayStatus(now: now, into: &outbox)
    }

    private mutating func dialDue(now: Instant, into outbox: inout Outbox<Effect>) {
        var room = Self.dialsMax
        for address in self.book.due(now) {
            let peer = address.key
            guard self.mains[peer] == nil, self.dialling[peer] == nil,
                !self.bans.contains(peer, now: now)
            else { continue }
            guard room > 0, self.mainCount < Self.neighborsMax else { break }
            room -= 1
            let id = self.newConnection()
            self.links[id] = Link(
                peer: peer, purpose: .main, isOutbound: true, phase: .dialling(address), since: now)
            self.dialling[peer] = id
            outbox.append(.dial(address, id, .main))
        }
    }

    private mutating func dropLate(now: Instant, into outbox: inout Outbox<Effect>) {
        let late = self.links.filter { _, link in
            switch link.phase {
            case .dialling: now >= link.since.adding(ms: Self.dialMs)
            case .greeting: now >= link.since.adding(ms: Self.greetingMs)
            case .up: false
            }
        }.map(\.key)
        for id in late {
            let reason = "it took too long"
            outbox.append(.close(id, reason: reason))
            self.onClosed(id, reason, now: now, into: &outbox)
        }
    }

    // MARK: Connections

    mutating func onConnected(
        _ id: ConnectionID, _ peer: PublicKey, _ purpose: Purpose, _ isOutbound: Bool,
        now: Instant, into outbox: inout Outbox<Effect>
    ) {
        let known = self.links[id]
        if isOutbound {
            guard let known, case .dialling = known.phase, known.peer == peer,
                known.purpose == purpose
            else {
                // A dial that was given up.
                if known == nil { outbox.append(.close(id, reason: "not wanted any more")) }
                return
            }
        } else {
            guard known == nil else { return }
            guard let reason = self.refusal(of: peer, purpose, now: now) else {
                self.admit(id, peer, purpose, isOutbound, now: now, into: &outbox)
                return
            }
            outbox.append(.close(id, reason: reason))
            return
        }
        self.admit(id, peer, purpose, isOutbound, now: now, into: &outbox)
    }

    /// Why a connection is not accepted; nil if it is.
    private func refusal(of peer: PublicKey, _ purpose: Purpose, now: Instant) -> String? {
        if peer == self.config.me { return "this is the node itself" }
        if self.bans.contains(peer, now: now) { return "you broke a rule less than a minute ago" }
        if self.links.count >= Self.linksMax { return "too many connections" }
        // Whoever dials for blobs has had a hello of ours, so its main connection is here.
        if purpose == .blobs, self.mains[peer] == nil { return "no main connection" }
        guard purpose == .main, self.mains[peer] == nil else { return nil }
        let accepted = self.links.values.count { $0.purpose == .main && !$0.isOutbound }
        let isFull = accepted >= Self.acceptedMax || self.mainCount >= Self.neighborsMax
        return isFull ? "too many peers" : nil
    }

    private var mainCount: Int { self.links.values.count { $0.purpose == .main } }

    private mutating func admit(
        _ id: ConnectionID, _ peer: PublicKey, _ purpose: Purpose, _ isOutbound: Bool,
        now: Instant, into outbox: inout Outbox<Effect>
    ) {
        switch purpose {
        case .main:
            if self.dialling[peer] == id { self.dialling[peer] = nil }
            let link = Link(
                peer: peer, purpose: .main, isOutbound: isOutbound, phase: .greeting, since: now)
            if let old = self.mains[peer], let other = self.links[old] {
                guard self.prefers(link, to: other, now: now) else {
                    self.links.removeValue(forKey: id)
                    outbox.append(.close(id, reason: "there is a connection already"))
                    return
                }
                outbox.append(.close(old, reason: "replaced by another connection"))
                if self.forgetMain(old, "replaced by another connection", into: &outbox) {
                    self.onGone(peer, now: now, into: &outbox)
                }
            }
            self.links[id] = link
            self.mains[peer] = id
            self.sendHello(on: id, into: &outbox)
        case .blobs:
            self.links[id] = Link(
                peer: peer, purpose: .blobs, isOutbound: isOutbound, phase: .up, since: now)
            self.onBlobConnected(id, peer, isOutbound, now: now, into: &outbox)
        }
    }

    /// Whether a new connection takes the place of the old one: both sides decide alike.
    private func prefers(_ new: Link, to old: Link, now: Instant) -> Bool {
        // One side dials twice only after it lost the first; and so long after the first it is no
        // crossing, but a peer that lost what seems to stand here.
        let isCrossing = now < old.since.adding(ms: Self.crossingMs)
        guard new.isOutbound != old.isOutbound, isCrossing else { return true }
        return new.dialler(self.config.me) < old.dialler(self.config.me)
    }

    mutating func onClosed(
        _ id: ConnectionID, _ reason: String, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        guard let link = self.links[id] else { return }
        guard link.purpose == .main else {
            self.onBlobClosed(id, link, now: now, into: &outbox)
            return
        }
        switch link.phase {
        case .dialling(let address):
            self.links.removeValue(forKey: id)
            self.dialling[link.peer] = nil
            guard self.mains[link.peer] == nil else { return }
            self.book.failed(link.peer, now: now, &self.generator)
            outbox.append(.report(.dialFailed(address, reason: reason)))
        case .greeting:
            self.forgetMain(id, reason, into: &outbox)
            self.book.failed(link.peer, now: now, &self.generator)
            outbox.append(.report(.down(link.peer, reason: reason)))
        case .up:
            self.forgetMain(id, reason, into: &outbox)
            if now >= link.since.adding(ms: AddressBook.stableMs) {
                self.book.lost(link.peer, now: now, &self.generator)
            } else {
                self.book.failed(link.peer, now: now, &self.generator)
            }
            self.onGone(link.peer, now: now, into: &outbox)
        }
    }

    /// Forgets a main connection, and says so if the peer was up. True if it was.
    @discardableResult
    private mutating func forgetMain(
        _ id: ConnectionID, _ reason: String, into outbox: inout Outbox<Effect>
    ) -> Bool {
        guard let link = self.links.removeValue(forKey: id) else { return false }
        self.mains[link.peer] = nil
        guard self.neighbors.removeValue(forKey: link.peer) != nil else { return false }
        outbox.append(.down(link.peer))
        outbox.append(.report(.down(link.peer, reason: reason)))
        return true
    }

    /// What follows from the loss of a peer.
    private mutating func onGone(
        _ peer: PublicKey, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        self.wanted.remove(peer: peer)
        self.askForTransactions(now: now, into: &outbox)
        self.dropBlobPeer(peer, now: now, into: &outbox)
        self.synchronise(now: now, into: &outbox)
    }

    /// Ends everything with a peer that broke a rule.
    mutating func violation(
        _ peer: PublicKey, _ text: String, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        outbox.append(.report(.violation(peer, text)))
        self.bans.add(peer, now: now)
        self.disconnect(peer, text, now: now, into: &outbox)
    }

    /// Closes every connection with a peer.
    private mutating func disconnect(
        _ peer: PublicKey, _ reason: String, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        let all = self.links.filter { $0.value.peer == peer }.map(\.key)
        for id in all where self.links[id] != nil {
            outbox.append(.close(id, reason: reason))
            self.onClosed(id, reason, now: now, into: &outbox)
        }
    }

    // MARK: Hello and status

    private func sendHello(on id: ConnectionID, into outbox: inout Outbox<Effect>) {
        let address = self.config.address.flatMap { $0.isValid ? $0 : nil }
        let hello = Hello(
            version: PeerMessage.version, genesis: self.config.genesis, height: self.sync.head,
            address: address, claims: self.claims)
        self.send(.hello(hello), on: id, into: &outbox)
    }

    mutating func onClaims(_ claims: [AccountClaim]) {
        let kept = Array(claims.prefix(Hello.claimsMax))
        guard kept != self.claims else { return }
        self.claims = kept
        self.isHelloDue = true
    }

    mutating func onHello(
        _ hello: Hello, _ id: ConnectionID, _ link: Link, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        let peer = link.peer
        guard hello.genesis == self.config.genesis else {
            let text = "its genesis is \(hello.genesis.short), this one's"
            self.refuse(peer, "\(text) \(self.config.genesis.short)", now: now, into: &outbox)
            return
        }
        if self.neighbors[peer]?.hellos.take(1, now: now) == false {
            self.violation(peer, "hello: too many of them", now: now, into: &outbox)
            return
        }
        if let address = hello.address, address.key != peer {
            self.violation(peer, "hello: an address of another node", now: now, into: &outbox)
            return
        }
        guard hello.claims.allSatisfy({ $0.isRight(for: peer, self.config.salt) }) else {
            self.violation(peer, "hello: a claim that is not signed", now: now, into: &outbox)
            return
        }
        self.book.introduced(peer, at: hello.address, now: now)
        let accounts = hello.claims.map(\.account)
        guard link.phase == .greeting else {
            self.neighbors[peer]?.height = hello.height
            self.neighbors[peer]?.address = hello.address
            self.neighbors[peer]?.accounts = accounts
            self.synchronise(now: now, into: &outbox)
            return
        }
        self.links[id]?.phase = .up
        self.links[id]?.since = now
        self.neighbors[peer] = Neighbor(
            connection: id, isOutbound: link.isOutbound, since: now, height: hello.height,
            address: hello.address, accounts: accounts)
        outbox.append(.up(peer))
        outbox.append(.report(.up(peer, isOutbound: link.isOutbound)))
        self.introduce(peer, on: id, hello.address, into: &outbox)
        self.announceWindow(on: id, into: &outbox)
        self.addBlobSource(peer, now: now, into: &outbox)
        self.synchronise(now: now, into: &outbox)
    }

    /// Ends the connection with a peer that belongs elsewhere: no rule is broken.
    mutating func refuse(
        _ peer: PublicKey, _ reason: String, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        self.bans.add(peer, now: now)
        self.disconnect(peer, reason, now: now, into: &outbox)
    }

    /// Tells a new peer of the others, and the others of it.
    private func introduce(
        _ peer: PublicKey, on id: ConnectionID, _ address: PeerAddress?,
        into outbox: inout Outbox<Effect>
    ) {
        let others = self.neighbors.filter { $0.key != peer }.values
        var rest = others.compactMap(\.address)[...]
        while !rest.isEmpty {
            let page = Array(rest.prefix(Self.introductionsMax))
            self.send(.peers(page), on: id, into: &outbox)
            rest = rest.dropFirst(page.count)
        }
        guard let address else { return }
        for other in others {
            self.send(.peers([address]), on: other.connection, into: &outbox)
        }
    }

    mutating func onPeers(_ addresses: [PeerAddress], now: Instant) {
        for address in addresses { self.book.heard(address, now: now, &self.generator) }
    }

    mutating func onHead(
        _ height: UInt64, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        guard self.sync.moved(to: height, now: now) else { return }
        self.isStatusDue = true
        self.sayStatus(now: now, into: &outbox)
        self.synchronise(now: now, into: &outbox)
    }

    /// Says the height to all, to those that are still greeting too: at most once a tick.
    private mutating func sayStatus(now: Instant, into outbox: inout Outbox<Effect>) {
        guard self.isStatusDue, now >= self.statusAt else { return }
        self.isStatusDue = false
        self.statusAt = now.adding(ms: Self.tickMs)
        for (id, link) in self.links where link.purpose == .main {
            if case .dialling = link.phase { continue }
            self.send(.status(height: self.sync.head), on: id, into: &outbox)
        }
    }
}
