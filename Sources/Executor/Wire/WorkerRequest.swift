package import Kernels
package import Primitives

/// What the two ends of a worker's pipe agree on.
///
/// A frame is a u32 length (little-endian, at most ``frameBytesMax``) and as many bytes, which are
/// one canonical ``WorkerRequest`` (to the worker) or ``WorkerReply`` (from it). The worker speaks
/// first, with `hello`. One request at a time; each ends in one final reply.
///
/// The bytes of a run's inputs follow its frame, one input after the other and without frames; the
/// output leaves by ``outputDescriptor``, whole before the final reply. So a worker holds no file
/// of any job, and one that served a job can serve the next. After a run that failed it ends:
/// nobody could tell where the next frame begins.
package enum WorkerProtocol {
    /// Changes with any change of a message.
    package static let version: UInt16 = 2
    /// The largest frame: a program and a package with room.
    package static let frameBytesMax = 17 << 20
    /// The largest device program.
    package static let programBytesMax = 16 << 20
    /// The most inputs of one run.
    package static let inputsMax = 64
    /// The most devices of one machine.
    package static let devicesMax = 64
    /// The most bytes of a text that explains a failure.
    package static let logBytesMax = 16_384
    /// In the run stage, the worker's end of the pipe that takes the output.
    package static let outputDescriptor: Int32 = 3
}

/// Which of the two stages a worker process is for.
package enum WorkerStage: UInt8, CodeEnum {
    /// May start the linker; sees no inputs.
    case compile = 0
    /// Starts nothing; takes inputs, gives the output.
    case run = 1
}

/// Turn a kernel into a program of one device.
package struct CompileRequest: Record {
    /// For which device.
    package var device = DeviceKey.blank
    /// The kernel; the worker parses and verifies it again.
    package var package = KernelPackage.blank

    /// An empty request.
    package static let blank = CompileRequest()

    /// An empty request to fill in.
    package init() {}

    /// Device, package.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("device", &self.device)
        try visitor.field("package", &self.package)
    }
}

/// An input and the buffer that it fills.
package struct InputFile: Record {
    /// The buffer's place among the launch's bindings.
    package var buffer: UInt32
    /// The input's size; exactly the buffer's.
    package var bytes: UInt64

    /// Nothing.
    package static let blank = InputFile(buffer: 0, bytes: 0)

    /// An input of `bytes` bytes for a buffer.
    package init(buffer: UInt32, bytes: UInt64) {
        self.buffer = buffer
        self.bytes = bytes
    }

    /// Buffer, bytes.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("buffer", &self.buffer)
        try visitor.field("bytes", &self.bytes)
    }
}

/// Run one launch of a compiled kernel.
package struct RunRequest: Record {
    /// On which device.
    package var device = DeviceKey.blank
    /// The kernel; the worker parses and verifies it again.
    package var package = KernelPackage.blank
    /// What compile made of it on this device. Empty: what the run before in this worker had, which
    /// was of the same kernel on the same device.
    package var program: [UInt8] = []
    /// The work.
    package var order = WorkOrder.blank
    /// The inputs, in the order in which their bytes follow.
    package var inputs: [InputFile] = []
    /// The longest wished time of one enqueue, in nanoseconds.
    package var sliceNs: UInt64 = 0
    /// The time of the whole run, in nanoseconds; the worker stops between two enqueues.
    package var wallNs: UInt64 = 0
    /// The most bytes of all buffers together.
    package var bufferBytesMax: UInt64 = 0
    /// The most bytes of output.
    package var outputBytesMax: UInt64 = 0

    /// An empty request.
    package static let blank = RunRequest()

    /// An empty request to fill in.
    package init() {}

    /// The fields in the order declared.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("device", &self.device)
        try visitor.field("package", &self.package)
        try visitor.bytes("program", &self.program, max: WorkerProtocol.programBytesMax)
        try visitor.field("order", &self.order)
        try visitor.list("inputs", &self.inputs, max: WorkerProtocol.inputsMax)
        try visitor.field("sliceNs", &self.sliceNs)
        try visitor.field("wallNs", &self.wallNs)
        try visitor.field("bufferBytesMax", &self.bufferBytesMax)
        try visitor.field("outputBytesMax", &self.outputBytesMax)
    }
}

/// What a worker can be asked: one tag byte, then the body.
package enum WorkerRequest: Canonical, Hashable {
    /// 0: describe every device.
    case probe
    /// 1: move some bytes through one device, to see that it answers.
    case exercise(DeviceKey)
    /// 2: compile.
    case compile(CompileRequest)
    /// 3: run.
    case run(RunRequest)
    /// 4: try what the sandbox forbids.
    case testSandbox

    /// A tag and the body.
    package func encode(into encoder: inout Encoder) {
        switch self {
        case .probe: encoder.u8(0)
        case .exercise(let key):
            encoder.u8(1)
            key.encode(into: &encoder)
        case .compile(let request):
            encoder.u8(2)
            request.encode(into: &encoder)
        case .run(let request):
            encoder.u8(3)
            request.encode(into: &encoder)
        case .testSandbox: encoder.u8(4)
        }
    }

    /// A tag and the body.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        let tag = try decoder.u8()
        switch tag {
        case 0: self = .probe
        case 1: self = .exercise(try DeviceKey(from: &decoder))
        case 2: self = .compile(try CompileRequest(from: &decoder))
        case 3: self = .run(try RunRequest(from: &decoder))
        case 4: self = .testSandbox
        default: throw .unknownTag(field: "request", tag: UInt64(tag), offset: offset)
        }
    }
}
