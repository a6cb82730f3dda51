import Foundation
import Logging
import Node
import Primitives

/// The one loop that pumps the node's effects into drivers, on a thread of its own.
///
/// Decides nothing: steps the node, performs the effects in order, keeps its timers.
final class NodeLoop: Sendable {
    /// Inputs that wait for the node at most.
    static let backlogMax = 65_536
    /// Peers are not listened to while so many wait.
    static let peerBacklogMax = 8_192

    private let inputs: Mailbox<Node.Input>
    private let thread: Worker

    /// Starts a thread that owns `node` and performs its effects through `drivers`.
    init(
        _ node: sending Node, inputs: Mailbox<Node.Input>, drivers: Drivers,
        start: Node.Restored
    ) {
        self.inputs = inputs
        nonisolated(unsafe) var owned = node
        let restored = start
        self.thread = Worker(name: "node") {
            var timers = Timers()
            var outbox = Outbox<Node.Effect>()
            // Answers that a driver gives at once are stepped before anything newer.
            var ready: [Node.Input] = [.start(restored)]
            while true {
                var next = 0
                while next < ready.count {
                    owned.handle(ready[next], now: Clock.now, into: &outbox)
                    next += 1
                    for effect in outbox.drain() {
                        if case .schedule(let timer, let at) = effect {
                            timers.add(timer, at: at)
                        } else {
                            drivers.perform(effect, answers: &ready)
                        }
                    }
                }
                ready.removeAll(keepingCapacity: true)
                guard let batch = inputs.take(until: timers.nextDate) else { return }
                ready += timers.due(Clock.now).map { .expired($0) } + batch
            }
        }
    }

    /// Ends the loop after what waits.
    func stop() {
        self.inputs.close()
        self.thread.join()
    }

    /// Timers by time; a handful at once, so a sorted array serves.
    private struct Timers {
        private var entries: [(at: Instant, timer: Node.Timer)] = []

        mutating func add(_ timer: Node.Timer, at: Instant) {
            let place = self.entries.firstIndex { $0.at > at } ?? self.entries.count
            self.entries.insert((at, timer), at: place)
        }

        mutating func due(_ now: Instant) -> [Node.Timer] {
            let count = self.entries.prefix { $0.at <= now }.count
            defer { self.entries.removeFirst(count) }
            return self.entries.prefix(count).map(\.timer)
        }

        var nextDate: Date {
            self.entries.first.map { Clock.date(of: $0.at) } ?? Date(timeIntervalSinceNow: 1)
        }
    }
}
