// Executor
//
// Starts, sandboxes, feeds, limits and kills worker processes, here or on a cluster.

internal import Glibc
internal import Kernels
package import Logging
package import Primitives
internal import Synchronization

/// Runs work orders on this machine's OpenCL devices, each in processes of its own.
///
/// OpenCL never comes into this process. Every call starts one or two sandboxed workers, waits for
/// them with a deadline, and leaves neither a process nor a file behind, however they end.
///
/// - Throws: ``ExecutorError`` everywhere; a machine without devices is an ordinary state.
/// - Source: protocol/jobs.md, "Running"; docs/ARCHITECTURE.md, the worker.
package final class Executor: Sendable {
    private struct State {
        var running: [JobID: Cancellation] = [:]
        var quarantined: [DeviceKey: String] = [:]
    }

    /// Where things are, and how strict it is.
    package let configuration: ExecutorConfiguration
    private let launcher: Launcher
    private let cache: ProgramCache
    private let logger: Logger
    private let state = Mutex(State())

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
        let result = await withTaskCancellationHandler {
            await self.resultOnThread { () throws(ExecutorError) in
                let execution = Execution(
                    request: request, executor: self, cancellation: cancellation,
                    progress: progress)
                return try execution.run()
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
        self.state.withLock { $0.quarantined[device] = reason }
    }

    var programs: ProgramCache { self.cache }

    func open(
        _ stage: WorkerStage, _ limits: WorkerLimits, _ cancellation: Cancellation,
        output: Int32? = nil, inputs: [Int32] = []
    ) throws(ExecutorError) -> WorkerSession {
        try WorkerSession(
            self.launcher, stage: stage, limits: limits, cancellation: cancellation,
            output: output, inputs: inputs)
    }

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
