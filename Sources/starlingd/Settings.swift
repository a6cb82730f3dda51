import Foundation
import Gossip
import Logging
import Primitives
import TOMLKit

/// What a person configures: arguments over file over defaults.
///
/// - Throws: ``Failure`` naming the key, its place and what was expected.
struct Settings: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// What holds where nothing is said.
    enum Defaults {
        static let heartbeatMs: UInt64 = 10_000
        static let pricePerGigaGas: UInt64 = 1_000_000
        static let bond: UInt64 = 100 * Amount.motesPerStar
        static let capacity: UInt16 = 2
        static let selfCheckLeaves: UInt64 = 2
        static let wallMs: UInt64 = 600_000
        static let memoryBytes: UInt64 = 4 << 30
        static let outputBytes: UInt64 = 1 << 30
    }

    var isDev: Bool
    var data: String
    var socket: String
    var logLevel: Logger.Level = .info
    /// The program that runs kernels; beside the daemon if not set.
    var workerPath: String
    /// Whether this node offers its devices.
    var provides = true
    /// The wallet that provides: its name or account.
    var providerAccount = "provider"
    /// Motes for 10^9 gas.
    var pricePerGigaGas = Defaults.pricePerGigaGas
    /// Motes held by the standing offer.
    var bond = Defaults.bond
    /// Concurrent jobs.
    var capacity = Defaults.capacity
    /// Random leaves re-run before a commitment.
    var selfCheckLeaves = Defaults.selfCheckLeaves
    /// Limits of one job.
    var wallMs = Defaults.wallMs
    var memoryBytes = Defaults.memoryBytes
    var outputBytes = Defaults.outputBytes
    /// GPU files that workers see; empty for CPUs.
    var deviceNodes: [String] = []
    /// An idle chain makes a block so often.
    var heartbeatMs = Defaults.heartbeatMs
    /// The genesis file; nil with --dev.
    var genesis: String?
    /// Where peers are accepted; nil to dial only.
    var listen: HostPort?
    /// What others dial, where that is not `listen`.
    var advertise: HostPort?
    /// Whom to dial beside the peers of the genesis file.
    var peers: [PeerAddress] = []
    /// The account that this validator's earnings should go to; nil where the file does not say.
    var payout: String?
    /// Whether the node votes where it has a seat.
    var validates = true
    /// Blocks that the seat's reveal chain serves.
    var reveals = Network.revealsDefault
    /// Where the passphrase of the key files is.
    var passphraseFile: String?
    /// Key files have no passphrase and cost nothing to open.
    var hasTestnetKeys = false

    init(file: String?, dev: Bool, data: String?, socket: String?, log: String?) throws {
        self.isDev = dev
        let program = ProcessInfo.processInfo.arguments[0]
        let resolved =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let folder = ((resolved ?? program) as NSString).deletingLastPathComponent
        self.workerPath = folder + "/starling-worker"
        self.data = ""
        self.socket = ""
        if let file { try self.read(file) }
        if let data { self.data = data }
        if self.data.isEmpty {
            guard dev else { throw Failure(description: "set `data` to the data directory") }
            self.data = NSTemporaryDirectory() + "starling-dev-\(getpid())"
        }
        if let socket { self.socket = socket }
        if self.socket.isEmpty { self.socket = self.data + "/rpc.sock" }
        if let log {
            guard let level = Logger.Level(rawValue: log) else {
                throw Failure(description: "--log: trace, debug, info, warning or error expected")
            }
            self.logLevel = level
        }
        guard dev == (self.genesis == nil) else {
            throw Failure(
                description: dev
                    ? "--dev makes a network of its own: leave `genesis` out of the configuration"
                    : "`genesis` is missing: the path of the network's genesis file. "
                        + "starlingd init writes a configuration; --dev tries Starling without one"
            )
        }
        if dev { self.hasTestnetKeys = true }
    }

    /// What keeps a node of a network from starting, before anything is opened or made.
    func check() throws {
        guard let genesis, !self.isDev else { return }
        guard FileManager.default.fileExists(atPath: genesis) else {
            throw Failure(
                description: "there is no genesis file \(genesis): get it from whoever made the "
                    + "network, then starlingd init --data \(self.data) --genesis FILE")
        }
        guard FileManager.default.fileExists(atPath: self.data + "/node.key") else {
            throw Failure(
                description: "there is no node key in \(self.data): "
                    + "starlingd init --data \(self.data) makes it")
        }
    }

    // MARK: Keys

    /// What key files cost to open that are made from here on.
    var keyCost: KeyFile.Cost { self.hasTestnetKeys ? .testnet : .moderate }

    /// What opens the key files.
    func passphrase() throws -> [UInt8] {
        try Self.passphrase(file: self.passphraseFile, isTestnet: self.hasTestnetKeys)
    }

    /// The first line of a file that others cannot read, or nothing for a test network.
    static func passphrase(file: String?, isTestnet: Bool) throws -> [UInt8] {
        let credentials = ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"]
            .map { $0 + "/passphrase" }
            .flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil }
        guard let path = file ?? credentials else {
            if isTestnet { return [] }
            throw Failure(
                description: "the key files need a passphrase: give wallet.passphrase_file "
                    + "(--passphrase-file), or testnet keys for a test network")
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw Failure(
                description: "cannot read the passphrase: \(path): "
                    + String(cString: strerror(errno)))
        }
        guard status.st_mode & 0o077 == 0 else {
            throw Failure(description: "others may read the passphrase: chmod 600 \(path)")
        }
        let line = try Files.read(path, max: 4096).prefix { $0 != 0x0A && $0 != 0x0D }
        guard !line.isEmpty else { throw Failure(description: "\(path) has no passphrase") }
        return Array(line)
    }

    // MARK: The file

    private mutating func read(_ path: String) throws {
        let text: String
        do { text = try String(contentsOfFile: path, encoding: .utf8) } catch {
            throw Failure(description: "cannot read \(path): \(error.localizedDescription)")
        }
        let file = try SettingsFile(text: text, path: path)
        try file.check(
            "",
            [
                "data", "socket", "log", "heartbeat_ms", "genesis", "listen", "advertise", "peers",
                "payout", "validator", "wallet", "worker", "provider",
            ])
        self.data = try file.path("data") ?? self.data
        self.socket = try file.path("socket") ?? self.socket
        self.heartbeatMs = try file.number("heartbeat_ms") ?? self.heartbeatMs
        if let level = try file.text("log") {
            guard let parsed = Logger.Level(rawValue: level) else {
                throw file.failure("log", "trace, debug, info, warning or error")
            }
            self.logLevel = parsed
        }
        try self.readNetwork(file)
        try self.readWorker(try file.section("worker"))
        try self.readProvider(try file.section("provider"))
    }

    private mutating func readNetwork(_ file: SettingsFile) throws {
        self.genesis = try file.path("genesis")
        self.listen = try file.place("listen")
        self.advertise = try file.place("advertise")
        if let advertise, advertise.port == 0 || advertise.isWildcard {
            throw file.failure("advertise", "a place that others can dial")
        }
        self.payout = try file.text("payout")
        self.peers = try (try file.texts("peers") ?? []).enumerated().map { index, text in
            do throws(Network.Failure) { return try PeerText.parse(text) } catch {
                throw Failure(description: "\(file.path): peers[\(index)]: \(error)")
            }
        }
        if let validator = try file.section("validator") {
            try validator.check("validator.", ["enabled", "reveals"])
            self.validates = try validator.flag("enabled") ?? self.validates
            if let count = try validator.number("reveals") {
                guard (1...UInt64(Network.revealsMax)).contains(count) else {
                    throw validator.failure("reveals", "1...\(Network.revealsMax)")
                }
                self.reveals = Int(count)
            }
        }
        if let wallet = try file.section("wallet") {
            try wallet.check("wallet.", ["passphrase_file", "testnet_keys"])
            self.passphraseFile = try wallet.path("passphrase_file")
            self.hasTestnetKeys = try wallet.flag("testnet_keys") ?? false
        }
    }

    private mutating func readWorker(_ worker: SettingsFile?) throws {
        guard let worker else { return }
        try worker.check(
            "worker.", ["path", "wall_ms", "memory_bytes", "output_bytes", "device_nodes"])
        self.workerPath = try worker.path("path") ?? self.workerPath
        self.wallMs = try worker.number("wall_ms") ?? self.wallMs
        self.memoryBytes = try worker.number("memory_bytes") ?? self.memoryBytes
        self.outputBytes = try worker.number("output_bytes") ?? self.outputBytes
        self.deviceNodes = try worker.texts("device_nodes") ?? self.deviceNodes
    }

    private mutating func readProvider(_ provider: SettingsFile?) throws {
        guard let provider else { return }
        try provider.check(
            "provider.",
            [
                "enabled", "account", "price_per_giga_gas", "bond", "capacity", "self_check_leaves",
            ])
        self.provides = try provider.flag("enabled") ?? self.provides
        self.providerAccount = try provider.text("account") ?? self.providerAccount
        self.pricePerGigaGas = try provider.number("price_per_giga_gas") ?? self.pricePerGigaGas
        self.bond = try provider.number("bond") ?? self.bond
        self.selfCheckLeaves = try provider.number("self_check_leaves") ?? self.selfCheckLeaves
        if let capacity = try provider.number("capacity") {
            guard (1...64).contains(capacity) else { throw provider.failure("capacity", "1...64") }
            self.capacity = UInt16(capacity)
        }
    }
}
