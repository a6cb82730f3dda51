import Kernels
import Ledger
package import Primitives

/// Somebody wants a piece of an audited output on the ledger.
package struct JobChallenge: Operation {
    package static let tag: UInt16 = 0x030b
    package static let name = "job.challenge"
    package static let summary = "Demands a piece of an audited output on the ledger."
    /// Charged for each group of the leaf, whose cells are counted.
    static let gasPerGroup: UInt64 = 1_000

    package var job: JobID = .zero
    package var leaf: UInt64 = 0
    /// The first of at most ``Challenge/chunksMax`` chunks of the leaf's slice.
    package var chunk: UInt32 = 0

    package init() {}

    package init(job: JobID, leaf: UInt64, chunk: UInt32) {
        self.job = job
        self.leaf = leaf
        self.chunk = chunk
    }

    package static var blank: JobChallenge { JobChallenge() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.field("leaf", &self.leaf)
        try visitor.field("chunk", &self.chunk)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case jobNotFound = 1240
        case windowNotOpen = 1241
        case alreadyChallenged = 1242
        case noSuchLeaf = 1243
        case noSuchChunk = 1244
        case tooManyChallenges = 1245
        case tooManyOnChain = 1246
        package static let prefix = "job.challenge"
    }

    /// - Touches: one job, its order and kernel, the escrow account, the due queue.
    /// - Bounds: gas for each group of the leaf; `JobEntry.challengesMax` for each attempt,
    ///   `Counters.challengesMax` open ones on the chain.
    /// - Source: protocol/jobs.md, "Challenge".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard var job = state.job(self.job) else { throw Failure(Rejection.jobNotFound) }
        guard job.phase == .window, state.now < job.due else {
            throw Failure(Rejection.windowNotOpen)
        }
        guard job.challenge == nil else { throw Failure(Rejection.alreadyChallenged) }
        // Nobody can use up what the requester may ask, or all that the chain may.
        let isRequester = account == job.requester
        let most = JobEntry.challengesMax - (isRequester ? 0 : JobEntry.challengesKept)
        guard job.challenges < most else { throw Failure(Rejection.tooManyChallenges) }
        let open = isRequester ? Counters.challengesMax : Counters.strangersMax
        guard state.counters.challenges < open else { throw Failure(Rejection.tooManyOnChain) }
        guard self.leaf < job.leaves, let work = state.work(of: job) else {
            throw Failure(Rejection.noSuchLeaf)
        }
        let groups = UInt64(work.geometry.groups(ofLeaf: self.leaf).count)
        let (product, overflow) = groups.multipliedReportingOverflow(by: Self.gasPerGroup)
        let gas = overflow ? .max : product
        guard state.ledger.canAfford(gas: gas) else {
            throw Failure(ExecutionRejection.weightAboveMaxFee)
        }
        state.ledger.charge(gas: gas)
        // A piece that is not there could not be answered.
        let bytes = work.geometry.sliceBytes(leaf: self.leaf)
        guard UInt64(self.chunk) < Challenge.chunks(of: bytes) else {
            throw Failure(Rejection.noSuchChunk)
        }
        try state.prepay(&job, by: account)
        var challenge = Challenge()
        challenge.by = account
        challenge.leaf = self.leaf
        challenge.chunk = self.chunk
        challenge.sliceBytes = bytes
        challenge.since = state.moment
        challenge.due = state.later(by: state.parameters.answerMs)
        challenge.windowEnd = job.due
        job.challenge = challenge
        job.challenges += 1
        state.extendWindow(job)
        state.schedule(at: challenge.due, .challenge, job.id.digest)
    }
}

extension Challenge {
    /// Chunks of a slice of so many bytes.
    static func chunks(of bytes: UInt64) -> UInt64 {
        let size = UInt64(Leaf.chunkBytes)
        return bytes / size + (bytes % size == 0 ? 0 : 1)
    }
}
