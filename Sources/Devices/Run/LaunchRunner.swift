internal import COpenCL
internal import Glibc
internal import Kernels
internal import Primitives

/// Runs the one launch of a request and gives its output, slice after slice.
final class LaunchRunner {
    /// Bytes moved at once between pipes and the device.
    private static let pieceBytes = 4 << 20
    /// Work-items along an axis for which PoCL's compiled program holds (it compiles another form
    /// for grids of 65,535 and wider).
    private static let narrowGridItems: UInt64 = 65_534

    private let request: RunRequest
    private let channel: FrameChannel
    private let kernel: Kernel
    private let geometry: Geometry
    private let context: DeviceContext
    private let program: DeviceProgram
    private var finished = RunFinished()
    private let deadline: UInt64

    /// Checks the request against its kernel and the device; `began` is when it came.
    ///
    /// - Throws: ``WorkerFailure``.
    init(
        _ request: RunRequest, _ loaded: LoadedKernel, _ channel: FrameChannel, began: UInt64
    ) throws(WorkerFailure) {
        self.request = request
        self.channel = channel
        let (deadline, overflow) = began.addingReportingOverflow(request.wallNs)
        self.deadline = overflow ? .max : deadline
        self.kernel = loaded.kernel
        self.context = loaded.context
        self.program = loaded.program
        guard request.order.launches.count == 1 else {
            throw WorkerFailure(.severalLaunches, "an order has exactly one launch")
        }
        do throws(WorkError) { self.geometry = try self.kernel.geometry(request.order) } catch {
            throw WorkerFailure(.orderRejected, error.message, log: error.code)
        }
        try Self.checkSizes(self.geometry, request, loaded.context.device)
    }

    /// Runs to the end.
    ///
    /// - Throws: ``WorkerFailure``.
    func run() throws(WorkerFailure) -> RunFinished {
        let start = monotonicNs()
        var buffers: [DeviceBuffer] = []
        for number in self.geometry.launch.buffers.indices {
            let buffer = try DeviceBuffer(self.context, bytes: self.bytes(ofBuffer: number))
            // What no input overwrites starts as zeros: nothing of another job is ever read.
            if !self.geometry.inputs.contains(where: { $0.buffer == number }) { try buffer.zero() }
            buffers.append(buffer)
        }
        try self.fill(buffers)
        let arguments = LaunchArguments(
            kernel: self.kernel, scalars: self.geometry.launch.scalars,
            elements: self.geometry.launch.buffers.map(\.elements),
            groups: self.geometry.launch.groups.array)
        try arguments.bind(self.program, buffers)
        try self.execute(arguments)
        try self.gather(buffers)
        self.finished.transferNs = monotonicNs() - start - self.finished.kernelNs
        return self.finished
    }

    private func bytes(ofBuffer number: Int) -> Int {
        // Within Limits.bufferBytes: the geometry was checked.
        Int(self.geometry.launch.buffers[number].elements) * self.geometry.elementBytes[number]
    }

    private static func checkSizes(
        _ geometry: Geometry, _ request: RunRequest, _ device: Device
    ) throws(WorkerFailure) {
        var sum: UInt64 = 0
        for (binding, width) in zip(geometry.launch.buffers, geometry.elementBytes) {
            let bytes = binding.elements * UInt64(width)
            guard bytes <= device.description.allocationBytesMax else {
                throw WorkerFailure(
                    .tooLarge,
                    "a buffer of \(bytes) bytes; the device takes "
                        + "\(device.description.allocationBytesMax)"
                )
            }
            sum += bytes
        }
        guard sum <= request.bufferBytesMax, sum <= device.description.globalBytes else {
            throw WorkerFailure(.tooLarge, "buffers of \(sum) bytes together")
        }
        guard geometry.outputBytes <= request.outputBytesMax else {
            throw WorkerFailure(.outputTooLarge, "an output of \(geometry.outputBytes) bytes")
        }
        let wanted = geometry.inputs.map { InputFile(buffer: UInt32($0.buffer), bytes: $0.bytes) }
        guard wanted == request.inputs else {
            throw WorkerFailure(.badInput, "the inputs are not those of the order")
        }
    }

    /// Takes the inputs, which follow the request, into their buffers.
    private func fill(_ buffers: [DeviceBuffer]) throws(WorkerFailure) {
        let piece = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.pieceBytes, alignment: 16)
        defer { piece.deallocate() }
        for input in self.geometry.inputs {
            let total = Int(input.bytes)
            var offset = 0
            while offset < total {
                let count = min(piece.count, total - offset)
                let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<count])
                guard self.channel.receive(into: part) else {
                    throw WorkerFailure(
                        .badInput, "input of buffer \(input.buffer) ends in \(total) bytes")
                }
                try buffers[input.buffer].write(UnsafeRawBufferPointer(part), at: offset)
                offset += count
            }
        }
    }

    /// Enqueues the launch in pieces of about the wished time.
    private func execute(_ arguments: LaunchArguments) throws(WorkerFailure) {
        let local = self.kernel.package.manifest.localSize.array
        let axisMax = local.map {
            self.context.device.isPoCL
                ? max(Self.narrowGridItems / UInt64($0), 1)
                : UInt64(UInt32.max) / UInt64($0)
        }
        var windows = GroupWindows(total: self.geometry.launch.groups.array, axisMax: axisMax)
        var done = RunProgress()
        done.groupsTotal = self.geometry.groupCount
        var budget = UInt64(max(self.context.device.description.computeUnits, 1))
        var lastSent = monotonicNs()
        while let window = windows.take(budget) {
            try arguments.bind(self.program, window: window)
            let time = try self.program.run(
                groups: window.counts.map { Int($0) }, local: local.map { Int($0) })
            done.groupsDone += window.groups
            done.kernelNs += time
            self.finished.enqueues &+= 1
            // Grow at most eightfold at once: the first pieces are small and cold.
            let rate = max(time, 1_000) / max(window.groups, 1)
            let fitting = self.request.sliceNs / max(rate, 1)
            budget = max(min(fitting, max(budget, window.groups) * 8), 1)
            let now = monotonicNs()
            if windows.remaining == 0 || now - lastSent >= 100_000_000 {
                self.channel.send(.progress(done))
                lastSent = now
            }
            guard now < self.deadline || windows.remaining == 0 else {
                throw WorkerFailure(
                    .timeLimit,
                    "time is over after \(done.groupsDone) of \(done.groupsTotal) work-groups")
            }
        }
        self.finished.kernelNs = done.kernelNs
    }

    /// Writes the slices in leaf order.
    private func gather(_ buffers: [DeviceBuffer]) throws(WorkerFailure) {
        var maps: [Int: UnsafeRawBufferPointer] = [:]
        defer { for (number, bytes) in maps { buffers[number].unmap(bytes) } }
        for (number, box) in self.geometry.boxes.enumerated() where box != nil {
            maps[number] = try buffers[number].map()
        }
        let pending = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.pieceBytes, alignment: 16)
        defer { pending.deallocate() }
        var filled = 0
        for leaf in 0..<self.geometry.leafCount {
            for run in self.geometry.slice(leaf: leaf) {
                guard let bytes = maps[run.buffer] else { continue }
                let start = Int(run.byteOffset)
                let piece = UnsafeRawBufferPointer(
                    rebasing: bytes[start..<start + Int(run.byteCount)])
                if piece.count > pending.count - filled {
                    try self.write(UnsafeRawBufferPointer(rebasing: pending[..<filled]))
                    filled = 0
                }
                // Large runs go from the device's memory to the pipe without another copy.
                if piece.count > pending.count {
                    try self.write(piece)
                } else {
                    UnsafeMutableRawBufferPointer(rebasing: pending[filled...]).copyMemory(
                        from: piece)
                    filled += piece.count
                }
            }
        }
        try self.write(UnsafeRawBufferPointer(rebasing: pending[..<filled]))
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(WorkerFailure) {
        try self.wrote(bytes.count, Self.write(bytes))
    }

    private func wrote(_ count: Int, _ error: Int32) throws(WorkerFailure) {
        guard error == 0 else {
            throw WorkerFailure(
                .output, "giving the output: \(String(cString: strerror(error)))", status: error)
        }
        self.finished.outputBytes += UInt64(count)
    }

    /// Writes to the output pipe; 0 or the errno.
    private static func write(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        var offset = 0
        while offset < bytes.count {
            let count = Glibc.write(
                WorkerProtocol.outputDescriptor, bytes.baseAddress?.advanced(by: offset),
                bytes.count - offset)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? errno : EIO }
            offset += count
        }
        return 0
    }
}
