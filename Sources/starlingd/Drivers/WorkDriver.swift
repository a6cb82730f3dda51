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
/// Every effect is answered by an input, whatever happens.
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
    private let inputs: Mailbox<Node.Input>
    private let logger: Logger
    private let pool: Pool
    private let running = Mutex<[JobID: Progress]>([:])

    init(
        executor: Executor, devices: [DeviceStatus], blobs: BlobStore, records: JobRecordFiles,
        scratch: String, limits: Limits, keys: KeyStore, inputs: Mailbox<Node.Input>,
        logger: Logger
    ) {
        self.executor = executor
        self.deviceStatus = devices
        self.blobs = blobs
        self.records = records
        self.scratch = scratch
        self.limits = limits
        self.keys = keys
        self.inputs = inputs
        self.logger = logger
        self.pool = Pool(name: "referee", threads: ProcessInfo.processInfo.activeProcessorCount)
        Files.makeDirectory(scratch)
    }

    /// How far a job is, while a worker runs it.
    func progress(of job: JobID) -> Progress? { self.running.withLock { $0[job] } }

    /// Ends the referee's threads and kills the workers.
    func stop() {
        for job in self.running.withLock({ Array($0.keys) }) { self.executor.cancel(job) }
        self.pool.stop()
    }

    func perform(_ effect: Provider.Effect) {
        switch effect {
        case .derive(let job):
            self.inputs.post(.provider(.secret(job, self.keys.node.derive(.salt, job.digest))))
        case .execute(let job, let package, let order): self.execute(job, package, order)
        case .cancel(let job): self.executor.cancel(job)
        case .referee(let run, let package, let order, let leaves):
            let isQueued = self.pool.run { self.referee(run, package, order, leaves) }
            if !isQueued {
                self.inputs.post(
                    .provider(.refereeFailed(run, text: "too many referee runs wait")))
            }
        case .keep(let record):
            do throws(Files.Failure) {
                try self.records.keep(record)
                self.inputs.post(.provider(.kept(record.job)))
            } catch {
                self.logger.critical("a job record could not be kept: \(error)")
                self.inputs.post(
                    .provider(
                        .executionFailed(record.job, code: "record.failed", text: "\(error)")))
            }
        case .forget(let job): self.records.forget(job)
        case .fetch, .lookUp, .intend, .send, .opened, .output, .notHere, .notYet, .schedule,
            .report:
            preconditionFailure("the node routes these itself")
        }
    }

    // MARK: Workers

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
            self.inputs.post(.provider(.executed(request.job, execution)))
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
        self.inputs.post(.provider(.executionFailed(job, code: code, text: "\(error)")))
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
                compileMs: 60_000, wallMs: self.limits.wallMs,
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
            var inputs = [[UInt8]](repeating: [], count: geometry.launch.buffers.count)
            for input in geometry.inputs {
                guard input.bytes <= self.limits.memoryBytes else {
                    throw Missing(code: "input.tooLarge", text: "an input exceeds the memory limit")
                }
                inputs[input.buffer] = try self.blobs.bytes(of: input.blob)
            }
            var referee = Referee(kernel)
            var results: [LeafResult] = []
            for leaf in leaves {
                let result = try referee.run(
                    leaf: leaf, launch: 0, order: order, geometry: geometry, inputs: inputs)
                results.append(
                    LeafResult(leaf: leaf, sliceRoot: Leaf.sliceRoot(result.slice)))
            }
            self.inputs.post(.provider(.refereed(run, results)))
        } catch {
            self.inputs.post(.provider(.refereeFailed(run, text: "\(error)")))
        }
    }
}
