import Foundation
import Kernels
import Primitives
import Testing

@testable import Executor

/// Workers that are not ours, or no longer: whatever they do is a typed error, and nothing stays.
@Suite(.serialized) struct HostileWorkerTests {
    /// Prints a good greeting of the stage that it was started for.
    static let greet: String = {
        func octal(_ stage: WorkerStage) -> String {
            var hello = Hello()
            hello.version = WorkerProtocol.version
            hello.stage = stage
            hello.mechanisms = Mechanism.allCases.map { MechanismState($0, isOn: true, "lie") }
            let body = WorkerReply.hello(hello).canonicalBytes
            let length = (0..<4).map { UInt8(truncatingIfNeeded: body.count >> (8 * $0)) }
            return (length + body).map { "\\" + String($0, radix: 8) }.joined()
        }
        return """
            case "$STARLING_WORKER" in *compile*) printf '\(octal(.compile))';;
            *) printf '\(octal(.run))';; esac

            """
    }()

    private func code(
        _ script: String, compileMs: UInt64 = 1_000
    ) async throws -> (error: ExecutorError?, shop: Workshop) {
        let shop = try Workshop(worker: script)
        let executor = shop.executor
        var request = shop.request(Workshop.triple, device: .blank, count: 128, groups: 2)
        request.limits.compileMs = compileMs
        let error = await failure { () async throws(ExecutorError) in
            _ = try await executor.execute(request)
        }
        // A killed sandbox's init is reaped by the system, a moment later on a busy machine.
        for _ in 0..<100 where !shop.processes.isEmpty {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(shop.processes.isEmpty, "left behind by: \(script)")
        #expect(shop.files.isEmpty)
        return (error, shop)
    }

    @Test func garbageAndEarlyEnds() async throws {
        let table: [(String, ExecutorError.Code)] = [
            ("echo this is no frame at all, and it is long enough", .garbage),
            ("printf '\\377\\377\\377\\377'", .garbage),
            ("printf '\\2\\0\\0\\0\\143\\0'; sleep 5", .garbage),
            ("exit 3", .crashed),
            ("kill -SEGV $$", .crashed),
            // bubblewrap holds its own end of the pipe open.
            ("exec 1>&-; sleep 97531", .timeLimit),
            (Self.greet + "kill -ABRT $$", .crashed),
            (Self.greet + "printf '\\1\\0\\0\\0\\2'; sleep 5", .garbage),
            (Self.greet + "head -c 100000000 /dev/zero", .garbage),
        ]
        for (script, expected) in table {
            let (error, _) = try await self.code(script)
            #expect(error?.code == expected, "\(script): \(String(describing: error))")
        }
    }

    @Test func theAbortIsNamed() async throws {
        let (error, _) = try await self.code(Self.greet + "echo last words >&2; kill -ABRT $$")
        #expect(error?.text.contains("signal 6") == true)
        #expect(error?.underlying.contains("last words") == true)
    }

    @Test func silenceIsKilledAndTheDeviceQuarantined() async throws {
        // Mute from the start: the greeting has a deadline of its own.
        #expect(try await self.code("sleep 97531").error?.code == .timeLimit)
        #expect(try await self.code("yes >&2").error?.code == .timeLimit)
        // Mute after the greeting: killed a second after its time, then the device is asked.
        let (error, shop) = try await self.code(Self.greet + "sleep 97531")
        #expect(error?.code == .timeLimit)
        let executor = shop.executor
        let request = shop.request(Workshop.triple, device: .blank, count: 128, groups: 2)
        func attempt() async -> ExecutorError.Code? {
            await failure { () async throws(ExecutorError) in
                _ = try await executor.execute(request)
            }?.code
        }
        var hasty = request
        hasty.limits.compileMs = 100
        let first = hasty
        #expect(
            await failure { () async throws(ExecutorError) in
                _ = try await executor.execute(first)
            }?.code == .timeLimit)
        #expect(await attempt() == .quarantined)
        executor.release(.blank)
        #expect(executor.quarantine(of: .blank) == nil)
    }

    @Test func nothingOutlivesItsSandbox() async throws {
        // Children, one in a session of its own, all holding the pipes.
        let script =
            "sleep 97531 & setsid sleep 97531 & nohup sleep 97531 & sleep 0.2; echo garbage!"
        #expect(try await self.code(script).error?.code == .garbage)
        #expect(try await self.code("setsid sleep 97531 & exit 0").error?.code != nil)
    }

    @Test func aFullDiskIsNotReached() async throws {
        // The run stage gets the output's pipe; a program in the cache brings us there directly.
        let shop = try Workshop(worker: Self.greet + "cat /dev/zero >&3; sleep 97531")
        let executor = shop.executor
        let request = shop.request(Workshop.triple, device: .blank, count: 128, groups: 2)
        executor.programs.store(Workshop.triple.id, .blank, [1, 2, 3])
        let error = await failure { () async throws(ExecutorError) in
            _ = try await executor.execute(request)
        }
        #expect(error?.code == .outputLimit)
        #expect(error?.text.contains("more than the 512 bytes") == true)
        #expect(shop.files.isEmpty)
        #expect(shop.processes.isEmpty)
    }

    @Test func itsOwnScratchIsBounded() async throws {
        let shop = try Workshop(
            worker: Self.greet + "cat /dev/zero > /tmp/x; echo stopped >&2; exit 9")
        let executor = shop.executor
        let request = shop.request(Workshop.triple, device: .blank, count: 128, groups: 2)
        executor.programs.store(Workshop.triple.id, .blank, [1, 2, 3])
        let error = await failure { () async throws(ExecutorError) in
            _ = try await executor.execute(request)
        }
        #expect(error?.code == .crashed)
        #expect(error?.underlying.contains("stopped") == true)
        #expect(shop.processes.isEmpty)
    }

    @Test func aLyingResultIsNotTaken() async throws {
        var finished = RunFinished()
        finished.outputBytes = 512
        let body = WorkerReply.finished(finished).canonicalBytes
        let frame = [UInt8(body.count), 0, 0, 0] + body
        let octal = frame.map { "\\" + String($0, radix: 8) }.joined()
        let shop = try Workshop(worker: Self.greet + "printf '\(octal)'; sleep 5")
        let executor = shop.executor
        let request = shop.request(Workshop.triple, device: .blank, count: 128, groups: 2)
        executor.programs.store(Workshop.triple.id, .blank, [1, 2, 3])
        let error = await failure { () async throws(ExecutorError) in
            _ = try await executor.execute(request)
        }
        #expect(error?.code == .garbage)
        #expect(shop.files.isEmpty)
    }
}
