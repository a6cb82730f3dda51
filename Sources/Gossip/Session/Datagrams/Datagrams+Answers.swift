import OrderedCollections
import Primitives

/// Handshakes begun elsewhere.
///
/// - Source: protocol/session.md, "Datagrams", "Authenticators" and "Cookies".
extension Datagrams {
    mutating func onFirst(
        _ bytes: [UInt8], sender: UInt32, _ message: [UInt8], mac1: [UInt8], mac2: [UInt8],
        from endpoint: Endpoint, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        let trailing = 2 * DatagramPacket.macBytes
        guard self.doorkeeper.holds(mac1: mac1, of: bytes, trailing: trailing) else {
            self.dropped &+= 1
            return
        }
        let verdict = self.doorkeeper.judge(
            bytes, mac1: mac1, mac2: mac2, from: endpoint, now: now, random: &self.generator)
        switch verdict {
        case .ignore: self.dropped &+= 1
        case .askForCookie:
            let cookie = self.doorkeeper.cookie(
                for: endpoint, mac1: mac1, receiver: sender, now: now, random: &self.generator)
            outbox.append(.write(cookie, to: endpoint))
        case .work: self.work(on: message, sender, from: endpoint, now: now, into: &outbox)
        }
    }

    private mutating func work(
        on message: [UInt8], _ sender: UInt32, from endpoint: Endpoint, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        do throws(SessionFault) {
            var handshake = try Handshake(
                me: self.config.me, remote: nil, genesis: self.config.genesis,
                use: HandshakeIdentity.datagrams, stamp: self.freshStamp(now),
                ephemeral: self.generator.bytes(X25519.count))
            let step = try handshake.read(message)
            if self.answers.count == Self.answersMax, let oldest = self.answers.keys.first {
                self.forget(answer: oldest)
            }
            let name = self.freshName()
            let until = now.adding(ms: Self.handshakeMs)
            self.answers[name] = Answer(
                endpoint: endpoint, sender: sender, until: until, handshake: handshake)
            outbox.append(.schedule(.handshake(name), at: until))
            try self.perform(step, ofAnswer: name, now: now, into: &outbox)
        } catch {
            self.dropped &+= 1
        }
    }

    private mutating func perform(
        _ step: Handshake.Step, ofAnswer name: UInt32, now: Instant,
        into outbox: inout Outbox<Effect>
    ) throws(SessionFault) {
        guard let answer = self.answers[name] else { return }
        switch step {
        case .agree(let point):
            let token = self.freshToken(for: name)
            self.answers[name]?.token = token
            outbox.append(.agree(point: point, token: token))
        case .sign(let digest):
            guard let peer = answer.handshake.peer else { throw .outOfOrder }
            try self.admit(peer, besides: name)
            let token = self.freshToken(for: name)
            self.answers[name]?.token = token
            outbox.append(.sign(digest, token: token))
        case .write(let message):
            guard let peer = answer.handshake.peer else { throw .outOfOrder }
            self.answers[name]?.pair = KeyPair(
                peer: peer.key, isInitiator: false, receiver: answer.sender,
                keys: try answer.handshake.split(), since: now)
            let bytes = DatagramPacket.second(sender: name, receiver: answer.sender, message)
            let mac1 = NoiseHash.mac(key: Doorkeeper.macKey(of: peer.key, self.salt), bytes)
            outbox.append(.write(bytes + mac1, to: answer.endpoint))
        case .done: throw .outOfOrder
        }
    }

    // SPEC session: "On datagrams the use MUST be 2, and a responder MUST refuse a first message
    // whose stamp is not above every stamp of that key that it remembers."
    private mutating func admit(
        _ peer: HandshakeIdentity, besides name: UInt32
    ) throws(SessionFault) {
        guard peer.use == HandshakeIdentity.datagrams else { throw .wrongPurpose }
        if let known = self.peers[peer.key], peer.stamp <= known.stamp {
            throw .handshakeForged
        }
        let others = self.answers.filter {
            $0.key != name && $0.value.handshake.peer?.key == peer.key
        }
        guard others.values.allSatisfy({ $0.handshake.peer?.stamp ?? 0 < peer.stamp }) else {
            throw .handshakeForged
        }
        for other in others.keys { self.forget(answer: other) }
    }

    mutating func forget(answer name: UInt32) {
        if let token = self.answers[name]?.token { self.awaited[token] = nil }
        self.answers[name] = nil
    }

    /// An agreement or a signature came back: the handshake that it is for goes on.
    mutating func onAnswered(
        _ token: UInt64, now: Instant, into outbox: inout Outbox<Effect>,
        _ advance: (inout Handshake) throws(SessionFault) -> Handshake.Step
    ) {
        guard let name = self.awaited.removeValue(for: token) else { return }
        if var answer = self.answers[name] {
            do throws(SessionFault) {
                answer.token = nil
                let step = try advance(&answer.handshake)
                self.answers[name] = answer
                try self.perform(step, ofAnswer: name, now: now, into: &outbox)
            } catch {
                self.forget(answer: name)
                self.dropped &+= 1
            }
        } else if var attempt = self.attempts[name] {
            attempt.token = nil
            do throws(SessionFault) {
                let step: Handshake.Step
                if var reply = attempt.reply {
                    step = try advance(&reply.handshake)
                    attempt.reply = reply
                } else {
                    step = try advance(&attempt.handshake)
                }
                self.attempts[name] = attempt
                self.perform(step, ofAttempt: name, now: now, into: &outbox)
            } catch {
                // A forged reply is forgotten, and the true one may still come.
                attempt.reply = nil
                self.attempts[name] = attempt.sent == nil ? nil : attempt
                self.dropped &+= 1
            }
        }
    }
}
