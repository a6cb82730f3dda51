import Foundation
import Glibc
import Testing

extension EndToEndTests {
    /// Configurations that cannot be meant: an exit status, the key, and what was expected.
    @Suite struct ConfigurationTests {
        private let directory: String

        init() throws { self.directory = try Scratch.make() }

        /// Runs a daemon that must not start; gives its exit status and words.
        private func start(_ arguments: [String], data: String? = nil) async throws -> Program {
            try await Program.run(
                "starlingd",
                ["--dev", "--data", data ?? self.directory + "/data"] + arguments, limit: 30)
        }

        private func expectRefused(_ text: String, _ words: String...) async throws {
            try await self.expectRefused(bytes: Array(text.utf8), words)
        }

        private func expectRefused(bytes: [UInt8], _ words: [String]) async throws {
            let file = self.directory + "/starling.toml"
            try Data(bytes).write(to: URL(fileURLWithPath: file))
            let run = try await self.start(["--config", file])
            #expect(run.status == 78 && !run.wasKilled, "\(bytes.count) bytes: \(run.all)")
            for word in [file] + words { #expect(run.err.contains(word), "\(run.err)") }
            #expect(run.err.utf8.count < 2_000)
        }

        @Test func wrongFiles() async throws {
            defer { try? FileManager.default.removeItem(atPath: self.directory) }
            try await self.expectRefused("log = = \"info\"", "line 1")
            try await self.expectRefused("log = \"info\"\nlog = \"debug\"", "log")
            try await self.expectRefused("[worker", "line 1")
            try await self.expectRefused("colour = 1", "unknown key `colour`", "`heartbeat_ms`")
            try await self.expectRefused(
                "[worker]\nwalls = 1", "unknown key `worker.walls`", "`worker.wall_ms`")
            try await self.expectRefused(
                "[provider]\nprice = 1", "unknown key `provider.price`", "`provider.bond`")
            try await self.expectRefused("log = \"loud\"", "log: trace, debug, info")
            try await self.expectRefused("log = 3", "log: a string expected")
            try await self.expectRefused("data = 5", "data: a string expected")
            try await self.expectRefused("heartbeat_ms = \"1\"", "heartbeat_ms: a number from 0")
            try await self.expectRefused("heartbeat_ms = -1", "heartbeat_ms: a number from 0")
            try await self.expectRefused("heartbeat_ms = 1.5", "heartbeat_ms: a number from 0")
            try await self.expectRefused("heartbeat_ms = 99999999999999999999", "64 bits")
            try await self.expectRefused("worker = 5", "worker: a section [worker] expected")
            try await self.expectRefused("provider = []", "provider: a section [provider] expected")
            try await self.expectRefused("[worker]\nwall_ms = true", "wall_ms: a number from 0")
            try await self.expectRefused("[worker]\ndevice_nodes = \"x\"", "device_nodes: a list")
            try await self.expectRefused("[worker]\ndevice_nodes = [1]", "device_nodes: a list")
            try await self.expectRefused("[provider]\nenabled = \"no\"", "enabled: true or false")
            try await self.expectRefused("[provider]\ncapacity = 65", "capacity: 1...64 expected")
            try await self.expectRefused(bytes: [0xff, 0xfe, 0x00], [])
        }

        @Test func wrongArguments() async throws {
            defer { try? FileManager.default.removeItem(atPath: self.directory) }
            let cases: [([String], Int32, String)] = [
                (["--config", self.directory + "/none.toml"], 78, "none.toml"),
                (["--config", self.directory], 78, "cannot read"),
                (["--log", "loud"], 78, "--log: trace, debug, info, warning or error expected"),
                (["--colour"], 64, "--colour"), (["surplus"], 64, "surplus"),
            ]
            for (arguments, status, words) in cases {
                let run = try await self.start(arguments)
                #expect(run.status == status && !run.wasKilled, "\(arguments): \(run.all)")
                #expect(run.err.contains(words), "\(run.err)")
            }
            let bare = try await Program.run("starlingd", [])
            #expect(bare.status == 64 && bare.err.contains("--dev"))
        }

        @Test func wrongPlaces() async throws {
            defer { try? FileManager.default.removeItem(atPath: self.directory) }
            let plain = self.directory + "/plain"
            try Data("mine".utf8).write(to: URL(fileURLWithPath: plain))
            let long = self.directory + "/" + String(repeating: "x", count: 120)
            let cases: [(String?, [String], String)] = [
                ("/proc/nowhere", [], "/proc/nowhere"), (plain, [], plain),
                (nil, ["--socket", long], "107 bytes"),
                (nil, ["--socket", self.directory + "/none/rpc.sock"], "/none/rpc.sock"),
                (nil, ["--socket", plain], "no socket lies there"),
            ]
            for (data, arguments, words) in cases {
                let run = try await self.start(arguments, data: data)
                #expect(run.status == 1 && !run.wasKilled, "\(arguments): \(run.all)")
                #expect(run.err.contains(words), "\(run.err)")
            }
            #expect(FileManager.default.contents(atPath: plain) == Data("mine".utf8))
        }

        /// A second daemon on what the first one uses; the first does not notice.
        @Test func secondDaemon() async throws {
            defer { try? FileManager.default.removeItem(atPath: self.directory) }
            let daemon = try TestDaemon.current
            let data = daemon.directory + "/node"
            let sameData = try await self.start(
                ["--socket", self.directory + "/rpc.sock"], data: data)
            #expect(sameData.status == 1 && !sameData.wasKilled, "\(sameData.all)")
            #expect(sameData.err.contains("store.locked"), "\(sameData.err)")
            #expect(sameData.err.contains(data), "\(sameData.err)")
            let sameSocket = try await self.start(["--socket", daemon.socket])
            #expect(sameSocket.status == 1 && !sameSocket.wasKilled, "\(sameSocket.all)")
            #expect(sameSocket.err.contains("another daemon answers there"), "\(sameSocket.err)")
            _ = try await daemon.client().call("node.status")
        }
    }
}
