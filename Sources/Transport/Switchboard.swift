import Glibc
import Gossip
import Logging
import NIOCore
import NIOPosix
import Primitives

/// What every part of one transport shares.
struct Surroundings: Sendable {
    let configuration: Transport.Configuration
    let key: SecretKey
    let logger: Logger
    let tally = Tally()
    let deliver: @Sendable (Transport.Event) -> Void

    /// Random bytes for one core's ephemeral keys.
    static func seed() -> Digest {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<Digest.count).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return Digest(bytes).proven("a digest's bytes")
    }
}

/// The owner of all connections of one transport. Lives on its event loop and holds no lock.
final class Switchboard {
    let datagrams: DatagramDriver
    private let eventLoop: any EventLoop
    private let surroundings: Surroundings
    private let lookups: NameLookups
    private var table = ConnectionTable()
    private var gate = InboundGate()
    private(set) var listener: (any Channel)?
    private var isStopped = false

    init(eventLoop: any EventLoop, surroundings: Surroundings, mailbox: Mailbox) {
        self.eventLoop = eventLoop
        self.surroundings = surroundings
        self.lookups = NameLookups(eventLoop: eventLoop, mailbox: mailbox)
        self.datagrams = DatagramDriver(
            eventLoop: eventLoop, surroundings: surroundings, lookups: self.lookups)
    }

    // MARK: Commands

    func perform(_ command: Command) {
        guard !self.isStopped else { return }
        switch command {
        case .dial(let address, let id, let purpose): self.dial(address, id, purpose)
        case .close(let id, let reason): self.close(id, reason)
        case .send(let id, let traffic, let bytes): self.table[id]?.send(traffic, bytes)
        case .datagram(let bytes, let address): self.datagrams.send(bytes, to: address)
        case .resolved(let lookup, let addresses): self.lookups.onAnswer(lookup, addresses)
        }
    }

    /// Closes everything, and reports what was open.
    func stop() {
        self.isStopped = true
        self.listener?.close(promise: nil)
        for id in self.table.ids { self.close(id, "this node stops") }
        self.datagrams.stop()
        self.lookups.stop()
    }

    private func close(_ id: ConnectionID, _ reason: String) {
        if let driver = self.table[id] {
            driver.end(reason)
        } else if self.table.isDialling(id) {
            self.table.remove(id)  // The dial finds out when it is done.
            self.surroundings.deliver(.closed(id, reason: reason))
        }
    }

    // MARK: Dialling

    private func dial(_ address: PeerAddress, _ id: ConnectionID, _ purpose: Purpose) {
        guard self.table.dial(id) else {
            self.surroundings.logger.error("connection \(id) is dialled twice")
            return
        }
        // Not read from before the driver is there.
        let bootstrap = ClientBootstrap(group: self.eventLoop)
            .connectTimeout(.milliseconds(dialTimeoutMs))
            .resolver(DialResolver(lookups: NIOLoopBound(self.lookups, eventLoop: self.eventLoop)))
            .channelOption(.autoRead, value: false)
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        let channel: EventLoopFuture<any Channel>
        if let known = try? SocketAddress(ipAddress: address.host, port: Int(address.port)) {
            channel = bootstrap.connect(to: known)
        } else {
            channel = bootstrap.connect(host: address.host, port: Int(address.port))
        }
        channel.whenComplete { bound.value.onDialled($0, address, id, purpose) }
    }

    private func onDialled(
        _ result: Result<any Channel, any Error>, _ address: PeerAddress, _ id: ConnectionID,
        _ purpose: Purpose
    ) {
        guard self.table.isDialling(id) else {
            if case .success(let channel) = result { channel.close(promise: nil) }
            return
        }
        self.table.remove(id)
        do {
            let channel = try result.get()
            let driver = self.driver(
                id, isOutbound: true, source: [], remote: address.key, purpose)
            try self.attach(driver, to: channel)
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            // Once attached, the driver reports it.
            if let driver = self.table[id] { return driver.end(systemWords(error)) }
            self.surroundings.tally.count { $0.dialsFailed &+= 1 }
            self.surroundings.deliver(
                .closed(id, reason: "\(address.host):\(address.port): \(systemWords(error))"))
        }
    }

    // MARK: Accepting

    /// Takes one more connection, or closes it.
    func onAccept(_ channel: any Channel) throws {
        guard !self.isStopped, let remote = channel.remoteAddress,
            let source = addressBytes(remote)
        else { throw ChannelError.ioOnClosedChannel }
        if let refusal = self.gate.admit(source, nowNs: self.eventLoop.now.uptimeNanoseconds) {
            self.surroundings.tally.count { $0.refused &+= 1 }
            self.surroundings.logger.debug("refused \(remote): \(refusal.rawValue)")
            throw ChannelError.ioOnClosedChannel
        }
        let driver = self.driver(
            self.table.acceptedID(), isOutbound: false, source: source, remote: nil, .main)
        do {
            try self.attach(driver, to: channel)
        } catch {
            driver.end(systemWords(error))
            throw error
        }
    }

    /// Listens. The listener comes back when the system closes it.
    func listen(at address: SocketAddress) -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        return ServerBootstrap(group: self.eventLoop)
            .serverChannelOption(.backlog, value: acceptBacklog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause())
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.onAccept(channel) }
            }
            .bind(to: address)
            .map { bound.value.onListening($0, address) }
    }

    private func onListening(_ channel: any Channel, _ address: SocketAddress) {
        guard !self.isStopped else { return channel.close(promise: nil) }
        self.listener = channel
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.listenLater(at: address) }
    }

    private func listenLater(at address: SocketAddress) {
        self.listener = nil
        guard !self.isStopped else { return }
        self.surroundings.logger.warning("the system closed the listener; it comes back")
        self.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(rebindAfterMs)) {
            guard !self.isStopped else { return }
            self.listen(at: address).assumeIsolated().whenFailure { _ in
                self.listenLater(at: address)
            }
        }
    }

    // MARK: Drivers

    private func driver(
        _ id: ConnectionID, isOutbound: Bool, source: [UInt8], remote: PublicKey?,
        _ purpose: Purpose
    ) -> SessionDriver {
        let session = Session(
            config: Session.Config(
                isInitiator: isOutbound, purpose: purpose,
                me: self.surroundings.key.publicKey, remote: remote,
                genesis: self.surroundings.configuration.genesis, seed: Surroundings.seed()))
        return SessionDriver(
            id: id, isOutbound: isOutbound, source: source, session: session,
            surroundings: self.surroundings, owner: self)
    }

    /// Puts the driver on its channel.
    private func attach(_ driver: SessionDriver, to channel: any Channel) throws {
        self.table.open(driver)
        try Self.tune(channel)
        try channel.pipeline.syncOperations.addHandler(driver)
    }

    private static func tune(_ channel: any Channel) throws {
        guard let options = channel.syncOptions else { throw ChannelError.operationUnsupported }
        try options.setOption(.tcpOption(.tcp_nodelay), value: 1)
        // What the kernel holds cannot be overtaken by what is more urgent.
        try options.setOption(
            .tcpOption(.init(rawValue: TCP_NOTSENT_LOWAT)), value: kernelUnsentBytesMax)
        try options.setOption(
            .writeBufferWaterMark,
            value: ChannelOptions.Types.WriteBufferWaterMark(
                low: channelBytesLow, high: channelBytesHigh))
    }

    func onEstablished(_ driver: SessionDriver) {
        if !driver.isOutbound { self.gate.establish(driver.source) }
    }

    func onEnd(_ driver: SessionDriver) {
        self.table.remove(driver.id)
        guard !driver.isOutbound else { return }
        self.gate.leave(driver.source, wasEstablished: driver.isEstablished)
    }
}

/// Stops accepting for a while when the system has no room for one more descriptor.
private final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let channel = context.channel
        channel.setOption(.autoRead, value: false).whenComplete { _ in }
        context.eventLoop.scheduleTask(in: .milliseconds(rebindAfterMs)) {
            channel.setOption(.autoRead, value: true).whenComplete { _ in }
        }
    }
}
