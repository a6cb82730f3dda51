import ArgumentParser
import Foundation

extension LedgerCommand {
    /// Needs no daemon: `starlingd ledger verify` does the work, in this process's place.
    struct Verify: Command {
        static let configuration = CommandConfiguration(
            abstract: "Execute a stopped daemon's whole chain again and compare every root.")

        @Option(help: "The data directory.") var data: String
        @Option(help: "The genesis file; the one in the data directory if left out.")
        var genesis: String?

        func perform() async throws {
            let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let folder = ((own ?? CommandLine.arguments[0]) as NSString).deletingLastPathComponent
            let program = folder + "/starlingd"
            var words = [program, "ledger", "verify", "--data", self.data]
            if let genesis { words += ["--genesis", genesis] }
            var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
            arguments.append(nil)
            execv(program, arguments)
            throw CommandFailure(
                "cannot run \(printable(program)): \(String(cString: strerror(errno)))",
                fix: "starlingd lies beside starling in every installation", status: .unreachable)
        }
    }
}
