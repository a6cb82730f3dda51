internal import COpenCL

/// A context and a queue on one device, released together.
final class DeviceContext {
    let device: Device
    let context: cl_context
    let queue: cl_command_queue

    /// Opens the device.
    ///
    /// - Throws: a named OpenCL failure.
    init(_ device: Device) throws(WorkerFailure) {
        var status: cl_int = 0
        var handle: cl_device_id? = device.handle
        guard let context = clCreateContext(nil, 1, &handle, nil, nil, &status) else {
            throw OpenCLStatus.failure(status, "clCreateContext")
        }
        // The call with properties never returns for a 1.2 device behind ocl-icd 2.3.1.
        let isOld = device.description.version.hasPrefix("OpenCL 1.")
        let queue =
            isOld
            ? clCreateCommandQueue(context, device.handle, 0, &status)
            : clCreateCommandQueueWithProperties(context, device.handle, nil, &status)
        guard let queue else {
            clReleaseContext(context)
            throw OpenCLStatus.failure(status, "clCreateCommandQueue")
        }
        self.device = device
        self.context = context
        self.queue = queue
    }

    deinit {
        clReleaseCommandQueue(self.queue)
        clReleaseContext(self.context)
    }

    /// Waits until the queue is empty.
    func finish() throws(WorkerFailure) {
        try OpenCLStatus.check(clFinish(self.queue), "clFinish")
    }

    /// Moves 4 KiB to the device and back.
    ///
    /// - Throws: ``FailureCode/device`` where the bytes come back changed, or a named failure.
    func exercise() throws(WorkerFailure) {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 8_192, alignment: 16)
        defer { bytes.deallocate() }
        let sent = UnsafeMutableRawBufferPointer(rebasing: bytes[..<4_096])
        let received = UnsafeMutableRawBufferPointer(rebasing: bytes[4_096...])
        for index in sent.indices { sent[index] = UInt8(truncatingIfNeeded: index &* 37) }
        received.initializeMemory(as: UInt8.self, repeating: 0)
        let buffer = try DeviceBuffer(self, bytes: sent.count)
        try buffer.write(UnsafeRawBufferPointer(sent), at: 0)
        try buffer.read(into: received, at: 0)
        guard received.elementsEqual(sent) else {
            throw WorkerFailure(.device, "the device returned other bytes than were sent")
        }
    }
}

/// A buffer in device memory.
final class DeviceBuffer {
    let handle: cl_mem
    let bytes: Int
    private let owner: DeviceContext

    /// Allocates `bytes` bytes; what is in them is whatever was there.
    ///
    /// - Bounds: `bytes` is positive and was compared with the device's limits.
    init(_ owner: DeviceContext, bytes: Int) throws(WorkerFailure) {
        precondition(bytes > 0, "OpenCL has no empty buffers")
        var status: cl_int = 0
        guard
            let handle = clCreateBuffer(
                owner.context, cl_mem_flags(CL_MEM_READ_WRITE), bytes, nil, &status)
        else { throw OpenCLStatus.failure(status, "clCreateBuffer") }
        self.handle = handle
        self.bytes = bytes
        self.owner = owner
    }

    deinit { clReleaseMemObject(self.handle) }

    /// Fills the buffer with zeros.
    func zero() throws(WorkerFailure) {
        // The widest pattern is the fastest; it must divide the size, so the tail is single bytes.
        let zeros = [UInt8](repeating: 0, count: 128)
        let whole = self.bytes / zeros.count * zeros.count
        for (width, start, count) in [(128, 0, whole), (1, whole, self.bytes - whole)]
        where count > 0 {
            try OpenCLStatus.check(
                clEnqueueFillBuffer(
                    self.owner.queue, self.handle, zeros, width, start, count, 0, nil, nil),
                "clEnqueueFillBuffer")
        }
        try self.owner.finish()
    }

    /// Writes host bytes at `offset` and waits.
    func write(_ source: UnsafeRawBufferPointer, at offset: Int) throws(WorkerFailure) {
        precondition(offset >= 0 && source.count <= self.bytes - offset, "inside the buffer")
        guard let base = source.baseAddress, source.count > 0 else { return }
        try OpenCLStatus.check(
            clEnqueueWriteBuffer(
                self.owner.queue, self.handle, cl_bool(CL_TRUE), offset, source.count, base, 0, nil,
                nil), "clEnqueueWriteBuffer")
    }

    /// Reads bytes from `offset` and waits.
    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws(WorkerFailure) {
        precondition(offset >= 0 && target.count <= self.bytes - offset, "inside the buffer")
        guard let base = target.baseAddress, target.count > 0 else { return }
        try OpenCLStatus.check(
            clEnqueueReadBuffer(
                self.owner.queue, self.handle, cl_bool(CL_TRUE), offset, target.count, base, 0, nil,
                nil), "clEnqueueReadBuffer")
    }

    /// Shows the whole buffer to the host for reading; pair it with ``unmap(_:)``.
    func map() throws(WorkerFailure) -> UnsafeRawBufferPointer {
        var status: cl_int = 0
        let pointer = clEnqueueMapBuffer(
            self.owner.queue, self.handle, cl_bool(CL_TRUE), cl_map_flags(CL_MAP_READ), 0,
            self.bytes, 0, nil, nil, &status)
        guard let pointer else { throw OpenCLStatus.failure(status, "clEnqueueMapBuffer") }
        return UnsafeRawBufferPointer(start: pointer, count: self.bytes)
    }

    /// Ends ``map()``.
    func unmap(_ bytes: UnsafeRawBufferPointer) {
        let pointer = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        clEnqueueUnmapMemObject(self.owner.queue, self.handle, pointer, 0, nil, nil)
        clFinish(self.owner.queue)
    }
}
