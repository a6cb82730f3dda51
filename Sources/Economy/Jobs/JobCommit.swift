import Ledger
package import Primitives

/// The provider binds itself to its leaves and its output.
package struct JobCommit: Operation {
    package static let tag: UInt16 = 0x0306
    package static let name = "job.commit"
    package static let summary = "The provider binds itself to its leaves and its output."

    package var job: JobID = .zero
    package var leafRoot: Digest = .zero
    /// H(.output, salt | outputRoot).
    package var outputCommitment: Digest = .zero

    package init() {}

    package init(job: JobID, leafRoot: Digest, outputCommitment: Digest) {
        self.job = job
        self.leafRoot = leafRoot
        self.outputCommitment = outputCommitment
    }

    package static var blank: JobCommit { JobCommit() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.field("leafRoot", &self.leafRoot)
        try visitor.field("outputCommitment", &self.outputCommitment)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case jobNotFound = 1150
        case notTheProvider = 1151
        case notRunning = 1152
        case tooLate = 1153
        package static let prefix = "job.commit"
    }

    /// - Touches: one job, draw and due queue.
    /// - Source: protocol/jobs.md, "Commit".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard var job = state.job(self.job) else { throw Failure(Rejection.jobNotFound) }
        guard job.provider == account, job.assigned != nil else {
            throw Failure(Rejection.notTheProvider)
        }
        guard job.phase == .assigned else { throw Failure(Rejection.notRunning) }
        guard state.now < job.due else { throw Failure(Rejection.tooLate) }
        job.leafRoot = self.leafRoot
        job.outputCommitment = self.outputCommitment
        job.committed = state.moment
        state.freePlace(of: job.offer)
        state.enter(.committed, job, forMs: job.auditMs)
        state.awaitAuditor(job.id)
    }
}
