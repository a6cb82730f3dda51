import Devices
import Glibc

/// `starling-worker`: runs one kernel on one device for a supervisor, and nothing else.
///
/// `--stdio` serves requests on standard input; `--self-test-sandbox` tries what a worker must not
/// be able to do and prints how each attempt ended (exit code 1 if one succeeded).
@main
enum Program {
    static func main() {
        guard let arguments = WorkerArguments() else {
            print("starling-worker is started by starlingd; see starlingd(8)")
            exit(64)
        }
        let mechanisms = arguments.confinement.apply()
        if arguments.isTest {
            exit(Self.test(arguments.stage, mechanisms))
        }
        WorkerLoop.serve(stage: arguments.stage, mechanisms: mechanisms)
    }

    private static func test(_ stage: WorkerStage, _ mechanisms: [MechanismState]) -> Int32 {
        for state in mechanisms {
            print("\(state.isOn ? "on " : "off")  \(state.mechanism): \(state.reason)")
        }
        var isTight = true
        for attempt in SandboxTest.run(stage: stage) {
            print(
                "\(attempt.wasDenied ? "denied " : "ALLOWED")  \(attempt.name): \(attempt.detail)")
            isTight = isTight && attempt.wasDenied
        }
        return isTight ? 0 : 1
    }
}
