internal import COpenCL
internal import Glibc

/// A built program with its one kernel.
final class DeviceProgram {
    let program: cl_program
    let kernel: cl_kernel
    private let owner: DeviceContext

    /// Compiles emitted text.
    ///
    /// - Throws: ``FailureCode/buildFailed`` with the build log.
    convenience init(
        _ owner: DeviceContext, source: String, entry: String, options: String
    ) throws(WorkerFailure) {
        var status: cl_int = 0
        let program = source.withCString { text in
            var pointer: UnsafePointer<CChar>? = text
            return clCreateProgramWithSource(owner.context, 1, &pointer, nil, &status)
        }
        guard let program else { throw OpenCLStatus.failure(status, "clCreateProgramWithSource") }
        try self.init(owner, program: program, entry: entry, options: options)
    }

    /// Loads what ``binary()`` gave on this device.
    ///
    /// - Throws: ``FailureCode/device`` where the driver does not take it.
    convenience init(
        _ owner: DeviceContext, binary: [UInt8], entry: String, options: String
    ) throws(WorkerFailure) {
        var status: cl_int = 0
        var each: cl_int = 0
        var device: cl_device_id? = owner.device.handle
        var size = binary.count
        let program = binary.withUnsafeBufferPointer { bytes in
            var pointer = bytes.baseAddress
            return clCreateProgramWithBinary(
                owner.context, 1, &device, &size, &pointer, &each, &status)
        }
        guard let program else { throw OpenCLStatus.failure(status, "clCreateProgramWithBinary") }
        guard each == CL_SUCCESS else {
            clReleaseProgram(program)
            throw OpenCLStatus.failure(each, "clCreateProgramWithBinary")
        }
        try self.init(owner, program: program, entry: entry, options: options)
    }

    /// Builds and owns `program`.
    private init(
        _ owner: DeviceContext, program: cl_program, entry: String, options: String
    ) throws(WorkerFailure) {
        var device: cl_device_id? = owner.device.handle
        let built = clBuildProgram(program, 1, &device, options, nil, nil)
        guard built == CL_SUCCESS else {
            let log = Self.log(program, owner.device.handle)
            clReleaseProgram(program)
            throw WorkerFailure(
                .buildFailed, "clBuildProgram: \(OpenCLStatus.name(built)) (\(built))",
                status: built, log: log)
        }
        var status: cl_int = 0
        // PoCL takes a NULL kernel for granted and crashes: look at once.
        guard let kernel = clCreateKernel(program, entry, &status), status == CL_SUCCESS else {
            clReleaseProgram(program)
            throw OpenCLStatus.failure(status, "clCreateKernel")
        }
        self.owner = owner
        self.program = program
        self.kernel = kernel
    }

    deinit {
        clReleaseKernel(self.kernel)
        clReleaseProgram(self.program)
    }

    /// The driver's own form of the program.
    ///
    /// - Throws: ``FailureCode/tooLarge`` beyond ``WorkerProtocol/programBytesMax``.
    func binary() throws(WorkerFailure) -> [UInt8] {
        var size = 0
        try OpenCLStatus.check(
            clGetProgramInfo(
                self.program, cl_program_info(CL_PROGRAM_BINARY_SIZES), MemoryLayout<Int>.size,
                &size, nil), "clGetProgramInfo")
        guard size > 0, size <= WorkerProtocol.programBytesMax else {
            throw WorkerFailure(.tooLarge, "a device program of \(size) bytes")
        }
        var bytes = [UInt8](repeating: 0, count: size)
        let status = bytes.withUnsafeMutableBufferPointer { buffer in
            var pointer = buffer.baseAddress
            return clGetProgramInfo(
                self.program, cl_program_info(CL_PROGRAM_BINARIES),
                MemoryLayout<UnsafeMutablePointer<UInt8>?>.size, &pointer, nil)
        }
        try OpenCLStatus.check(status, "clGetProgramInfo")
        return bytes
    }

    /// The most work-items of one group that this kernel can have on its device.
    func groupItemsMax() throws(WorkerFailure) -> Int {
        var value = 0
        try OpenCLStatus.check(
            clGetKernelWorkGroupInfo(
                self.kernel, self.owner.device.handle,
                cl_kernel_work_group_info(CL_KERNEL_WORK_GROUP_SIZE), MemoryLayout<Int>.size,
                &value, nil), "clGetKernelWorkGroupInfo")
        return value
    }

    /// Sets argument `index` to plain bytes.
    func set(_ index: Int, bytes: [UInt8]) throws(WorkerFailure) {
        try OpenCLStatus.check(
            clSetKernelArg(self.kernel, cl_uint(index), bytes.count, bytes), "clSetKernelArg")
    }

    /// Sets argument `index` to a buffer.
    func set(_ index: Int, buffer: DeviceBuffer) throws(WorkerFailure) {
        var handle: cl_mem? = buffer.handle
        try OpenCLStatus.check(
            clSetKernelArg(self.kernel, cl_uint(index), MemoryLayout<cl_mem?>.size, &handle),
            "clSetKernelArg")
    }

    /// Sets argument `index` to `bytes` bytes of local memory.
    func set(_ index: Int, localBytes: Int) throws(WorkerFailure) {
        try OpenCLStatus.check(
            clSetKernelArg(self.kernel, cl_uint(index), localBytes, nil), "clSetKernelArg")
    }

    /// Runs `groups` groups of `local` items and waits; nanoseconds from start to end.
    func run(groups: [Int], local: [Int]) throws(WorkerFailure) -> UInt64 {
        let global = zip(groups, local).map { $0 * $1 }
        let start = monotonicNs()
        try OpenCLStatus.check(
            clEnqueueNDRangeKernel(
                self.owner.queue, self.kernel, cl_uint(global.count), nil, global, local, 0, nil,
                nil), "clEnqueueNDRangeKernel")
        try self.owner.finish()
        return monotonicNs() - start
    }

    private static func log(_ program: cl_program, _ device: cl_device_id) -> String {
        var size = 0
        let name = cl_program_build_info(CL_PROGRAM_BUILD_LOG)
        guard clGetProgramBuildInfo(program, device, name, 0, nil, &size) == CL_SUCCESS,
            size > 0, size <= 1 << 22
        else { return "" }
        var bytes = [UInt8](repeating: 0, count: size)
        guard clGetProgramBuildInfo(program, device, name, size, &bytes, nil) == CL_SUCCESS else {
            return ""
        }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// Nanoseconds of the system's monotonic clock.
func monotonicNs() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
