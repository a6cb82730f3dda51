import Gossip
import Primitives
import Testing

/// The handshake of a connection, and everything that must not pass for one.
@Suite struct SessionHandshakeTests {
    private let dialler = SessionPair.dialler
    private let acceptor = SessionPair.acceptor

    @Test func bothSidesKnowEachOther() {
        for purpose in Purpose.allCases {
            let pair = SessionPair.connected(purpose)
            #expect(pair.established == [pair.keys[1].publicKey, pair.keys[0].publicKey])
            #expect(pair.purposes == [purpose, purpose])
            #expect(pair.faults == [nil, nil])
        }
    }

    @Test func theDiallersScript() throws {
        let (me, remote) = (SessionKeys.key(1), SessionKeys.key(2))
        var session = Session(
            config: Session.Config(
                isInitiator: true, purpose: .main, me: me.publicKey, remote: remote.publicKey,
                genesis: SessionKeys.genesis, seed: SessionKeys.digest("seed")))
        let now = Instant(ns: 0)
        var outbox = Outbox<Session.Effect>()
        session.handle(.connected, now: now, into: &outbox)
        let point = remote.agreementPoint
        #expect(
            outbox.drain() == [
                .schedule(.handshake, at: now.adding(ms: 5_000)), .agree(point: point, token: 1),
            ])
        session.handle(.agreed(me.agree(with: point), token: 9), now: now, into: &outbox)
        #expect(outbox.drain() == [], "another token's answer is nobody's")
        session.handle(.agreed(me.agree(with: point), token: 1), now: now, into: &outbox)
        let effects = outbox.drain()
        guard case .sign(let digest) = effects.first, effects.count == 1 else {
            Issue.record("one signature: \(effects)")
            return
        }
        session.handle(.signed(me.sign(digest)), now: now, into: &outbox)
        guard case .write(let bytes) = outbox.drain().first else {
            Issue.record("the first message")
            return
        }
        #expect(bytes.count == 2 + 224 && bytes.prefix(2) == [0, 224])
        session.handle(.expired(.handshake), now: now.adding(ms: 5_000), into: &outbox)
        #expect(outbox.drain() == [.close(.handshakeTimeout)])
        session.handle(.received([1, 2, 3]), now: now, into: &outbox)
        session.handle(.connected, now: now, into: &outbox)
        #expect(outbox.isEmpty, "nothing after close")
    }

    @Test func anotherChainOrKeyIsRefused() {
        var chains = SessionPair(genesis: [SessionKeys.genesis, SessionKeys.otherGenesis])
        chains.connect()
        #expect(chains.faults[self.acceptor] == .handshakeForged)
        #expect(chains.written[self.acceptor] == [], "a refused handshake is not answered")
        var keys = SessionPair(dialled: SessionKeys.key(5).publicKey)
        keys.connect()
        #expect(keys.faults[self.acceptor] == .handshakeForged)
        var own = SessionPair(dialled: SessionKeys.key(1).publicKey)
        own.connect()
        #expect(own.faults[self.dialler] == .isSelf)
    }

    /// A key and its negative have one X25519 point; the signature tells them apart.
    @Test func theOtherSignIsAnotherPeer() throws {
        var bytes = SessionKeys.key(2).publicKey.bytes
        bytes[31] ^= 0x80
        let mirrored = try #require(PublicKey(bytes))
        #expect(mirrored.agreementPoint == SessionKeys.key(2).agreementPoint)
        var pair = SessionPair(dialled: mirrored)
        pair.connect()
        #expect(pair.faults[self.dialler] == .wrongPeer)
        #expect(pair.established == [nil, nil], "no frame followed, so the acceptor waits")
    }

    @Test func signaturesOfOthersAreRefused() {
        for side in 0..<2 {
            var pair = SessionPair()
            pair.signers[side] = SessionKeys.key(7)
            pair.connect()
            #expect(pair.faults[1 - side] == .identityForged, "side \(side)")
            #expect(pair.established[self.acceptor] == nil)
        }
    }

    /// The first message with a payload made by hand: what the acceptor says to it.
    private func fault(_ payload: (SecretKey, [UInt8]) -> [UInt8]) throws -> SessionFault? {
        var pair = SessionPair()
        pair.feed(self.acceptor, .connected)
        var peer = RawPeer(SessionKeys.key(3), dials: pair.keys[1].publicKey)
        let first = try peer.first(payload)
        pair.feed(self.acceptor, .received([0, UInt8(first.count)] + first))
        if pair.faults[self.acceptor] != nil { #expect(pair.written[self.acceptor] == []) }
        return pair.faults[self.acceptor]
    }

    @Test func eachBrokenIdentityHasItsFault() throws {
        #expect(try self.fault { RawPeer.payload($0, $1) } == nil)
        #expect(try self.fault { RawPeer.payload($0, $1, use: 1) } == nil)
        #expect(try self.fault { RawPeer.payload($0, $1, use: 2) } == .wrongPurpose)
        #expect(try self.fault { RawPeer.payload($0, $1, use: 255) } == .wrongPurpose)
        #expect(try self.fault { RawPeer.payload($0, $1, stamp: 1) } == .identityMalformed)
        #expect(
            try self.fault { RawPeer.payload($0, $1).dropLast() + [1] } == .identityMalformed)
        #expect(
            try self.fault { _, hash in RawPeer.payload(SessionKeys.key(4), hash) }
                == .identityMalformed, "another key than the handshake's")
        #expect(
            try self.fault { key, hash in RawPeer.payload(key, hash.reversed()) }
                == .identityForged)
        #expect(
            try self.fault { key, hash in Array(RawPeer.payload(key, hash).dropLast()) }
                == .handshakeLength(223))
        #expect(try self.fault { _, _ in [] } == .handshakeLength(96))
    }

    @Test func pointsOfSmallOrderAreRefused() throws {
        for hex in SessionKeys.smallEdwards {
            let bytes = try #require(Hex.decode(hex))
            let key = try #require(PublicKey(bytes))
            #expect(key.agreementPoint == nil, "\(hex)")
            var pair = SessionPair(dialled: key)
            pair.connect()
            #expect(pair.faults[self.dialler] == .keyRefused)
        }
        let key = SessionKeys.key(1)
        let ephemeral = try #require(AgreementKey(secret: [UInt8](repeating: 5, count: 32)))
        for hex in SessionKeys.smallPoints {
            for top: UInt8 in [0, 0x80] {
                var point = try #require(Hex.decode(hex))
                point[31] |= top
                #expect(key.agree(with: point) == nil, "\(hex)")
                #expect(ephemeral.agree(with: point) == nil, "\(hex)")
                // As the ephemeral of the first message, and of the second.
                var pair = SessionPair()
                pair.feed(self.acceptor, .connected)
                let junk = point + [UInt8](repeating: 1, count: 192)
                pair.feed(self.acceptor, .received([0, 224] + junk))
                #expect(pair.faults[self.acceptor] == .keyRefused)
                pair.feed(self.dialler, .connected)
                pair.feed(self.dialler, .received([0, 176] + junk.prefix(176)))
                #expect(pair.faults[self.dialler] == .keyRefused)
            }
        }
        #expect(
            key.agree(with: []) == nil && key.agree(with: Array(repeating: 9, count: 33)) == nil)
        #expect(AgreementKey(secret: [1, 2, 3]) == nil)
    }

    @Test func everyByteOfTheMessagesCounts() {
        for side in 0..<2 {
            var good = SessionPair()
            for each in 0..<2 { good.feed(each, .connected) }
            if side == self.dialler { good.pass(to: self.acceptor) }
            let message = good.wires[side]
            #expect(message.count == 2 + (side == self.dialler ? 176 : 224))
            for place in 2..<message.count {
                var bad = good
                bad.wires[side][place] ^= 1 << UInt8(place % 8)
                bad.pass(to: side)
                let fault = bad.faults[side]
                #expect(fault == .handshakeForged, "byte \(place): \(String(describing: fault))")
                #expect(bad.established[side] == nil)
                #expect(side == self.dialler || bad.written[side] == [])
            }
        }
    }

    @Test func truncatedMessagesEndInATimeout() {
        var good = SessionPair()
        for side in 0..<2 { good.feed(side, .connected) }
        for count in [0, 1, 2, 3, 33, 225] {
            var bad = good
            bad.wires[self.acceptor] = Array(good.wires[self.acceptor].prefix(count))
            bad.pass(to: self.acceptor)
            #expect(bad.faults[self.acceptor] == nil)
            bad.advanceAlone(self.acceptor, ms: 4_500)
            #expect(bad.faults[self.acceptor] == nil)
            bad.advanceAlone(self.acceptor, ms: 500)
            #expect(bad.faults[self.acceptor] == .handshakeTimeout, "\(count) bytes")
            #expect(bad.written[self.acceptor] == [])
        }
    }

    @Test func otherLengthsAndEarlyBytesAreRefused() {
        for length in [0, 1, 176, 223, 225, 65_535] {
            var pair = SessionPair()
            pair.feed(self.acceptor, .connected)
            pair.feed(
                self.acceptor,
                .received([UInt8(length >> 8), UInt8(truncatingIfNeeded: length)]))
            #expect(pair.faults[self.acceptor] == .handshakeLength(length))
        }
        var pair = SessionPair()
        for side in 0..<2 { pair.feed(side, .connected) }
        pair.wires[self.acceptor].append(0)
        pair.pass(to: self.acceptor)
        #expect(pair.faults[self.acceptor] == .earlyBytes)
        var later = SessionPair()
        for side in 0..<2 { later.feed(side, .connected) }
        later.pass(to: self.acceptor)
        later.wires[self.dialler].append(0)
        later.pass(to: self.dialler)
        #expect(later.faults[self.dialler] == .earlyBytes)
    }

    /// Whoever repeats a first message gets an answer that it cannot use.
    @Test func aRepeatedFirstMessageEstablishesNothing() {
        var pair = SessionPair()
        for side in 0..<2 { pair.feed(side, .connected) }
        let first = pair.wires[self.acceptor]
        var again = SessionPair()
        again.feed(self.acceptor, .connected)
        again.feed(self.acceptor, .received(first))
        #expect(again.written[self.acceptor].count == 2 + 176)
        #expect(again.established[self.acceptor] == nil)
        again.feed(self.acceptor, .send(.votes, [1]))
        again.feed(self.acceptor, .received(first))
        #expect(again.faults[self.acceptor] == .frameForged)
        #expect(again.established[self.acceptor] == nil)
    }

    @Test func anUnconfirmedHandshakeTimesOut() {
        var pair = SessionPair()
        for side in 0..<2 { pair.feed(side, .connected) }
        pair.pass(to: self.acceptor)
        pair.advanceAlone(self.acceptor, ms: 5_000)
        #expect(pair.faults[self.acceptor] == .handshakeTimeout)
        #expect(pair.established[self.acceptor] == nil)
    }

    @Test func anAgreementThatIsRefusedCloses() {
        var pair = SessionPair()
        var outbox = Outbox<Session.Effect>()
        var session = pair.sessions[self.dialler]
        session.handle(.connected, now: pair.now, into: &outbox)
        _ = outbox.drain()
        session.handle(.agreed(nil, token: 1), now: pair.now, into: &outbox)
        #expect(outbox.drain() == [.close(.keyRefused)])
        pair.feed(self.dialler, .disconnected)
        #expect(pair.faults[self.dialler] == nil, "the driver knows that the connection is gone")
    }
}
