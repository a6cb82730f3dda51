import Foundation
import Kernels
import Primitives
import Testing

@testable import Executor

/// What a worker may not do, tried by the worker itself.
@Suite(.serialized) struct SandboxTests {
    @Test(arguments: [WorkerStage.compile, .run])
    func deniesWhatAWorkerDoesNotNeed(stage: WorkerStage) async throws {
        let shop = try Workshop()
        let (report, attempts) = try await shop.executor.testSandbox(stage: stage)
        #expect(attempts.count >= 19)
        for attempt in attempts { #expect(attempt.wasDenied, "\(attempt.name): \(attempt.detail)") }
        let wanted: [Mechanism] = [
            .namespaces, .noNewPrivileges, .landlock, .seccomp, .memoryLimit, .processorLimit,
            .fileLimits,
        ]
        #expect(report.missing(from: wanted).isEmpty)
        #expect(shop.processes.isEmpty)
    }

    @Test func withoutBubblewrapTheWorkerStillConfinesItself() async throws {
        let shop = try Workshop()
        shop.configuration.bubblewrapPath = "/nowhere/bwrap"
        let strict = shop.executor
        let error = await failure { () async throws(ExecutorError) in _ = try await strict.probe() }
        #expect(error?.code == .sandbox)
        #expect(error?.text.contains("install bubblewrap") == true)

        shop.configuration.require = [.seccomp, .landlock]
        let (report, attempts) = try await shop.executor.testSandbox(stage: .run)
        for attempt in attempts { #expect(attempt.wasDenied, "\(attempt.name): \(attempt.detail)") }
        #expect(report.missing(from: [.namespaces]).map(\.mechanism) == [.namespaces])
        let device = try await shop.device()
        let request = shop.request(Workshop.triple, device: device, count: 128, groups: 2)
        let executor = shop.executor
        _ = try await executor.execute(request)
        #expect(shop.files == ["output", "state/workers"])
        #expect(shop.processes.isEmpty)
    }

    @Test func aMissingMechanismIsNeverSilent() async throws {
        let shop = try Workshop()
        let device = try await shop.device()
        // With no limit on address space asked for, the mechanism is off and execution refused.
        shop.configuration.runtimeBytes = 0
        shop.configuration.require.append(.memoryLimit)
        let executor = shop.executor
        let request = shop.request(Workshop.triple, device: device, count: 128, groups: 2)
        let error = await failure { () async throws(ExecutorError) in
            _ = try await executor.execute(request)
        }
        #expect(error?.code == .sandbox)
        #expect(error?.text.contains("memoryLimit") == true)
    }

    @Test func tooLittleMemoryIsAnOrdinaryError() async throws {
        let shop = try Workshop()
        let device = try await shop.device()
        shop.configuration.runtimeBytes = 96 << 20
        let executor = shop.executor
        let request = shop.request(Workshop.triple, device: device, count: 128, groups: 2)
        let error = await failure { () async throws(ExecutorError) in
            _ = try await executor.execute(request)
        }
        #expect(error != nil)
        #expect(shop.processes.isEmpty)
    }

    @Test func aMissingWorkerSaysWhatToDo() async throws {
        let shop = try Workshop()
        shop.configuration.workerPath = "/nowhere/starling-worker"
        let executor = shop.executor
        let error = await failure { () async throws(ExecutorError) in _ = try await executor.probe()
        }
        #expect(error?.code == .noWorker)
        #expect(error?.text.contains("install starling-worker") == true)
    }

    @Test func probeDescribesTheDevice() async throws {
        let shop = try Workshop()
        let result = try await shop.executor.probe()
        let device = try #require(result.devices.first)
        #expect(device.quarantine == nil)
        #expect(device.description.computeUnits > 0)
        #expect(device.description.groupItemsMax >= 256)
        #expect(device.description.localBytes >= 32_768)
        #expect(device.description.isLittleEndian)
        #expect(!device.description.key.driver.isEmpty)
    }
}
