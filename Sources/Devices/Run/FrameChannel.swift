internal import Glibc
internal import Primitives

/// Frames over two descriptors, blocking.
final class FrameChannel {
    private let input: Int32
    private let output: Int32

    init(input: Int32, output: Int32) {
        self.input = input
        self.output = output
    }

    /// The next request; nil at the end of input or where what comes is no frame.
    func receive() -> Result<WorkerRequest, WorkerFailure>? {
        guard let header = self.read(4) else { return nil }
        let length = (0..<4).reduce(0) { $0 | Int(header[$1]) << (8 * $1) }
        guard length <= WorkerProtocol.frameBytesMax, let body = self.read(length) else {
            return nil
        }
        do throws(DecodeError) {
            return .success(try WorkerRequest(canonical: body))
        } catch {
            return .failure(WorkerFailure(.badRequest, "no request: \(error)"))
        }
    }

    /// Sends one reply; false where nobody reads any more.
    @discardableResult
    func send(_ reply: WorkerReply) -> Bool {
        let body = reply.canonicalBytes
        precondition(body.count <= WorkerProtocol.frameBytesMax, "replies have bounded fields")
        var frame = Encoder()
        frame.u32(UInt32(truncatingIfNeeded: body.count))
        frame.raw(body)
        return writeAll(self.output, frame.bytes[...])
    }

    /// Fills `target` with what follows a frame; false where the input ends before.
    func receive(into target: UnsafeMutableRawBufferPointer) -> Bool {
        var offset = 0
        while offset < target.count {
            let got = Glibc.read(
                self.input, target.baseAddress?.advanced(by: offset), target.count - offset)
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return false }
            offset += got
        }
        return true
    }

    private func read(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let isWhole = bytes.withUnsafeMutableBytes { self.receive(into: $0) }
        return isWhole ? bytes : nil
    }
}

/// Writes everything; false on any error.
func writeAll(_ file: Int32, _ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.withUnsafeBytes { buffer in
        var offset = 0
        while offset < buffer.count {
            let count = write(file, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            offset += count
        }
        return true
    }
}
