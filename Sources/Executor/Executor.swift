// Executor
//
// Starts, sandboxes, feeds, limits and kills worker processes, here or on a cluster.

internal import Dispatch
internal import Glibc
package import Kernels
package import Logging
package import Primitives
internal import Synchronization

/// Runs work orders on this machine's OpenCL devices, each in processes of its own.
///
/// OpenCL never comes into this process. Every call starts sandboxed workers, waits for them with a
/// deadline, and leaves no file behind, however they end. A worker that ran a job well may stay for
/// the next one of the same kernel and device; the configuration says how many do, and how long.
///
/// - Throws: ``ExecutorError`` everywhere; a machine without devices is an ordinary state.
/// - Source: protocol/jobs.md, "Running"; docs/ARCHITECTURE.md, the worker.
package final class Executor: Sendable {
    private struct State {
        var running: [JobID: Cancellation] = [:]
        var quarantined: [DeviceKey: String] = [:]
        var warm = WarmSlots()
    }

    /// Where things are, and how strict it is.
    package let configuration: ExecutorConfiguration
    private let launcher: Launcher
    private let cache: ProgramCache
    private let logger: Logger
    private let state = Mutex(State())
    /// The threads of executions, with their workers.
    private let threads = DispatchGroup()

    /// An executor; nothing is started or touched yet.
    package init(configuration: ExecutorConfiguration, logger: Logger) {
        self.configuration = configuration
        self.launcher = Launcher(configuration)
        self.cache = ProgramCache(
            directory: configuration.cacheDirectory, entriesMax: configuration.cacheEntriesMax)
        self.logger = logger
    }

    /// Every device, whether it may be used, and what confines a worker here.
    ///
    /// - Throws: ``ExecutorError/Code/noPlatform`` where no OpenCL driver is installed.
    package func probe() async throws(ExecutorError) -> ProbeResult {
        try await self.onThread { () throws(ExecutorError) in try self.probeNow() }
    }

    /// Lets a worker try what the sandbox forbids; every attempt should be denied.
    package func testSandbox(
        stage: WorkerStage
    ) async throws(ExecutorError) -> (report: SandboxReport, attempts: [SandboxAttempt]) {
        try await self.onThread { () throws(ExecutorError) in
            let session = try self.open(stage, self.configuration.probeLimits, Cancellation())
            defer { session.close(graceMs: 200) }
            let deadline = Clock.after(ms: self.configuration.probeLimits.wallMs)
            guard case .tested(let tested) = try session.ask(.testSandbox, deadline: deadline)
            else { throw session.unexpected("the sandbox test") }
            return (session.report, tested.attempts)
        }
    }

    /// Runs one order: compiles where needed, executes, hashes the slices.
    ///
    /// The output file is created by this call and removed again if it throws. Cancelling the task
    /// cancels the job.
    ///
    /// - Throws: ``ExecutorError``; ``ExecutorError/Code/cancelled`` after ``cancel(_:)``.
    package func execute(
        _ request: ExecutionRequest,
        progress: @escaping @Sendable (ExecutionProgress) -> Void = { _ in }
    ) async throws(ExecutorError) -> ExecutionResult {
        let cancellation = Cancellation()
        let isNew = self.state.withLock { state in
            guard state.running[request.job] == nil else { return false }
            state.running[request.job] = cancellation
            return true
        }
        guard isNew else { throw ExecutorError(.busy, "job \(request.job.hex) is running already") }
        defer { _ = self.state.withLock { $0.running.removeValue(forKey: request.job) } }
        let execution = Execution(
            request: request, executor: self, cancellation: cancellation, progress: progress)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.begin(
                    Assignment(execution: execution) { continuation.resume(returning: $0) })
            }
        } onCancel: {
            cancellation.cancel()
        }
        return try result.get()
    }

    /// Ends a running job: its workers are killed and `execute` throws. Nothing happens for others.
    package func cancel(_ job: JobID) {
        self.state.withLock { $0.running[job] }?.cancel()
    }

    /// Compiles a kernel into the cache unless it is there, so that its first job need not wait.
    ///
    /// - Throws: ``ExecutorError``.
    package func prepare(
        _ package: KernelPackage, on device: DeviceKey, compileMs: UInt64
    ) async throws(ExecutorError) {
        try await self.onThread { () throws(ExecutorError) in
            guard self.quarantine(of: device) == nil,
                self.cache.load(package.id, device) == nil
            else { return }
            let compilation = Compilation(
                package: package, device: device, limitMs: compileMs, executor: self,
                cancellation: Cancellation())
            _ = try compilation.run()
        }
    }

    /// Ends every idle worker, and keeps none from now on. Waits a moment for their end.
    package func stop() {
        for slot in self.state.withLock({ $0.warm.close() }) { slot.give(nil) }
        _ = self.threads.wait(timeout: .now() + .seconds(2))
    }

    /// Workers that wait for another job of their kernel.
    package var idleWorkers: Int { self.state.withLock { $0.warm.count } }

    /// Lets a quarantined device be used again.
    package func release(_ device: DeviceKey) {
        _ = self.state.withLock { $0.quarantined.removeValue(forKey: device) }
    }

    // MARK: For executions, on their own threads.

    func quarantine(of device: DeviceKey) -> String? {
        self.state.withLock { $0.quarantined[device] }
    }

    func quarantine(_ device: DeviceKey, _ reason: String) {
        self.logger.warning("device quarantined: \(device): \(reason)")
        let idle = self.state.withLock { state in
            state.quarantined[device] = reason
            return state.warm.removeAll { $0.key.device == device }
        }
        for slot in idle { slot.give(nil) }
    }

    var programs: ProgramCache { self.cache }

    func open(
        _ stage: WorkerStage, _ limits: WorkerLimits, _ cancellation: Cancellation
    ) throws(ExecutorError) -> WorkerSession {
        try WorkerSession(
            self.launcher, stage: stage, limits: limits, cancellation: cancellation)
    }

    /// Gives an execution to an idle worker of its kind, or to a thread of its own.
    private func begin(_ assignment: Assignment) {
        let key = WarmKey(assignment.execution.request)
        if let slot = self.state.withLock({ $0.warm.take(key) }) { return slot.give(assignment) }
        self.threads.enter()
        let started = SupervisorThread.start {
            WarmThread(executor: self).serve(assignment)
            self.threads.leave()
        }
        guard !started else { return }
        self.threads.leave()
        assignment.finish(.failure(.system("pthread_create", EAGAIN)))
    }

    /// A place for a worker that waits for another job; nil if it shall end.
    func keep(_ worker: WarmWorker) -> WarmSlot? {
        guard self.configuration.warmWorkersMax > 0, !worker.isSpent, worker.session.isIdle,
            self.quarantine(of: worker.key.device) == nil
        else { return nil }
        let slot = WarmSlot(worker.key)
        let surplus = self.state.withLock {
            $0.warm.add(slot, most: self.configuration.warmWorkersMax)
        }
        for old in surplus where old !== slot { old.give(nil) }
        return surplus.contains { $0 === slot } ? nil : slot
    }

    /// The next job of an idle worker; nil when it has waited for long enough or is not wanted.
    func await(_ slot: WarmSlot) -> Assignment? {
        if !slot.wait(ms: self.configuration.warmIdleMs) {
            if self.state.withLock({ $0.warm.remove(slot) }) { return nil }
            // Taken at the last moment: whoever did that gives something.
            slot.wait()
        }
        return slot.take()
    }

    /// Ends idle workers where a job wants the memory.
    func makeRoom(for geometry: Geometry) {
        let buffers = zip(geometry.launch.buffers, geometry.elementBytes).reduce(UInt64(0)) {
            $0 + $1.0.elements * UInt64($1.1)
        }
        // A buffer lies in the device's memory, which may be this machine's, and once in a pipe.
        guard let available = Memory.availableBytes,
            available < buffers * 2 + Self.memoryReserve
        else { return }
        for slot in self.state.withLock({ $0.warm.removeAll { _ in true } }) { slot.give(nil) }
    }

    private static let memoryReserve: UInt64 = 512 << 20

    /// Moves bytes through a device whose worker was killed; quarantines it where that fails.
    func examine(_ device: DeviceKey) {
        do throws(ExecutorError) {
            let session = try self.open(.run, self.configuration.probeLimits, Cancellation())
            defer { session.close(graceMs: 0) }
            let deadline = Clock.after(ms: self.configuration.probeLimits.wallMs)
            guard case .exercised = try session.ask(.exercise(device), deadline: deadline) else {
                throw session.unexpected("the exercise")
            }
        } catch {
            self.quarantine(device, "no answer after a kill: \(error)")
        }
    }

    private func probeNow() throws(ExecutorError) -> ProbeResult {
        let session = try self.open(.run, self.configuration.probeLimits, Cancellation())
        defer { session.close(graceMs: 200) }
        let deadline = Clock.after(ms: self.configuration.probeLimits.wallMs)
        guard case .devices(let list) = try session.ask(.probe, deadline: deadline) else {
            throw session.unexpected("the probe")
        }
        let devices = list.devices.map {
            DeviceStatus(description: $0, quarantine: self.quarantine(of: $0.key))
        }
        return ProbeResult(devices: devices, sandbox: session.report)
    }

    // A worker dies with the thread that started it (PR_SET_PDEATHSIG), and waiting for one blocks:
    // each call has its own thread, outside the pools of Swift and Dispatch.
    private func onThread<T: Sendable>(
        _ body: @escaping @Sendable () throws(ExecutorError) -> T
    ) async throws(ExecutorError) -> T {
        try await self.resultOnThread(body).get()
    }

    private func resultOnThread<T: Sendable>(
        _ body: @escaping @Sendable () throws(ExecutorError) -> T
    ) async -> Result<T, ExecutorError> {
        await withCheckedContinuation { continuation in
            let started = SupervisorThread.start {
                do throws(ExecutorError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            guard !started else { return }
            continuation.resume(returning: .failure(.system("pthread_create", EAGAIN)))
        }
    }
}
