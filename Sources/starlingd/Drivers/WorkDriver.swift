import Economy
import Executor
import Foundation
import Kernels
import Logging
import Node
import Primitives
import Provider
import Store
import Synchronization

/// Does the provider's heavy work: workers for jobs, referee threads for leaves, record files.
///
/// Every effect is answered by an input, whatever happens; if the node takes no more of them, the
/// daemon ends, and a restart resumes.
final class WorkDriver: Sendable {
    /// What one job may cost on this machine.
    struct Limits: Sendable {
        var wallMs: UInt64
        var memoryBytes: UInt64
        var outputBytes: UInt64
    }

    /// How far a running job is.
    struct Progress: Sendable {
        var groupsDone: UInt64
        var groupsTotal: UInt64
        var phase: String
    }

    let executor: Executor
    /// What the probe at start found.
    let deviceStatus: [DeviceStatus]
    private let blobs: BlobStore
    private let records: JobRecordFiles
    private let scratch: String
    private let limits: Limits
    private let keys: KeyStore
    /// The audit chain of this node's seat, and the account that it audits for.
    private let audits: (account: AccountID, chain: RevealChain)?
    private let inputs: Mailbox<Node.Input>
    private let logger: Logger
    private let pool: Pool
    private let running = Mutex<[JobID: Progress]>([:])
    /// Kernels to compile ahead of their first job, one after another.
    private let compiles = Mutex<(isRunning: Bool, waiting: [KernelPackage])>((false, []))
    /// Called when the node cannot go on.
    private let onFailure: @Sendable (String) -> Void

    init(
        executor: Executor, devices: [DeviceStatus], blobs: BlobStore, records: JobRecordFiles,
        scratch: String, limits: Limits, keys: KeyStore,
        audits: (account: AccountID, chain: RevealChain)?, inputs: Mailbox<Node.Input>,
        logger: Logger, onFailure: @escaping @Sendable (String) -> Void
    ) {
        self.executor = executor
        self.deviceStatus = devices
        self.blobs = blobs
        self.records = records
        self.scratch = scratch
        self.limits = limits
        self.keys = keys
        self.audits = audits
        self.inputs = inputs
        self.logger = logger
        self.onFailure = onFailure
        self.pool = Pool(name: "referee", threads: ProcessInfo.processInfo.activeProcessorCount)
        Files.makeDirectory(scratch)
    }

    /// How far a job is, while a worker runs it.
    func progress(of job: JobID) -> Progress? { self.running.withLock { $0[job] } }

    /// Ends the referee's threads and kills the workers.
    func stop() {
        for job in self.running.withLock({ Array($0.keys) }) { self.executor.cancel(job) }
        self.executor.stop()
        self.pool.stop()
    }

    /// Gives an answer: one that is lost would be waited for without end.
    private func answer(_ input: Provider.Input) {
        if !self.inputs.post(.provider(input)) { self.onFailure(Drivers.isBehind) }
    }

    func perform(_ effect: Provider.Effect) {
        switch effect {
        case .derive(let job):
            self.answer(.secret(job, self.keys.node.derive(.salt, job.digest)))
        case .prepare(let package): self.prepare(package)
        case .execute(let job, let package, let order): self.execute(job, package, order)
        case .cancel(let job): self.executor.cancel(job)
        case .referee(let run, let package, let order, let leaves):
            let isQueued = self.pool.run { self.referee(run, package, order, leaves) }
            if !isQueued { self.isBusy(run) }
        case .keep(let record):
            do throws(Files.Failure) {
                try self.records.keep(record)
                self.answer(.kept(record.job))
            } catch {
                self.logger.critical("a job record could not be kept: \(error)")
                self.answer(
                    .executionFailed(record.job, code: "record.failed", text: "\(error)"))
            }
        case .forget(let job): self.records.forget(job)
        case .revealAudit(let job, let auditor, let index):
            let audits = self.audits.flatMap { $0.account == auditor ? $0.chain : nil }
            self.answer(.auditReveal(job, auditor: auditor, audits?.reveal(index)))
        case .signTranscript(let job, let auditor, let digest):
            let signature = self.keys.node.sign(digest)
            self.answer(.transcriptSigned(job, auditor: auditor, digest: digest, signature))
        case .gatherProof(let run, let package, let order, let leaf):
            let isQueued = self.pool.run { self.gatherProof(run, package, order, leaf) }
            if !isQueued { self.isBusy(run) }
        case .readSlice(let job, let blob, let leaf, let package, let order):
            let isQueued = self.pool.run { self.readSlice(job, blob, leaf, package, order) }
            if !isQueued {
                self.answer(.sliceFailed(job, leaf: leaf, text: "too many reads wait"))
            }
        case .fetch, .lookUp, .intend, .send, .opened, .output, .notHere, .notYet, .schedule,
            .report:
            preconditionFailure("the node routes these itself")
        }
    }

    // MARK: Workers

    /// Compiles a kernel when those before it are done. A hint: what finds no place is compiled
    /// with its first job.
    private func prepare(_ package: KernelPackage) {
        let isFirst = self.compiles.withLock { compiles in
            guard compiles.waiting.count < Self.compilesMax else { return false }
            compiles.waiting.append(package)
            defer { compiles.isRunning = true }
            return !compiles.isRunning
        }
        guard isFirst else { return }
        Task {
            while let next = self.nextCompile() { await self.compile(next) }
        }
    }

    private func nextCompile() -> KernelPackage? {
        self.compiles.withLock { compiles in
            guard !compiles.waiting.isEmpty else {
                compiles.isRunning = false
                return nil
            }
            return compiles.waiting.removeFirst()
        }
    }

    private func compile(_ package: KernelPackage) async {
        let devices = self.deviceStatus.filter { $0.quarantine == nil }.map(\.description.key)
        for device in devices {
            do throws(ExecutorError) {
                try await self.executor.prepare(
                    package, on: device, compileMs: Self.compileMs)
            } catch {
                // The first job would say the same.
                self.logger.warning(
                    "kernel \(package.id.short) is not ready on \(device): \(error)")
            }
        }
    }

    /// Kernels that wait for a compiler.
    private static let compilesMax = 16
    private static let compileMs: UInt64 = 60_000

    private func execute(_ job: JobID, _ package: KernelPackage, _ order: WorkOrder) {
        let request: ExecutionRequest
        do {
            request = try self.request(job, package, order)
        } catch {
            self.fail(job, error)
            return
        }
        Task { await self.run(request) }
    }

    private func run(_ request: ExecutionRequest) async {
        let job = request.job
        let outcome: Result<ExecutionResult, ExecutorError>
        do throws(ExecutorError) {
            outcome = .success(
                try await self.executor.execute(request) { progress in
                    self.note(job, progress)
                })
        } catch {
            outcome = .failure(error)
        }
        self.finish(request, outcome)
    }

    private func note(_ job: JobID, _ progress: ExecutionProgress) {
        self.running.withLock {
            $0[job] = Progress(
                groupsDone: progress.groupsDone, groupsTotal: progress.groupsTotal,
                phase: "\(progress.phase)")
        }
    }

    private func finish(
        _ request: ExecutionRequest, _ outcome: Result<ExecutionResult, ExecutorError>
    ) {
        defer { unlink(request.outputPath) }
        do {
            let result = try outcome.get()
            let blob = try self.keepOutput(request.outputPath, bytes: result.outputBytes)
            self.running.withLock { _ = $0.removeValue(forKey: request.job) }
            let execution = Execution(
                sliceRoots: result.sliceRoots, outputBlob: blob,
                outputBytes: result.outputBytes, kernelNs: result.kernelNs,
                device: "\(result.device)")
            self.answer(.executed(request.job, execution))
        } catch {
            self.fail(request.job, error)
        }
    }

    private func fail(_ job: JobID, _ error: any Error) {
        self.running.withLock { _ = $0.removeValue(forKey: job) }
        let code =
            switch error {
            case let error as ExecutorError: error.code.rawValue
            case let error as Missing: error.code
            default: "work.failed"
            }
        self.answer(.executionFailed(job, code: code, text: "\(error)"))
    }

    private struct Missing: Error, CustomStringConvertible {
        let code: String
        let text: String

        var description: String { self.text }
    }

    private func request(
        _ job: JobID, _ package: KernelPackage, _ order: WorkOrder
    ) throws -> ExecutionRequest {
        let device = self.deviceStatus.first { $0.quarantine == nil }?.description.key
        guard let device else {
            throw Missing(
                code: "provider.noDevice",
                text: "no OpenCL device; install pocl-opencl-icd or the GPU's driver")
        }
        let geometry = try Kernel(package).geometry(order)
        var inputs: [ExecutionInput] = []
        for input in geometry.inputs {
            // The provider had it fetched; it may have been deleted since.
            guard try self.blobs.size(of: input.blob) != nil else {
                throw Missing(code: "blob.missing", text: "input \(input.blob.short) is not here")
            }
            let path = try self.blobs.path(of: input.blob)
            inputs.append(ExecutionInput(buffer: input.buffer, .file(path)))
        }
        let output = "\(self.scratch)/\(job.hex).out"
        unlink(output)  // What a killed predecessor left.
        return ExecutionRequest(
            job: job, package: package, order: order, inputs: inputs, device: device,
            outputPath: output,
            limits: ExecutionLimits(
                compileMs: Self.compileMs, wallMs: self.limits.wallMs,
                memoryBytes: self.limits.memoryBytes, outputBytes: self.limits.outputBytes))
    }

    /// Copies a finished output into the blobs, piece by piece.
    private func keepOutput(_ path: String, bytes: UInt64) throws -> BlobID {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Missing(code: "output.missing", text: "the worker's output cannot be read")
        }
        defer { file.closeFile() }
        let handle = try self.blobs.open(bytes: bytes)
        do {
            var offset: UInt64 = 0
            while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {
                offset = try self.blobs.append(handle, offset: offset, Array(piece))
            }
            return try self.blobs.commit(handle)
        } catch {
            self.blobs.abort(handle)
            throw error
        }
    }

    // MARK: The referee

    private func referee(
        _ run: RefereeRun, _ package: KernelPackage, _ order: WorkOrder, _ leaves: [UInt64]
    ) {
        do {
            let kernel = try Kernel(package)
            let geometry = try kernel.geometry(order)
            let inputs = try self.inputs(of: geometry)
            var referee = Referee(kernel)
            var results: [LeafResult] = []
            for leaf in leaves {
                let result = try referee.run(
                    leaf: leaf, launch: 0, order: order, geometry: geometry, inputs: inputs)
                results.append(
                    LeafResult(leaf: leaf, sliceRoot: Leaf.sliceRoot(result.slice)))
            }
            self.answer(.refereed(run, results))
        } catch {
            self.answer(.refereeFailed(run, text: "\(error)", isFinal: false))
        }
    }

    private func isBusy(_ run: RefereeRun) {
        self.answer(.refereeFailed(run, text: "too many referee runs wait", isFinal: false))
    }

    /// Runs one leaf and keeps what it reads, for a proof on the ledger.
    private func gatherProof(
        _ run: RefereeRun, _ package: KernelPackage, _ order: WorkOrder, _ leaf: UInt64
    ) {
        do {
            let kernel = try Kernel(package)
            let geometry = try kernel.geometry(order)
            var referee = Referee(kernel)
            let (result, witness) = try referee.witness(
                leaf: leaf, launch: 0, order: order, geometry: geometry,
                inputs: try self.inputs(of: geometry))
            self.answer(
                .proof(run, leaf: leaf, witness: witness, sliceRoot: Leaf.sliceRoot(result.slice)))
        } catch WitnessError.tooLarge(let bytes) {
            let text = "the leaf reads so much that its witness has \(bytes) bytes"
            self.answer(.refereeFailed(run, text: text, isFinal: true))
        } catch {
            self.answer(.refereeFailed(run, text: "\(error)", isFinal: false))
        }
    }

    private func inputs(of geometry: Geometry) throws -> [[UInt8]] {
        var inputs = [[UInt8]](repeating: [], count: geometry.launch.buffers.count)
        for input in geometry.inputs {
            guard input.bytes <= self.limits.memoryBytes else {
                throw Missing(code: "input.tooLarge", text: "an input exceeds the memory limit")
            }
            inputs[input.buffer] = try self.blobs.bytes(of: input.blob)
        }
        return inputs
    }

    // MARK: Outputs

    /// Reads one leaf's slice out of an output: it lies behind the slices of the leaves before it.
    private func readSlice(
        _ job: JobID, _ blob: BlobID, _ leaf: UInt64, _ package: KernelPackage, _ order: WorkOrder
    ) {
        do {
            let geometry = try Kernel(package).geometry(order)
            guard leaf < geometry.leafCount else {
                throw Missing(code: "leaf.missing", text: "the job has no leaf \(leaf)")
            }
            let offset = (0..<leaf).reduce(UInt64(0)) { $0 + geometry.sliceBytes(leaf: $1) }
            let count = Int(clamping: geometry.sliceBytes(leaf: leaf))
            var bytes: [UInt8] = []
            while bytes.count < count {
                let piece = try self.blobs.read(
                    blob, offset: offset + UInt64(bytes.count), count: count - bytes.count)
                guard !piece.isEmpty else {
                    throw Missing(
                        code: "output.short", text: "output \(blob.short) ends within leaf \(leaf)")
                }
                bytes += piece
            }
            self.answer(.slice(job, leaf: leaf, bytes))
        } catch {
            self.answer(.sliceFailed(job, leaf: leaf, text: "\(error)"))
        }
    }
}
