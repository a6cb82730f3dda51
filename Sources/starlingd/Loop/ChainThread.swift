import Chain
import Foundation
import Primitives

/// The chain on its own thread: inputs come in by mailbox, effects leave through `deliver`.
final class ChainThread: Sendable {
    /// Inputs that wait for the chain at most.
    static let backlogMax = 65_536

    private let inputs: Mailbox<Chain.Input>
    private let thread: Worker

    /// Starts a thread that owns `chain`.
    init(_ chain: sending Chain, deliver: @escaping @Sendable (Chain.Effect) -> Void) {
        let inputs = Mailbox<Chain.Input>(capacity: Self.backlogMax)
        self.inputs = inputs
        // The chain moves to its thread here and is touched nowhere else.
        nonisolated(unsafe) var owned = chain
        self.thread = Worker(name: "chain") {
            var outbox = Outbox<Chain.Effect>()
            while let batch = inputs.take(until: Date(timeIntervalSinceNow: 1)) {
                for input in batch {
                    owned.handle(input, now: Clock.now, into: &outbox)
                    for effect in outbox.drain() { deliver(effect) }
                }
            }
        }
    }

    /// Tells the chain something; false if it is too far behind.
    func post(_ input: Chain.Input) -> Bool { self.inputs.post(input) }

    /// Finishes what waits, then ends the thread.
    func stop() {
        self.inputs.close()
        self.thread.join()
    }
}
