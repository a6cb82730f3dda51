import Foundation
import Glibc
import Gossip
import Logging
import Primitives
import Synchronization

@testable import Transport

/// What a transport delivered, for a test to wait for.
final class Recorder: Sendable {
    private let state = Mutex<[Transport.Event]>([])

    func add(_ event: Transport.Event) { self.state.withLock { $0.append(event) } }

    var events: [Transport.Event] { self.state.withLock { $0 } }

    /// True as soon as `condition` holds; false if it never does. The limit only ends a hanging
    /// test.
    func wait(_ condition: ([Transport.Event]) -> Bool) async -> Bool {
        for _ in 0..<12_000 {
            if condition(self.events) { return true }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    /// The id of the first connection that was reported, after `ids`.
    func connected(after ids: [ConnectionID] = []) async -> ConnectionID? {
        guard await self.wait({ Self.firstConnected($0, ids) != nil }) else { return nil }
        return Self.firstConnected(self.events, ids)
    }

    /// Waits for the end of a connection; its reason.
    func closed(_ id: ConnectionID) async -> String? {
        guard await self.wait({ !Self.ends(of: id, $0).isEmpty }) else { return nil }
        return Self.ends(of: id, self.events).first
    }

    /// How often the end of a connection was reported.
    func endCount(_ id: ConnectionID) -> Int { Self.ends(of: id, self.events).count }

    /// Messages of one connection and class, in order.
    func messages(_ id: ConnectionID, _ traffic: TrafficClass) -> [[UInt8]] {
        Self.messages(id, traffic, self.events)
    }

    static func messages(
        _ id: ConnectionID, _ traffic: TrafficClass, _ events: [Transport.Event]
    ) -> [[UInt8]] {
        events.compactMap {
            if case .received(id, traffic, let bytes) = $0 { bytes } else { nil }
        }
    }

    static func datagrams(_ events: [Transport.Event]) -> [[UInt8]] {
        events.compactMap { if case .datagram(let bytes, _) = $0 { bytes } else { nil } }
    }

    private static func ends(of id: ConnectionID, _ events: [Transport.Event]) -> [String] {
        events.compactMap { if case .closed(id, let reason) = $0 { reason } else { nil } }
    }

    private static func firstConnected(
        _ events: [Transport.Event], _ ids: [ConnectionID]
    ) -> ConnectionID? {
        for case .connected(let id, _, _, _) in events where !ids.contains(id) { return id }
        return nil
    }
}

/// One transport on the loopback and what it delivered.
struct Party: Sendable {
    let key: SecretKey
    let transport: Transport
    let recorder: Recorder

    static let genesis = GenesisID(Blake2b.hash(.genesis, .none, Array("transport".utf8)))
    static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    static func key(_ number: UInt8) -> SecretKey {
        SecretKey(seed: [UInt8](repeating: number, count: 32)).proven("32 bytes")
    }

    /// - Parameter also: runs on the event loop for every event, after it was recorded.
    static func start(
        _ number: UInt8, port: UInt16 = 0, genesis: GenesisID = Self.genesis,
        isListening: Bool = true, also: @escaping @Sendable (Transport.Event) -> Void = { _ in }
    ) async throws -> Party {
        let recorder = Recorder()
        let key = Self.key(number)
        let transport = try await Transport.start(
            Transport.Configuration(
                host: "127.0.0.1", port: port, genesis: genesis, isListening: isListening),
            key: key, logger: Self.quiet
        ) { event in
            recorder.add(event)
            also(event)
        }
        return Party(key: key, transport: transport, recorder: recorder)
    }

    /// Where the others find it.
    var address: PeerAddress { self.address(at: "127.0.0.1") }

    func address(at host: String) -> PeerAddress {
        PeerAddress(key: self.key.publicKey, host: host, port: self.transport.port)
    }

    /// Runs `body` with parties 1, 2, ... and stops them.
    static func run(_ count: UInt8, _ body: ([Party]) async throws -> Void) async throws {
        var parties: [Party] = []
        for number in 1...count { parties.append(try await Self.start(number)) }
        do {
            try await body(parties)
        } catch {
            for party in parties { await party.transport.stop() }
            throw error
        }
        for party in parties { await party.transport.stop() }
    }
}

/// A bare TCP socket to a port of this machine. It blocks, so it is used on a thread of its own:
/// see ``onThread(_:)``.
final class RawSocket: @unchecked Sendable {
    let descriptor: Int32

    init(_ port: UInt16) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let error = POSIXError(.init(rawValue: errno) ?? .EIO)
            close(self.descriptor)
            throw error
        }
        // Only ends a hanging test.
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(
            self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(self.descriptor) }

    /// Writes everything; false once the other side closed the connection.
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

    /// Reads to the end; nil if the other side does not end it.
    func readToEnd() -> Int? {
        var sum = 0
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(self.descriptor, &chunk, chunk.count, 0)
            if count > 0 {
                sum += count
                continue
            }
            return count == 0 || errno == ECONNRESET ? sum : nil
        }
    }
}

/// Runs blocking code on a thread of its own.
func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}
