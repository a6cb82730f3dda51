import Glibc
package import Logging
import NIOCore
import NIOPosix
package import Primitives
import Synchronization

/// Serves a ``MethodTable`` on a Unix socket.
///
/// The socket belongs to the daemon's user (mode 0600, set before it is bound), and each peer's
/// credentials are read from the kernel: only that user and root are answered.
///
/// - Bounds: ``Control``.
/// - Source: JSON-RPC 2.0; protocol/control.md.
package final class ControlServer: Sendable {
    /// What every connection shares.
    final class Shared: Sendable {
        let table: MethodTable
        let logger: Logger
        let version: String
        let checksReplies: Bool
        private let connections = Mutex<Registry>(Registry())

        private struct Registry {
            var last: UInt64 = 0
            var open: [UInt64: NIOLoopBound<Connection>] = [:]
            var pending = 0
        }

        init(table: MethodTable, logger: Logger, version: String, checksReplies: Bool) {
            self.table = table
            self.logger = logger
            self.version = version
            self.checksReplies = checksReplies
        }

        /// A number for a new connection, or nil if there are too many.
        func reserve() -> UInt64? {
            self.connections.withLock { registry in
                guard registry.open.count + registry.pending < Control.connectionsMax else {
                    return nil
                }
                registry.pending += 1
                registry.last += 1
                return registry.last
            }
        }

        func add(_ id: UInt64, _ connection: NIOLoopBound<Connection>) {
            self.connections.withLock {
                $0.pending -= 1
                $0.open[id] = connection
            }
        }

        func remove(_ id: UInt64) {
            self.connections.withLock { _ = $0.open.removeValue(forKey: id) }
        }

        var all: [NIOLoopBound<Connection>] {
            self.connections.withLock { $0.open.sorted { $0.key < $1.key }.map(\.value) }
        }
    }

    /// What clients may subscribe to.
    package enum Topic: String, CaseIterable, Sendable {
        case blocks, jobs, transactions
    }

    /// Where it listens.
    package let socketPath: String
    private let shared: Shared
    private let listener: any Channel
    /// Device and inode of our socket: another daemon's is never removed.
    private let file: SocketFile

    /// Begins to listen.
    ///
    /// - Parameter checksReplies: also compare every reply with its schema (tests, `--dev`).
    /// - Throws: ``SocketFile/Failure`` when the path cannot be had: a daemon answers there, it is
    ///   no socket, or the directory refuses.
    package static func start(
        socketPath: String, methods: MethodTable, logger: Logger, version: String = "0.1.0",
        checksReplies: Bool = false
    ) async throws(SocketFile.Failure) -> ControlServer {
        let (descriptor, file) = try SocketFile.bind(socketPath)
        let shared = Shared(
            table: methods, logger: logger, version: version, checksReplies: checksReplies)
        do {
            let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.backlog, value: 64)
                .childChannelOption(.maxMessagesPerRead, value: 1)
                .childChannelInitializer { channel in Self.onAccept(channel, shared) }
                .withBoundSocket(descriptor).get()
            return ControlServer(
                socketPath: socketPath, shared: shared, listener: listener, file: file)
        } catch {
            file.remove()
            throw .system(call: "listen", path: socketPath, reason: "\(error)")
        }
    }

    private init(socketPath: String, shared: Shared, listener: any Channel, file: SocketFile) {
        self.socketPath = socketPath
        self.shared = shared
        self.listener = listener
        self.file = file
    }

    /// Pushes an event to every client that subscribed to the topic.
    package func publish(_ topic: Topic, _ event: JSON) {
        let text = JSONBytes.of(event)
        for connection in self.shared.all {
            connection.eventLoop.execute {
                connection.value.publish(topic: topic.rawValue, event: text)
            }
        }
    }

    /// Accepts nobody else, lets calls being handled finish for `graceMs`, closes, and removes the
    /// socket.
    package func stop(graceMs: Int64 = 2000) async {
        self.file.remove()
        try? await self.listener.close().get()
        for connection in self.shared.all {
            connection.eventLoop.execute { connection.value.end() }
        }
        let deadline = ContinuousClock.now + .milliseconds(graceMs)
        while !self.shared.all.isEmpty, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(5))
        }
        for connection in self.shared.all {
            connection.eventLoop.execute { connection.value.cut() }
        }
    }

    // MARK: Accepting

    private static func onAccept(
        _ channel: any Channel, _ shared: Shared
    ) -> EventLoopFuture<Void> {
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        let read: EventLoopFuture<PeerCredentials> = provider.unsafeGetSocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        return read.flatMapThrowing { peer in
            let handler: any ChannelHandler
            let owner = UInt32(geteuid())
            if !peer.mayCall(daemonOf: owner) {
                shared.logger.warning("refused uid \(peer.uid), pid \(peer.pid)")
                handler = Refusal(Self.notPermitted(peer, owner: owner))
            } else if let id = shared.reserve() {
                let connection = Connection(id: id, peer: peer, server: shared)
                shared.add(id, NIOLoopBound(connection, eventLoop: channel.eventLoop))
                handler = connection
            } else {
                shared.logger.warning("refused a connection: \(Control.connectionsMax) are open")
                handler = Refusal(Self.tooMany)
            }
            try channel.pipeline.syncOperations.addHandler(handler)
        }
    }

    static func notPermitted(_ peer: PeerCredentials, owner: UInt32) -> ControlError {
        .product(
            "rpc.notPermitted",
            "this daemon answers uid \(owner) and root only; you are uid \(peer.uid)",
            fix: "run the command as that user, such as with sudo -u '#\(owner)'")
    }

    private static let tooMany = ControlError.product(
        "rpc.tooManyConnections", "\(Control.connectionsMax) connections are open already",
        fix: "close one and try again")
}

/// Says why a client is not served, and closes.
private final class Refusal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let error: ControlError

    init(_ error: ControlError) { self.error = error }

    func channelActive(context: ChannelHandlerContext) {
        let line = ReplyLine.error(self.error, id: .null) + [UInt8(ascii: "\n")]
        let channel = context.channel
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: line))).whenComplete { _ in
            channel.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}
