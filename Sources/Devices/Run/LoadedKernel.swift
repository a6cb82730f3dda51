internal import Kernels
internal import Primitives

/// A kernel that is ready on its device: parsed, verified, its program loaded.
///
/// A worker keeps it between jobs. Buffers belong to a job and never to this.
final class LoadedKernel {
    let kernel: Kernel
    let context: DeviceContext
    let program: DeviceProgram
    private let package: KernelPackage

    /// Parses the kernel again, opens the device and loads the program.
    ///
    /// - Throws: ``WorkerFailure``.
    init(_ request: RunRequest) throws(WorkerFailure) {
        self.package = request.package
        self.kernel = try KernelCompiler.kernel(request.package)
        let device = try Device.find(request.device)
        try KernelCompiler.check(self.kernel, fits: device)
        self.context = try DeviceContext(device)
        self.program = try DeviceProgram(
            self.context, binary: request.program, entry: KernelABI.entry,
            options: KernelCompiler.options(self.kernel, device))
    }

    /// True if the request is for this very kernel and device and brings no program of its own.
    func serves(_ request: RunRequest) -> Bool {
        request.program.isEmpty && request.device == self.context.device.description.key
            && request.package == self.package
    }
}
