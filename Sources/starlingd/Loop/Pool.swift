import Foundation

/// A few threads for work that takes long: signatures, the referee.
///
/// - Bounds: `backlogMax` jobs wait; a job beyond that is refused.
final class Pool: Sendable {
    static let backlogMax = 4096

    private let jobs: Mailbox<@Sendable () -> Void>
    private let threads: [Worker]

    init(name: String, threads count: Int) {
        let jobs = Mailbox<@Sendable () -> Void>(capacity: Self.backlogMax)
        let waiting = Mailboxes(jobs)
        self.jobs = jobs
        self.threads = (0..<max(1, count)).map { number in
            Worker(name: "\(name)-\(number)") {
                while let job = waiting.next() { job() }
            }
        }
    }

    /// Runs `job` on some thread; false if too many wait.
    func run(_ job: @escaping @Sendable () -> Void) -> Bool { self.jobs.post(job) }

    /// Finishes what waits, then ends the threads.
    func stop() {
        self.jobs.close()
        for thread in self.threads { thread.join() }
    }

    /// Hands out one job at a time from a box that gives many.
    private final class Mailboxes: @unchecked Sendable {
        private let box: Mailbox<@Sendable () -> Void>
        // Read and written under `lock`.
        private let lock = NSLock()
        private var taken: [@Sendable () -> Void] = []

        init(_ box: Mailbox<@Sendable () -> Void>) { self.box = box }

        func next() -> (@Sendable () -> Void)? {
            while true {
                self.lock.lock()
                defer { self.lock.unlock() }
                if !self.taken.isEmpty { return self.taken.removeFirst() }
                guard let more = self.box.take(until: Date(timeIntervalSinceNow: 0.25)) else {
                    return nil
                }
                self.taken = more
            }
        }
    }
}
