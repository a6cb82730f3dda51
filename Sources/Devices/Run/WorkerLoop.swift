internal import Glibc
internal import Kernels
internal import Primitives

/// A worker's life: greet, answer requests one by one, end with the input.
package enum WorkerLoop {
    /// Serves the pipe until it closes.
    ///
    /// Drivers print where they like: their standard output becomes the error output, and the
    /// replies leave by a descriptor that no program started here inherits.
    package static func serve(stage: WorkerStage, mechanisms: [MechanismState]) {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        let output = fcntl(1, F_DUPFD_CLOEXEC, 128)
        guard output >= 0, dup2(2, 1) >= 0 else { return }
        let channel = FrameChannel(input: 0, output: output)
        var hello = Hello()
        hello.version = WorkerProtocol.version
        hello.process = UInt32(bitPattern: getpid())
        hello.stage = stage
        hello.mechanisms = mechanisms
        guard channel.send(.hello(hello)) else { return }
        var loaded: LoadedKernel?
        while let received = channel.receive() {
            let reply: WorkerReply
            var isLast = false
            do throws(WorkerFailure) {
                reply = try Self.answer(try received.get(), stage, channel, &loaded)
            } catch {
                reply = .failed(error)
                // The inputs of this run may still be in the pipe, where frames would be read.
                if case .success(.run) = received { isLast = true }
            }
            guard channel.send(reply), !isLast else { return }
        }
    }

    private static func answer(
        _ request: WorkerRequest, _ stage: WorkerStage, _ channel: FrameChannel,
        _ loaded: inout LoadedKernel?
    ) throws(WorkerFailure) -> WorkerReply {
        switch (request, stage) {
        case (.probe, _):
            var list = DeviceList()
            list.devices = try Device.all().map(\.description)
            return .devices(list)
        case (.exercise(let key), _):
            try DeviceContext(try Device.find(key)).exercise()
            return .exercised
        case (.testSandbox, _):
            var tested = SandboxTested()
            tested.attempts = SandboxTest.run(stage: stage)
            return .tested(tested)
        case (.compile(let request), .compile):
            return .compiled(try KernelCompiler.compile(request))
        case (.run(let request), .run):
            return .finished(try Self.run(request, channel, &loaded))
        case (.compile, .run), (.run, .compile):
            throw WorkerFailure(.badRequest, "this worker is for the stage \(stage)")
        }
    }

    /// Runs a job, on the kernel of the one before where the request says so.
    private static func run(
        _ request: RunRequest, _ channel: FrameChannel, _ loaded: inout LoadedKernel?
    ) throws(WorkerFailure) -> RunFinished {
        let began = monotonicNs()
        let kernel: LoadedKernel
        if let known = loaded, known.serves(request) {
            kernel = known
        } else {
            // The old one goes first: its memory is the new one's.
            loaded = nil
            guard !request.program.isEmpty else {
                throw WorkerFailure(.badRequest, "no program, and none of this kernel is here")
            }
            kernel = try LoadedKernel(request)
            loaded = kernel
        }
        return try LaunchRunner(request, kernel, channel, began: began).run()
    }
}
