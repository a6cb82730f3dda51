import Gossip
import Primitives
import Testing

/// What strangers and liars send to a socket.
@Suite struct DatagramAttackTests {
    private func first(_ world: inout DatagramWorld) -> DatagramWorld.Flight {
        world.send([1], from: 0, to: 1)
        return world.flights.removeLast()
    }

    /// Every bit of a first message but those of mac2, which is not looked at in calm times.
    @Test func nothingIsAnsweredWithoutAValidAuthenticator() {
        var world = DatagramWorld(2)
        let flight = self.first(&world)
        for bit in 0..<(248 * 8) {
            var bytes = flight.bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(world.hand(.init(from: 0, to: 1, bytes: bytes)) == [], "bit \(bit)")
        }
        for count in 0..<flight.bytes.count {
            let bytes = Array(flight.bytes.prefix(count))
            #expect(world.hand(.init(from: 0, to: 1, bytes: bytes)) == [], "\(count) bytes")
        }
        #expect(world.agreements[1] == 0, "and nothing was worked on")
        #expect(world.hand(.init(from: 0, to: 1, bytes: flight.bytes + [0])) == [])
        #expect(world.hand(flight).count == 1)
    }

    /// A valid mac1 needs only the responder's key; without a handshake behind it nothing is said.
    @Test func anAuthenticatorAloneIsNotAnswered() {
        var world = DatagramWorld(2)
        let salt = ChainSalt(SessionKeys.genesis)
        let key = Blake2b.hash(.mac, salt, world.keys[1].publicKey.bytes).bytes
        var random = Generator(seed: SessionKeys.digest("mac"))
        for _ in 0..<15 {
            let covered = [1, 0, 0, 0] + random.bytes(4 + 224)
            let bytes = covered + NoiseHash.mac(key: key, covered) + random.bytes(16)
            #expect(world.hand(.init(from: 0, to: 1, bytes: bytes)) == [])
        }
        #expect(world.agreements[1] == 15)
        let second = [2, 0, 0, 0] + random.bytes(8 + 176)
        let bytes = second + NoiseHash.mac(key: key, second)
        #expect(world.hand(.init(from: 0, to: 1, bytes: bytes)) == [])
    }

    @Test func repeatedFirstMessagesCostNothing() {
        var world = DatagramWorld(2)
        let flight = self.first(&world)
        #expect(world.hand(flight).count == 1)
        let agreements = world.agreements[1]
        for _ in 0..<100 { #expect(world.hand(flight) == []) }
        #expect(world.agreements[1] == agreements)
        world.run()
        #expect(world.delivered[1].map(\.bytes) == [[1]], "the handshake itself was not disturbed")
    }

    /// An old first message, after the responder lost its memory of it but has newer keys.
    @Test func oldStampsAreRefused() {
        var world = DatagramWorld(2)
        let old = self.first(&world)  // It never arrives in its time.
        world.now = world.now.adding(ms: 5_000)
        world.fire()
        world.run()
        #expect(world.delivered[1].map(\.bytes) == [[1]])
        let trace = world.trace.count
        world.hand(old)
        #expect(world.trace.count == trace, "no answer to an older stamp")
        world.send([2], from: 1, to: 0)
        world.run()
        #expect(world.delivered[0].map(\.bytes) == [[2]])
        // The initiator's machine was set back by a day; when its old keys end, it is let in again.
        world.restart(0, epochMs: world.epochMs - 86_400_000)
        world.send([3], from: 0, to: 1)
        world.run()
        #expect(world.delivered[1].map(\.bytes) == [[1]])
        world.advance(ms: 240_000)
        world.send([4], from: 0, to: 1)
        world.run()
        #expect(world.delivered[1].map(\.bytes) == [[1], [4]])
    }

    /// While a handshake waits for its confirmation, an older one does not take its place.
    @Test func anOlderHandshakeReplacesNone() {
        var world = DatagramWorld(2)
        let old = self.first(&world)
        world.now = world.now.adding(ms: 5_000)
        world.fire()
        let new = world.flights.removeLast()
        #expect(world.hand(new).count == 1)
        let answer = world.flights
        world.flights = []
        #expect(world.hand(old) == [], "no answer to an older stamp")
        world.flights = answer
        world.run()
        #expect(world.delivered[1].map(\.bytes) == [[1]])
    }

    /// A first message repeated to a socket that has restarted: answered, and of no effect.
    @Test func aRepeatAfterARestartChangesNothing() {
        var world = DatagramWorld(2)
        let flight = self.first(&world)
        world.hand(flight)
        world.run()
        let data = world.trace.filter { $0.to == 1 && $0.bytes.first == 4 }
        world.restart(1)
        #expect(world.hand(flight).count == 1)
        for old in data { world.hand(old) }
        world.run()
        #expect(world.sockets[1].peerCount == 0)
        #expect(world.delivered[1].map(\.bytes) == [[1]], "what came before the restart")
        world.advance(ms: 10_000)
        world.restart(0)
        world.send([2], from: 0, to: 1)
        world.run()
        #expect(world.delivered[1].map(\.bytes) == [[1], [2]])
    }

    @Test func everyDatagramTwiceIsLikeOnce() {
        var world = DatagramWorld(2)
        for value in 0..<20 as Range<UInt8> {
            world.send([value], from: Int(value % 2), to: 1 - Int(value % 2))
            for _ in 0..<8 {
                let flights = world.flights
                world.flights = []
                for flight in flights + flights { world.hand(flight) }
            }
        }
        for side in 0..<2 {
            let values = world.delivered[side].map { Int($0.bytes[0]) }
            #expect(values.sorted() == (0..<20).filter { $0 % 2 == 1 - side })
        }
    }

    /// A forged second message does not keep the true one out.
    @Test func forgedAnswersAreForgotten() {
        var world = DatagramWorld(2)
        let flight = self.first(&world)
        let answers = world.hand(flight)
        guard let answer = answers.first else {
            Issue.record("no answer")
            return
        }
        world.flights = []
        let salt = ChainSalt(SessionKeys.genesis)
        let key = Blake2b.hash(.mac, salt, world.keys[0].publicKey.bytes).bytes
        for place in [12, 43, 44, 100, 187] {
            var forged = Array(answer.bytes.dropLast(16))
            forged[place] ^= 1
            forged += NoiseHash.mac(key: key, forged)
            #expect(world.hand(.init(from: 1, to: 0, bytes: forged)) == [])
        }
        // And a point of small order in it.
        var small = Array(answer.bytes.dropLast(16))
        small.replaceSubrange(12..<44, with: [UInt8](repeating: 0, count: 32))
        small += NoiseHash.mac(key: key, small)
        #expect(world.hand(.init(from: 1, to: 0, bytes: small)) == [])
        world.hand(answer)
        world.run()
        #expect(world.delivered[1].map(\.bytes) == [[1]])
    }

    @Test func underLoadCookiesAreAskedFor() {
        var world = DatagramWorld(3)
        world.flood(1, 21)
        let agreements = world.agreements[1]
        world.send([7], from: 0, to: 1)
        world.step()
        #expect(world.flights.map(\.bytes.count) == [64], "a cookie")
        #expect(world.agreements[1] == agreements, "and no work")
        let cookie = world.flights[0]
        world.step()
        let again = world.flights
        #expect(again.map(\.bytes.count) == [264])
        #expect(world.hand(cookie) == [], "one cookie for one message")
        // The same bytes from another address are another sender's.
        world.flights = []
        #expect(
            world.hand(.init(from: 2, to: 1, bytes: again[0].bytes)).map(\.bytes.count) == [64])
        world.flights = again
        world.run()
        #expect(world.delivered[1].map(\.bytes) == [[7]])
        // Calm returns.
        world.now = world.now.adding(ms: 3_000)
        world.send([8], from: 2, to: 1)
        world.step()
        #expect(world.flights.map(\.bytes.count) == [204])
    }

    @Test func cookiesOfOthersAreRefused() {
        var world = DatagramWorld(2)
        let flight = self.first(&world)
        var random = Generator(seed: SessionKeys.digest("cookie"))
        let name = Array(flight.bytes[4..<8])
        for _ in 0..<20 {
            let bytes = [3, 0, 0, 0] + name + random.bytes(24 + 32)
            #expect(world.hand(.init(from: 1, to: 0, bytes: bytes)) == [])
        }
        world.hand(flight)
        world.run()
        #expect(world.delivered[1].map(\.bytes) == [[1]])
    }

    /// Strangers by the hundred: memory is bounded, and an old acquaintance is kept.
    @Test func strangersAreBounded() {
        var world = DatagramWorld(2)
        world.send([1], from: 1, to: 0)
        world.run()
        let before = world.trace.count
        for _ in 0..<20 {
            world.flood(1, 40)
            world.now = world.now.adding(ms: 200)
        }
        #expect(world.agreements[1] <= 3 * (20 + 128) * 5, "work is bounded by the second")
        #expect(world.trace.count - before <= 800, "and so are answers")
        world.send([2], from: 1, to: 0)
        world.run()
        #expect(world.delivered[0].map(\.bytes) == [[1], [2]])
    }

    @Test func peersAreBounded() {
        var world = DatagramWorld(2)
        world.send([1], from: 1, to: 0)
        world.run()
        var clock = world.now
        for number in 0..<1_100 {
            guard let key = SecretKey(seed: SessionKeys.digest("peer \(number)").bytes) else {
                continue
            }
            // A world of its own, whose second socket is ours.
            clock = clock.adding(ms: 100)
            world.now = clock
            var guest = Datagrams(
                config: Datagrams.Config(
                    me: key.publicKey, genesis: SessionKeys.genesis,
                    seed: SessionKeys.digest("guest \(number)"), epochMs: world.epochMs))
            let arrived = DatagramWorld.meet(
                &guest, key, &world, 1, from: [172, 16, UInt8(number >> 8), UInt8(number & 255)])
            #expect(arrived)
            #expect(world.sockets[1].peerCount <= Datagrams.peersMax)
        }
        #expect(world.sockets[1].peerCount == Datagrams.peersMax)
        world.send([2], from: 1, to: 0)
        #expect(
            world.flights.map(\.bytes.count) == [33], "keys with a peer that was sought are kept")
        world.run()
        #expect(world.delivered[0].map(\.bytes) == [[1], [2]])
    }

    @Test func attemptsAreBounded() {
        var world = DatagramWorld(1)
        for number in 0..<200 {
            let key = SecretKey(seed: SessionKeys.digest("away \(number)").bytes)
            guard let key else { continue }
            let endpoint = Datagrams.Endpoint(address: [10, 9, 8, 7], port: 1)
            world.feed(0, .send([1], to: key.publicKey, at: endpoint))
        }
        #expect(world.trace.count == 64)
        #expect(world.sockets[0].dropped == 200 - 64)
        world.advance(ms: 20_000)
        #expect(world.trace.count == 3 * 64, "three tries each, and no more")
    }

    @Test func garbageIsRefused() {
        for seed in 0..<50 {
            var random = Generator(seed: SessionKeys.digest("datagram \(seed)"))
            var world = DatagramWorld(2)
            world.send([1], from: 0, to: 1)
            if seed % 2 == 0 { world.run() }
            for _ in 0..<200 {
                var bytes = random.bytes(Int(random.below(1_400)))
                let sizes = [264, 204, 64, 32, 33, 1_232, 1_233]
                if random.below(2) == 0 { bytes = random.bytes(sizes[Int(random.below(7))]) }
                for (place, byte) in [UInt8(random.below(6)), 0, 0, 0].enumerated()
                where place < bytes.count { bytes[place] = byte }
                let side = Int(random.below(2))
                #expect(world.hand(.init(from: 1 - side, to: side, bytes: bytes)) == [])
                world.feed(side, .agreed(random.bytes(32), token: random.below(20)))
                world.feed(side, .signed(.blank, token: random.below(20)))
                world.feed(side, .expired(.handshake(UInt32(random.below(9)))))
                world.feed(side, .expired(.sweep))
            }
            #expect(world.delivered[0] == [])
        }
    }
}
