import Logging
import NIOCore
import Primitives

/// One client's connection: lines in, replies and notifications out.
///
/// Lives on its channel's event loop and holds no lock. A line waits, and the socket is not read,
/// while as many calls as allowed are being handled or while replies pile up.
final class Connection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The calls of one line that are answered together.
    private struct Group {
        let isBatch: Bool
        let bytes: Int
        var open: Int
        var replies: [[UInt8]] = []
        var replyBytes = 0
    }

    private struct Waiting {
        let line: RequestLine
        let bytes: Int
    }

    private let id: UInt64
    private let peer: PeerCredentials
    private let server: ControlServer.Shared
    private var context: ChannelHandlerContext?
    private var lines = LineBuffer(lineBytesMax: Control.requestBytesMax)
    private var waiting: Waiting?
    private var groups: [UInt64: Group] = [:]
    private var tasks: [UInt64: Task<Void, Never>] = [:]
    private var lastNumber: UInt64 = 0
    private var heldBytes = 0
    private var queuedBytes = 0
    private var readIsDue = false
    private var isEnding = false
    private var isAdvancing = false
    private var subscriptions: [Int: [String]] = [:]
    private var lastSubscription = 0

    init(id: UInt64, peer: PeerCredentials, server: ControlServer.Shared) {
        self.id = id
        self.peer = peer
        self.server = server
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        for task in self.tasks.values { task.cancel() }
        self.server.remove(self.id)
        self.forgetIfOver()
        context.fireChannelInactive()
    }

    /// Once the client is gone and its last call has ended, what belongs to it is let go.
    private func forgetIfOver() {
        guard self.context == nil, self.tasks.isEmpty else { return }
        self.server.table.closed(self.id)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isEnding else { return }
        var bytes = self.unwrapInboundIn(data)
        self.lines.append(&bytes)
        self.advance()
    }

    func read(context: ChannelHandlerContext) {
        if self.isBusy { self.readIsDue = true } else { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    // MARK: Lines

    private var isBusy: Bool {
        self.waiting != nil || self.heldBytes >= Control.requestsHeldBytesMax
            || self.queuedBytes >= Control.outgoingBytesMax / 4
    }

    private func advance() {
        // A reply that is written at once comes back here: the loop below is already running.
        guard !self.isAdvancing else { return }
        self.isAdvancing = true
        defer { self.isAdvancing = false }
        while !self.isEnding, self.context != nil {
            if let waiting = self.waiting {
                guard self.tasks.count + waiting.line.items.count <= Control.callsInFlightMax else {
                    return
                }
                self.waiting = nil
                self.start(waiting)
            }
            guard !self.isBusy, self.onNextLine() else { break }
        }
        guard self.readIsDue, !self.isBusy else { return }
        self.readIsDue = false
        self.context?.read()
    }

    /// Takes the next whole line, if there is one.
    private func onNextLine() -> Bool {
        let bytes: [UInt8]
        do throws(LineBuffer.TooLong) {
            guard let line = try self.lines.next() else { return false }
            bytes = line
        } catch {
            let refusal = ControlError.invalidRequest(
                "a line is longer than \(Control.requestBytesMax) bytes")
            self.send(ReplyLine.error(refusal, id: .null))
            self.end()
            return false
        }
        if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return true }
        do throws(JSONTextError) {
            let json = try JSONText.parse(bytes)
            do throws(ControlError) {
                self.waiting = Waiting(line: try RequestLine(json), bytes: bytes.count)
            } catch { self.send(ReplyLine.error(error, id: .null)) }
        } catch { self.send(ReplyLine.error(.parse(error), id: .null)) }
        return true
    }

    private func start(_ waiting: Waiting) {
        let items = waiting.line.items
        var isBatch = false
        if case .batch = waiting.line { isBatch = true }
        self.lastNumber += 1
        let group = self.lastNumber
        self.groups[group] = Group(isBatch: isBatch, bytes: waiting.bytes, open: items.count)
        self.heldBytes += waiting.bytes
        for item in items {
            switch item.request {
            case .failure(let error):
                self.finish(group, ReplyLine.error(error, id: item.id ?? .null))
            case .success(let request): self.start(request, id: item.id, group: group)
            }
        }
    }

    // MARK: Calls

    private func start(_ request: RequestLine.Request, id: JSON?, group: UInt64) {
        guard let entry = self.server.table.entry(request.method) else {
            let nearest = self.server.table.nearest(request.method)
            // By scalars: one character may be megabytes of combining marks.
            let name = String(String.UnicodeScalarView(request.method.unicodeScalars.prefix(64)))
            return self.finish(group, .methodNotFound(name, nearest: nearest), id: id)
        }
        if request.method.hasSuffix("subscribe") {
            return self.onSubscription(request, entry.schema, id: id, group: group)
        }
        guard let context = self.context else { return }
        self.lastNumber += 1
        let number = self.lastNumber
        let call = Call(
            method: request.method, params: request.params, peer: self.peer, connection: self.id,
            report: self.reporter(id: id, context))
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        self.tasks[number] = Self.run(call, entry, self.server, id) { reply in
            eventLoop.execute {
                bound.value.tasks[number] = nil
                bound.value.finish(group, reply)
                bound.value.advance()
                bound.value.forgetIfOver()
            }
        }
    }

    private static func run(
        _ call: Call, _ entry: MethodTable.Entry, _ server: ControlServer.Shared, _ id: JSON?,
        then done: @escaping @Sendable ([UInt8]?) -> Void
    ) -> Task<Void, Never> {
        Task.detached {
            let reply = await Connection.answer(call, entry, server: server, id: id)
            done(reply)
        }
    }

    /// Runs the handler; the reply is checked and written away from the event loop.
    private static func answer(
        _ call: Call, _ entry: MethodTable.Entry, server: ControlServer.Shared, id: JSON?
    ) async -> [UInt8]? {
        do throws(ControlError) {
            try Self.check(call.params, entry.schema)
            let result =
                if call.method == "rpc.discover" {
                    OpenRPC.document(server.table.methods, version: server.version)
                } else {
                    try await entry.handler(call)
                }
            if server.checksReplies { try Self.check(reply: result, entry.schema, server) }
            guard let id else { return nil }
            let line = ReplyLine.result(result, id: id)
            guard line.count < Control.replyBytesMax else {
                throw .product(
                    "rpc.replyTooLarge", "the reply is larger than \(Control.replyBytesMax) bytes",
                    fix: "ask for less: a smaller limit or a shorter piece")
            }
            return line
        } catch {
            return id.map { ReplyLine.error(error, id: $0) }
        }
    }

    private static func check(_ params: JSON, _ schema: MethodSchema) throws(ControlError) {
        do throws(FieldError) { try schema.check(params: params) } catch {
            throw .invalidParams(error)
        }
    }

    private static func check(
        reply: JSON, _ schema: MethodSchema, _ server: ControlServer.Shared
    ) throws(ControlError) {
        do throws(FieldError) { try schema.check(result: reply) } catch {
            let words = "\(error.path): \(error.expected) expected, \(error.found) found"
            server.logger.error("\(schema.name) answers against its schema: \(words)")
            throw .internalError("the reply breaks its schema: \(words)")
        }
    }

    private func reporter(
        id: JSON?, _ context: ChannelHandlerContext
    ) -> @Sendable (JSON) -> Void {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        guard let id else { return { _ in } }
        return { progress in
            eventLoop.execute {
                let topics = bound.value.subscriptions.values
                guard topics.contains(where: { $0.contains("progress") }) else { return }
                bound.value.send(ReplyLine.progress(call: id, progress))
            }
        }
    }

    private func finish(_ group: UInt64, _ error: ControlError, id: JSON?) {
        self.finish(group, id.map { ReplyLine.error(error, id: $0) })
    }

    /// Notes one reply (nil for a notification); sends when the group is complete.
    private func finish(_ number: UInt64, _ reply: [UInt8]?) {
        guard var group = self.groups[number] else { return }
        group.open -= 1
        if let reply {
            if group.replyBytes + reply.count < Control.replyBytesMax {
                group.replies.append(reply)
                group.replyBytes += reply.count + 1
            } else {
                group.replies.append(Self.tooLarge(reply))
            }
        }
        self.groups[number] = group
        guard group.open == 0 else { return }
        self.groups[number] = nil
        self.heldBytes -= group.bytes
        if group.isBatch {
            guard !group.replies.isEmpty else { return self.endIfDrained() }
            let replies = group.replies.joined(separator: [UInt8(ascii: ",")])
            self.send([UInt8(ascii: "[")] + replies + [UInt8(ascii: "]")])
        } else if let reply = group.replies.first {
            self.send(reply)
        }
        self.endIfDrained()
    }

    /// The refusal that takes the place of a reply for which a batch has no room.
    private static func tooLarge(_ reply: [UInt8]) -> [UInt8] {
        var id = JSON.null
        if let json = try? JSONText.parse(reply), let known = json["id"] { id = known }
        let error = ControlError.product(
            "rpc.replyTooLarge",
            "the replies of this batch are larger than "
                + "\(Control.replyBytesMax) bytes", fix: "send fewer calls in one batch")
        return ReplyLine.error(error, id: id)
    }

    // MARK: Subscriptions

    private func onSubscription(
        _ request: RequestLine.Request, _ schema: MethodSchema, id: JSON?, group: UInt64
    ) {
        do throws(ControlError) {
            try Self.check(request.params, schema)
            let result: JSON
            if request.method == "subscribe" {
                result = .object(
                    ("subscription", .number(Int64(try self.subscribe(request.params)))))
            } else {
                let number = request.params["subscription"]?.intValue ?? 0
                let ended = self.subscriptions.removeValue(forKey: number) != nil
                result = .object(("ended", .bool(ended)))
            }
            self.finish(group, id.map { ReplyLine.result(result, id: $0) })
        } catch { self.finish(group, error, id: id) }
    }

    private func subscribe(_ params: JSON) throws(ControlError) -> Int {
        guard self.subscriptions.count < Control.subscriptionsMax else {
            throw .product(
                "rpc.tooManySubscriptions",
                "this connection has \(Control.subscriptionsMax) subscriptions already",
                fix: "unsubscribe one, or name several topics in one subscription")
        }
        self.lastSubscription += 1
        self.subscriptions[self.lastSubscription] =
            params["topics"]?.arrayValue?.compactMap(\.stringValue) ?? []
        return self.lastSubscription
    }

    /// Passes an event to this client's subscriptions of the topic.
    func publish(topic: String, event: [UInt8]) {
        for (number, topics) in self.subscriptions.sorted(by: { $0.key < $1.key })
        where topics.contains(topic) {
            self.send(ReplyLine.event(subscription: number, topic: topic, event: event))
        }
    }

    // MARK: Sending and ending

    private func send(_ line: [UInt8]) {
        guard let context = self.context else { return }
        var buffer = context.channel.allocator.buffer(capacity: line.count + 1)
        buffer.writeBytes(line)
        buffer.writeInteger(UInt8(ascii: "\n"))
        let count = buffer.readableBytes
        guard self.queuedBytes + count <= Control.outgoingBytesMax else {
            self.server.logger.warning("a client of uid \(self.peer.uid) reads too slowly: cut off")
            context.close(promise: nil)
            return
        }
        self.queuedBytes += count
        let promise = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { _ in
            bound.value.queuedBytes -= count
            bound.value.advance()
            bound.value.endIfDrained()
        }
        context.writeAndFlush(self.wrapOutboundOut(buffer), promise: promise)
    }

    /// Takes no further line; closes once what was begun is answered and written.
    func end() {
        self.isEnding = true
        self.waiting = nil
        self.endIfDrained()
    }

    /// Closes at once.
    func cut() { self.context?.close(promise: nil) }

    private func endIfDrained() {
        guard self.isEnding, self.groups.isEmpty, self.queuedBytes == 0 else { return }
        self.context?.close(promise: nil)
    }
}
