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
        while let received = channel.receive() {
            let reply: WorkerReply
            do throws(WorkerFailure) {
                reply = try Self.answer(try received.get(), stage, channel)
            } catch {
                reply = .failed(error)
            }
            guard channel.send(reply) else { return }
        }
    }

    private static func answer(
        _ request: WorkerRequest, _ stage: WorkerStage, _ channel: FrameChannel
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
            let runner = try LaunchRunner(request)
            return .finished(try runner.run { channel.send(.progress($0)) })
        case (.compile, .run), (.run, .compile):
            throw WorkerFailure(.badRequest, "this worker is for the stage \(stage)")
        }
    }
}
