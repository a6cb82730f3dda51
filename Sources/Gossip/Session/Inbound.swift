import Primitives

/// Messages of one peer that are coming in, by class, and what the peer was granted.
///
/// - Bounds: `TrafficClass.messageMax` for each class; nothing is allocated before it arrived.
/// - Source: protocol/session.md, "Credit".
struct Inbound: Sendable {
    private struct Lane: Sendable {
        var partial: [UInt8] = []
        var received: UInt64 = 0
        /// What the peer was told.
        var granted: UInt64
        /// The peer should be told more.
        var isNews = false
    }

    private var lanes: [Lane]

    /// Nothing came yet; the peer has each class's window.
    init() { self.lanes = TrafficClass.allCases.map { Lane(granted: $0.window) } }

    // SPEC session: "A receiver MUST close the connection when a sender exceeds its credit or a
    // message exceeds its class's bound."
    mutating func accept(_ frame: Frame) throws(SessionFault) -> [UInt8]? {
        let place = frame.traffic.place
        let received = self.lanes[place].received + Frame.cost(payload: frame.payload.count)
        guard received <= self.lanes[place].granted else { throw .creditExceeded(frame.traffic) }
        let partial = self.lanes[place].partial.count
        guard partial + frame.payload.count <= frame.traffic.messageMax else {
            throw .messageTooLong(frame.traffic)
        }
        self.lanes[place].received = received
        // A new limit when half of the window is used up: few notices, and no waiting for them. It
        // counts when it is on its way: a peer that reads nothing may send no more than a window.
        if self.lanes[place].granted - received <= frame.traffic.window / 2 {
            self.lanes[place].isNews = true
        }
        if partial == 0, frame.kind == .last { return Array(frame.payload) }
        self.lanes[place].partial.append(contentsOf: frame.payload)
        guard frame.kind == .last else { return nil }
        let message = self.lanes[place].partial
        self.lanes[place].partial = []
        return message
    }

    /// New limits that are said now.
    mutating func news() -> [Notice] {
        var notices: [Notice] = []
        for traffic in TrafficClass.allCases where self.lanes[traffic.place].isNews {
            let limit = self.lanes[traffic.place].received + traffic.window
            self.lanes[traffic.place].granted = limit
            self.lanes[traffic.place].isNews = false
            notices.append(.credit(traffic, limit: limit))
        }
        return notices
    }

    /// Whether there is news.
    var hasNews: Bool { self.lanes.contains { $0.isNews } }
}
