import Foundation
import Glibc
import Testing

/// One run of a program of this build, from start to end.
struct Program {
    /// The exit status, or the number of the signal that ended it.
    let status: Int32
    let wasKilled: Bool
    let out: String
    let err: String

    var all: String { self.out + self.err }

    /// Where a program of this build lies: beside the tests.
    static func path(_ name: String) throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: name)
            .path
        try #require(access(path, X_OK) == 0, "\(path) is built with the tests")
        return path
    }

    /// Runs it to its end, which comes at `limit` seconds at the latest.
    static func run(
        _ name: String, _ arguments: [String], socket: String? = nil, limit: Int = 60
    ) async throws -> Program {
        let directory = try Scratch.make()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try Self.path(name))
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment["STARLING_SOCKET"] = socket ?? directory + "/none.sock"
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.file(directory + "/out")
        process.standardError = try Self.file(directory + "/err")
        try process.run()
        let deadline = ContinuousClock.now + .seconds(limit)
        while process.isRunning {
            if ContinuousClock.now > deadline {
                kill(process.processIdentifier, SIGKILL)
                Issue.record("\(name) \(arguments) did not end within \(limit) s")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        return Program(
            status: process.terminationStatus,
            wasKilled: process.terminationReason == .uncaughtSignal,
            out: try Self.text(directory + "/out"), err: try Self.text(directory + "/err"))
    }

    private static func file(_ path: String) throws -> FileHandle {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        return try #require(FileHandle(forWritingAtPath: path))
    }

    private static func text(_ path: String) throws -> String {
        let bytes = try #require(FileManager.default.contents(atPath: path))
        return String(decoding: bytes, as: UTF8.self)
    }
}
