internal import Glibc
internal import Primitives

/// A conversation with one worker process, from start to reaping.
///
/// Used by one thread, which must call ``close(graceMs:)`` before it drops the session.
///
/// - Bounds: frames of ``WorkerProtocol/frameBytesMax``; the last 4 KiB of error output.
final class WorkerSession {
    /// What confines the worker: this side's part, then what it says.
    private(set) var report: SandboxReport
    private let child: Child
    private let scratch: String?
    private var cancellation: Cancellation
    private let requests: Descriptor
    private let replies: Descriptor
    /// What a worker of the run stage gives; nothing ever comes in the compile stage.
    private let outputs: Descriptor?
    private let errors: Descriptor
    private var incoming: [UInt8] = []
    private var lastWords: [UInt8] = []
    private var hasOutputEnded = false
    private var isClosed = false
    /// Set once the supervisor had to kill.
    private(set) var wasKilled = false

    /// Starts a worker and waits for its greeting.
    ///
    /// - Throws: ``ExecutorError``; nothing is left behind then.
    init(
        _ launcher: Launcher, stage: WorkerStage, limits: WorkerLimits, cancellation: Cancellation
    ) throws(ExecutorError) {
        let output = WorkerProtocol.outputDescriptor
        let information = stage == .run ? output + 1 : output
        let command = try launcher.command(stage: stage, limits: limits, information: information)
        self.scratch = command.scratch
        self.cancellation = cancellation
        self.report = SandboxReport(states: [command.namespaces])
        let (requestsInside, requests) = try Descriptor.pipe()
        let (replies, repliesInside) = try Descriptor.pipe()
        let (errors, errorsInside) = try Descriptor.pipe()
        let (reports, reportsInside) = try Descriptor.pipe()
        let outputs = stage == .run ? try Descriptor.pipe() : nil
        for end in [requests, replies, errors, reports] { end.makeNonblocking() }
        outputs?.read.makeNonblocking()
        for end in [requests, outputs?.read] { end?.widen() }
        self.requests = requests
        self.replies = replies
        self.errors = errors
        self.outputs = outputs?.read
        var descriptors = [
            (source: requestsInside.number, target: Int32(0)),
            (source: repliesInside.number, target: 1), (source: errorsInside.number, target: 2),
        ]
        if let inside = outputs?.write { descriptors.append((inside.number, output)) }
        if command.reportsInner { descriptors.append((reportsInside.number, information)) }
        do throws(ExecutorError) {
            self.child = try Child(
                path: command.path, arguments: command.arguments,
                environment: ["PATH=/usr/bin", "LANG=C"], descriptors: descriptors)
        } catch {
            if let scratch = command.scratch { Files.remove(scratch) }
            throw error
        }
        for end in [requestsInside, repliesInside, errorsInside, reportsInside] { end.close() }
        outputs?.write.close()
        do throws(ExecutorError) {
            try self.greet(
                stage: stage, reports: command.reportsInner ? reports : nil, launcher.greetingMs)
        } catch {
            self.close(graceMs: 0)
            throw error
        }
    }

    deinit { precondition(self.isClosed, "a session is closed by its supervisor") }

    /// Sends one request and waits for its final reply; the worker is killed at `deadline`.
    ///
    /// - Throws: ``ExecutorError``; the worker may then be gone.
    func ask(
        _ request: WorkerRequest, deadline: UInt64
    ) throws(ExecutorError) -> WorkerReply {
        try self.converse(Transfer(frame: try Self.frame(request)), deadline) { _ in }
    }

    /// Sends a run with its inputs and takes its output into a file, whole if this returns.
    ///
    /// - Throws: ``ExecutorError``; the worker is then of no use any more.
    func run(
        _ request: RunRequest, inputs: [(file: Descriptor, bytes: UInt64)], output: Descriptor,
        outputBytes: UInt64, deadline: UInt64, onProgress: (RunProgress) -> Void
    ) throws(ExecutorError) -> RunFinished {
        let transfer = Transfer(
            frame: try Self.frame(.run(request)), inputs: inputs, output: output,
            outputBytes: outputBytes)
        let reply = try self.converse(transfer, deadline, onProgress)
        guard case .finished(let finished) = reply else { throw self.unexpected("a result") }
        // All of it was in the pipe before the reply was.
        while let outputs = self.outputs, try transfer.receive(from: outputs.number) == .some {}
        guard transfer.isSent, finished.outputBytes == outputBytes,
            transfer.received == outputBytes
        else {
            throw ExecutorError(
                .garbage, "the worker gave \(transfer.received) bytes of \(outputBytes)")
        }
        return finished
    }

    /// The next request is under another caller's control.
    func serve(_ cancellation: Cancellation) { self.cancellation = cancellation }

    /// The worker lives and has said nothing that nobody asked for.
    var isIdle: Bool {
        guard !self.isClosed, self.incoming.isEmpty, self.child.poll() == nil else { return false }
        var entries = [self.replies.number, self.outputs?.number ?? -1].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        return poll(&entries, nfds_t(entries.count), 0) == 0
    }

    private static func frame(_ request: WorkerRequest) throws(ExecutorError) -> [UInt8] {
        let body = request.canonicalBytes
        guard body.count <= WorkerProtocol.frameBytesMax else {
            throw ExecutorError(.order, "a request of \(body.count) bytes")
        }
        var frame = Encoder()
        frame.u32(UInt32(body.count))
        frame.raw(body)
        return frame.bytes
    }

    private func converse(
        _ transfer: Transfer, _ deadline: UInt64, _ onProgress: (RunProgress) -> Void
    ) throws(ExecutorError) -> WorkerReply {
        while true {
            if let reply = try self.nextReply() {
                switch reply {
                case .progress(let progress): onProgress(progress)
                case .failed(let failure): throw ExecutorError(failure)
                default: return reply
                }
                continue
            }
            try self.pump(transfer, deadline)
        }
    }

    /// The error for a reply that was not due.
    func unexpected(_ what: String) -> ExecutorError {
        ExecutorError(
            .garbage, "the worker answered something else than \(what)", underlying: self.words)
    }

    /// Ends the worker: its input closes, and after `graceMs` it is killed. Reaps and cleans up.
    func close(graceMs: UInt64) {
        guard !self.isClosed else { return }
        self.isClosed = true
        self.requests.close()
        self.replies.close()
        self.outputs?.close()
        if graceMs == 0 { self.child.kill() }
        _ = self.child.reap(deadline: Clock.after(ms: graceMs))
        self.errors.close()
        if let scratch = self.scratch { Files.remove(scratch) }
    }

    // MARK: Parts.

    private func greet(
        stage: WorkerStage, reports: Descriptor?, _ greetingMs: UInt64
    ) throws(ExecutorError) {
        let deadline = Clock.after(ms: greetingMs)
        let nothing = Transfer(frame: [])
        while true {
            if let reports { self.readInner(reports) }
            guard let reply = try self.nextReply() else {
                try self.pump(nothing, deadline)
                continue
            }
            if let reports { self.readInner(reports) }
            guard case .hello(let hello) = reply, hello.version == WorkerProtocol.version,
                hello.stage == stage
            else {
                throw ExecutorError(
                    .noWorker, "the worker speaks another protocol; install both from one release",
                    underlying: self.words)
            }
            self.report = SandboxReport(states: self.report.states + hello.mechanisms)
            return
        }
    }

    /// `{"child-pid": 123, …}` from bubblewrap.
    private func readInner(_ reports: Descriptor) {
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = read(reports.number, &bytes, bytes.count)
        guard count > 0 else { return }
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        let digits = text.drop { !$0.isNumber }.prefix { $0.isNumber }
        if let process = pid_t(digits) { self.child.adopt(inner: process) }
    }

    /// The next whole frame, decoded.
    private func nextReply() throws(ExecutorError) -> WorkerReply? {
        guard self.incoming.count >= 4 else { return nil }
        let length = (0..<4).reduce(0) { $0 | Int(self.incoming[$1]) << (8 * $1) }
        guard length <= WorkerProtocol.frameBytesMax else {
            throw ExecutorError(
                .garbage, "the worker announced a frame of \(length) bytes", underlying: self.words)
        }
        guard self.incoming.count >= 4 + length else { return nil }
        let body = Array(self.incoming[4..<4 + length])
        self.incoming.removeFirst(4 + length)
        do throws(DecodeError) {
            return try WorkerReply(canonical: body)
        } catch {
            throw ExecutorError(
                .garbage, "the worker sent bytes that are no reply: \(error)",
                underlying: self.words)
        }
    }

    /// Moves bytes both ways, once, waiting until something moves.
    private func pump(_ transfer: Transfer, _ deadline: UInt64) throws(ExecutorError) {
        let writable = transfer.isSent ? -1 : self.requests.number
        let takesOutput = transfer.takesOutput && !self.hasOutputEnded
        let outputs = takesOutput ? self.outputs?.number ?? -1 : -1
        var entries = [
            pollfd(fd: self.replies.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: self.errors.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: self.cancellation.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: writable, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: outputs, events: Int16(POLLIN), revents: 0),
        ]
        let count = poll(&entries, nfds_t(entries.count), Clock.pollMs(until: deadline))
        guard count >= 0 || errno == EINTR else { throw .system("poll", errno) }
        if entries[2].revents & Int16(POLLIN) != 0 {
            self.child.kill()
            throw ExecutorError(.cancelled, "the job was cancelled")
        }
        if entries[1].revents != 0 { self.readLastWords() }
        if entries[3].revents != 0 { try transfer.send(to: writable) }
        if entries[4].revents != 0, try transfer.receive(from: outputs) == .end {
            // Its end would make poll return at once for ever; the reply decides what it means.
            self.hasOutputEnded = true
        }
        if entries[0].revents != 0, try self.readReplies() { throw self.end() }
        guard Clock.nowNs >= deadline else { return }
        self.wasKilled = true
        self.child.kill()
        throw ExecutorError(
            .timeLimit, "the worker did not answer in time and was killed", underlying: self.words)
    }

    /// True at the end of the pipe.
    private func readReplies() throws(ExecutorError) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        // A frame is taken before the next read, so one frame and a bit is all that piles up.
        guard self.incoming.count <= WorkerProtocol.frameBytesMax + 4 else {
            throw ExecutorError(.garbage, "the worker sent more than a frame")
        }
        let count = read(self.replies.number, &bytes, bytes.count)
        if count < 0 { return errno != EAGAIN && errno != EINTR }
        self.incoming.append(contentsOf: bytes.prefix(count))
        return count == 0
    }

    /// The worker closed its pipe: how did it end?
    private func end() -> ExecutorError {
        // It may have closed its pipe and live on: then it is killed.
        let status = self.child.reap(deadline: Clock.after(ms: 200))
        self.readLastWords()
        let words = self.words
        if words.hasPrefix("bwrap:") {
            return ExecutorError(
                .sandbox, "bubblewrap could not start the worker; are user name spaces allowed?",
                underlying: words)
        }
        if status.signal == SIGXFSZ {
            return ExecutorError(
                .outputLimit, "the worker ended: \(status.text)", underlying: words)
        }
        return ExecutorError(.crashed, "the worker ended: \(status.text)", underlying: words)
    }

    private func readLastWords() {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = read(self.errors.number, &bytes, bytes.count)
        guard count > 0 else {
            // End of file would make poll return at once for ever.
            if count == 0 { self.errors.close() }
            return
        }
        self.lastWords.append(contentsOf: bytes.prefix(count))
        if self.lastWords.count > 4_096 { self.lastWords.removeFirst(self.lastWords.count - 4_096) }
    }

    private var words: String {
        let text = String(decoding: self.lastWords, as: UTF8.self)
        return String(text.filter { $0.isASCII && ($0 == "\n" || !$0.isNewline) })
    }
}
