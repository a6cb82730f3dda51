import Foundation
import Kernels
import Primitives
import Synchronization
import Testing

@testable import Executor

/// Real kernels on this machine's first OpenCL device, through the sandbox.
@Suite(.serialized) struct ExecutorTests {
    @Test func runsAKernelAndHashesItsSlices() async throws {
        let shop = try Workshop()
        let executor = shop.executor
        let device = try await shop.device()
        let count: UInt32 = 1_000
        let request = shop.request(Workshop.triple, device: device, count: count, groups: 16)
        let result = try await executor.execute(request)
        let output = try [UInt8](Data(contentsOf: URL(fileURLWithPath: result.outputPath)))
        let expected = (0..<count).flatMap { index in
            let value = index &* 2_654_435_761 &* 3 &+ 1
            return (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        #expect(output == expected)
        // Two groups of 64 numbers make a leaf of 512 bytes.
        let slices = stride(from: 0, to: expected.count, by: 512).map {
            Leaf.sliceRoot(Array(expected[$0..<min($0 + 512, expected.count)]))
        }
        #expect(result.sliceRoots == slices)
        #expect(result.compileNs > 0)
        #expect(shop.files == ["output"])

        // The second run finds the program and needs no compiler.
        var again = request
        again.outputPath += "-again"
        let second = try await executor.execute(again)
        #expect(second.compileNs == 0)
        #expect(second.sliceRoots == slices)
        #expect(shop.processes.isEmpty)

        // A rotten program is not run: it is compiled again.
        let programs = shop.configuration.cacheDirectory
        let name = try #require(FileManager.default.contentsOfDirectory(atPath: programs).first)
        let path = URL(fileURLWithPath: programs + "/" + name)
        var bytes = try Data(contentsOf: path)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: path)
        again.outputPath += "-third"
        let third = try await executor.execute(again)
        #expect(third.compileNs > 0)
        #expect(third.sliceRoots == slices)
    }

    @Test func refusesWhatDoesNotFitBeforeStartingAnything() async throws {
        let shop = try Workshop(worker: "exit 1")
        let executor = shop.executor
        let base = shop.request(Workshop.triple, device: .blank, count: 128, groups: 2)
        func code(_ change: (inout ExecutionRequest) -> Void) async -> ExecutorError.Code? {
            var request = base
            change(&request)
            return await failure { () async throws(ExecutorError) in
                _ = try await executor.execute(request)
            }?.code
        }
        let launch = base.order.launches[0]
        #expect(await code { $0.package.source = "goto" } == .kernel)
        #expect(await code { $0.order.kernel = .zero } == .order)
        #expect(await code { $0.order.launches = [launch, launch] } == .launches)
        #expect(await code { $0.order.launches = [] } == .launches)
        #expect(await code { $0.order.launches[0].buffers.removeLast() } == .order)
        #expect(await code { $0.limits.outputBytes = 511 } == .outputLimit)
        #expect(await code { $0.limits.memoryBytes = 1_023 } == .memoryLimit)
        #expect(await code { $0.inputs = [] } == .input)
        #expect(await code { $0.inputs = [ExecutionInput(buffer: 0, .bytes([1]))] } == .input)
        #expect(await code { $0.inputs = [ExecutionInput(buffer: 0, .file("/nowhere"))] } == .input)
        #expect(
            await code { $0.inputs = [ExecutionInput(buffer: 0, .file("/dev/zero"))] } == .input)
        #expect(shop.files.isEmpty)
    }

    @Test func refusesAnUnknownDevice() async throws {
        let shop = try Workshop()
        let executor = shop.executor
        let key = DeviceKey(platform: "none", name: "none", driver: "0", ordinal: 0)
        let request = shop.request(Workshop.triple, device: key, count: 128, groups: 2)
        let error = await failure { () async throws(ExecutorError) in
            _ = try await executor.execute(request)
        }
        #expect(error?.code == .noDevice)
        #expect(shop.files.isEmpty)
        #expect(shop.processes.isEmpty)
    }

    @Test func stopsAtTheTimeLimitBetweenPieces() async throws {
        let shop = try Workshop()
        let executor = shop.executor
        let device = try await shop.device()
        let request = shop.request(
            Workshop.slow, device: device, count: 1 << 20, groups: 1 << 14, wallMs: 1_000)
        let error = await failure { () async throws(ExecutorError) in
            _ = try await executor.execute(request)
        }
        #expect(error?.code == .timeLimit)
        #expect(error?.text.contains("of 16384 work-groups") == true)
        #expect(shop.files.isEmpty)
        #expect(shop.processes.isEmpty)
    }

    @Test func cancelsARunningJob() async throws {
        let shop = try Workshop()
        let executor = shop.executor
        let device = try await shop.device()
        let request = shop.request(
            Workshop.slow, device: device, count: 1 << 20, groups: 1 << 14, wallMs: 120_000)
        let seen = Mutex<[UInt64]>([])
        let error = await failure { () async throws(ExecutorError) in
            _ = try await executor.execute(request) { progress in
                guard progress.phase == .running else { return }
                seen.withLock { $0.append(progress.groupsDone) }
                executor.cancel(request.job)
            }
        }
        #expect(error?.code == .cancelled)
        #expect(seen.withLock { !$0.isEmpty && $0[0] < 1 << 14 })
        #expect(shop.files.isEmpty)
        #expect(shop.processes.isEmpty)
    }

    @Test func runsWideLaunchesInPiecesThatNeedNoCompiler() async throws {
        // PoCL compiles another form of a kernel for wide grids; the run stage could not link it.
        let shop = try Workshop()
        let executor = shop.executor
        let device = try await shop.device()
        let count: UInt32 = 1 << 20
        let request = shop.request(Workshop.triple, device: device, count: count, groups: 1 << 14)
        let result = try await executor.execute(request)
        #expect(result.outputBytes == UInt64(count) * 4)
        #expect(result.sliceRoots.count == 1 << 13)
        #expect(result.enqueues > 1)
    }
}

/// The error of a body that should throw.
func failure(_ body: () async throws(ExecutorError) -> Void) async -> ExecutorError? {
    do throws(ExecutorError) {
        try await body()
        return nil
    } catch {
        return error
    }
}
