import Foundation
import Glibc
import Kernels
import Logging
import Primitives
import Testing

@testable import Executor

/// A temporary directory with an executor in it, and kernels to run.
final class Workshop {
    let directory: String
    var configuration: ExecutorConfiguration

    /// `worker` replaces the real worker by a shell script.
    init(worker script: String? = nil) throws {
        var path = Array("/tmp/starling-executor-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&path).map { String(cString: $0) })
        self.directory = made
        // A copy in this directory: its path marks every process of this workshop.
        let worker = made + "/worker"
        if let script {
            try Data(("#!/bin/sh\n" + script).utf8).write(to: URL(fileURLWithPath: worker))
        } else {
            let built = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let beside = URL(fileURLWithPath: built).deletingLastPathComponent()
            try FileManager.default.copyItem(
                atPath: beside.appending(path: "starling-worker").path, toPath: worker)
        }
        chmod(worker, 0o755)
        self.configuration = .standard(workerPath: worker, stateDirectory: made + "/state")
        self.configuration.probeLimits.wallMs = script == nil ? 20_000 : 2_000
        // Tests look at what is left after each call; those of warm workers ask for them.
        self.configuration.warmWorkersMax = 0
    }

    deinit { try? FileManager.default.removeItem(atPath: self.directory) }

    var executor: Executor {
        Executor(configuration: self.configuration, logger: Logger(label: "test"))
    }

    /// Processes that belong to this workshop: they name its directory on the command line, or see
    /// a file of it in their mounts, as everything in the sandbox does.
    var processes: [String] {
        let name = URL(fileURLWithPath: self.directory).lastPathComponent
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.filter { entry in
            guard Int32(entry) != nil, Int32(entry) != getpid() else { return false }
            return ["cmdline", "mountinfo"].contains { file in
                let bytes = FileManager.default.contents(atPath: "/proc/\(entry)/\(file)") ?? Data()
                return String(decoding: bytes, as: UTF8.self).contains(name)
            }
        }
    }

    /// Files below the directory, without the worker and compiled programs.
    var files: [String] {
        let all = FileManager.default.enumerator(atPath: self.directory)?.allObjects ?? []
        return all.compactMap { $0 as? String }
            .filter { !$0.hasPrefix("state/programs") && !["worker", "state"].contains($0) }
            .sorted()
    }

    /// The first device of this machine, or none for scripts.
    func device() async throws -> DeviceKey {
        let result = try await self.executor.probe()
        return try #require(result.devices.first).description.key
    }

    /// A request over `count` numbers.
    func request(
        _ package: KernelPackage, device: DeviceKey, count: UInt32, groups: UInt32,
        wallMs: UInt64 = 60_000
    ) -> ExecutionRequest {
        let input = (0..<count).map { $0 &* 2_654_435_761 }
        let bytes = input.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let blob = BlobID(Blake2b.hash(.blob, .none, bytes))
        let launch = Launch(
            groups: Extent(x: groups, y: 1, z: 1), scalars: [.uint(count)],
            buffers: [
                Binding(.blob(blob), elements: UInt64(count)),
                Binding(.zero, elements: UInt64(count)),
            ])
        return ExecutionRequest(
            job: JobID(Blake2b.hash(.job, .none, bytes)), package: package,
            order: WorkOrder(kernel: package.id, launches: [launch]),
            inputs: [ExecutionInput(buffer: 0, .bytes(bytes))], device: device,
            outputPath: self.directory + "/output",
            limits: ExecutionLimits(
                compileMs: 60_000, wallMs: wallMs, memoryBytes: 1 << 28, outputBytes: 1 << 26))
    }

    /// One lane per number: `output[i] = input[i] * 3 + 1`.
    static let triple = Workshop.package(
        "triple", "if (i < n) output[i] = input[i] * 3u + 1u;")

    /// As `triple`, and slow: some 10 microseconds a number.
    static let slow = Workshop.package(
        "slow",
        """
        uint v = input[0] + i;
            for (uint k = 0; k < 20000u; k++) v = v * 1664525u + 1013904223u + (v >> 7);
            if (i < n) output[i] = v;
        """)

    private static let n = ScalarExpression(.scalar("n")) ?? .constant(0)

    private static func package(_ entry: String, _ body: String) -> KernelPackage {
        let source = """
            __kernel void \(entry)(__global const uint *input, __global uint *output, uint n) {
                uint i = get_global_id(0);
                \(body)
            }
            """
        var manifest = Manifest()
        manifest.title = entry
        manifest.entry = entry
        manifest.localSize = Extent(x: 64, y: 1, z: 1)
        manifest.groupsPerLeaf = 2
        manifest.buffers = [
            BufferLayout(name: "input", role: .in, element: .uint),
            BufferLayout(
                name: "output", role: .out, element: .uint,
                axes: [
                    LayoutAxis(
                        source: AxisSource(axis: 0), block: .constant(64), limit: Workshop.n,
                        stride: .constant(1))
                ]),
        ]
        return KernelPackage(source: source, manifest: manifest)
    }
}
