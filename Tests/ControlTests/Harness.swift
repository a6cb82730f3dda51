import Foundation
import Glibc
import Logging
import Primitives

@testable import Control

/// A server with test methods on a socket of its own.
struct Harness {
    let server: ControlServer
    let path: String
    let folder: String

    static func start(
        checksReplies: Bool = true, _ serve: (inout MethodTable) -> Void = { _ in }
    ) async throws -> Harness {
        let folder =
            FileManager.default.temporaryDirectory.path + "/sl-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        var table = MethodTable()
        table.serve(Self.echo) { call throws(ControlError) in
            .object(("text", .string(try call.text("text"))))
        }
        table.serve(Self.sleep) { call throws(ControlError) in
            call.progress("asleep", done: 1, total: 2)
            try? await Task.sleep(for: .milliseconds(call.int("ms") ?? 0))
            return .object()
        }
        table.serve(Self.large) { call throws(ControlError) in
            .object(("text", .string(String(repeating: "x", count: call.int("bytes") ?? 0))))
        }
        table.serve("node.status") { _ throws(ControlError) in .object(("version", .null)) }
        serve(&table)
        let path = folder + "/rpc.sock"
        let server = try await ControlServer.start(
            socketPath: path, methods: table, logger: Logger(label: "test"),
            checksReplies: checksReplies)
        return Harness(server: server, path: path, folder: folder)
    }

    /// Runs `body` with a server and takes it down again.
    static func run(
        _ body: (Harness) async throws -> Void
    ) async throws {
        let harness = try await Self.start()
        do {
            try await body(harness)
        } catch {
            await harness.stop()
            throw error
        }
        await harness.stop()
    }

    func stop() async {
        await self.server.stop(graceMs: 1000)
        try? FileManager.default.removeItem(atPath: self.folder)
    }

    func client() async throws -> ControlClient { try await ControlClient.connect(to: self.path) }

    static let text = Shape.object(.required("text", Shape.string, ""))

    static let echo = MethodSchema(
        "test.echo", "Gives the text back.",
        params: [
            .required("text", Shape.text(max: 1 << 22), "any"),
            .optional(
                "items", Shape.list(Shape.object(.required("amount", Shape.amount, "")), max: 2), ""
            ),
        ],
        result: Self.text,
        example: (.object(("text", .string("a"))), .object(("text", .string("a")))))

    static let sleep = MethodSchema(
        "test.sleep", "Waits.", params: [.required("ms", Shape.u32, "milliseconds")],
        result: Shape.object(), example: (.object(("ms", .number(1))), .object()))

    static let large = MethodSchema(
        "test.large", "Gives a long text.", params: [.required("bytes", Shape.u32, "")],
        result: Self.text, example: (.object(("bytes", .number(0))), .object(("text", .string(""))))
    )
}

/// A bare socket, for what a well-behaved client never sends.
///
/// It blocks, so it is used on a thread of its own: see ``onThread(_:)``. One thread may write
/// while another reads.
final class RawSocket: @unchecked Sendable {
    let descriptor: Int32
    private var received: [UInt8] = []

    init(_ path: String) throws {
        self.descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(
            self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(self.descriptor) }

    /// Writes everything; false once the server closed the connection.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    @discardableResult
    func write(_ text: String) -> Bool { self.write(Array(text.utf8)) }

    /// The next line, or nil at the end of the stream.
    func line() -> String? {
        while true {
            if let end = self.received.firstIndex(of: 10) {
                let line = String(decoding: self.received[..<end], as: UTF8.self)
                self.received.removeFirst(end + 1)
                return line
            }
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            let count = recv(self.descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            self.received += chunk[..<count]
        }
    }

    func reply() throws -> JSON? { try self.line().map { try JSONText.parse($0) } }

    func ask(_ text: String) throws -> JSON? {
        self.write(text + "\n")
        return try self.reply()
    }
}

/// Runs blocking code away from the threads that the server's tasks need.
func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result { try body() }) }.start()
    }
}

/// How a call failed; nil if it did not.
func failure(
    of body: () async throws(ControlClient.Failure) -> Void
) async -> ControlClient.Failure? {
    do throws(ControlClient.Failure) {
        try await body()
        return nil
    } catch { return error }
}

extension ControlClient.Failure {
    /// The daemon's refusal, if it is one.
    var refusal: ControlError? {
        if case .refused(let error) = self { error } else { nil }
    }
}
