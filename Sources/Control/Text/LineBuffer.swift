import NIOCore

/// Cuts received bytes into lines; the work is linear in the bytes however they are sliced.
///
/// - Bounds: holds at most `lineBytesMax` of an unfinished line and what came with it.
struct LineBuffer {
    /// A line is longer than allowed.
    struct TooLong: Error {}

    private var buffer = ByteBuffer()
    /// Readable bytes already known to hold no newline.
    private var scanned = 0
    private let lineBytesMax: Int

    init(lineBytesMax: Int) {
        self.lineBytesMax = lineBytesMax
    }

    mutating func append(_ bytes: inout ByteBuffer) {
        self.buffer.discardReadBytes()
        self.buffer.writeBuffer(&bytes)
    }

    /// The next whole line without its newline, or nil.
    mutating func next() throws(TooLong) -> [UInt8]? {
        let view = self.buffer.readableBytesView
        let start = view.startIndex
        guard let end = view[(start + self.scanned)...].firstIndex(of: UInt8(ascii: "\n")) else {
            self.scanned = view.count
            guard view.count < self.lineBytesMax else { throw TooLong() }
            return nil
        }
        guard end - start < self.lineBytesMax else { throw TooLong() }
        self.scanned = 0
        let line = self.buffer.readBytes(length: end - start)
        self.buffer.moveReaderIndex(forwardBy: 1)
        return line
    }
}
