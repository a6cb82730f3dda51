import Control
import Foundation
import Glibc
import Primitives
import Synchronization
import Testing

/// The real `starlingd --dev` on a directory of its own.
///
/// A shell holds it: when the tests end, in whatever way, the shell's input ends, and it kills the
/// daemon. So no run of the tests leaves one behind.
final class TestDaemon: Sendable {
    /// The one that the suite shares.
    static let shared = Mutex<TestDaemon?>(nil)

    /// The running daemon of the suite.
    static var current: TestDaemon {
        get throws { try #require(self.shared.withLock { $0 }, "the daemon did not start") }
    }

    let directory: String
    let socket: String
    private let shell: Process
    private let leash: Pipe

    // No `wait`: signals that this process blocks are blocked in the shell, the child's end too.
    private static let script = """
        "$@" </dev/null >"$LOG" 2>&1 & child=$!
        read -r line
        kill -KILL $child 2>/dev/null
        """

    init() throws {
        self.directory = try Scratch.make()
        self.socket = self.directory + "/rpc.sock"
        self.shell = Process()
        self.leash = Pipe()
        _ = fcntl(self.leash.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        self.shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        self.shell.arguments = [
            "-c", Self.script, "sh", try Program.path("starlingd"), "--dev", "--data",
            self.directory + "/node", "--socket", self.socket,
        ]
        var environment = ProcessInfo.processInfo.environment
        environment["LOG"] = self.directory + "/log"
        self.shell.environment = environment
        self.shell.standardInput = self.leash
        try self.shell.run()
    }

    /// Waits until it answers.
    func ready() async throws {
        for _ in 0..<600 {
            do {
                _ = try await self.client().call("node.status")
                return
            } catch { try await Task.sleep(for: .milliseconds(50)) }
        }
        Issue.record("the daemon does not answer; its log:\n\(self.log)")
    }

    /// Asks it to stop, and says what is wrong with how it ended; nothing is left afterwards.
    func stop() async -> [String] {
        var faults: [String] = []
        do { _ = try await self.client().call("node.stop") } catch {
            faults.append("node.stop: \(error)")
        }
        // Written last, and only by a daemon that ends well; long after the socket is gone if the
        // machine is busy.
        for _ in 0..<400 where !self.log.contains("] stopped") {
            try? await Task.sleep(for: .milliseconds(50))
        }
        if !self.log.contains("] stopped") { faults.append("it did not stop by itself") }
        try? self.leash.fileHandleForWriting.close()
        for _ in 0..<200 where self.shell.isRunning {
            try? await Task.sleep(for: .milliseconds(50))
        }
        if self.shell.isRunning {
            self.shell.terminate()
            faults.append("the shell around the daemon hung")
        }
        let left = self.processes
        if !left.isEmpty { faults.append("left behind: \(left)") }
        if !faults.isEmpty { faults.append("the log:\n\(self.log)") }
        try? FileManager.default.removeItem(atPath: self.directory)
        return faults
    }

    func client() async throws -> ControlClient { try await ControlClient.connect(to: self.socket) }

    /// The end of what it wrote.
    var log: String {
        let bytes = FileManager.default.contents(atPath: self.directory + "/log") ?? Data()
        return String(decoding: bytes.suffix(4_000), as: UTF8.self)
    }

    /// Processes that name the directory.
    private var processes: [String] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.filter { entry in
            guard Int32(entry) != nil, Int32(entry) != getpid() else { return false }
            let line = FileManager.default.contents(atPath: "/proc/\(entry)/cmdline") ?? Data()
            return String(decoding: line, as: UTF8.self).contains(self.directory)
        }
    }

    /// What must stay true whatever the daemon is told.
    struct Health {
        let height: UInt64
        let issued: UInt128
        let burned: UInt128

        init(_ daemon: TestDaemon) async throws {
            let client = try await daemon.client()
            let status = try await client.call("node.status")
            let supply = try await client.call("chain.supply")
            self.height = try #require(status["height"]?.u64Value)
            self.issued = try #require(supply["issued"]?.u128Value)
            self.burned = try #require(supply["burned"]?.u128Value)
            #expect(supply["circulating"]?.u128Value == self.issued - self.burned)
        }
    }
}

/// Runs a daemon around the suite, and looks after it whether it kept what it promised.
struct WithDaemon: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let daemon = try TestDaemon()
        var failure: (any Error)?
        do {
            try await daemon.ready()
            let before = try await TestDaemon.Health(daemon)
            TestDaemon.shared.withLock { $0 = daemon }
            try await function()
            let after = try await TestDaemon.Health(daemon)
            #expect(after.height >= before.height)
            #expect(after.issued == before.issued, "nothing is minted here")
            #expect(after.burned >= before.burned)
        } catch { failure = error }
        TestDaemon.shared.withLock { $0 = nil }
        for fault in await daemon.stop() { Issue.record("the daemon: \(fault)") }
        if let failure { throw failure }
    }
}

/// Directories of the tests.
enum Scratch {
    static func make() throws -> String {
        var path = Array("/tmp/starling-end-XXXXXX".utf8CString)
        return try #require(mkdtemp(&path).map { String(cString: $0) })
    }
}
