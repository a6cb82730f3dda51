import Control
import Foundation

/// Why a command ends without success: a sentence, what to do next, and the exit status.
struct CommandFailure: Error {
    /// 1: the daemon or a check refused; 2: no daemon could be reached; 64: wrong usage.
    enum Status: Int32 {
        case refused = 1
        case unreachable = 2
        case usage = 64
    }

    let status: Status
    /// The stable code, such as `transfer.insufficientFunds`; empty where there is none.
    let code: String
    let message: String
    let fix: String

    init(_ message: String, fix: String = "", code: String = "", status: Status = .refused) {
        self.status = status
        self.code = code
        self.message = message
        self.fix = fix
    }

    init(_ failure: ControlClient.Failure) {
        var code = ""
        var status = Status.refused
        switch failure {
        case .unreachable, .closed: status = .unreachable
        case .refused(let error): code = error.symbol
        case .timedOut, .malformed: break
        }
        self.init(failure.description, fix: failure.fix, code: code, status: status)
    }

    static func usage(_ message: String, fix: String = "") -> CommandFailure {
        CommandFailure(message, fix: fix, status: .usage)
    }

    /// Tells people on stderr, programs (`--json`) on stdout as well.
    func report(asJSON: Bool) {
        if asJSON {
            let members: [(String, String)] = [
                ("code", self.code), ("message", self.message), ("fix", self.fix),
            ]
            let error = members.filter { !$0.1.isEmpty }
                .map { JSONMember(name: $0.0, value: .string($0.1)) }
            print(JSONValue.object(("error", .object(error))).prettyText)
        }
        let label = self.code.isEmpty ? "error: " : "error [\(self.code)]: "
        var text = Style.error.apply(label, to: .error) + self.message
        if !self.fix.isEmpty { text += "\n  fix: \(self.fix)" }
        Terminal.error.write(text + "\n")
    }
}
