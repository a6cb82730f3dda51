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
    func run() throws(ExecutorError) -> ExecutionResult {
        let start = Clock.nowNs
        if let reason = self.executor.quarantine(of: self.request.device) {
            throw ExecutorError(
                .quarantined, "device \(self.request.device) is in quarantine", underlying: reason)
        }
        let (kernel, geometry) = try self.check()
        let inputs = try self.openInputs(geometry)
        let (program, compileNs, wasCached) = try self.program(kernel, useCache: true)
        do throws(ExecutorError) {
            return try self.run(program, compileNs, geometry, inputs, start)
        } catch {
            // A driver may refuse what it made itself once: compile again, a single time.
            guard wasCached, error.code == .device, error.text.contains("BINARY") else {
                throw error
            }
            self.executor.programs.remove(kernel.package.id, self.request.device)
        }
        let (again, time, _) = try self.program(kernel, useCache: false)
        return try self.run(again, time, geometry, inputs, start)
    }

    /// Everything that can be known before a process is started.
    private func check() throws(ExecutorError) -> (Kernel, Geometry) {
        let kernel: Kernel
        do throws(KernelError) { kernel = try Kernel(self.request.package) } catch {
            throw ExecutorError(.kernel, error.message, underlying: error.rendered)
        }
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
        return (kernel, geometry)
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
        let limits = WorkerLimits(
            wallMs: self.request.limits.compileMs, memoryBytes: 0, fileBytes: 64 << 20)
        let session = try self.executor.open(.compile, limits, self.cancellation)
        defer { session.close(graceMs: 0) }
        var body = CompileRequest()
        body.device = self.request.device
        body.package = self.request.package
        let deadline = Clock.after(ms: Self.killMs(self.request.limits.compileMs))
        let reply = try self.asking(session, .compile(body), deadline)
        guard case .compiled(let compiled) = reply else { throw session.unexpected("a program") }
        self.executor.programs.store(id, self.request.device, compiled.program)
        return (compiled.program, compiled.compileNs, false)
    }

    private func run(
        _ program: [UInt8], _ compileNs: UInt64, _ geometry: Geometry, _ inputs: [Descriptor],
        _ start: UInt64
    ) throws(ExecutorError) -> ExecutionResult {
        let path = self.request.outputPath
        let output = Descriptor(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600))
        guard output.number >= 0 else {
            throw ExecutorError(
                .output, "cannot create \(path)", underlying: Clock.errorText(errno))
        }
        do throws(ExecutorError) {
            let (finished, report) = try self.fill(output, program, geometry, inputs)
            self.progress(
                ExecutionProgress(
                    phase: .hashing, groupsDone: geometry.groupCount,
                    groupsTotal: geometry.groupCount))
            let roots = try SliceHasher.roots(of: output, geometry)
            return ExecutionResult(
                outputPath: path, outputBytes: geometry.outputBytes, sliceRoots: roots,
                kernelNs: finished.kernelNs, transferNs: finished.transferNs,
                wallNs: Clock.nowNs - start, compileNs: compileNs, enqueues: finished.enqueues,
                device: self.request.device, sandbox: report)
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Lets a run worker write the output file.
    private func fill(
        _ output: Descriptor, _ program: [UInt8], _ geometry: Geometry, _ inputs: [Descriptor]
    ) throws(ExecutorError) -> (RunFinished, SandboxReport) {
        let limits = self.request.limits
        let session = try self.executor.open(
            .run,
            WorkerLimits(
                wallMs: limits.wallMs, memoryBytes: limits.memoryBytes,
                fileBytes: geometry.outputBytes),
            self.cancellation, output: output.number, inputs: inputs.map(\.number))
        defer { session.close(graceMs: 0) }
        let deadline = Clock.after(ms: Self.killMs(limits.wallMs))
        let request = self.runRequest(program, geometry)
        let reply = try self.asking(session, .run(request), deadline)
        guard case .finished(let finished) = reply else { throw session.unexpected("a result") }
        var info = stat()
        guard fstat(output.number, &info) == 0, finished.outputBytes == geometry.outputBytes,
            UInt64(clamping: info.st_size) == geometry.outputBytes
        else {
            throw ExecutorError(
                .garbage, "the worker wrote \(info.st_size) bytes of \(geometry.outputBytes)")
        }
        return (finished, session.report)
    }

    /// The supervisor kills a second after the worker should have stopped by itself.
    private static func killMs(_ limitMs: UInt64) -> UInt64 {
        let (sum, overflow) = limitMs.addingReportingOverflow(1_000)
        return overflow ? .max : sum
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

    /// Asks; where the worker had to be killed or died, looks after the device.
    private func asking(
        _ session: WorkerSession, _ request: WorkerRequest, _ deadline: UInt64
    ) throws(ExecutorError) -> WorkerReply {
        do throws(ExecutorError) {
            let missing = session.report.missing(from: self.executor.configuration.require)
            guard missing.isEmpty else {
                let words = missing.map { "\($0.mechanism): \($0.reason)" }.joined(separator: "; ")
                throw ExecutorError(
                    .sandbox, "a required mechanism does not hold (worker.require): \(words)")
            }
            return try session.ask(request, deadline: deadline) { done in
                self.progress(
                    ExecutionProgress(
                        phase: .running, groupsDone: done.groupsDone, groupsTotal: done.groupsTotal)
                )
            }
        } catch {
            session.close(graceMs: 0)
            if session.wasKilled { self.executor.examine(self.request.device) }
            throw error
        }
    }
}
