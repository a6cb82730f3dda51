import Gossip
import NIOCore
import Primitives

/// Drives one ``Session`` over one TCP connection.
///
/// Decides nothing: feeds in bytes, expired timers and whether the socket can take more; performs
/// the effects in order; answers what needs the node's key. Lives on its channel's event loop and
/// holds no lock. Written bytes are flushed once per turn of the loop.
final class SessionDriver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let id: ConnectionID
    let isOutbound: Bool
    /// Where an accepted connection came from.
    let source: [UInt8]
    private(set) var isEstablished = false

    private let surroundings: Surroundings
    private var session: Session
    private var outbox = Outbox<Session.Effect>()
    private var inputs: [Session.Input] = []
    private var timers: [UInt64: Scheduled<Void>] = [:]
    private var lastTimer: UInt64 = 0
    private var context: ChannelHandlerContext?
    private weak var owner: Switchboard?
    private var hasBegun = false
    private var hasEnded = false
    private var isStepping = false
    private var flushIsDue = false

    /// - Parameter owner: told when the handshake is done, and once when the connection is over.
    init(
        id: ConnectionID, isOutbound: Bool, source: [UInt8], session: Session,
        surroundings: Surroundings, owner: Switchboard
    ) {
        self.id = id
        self.isOutbound = isOutbound
        self.source = source
        self.session = session
        self.surroundings = surroundings
        self.owner = owner
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { self.begin() }
    }

    func channelActive(context: ChannelHandlerContext) { self.begin() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Array(self.unwrapInboundIn(data).readableBytesView)
        self.surroundings.tally.count { $0.streamBytesReceived &+= UInt64(bytes.count) }
        self.step(.received(bytes))
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.step(.writable(context.channel.isWritable))
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.step(.disconnected)
        self.end("the peer closed it")
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.end("it was closed")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.end(systemWords(error))
    }

    // MARK: Commands

    /// Hands one message over.
    func send(_ traffic: TrafficClass, _ bytes: [UInt8]) {
        guard !self.hasEnded else { return }
        self.surroundings.tally.count { $0.countSent(traffic, bytes.count) }
        self.step(.send(traffic, bytes))
    }

    /// The connection is over: nothing comes from it after this, and it is reported once.
    func end(_ reason: String) {
        guard !self.hasEnded else { return }
        self.hasEnded = true
        for timer in self.timers.values { timer.cancel() }
        self.timers = [:]
        if self.isEstablished || self.isOutbound {
            self.surroundings.deliver(.closed(self.id, reason: reason))
        }
        if !self.isEstablished {
            self.surroundings.tally.count { $0.handshakesFailed &+= 1 }
            self.surroundings.logger.debug("handshake failed, connection \(self.id): \(reason)")
        }
        self.owner?.onEnd(self)
        self.context?.flush()
        self.context?.close(promise: nil)
    }

    // MARK: The core

    private func begin() {
        guard !self.hasBegun, let context = self.context else { return }
        self.hasBegun = true
        self.step(.connected)
        self.step(.writable(context.channel.isWritable))
    }

    /// Feeds one input in. What the effects cause at once waits until all of them are performed.
    private func step(_ input: Session.Input) {
        guard !self.hasEnded else { return }
        self.inputs.append(input)
        guard !self.isStepping, let context = self.context else { return }
        self.isStepping = true
        var next = 0
        while next < self.inputs.count, !self.hasEnded {
            let now = Instant(ns: context.eventLoop.now.uptimeNanoseconds)
            self.session.handle(self.inputs[next], now: now, into: &self.outbox)
            next += 1
            for effect in self.outbox.drain() where !self.hasEnded {
                self.perform(effect, context)
            }
        }
        self.inputs = []
        self.isStepping = false
    }

    private func perform(_ effect: Session.Effect, _ context: ChannelHandlerContext) {
        switch effect {
        case .write(let bytes): self.write(bytes, context)
        case .agree(let point, let token):
            self.step(.agreed(self.surroundings.key.agree(with: point), token: token))
        case .sign(let digest): self.step(.signed(self.surroundings.key.sign(digest)))
        case .established(let peer, let purpose):
            self.isEstablished = true
            self.owner?.onEstablished(self)
            self.surroundings.tally.count { $0.handshakes &+= 1 }
            self.surroundings.deliver(
                .connected(self.id, peer: peer, purpose: purpose, isOutbound: self.isOutbound))
        case .deliver(let traffic, let bytes):
            self.surroundings.tally.count { $0.countReceived(traffic, bytes.count) }
            self.surroundings.deliver(.received(self.id, traffic, bytes))
        case .close(let fault): self.end("\(fault)")
        case .schedule(let timer, at: let instant): self.schedule(timer, at: instant, context)
        }
    }

    private func write(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        self.surroundings.tally.count { $0.streamBytesSent &+= UInt64(bytes.count) }
        context.write(self.wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        guard !self.flushIsDue else { return }
        self.flushIsDue = true
        context.eventLoop.assumeIsolated().execute {
            self.flushIsDue = false
            self.context?.flush()
        }
    }

    private func schedule(
        _ timer: Session.Timer, at instant: Instant, _ context: ChannelHandlerContext
    ) {
        self.lastTimer &+= 1
        let number = self.lastTimer
        // A stale timer fires, too: the core ignores it.
        self.timers[number] = context.eventLoop.assumeIsolated().scheduleTask(
            deadline: .uptimeNanoseconds(instant.ns)
        ) {
            self.timers.removeValue(forKey: number)
            self.step(.expired(timer))
        }
    }
}
