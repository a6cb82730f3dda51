internal import Glibc

/// What a supervisor says to a worker that it starts.
package struct WorkerArguments {
    /// Try what must not be possible instead of serving.
    package private(set) var isTest = false
    package private(set) var stage = WorkerStage.run
    private var memory: UInt64 = 0
    private var processor: UInt64 = 0
    private var file: UInt64 = 0
    private var processes: UInt64 = 0
    private var scratch = "/tmp"

    /// The words that this process was started with; nil for anything that no supervisor says.
    package init?() {
        guard self.read(Self.words()) else { return nil }
    }

    /// What the process does to itself before it serves.
    package var confinement: Confinement {
        Confinement(
            stage: self.stage, memoryBytes: self.memory, processorSeconds: self.processor,
            fileBytes: self.file, processes: self.processes, scratch: self.scratch)
    }

    /// Swift reads the command line from /proc, which the sandbox does not show: the supervisor
    /// says the same words in an environment variable.
    private static func words() -> ArraySlice<String> {
        guard let text = getenv("STARLING_WORKER") else { return CommandLine.arguments.dropFirst() }
        return String(cString: text).split(separator: " ").map { String($0) }[...]
    }

    private mutating func read(_ words: ArraySlice<String>) -> Bool {
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
