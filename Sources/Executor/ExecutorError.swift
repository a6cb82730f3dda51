internal import Primitives

/// Why something was not executed: a stable code, words with the fix, and what lay below.
package struct ExecutorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable codes.
    package enum Code: String, CaseIterable, Sendable {
        /// `starling-worker` is missing or cannot be started.
        case noWorker = "executor.worker.missing"
        /// bubblewrap failed, or a required mechanism does not hold.
        case sandbox = "executor.sandbox"
        /// The system refused a process, pipe or file.
        case system = "executor.system"
        /// No OpenCL driver is installed.
        case noPlatform = "executor.opencl.missing"
        /// No such device, or its driver changed.
        case noDevice = "executor.device.missing"
        /// The device stopped answering once.
        case quarantined = "executor.device.quarantined"
        /// The device cannot answer this kernel bit by bit.
        case inexact = "executor.device.inexact"
        /// An OpenCL call failed.
        case device = "executor.device.failed"
        /// The kernel does not pass the verifier.
        case kernel = "executor.kernel.rejected"
        /// The device's compiler refused the emitted text.
        case build = "executor.kernel.build"
        /// The order does not fit the kernel.
        case order = "executor.order.rejected"
        /// More launches than one.
        case launches = "executor.order.launches"
        /// An input is missing or of another size.
        case input = "executor.input"
        /// The time limit.
        case timeLimit = "executor.limit.time"
        /// Buffers beyond the memory limit or the device.
        case memoryLimit = "executor.limit.memory"
        /// The output beyond its limit.
        case outputLimit = "executor.limit.output"
        /// The worker died.
        case crashed = "executor.worker.crashed"
        /// The worker sent bytes that are no reply, or another one than was due.
        case garbage = "executor.worker.garbage"
        /// The output file could not be written or read back.
        case output = "executor.output"
        /// Cancelled by the caller.
        case cancelled = "executor.cancelled"
        /// A job of this id is running.
        case busy = "executor.busy"
    }

    /// Which.
    package let code: Code
    /// What happened and what to do, for people.
    package let text: String
    /// A build log, the worker's last words, an errno or an OpenCL status; may be empty.
    package let underlying: String

    /// An error.
    package init(_ code: Code, _ text: String, underlying: String = "") {
        self.code = code
        self.text = text
        self.underlying = underlying
    }

    /// Code and text.
    package var description: String {
        "\(self.text) [\(self.code.rawValue)]"
            + (self.underlying.isEmpty ? "" : ": \(self.underlying)")
    }

    /// The error of a failed system call.
    static func system(_ call: StaticString, _ error: Int32) -> ExecutorError {
        ExecutorError(.system, "\(call) failed", underlying: Clock.errorText(error))
    }

    /// The error that a worker reports about itself.
    init(_ failure: WorkerFailure) {
        let code: Code =
            switch failure.code {
            case .badRequest: .garbage
            case .noPlatform: .noPlatform
            case .noDevice: .noDevice
            case .kernelRejected: .kernel
            case .orderRejected: .order
            case .severalLaunches: .launches
            case .buildFailed: .build
            case .inexactDevice: .inexact
            case .tooLarge: .memoryLimit
            case .outputTooLarge: .outputLimit
            case .badInput: .input
            case .device: .device
            case .output: .output
            case .timeLimit: .timeLimit
            }
        let fix = failure.code == .noPlatform ? "; install pocl-opencl-icd or the GPU's driver" : ""
        self.init(code, failure.text + fix, underlying: failure.log)
    }
}
