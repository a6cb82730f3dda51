import Gossip
import Primitives
import Testing

/// Random messages, random chunks, random damage: what arrives is what was sent, or nothing is.
@Suite struct SessionPropertyTests {
    private typealias Sent = [[SessionPair.Delivery]]

    private func message(_ random: inout Generator) -> SessionPair.Delivery {
        let traffic = TrafficClass(rawValue: UInt8(random.below(7))) ?? .control
        let top: UInt64 = random.below(8) == 0 ? 60_000 : 300
        let count = Int(1 + random.below(top))
        return SessionPair.Delivery(traffic: traffic, bytes: random.bytes(count))
    }

    /// Sends in both directions and moves bytes in pieces of random length.
    private func exchange(_ pair: inout SessionPair, _ random: inout Generator) -> Sent {
        var sent: Sent = [[], []]
        for _ in 0..<60 {
            let side = Int(random.below(2))
            switch random.below(4) {
            case 0, 1:
                let message = self.message(&random)
                sent[side].append(message)
                pair.feed(side, .send(message.traffic, message.bytes))
            case 2: pair.feed(side, .writable(random.below(3) > 0))
            default: self.move(&pair, side, &random)
            }
        }
        for side in 0..<2 { pair.feed(side, .writable(true)) }
        for _ in 0..<400 {
            for side in 0..<2 {
                pair.fire(side)
                self.move(&pair, side, &random)
            }
        }
        pair.run()
        return sent
    }

    private func move(_ pair: inout SessionPair, _ side: Int, _ random: inout Generator) {
        let count = Int(random.below(UInt64(pair.wires[side].count) + 1))
        let piece = Array(pair.wires[side].prefix(count))
        pair.wires[side].removeFirst(count)
        if !piece.isEmpty { pair.feed(side, .received(piece)) }
    }

    @Test func everythingArrivesInOrder() {
        for seed in 0..<40 {
            var random = Generator(seed: SessionKeys.digest("chunks \(seed)"))
            var pair = SessionPair()
            for side in 0..<2 { pair.feed(side, .connected) }
            // The handshake, too, comes in pieces.
            for _ in 0..<2_000 where pair.established.contains(nil) {
                for side in 0..<2 { self.move(&pair, side, &random) }
            }
            #expect(!pair.established.contains(nil), "seed \(seed)")
            let sent = self.exchange(&pair, &random)
            #expect(pair.faults == [nil, nil], "seed \(seed)")
            for side in 0..<2 {
                for traffic in TrafficClass.allCases {
                    let wanted = sent[1 - side].filter { $0.traffic == traffic }.map(\.bytes)
                    #expect(
                        pair.messages(side, traffic) == wanted,
                        "seed \(seed) side \(side) \(traffic)")
                }
            }
        }
    }

    /// The acceptor's input, damaged in one way; the fault, and what was delivered before it.
    private func damaged(
        _ seed: Int, _ damage: (inout [UInt8], inout Generator) -> Void
    ) -> (pair: SessionPair, sent: [[UInt8]]) {
        var random = Generator(seed: SessionKeys.digest("damage \(seed)"))
        var pair = SessionPair.connected()
        pair.wires = [[], []]
        var sent: [[UInt8]] = []
        for _ in 0..<8 {
            let message = random.bytes(Int(1 + random.below(400)))
            sent.append(message)
            pair.feed(SessionPair.dialler, .send(.votes, message))
        }
        var wire = pair.wires[SessionPair.acceptor]
        damage(&wire, &random)
        pair.wires[SessionPair.acceptor] = wire
        pair.pass(to: SessionPair.acceptor)
        return (pair, sent)
    }

    @Test func flippedBitsCloseAndDeliverNothingWrong() {
        for seed in 0..<200 {
            let (pair, sent) = self.damaged(seed) { wire, random in
                let bit = random.below(UInt64(wire.count * 8))
                wire[Int(bit / 8)] ^= 1 << UInt8(bit % 8)
            }
            let got = pair.messages(SessionPair.acceptor, .votes)
            #expect(got == Array(sent.prefix(got.count)) && got.count < sent.count, "seed \(seed)")
            switch pair.faults[SessionPair.acceptor] {
            case .frameForged, .frameLength: break
            // A length that grew: the rest of the frame never comes.
            case nil: #expect(got.count < sent.count)
            case let other: Issue.record("seed \(seed): \(String(describing: other))")
            }
        }
    }

    @Test func truncationDeliversAPrefix() {
        for seed in 0..<100 {
            let (pair, sent) = self.damaged(seed) { wire, random in
                wire.removeLast(Int(1 + random.below(UInt64(wire.count))))
            }
            let got = pair.messages(SessionPair.acceptor, .votes)
            #expect(got == Array(sent.prefix(got.count)), "seed \(seed)")
            #expect(pair.faults[SessionPair.acceptor] == nil)
        }
    }

    @Test func repeatedAndReorderedFramesClose() {
        for seed in 0..<100 {
            let (pair, sent) = self.damaged(seed) { wire, random in
                var frames: [[UInt8]] = []
                var rest = wire[...]
                while rest.count > 2 {
                    let count = 2 + Int(rest[rest.startIndex]) << 8 + Int(rest[rest.startIndex + 1])
                    frames.append(Array(rest.prefix(count)))
                    rest = rest.dropFirst(count)
                }
                let place = Int(random.below(UInt64(frames.count - 1)))
                switch random.below(3) {
                case 0: frames.insert(frames[place], at: place)
                case 1: frames.swapAt(place, place + 1)
                default: frames.remove(at: place)
                }
                wire = Array(frames.joined())
            }
            #expect(pair.faults[SessionPair.acceptor] == .frameForged, "seed \(seed)")
            let got = pair.messages(SessionPair.acceptor, .votes)
            #expect(got == Array(sent.prefix(got.count)), "seed \(seed)")
        }
    }

    /// Bytes without sense, in every phase, in pieces: no trap, no effect but a close.
    @Test func garbageIsRefused() {
        for seed in 0..<200 {
            var random = Generator(seed: SessionKeys.digest("garbage \(seed)"))
            var pair = seed % 2 == 0 ? SessionPair() : SessionPair.connected()
            if seed % 2 == 0 { for side in 0..<2 { pair.feed(side, .connected) } }
            for side in 0..<2 {
                let delivered = pair.delivered[side]
                for _ in 0..<6 {
                    pair.feed(side, .received(random.bytes(Int(random.below(400)))))
                    pair.feed(side, .expired(.flush))
                    pair.feed(side, .agreed(random.bytes(32), token: random.below(4)))
                    pair.feed(side, .signed(.blank))
                }
                #expect(pair.delivered[side] == delivered, "seed \(seed)")
            }
        }
    }

    /// Frames that open and hold random bytes: the format alone protects.
    @Test func sealedGarbageIsRefused() throws {
        for seed in 0..<200 {
            var random = Generator(seed: SessionKeys.digest("sealed \(seed)"))
            var (peer, pair) = try RawPeer.connected(UInt8(seed % 2))
            for _ in 0..<40 {
                var inner = random.bytes(Int(1 + random.below(300)))
                inner[0] = UInt8(random.below(9))
                if inner.count > 1 { inner[1] = UInt8(random.below(4)) }
                if inner.count > 2 && random.below(2) == 0 { inner[2] = UInt8(random.below(4)) }
                pair.feed(SessionPair.acceptor, .received(peer.frame(inner)))
            }
            for delivery in pair.delivered[SessionPair.acceptor] {
                #expect(delivery.bytes.count <= delivery.traffic.messageMax)
            }
        }
    }
}
