import Chain
import Control
import Foundation
import Primitives
import Synchronization

/// Tells subscribed clients what became final, and keeps the counters of `provider.status`.
final class Events: Sendable {
    /// Counted since the daemon started.
    struct Counters: Sendable {
        var jobsDone: UInt64 = 0
        var jobsFailed: UInt64 = 0
        var blocks: UInt64 = 0
    }

    private let server = Mutex<ControlServer?>(nil)
    private let counters = Mutex(Counters())

    /// Connects the socket's server once it listens.
    func connect(_ server: ControlServer) { self.server.withLock { $0 = server } }

    var current: Counters { self.counters.withLock { $0 } }

    func count(done: UInt64 = 0, failed: UInt64 = 0) {
        self.counters.withLock {
            $0.jobsDone += done
            $0.jobsFailed += failed
        }
    }

    func block(_ id: BlockID, view: UInt64) {
        self.counters.withLock { $0.blocks += 1 }
        self.publish(.blocks, .object(("id", id.json), ("view", view.json)))
    }

    func finalized(_ transactions: [Chain.FinalizedTransaction]) {
        for transaction in transactions {
            let event = JSON.object(
                ("transaction", transaction.id.json), ("height", transaction.height.json),
                ("succeeded", .bool(transaction.succeeded)))
            self.publish(.transactions, event)
            self.publish(.jobs, event)
        }
    }

    private func publish(_ topic: ControlServer.Topic, _ event: JSON) {
        self.server.withLock { $0 }?.publish(topic, event)
    }
}
