package import Gossip
package import Logging
import NIOCore
import NIOPosix
package import Primitives

/// Sessions over TCP and datagrams over UDP, for one node.
///
/// One event loop of its own runs all of it; the cores decide, this moves bytes. Commands come from
/// any thread, cost a lock and at most one wake-up, and are carried out in the order given.
///
/// - Bounds: Limits.swift; those of the cores.
/// - Source: protocol/session.md.
package final class Transport: Sendable {
    /// Where to be, and in which network.
    package struct Configuration: Sendable {
        /// The address to bind: `127.0.0.1`, `0.0.0.0`, `::`.
        package var host: String
        /// For TCP and UDP; 0 for any that is free for both.
        package var port: UInt16
        package var genesis: GenesisID
        /// False: accepts no TCP connection, and still has its UDP port.
        package var isListening: Bool

        package init(host: String, port: UInt16, genesis: GenesisID, isListening: Bool) {
            self.host = host
            self.port = port
            self.genesis = genesis
            self.isListening = isListening
        }
    }

    /// What happened, in order.
    package enum Event: Hashable, Sendable {
        /// A handshake succeeded. Those that others opened have odd ids.
        case connected(ConnectionID, peer: PublicKey, purpose: Purpose, isOutbound: Bool)
        /// Once for each id that was dialled or reported as connected; nothing more comes from it.
        case closed(ConnectionID, reason: String)
        case received(ConnectionID, TrafficClass, [UInt8])
        case datagram([UInt8], from: PublicKey)
    }

    /// The port of UDP, and of TCP if it listens.
    package let port: UInt16
    private let group: MultiThreadedEventLoopGroup
    private let mailbox: Mailbox
    let switchboard: NIOLoopBound<Switchboard>
    private let tally: Tally

    /// Binds the ports and begins to accept.
    ///
    /// - Parameter deliver: called on the event loop. While it blocks, no socket is read.
    package static func start(
        _ configuration: Configuration, key: SecretKey, logger: Logger,
        deliver: @escaping @Sendable (Event) -> Void
    ) async throws(TransportError) -> Transport {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do throws(TransportError) {
            return try await Self.start(
                Surroundings(
                    configuration: configuration, key: key, logger: logger, deliver: deliver),
                on: group)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private static func start(
        _ surroundings: Surroundings, on group: MultiThreadedEventLoopGroup
    ) async throws(TransportError) -> Transport {
        let configuration = surroundings.configuration
        let words = "\(configuration.host):\(configuration.port)"
        let eventLoop = group.next()
        let mailbox = Mailbox(eventLoop: eventLoop)
        let address: SocketAddress
        let switchboard: NIOLoopBound<Switchboard>
        do {
            address = try await NIOThreadPool.singleton.runIfActive {
                try SocketAddress.makeAddressResolvingHost(
                    configuration.host, port: Int(configuration.port))
            }
            switchboard = try await eventLoop.submit {
                let made = Switchboard(
                    eventLoop: eventLoop, surroundings: surroundings, mailbox: mailbox)
                return NIOLoopBound(made, eventLoop: eventLoop)
            }.get()
        } catch { throw TransportError(.cannotResolve, words, error) }
        let port = try await Self.bind(address, switchboard, eventLoop, configuration)
        mailbox.open { for command in mailbox.take() { switchboard.value.perform(command) } }
        return Transport(
            port: port, group: group, mailbox: mailbox, switchboard: switchboard,
            tally: surroundings.tally)
    }

    /// Binds UDP, then TCP at the same port. Where the system chooses, it may choose a port that is
    /// taken for TCP: another try.
    private static func bind(
        _ address: SocketAddress, _ switchboard: NIOLoopBound<Switchboard>,
        _ eventLoop: any EventLoop, _ configuration: Configuration
    ) async throws(TransportError) -> UInt16 {
        let words = "\(configuration.host):\(configuration.port)"
        var tries = 0
        while true {
            tries += 1
            let port: UInt16
            do {
                port = try await eventLoop.flatSubmit {
                    do {
                        return try switchboard.value.datagrams.bind(address)
                    } catch { return eventLoop.makeFailedFuture(error) }
                }.get()
            } catch { throw TransportError(.cannotBindDatagrams, words, error) }
            guard configuration.isListening else { return port }
            var listening = address
            listening.port = Int(port)
            do {
                try await eventLoop.flatSubmit { [listening] in
                    switchboard.value.listen(at: listening)
                }.get()
                return port
            } catch {
                eventLoop.execute { switchboard.value.datagrams.unbind() }
                guard configuration.port == 0, tries < portTriesMax else {
                    throw TransportError(.cannotListen, words, error)
                }
            }
        }
    }

    private init(
        port: UInt16, group: MultiThreadedEventLoopGroup, mailbox: Mailbox,
        switchboard: NIOLoopBound<Switchboard>, tally: Tally
    ) {
        self.port = port
        self.group = group
        self.mailbox = mailbox
        self.switchboard = switchboard
        self.tally = tally
    }

    /// Opens a connection. `connected` or `closed` follows.
    package func dial(_ address: PeerAddress, _ id: ConnectionID, _ purpose: Purpose) {
        self.mailbox.post(.dial(address, id, purpose))
    }

    /// Ends a connection or a dial. Again, or after it ended by itself, it does nothing.
    package func close(_ id: ConnectionID, reason: String) {
        self.mailbox.post(.close(id, reason: reason))
    }

    /// Sends one message; nothing happens if the connection is gone.
    package func send(_ id: ConnectionID, _ traffic: TrafficClass, _ bytes: [UInt8]) {
        self.mailbox.post(.send(id, traffic, bytes))
    }

    /// Sends one datagram, which may be lost.
    package func datagram(_ bytes: [UInt8], to address: PeerAddress) {
        self.mailbox.post(.datagram(bytes, to: address))
    }

    /// What was done up to this moment.
    package var counters: TransportCounters { self.tally.now }

    /// Closes all connections, reports them, gives the ports back and ends the event loop. Again,
    /// it waits for the same.
    package func stop() async {
        let switchboard = self.switchboard
        self.mailbox.shut { switchboard.value.stop() }
        try? await self.group.shutdownGracefully()
    }
}
