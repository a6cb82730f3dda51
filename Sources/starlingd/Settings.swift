import Foundation
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

    var isDev: Bool
    var data: String
    var socket: String
    var logLevel: Logger.Level = .info
    /// The program that runs kernels; beside the daemon if not set.
    var workerPath: String
    /// Whether this node offers its devices.
    var provides = true
    /// Motes for 10^9 gas.
    var pricePerGigaGas: UInt64 = 1_000_000
    /// Motes held by the standing offer.
    var bond: UInt64 = 100 * Amount.motesPerStar
    /// Concurrent jobs.
    var capacity: UInt16 = 2
    /// Random leaves re-run before a commitment.
    var selfCheckLeaves: UInt64 = 2
    /// Limits of one job.
    var wallMs: UInt64 = 600_000
    var memoryBytes: UInt64 = 4 << 30
    var outputBytes: UInt64 = 1 << 30
    /// GPU files that workers see; empty for CPUs.
    var deviceNodes: [String] = []
    /// An idle chain makes a block so often.
    var heartbeatMs: UInt64 = 10_000

    private static let keys = [
        "data", "socket", "log", "heartbeat_ms", "worker", "provider",
    ]
    private static let workerKeys = [
        "path", "wall_ms", "memory_bytes", "output_bytes", "device_nodes",
    ]
    private static let providerKeys = [
        "enabled", "price_per_giga_gas", "bond", "capacity", "self_check_leaves",
    ]

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
        guard dev else {
            throw Failure(
                description: "this release runs one validator only: add --dev. Joining a network "
                    + "(starlingd genesis, starlingd init) comes with the next one")
        }
    }

    private mutating func read(_ path: String) throws {
        let text: String
        do { text = try String(contentsOfFile: path, encoding: .utf8) } catch {
            throw Failure(description: "cannot read \(path): \(error.localizedDescription)")
        }
        let table: TOMLTable
        do { table = try TOMLTable(string: text) } catch {
            throw Failure(description: "\(path): \(error)")
        }
        try Self.checkKeys(table, Self.keys, path, "")
        self.data = try Self.string(table, "data", path) ?? self.data
        self.socket = try Self.string(table, "socket", path) ?? self.socket
        self.heartbeatMs = try Self.number(table, "heartbeat_ms", path) ?? self.heartbeatMs
        if let level = try Self.string(table, "log", path) {
            guard let parsed = Logger.Level(rawValue: level) else {
                throw Failure(
                    description: "\(path): log: trace, debug, info, warning or error expected")
            }
            self.logLevel = parsed
        }
        if let worker = table["worker"]?.table {
            try Self.checkKeys(worker, Self.workerKeys, path, "worker.")
            self.workerPath = try Self.string(worker, "path", path) ?? self.workerPath
            self.wallMs = try Self.number(worker, "wall_ms", path) ?? self.wallMs
            self.memoryBytes = try Self.number(worker, "memory_bytes", path) ?? self.memoryBytes
            self.outputBytes = try Self.number(worker, "output_bytes", path) ?? self.outputBytes
            if let nodes = worker["device_nodes"]?.array {
                self.deviceNodes = nodes.compactMap(\.string)
            }
        }
        if let provider = table["provider"]?.table {
            try Self.checkKeys(provider, Self.providerKeys, path, "provider.")
            self.provides = provider["enabled"]?.bool ?? self.provides
            self.pricePerGigaGas =
                try Self.number(provider, "price_per_giga_gas", path) ?? self.pricePerGigaGas
            self.bond = try Self.number(provider, "bond", path) ?? self.bond
            self.selfCheckLeaves =
                try Self.number(provider, "self_check_leaves", path) ?? self.selfCheckLeaves
            if let capacity = try Self.number(provider, "capacity", path) {
                guard (1...64).contains(capacity) else {
                    throw Failure(description: "\(path): provider.capacity: 1...64 expected")
                }
                self.capacity = UInt16(capacity)
            }
        }
    }

    private static func checkKeys(
        _ table: TOMLTable, _ known: [String], _ path: String, _ prefix: String
    ) throws {
        for key in table.keys where !known.contains(key) {
            throw Failure(
                description: "\(path): unknown key `\(prefix)\(key)`; known are "
                    + known.map { "`\(prefix)\($0)`" }.joined(separator: ", "))
        }
    }

    private static func string(
        _ table: TOMLTable, _ key: String, _ path: String
    ) throws -> String? {
        guard let value = table[key] else { return nil }
        guard let text = value.string else {
            throw Failure(description: "\(path): \(key): a string expected")
        }
        return text
    }

    private static func number(
        _ table: TOMLTable, _ key: String, _ path: String
    ) throws -> UInt64? {
        guard let value = table[key] else { return nil }
        guard let number = value.int, number >= 0 else {
            throw Failure(description: "\(path): \(key): a number from 0 expected")
        }
        return UInt64(number)
    }
}
