import Control
import Foundation
import Primitives
import Testing

extension EndToEndTests {
    /// `starling job run` with kernels that mean ill: refused, or run to their defined result.
    @Suite struct JobTests {
        private let directory: String
        private static let count = 256

        init() throws { self.directory = try Scratch.make() }

        /// The input: words that no pattern explains.
        private static let input = (0..<UInt32(Self.count)).map {
            $0 &* 2_654_435_761 ^ 0x5bd1_e995
        }

        private func run(_ source: String, _ more: [String] = []) async throws -> Program {
            let file = self.directory + "/k.cl"
            let data = self.directory + "/a"
            try Data(source.utf8).write(to: URL(fileURLWithPath: file))
            let bytes = Self.input.flatMap { word in
                (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
            }
            try Data(bytes).write(to: URL(fileURLWithPath: data))
            let run = try await Program.run(
                "starling",
                [
                    "job", "run", file, "--from", "alice", "--in", "a=" + data, "--out",
                    "o=" + self.directory + "/o", "--set", "n=\(Self.count)", "--max-price",
                    "5 STAR", "--check", "all", "--no-settle", "--groups", "\(Self.count / 64)",
                ] + more, socket: try TestDaemon.current.socket, limit: 120)
            #expect(!run.wasKilled, "\(run.all)")
            return run
        }

        private func output() throws -> [UInt32] {
            let bytes = try #require(FileManager.default.contents(atPath: self.directory + "/o"))
            return stride(from: 0, to: bytes.count - 3, by: 4).map { start in
                (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
            }
        }

        @Test func refused() async throws {
            defer { try? FileManager.default.removeItem(atPath: self.directory) }
            let daemon = try TestDaemon.current
            let store = " if (i < n) o[i] = 1u;"
            let loops = (0..<12).map { "for (uint j\($0) = 0; j\($0) < 1000u; j\($0)++) " }.joined()
            let cases: [(String, String)] = [
                (kernelSource(store, before: "#include \"/etc/passwd\"\n"), "kernel.include"),
                (
                    kernelSource(
                        "P(as,m)(\"int3\");" + store, before: "#define P(a, b) a##b\n"),
                    "kernel.unsupported.asm"
                ),
                (kernelSource("goto e; e:" + store), "kernel.unsupported.goto"),
                (kernelSource("printf(\"x\");" + store), "kernel.unsupported"),
                (kernelSource("uint q[1000000000];" + store), "kernel.array.extent"),
                (kernelSource("if (i == 0u) barrier(CLK_LOCAL_MEM_FENCE);" + store), "divergent"),
                (kernelSource("o[a[i]] = 1u;"), "manifest.infer.layout"),
                (kernelSource(loops + store), "work.gas.limit"), ("", "manifest.infer.entry"),
                ("\u{0}\u{7f}", "kernel.syntax.character"),
            ]
            for (source, code) in cases {
                let run = try await self.run(source)
                #expect(run.status == 1, "\(code): \(run.all)")
                #expect(run.err.contains(code) && run.err.contains("fix: "), "\(run.err)")
                _ = try await daemon.client().call("node.status")
            }
        }

        /// What is skipped at run time, and loops that only `fuel` ends: the language defines them,
        /// and the device does what the referee says, which `--check all` runs here again.
        @Test func definedWithoutSense() async throws {
            defer { try? FileManager.default.removeItem(atPath: self.directory) }
            let provider = try await TestDaemon.current.client().call("provider.status")
            guard provider["devices"]?.arrayValue?.isEmpty == false else {
                print("JobTests: no OpenCL device here, nothing is run")
                return
            }
            let fuel: UInt32 = 1_024
            let cases: [(String, (Int) -> UInt32)] = [
                // Stores outside the buffer, and into cells of another group, are skipped.
                ("o[i + 1000000u] = 1u;", { _ in 0 }), ("o[i + 64u] = 1u;", { _ in 0 }),
                ("o[i - 5u] = 1u;", { $0 % 64 < 59 ? 1 : 0 }),
                // A load outside gives zero.
                ("if (i < n) o[i] = a[i + 1000000u] + 7u;", { _ in 7 }),
                ("uint v = 0u; while (1) { v++; } if (i < n) o[i] = v;", { _ in fuel }),
                ("uint v = 1u; for (;;) { v = v | 1u; } if (i < n) o[i] = v;", { _ in 1 }),
                (
                    "uint v = i; do { v += 2u; } while (v != 1u); if (i < n) o[i] = v;",
                    { UInt32($0) + 2 * fuel }
                ),
                ("if (i < n) o[i] = a[i] / 0u + a[i] % 0u;", { _ in 0 }),
                (
                    "int z = -2147483647 - (int)(i / i); if (i < n) o[i] = (uint)(z / -1);",
                    { $0 == 0 ? 0x7fff_ffff : 0x8000_0000 }
                ),
                ("if (i < n) o[i] = a[i] << 33;", { Self.input[$0] << 1 }),
            ]
            for (body, expected) in cases {
                let run = try await self.run(kernelSource(body))
                #expect(run.status == 0, "\(body): \(run.all)")
                guard run.status == 0 else { continue }
                #expect(try self.output() == (0..<Self.count).map(expected), "\(body)")
            }
        }
    }
}
