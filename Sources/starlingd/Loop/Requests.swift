import Chain
import Control
import Foundation
import Node
import Primitives
import Synchronization

/// Client calls that wait: for the node's reply, or for a transaction to become final.
///
/// - Bounds: `waitingMax` calls of each kind.
final class Requests: Sendable {
    static let waitingMax = 4096

    private struct State {
        var next: UInt64 = 1
        var replies: [UInt64: CheckedContinuation<Node.Reply, Never>] = [:]
        var finals:
            [TransactionID: [UInt64: CheckedContinuation<Chain.FinalizedTransaction?, Never>]] =
                [:]
        /// The last ones that became final: a caller may ask just after.
        var recent: [TransactionID: Chain.FinalizedTransaction] = [:]
        var order: [TransactionID] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let inputs: Mailbox<Node.Input>

    init(inputs: Mailbox<Node.Input>) { self.inputs = inputs }

    static let stopping = Node.Refusal(
        name: "node.stopping", text: "the daemon is stopping")
    static let busy = Node.Refusal(
        name: "node.busy", text: "too many calls wait; try again in a moment")

    /// Asks the node and waits for its answer.
    func ask(_ request: Node.Request) async -> Node.Reply {
        await withCheckedContinuation { continuation in
            let token = self.state.withLock { state -> UInt64? in
                guard !state.isClosed, state.replies.count < Self.waitingMax else { return nil }
                state.next += 1
                state.replies[state.next] = continuation
                return state.next
            }
            guard let token else {
                continuation.resume(returning: .refused(Self.busy))
                return
            }
            if !self.inputs.post(.request(request, token: token)) {
                self.reply(token, .refused(Self.busy))
            }
        }
    }

    /// The node answers.
    func reply(_ token: UInt64, _ reply: Node.Reply) {
        let waiting = self.state.withLock { $0.replies.removeValue(forKey: token) }
        waiting?.resume(returning: reply)
    }

    /// Waits until the transaction is final; nil after `timeoutMs`.
    func final(_ id: TransactionID, timeoutMs: Int) async -> Chain.FinalizedTransaction? {
        await withCheckedContinuation { continuation in
            let ticket = self.state.withLock { state -> UInt64? in
                if let done = state.recent[id] {
                    continuation.resume(returning: done)
                    return 0
                }
                guard !state.isClosed, state.finals.count < Self.waitingMax else { return nil }
                state.next += 1
                state.finals[id, default: [:]][state.next] = continuation
                return state.next
            }
            guard let ticket else {
                continuation.resume(returning: nil)
                return
            }
            guard ticket > 0 else { return }
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(timeoutMs)) {
                let late = self.state.withLock { state in
                    state.finals[id]?.removeValue(forKey: ticket)
                }
                late?.resume(returning: nil)
            }
        }
    }

    /// Transactions became final.
    func finalized(_ transactions: [Chain.FinalizedTransaction]) {
        for transaction in transactions {
            let waiting = self.state.withLock { state in
                state.recent[transaction.id] = transaction
                state.order.append(transaction.id)
                if state.order.count > Self.waitingMax {
                    state.recent.removeValue(forKey: state.order.removeFirst())
                }
                return state.finals.removeValue(forKey: transaction.id)
            }
            for continuation in (waiting ?? [:]).values {
                continuation.resume(returning: transaction)
            }
        }
    }

    /// Answers everybody who still waits, and refuses newcomers.
    func close() {
        let (replies, finals) = self.state.withLock { state in
            state.isClosed = true
            defer {
                state.replies = [:]
                state.finals = [:]
            }
            return (state.replies, state.finals)
        }
        for continuation in replies.values {
            continuation.resume(returning: .refused(Self.stopping))
        }
        for waiting in finals.values.flatMap(\.values) { waiting.resume(returning: nil) }
    }
}
