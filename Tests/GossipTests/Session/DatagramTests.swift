import Gossip
import Primitives
import Testing

/// Datagrams between sockets that keep to the protocol.
@Suite struct DatagramTests {
    private func text(_ words: String) -> [UInt8] { Array(words.utf8) }

    private func got(_ world: DatagramWorld, _ side: Int) -> [[UInt8]] {
        world.delivered[side].map(\.bytes)
    }

    @Test func theFirstPayloadArrivesAfterAHandshake() {
        var world = DatagramWorld(2)
        world.send(self.text("hello"), from: 0, to: 1)
        #expect(world.flights.map(\.bytes.count) == [264])
        world.step()
        #expect(world.flights.map(\.bytes.count) == [204])
        world.step()
        #expect(world.flights.map(\.bytes.count) == [32 + 5])
        world.step()
        #expect(
            world.delivered[1]
                == [.init(bytes: self.text("hello"), peer: world.keys[0].publicKey)])
        world.run()
        world.send(self.text("answer"), from: 1, to: 0)
        #expect(world.flights.map(\.bytes.count) == [32 + 6], "the keys serve both directions")
        world.run()
        #expect(self.got(world, 0) == [self.text("answer")])
        #expect(world.sockets.map(\.peerCount) == [1, 1])
        #expect(world.sockets.map(\.dropped) == [0, 0])
    }

    @Test func payloadsAreBounded() {
        var world = DatagramWorld(2)
        for count in [0, 1_201, 70_000] {
            world.send([UInt8](repeating: 1, count: count), from: 0, to: 1)
        }
        #expect(world.flights == [])
        world.send([UInt8](repeating: 1, count: 1_200), from: 0, to: 1)
        world.run()
        #expect(self.got(world, 1).map(\.count) == [1_200])
        #expect(world.trace.map(\.bytes.count).max() == 1_232)
    }

    @Test func aFewPayloadsWaitForTheHandshake() {
        var world = DatagramWorld(2)
        for value in 0..<12 as Range<UInt8> { world.send([value], from: 0, to: 1) }
        world.run()
        #expect(self.got(world, 1) == (4..<12).map { [$0] }, "the oldest were dropped")
        #expect(world.sockets[0].dropped == 4)
    }

    @Test func keysThatAreNoneAreNotSought() {
        var world = DatagramWorld(2)
        for hex in SessionKeys.smallEdwards {
            guard let key = Hex.decode(hex).flatMap({ PublicKey($0) }) else { continue }
            world.feed(0, .send([1], to: key, at: world.endpoints[1]))
        }
        world.feed(0, .send([1], to: world.keys[0].publicKey, at: world.endpoints[0]))
        #expect(world.flights == [])
        #expect(world.sockets[0].dropped == UInt64(SessionKeys.smallEdwards.count) + 1)
    }

    @Test func bothMayBeginAtOnce() {
        var world = DatagramWorld(2)
        world.send([1], from: 0, to: 1)
        world.send([2], from: 1, to: 0)
        world.run()
        #expect(self.got(world, 0) == [[2]] && self.got(world, 1) == [[1]])
        for round in 0..<5 as Range<UInt8> {
            world.send([10 + round], from: 0, to: 1)
            world.send([20 + round], from: 1, to: 0)
            world.run()
        }
        #expect(self.got(world, 0).count == 6 && self.got(world, 1).count == 6)
    }

    @Test func lostHandshakesAreTriedAgain() {
        for lost in 1...3 {
            var world = DatagramWorld(2)
            world.send([5], from: 0, to: 1)
            for _ in 0..<lost {
                #expect(world.flights.count == 1)
                world.flights = []
                world.now = world.now.adding(ms: 5_000)
                world.fire()
            }
            world.run()
            #expect(self.got(world, 1) == (lost < 3 ? [[5]] : []), "\(lost) lost")
            #expect(world.sockets[0].dropped == (lost < 3 ? 0 : 1))
        }
    }

    @Test func keysChangeWithTimeAndNothingIsLost() {
        var world = DatagramWorld(2)
        var sent: [[UInt8]] = []
        for round in 0..<100 {
            let payload = [UInt8(round)]
            sent.append(payload)
            world.send(payload, from: round % 2, to: 1 - round % 2)
            world.run()
            world.advance(ms: 7_000)
        }
        let handshakes = world.trace.filter { $0.bytes.first == 1 }.count
        #expect(handshakes >= 5 && handshakes <= 8, "one in two minutes: \(handshakes)")
        #expect(
            self.got(world, 0) + self.got(world, 1)
                == (sent.indices.filter { $0 % 2 == 1 } + sent.indices.filter { $0 % 2 == 0 })
                .map { sent[$0] })
    }

    @Test func oldKeysAreForgotten() {
        var world = DatagramWorld(2)
        world.send([1], from: 0, to: 1)
        world.run()
        let data = world.trace.last { $0.bytes.first == 4 && $0.to == 1 }
        #expect(world.sockets.map(\.peerCount) == [1, 1])
        world.advance(ms: 240_000)
        #expect(world.sockets.map(\.peerCount) == [0, 0])
        if let data { #expect(world.hand(data) == []) }
        world.send([2], from: 1, to: 0)
        world.run()
        #expect(self.got(world, 0) == [[2]])
    }

    /// The responder forgot everything; whoever sends to it notices within seconds.
    @Test func aRestartedPeerIsFoundAgain() {
        for side in 0..<2 {
            var world = DatagramWorld(2)
            world.send([0], from: 0, to: 1)
            world.run()
            world.advance(ms: 11_000)
            world.restart(side)
            let other = 1 - side
            for second in 1..<30 as Range<UInt8> {
                world.send([second], from: other, to: side)
                world.run()
                world.advance(ms: 1_000)
            }
            let first = self.got(world, side).last { $0 != [0] }
            #expect(first == [29], "side \(side)")
            let lost = (1..<30).filter { !self.got(world, side).contains([$0]) }
            #expect(lost.count <= 16, "side \(side): \(lost)")
        }
    }

    @Test func countersAreAcceptedOnceAndNotLate() {
        // One socket sends 3,000 datagrams; they arrive in another order, each of them twice.
        var world = DatagramWorld(2)
        world.send([0, 0], from: 0, to: 1)
        world.run()
        for index in 1..<3_000 {
            world.send([UInt8(index >> 8), UInt8(truncatingIfNeeded: index)], from: 0, to: 1)
        }
        let flights = world.flights
        world.flights = []
        world.hand(flights[2_998])
        for flight in flights.reversed() { world.hand(flight) }
        for flight in flights { world.hand(flight) }
        let numbers = self.got(world, 1).map { Int($0[0]) << 8 | Int($0[1]) }
        #expect(numbers.count == 2_048 + 1)
        #expect(numbers[1] == 2_999 && numbers.dropFirst().min() == 2_999 - 2_047)
    }

    /// Loss, delay, disorder and doubles: nothing comes twice, nothing comes that was not sent.
    @Test func aBadNetworkInventsNothing() {
        for seed in 0..<20 {
            var random = Generator(seed: SessionKeys.digest("network \(seed)"))
            var world = DatagramWorld(3)
            var sent: [[[UInt8]]] = [[], [], []]
            for number in 0..<150 {
                let from = Int(random.below(3))
                let to = (from + 1 + Int(random.below(2))) % 3
                let payload = [UInt8(from), UInt8(to), UInt8(number)]
                sent[to].append(payload)
                world.send(payload, from: from, to: to)
                for _ in 0..<6 where !world.flights.isEmpty {
                    let place = Int(random.below(UInt64(world.flights.count)))
                    let flight = world.flights.remove(at: place)
                    let chance = random.below(10)
                    if chance > 0 { world.hand(flight) }
                    if chance > 8 { world.hand(flight) }
                }
                world.now = world.now.adding(ms: random.below(3_000))
                world.fire()
            }
            world.run()
            for side in 0..<3 {
                let got = world.delivered[side]
                #expect(got.count > 20, "seed \(seed)")
                for (index, delivery) in got.enumerated() {
                    #expect(sent[side].contains(delivery.bytes))
                    #expect(delivery.peer == world.keys[Int(delivery.bytes[0])].publicKey)
                    #expect(!got[..<index].contains(delivery), "seed \(seed): twice")
                }
            }
        }
    }
}
