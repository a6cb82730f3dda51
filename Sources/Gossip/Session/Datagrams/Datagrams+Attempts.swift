import OrderedCollections
import Primitives

/// Handshakes begun here.
///
/// - Source: protocol/session.md, "Datagrams" and "Cookies".
extension Datagrams {
    /// Begins a handshake, or lets one that runs take the payload, too.
    mutating func seek(
        _ peer: PublicKey, at endpoint: Endpoint, waiting payload: [UInt8]?, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        if let name = self.attempts.keys.first(where: { self.attempts[$0]?.peer == peer }) {
            guard let payload, var waiting = self.attempts[name]?.waiting else { return }
            if waiting.count == Self.waitingMax {
                waiting.removeFirst()
                self.dropped &+= 1
            }
            self.attempts[name]?.waiting = waiting + [payload]
            return
        }
        guard self.attempts.count < Self.attemptsMax else {
            if payload != nil { self.dropped &+= 1 }
            return
        }
        let waiting = payload.map { [$0] } ?? []
        self.begin(peer, at: endpoint, waiting, tries: 1, now: now, into: &outbox)
    }

    private mutating func begin(
        _ peer: PublicKey, at endpoint: Endpoint, _ waiting: [[UInt8]], tries: Int, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        do throws(SessionFault) {
            var handshake = try Handshake(
                me: self.config.me, remote: peer, genesis: self.config.genesis,
                use: HandshakeIdentity.datagrams, stamp: self.freshStamp(now),
                ephemeral: self.generator.bytes(X25519.count))
            let step = try handshake.begin()
            let name = self.freshName()
            let until = now.adding(ms: Self.handshakeMs)
            self.attempts[name] = Attempt(
                peer: peer, endpoint: endpoint, tries: tries, until: until, handshake: handshake,
                waiting: waiting)
            outbox.append(.schedule(.handshake(name), at: until))
            self.perform(step, ofAttempt: name, now: now, into: &outbox)
        } catch {
            self.dropped &+= UInt64(waiting.count)  // A key that is no key, or our own.
        }
    }

    mutating func perform(
        _ step: Handshake.Step, ofAttempt name: UInt32, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        switch step {
        case .agree(let point):
            let token = self.freshToken(for: name)
            self.attempts[name]?.token = token
            outbox.append(.agree(point: point, token: token))
        case .sign(let digest):
            let token = self.freshToken(for: name)
            self.attempts[name]?.token = token
            outbox.append(.sign(digest, token: token))
        case .write(let message):
            guard let attempt = self.attempts[name] else { return }
            var bytes = DatagramPacket.first(sender: name, message)
            let mac1 = NoiseHash.mac(key: Doorkeeper.macKey(of: attempt.peer, self.salt), bytes)
            bytes += mac1
            self.attempts[name]?.sent = (bytes, mac1)
            let noCookie = [UInt8](repeating: 0, count: DatagramPacket.macBytes)
            outbox.append(.write(bytes + noCookie, to: attempt.endpoint))
        case .done: self.finish(name, now: now, into: &outbox)
        }
    }

    /// The responder's message: worked on in a copy, because anybody on the path can forge one.
    mutating func onSecond(
        _ sender: UInt32, to name: UInt32, _ message: [UInt8], now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        guard let attempt = self.attempts[name], attempt.sent != nil, attempt.reply == nil else {
            self.dropped &+= 1
            return
        }
        var handshake = attempt.handshake
        do throws(SessionFault) {
            let step = try handshake.read(message)
            self.attempts[name]?.reply = (handshake, sender)
            self.perform(step, ofAttempt: name, now: now, into: &outbox)
        } catch {
            self.dropped &+= 1
        }
    }

    // SPEC session: "An initiator MUST take at most one cookie for one message, and sends the same
    // message again with mac2."
    mutating func onCookie(
        to name: UInt32, nonce: [UInt8], _ sealed: [UInt8], into outbox: inout Outbox<Effect>
    ) {
        guard let attempt = self.attempts[name], let sent = attempt.sent, !attempt.hasCookie,
            let cookie = Sealing.openRandom(
                sealed, key: Doorkeeper.cookieKey(of: attempt.peer, self.salt), nonce: nonce,
                data: sent.mac1)
        else {
            self.dropped &+= 1
            return
        }
        self.attempts[name]?.hasCookie = true
        let mac2 = NoiseHash.mac(key: cookie, sent.bytes)
        outbox.append(.write(sent.bytes + mac2, to: attempt.endpoint))
    }

    private mutating func finish(
        _ name: UInt32, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        guard let attempt = self.attempts[name], let reply = attempt.reply else { return }
        do throws(SessionFault) {
            let pair = KeyPair(
                peer: attempt.peer, isInitiator: true, receiver: reply.sender,
                keys: try reply.handshake.split(), since: now)
            self.attempts[name] = nil
            self.use(pair, named: name, stamp: 0, isSought: true, now: now, into: &outbox)
            // SPEC session: "An initiator MUST send data at once, empty if it has none: it confirms
            // the handshake."
            let first = attempt.waiting.isEmpty ? [[]] : attempt.waiting
            for payload in first {
                self.write(payload, under: name, to: attempt.endpoint, now: now, into: &outbox)
            }
        } catch {
            self.dropped &+= 1
        }
    }

    /// Tries again, or gives up.
    mutating func onHandshakeExpired(
        _ name: UInt32, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        if let answer = self.answers[name], now >= answer.until {
            self.forget(answer: name)
        }
        guard let attempt = self.attempts[name], now >= attempt.until else { return }
        self.forget(attempt: name)
        guard attempt.tries < Self.triesMax else {
            self.dropped &+= UInt64(attempt.waiting.count)
            return
        }
        self.begin(
            attempt.peer, at: attempt.endpoint, attempt.waiting, tries: attempt.tries + 1,
            now: now, into: &outbox)
    }

    private mutating func forget(attempt name: UInt32) {
        if let token = self.attempts[name]?.token { self.awaited[token] = nil }
        self.attempts[name] = nil
    }

    mutating func freshToken(for name: UInt32) -> UInt64 {
        self.tokens += 1  // A few for each handshake.
        self.awaited[self.tokens] = name
        return self.tokens
    }
}
