import Gossip
import Primitives
import Testing

/// Sealed frames: fragments, bounds, keep-alive, and everything that breaks the format.
@Suite struct SessionFrameTests {
    private let dialler = SessionPair.dialler
    private let acceptor = SessionPair.acceptor
    private static let payloadMax = 16_384 - 16 - 2

    private func pattern(_ count: Int, _ seed: Int = 0) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31 &+ seed) >> 3) }
    }

    @Test func everySizeArrives() {
        for traffic in TrafficClass.allCases {
            let longest = traffic.messageMax
            for count in [1, 2, Self.payloadMax, Self.payloadMax + 1, longest - 1, longest] {
                var pair = SessionPair.connected()
                let message = self.pattern(count, count)
                pair.feed(self.dialler, .send(traffic, message))
                pair.run()
                #expect(pair.messages(self.acceptor, traffic) == [message], "\(traffic) \(count)")
                #expect(pair.faults == [nil, nil])
            }
            var pair = SessionPair.connected()
            pair.feed(self.dialler, .send(traffic, self.pattern(longest + 1)))
            pair.feed(self.dialler, .send(traffic, []))
            pair.run()
            #expect(pair.delivered[self.acceptor] == [], "too long, or empty: nobody would take it")
            #expect(pair.sessions[self.dialler].dropped(traffic) == 2)
        }
    }

    @Test func framesKeepTheirSize() {
        var pair = SessionPair.connected()
        pair.wires = [[], []]
        pair.feed(self.dialler, .send(.blocks, self.pattern(1_000_000)))
        var wire = pair.wires[self.acceptor][...]
        #expect(wire.count <= 64 * 1024 + 16_386, "one step writes a burst at most")
        while let high = wire.first {
            let count = Int(high) << 8 | Int(wire[wire.startIndex + 1])
            #expect(count <= 16_384)
            wire = wire.dropFirst(2 + count)
        }
    }

    private func fault(_ use: UInt8 = 0, _ inners: [[UInt8]]) throws -> SessionFault? {
        var (peer, pair) = try RawPeer.connected(use)
        for inner in inners { pair.feed(self.acceptor, .received(peer.frame(inner))) }
        return pair.faults[self.acceptor]
    }

    @Test func brokenFramesCloseTheSession() throws {
        let ping: [UInt8] = [0, 2, 0] + [UInt8](repeating: 1, count: 8)
        let rows: [(name: String, inner: [UInt8], fault: SessionFault?)] = [
            ("a message", [0, 1, 9], nil), ("a part", [2, 0, 9], nil), ("a ping", ping, nil),
            ("two notices", ping + [2, 3] + [UInt8](repeating: 255, count: 8), nil),
            ("a pong", [0, 2, 1] + [UInt8](repeating: 1, count: 8), nil),
            ("an unknown class", [7, 1, 9], .frameMalformed),
            ("unknown flags", [0, 3, 9], .frameMalformed),
            ("more unknown flags", [0, 128, 9], .frameMalformed),
            ("a notice of votes", [1] + ping.dropFirst(), .frameMalformed),
            ("an unknown notice", [0, 2, 3], .frameMalformed),
            ("half a ping", ping.dropLast(), .frameMalformed),
            ("a ping and a byte", ping + [0], .frameMalformed),
            (
                "credit of no class", [0, 2, 2, 7] + [UInt8](repeating: 0, count: 8),
                .frameMalformed
            ),
            (
                "too many notices",
                [0, 2] + [[UInt8]](repeating: Array(ping.dropFirst(2)), count: 29).joined(),
                .frameMalformed
            ),
        ]
        for row in rows {
            #expect(try self.fault(0, [Array(row.inner)]) == row.fault, "\(row.name)")
        }
        // A frame without payload is shorter than any frame.
        #expect(try self.fault(0, [[1, 1]]) == .frameLength(18))
        for traffic in TrafficClass.allCases {
            let inner = [traffic.rawValue, 1, 5]
            let isAllowed = traffic == .control || traffic == .blobs
            #expect(
                try self.fault(1, [inner]) == (isAllowed ? nil : .classForbidden(traffic)),
                "on a connection for blobs: \(traffic)")
        }
    }

    @Test func lengthsOutOfBoundsCloseAtOnce() throws {
        for length in [0, 1, 18, 16_385, 65_535] {
            var (_, pair) = try RawPeer.connected()
            pair.feed(
                self.acceptor,
                .received([UInt8(length >> 8), UInt8(truncatingIfNeeded: length)]))
            #expect(pair.faults[self.acceptor] == .frameLength(length))
        }
    }

    /// Its parts never end: it is refused when it passes the bound, not later.
    @Test func aMessageThatNeverEndsIsBounded() throws {
        for traffic in TrafficClass.allCases {
            var (peer, pair) = try RawPeer.connected()
            var sent = 0
            while pair.faults[self.acceptor] == nil, sent < 10_000_000 {
                let part = [UInt8](repeating: 1, count: Self.payloadMax)
                pair.feed(
                    self.acceptor, .received(peer.frame([traffic.rawValue, 0] + part)))
                sent += part.count
            }
            #expect(pair.faults[self.acceptor] == .messageTooLong(traffic))
            #expect(sent <= traffic.messageMax + Self.payloadMax)
            #expect(pair.delivered[self.acceptor] == [])
        }
    }

    /// Bytes of a frame trickle in and its end never comes: that is silence.
    @Test func aFrameThatNeverEndsIsSilence() throws {
        var (peer, pair) = try RawPeer.connected()
        let frame = peer.frame([0, 1] + [UInt8](repeating: 3, count: 16_000))
        for (index, byte) in frame.dropLast().enumerated() {
            pair.feed(self.acceptor, .received([byte]))
            if index % 700 == 0 { pair.advanceAlone(self.acceptor, ms: 500) }
        }
        pair.advanceAlone(self.acceptor, ms: 5_000)
        #expect(pair.faults[self.acceptor] == .silent)
        #expect(pair.delivered[self.acceptor] == [])
    }

    @Test func idleSessionsStayAlive() {
        var pair = SessionPair.connected()
        let before = pair.written.map(\.count)
        pair.advance(ms: 60_000)
        #expect(pair.faults == [nil, nil])
        for side in 0..<2 {
            let count = pair.written[side].count - before[side]
            #expect(count > 0 && count < 60 * 29, "a ping or a pong every few seconds: \(count)")
        }
    }

    @Test func silenceCloses() {
        for side in 0..<2 {
            var pair = SessionPair.connected()
            pair.advanceAlone(side, ms: 14_500)
            #expect(pair.faults[side] == nil)
            pair.advanceAlone(side, ms: 500)
            #expect(pair.faults[side] == .silent)
            pair.feed(side, .send(.votes, [1]))
            pair.feed(side, .received([1, 2, 3]))
            #expect(pair.faults[side] == .silent, "nothing after close")
        }
    }

    @Test func aPeerThatReadsNothingIsLeft() throws {
        var (peer, pair) = try RawPeer.connected()
        pair.feed(self.acceptor, .writable(false))
        for _ in 0..<4 {
            pair.advanceAlone(self.acceptor, ms: 5_000)
            guard pair.faults[self.acceptor] == nil else { break }
            pair.feed(
                self.acceptor,
                .received(peer.frame([0, 2, 1] + [UInt8](repeating: 0, count: 8))))
        }
        #expect(pair.faults[self.acceptor] == .stalled)
    }

    /// Pings are answered by the last one's value, however many came while nothing could be
    /// written.
    @Test func pingsAreAnsweredAndDoNotPileUp() throws {
        var (peer, pair) = try RawPeer.connected()
        _ = peer.open(pair.wires[self.dialler])
        pair.wires[self.dialler] = []
        pair.feed(self.acceptor, .writable(false))
        for value in 0..<200 {
            let bytes = [UInt8(truncatingIfNeeded: value)] + [UInt8](repeating: 0, count: 7)
            pair.feed(self.acceptor, .received(peer.frame([0, 2, 0] + bytes)))
        }
        #expect(pair.wires[self.dialler] == [])
        pair.feed(self.acceptor, .writable(true))
        let wanted: [UInt8] = [0, 2, 1, 199, 0, 0, 0, 0, 0, 0, 0]
        #expect(peer.open(pair.wires[self.dialler]) == [wanted])
    }

    @Test func keysChangeAfterManyFrames() {
        let key = SecretBytes([UInt8](repeating: 7, count: 32))
        let start = SealedStream.rekeyFrames - 3
        var sending = SealedStream(key: key, counter: start)
        var receiving = SealedStream(key: key, counter: start)
        for index in 0..<6 {
            let sealed = sending.seal([UInt8(index)]) ?? []
            #expect(receiving.open(sealed[...]) == [UInt8(index)])
            let counter = start + UInt64(index)
            let isOld = Sealing.open(sealed[...], key: key, counter: counter) != nil
            #expect(isOld == (counter < SealedStream.rekeyFrames), "frame \(counter)")
        }
        var last = SealedStream(key: key, counter: .max)
        #expect(last.isExhausted && last.seal([1]) == nil && last.open([1, 2][...]) == nil)
    }
}
