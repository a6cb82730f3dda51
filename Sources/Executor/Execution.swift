internal import Glibc
internal import Kernels
internal import Primitives

/// One execution on its supervisor's thread: check, compile, run, hash.
struct Execution {
    let request: ExecutionRequest
    let executor: Executor
    let cancellation: Cancellation
    let progress: @Sendable (ExecutionProgress) -> Void

    /// Runs to the end; removes the output file where it throws.
    ///
    /// - Parameter warm: a worker that served a job of the same kind before, or nil; afterwards the
    ///   one that served this job, if it could serve another.
    func run(_ warm: inout WarmWorker?) throws(ExecutorError) -> ExecutionResult {
        let start = Clock.nowNs
        if let reason = self.executor.quarantine(of: self.request.device) {
            throw ExecutorError(
                .quarantined, "device \(self.request.device) is in quarantine", underlying: reason)
        }
        let kernel = if let known = warm?.kernel { known } else { try self.kernel() }
        let geometry = try self.check(kernel)
        let inputs = try self.openInputs(geometry)
        if warm?.session.isIdle == true {
            do throws(ExecutorError) {
                return try self.run(&warm, kernel, nil, geometry, inputs, start)
            } catch {
                // What may come of the worker's age is not held against the job.
                switch error.code {
                case .crashed, .garbage, .device, .memoryLimit: break
                default: throw error
                }
            }
        }
        warm?.session.close(graceMs: 0)
        warm = nil
        self.executor.makeRoom(for: geometry)
        let (program, compileNs, wasCached) = try self.program(kernel, useCache: true)
        do throws(ExecutorError) {
            return try self.run(&warm, kernel, (program, compileNs), geometry, inputs, start)
        } catch {
            // A driver may refuse what it made itself once: compile again, a single time.
            guard wasCached, error.code == .device, error.text.contains("BINARY") else {
                throw error
            }
            self.executor.programs.remove(kernel.package.id, self.request.device)
        }
        let (again, time, _) = try self.program(kernel, useCache: false)
        return try self.run(&warm, kernel, (again, time), geometry, inputs, start)
    }

    private func kernel() throws(ExecutorError) -> Kernel {
        do throws(KernelError) { return try Kernel(self.request.package) } catch {
            throw ExecutorError(.kernel, error.message, underlying: error.rendered)
        }
    }

    /// Everything that can be known before a process is started.
    private func check(_ kernel: Kernel) throws(ExecutorError) -> Geometry {
        guard self.request.order.kernel == self.request.package.id else {
            throw ExecutorError(.order, "the order names another kernel")
        }
        guard self.request.order.launches.count == 1 else {
            throw ExecutorError(
                .launches,
                "an order has exactly one launch, found \(self.request.order.launches.count)")
        }
        let geometry: Geometry
        do throws(WorkError) { geometry = try kernel.geometry(self.request.order) } catch {
            throw ExecutorError(.order, error.message, underlying: error.code)
        }
        let limits = self.request.limits
        guard geometry.outputBytes <= limits.outputBytes else {
            throw ExecutorError(
                .outputLimit,
                "the output has \(geometry.outputBytes) bytes, allowed are \(limits.outputBytes)")
        }
        // At most 16 buffers of 2^30 bytes.
        let bytes = zip(geometry.launch.buffers, geometry.elementBytes).reduce(UInt64(0)) {
            $0 + $1.0.elements * UInt64($1.1)
        }
        guard bytes <= limits.memoryBytes else {
            throw ExecutorError(
                .memoryLimit, "the buffers have \(bytes) bytes, allowed are \(limits.memoryBytes)")
        }
        return geometry
    }

    /// One read-only descriptor per input of the launch, in its order.
    private func openInputs(_ geometry: Geometry) throws(ExecutorError) -> [Descriptor] {
        var files: [Descriptor] = []
        for input in geometry.inputs {
            guard let given = self.request.inputs.first(where: { $0.buffer == input.buffer }) else {
                throw ExecutorError(.input, "no data for buffer \(input.buffer)")
            }
            let file: Descriptor
            switch given.source {
            case .bytes(let bytes): file = try Descriptor.memory(bytes)
            case .file(let path):
                file = Descriptor(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY))
                guard file.number >= 0 else {
                    throw ExecutorError(
                        .input, "cannot read \(path)", underlying: Clock.errorText(errno))
                }
            }
            var info = stat()
            guard fstat(file.number, &info) == 0, info.st_mode & S_IFMT == S_IFREG,
                UInt64(clamping: info.st_size) == input.bytes
            else {
                throw ExecutorError(
                    .input,
                    "buffer \(input.buffer) takes a file of \(input.bytes) bytes, "
                        + "found \(info.st_size)")
            }
            files.append(file)
        }
        return files
    }

    /// The device's program, from the cache or from a compile worker.
    private func program(
        _ kernel: Kernel, useCache: Bool
    ) throws(ExecutorError) -> (bytes: [UInt8], compileNs: UInt64, wasCached: Bool) {
        let id = kernel.package.id
        if useCache, let program = self.executor.programs.load(id, self.request.device) {
            return (program, 0, true)
        }
        self.progress(ExecutionProgress(phase: .compiling, groupsDone: 0, groupsTotal: 0))
        let compilation = Compilation(
            package: self.request.package, device: self.request.device,
            limitMs: self.request.limits.compileMs, executor: self.executor,
            cancellation: self.cancellation)
        let compiled = try compilation.run()
        return (compiled.program, compiled.compileNs, false)
    }

    /// Runs with a program in a new worker, or without one in the warm worker that has it.
    private func run(
        _ warm: inout WarmWorker?, _ kernel: Kernel, _ program: (bytes: [UInt8], ns: UInt64)?,
        _ geometry: Geometry, _ inputs: [Descriptor], _ start: UInt64
    ) throws(ExecutorError) -> ExecutionResult {
        let path = self.request.outputPath
        let output = Descriptor(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600))
        guard output.number >= 0 else {
            throw ExecutorError(
                .output, "cannot create \(path)", underlying: Clock.errorText(errno))
        }
        do throws(ExecutorError) {
            let worker = program == nil ? warm : try self.worker(kernel)
            guard let worker else { preconditionFailure("no program only for a warm worker") }
            // A worker that failed is closed, and is nobody's any more.
            warm = nil
            let finished = try self.fill(output, worker, program?.bytes ?? [], geometry, inputs)
            warm = worker
            self.progress(
                ExecutionProgress(
                    phase: .hashing, groupsDone: geometry.groupCount,
                    groupsTotal: geometry.groupCount))
            let roots = try SliceHasher.roots(of: output, geometry)
            return ExecutionResult(
                outputPath: path, outputBytes: geometry.outputBytes, sliceRoots: roots,
                kernelNs: finished.kernelNs, transferNs: finished.transferNs,
                wallNs: Clock.nowNs - start, compileNs: program?.ns ?? 0,
                enqueues: finished.enqueues, device: self.request.device,
                sandbox: worker.session.report)
        } catch {
            unlink(path)
            throw error
        }
    }

    private func worker(_ kernel: Kernel) throws(ExecutorError) -> WarmWorker {
        let limits = self.request.limits
        // Processor time is counted over a worker's life: twice a job's, so that the last job of a
        // warm one still has its own (``WarmWorker/isSpent``).
        let isKept = self.executor.configuration.warmWorkersMax > 0
        let session = try self.executor.open(
            .run,
            WorkerLimits(
                wallMs: min(limits.wallMs, 1 << 40) &* (isKept ? 2 : 1),
                memoryBytes: limits.memoryBytes, fileBytes: 0), self.cancellation)
        return WarmWorker(WarmKey(self.request), kernel, session)
    }

    /// Lets a worker give the output; closes a worker that fails.
    private func fill(
        _ output: Descriptor, _ worker: WarmWorker, _ program: [UInt8], _ geometry: Geometry,
        _ inputs: [Descriptor]
    ) throws(ExecutorError) -> RunFinished {
        let start = Clock.nowNs
        let deadline = Clock.after(ms: Compilation.killMs(self.request.limits.wallMs))
        worker.session.serve(self.cancellation)
        do throws(ExecutorError) {
            try worker.session.report.demand(self.executor.configuration.require)
            let finished = try worker.session.run(
                self.runRequest(program, geometry),
                inputs: zip(inputs, geometry.inputs).map { ($0, $1.bytes) }, output: output,
                outputBytes: geometry.outputBytes, deadline: deadline
            ) { done in
                self.progress(
                    ExecutionProgress(
                        phase: .running, groupsDone: done.groupsDone, groupsTotal: done.groupsTotal)
                )
            }
            worker.served(ns: Clock.nowNs - start)
            return finished
        } catch {
            worker.session.close(graceMs: 0)
            if worker.session.wasKilled { self.executor.examine(self.request.device) }
            throw error
        }
    }

    private func runRequest(_ program: [UInt8], _ geometry: Geometry) -> RunRequest {
        var body = RunRequest()
        body.device = self.request.device
        body.package = self.request.package
        body.program = program
        body.order = self.request.order
        body.inputs = geometry.inputs.map {
            InputFile(buffer: UInt32(clamping: $0.buffer), bytes: $0.bytes)
        }
        body.sliceNs = self.executor.configuration.sliceMs &* 1_000_000
        let (wallNs, overflow) = self.request.limits.wallMs.multipliedReportingOverflow(
            by: 1_000_000)
        body.wallNs = overflow ? .max : wallNs
        body.bufferBytesMax = self.request.limits.memoryBytes
        body.outputBytesMax = self.request.limits.outputBytes
        return body
    }
}
