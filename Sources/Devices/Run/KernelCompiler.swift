internal import Kernels
internal import Primitives

/// From a package to a device's program; the user's text goes no further than our parser.
enum KernelCompiler {
    /// Parses, verifies, emits, compiles, runs one group on nothing, and takes the program out.
    ///
    /// - Throws: ``WorkerFailure``.
    static func compile(_ request: CompileRequest) throws(WorkerFailure) -> CompiledProgram {
        let start = monotonicNs()
        let kernel = try Self.kernel(request.package)
        let device = try Device.find(request.device)
        try Self.check(kernel, fits: device)
        guard device.description.hasCompiler else {
            throw WorkerFailure(.buildFailed, "the device has no compiler")
        }
        let context = try DeviceContext(device)
        let program = try DeviceProgram(
            context, source: kernel.openCL(), entry: KernelABI.entry,
            options: Self.options(kernel, device))
        try Self.warm(program, kernel, context)
        var compiled = CompiledProgram()
        compiled.program = try program.binary()
        compiled.compileNs = monotonicNs() - start
        return compiled
    }

    /// The verified kernel.
    static func kernel(_ package: KernelPackage) throws(WorkerFailure) -> Kernel {
        do throws(KernelError) { return try Kernel(package) } catch {
            throw WorkerFailure(.kernelRejected, error.message, log: error.rendered)
        }
    }

    /// Options of every build; the emitted text needs no other.
    static func options(_ kernel: Kernel, _ device: Device) -> String {
        let rounds = device.description.roundsDivision
        switch kernel.exactness {
        case .exactFloat32 where rounds:
            return "-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt"
        case .exactInt, .exactFloat32, .exactFloat64, .certificate: return "-cl-std=CL1.2"
        }
    }

    /// A device that cannot answer bit by bit is refused before anything is bought from it.
    static func check(_ kernel: Kernel, fits device: Device) throws(WorkerFailure) {
        let facts = device.description
        guard facts.isLittleEndian else {
            throw WorkerFailure(.inexactDevice, "the device is big-endian")
        }
        switch kernel.exactness {
        case .exactInt: break
        case .exactFloat32:
            guard facts.keepsDenormals, facts.roundsDivision else {
                throw WorkerFailure(
                    .inexactDevice,
                    "single precision on this device flushes denormals or divides inexactly")
            }
        case .exactFloat64:
            guard facts.hasFloat64 else {
                throw WorkerFailure(.inexactDevice, "the device has no double precision")
            }
        case .certificate:
            throw WorkerFailure(.inexactDevice, "certificate kernels are not run yet")
        }
        let manifest = kernel.package.manifest
        let lanes = manifest.localSize.array.reduce(UInt64(1)) { $0 * UInt64($1) }
        guard lanes <= facts.groupItemsMax else {
            throw WorkerFailure(
                .tooLarge, "groups of \(lanes) lanes; the device takes \(facts.groupItemsMax)")
        }
    }

    /// Runs one group over one element of zeros in each buffer.
    ///
    /// PoCL compiles a group function when a kernel first runs, and only then is it in the program;
    /// the run stage may not start a linker. Other drivers finish their own late work here too.
    private static func warm(
        _ program: DeviceProgram, _ kernel: Kernel, _ context: DeviceContext
    ) throws(WorkerFailure) {
        let manifest = kernel.package.manifest
        var buffers: [DeviceBuffer] = []
        for layout in manifest.buffers {
            let buffer = try DeviceBuffer(context, bytes: max(layout.element.bytes, 16))
            try buffer.zero()
            buffers.append(buffer)
        }
        let arguments = LaunchArguments(
            kernel: kernel, scalars: kernel.scalarTypes.map { Scalar($0, bits: 0) },
            elements: manifest.buffers.map { _ in 1 }, groups: [1, 1, 1])
        try arguments.bind(program, buffers)
        try arguments.bind(
            program, window: GroupWindows.Window(base: [0, 0, 0], counts: [1, 1, 1]))
        _ = try program.run(groups: [1, 1, 1], local: manifest.localSize.array.map { Int($0) })
    }
}
