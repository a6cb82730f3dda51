import Chain
import Consensus
import Control
import Economy
import Executor
import Foundation
import Kernels
import Ledger
import Logging
import Node
import Primitives
import Provider
import Store
import Synchronization

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

    init(_ settings: Settings, logger: Logger) async throws {
        Files.makeDirectory(settings.data)
        let keys = try KeyStore(
            directory: settings.data, passphrase: [], cost: settings.isDev ? .testnet : .moderate)
        let network = try DevNetwork(directory: settings.data, keys: keys)
        var options = DataStore.Options()
        options.mayRebuildState = true
        let store = try DataStore(
            directory: settings.data, genesis: network.genesis.id, options: options)
        let inputs = Mailbox<Node.Input>(capacity: NodeLoop.backlogMax)
        let requests = Requests(inputs: inputs)
        let events = Events()
        let work = await Self.work(settings, store, keys, inputs, logger)
        let end = self.end
        let drivers = Drivers(
            store: store, keys: keys, reveals: network.reveals, inputs: inputs,
            requests: requests, work: work, events: events, logger: logger,
            onFailure: { end.close($0) })
        let service = Service(
            requests: requests, keys: keys, store: store, uploads: Uploads(), work: work,
            events: events, genesis: network.genesis, isDev: settings.isDev,
            providerAccount: settings.provides ? network.provider.account : nil,
            started: Date(), stop: { end.close(nil) },
            walletsChanged: { inputs.post(.wallets(keys.all.map(\.key.publicKey))) })
        // The socket first: a second daemon on it is noticed before anything runs.
        let server = try await ControlServer.start(
            socketPath: settings.socket, methods: service.methods, logger: logger,
            version: Service.version, checksReplies: settings.isDev)
        events.connect(server)
        let start = try Startup(store, network)
        let records = JobRecordFiles(directory: settings.data + "/jobs").all()
        for path in records.damaged { logger.error("a job record cannot be read: \(path)") }
        let chain = ChainThread(start.chain) { inputs.post(.chain($0)) }
        drivers.connect(chain)
        _ = chain.post(.wallets(keys.all.map(\.key.publicKey)))
        for input in start.replay { _ = chain.post(input) }
        let core = Node(
            config: try Self.config(settings, network, start, store, work),
            seed: SystemRandom.digest())
        self.node = NodeLoop(
            core, inputs: inputs, drivers: drivers, start: start.restored(records.records))
        self.chain = chain
        self.drivers = drivers
        self.requests = requests
        self.server = server
        self.socketPath = settings.socket
    }

    /// Ends in the order that loses nothing: callers, the node, the chain, the disk.
    func stop() async {
        self.requests.close()
        await self.server.stop()
        self.node.stop()
        self.chain.stop()
        self.drivers.stop()
    }

    private static func work(
        _ settings: Settings, _ store: DataStore, _ keys: KeyStore, _ inputs: Mailbox<Node.Input>,
        _ logger: Logger
    ) async -> WorkDriver {
        var configuration = ExecutorConfiguration.standard(
            workerPath: settings.workerPath, stateDirectory: settings.data)
        configuration.deviceNodes = settings.deviceNodes
        if !settings.deviceNodes.isEmpty { configuration.runtimeBytes = 0 }
        let executor = Executor(configuration: configuration, logger: logger)
        var devices: [DeviceStatus] = []
        do throws(ExecutorError) {
            devices = try await executor.probe().devices
            for device in devices { logger.info("device: \(device.description.key)") }
        } catch {
            logger.warning("no device: \(error)")
        }
        return WorkDriver(
            executor: executor, devices: devices, blobs: store.blobs,
            records: JobRecordFiles(directory: settings.data + "/jobs"),
            scratch: settings.data + "/scratch",
            limits: WorkDriver.Limits(
                wallMs: settings.wallMs, memoryBytes: settings.memoryBytes,
                outputBytes: settings.outputBytes),
            keys: keys, inputs: inputs, logger: logger)
    }

    private static func config(
        _ settings: Settings, _ network: DevNetwork, _ start: Startup, _ store: DataStore,
        _ work: WorkDriver
    ) throws -> Node.Config {
        let device = work.deviceStatus.first { $0.quarantine == nil }
        let month: UInt64 = 30 * 86_400_000
        var offer: (account: AccountID, terms: OfferTerms)?
        if settings.provides, let device {
            let terms = OfferTerms(
                pricePerGigaGas: Amount(settings.pricePerGigaGas), capacity: settings.capacity,
                classes: [ExactnessClass.exactInt.rawValue], maxJobGas: Limits.jobGas,
                bond: Amount(settings.bond),
                device: String(device.description.key.name.prefix(64)),
                standsUntil: LedgerTime(ms: Clock.wallMs + month))
            offer = (network.provider.account, terms)
        }
        return Node.Config(
            salt: network.genesis.salt, genesisBlock: start.genesisBlock,
            epochs: start.epochs, seat: start.seat,
            accounts: [network.provider.account, network.auditor.account], offer: offer,
            provider: Provider.Config(
                chain: network.genesis.salt, concurrentJobs: Int(settings.capacity),
                selfCheckLeaves: settings.selfCheckLeaves),
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
