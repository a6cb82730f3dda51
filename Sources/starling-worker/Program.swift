import Devices
import Glibc

/// `starling-worker`: runs one kernel on one device for a supervisor, and nothing else.
///
/// `--stdio` serves requests on standard input; `--self-test-sandbox` tries what a worker must not
/// be able to do and prints how each attempt ended (exit code 1 if one succeeded).
@main
enum Program {
    static func main() {
        var arguments = Arguments()
        guard arguments.read(Self.words()) else {
            print("starling-worker is started by starlingd; see starlingd(8)")
            exit(64)
        }
        let confinement = Confinement(
            stage: arguments.stage, memoryBytes: arguments.memory,
            processorSeconds: arguments.processor, fileBytes: arguments.file,
            processes: arguments.processes, scratch: arguments.scratch)
        let mechanisms = confinement.apply()
        if arguments.isTest {
            exit(Self.test(arguments.stage, mechanisms))
        }
        WorkerLoop.serve(stage: arguments.stage, mechanisms: mechanisms)
    }

    /// Swift reads the command line from /proc, which the sandbox does not show: the supervisor
    /// says the same words in an environment variable.
    private static func words() -> ArraySlice<String> {
        guard let text = getenv("STARLING_WORKER") else { return CommandLine.arguments.dropFirst() }
        return String(cString: text).split(separator: " ").map { String($0) }[...]
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

/// The command line.
struct Arguments {
    var isTest = false
    var stage = WorkerStage.run
    var memory: UInt64 = 0
    var processor: UInt64 = 0
    var file: UInt64 = 0
    var processes: UInt64 = 0
    var scratch = "/tmp"

    /// False for anything that no supervisor says.
    mutating func read(_ words: ArraySlice<String>) -> Bool {
        var hasVerb = false
        var rest = Array(words)
        while !rest.isEmpty {
            let word = rest.removeFirst()
            switch word {
            case "--stdio": hasVerb = true
            case "--self-test-sandbox":
                hasVerb = true
                self.isTest = true
            default:
                guard !rest.isEmpty, self.read(word, rest.removeFirst()) else { return false }
            }
        }
        return hasVerb
    }

    private mutating func read(_ name: String, _ value: String) -> Bool {
        switch name {
        case "--scratch":
            self.scratch = value
            return true
        case "--stage":
            guard let stage = WorkerStage.allCases.first(where: { "\($0)" == value }) else {
                return false
            }
            self.stage = stage
            return true
        default:
            guard let number = UInt64(value) else { return false }
            switch name {
            case "--memory": self.memory = number
            case "--cpu": self.processor = number
            case "--file": self.file = number
            case "--processes": self.processes = number
            default: return false
            }
            return true
        }
    }
}
