package import Primitives

/// The worker's first words.
package struct Hello: Record {
    /// ``WorkerProtocol/version`` of the worker.
    package var version: UInt16 = 0
    /// Its process id as it sees itself.
    package var process: UInt32 = 0
    /// The stage it confined itself to.
    package var stage = WorkerStage.run
    /// Every mechanism that the worker applies to itself.
    package var mechanisms: [MechanismState] = []

    /// Nobody.
    package static let blank = Hello()

    /// An empty greeting to fill in.
    package init() {}

    /// The fields in the order declared.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("version", &self.version)
        try visitor.field("process", &self.process)
        try visitor.field("stage", &self.stage)
        try visitor.list("mechanisms", &self.mechanisms, max: 16)
    }
}

/// A list of devices.
package struct DeviceList: Record {
    /// Every device of every platform.
    package var devices: [DeviceDescription] = []

    /// No device.
    package static let blank = DeviceList()

    /// No device yet.
    package init() {}

    /// The devices.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.list("devices", &self.devices, max: WorkerProtocol.devicesMax)
    }
}

/// A compiled program.
package struct CompiledProgram: Record {
    /// The driver's own format; good for this device and driver only.
    package var program: [UInt8] = []
    /// Nanoseconds of compiling.
    package var compileNs: UInt64 = 0

    /// Nothing.
    package static let blank = CompiledProgram()

    /// An empty program to fill in.
    package init() {}

    /// Program, time.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.bytes("program", &self.program, max: WorkerProtocol.programBytesMax)
        try visitor.field("compileNs", &self.compileNs)
    }
}

/// How far a run is.
package struct RunProgress: Record {
    /// Work-groups done.
    package var groupsDone: UInt64 = 0
    /// Work-groups of the launch.
    package var groupsTotal: UInt64 = 0
    /// Nanoseconds on the device so far.
    package var kernelNs: UInt64 = 0

    /// Not begun.
    package static let blank = RunProgress()

    /// Not begun.
    package init() {}

    /// The fields in the order declared.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("groupsDone", &self.groupsDone)
        try visitor.field("groupsTotal", &self.groupsTotal)
        try visitor.field("kernelNs", &self.kernelNs)
    }
}

/// A run that ended well; the output file is complete.
package struct RunFinished: Record {
    /// Nanoseconds on the device, without transfers.
    package var kernelNs: UInt64 = 0
    /// Nanoseconds of transfers and gathering.
    package var transferNs: UInt64 = 0
    /// Bytes of output written, slice-major.
    package var outputBytes: UInt64 = 0
    /// Pieces the launch was cut into.
    package var enqueues: UInt32 = 0

    /// Nothing.
    package static let blank = RunFinished()

    /// An empty result to fill in.
    package init() {}

    /// The fields in the order declared.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("kernelNs", &self.kernelNs)
        try visitor.field("transferNs", &self.transferNs)
        try visitor.field("outputBytes", &self.outputBytes)
        try visitor.field("enqueues", &self.enqueues)
    }
}

/// Why a request failed inside a worker that is well.
package enum FailureCode: UInt8, CodeEnum {
    /// The bytes are no request, or it does not belong to this stage.
    case badRequest = 0
    /// No OpenCL platform is installed.
    case noPlatform = 1
    /// No device has this key.
    case noDevice = 2
    /// The kernel does not pass the verifier.
    case kernelRejected = 3
    /// The order does not fit the kernel.
    case orderRejected = 4
    /// More launches than one.
    case severalLaunches = 5
    /// The device's compiler refused the emitted text.
    case buildFailed = 6
    /// The device cannot give exact answers for this kernel.
    case inexactDevice = 7
    /// Buffers, local memory or work-groups beyond the device or the limit.
    case tooLarge = 8
    /// The output is beyond its limit.
    case outputTooLarge = 9
    /// An input file is missing or of another size.
    case badInput = 10
    /// An OpenCL call failed.
    case device = 11
    /// The output file could not be written.
    case output = 12
    /// The run's time is over.
    case timeLimit = 13
}

/// A failure that the worker reports itself.
package struct WorkerFailure: Record, Error {
    /// Which.
    package var code = FailureCode.badRequest
    /// The OpenCL error as two's complement; 0 where none.
    package var status: UInt32 = 0
    /// Words for people.
    package var text = ""
    /// The build log or a kernel error; never text of a file outside the kernel.
    package var log = ""

    /// No failure.
    package static let blank = WorkerFailure()

    /// An empty failure.
    package init() {}

    /// A failure; long texts are cut.
    package init(_ code: FailureCode, _ text: String, status: Int32 = 0, log: String = "") {
        self.code = code
        self.status = UInt32(bitPattern: status)
        self.text = clipped(text, 1_024)
        self.log = clipped(log, WorkerProtocol.logBytesMax)
    }

    /// The fields in the order declared.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("code", &self.code)
        try visitor.field("status", &self.status)
        try visitor.text("text", &self.text, max: 1_024)
        try visitor.text("log", &self.log, max: WorkerProtocol.logBytesMax)
    }
}

/// What the sandbox test met.
package struct SandboxTested: Record {
    /// Every attempt.
    package var attempts: [SandboxAttempt] = []

    /// None.
    package static let blank = SandboxTested()

    /// None yet.
    package init() {}

    /// The attempts.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.list("attempts", &self.attempts, max: 64)
    }
}

/// What a worker says: one tag byte, then the body.
package enum WorkerReply: Canonical, Hashable {
    /// 0: first of all.
    case hello(Hello)
    /// 1: answers `probe`.
    case devices(DeviceList)
    /// 2: answers `exercise`.
    case exercised
    /// 3: answers `compile`.
    case compiled(CompiledProgram)
    /// 4: during `run`.
    case progress(RunProgress)
    /// 5: answers `run`.
    case finished(RunFinished)
    /// 6: answers any request.
    case failed(WorkerFailure)
    /// 7: answers `testSandbox`.
    case tested(SandboxTested)

    /// A tag and the body.
    package func encode(into encoder: inout Encoder) {
        switch self {
        case .hello(let body): Self.write(0, body, &encoder)
        case .devices(let body): Self.write(1, body, &encoder)
        case .exercised: encoder.u8(2)
        case .compiled(let body): Self.write(3, body, &encoder)
        case .progress(let body): Self.write(4, body, &encoder)
        case .finished(let body): Self.write(5, body, &encoder)
        case .failed(let body): Self.write(6, body, &encoder)
        case .tested(let body): Self.write(7, body, &encoder)
        }
    }

    /// A tag and the body.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        let tag = try decoder.u8()
        switch tag {
        case 0: self = .hello(try Hello(from: &decoder))
        case 1: self = .devices(try DeviceList(from: &decoder))
        case 2: self = .exercised
        case 3: self = .compiled(try CompiledProgram(from: &decoder))
        case 4: self = .progress(try RunProgress(from: &decoder))
        case 5: self = .finished(try RunFinished(from: &decoder))
        case 6: self = .failed(try WorkerFailure(from: &decoder))
        case 7: self = .tested(try SandboxTested(from: &decoder))
        default: throw .unknownTag(field: "reply", tag: UInt64(tag), offset: offset)
        }
    }

    private static func write<R: Record>(_ tag: UInt8, _ body: R, _ encoder: inout Encoder) {
        encoder.u8(tag)
        body.encode(into: &encoder)
    }
}

/// The longest start of `text` that has at most `limit` bytes and is whole characters.
package func clipped(_ text: String, _ limit: Int) -> String {
    guard text.utf8.count > limit else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: limit)
    while end > text.startIndex, String.Index(end, within: text) == nil {
        end = text.utf8.index(before: end)
    }
    return String(text[..<end])
}
