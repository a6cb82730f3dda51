import Control
import Foundation
import Glibc
import Primitives
import Testing

/// A bare connection to the daemon, for what a well-behaved client never sends.
final class Wire {
    private let descriptor: Int32
    private var received: [UInt8] = []

    init(_ daemon: TestDaemon) throws {
        self.descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: daemon.socket.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0, "connect: \(String(cString: strerror(errno)))")
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }

    deinit { close(self.descriptor) }

    /// Writes all of it, or what the daemon takes before it closes the connection.
    func write(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// The next line as JSON; nil when the connection ends first.
    func reply() throws -> JSON? {
        var scanned = 0
        while true {
            if let end = self.received[scanned...].firstIndex(of: 10) {
                let line = Array(self.received[..<end])
                self.received.removeFirst(end + 1)
                return try JSONText.parse(line)
            }
            scanned = self.received.count
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            let count = recv(self.descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            self.received += chunk[..<count]
        }
    }

    /// Sends one line and reads one.
    func ask(_ line: [UInt8]) throws -> JSON {
        self.write(line + [10])
        return try #require(try self.reply(), "a reply to \(line.count) bytes")
    }

    func ask(_ line: String) throws -> JSON { try self.ask(Array(line.utf8)) }

    /// One request as a line.
    static func line(id: JSON, _ method: String, _ params: JSON = .object()) -> String {
        JSON.object(
            ("jsonrpc", .string("2.0")), ("id", id), ("method", .string(method)),
            ("params", params)
        ).text
    }
}

extension ControlClient {
    /// How a call was refused; records an issue if it was not.
    func refusal(
        _ method: String, _ params: JSON, _ place: SourceLocation = #_sourceLocation
    ) async throws -> ControlError {
        do throws(ControlClient.Failure) {
            let result = try await self.call(method, params)
            Issue.record(
                "\(method) \(params.text.prefix(200)) gave \(result.text.prefix(200))",
                sourceLocation: place)
        } catch {
            if case .refused(let error) = error { return error }
            throw error
        }
        return ControlError(symbol: "", message: "")
    }
}

extension ControlError {
    /// A member of `data` beside code and fix.
    func detail(_ name: String) -> String {
        self.details.first { $0.name == name }?.value.stringValue ?? ""
    }
}

extension JSON {
    /// This object with one member set, or taken away.
    func with(_ name: String, _ value: JSON?) -> JSON {
        var members = self.memberValues ?? []
        if let index = members.firstIndex(where: { $0.name == name }) {
            if let value {
                members[index] = Member(name: name, value: value)
            } else {
                members.remove(at: index)
            }
        } else if let value {
            members.append(Member(name: name, value: value))
        }
        return .object(members)
    }
}
