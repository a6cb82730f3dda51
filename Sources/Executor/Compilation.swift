internal import Kernels
internal import Primitives

/// One kernel made into a program of one device, by a worker of the compile stage.
struct Compilation {
    let package: KernelPackage
    let device: DeviceKey
    /// Milliseconds that it may take.
    let limitMs: UInt64
    let executor: Executor
    let cancellation: Cancellation

    /// Compiles and keeps the program in the cache.
    ///
    /// - Throws: ``ExecutorError``; a device whose worker had to be killed is looked at.
    func run() throws(ExecutorError) -> CompiledProgram {
        let limits = WorkerLimits(wallMs: self.limitMs, memoryBytes: 0, fileBytes: 64 << 20)
        let session = try self.executor.open(.compile, limits, self.cancellation)
        defer { session.close(graceMs: 0) }
        var body = CompileRequest()
        body.device = self.device
        body.package = self.package
        do throws(ExecutorError) {
            try session.report.demand(self.executor.configuration.require)
            let deadline = Clock.after(ms: Self.killMs(self.limitMs))
            let reply = try session.ask(.compile(body), deadline: deadline)
            guard case .compiled(let compiled) = reply else {
                throw session.unexpected("a program")
            }
            self.executor.programs.store(self.package.id, self.device, compiled.program)
            return compiled
        } catch {
            session.close(graceMs: 0)
            if session.wasKilled { self.executor.examine(self.device) }
            throw error
        }
    }

    /// The supervisor kills a second after the worker should have stopped by itself.
    static func killMs(_ limitMs: UInt64) -> UInt64 {
        let (sum, overflow) = limitMs.addingReportingOverflow(1_000)
        return overflow ? .max : sum
    }
}

extension SandboxReport {
    /// - Throws: ``ExecutorError/Code/sandbox`` where one of `wanted` does not hold.
    func demand(_ wanted: [Mechanism]) throws(ExecutorError) {
        let missing = self.missing(from: wanted)
        guard !missing.isEmpty else { return }
        let words = missing.map { "\($0.mechanism): \($0.reason)" }.joined(separator: "; ")
        throw ExecutorError(
            .sandbox, "a required mechanism does not hold (worker.require): \(words)")
    }
}
