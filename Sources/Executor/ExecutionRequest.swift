package import Kernels
package import Primitives

/// What one execution may cost; arguments, never defaults.
package struct ExecutionLimits: Hashable, Sendable {
    /// Milliseconds of compiling.
    package var compileMs: UInt64
    /// Milliseconds of running, transfers included.
    package var wallMs: UInt64
    /// Bytes of all buffers together.
    package var memoryBytes: UInt64
    /// Bytes of output.
    package var outputBytes: UInt64

    /// All four.
    package init(compileMs: UInt64, wallMs: UInt64, memoryBytes: UInt64, outputBytes: UInt64) {
        self.compileMs = compileMs
        self.wallMs = wallMs
        self.memoryBytes = memoryBytes
        self.outputBytes = outputBytes
    }
}

/// The data of one input buffer.
package struct ExecutionInput: Hashable, Sendable {
    /// Where the bytes are.
    package enum Source: Hashable, Sendable {
        /// The path of an ordinary file; it must not change while the job runs.
        case file(String)
        /// The bytes themselves.
        case bytes([UInt8])
    }

    /// The buffer's place among the launch's bindings.
    package var buffer: Int
    /// Its bytes.
    package var source: Source

    /// Data for a buffer.
    package init(buffer: Int, _ source: Source) {
        self.buffer = buffer
        self.source = source
    }
}

/// One job to run.
package struct ExecutionRequest: Sendable {
    /// Names the execution for ``Executor/cancel(_:)``.
    package var job: JobID
    /// The kernel.
    package var package: KernelPackage
    /// The work: one launch.
    package var order: WorkOrder
    /// One for each buffer that the order binds to a blob. The caller has checked the blob ids.
    package var inputs: [ExecutionInput]
    /// On which device, from ``Executor/probe()``.
    package var device: DeviceKey
    /// The file that gets the slice-major output; must not exist.
    package var outputPath: String
    /// What it may cost.
    package var limits: ExecutionLimits

    /// A request.
    package init(
        job: JobID, package: KernelPackage, order: WorkOrder, inputs: [ExecutionInput],
        device: DeviceKey, outputPath: String, limits: ExecutionLimits
    ) {
        self.job = job
        self.package = package
        self.order = order
        self.inputs = inputs
        self.device = device
        self.outputPath = outputPath
        self.limits = limits
    }
}

/// How far an execution is.
package struct ExecutionProgress: Hashable, Sendable {
    /// What it is doing.
    package enum Phase: Hashable, Sendable {
        /// The device's compiler works.
        case compiling
        /// Work-groups run.
        case running
        /// The output is written; its slices are hashed.
        case hashing
    }

    /// What it is doing.
    package let phase: Phase
    /// Work-groups done and of the launch; zeros while compiling.
    package let groupsDone: UInt64
    package let groupsTotal: UInt64
}

/// A finished execution.
package struct ExecutionResult: Hashable, Sendable {
    /// The slice-major output; the caller's from now on.
    package let outputPath: String
    /// Its bytes.
    package let outputBytes: UInt64
    /// `Leaf.sliceRoot` of each leaf, in order.
    package let sliceRoots: [Digest]
    /// Nanoseconds on the device.
    package let kernelNs: UInt64
    /// Nanoseconds of moving data to and from the device and the output file.
    package let transferNs: UInt64
    /// Nanoseconds from start to end, compiling and hashing included.
    package let wallNs: UInt64
    /// Nanoseconds of compiling; 0 where the program was there.
    package let compileNs: UInt64
    /// Pieces the launch was cut into.
    package let enqueues: UInt32
    /// Where it ran.
    package let device: DeviceKey
    /// What confined it.
    package let sandbox: SandboxReport
}
