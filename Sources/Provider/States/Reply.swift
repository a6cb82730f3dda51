import Kernels
import Primitives

/// One challenge to a local account: read the leaf's slice, say the asked piece on the ledger.
///
/// - Bounds: a slice of ``chunksMax`` chunks; of them ``piecesMax`` in one answer.
/// - Source: protocol/jobs.md, "Challenge".
struct Reply: Sendable {
    /// Chunks of the longest slice: 16 MiB.
    static let chunksMax = 4_096
    /// Chunks of one answer: 256 KiB.
    static let piecesMax = 64

    private enum Phase: Sendable {
        case idle
        case reading(LeafOpening)
        case answering(Intent)
        /// The slice could not be read; waits for the retry.
        case failed
        /// There is nothing to answer with.
        case unable
    }

    let duty: Duty.Answer
    private var phase = Phase.idle

    init(duty: Duty.Answer) { self.duty = duty }

    /// Reads the slice, or says why there is none; `open` makes the leaf's opening.
    mutating func start(
        _ record: JobRecord?, open: (JobRecord) -> LeafOpening?,
        into outbox: inout Outbox<Provider.Effect>
    ) {
        guard case .idle = self.phase else { return }
        guard let record else { return self.stop("no record of the job", into: &outbox) }
        guard let opening = open(record) else {
            return self.stop("no such leaf", into: &outbox)
        }
        self.phase = .reading(opening)
        outbox.append(
            .readSlice(
                self.duty.job, blob: record.outputBlob, leaf: self.duty.leaf,
                package: self.duty.package, order: self.duty.order))
    }

    mutating func onSlice(
        _ leaf: UInt64, _ bytes: [UInt8], into outbox: inout Outbox<Provider.Effect>
    ) {
        guard case .reading(let opening) = self.phase, leaf == self.duty.leaf else { return }
        guard bytes.count <= Self.chunksMax * Leaf.chunkBytes else {
            return self.stop("a slice of \(bytes.count) bytes is too long", into: &outbox)
        }
        let chunks = Leaf.chunks(bytes)
        // The ledger would refuse it: the output is not what was committed to.
        guard Leaf.sliceRoot(bytes: UInt64(bytes.count), chunks: chunks) == opening.sliceRoot
        else { return self.stop("the output here is another one", into: &outbox) }
        let first = min(Int(clamping: self.duty.chunk), chunks.count)
        let end = min(first + Self.piecesMax, chunks.count)
        let piece = bytes[
            min(first * Leaf.chunkBytes, bytes.count)..<min(end * Leaf.chunkBytes, bytes.count)]
        let intent = Intent.answer(opening: opening, chunks: chunks, bytes: Array(piece))
        self.phase = .answering(intent)
        self.say(intent, into: &outbox)
    }

    /// True if it is to be tried again.
    mutating func onFailed(
        _ leaf: UInt64, _ text: String, into outbox: inout Outbox<Provider.Effect>
    ) -> Bool {
        guard case .reading = self.phase, leaf == self.duty.leaf else { return false }
        self.phase = .failed
        outbox.append(
            .report(.failed(self.duty.job, code: "slice.failed", text: text, retried: true)))
        return true
    }

    /// Goes on after a pause; true if it is to be started anew.
    mutating func retry(into outbox: inout Outbox<Provider.Effect>) -> Bool {
        switch self.phase {
        case .failed:
            self.phase = .idle
            return true
        case .answering(let intent): self.say(intent, into: &outbox)
        case .idle, .reading, .unable: break
        }
        return false
    }

    /// A record came back: what had none begins anew.
    mutating func renew() {
        if case .unable = self.phase { self.phase = .idle }
    }

    private func say(_ intent: Intent, into outbox: inout Outbox<Provider.Effect>) {
        outbox.append(.intend(self.duty.job, intent, account: self.duty.provider))
    }

    private mutating func stop(_ text: String, into outbox: inout Outbox<Provider.Effect>) {
        self.phase = .unable
        outbox.append(
            .report(.cannotAnswer(self.duty.job, leaf: self.duty.leaf, text: text)))
    }
}
