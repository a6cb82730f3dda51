import Foundation
import Kernels
import Primitives
import Testing

@testable import Executor

/// The worker program itself, without a supervisor.
@Suite(.serialized) struct WorkerProtocolTests {
    /// Starts the worker, gives it `input`, and returns its replies and its exit code.
    private func talk(
        _ input: [UInt8], stage: WorkerStage = .run, environment: [String: String] = [:]
    ) throws -> (replies: [WorkerReply], code: Int32) {
        let shop = try Workshop()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: shop.configuration.workerPath)
        process.arguments = ["--stdio", "--stage", "\(stage)", "--scratch", shop.directory]
        process.environment = environment.merging(
            ["PATH": "/usr/bin", "POCL_CACHE_DIR": shop.directory + "/pocl"]
        ) { own, _ in own }
        let (requests, replies) = (Pipe(), Pipe())
        process.standardInput = requests
        process.standardOutput = replies
        process.standardError = FileHandle.nullDevice
        try process.run()
        try? requests.fileHandleForWriting.write(contentsOf: Data(input))
        try requests.fileHandleForWriting.close()
        var bytes = [UInt8](try replies.fileHandleForReading.readToEnd() ?? Data())
        process.waitUntilExit()
        var found: [WorkerReply] = []
        while bytes.count >= 4 {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
            try #require(bytes.count >= 4 + length)
            found.append(try WorkerReply(canonical: Array(bytes[4..<4 + length])))
            bytes.removeFirst(4 + length)
        }
        #expect(bytes.isEmpty)
        return (found, process.terminationStatus)
    }

    private func frame(_ request: WorkerRequest) -> [UInt8] {
        let body = request.canonicalBytes
        return (0..<4).map { UInt8(truncatingIfNeeded: body.count >> (8 * $0)) } + body
    }

    @Test func withoutADriverTheWorkerSaysSo() throws {
        let (replies, code) = try self.talk(
            self.frame(.probe), environment: ["OCL_ICD_VENDORS": "/nowhere"])
        #expect(code == 0)
        guard replies.count == 2, case .failed(let failure) = replies[1] else {
            Issue.record("no failure in \(replies)")
            return
        }
        #expect(failure.code == .noPlatform)
        let error = ExecutorError(failure)
        #expect(error.code == .noPlatform)
        #expect(error.text.contains("install pocl-opencl-icd"))
    }

    @Test func endsWithItsInputAndSurvivesGarbage() throws {
        #expect(try self.talk([]).replies.count == 1)
        // A frame that is too long, and one that is cut off.
        #expect(try self.talk([255, 255, 255, 255, 1]).code == 0)
        #expect(try self.talk([9, 0, 0, 0, 1]).replies.count == 1)
        // Frames of garbage are answered one by one.
        let (replies, code) = try self.talk(
            [2, 0, 0, 0, 7, 7, 1, 0, 0, 0, 200] + self.frame(.probe))
        #expect(code == 0)
        #expect(replies.count == 4)
        for reply in replies.dropFirst().prefix(2) {
            guard case .failed(let failure) = reply else {
                Issue.record("no failure: \(reply)")
                return
            }
            #expect(failure.code == .badRequest)
        }
    }

    @Test func keepsToItsStage() throws {
        var compile = CompileRequest()
        compile.package = Workshop.triple
        let (replies, _) = try self.talk(self.frame(.compile(compile)))
        guard case .failed(let failure) = replies.last else {
            Issue.record("no failure in \(replies)")
            return
        }
        #expect(failure.code == .badRequest)
    }

    @Test func endsAfterARunThatFailed() throws {
        // The bytes of its inputs may still come, and must not be read as frames.
        var run = RunRequest()
        run.package = Workshop.triple
        run.program = [1, 2, 3]
        for request in [run, RunRequest()] {
            let (replies, code) = try self.talk(self.frame(.run(request)) + self.frame(.probe))
            #expect(code == 0)
            #expect(replies.count == 2)
            guard case .failed(let failure) = replies.last else {
                Issue.record("no failure in \(replies)")
                return
            }
            #expect(failure.code == (request.program.isEmpty ? .badRequest : .noDevice))
        }
    }

    @Test func aRejectedKernelReachesNoCompiler() throws {
        var compile = CompileRequest()
        compile.package = Workshop.triple
        compile.package.source = "goto"
        let (replies, _) = try self.talk(self.frame(.compile(compile)), stage: .compile)
        guard case .failed(let failure) = replies.last else {
            Issue.record("no failure in \(replies)")
            return
        }
        #expect(failure.code == .kernelRejected)
    }

    @Test func messagesSurviveTheWire() throws {
        var description = DeviceDescription()
        description.key = DeviceKey(platform: "p", name: "n", driver: "d", ordinal: 3)
        description.globalBytes = 1 << 40
        var list = DeviceList()
        list.devices = [description, .blank]
        var run = RunRequest()
        run.package = Workshop.triple
        run.program = [1, 2, 3]
        run.inputs = [InputFile(buffer: 1, bytes: 7)]
        let replies: [WorkerReply] = [
            .devices(list), .exercised,
            .failed(WorkerFailure(.device, "text", status: -5, log: "log")),
        ]
        for reply in replies { #expect(try WorkerReply(canonical: reply.canonicalBytes) == reply) }
        let requests: [WorkerRequest] = [
            .probe, .exercise(description.key), .run(run), .testSandbox,
        ]
        for request in requests {
            #expect(try WorkerRequest(canonical: request.canonicalBytes) == request)
        }
    }

    @Test func longTextsAreCutAtACharacter() {
        #expect(clipped("abc", 3) == "abc")
        #expect(clipped("aé", 2) == "a")
        #expect(clipped("é€", 4) == "é")
    }
}
