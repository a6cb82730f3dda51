import Foundation

/// A bounded queue between threads: many post, one takes.
///
/// - Bounds: `capacity` messages; a post to a full box is counted and refused.
final class Mailbox<Message: Sendable>: @unchecked Sendable {
    // Every stored property is read and written under `condition`.
    private let condition = NSCondition()
    private let capacity: Int
    private var messages: [Message] = []
    private var isClosed = false
    private var dropped: UInt64 = 0

    init(capacity: Int) { self.capacity = capacity }

    /// Adds a message; false if the box is full or closed.
    @discardableResult
    func post(_ message: Message) -> Bool {
        self.condition.lock()
        defer { self.condition.unlock() }
        guard !self.isClosed else { return false }
        guard self.messages.count < self.capacity else {
            self.dropped += 1
            return false
        }
        self.messages.append(message)
        // Senders may wait on the same condition, so all are woken.
        if self.messages.count == 1 { self.condition.broadcast() }
        return true
    }

    /// Adds a message once fewer than `limit` wait: for senders that shall be slowed down. False if
    /// the box is closed.
    @discardableResult
    func post(_ message: Message, whenBelow limit: Int) -> Bool {
        self.condition.lock()
        while self.messages.count >= limit, !self.isClosed { self.condition.wait() }
        self.condition.unlock()
        return self.post(message)
    }

    /// Everything posted, in order; waits for the first message until `deadline`. Nil once the box
    /// is closed and empty.
    func take(until deadline: Date) -> [Message]? {
        self.condition.lock()
        defer { self.condition.unlock() }
        while self.messages.isEmpty, !self.isClosed {
            if !self.condition.wait(until: deadline) { break }
        }
        if self.messages.isEmpty, self.isClosed { return nil }
        defer {
            self.messages = []
            self.condition.broadcast()
        }
        return self.messages
    }

    /// Refuses further messages and wakes the taker.
    func close() {
        self.condition.lock()
        self.isClosed = true
        self.condition.broadcast()
        self.condition.unlock()
    }

    /// Messages refused because the box was full.
    var overflow: UInt64 {
        self.condition.lock()
        defer { self.condition.unlock() }
        return self.dropped
    }
}

/// A thread that can be waited for.
final class Worker: Sendable {
    private let ended = DispatchSemaphore(value: 0)

    /// Starts `body` on a thread of its own.
    init(name: String, _ body: @escaping @Sendable () -> Void) {
        let ended = self.ended
        let thread = Thread {
            body()
            ended.signal()
        }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Waits for the end of the thread.
    func join() {
        self.ended.wait()
        self.ended.signal()
    }
}
