internal import Dispatch
internal import Glibc
internal import Kernels
internal import Primitives
internal import Synchronization

/// What two jobs have in common that one worker may serve.
struct WarmKey: Hashable, Sendable {
    let kernel: KernelID
    let device: DeviceKey
    /// The worker's limits were set for these and cannot be raised.
    let memoryBytes: UInt64
    let wallMs: UInt64

    init(_ request: ExecutionRequest) {
        self.kernel = request.package.id
        self.device = request.device
        self.memoryBytes = request.limits.memoryBytes
        self.wallMs = request.limits.wallMs
    }
}

/// A worker in its run stage with its kernel loaded, between or during jobs.
///
/// Used by the thread that started it, with which it dies.
final class WarmWorker {
    /// Jobs of one worker at most: whatever a driver leaks is given back now and then.
    private static let jobsMax = 1_024
    let key: WarmKey
    let kernel: Kernel
    let session: WorkerSession
    private var jobs = 0
    private var busyNs: UInt64 = 0

    init(_ key: WarmKey, _ kernel: Kernel, _ session: WorkerSession) {
        self.key = key
        self.kernel = kernel
        self.session = session
    }

    /// Notes a job that ended well.
    func served(ns: UInt64) {
        self.jobs += 1
        let (sum, overflow) = self.busyNs.addingReportingOverflow(ns)
        self.busyNs = overflow ? .max : sum
    }

    /// True if the next job might meet the limits of the worker's life before its own.
    var isSpent: Bool { self.jobs >= Self.jobsMax || self.busyNs / 1_000_000 >= self.key.wallMs }
}

/// One execution and who waits for it.
struct Assignment: Sendable {
    let execution: Execution
    let finish: @Sendable (Result<ExecutionResult, ExecutorError>) -> Void
}

/// The place at which an idle worker's thread waits for its next job.
final class WarmSlot: Sendable {
    let key: WarmKey
    private let semaphore = DispatchSemaphore(value: 0)
    private let next = Mutex<Assignment?>(nil)

    init(_ key: WarmKey) { self.key = key }

    /// Hands over a job, or nil to end; once, by whoever took the slot out of ``WarmSlots``.
    func give(_ assignment: Assignment?) {
        self.next.withLock { $0 = assignment }
        self.semaphore.signal()
    }

    /// Waits for ``give(_:)``; false once `ms` milliseconds are over.
    func wait(ms: UInt64) -> Bool {
        let limit = Int(clamping: min(ms, 86_400_000))
        return self.semaphore.wait(timeout: .now() + .milliseconds(limit)) == .success
    }

    /// What was given.
    func take() -> Assignment? {
        self.next.withLock { next in
            defer { next = nil }
            return next
        }
    }

    /// Waits for ``give(_:)`` however long it takes.
    func wait() { self.semaphore.wait() }
}

/// The idle warm workers, oldest first.
///
/// - Bounds: `most` of them.
struct WarmSlots {
    private var slots: [WarmSlot] = []
    private var isOpen = true

    /// Takes out a worker for this kind of job: the one that was used last.
    mutating func take(_ key: WarmKey) -> WarmSlot? {
        self.slots.lastIndex { $0.key == key }.map { self.slots.remove(at: $0) }
    }

    /// Adds one; gives those that must end for it, which may be itself.
    mutating func add(_ slot: WarmSlot, most: Int) -> [WarmSlot] {
        guard self.isOpen else { return [slot] }
        self.slots.append(slot)
        let surplus = max(0, self.slots.count - most)
        defer { self.slots.removeFirst(surplus) }
        return Array(self.slots.prefix(surplus))
    }

    /// False if somebody took it: then something is given to it.
    mutating func remove(_ slot: WarmSlot) -> Bool {
        guard let index = self.slots.firstIndex(where: { $0 === slot }) else { return false }
        self.slots.remove(at: index)
        return true
    }

    /// Takes out all that `isWanted` names.
    mutating func removeAll(where isWanted: (WarmSlot) -> Bool) -> [WarmSlot] {
        let removed = self.slots.filter(isWanted)
        self.slots.removeAll(where: isWanted)
        return removed
    }

    /// Takes out all, and nothing is added any more.
    mutating func close() -> [WarmSlot] {
        self.isOpen = false
        defer { self.slots = [] }
        return self.slots
    }

    var count: Int { self.slots.count }
}

/// A supervisor's thread: one execution after the other in one worker, until none comes.
struct WarmThread {
    let executor: Executor

    /// Serves `first` and what follows; the worker is gone when this returns.
    func serve(_ first: Assignment) {
        var warm: WarmWorker?
        var next: Assignment? = first
        while let assignment = next {
            next = nil
            let result: Result<ExecutionResult, ExecutorError>
            do throws(ExecutorError) {
                result = .success(try assignment.execution.run(&warm))
            } catch {
                result = .failure(error)
            }
            // Before anybody hears of the end: the next job finds the worker, or it is gone.
            let slot = warm.flatMap { self.executor.keep($0) }
            if slot == nil { warm?.session.close(graceMs: 0) }
            assignment.finish(result)
            if let slot { next = self.executor.await(slot) }
        }
        warm?.session.close(graceMs: 0)
    }
}

/// Memory of this machine.
enum Memory {
    /// Bytes that programs can have without swapping; nil where the system does not say.
    static var availableBytes: UInt64? {
        let file = Descriptor(open("/proc/meminfo", O_RDONLY | O_CLOEXEC))
        guard file.number >= 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = read(file.number, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
            let digits = line.drop { !$0.isNumber }.prefix { $0.isNumber }
            return UInt64(digits).map { $0 << 10 }
        }
        return nil
    }
}
