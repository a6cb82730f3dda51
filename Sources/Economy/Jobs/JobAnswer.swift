package import Kernels
import Ledger
package import Primitives

/// The provider gives the piece of its output that was asked for.
package struct JobAnswer: Operation {
    package static let tag: UInt16 = 0x030c
    package static let name = "job.answer"
    package static let summary = "Gives the piece of an output that was demanded on the ledger."
    /// Chunks of the largest slice, 16 MiB.
    package static let chunksMax = 4_096

    package var job: JobID = .zero
    package var opening: LeafOpening = .blank
    /// Digests of all chunks of the leaf's slice.
    package var chunks: [Digest] = []
    /// The chunks that were asked for, one after the other.
    package var bytes: [UInt8] = []

    package init() {}

    package init(job: JobID, opening: LeafOpening, chunks: [Digest], bytes: [UInt8]) {
        self.job = job
        self.opening = opening
        self.chunks = chunks
        self.bytes = bytes
    }

    package static var blank: JobAnswer { JobAnswer() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.field("opening", &self.opening)
        try visitor.list("chunks", &self.chunks, max: Self.chunksMax)
        try visitor.bytes("bytes", &self.bytes, max: Challenge.chunksMax * Leaf.chunkBytes)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case jobNotFound = 1250
        case notTheProvider = 1251
        case notChallenged = 1252
        case tooLate = 1253
        case wrongLeaf = 1254
        case leafNotInRoot = 1255
        case sliceNotInOutput = 1256
        case wrongChunks = 1257
        package static let prefix = "job.answer"
    }

    /// - Touches: one job, the escrow account, the due queue.
    /// - Bounds: ``chunksMax`` digests and 256 KiB of bytes.
    /// - Source: protocol/jobs.md, "Challenge".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard var job = state.job(self.job) else { throw Failure(Rejection.jobNotFound) }
        guard job.provider == account, job.assigned != nil else {
            throw Failure(Rejection.notTheProvider)
        }
        guard job.phase == .window, let challenge = job.challenge else {
            throw Failure(Rejection.notChallenged)
        }
        guard state.now < challenge.due else { throw Failure(Rejection.tooLate) }
        guard self.opening.index == challenge.leaf else { throw Failure(Rejection.wrongLeaf) }
        let isMember = self.opening.leads(
            to: job.leafRoot, of: job.leaves, job: job.id, provider: job.provider, state.salt)
        guard isMember else { throw Failure(Rejection.leafNotInRoot) }
        guard self.opening.leads(toOutput: job.outputRoot, of: job.leaves) else {
            throw Failure(Rejection.sliceNotInOutput)
        }
        guard self.isPiece(of: challenge) else { throw Failure(Rejection.wrongChunks) }
        state.payPrepaid(of: &job, to: job.provider)
        job.challenge = nil
        job.due = max(challenge.windowEnd, state.later(by: job.windowMs))
        state.put(job)
        state.schedule(job)
    }

    /// True if the digests are those of the opened slice and the bytes exactly the chunks asked
    /// for.
    private func isPiece(of challenge: Challenge) -> Bool {
        let count = Challenge.chunks(of: challenge.sliceBytes)
        guard UInt64(self.chunks.count) == count,
            Leaf.sliceRoot(bytes: challenge.sliceBytes, chunks: self.chunks)
                == self.opening.sliceRoot
        else { return false }
        let first = UInt64(challenge.chunk)
        let last = min(first + UInt64(Challenge.chunksMax), count)
        guard first < last else { return false }
        let size = UInt64(Leaf.chunkBytes)
        let wanted = min(last * size, challenge.sliceBytes) - first * size
        return UInt64(self.bytes.count) == wanted
            && Leaf.chunks(self.bytes)[...]
                == self.chunks[Int(clamping: first)..<Int(clamping: last)]
    }
}
