import Glibc
import NIOCore
import NIOPosix
package import Primitives

/// Calls a daemon over its Unix socket.
///
/// Calls may overlap; each has its own deadline. Notifications arrive in ``notifications``.
package final class ControlClient: Sendable {
    /// Why a call has no result.
    package enum Failure: Error, Hashable, Sendable {
        /// No daemon could be reached at the path.
        case unreachable(path: String, reason: String, fix: String)
        /// The connection ended before the reply.
        case closed
        /// No reply in time; the daemon may still carry the call out.
        case timedOut(method: String, afterMs: Int64)
        /// The daemon sent what no daemon sends.
        case malformed(String)
        /// The daemon refused.
        case refused(ControlError)
    }

    /// What the server sends unasked.
    package struct Notification: Hashable, Sendable {
        /// `event` or `progress`.
        package let method: String
        package let params: JSON
    }

    /// Events and progress, in order; the oldest are dropped beyond 4096 unread.
    package let notifications: AsyncStream<Notification>

    private let channel: any Channel
    private let inbox: NIOLoopBound<ClientInbox>

    /// Connects to the daemon that listens at `path`.
    package static func connect(
        to path: String, timeoutMs: Int64 = 5000
    ) async throws(Failure) -> ControlClient {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Notification.self, bufferingPolicy: .bufferingNewest(4096))
        do {
            let (channel, inbox) = try await ClientBootstrap(
                group: MultiThreadedEventLoopGroup.singleton
            )
            .connectTimeout(.milliseconds(timeoutMs))
            .connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let inbox = ClientInbox(continuation)
                    try channel.pipeline.syncOperations.addHandler(inbox)
                    return (channel, NIOLoopBound(inbox, eventLoop: channel.eventLoop))
                }
            }
            return ControlClient(channel, inbox, stream)
        } catch {
            continuation.finish()
            throw Self.unreachable(path, error)
        }
    }

    private init(
        _ channel: any Channel, _ inbox: NIOLoopBound<ClientInbox>,
        _ notifications: AsyncStream<Notification>
    ) {
        self.channel = channel
        self.inbox = inbox
        self.notifications = notifications
    }

    deinit { self.channel.close(promise: nil) }

    /// Ends the connection; calls that wait fail with ``Failure/closed``.
    package func close() async { try? await self.channel.close().get() }

    /// Calls one method.
    package func call(
        _ method: String, _ params: JSON = .object(), timeoutMs: Int64 = 60_000
    ) async throws(Failure) -> JSON {
        let replies = try await self.send(
            [(method, params)], isBatch: false, timeoutMs: timeoutMs)
        guard let reply = replies.first else { throw .malformed("no reply") }
        switch reply {
        case .success(let result): return result
        case .failure(let error): throw .refused(error)
        }
    }

    /// Calls several methods in one line; the replies come in the order of the calls.
    package func batch(
        _ calls: [(method: String, params: JSON)], timeoutMs: Int64 = 60_000
    ) async throws(Failure) -> [Result<JSON, ControlError>] {
        try await self.send(
            calls.map { ($0.method, $0.params) }, isBatch: true, timeoutMs: timeoutMs)
    }

    /// Subscribes to topics; the events arrive in ``notifications``.
    package func subscribe(_ topics: [String]) async throws(Failure) -> Int {
        let reply = try await self.call(
            "subscribe", .object(("topics", .array(topics.map { .string($0) }))))
        guard let number = reply["subscription"]?.intValue else {
            throw .malformed("subscribe gave no number")
        }
        return number
    }

    private func send(
        _ calls: [(String, JSON)], isBatch: Bool, timeoutMs: Int64
    ) async throws(Failure) -> [Result<JSON, ControlError>] {
        let eventLoop = self.channel.eventLoop
        let promises = calls.map { _ in eventLoop.makePromise(of: ClientInbox.Reply.self) }
        let inbox = self.inbox
        eventLoop.execute {
            inbox.value.send(calls, isBatch: isBatch, timeoutMs: timeoutMs, promises)
        }
        do {
            return try await EventLoopFuture.whenAllSucceed(
                promises.map(\.futureResult), on: eventLoop
            ).get()
        } catch let failure as Failure {
            throw failure
        } catch { throw .closed }
    }

    private static func unreachable(_ path: String, _ error: any Error) -> Failure {
        let code = (error as? IOError)?.errnoCode
        switch code {
        case ENOENT:
            return .unreachable(
                path: path, reason: "nothing is there",
                fix: "start the daemon (systemctl start starlingd, or starlingd --dev), "
                    + "or name its socket with --socket or STARLING_SOCKET")
        case ECONNREFUSED:
            return .unreachable(
                path: path, reason: "no daemon listens there any more",
                fix: "start the daemon: systemctl start starlingd, or starlingd --dev")
        case EACCES, EPERM:
            return .unreachable(
                path: path, reason: "permission denied",
                fix: "run the command as the daemon's user, such as with sudo -u starling")
        default:
            return .unreachable(path: path, reason: "\(error)", fix: "")
        }
    }
}

/// Matches replies to calls, on the channel's event loop.
final class ClientInbox: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    typealias Reply = Result<JSON, ControlError>

    private struct Pending {
        let promise: EventLoopPromise<Reply>
        let deadline: Scheduled<Void>
    }

    private let notifications: AsyncStream<ControlClient.Notification>.Continuation
    private var context: ChannelHandlerContext?
    private var lines = LineBuffer(lineBytesMax: Control.replyBytesMax + 1024)
    private var pending: [Int: Pending] = [:]
    private var lastID = 0
    /// Why the server ended it, or what went wrong; later calls fail with it.
    private var ending: ControlClient.Failure?

    init(_ notifications: AsyncStream<ControlClient.Notification>.Continuation) {
        self.notifications = notifications
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        self.fail(self.ending ?? .closed)
        self.notifications.finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        self.lines.append(&bytes)
        do {
            while let line = try self.lines.next() {
                let json = try JSONText.parse(line)
                for reply in json.arrayValue ?? [json] { self.onReply(reply) }
            }
        } catch {
            self.fail(.malformed("\(error)"))
            context.close(promise: nil)
        }
    }

    func send(
        _ calls: [(String, JSON)], isBatch: Bool, timeoutMs: Int64,
        _ promises: [EventLoopPromise<Reply>]
    ) {
        guard let context = self.context, self.ending == nil else {
            for promise in promises { promise.fail(self.ending ?? .closed) }
            return
        }
        var requests: [JSON] = []
        for ((method, params), promise) in zip(calls, promises) {
            self.lastID += 1
            let id = self.lastID
            let deadline = context.eventLoop.assumeIsolated().scheduleTask(
                in: .milliseconds(timeoutMs)
            ) {
                guard let late = self.pending.removeValue(forKey: id) else { return }
                late.promise.fail(
                    ControlClient.Failure.timedOut(method: method, afterMs: timeoutMs))
            }
            self.pending[id] = Pending(promise: promise, deadline: deadline)
            requests.append(
                .object(
                    ("jsonrpc", .string("2.0")), ("id", .number(Int64(id))),
                    ("method", .string(method)), ("params", params)))
        }
        var line: [UInt8] = []
        if isBatch {
            JSONBytes.append(.array(requests), to: &line)
        } else {
            for request in requests { JSONBytes.append(request, to: &line) }
        }
        line.append(UInt8(ascii: "\n"))
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: line)), promise: nil)
    }

    private func onReply(_ json: JSON) {
        if let method = json["method"]?.stringValue {
            let params = json["params"] ?? .object()
            self.notifications.yield(.init(method: method, params: params))
            return
        }
        let error = json["error"].map { ControlError(json: $0) }
        guard let id = json["id"]?.intValue else {
            // A refusal of the connection or of a whole line names no call.
            if let error { self.fail(.refused(error)) }
            return
        }
        guard let pending = self.pending.removeValue(forKey: id) else { return }  // Timed out.
        pending.deadline.cancel()
        if let error {
            pending.promise.succeed(.failure(error))
        } else if let result = json["result"] {
            pending.promise.succeed(.success(result))
        } else {
            pending.promise.fail(ControlClient.Failure.malformed("neither result nor error"))
        }
    }

    private func fail(_ failure: ControlClient.Failure) {
        self.ending = self.ending ?? failure
        let waiting = self.pending.values
        self.pending = [:]
        for call in waiting {
            call.deadline.cancel()
            call.promise.fail(failure)
        }
    }
}

extension ControlClient.Failure: CustomStringConvertible {
    /// What happened, in one sentence.
    package var description: String {
        switch self {
        case .unreachable(let path, let reason, _): "cannot reach the daemon at \(path): \(reason)"
        case .closed: "the daemon closed the connection"
        case .timedOut(let method, let afterMs):
            "\(method): no reply within \(afterMs / 1000) s; it may still be carried out"
        case .malformed(let problem): "the daemon sent something that is no reply: \(problem)"
        case .refused(let error): error.message
        }
    }

    /// What to do next; empty when there is nothing useful to say.
    package var fix: String {
        switch self {
        case .unreachable(_, _, let fix): fix
        case .closed: "see the daemon's log: journalctl -u starlingd"
        case .timedOut: "see starling status"
        case .malformed: "make sure that starling and starlingd are of one version"
        case .refused(let error): error.fix
        }
    }
}
