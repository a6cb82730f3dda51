import Gossip
import Primitives
import Testing

/// Priorities, credit and the bounds of what waits.
@Suite struct SessionCreditTests {
    private let dialler = SessionPair.dialler
    private let acceptor = SessionPair.acceptor

    private func bytes(_ count: Int, _ value: UInt8 = 1) -> [UInt8] {
        [UInt8](repeating: value, count: count)
    }

    @Test func aVoteOvertakesABlock() {
        var pair = SessionPair.connected()
        pair.feed(self.dialler, .send(.sync, self.bytes(3_000_000)))
        pair.feed(self.dialler, .send(.blocks, self.bytes(2_000_000)))
        pair.feed(self.dialler, .send(.transactions, self.bytes(400_000)))
        pair.pass(to: self.acceptor)
        #expect(pair.delivered[self.acceptor] == [], "all of them are under way")
        pair.feed(self.dialler, .send(.votes, [42]))
        pair.feed(self.dialler, .send(.control, [43]))
        pair.run()
        let order = pair.delivered[self.acceptor].map(\.traffic)
        #expect(order == [.votes, .control, .blocks, .transactions, .sync])
        #expect(pair.faults == [nil, nil])
    }

    /// What waits goes by class, whatever the order in which it came.
    @Test func classesGoInOrder() {
        var pair = SessionPair.connected()
        pair.feed(self.dialler, .writable(false))
        for traffic in TrafficClass.allCases.reversed() {
            for value in 0..<3 as Range<UInt8> {
                pair.feed(self.dialler, .send(traffic, [traffic.rawValue, value]))
            }
        }
        pair.run()
        #expect(pair.delivered[self.acceptor] == [])
        pair.feed(self.dialler, .writable(true))
        pair.run()
        let wanted = TrafficClass.allCases.flatMap { traffic in
            (0..<3 as Range<UInt8>).map {
                SessionPair.Delivery(traffic: traffic, bytes: [traffic.rawValue, $0])
            }
        }
        #expect(pair.delivered[self.acceptor] == wanted)
    }

    @Test func withoutCreditTheSenderWaits() {
        var pair = SessionPair.connected()
        let message = self.bytes(2_000_000, 7)
        pair.feed(self.dialler, .send(.blocks, message))
        pair.feed(self.dialler, .send(.blocks, message))
        // The acceptor's notices are held back; the dialler writes on until its credit ends.
        var held: [UInt8] = []
        for _ in 0..<1_000 {
            pair.fire(self.dialler)
            pair.pass(to: self.acceptor)
            held += pair.wires[self.dialler]
            pair.wires[self.dialler] = []
        }
        #expect(pair.messages(self.acceptor, .blocks).count == 2, "the window has room for both")
        pair.feed(self.dialler, .send(.blocks, message))
        pair.feed(self.dialler, .send(.votes, [1]))
        for _ in 0..<1_000 {
            pair.fire(self.dialler)
            pair.pass(to: self.acceptor)
            held += pair.wires[self.dialler]
            pair.wires[self.dialler] = []
        }
        #expect(pair.messages(self.acceptor, .blocks).count == 2, "no credit for the third")
        #expect(pair.messages(self.acceptor, .votes) == [[1]], "another class has its own credit")
        pair.feed(self.dialler, .received(held))
        pair.run()
        #expect(pair.messages(self.acceptor, .blocks).count == 3)
        #expect(pair.faults == [nil, nil])
    }

    /// Many times the window passes while nobody waits for credit.
    @Test func creditIsRenewedInTime() {
        var pair = SessionPair.connected(.blobs)
        for index in 0..<200 {
            pair.feed(
                self.dialler, .send(.blobs, self.bytes(60_000, UInt8(truncatingIfNeeded: index))))
            pair.run()
        }
        #expect(pair.messages(self.acceptor, .blobs).count == 200)
        #expect(pair.sessions[self.dialler].dropped(.blobs) == 0)
    }

    /// Sends messages of a class until the session ends, or 12 MB; the peer counts no credit.
    private func flood(_ traffic: TrafficClass, reads: Bool) throws -> (SessionFault?, Int) {
        var (peer, pair) = try RawPeer.connected()
        pair.feed(self.acceptor, .writable(reads))
        var sent = 0
        while sent < 12_000_000, pair.faults[self.acceptor] == nil {
            for isLast: UInt8 in [0, 0, 0, 1] {
                let frame = peer.frame([traffic.rawValue, isLast] + self.bytes(15_000))
                pair.feed(self.acceptor, .received(frame))
                sent += 15_002
            }
        }
        return (pair.faults[self.acceptor], sent)
    }

    /// Limits follow what arrives, if the peer takes the notices; if not, it may send a window.
    @Test func whoeverExceedsItsCreditIsLeft() throws {
        let windows = [262_144, 262_144, 4_194_304, 1_048_576, 2_097_152, 8_388_608, 1_048_576]
        for (traffic, window) in zip(TrafficClass.allCases, windows) {
            #expect(try self.flood(traffic, reads: true).0 == nil, "\(traffic)")
            let (fault, sent) = try self.flood(traffic, reads: false)
            #expect(fault == .creditExceeded(traffic))
            #expect(sent > window && sent <= window + 4 * 15_002)
        }
    }

    @Test func queuesAreBounded() {
        for traffic in TrafficClass.allCases {
            var pair = SessionPair.connected()
            pair.feed(self.dialler, .writable(false))
            for _ in 0..<64 { pair.feed(self.dialler, .send(traffic, [1])) }
            #expect(pair.faults[self.dialler] == nil)
            #expect(pair.sessions[self.dialler].dropped(traffic) == 0)
            pair.feed(self.dialler, .send(traffic, [2]))
            let isLost = traffic > .blocks
            #expect(pair.faults[self.dialler] == (isLost ? nil : .queueFull(traffic)))
            #expect(pair.sessions[self.dialler].dropped(traffic) == 1)
            guard isLost else { continue }
            pair.feed(self.dialler, .writable(true))
            pair.run()
            #expect(pair.messages(self.acceptor, traffic) == Array(repeating: [1], count: 64))
        }
    }

    /// 256 KiB of small classes; of blocks and sync two of the longest messages.
    @Test func queuesAreBoundedByBytes() {
        for traffic in TrafficClass.allCases {
            var pair = SessionPair.connected()
            pair.feed(self.dialler, .writable(false))
            let isLarge = traffic == .blocks || traffic == .sync
            let size = isLarge ? traffic.messageMax : 32 * 1024
            let room = isLarge ? 2 : traffic == .blobs ? 64 : 8
            for _ in 0..<room { pair.feed(self.dialler, .send(traffic, self.bytes(size))) }
            #expect(pair.faults[self.dialler] == nil)
            #expect(pair.sessions[self.dialler].dropped(traffic) == 0, "\(traffic)")
            pair.feed(self.dialler, .send(traffic, self.bytes(size)))
            #expect(pair.sessions[self.dialler].dropped(traffic) == 1, "\(traffic)")
        }
        // A message above the bytes passes if nothing else waits.
        var pair = SessionPair.connected()
        pair.feed(self.dialler, .writable(false))
        pair.feed(self.dialler, .send(.offers, self.bytes(1_000_000)))
        pair.feed(self.dialler, .writable(true))
        pair.run()
        #expect(pair.messages(self.acceptor, .offers).map(\.count) == [1_000_000])
    }

    @Test func aBlobConnectionCarriesNothingElse() {
        for traffic in TrafficClass.allCases {
            var pair = SessionPair.connected(.blobs)
            pair.feed(self.dialler, .send(traffic, [1]))
            pair.run()
            let isAllowed = traffic == .control || traffic == .blobs
            #expect(pair.faults[self.dialler] == (isAllowed ? nil : .classForbidden(traffic)))
            #expect(pair.delivered[self.acceptor].count == (isAllowed ? 1 : 0))
        }
    }
}
