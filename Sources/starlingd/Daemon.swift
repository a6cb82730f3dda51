import Chain
import Consensus
import Control
import Economy
import Executor
import Foundation
import Gossip
import Kernels
import Ledger
import Logging
import Node
import Primitives
import Provider
import Store
import Synchronization
import Transport

/// One running node: opens the data directory, puts cores and drivers together, takes them apart.
final class Daemon: Sendable {
    /// Why a node does not start.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Open until the daemon has to end; the value says why, nil for a wish.
    let end = End()
    let socketPath: String
    private let server: ControlServer
    private let node: NodeLoop
    private let chain: ChainThread
    private let drivers: Drivers
    private let requests: Requests
    private let transport: Transport?

    init(_ settings: Settings, logger: Logger) async throws {
        try settings.check()
        Files.makeDirectory(settings.data)
        let keys = try KeyStore(
            directory: settings.data, passphrase: try settings.passphrase(),
            cost: settings.keyCost)
        let network =
            settings.isDev
            ? try Network.dev(
                directory: settings.data, keys: keys, provides: settings.provides)
            : try Network.joined(settings, keys: keys)
        var options = DataStore.Options()
        options.mayRebuildState = true
        let store = try DataStore(
            directory: settings.data, genesis: network.genesis.id, options: options)
        let inputs = Mailbox<Node.Input>(capacity: NodeLoop.backlogMax)
        let requests = Requests(inputs: inputs)
        let events = Events()
        let end = self.end
        let work = await Self.work(
            settings, network, store, keys, inputs, logger, onFailure: { end.close($0) })
        let transport = try await Self.transport(network, keys, inputs, logger)
        let drivers = Drivers(
            store: store, keys: keys, reveals: network.reveals, transport: transport,
            inputs: inputs, requests: requests, work: work, events: events, logger: logger,
            onFailure: { end.close($0) })
        let service = Service(
            requests: requests, keys: keys, store: store, uploads: Uploads(), work: work,
            events: events, transport: transport, network: network, started: Date(),
            stop: { end.close(nil) },
            walletsChanged: { inputs.post(.wallets(keys.all.map(\.key.publicKey))) })
        // The socket first: a second daemon on it is noticed before anything runs.
        let server = try await ControlServer.start(
            socketPath: settings.socket, methods: service.methods, logger: logger,
            version: Service.version, checksReplies: settings.isDev)
        events.connect(server)
        let start = try Startup(store, network, keys: keys)
        let records = JobRecordFiles(directory: settings.data + "/jobs").all()
        for path in records.damaged { logger.error("a job record cannot be read: \(path)") }
        let chain = ChainThread(start.chain) { effect in
            if !inputs.post(.chain(effect)) { end.close(Drivers.isBehind) }
        }
        drivers.connect(chain)
        for effect in start.effects { inputs.post(.chain(effect)) }
        let address = transport.flatMap {
            network.address(of: keys.node.publicKey, port: $0.port)
        }
        let core = Node(
            config: try Self.config(settings, network, start, keys, work, address),
            seed: SystemRandom.digest())
        self.node = NodeLoop(
            core, inputs: inputs, drivers: drivers, start: start.restored(records.records))
        self.chain = chain
        self.drivers = drivers
        self.requests = requests
        self.server = server
        self.transport = transport
        self.socketPath = settings.socket
    }

    /// Ends in the order that loses nothing: callers, peers, the node, the chain, the disk.
    func stop() async {
        self.requests.close()
        await self.server.stop()
        await self.transport?.stop()
        self.node.stop()
        self.chain.stop()
        self.drivers.stop()
    }

    /// The network's sockets; nil where nobody is to be met.
    private static func transport(
        _ network: Network, _ keys: KeyStore, _ inputs: Mailbox<Node.Input>, _ logger: Logger
    ) async throws -> Transport? {
        guard !network.isDev else { return nil }
        let configuration = Transport.Configuration(
            host: network.listen?.host ?? "0.0.0.0", port: network.listen?.port ?? 0,
            genesis: network.genesis.id, isListening: network.listen != nil)
        return try await Transport.start(
            configuration, key: keys.node, logger: logger
        ) { event in
            let input: Gossip.Input =
                switch event {
                case .connected(let id, let peer, let purpose, let isOutbound):
                    .connected(id, peer: peer, purpose: purpose, isOutbound: isOutbound)
                case .closed(let id, let reason): .closed(id, reason: reason)
                case .received(let id, let traffic, let bytes): .received(id, traffic, bytes)
                case .datagram(let bytes, let peer): .datagram(bytes, from: peer)
                }
            inputs.post(.gossip(input), whenBelow: NodeLoop.peerBacklogMax)
        }
    }

    private static func work(
        _ settings: Settings, _ network: Network, _ store: DataStore, _ keys: KeyStore,
        _ inputs: Mailbox<Node.Input>, _ logger: Logger,
        onFailure: @escaping @Sendable (String) -> Void
    ) async -> WorkDriver {
        var configuration = ExecutorConfiguration.standard(
            workerPath: settings.workerPath, stateDirectory: settings.data)
        configuration.deviceNodes = settings.deviceNodes
        if !settings.deviceNodes.isEmpty { configuration.runtimeBytes = 0 }
        let executor = Executor(configuration: configuration, logger: logger)
        var devices: [DeviceStatus] = []
        // Only whoever provides needs a device; auditors have the referee.
        if settings.provides {
            do throws(ExecutorError) {
                devices = try await executor.probe().devices
                for device in devices { logger.info("device: \(device.description.key)") }
            } catch {
                logger.warning("no device: \(error)")
            }
        }
        let audits = network.auditor.flatMap { wallet in
            network.audits.map { (account: wallet.account, chain: $0) }
        }
        return WorkDriver(
            executor: executor, devices: devices, blobs: store.blobs,
            records: JobRecordFiles(directory: settings.data + "/jobs"),
            scratch: settings.data + "/scratch",
            limits: WorkDriver.Limits(
                wallMs: settings.wallMs, memoryBytes: settings.memoryBytes,
                outputBytes: settings.outputBytes),
            keys: keys, audits: audits, inputs: inputs, logger: logger, onFailure: onFailure)
    }

    private static func config(
        _ settings: Settings, _ network: Network, _ start: Startup, _ keys: KeyStore,
        _ work: WorkDriver, _ address: PeerAddress?
    ) throws -> Node.Config {
        let device = work.deviceStatus.first { $0.quarantine == nil }
        let month: UInt64 = 30 * 86_400_000
        var offer: (account: AccountID, terms: OfferTerms)?
        if let provider = network.provider, let device {
            let terms = OfferTerms(
                pricePerGigaGas: Amount(settings.pricePerGigaGas), capacity: settings.capacity,
                classes: [ExactnessClass.exactInt.rawValue], maxJobGas: Limits.jobGas,
                bond: Amount(settings.bond),
                device: String(device.description.key.name.prefix(64)),
                standsUntil: LedgerTime(ms: Clock.wallMs + month), node: keys.node.publicKey)
            offer = (provider.account, terms)
        }
        return Node.Config(
            salt: network.genesis.salt, genesisBlock: start.genesisBlock,
            epochs: start.epochs, seat: start.seat, accounts: network.accounts, offer: offer,
            provider: Provider.Config(
                chain: network.genesis.salt, concurrentJobs: Int(settings.capacity),
                selfCheckLeaves: settings.selfCheckLeaves),
            gossip: Gossip.Config(
                me: keys.node.publicKey, salt: network.genesis.salt, genesis: network.genesis.id,
                peers: network.peers, address: address),
            heartbeatMs: settings.heartbeatMs)
    }
}

/// Something that is waited for once and happens once.
final class End: Sendable {
    private struct State {
        var reason: String??
        var waiting: [CheckedContinuation<String?, Never>] = []
    }

    private let state = Mutex(State())

    /// It happened; only the first reason counts.
    func close(_ reason: String?) {
        let waiting = self.state.withLock { state in
            guard state.reason == nil else { return [CheckedContinuation<String?, Never>]() }
            state.reason = .some(reason)
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: reason) }
    }

    /// Waits for it.
    func wait() async -> String? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let done = self.state.withLock { state -> String?? in
                    if state.reason == nil { state.waiting.append(continuation) }
                    return state.reason
                }
                if let done { continuation.resume(returning: done) }
            }
        } onCancel: {
            self.close(nil)
        }
    }
}
