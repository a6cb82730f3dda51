internal import Glibc
internal import Primitives

/// What one request moves besides frames: inputs to the worker, output from it.
///
/// The worker gets bytes and gives bytes: no file of a job is ever open in its process, so nothing
/// that it keeps can be changed by it later.
///
/// - Bounds: one piece in memory; the output ends at `outputBytes`.
final class Transfer {
    private static let pieceBytes = 1 << 18
    private let inputs: [(file: Descriptor, bytes: UInt64)]
    private let output: Descriptor?
    private let outputBytes: UInt64
    private var outgoing: [UInt8]
    private var sent = 0
    private var input = 0
    private var offset: UInt64 = 0
    private var buffer: [UInt8] = []
    /// Bytes of output that came and lie in the file.
    private(set) var received: UInt64 = 0

    /// A frame, the inputs that follow it, and the file for an output of exactly so many bytes.
    init(
        frame: [UInt8], inputs: [(file: Descriptor, bytes: UInt64)] = [],
        output: Descriptor? = nil, outputBytes: UInt64 = 0
    ) {
        self.outgoing = frame
        self.inputs = inputs
        self.output = output
        self.outputBytes = outputBytes
    }

    /// The request is one that gives an output.
    var takesOutput: Bool { self.output != nil }

    /// Nothing is left to send.
    var isSent: Bool { self.sent == self.outgoing.count && self.input == self.inputs.count }

    /// Writes as much as the pipe takes.
    ///
    /// A worker that reads no more is no error here: its reply or its end says why.
    ///
    /// - Throws: ``ExecutorError/Code/input`` where an input became shorter.
    func send(to pipe: Int32) throws(ExecutorError) {
        while !self.isSent {
            if self.sent == self.outgoing.count { try self.refill() }
            let wrote = self.outgoing[self.sent...].withUnsafeBytes {
                write(pipe, $0.baseAddress, $0.count)
            }
            if wrote > 0 {
                self.sent += wrote
            } else if wrote < 0, errno == EINTR {
                continue
            } else {
                if wrote < 0, errno != EAGAIN { self.abandon() }
                return
            }
        }
    }

    /// What a look at the output's pipe found.
    enum Arrival {
        case some
        case nothing
        case end
    }

    /// Takes what the pipe has, at most one piece.
    ///
    /// - Throws: ``ExecutorError/Code/outputLimit``, ``ExecutorError/Code/output``.
    func receive(from pipe: Int32) throws(ExecutorError) -> Arrival {
        if self.buffer.isEmpty { self.buffer = [UInt8](repeating: 0, count: Self.pieceBytes) }
        let count = read(pipe, &self.buffer, self.buffer.count)
        if count < 0, errno == EAGAIN || errno == EINTR { return .nothing }
        guard count > 0 else { return .end }
        let room = self.outputBytes - self.received
        guard UInt64(count) <= room, let output = self.output else {
            throw ExecutorError(
                .outputLimit, "the worker gave more than the \(self.outputBytes) bytes of output")
        }
        var offset = 0
        while offset < count {
            let wrote = self.buffer[offset..<count].withUnsafeBytes {
                write(output.number, $0.baseAddress, $0.count)
            }
            if wrote < 0, errno == EINTR { continue }
            guard wrote > 0 else {
                throw ExecutorError(
                    .output, "cannot write the output", underlying: Clock.errorText(errno))
            }
            offset += wrote
        }
        self.received += UInt64(count)
        return .some
    }

    private func abandon() {
        self.sent = self.outgoing.count
        self.input = self.inputs.count
    }

    /// The next piece of the inputs; an empty one where an input has ended.
    private func refill() throws(ExecutorError) {
        self.sent = 0
        self.outgoing = []
        let (file, bytes) = self.inputs[self.input]
        guard self.offset < bytes else {
            self.input += 1
            self.offset = 0
            return
        }
        let wanted = Int(min(bytes - self.offset, UInt64(Self.pieceBytes)))
        let start = off_t(self.offset)
        var got = 0
        self.outgoing = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
            got = pread(file.number, buffer.baseAddress, wanted, start)
            count = max(got, 0)
        }
        guard got > 0 else {
            throw ExecutorError(
                .input, "an input ends after \(self.offset) of \(bytes) bytes",
                underlying: got < 0 ? Clock.errorText(errno) : "")
        }
        self.offset += UInt64(got)
    }
}
