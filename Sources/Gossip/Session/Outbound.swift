import Primitives

/// Messages that wait for one peer, by class, and what the peer granted.
///
/// - Bounds: `TrafficClass.queueMessages` and `queueMax` for each class; a class with nothing in it
///   takes one message of any allowed length.
/// - Source: protocol/session.md, "Credit".
struct Outbound: Sendable {
    /// What became of a message.
    enum Verdict: Hashable, Sendable {
        case queued
        /// It was lost, which its class allows.
        case dropped
        /// It may not be lost and finds no room.
        case full
    }

    private struct Lane: Sendable {
        var messages: [[UInt8]] = []
        /// How much of the first one is on its way.
        var sent = 0
        var waiting = 0
        var used: UInt64 = 0
        var limit: UInt64
        var dropped: UInt64 = 0
    }

    private var lanes: [Lane]

    /// Nothing waits; the peer grants each class its window.
    init() { self.lanes = TrafficClass.allCases.map { Lane(limit: $0.window) } }

    /// Messages of a class that were lost.
    func dropped(_ traffic: TrafficClass) -> UInt64 { self.lanes[traffic.place].dropped }

    /// Takes a message if it finds room. An empty one, or one above its class's bound, is lost: no
    /// peer would take it.
    mutating func queue(_ traffic: TrafficClass, _ message: [UInt8]) -> Verdict {
        let place = traffic.place
        guard !message.isEmpty, message.count <= traffic.messageMax else {
            self.lanes[place].dropped += 1
            return .dropped
        }
        let lane = self.lanes[place]
        let fits =
            lane.messages.count < TrafficClass.queueMessages
            && lane.waiting + message.count <= traffic.queueMax
        guard lane.messages.isEmpty || fits else {
            self.lanes[place].dropped += 1
            return traffic.isDroppable ? .dropped : .full
        }
        self.lanes[place].messages.append(message)
        self.lanes[place].waiting += message.count
        return .queued
    }

    /// The next frame, of the highest class that has something and credit for it; nil if none has.
    mutating func next() -> Frame? {
        for traffic in TrafficClass.allCases {
            if let frame = self.next(of: traffic) { return frame }
        }
        return nil
    }

    /// Whether ``next()`` would give a frame.
    var isReady: Bool {
        TrafficClass.allCases.contains { self.room($0) > 0 }
    }

    // SPEC session: "A sender MUST NOT send a frame that its class's credit does not cover."
    private func room(_ traffic: TrafficClass) -> Int {
        let lane = self.lanes[traffic.place]
        guard let message = lane.messages.first, lane.limit > lane.used else { return 0 }
        let credit = Int(clamping: lane.limit - lane.used) - Frame.headerBytes
        return max(0, min(Frame.payloadMax, message.count - lane.sent, credit))
    }

    private mutating func next(of traffic: TrafficClass) -> Frame? {
        let place = traffic.place
        let count = self.room(traffic)
        guard count > 0, let message = self.lanes[place].messages.first else { return nil }
        let start = self.lanes[place].sent
        let isLast = start + count == message.count
        self.lanes[place].used += Frame.cost(payload: count)
        if isLast {
            self.lanes[place].messages.removeFirst()
            self.lanes[place].waiting -= message.count
            self.lanes[place].sent = 0
        } else {
            self.lanes[place].sent = start + count
        }
        return Frame(traffic, isLast ? .last : .part, message[start..<start + count])
    }

    // SPEC session: "A limit that is not above the present one says nothing."
    mutating func grant(_ traffic: TrafficClass, limit: UInt64) {
        let place = traffic.place
        if limit > self.lanes[place].limit { self.lanes[place].limit = limit }
    }
}
