import Glibc
import Gossip
import NIOCore
import NIOPosix
import Primitives

/// Drives the one ``Datagrams`` core over the one UDP socket.
///
/// Decides nothing: feeds in datagrams and expired timers, performs the effects in order, answers
/// what needs the node's key. Lives on its event loop and holds no lock.
final class DatagramDriver: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let eventLoop: any EventLoop
    private let surroundings: Surroundings
    private let lookups: NameLookups
    private var core: Datagrams
    private var outbox = Outbox<Datagrams.Effect>()
    private var inputs: [Datagrams.Input] = []
    private var timers: [UInt64: Scheduled<Void>] = [:]
    private var lastTimer: UInt64 = 0
    private var names = HostNames()
    private var socket: DatagramSocket?
    private(set) var channel: (any Channel)?
    private var isStepping = false
    private var isStopped = false

    init(eventLoop: any EventLoop, surroundings: Surroundings, lookups: NameLookups) {
        self.eventLoop = eventLoop
        self.surroundings = surroundings
        self.lookups = lookups
        self.core = Datagrams(
            config: Datagrams.Config(
                me: surroundings.key.publicKey, genesis: surroundings.configuration.genesis,
                seed: Surroundings.seed(), epochMs: Self.epochMs(eventLoop)))
    }

    /// Wall time at the loop's instant zero.
    private static func epochMs(_ eventLoop: any EventLoop) -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let wall = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        let uptime = Int64(eventLoop.now.uptimeNanoseconds / 1_000_000)
        return UInt64(max(0, wall - uptime))
    }

    // MARK: Socket

    /// Binds the socket and puts a channel on it that reads.
    func bind(_ address: SocketAddress) throws(IOError) -> EventLoopFuture<UInt16> {
        let (socket, readers) = try DatagramSocket.bind(address)
        self.socket = socket
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        let port = socket.port
        return DatagramBootstrap(group: self.eventLoop)
            .channelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(
                    capacity: datagramsPerRead * datagramBytesMax)
            )
            .channelOption(.datagramVectorReadMessageCount, value: datagramsPerRead)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .withBoundSocket(readers)
            .map { channel in
                bound.value.onBound(channel)
                return port
            }
    }

    /// Closes the socket; nothing comes or goes after this.
    func stop() {
        self.isStopped = true
        for timer in self.timers.values { timer.cancel() }
        self.timers = [:]
        self.unbind()
    }

    /// Gives the port back.
    func unbind() {
        self.socket = nil
        let channel = self.channel
        self.channel = nil
        channel?.close(promise: nil)
    }

    private func onBound(_ channel: any Channel) {
        guard !self.isStopped else { return channel.close(promise: nil) }
        self.channel = channel
    }

    // MARK: Channel

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = self.unwrapInboundIn(data)
        guard let from = Datagrams.Endpoint(envelope.remoteAddress) else { return }
        let bytes = Array(envelope.data.readableBytesView)
        self.surroundings.tally.count {
            $0.datagramsReceived &+= 1
            $0.datagramBytesReceived &+= UInt64(bytes.count)
        }
        self.step(.received(bytes, from: from))
    }

    /// Such as a port that nobody listens at, of some datagram before: nothing to do.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}

    func channelInactive(context: ChannelHandlerContext) {
        guard !self.isStopped, let channel = self.channel, channel === context.channel,
            let address = channel.localAddress
        else { return }
        self.surroundings.logger.warning("the system closed the datagram socket; it comes back")
        self.unbind()
        self.bindLater(address)
    }

    private func bindLater(_ address: SocketAddress) {
        self.after(.now() + .milliseconds(rebindAfterMs)) {
            let again: EventLoopFuture<UInt16>
            do throws(IOError) {
                again = try self.bind(address)
            } catch { return self.bindLater(address) }
            again.assumeIsolated().whenFailure { _ in
                self.unbind()
                self.bindLater(address)
            }
        }
    }

    // MARK: Sending

    /// Hands one payload to the core, once the address is known.
    func send(_ bytes: [UInt8], to address: PeerAddress) {
        let datagram = HostNames.Waiting(bytes: bytes, key: address.key, port: address.port)
        switch self.names.find(address.host, for: datagram, nowMs: self.nowMs) {
        case .address(let found): self.send(datagram, found)
        case .waiting: return
        case .none: self.surroundings.tally.count { $0.datagramsDropped &+= 1 }
        case .ask:
            let host = address.host
            // An IPv6 socket reaches both.
            let families = self.socket?.isIPv6 == true ? [AF_INET6, AF_INET] : [AF_INET]
            self.lookups.ask(host, families: families).assumeIsolated().whenComplete {
                self.onResolved(host, (try? $0.get())?.first)
            }
        }
    }

    private func onResolved(_ host: String, _ address: [UInt8]?) {
        let waited = self.names.resolved(host, address, nowMs: self.nowMs)
        guard let address else {
            self.surroundings.tally.count { $0.datagramsDropped &+= UInt64(waited.count) }
            return
        }
        for datagram in waited { self.send(datagram, address) }
    }

    private func send(_ datagram: HostNames.Waiting, _ address: [UInt8]) {
        let endpoint = Datagrams.Endpoint(address: address, port: datagram.port)
        self.step(.send(datagram.bytes, to: datagram.key, at: endpoint))
    }

    private var nowMs: UInt64 { self.eventLoop.now.uptimeNanoseconds / 1_000_000 }

    // MARK: The core

    private func step(_ input: Datagrams.Input) {
        guard !self.isStopped else { return }
        self.inputs.append(input)
        guard !self.isStepping else { return }
        self.isStepping = true
        var next = 0
        while next < self.inputs.count {
            let now = Instant(ns: self.eventLoop.now.uptimeNanoseconds)
            self.core.handle(self.inputs[next], now: now, into: &self.outbox)
            next += 1
            for effect in self.outbox.drain() { self.perform(effect) }
        }
        self.inputs = []
        self.isStepping = false
    }

    private func perform(_ effect: Datagrams.Effect) {
        switch effect {
        case .write(let bytes, let endpoint): self.write(bytes, to: endpoint)
        case .deliver(let bytes, let peer, at: _):
            self.surroundings.deliver(.datagram(bytes, from: peer))
        case .agree(let point, let token):
            self.step(.agreed(self.surroundings.key.agree(with: point), token: token))
        case .sign(let digest, let token):
            self.step(.signed(self.surroundings.key.sign(digest), token: token))
        case .schedule(let timer, at: let instant):
            self.after(.uptimeNanoseconds(instant.ns)) { self.step(.expired(timer)) }
        }
    }

    private func write(_ bytes: [UInt8], to endpoint: Datagrams.Endpoint) {
        guard let socket = self.socket,
            let address = endpoint.socketAddress(isIPv6: socket.isIPv6),
            socket.send(bytes, to: address)
        else {
            self.surroundings.tally.count { $0.datagramsDropped &+= 1 }
            return
        }
        self.surroundings.tally.count {
            $0.datagramsSent &+= 1
            $0.datagramBytesSent &+= UInt64(bytes.count)
        }
    }

    private func after(_ deadline: NIODeadline, _ body: @escaping () -> Void) {
        self.lastTimer &+= 1
        let number = self.lastTimer
        self.timers[number] = self.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.timers.removeValue(forKey: number)
            body()
        }
    }
}
