import Foundation
import Glibc
import Kernels
import Primitives
import Testing

@testable import Executor

/// Workers that stay for the next job of their kernel.
@Suite(.serialized) struct WarmWorkerTests {
    private func shop(
        _ most: Int = 2, idleMs: UInt64 = 60_000, worker script: String? = nil
    ) throws -> Workshop {
        let shop = try Workshop(worker: script)
        shop.configuration.warmWorkersMax = most
        shop.configuration.warmIdleMs = idleMs
        return shop
    }

    /// What `triple` gives for the `count` numbers of a workshop's request.
    private func tripled(_ count: UInt32) -> [UInt8] {
        (0..<count).flatMap { index in
            let value = index &* 2_654_435_761 &* 3 &+ 1
            return (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
    }

    private func output(
        _ executor: Executor, _ request: ExecutionRequest
    ) async throws -> [UInt8] {
        var request = request
        request.outputPath += "-\(UUID().uuidString)"
        let result = try await executor.execute(request)
        return try [UInt8](Data(contentsOf: URL(fileURLWithPath: result.outputPath)))
    }

    /// Waits until nothing of the workshop runs.
    private func allEnd(_ shop: Workshop) async throws -> Bool {
        for _ in 0..<200 where !shop.processes.isEmpty {
            try await Task.sleep(for: .milliseconds(50))
        }
        return shop.processes.isEmpty
    }

    @Test func servesTheNextJobOfItsKernel() async throws {
        let shop = try self.shop()
        let executor = shop.executor
        let device = try await shop.device()
        let first = shop.request(Workshop.triple, device: device, count: 1_000, groups: 16)
        #expect(try await self.output(executor, first) == self.tripled(1_000))
        #expect(executor.idleWorkers == 1)
        let processes = shop.processes
        #expect(!processes.isEmpty)
        // Another size, so other buffers; and the first again, over what the second left.
        let second = shop.request(Workshop.triple, device: device, count: 300, groups: 5)
        for (request, count) in [(second, UInt32(300)), (first, 1_000), (second, 300)] {
            #expect(try await self.output(executor, request) == self.tripled(count))
            #expect(executor.idleWorkers == 1)
            #expect(shop.processes == processes)
        }
        executor.stop()
        #expect(executor.idleWorkers == 0)
        #expect(try await self.allEnd(shop))
        // Stopped means that none is kept any more, not that nothing runs.
        #expect(try await self.output(executor, second) == self.tripled(300))
        #expect(executor.idleWorkers == 0)
        #expect(try await self.allEnd(shop))
    }

    @Test func makesPlaceForAnotherKernel() async throws {
        let shop = try self.shop(1)
        let executor = shop.executor
        let device = try await shop.device()
        let triple = shop.request(Workshop.triple, device: device, count: 128, groups: 2)
        _ = try await self.output(executor, triple)
        let processes = Set(shop.processes)
        _ = try await self.output(
            executor, shop.request(Workshop.slow, device: device, count: 128, groups: 2))
        #expect(executor.idleWorkers == 1)
        for _ in 0..<200 where !processes.isDisjoint(with: shop.processes) {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(processes.isDisjoint(with: shop.processes))
        #expect(try await self.output(executor, triple) == self.tripled(128))
        executor.stop()
        #expect(try await self.allEnd(shop))
    }

    @Test func otherLimitsAreAnotherWorker() async throws {
        let shop = try self.shop()
        let executor = shop.executor
        let device = try await shop.device()
        var request = shop.request(Workshop.triple, device: device, count: 128, groups: 2)
        _ = try await self.output(executor, request)
        request.limits.memoryBytes += 1
        _ = try await self.output(executor, request)
        #expect(executor.idleWorkers == 2)
        executor.stop()
        #expect(try await self.allEnd(shop))
    }

    @Test func endsWhenNobodyComes() async throws {
        let shop = try self.shop(idleMs: 20)
        let executor = shop.executor
        let device = try await shop.device()
        let request = shop.request(Workshop.triple, device: device, count: 128, groups: 2)
        _ = try await self.output(executor, request)
        #expect(try await self.allEnd(shop))
        #expect(executor.idleWorkers == 0)
        #expect(try await self.output(executor, request) == self.tripled(128))
    }

    @Test func aDeadOneIsNotMissed() async throws {
        let shop = try self.shop()
        let executor = shop.executor
        let device = try await shop.device()
        let request = shop.request(Workshop.triple, device: device, count: 128, groups: 2)
        _ = try await self.output(executor, request)
        for process in shop.processes.compactMap({ pid_t($0) }) { kill(process, SIGKILL) }
        #expect(try await self.output(executor, request) == self.tripled(128))
        #expect(executor.idleWorkers == 1)
        executor.stop()
        #expect(try await self.allEnd(shop))
    }

    @Test func oneThatFailedIsNotKept() async throws {
        let shop = try self.shop()
        let executor = shop.executor
        let device = try await shop.device()
        let request = shop.request(
            Workshop.slow, device: device, count: 1 << 20, groups: 1 << 14, wallMs: 500)
        let error = await failure { () async throws(ExecutorError) in
            _ = try await executor.execute(request)
        }
        #expect(error?.code == .timeLimit)
        #expect(executor.idleWorkers == 0)
        #expect(shop.processes.isEmpty)
    }

    @Test func oneThatSaysMoreThanItWasAskedIsNotKept() async throws {
        var finished = RunFinished()
        finished.outputBytes = 512
        let body = WorkerReply.finished(finished).canonicalBytes
        let octal = ([UInt8(body.count), 0, 0, 0] + body)
            .map { "\\" + String($0, radix: 8) }.joined()
        // A right answer, once it was asked; then bytes for the next job before there is one.
        let script =
            HostileWorkerTests.greet
            + "head -c 100 >/dev/null; head -c 512 /dev/zero >&3; "
            + "printf '\(octal)x'; sleep 97531"
        let shop = try self.shop(worker: script)
        let executor = shop.executor
        let request = shop.request(Workshop.triple, device: .blank, count: 128, groups: 2)
        executor.programs.store(Workshop.triple.id, .blank, [1, 2, 3])
        #expect(try await self.output(executor, request) == [UInt8](repeating: 0, count: 512))
        #expect(executor.idleWorkers == 0)
        #expect(try await self.allEnd(shop))
    }

    @Test func aPreparedKernelIsNotCompiledAgain() async throws {
        let shop = try self.shop(0)
        let executor = shop.executor
        let device = try await shop.device()
        try await executor.prepare(Workshop.triple, on: device, compileMs: 60_000)
        let request = shop.request(Workshop.triple, device: device, count: 128, groups: 2)
        #expect(try await executor.execute(request).compileNs == 0)
        #expect(shop.processes.isEmpty)
    }

    @Test func slotsAreBoundedAndTheOldestGoesFirst() throws {
        let shop = try self.shop()
        let triple = WarmKey(shop.request(Workshop.triple, device: .blank, count: 1, groups: 1))
        let slow = WarmKey(shop.request(Workshop.slow, device: .blank, count: 1, groups: 1))
        var slots = WarmSlots()
        let all = [triple, slow, triple].map { WarmSlot($0) }
        let removed = all.map { slots.add($0, most: 2) }
        #expect(removed.map(\.count) == [0, 0, 1])
        #expect(removed[2].first === all[0])
        let isThere = slots.remove(all[0])
        #expect(!isThere)
        let taken = [slots.take(triple), slots.take(triple)]
        #expect(taken[0] === all[2] && taken[1] == nil)
        let closed = slots.close()
        #expect(closed.count == 1 && closed.first === all[1])
        let late = slots.add(all[0], most: 2)
        #expect(late.first === all[0])
        #expect(slots.count == 0)
    }
}
