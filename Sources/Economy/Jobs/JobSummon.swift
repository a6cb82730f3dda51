import Ledger
package import Primitives

/// The drawn auditor asks for the openings on the ledger.
package struct JobSummon: Operation {
    package static let tag: UInt16 = 0x0309
    package static let name = "job.summon"
    package static let summary = "The drawn auditor demands the drawn leaves on the ledger."

    package var job: JobID = .zero
    /// The auditor's pre-image for this draw: names the leaves.
    package var reveal: Digest = .zero
    /// Binds the auditor to what it computed, before it sees the provider's slice roots.
    package var commitment: Digest = .zero

    package init() {}

    package init(job: JobID, reveal: Digest, commitment: Digest) {
        self.job = job
        self.reveal = reveal
        self.commitment = commitment
    }

    package static var blank: JobSummon { JobSummon() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.field("reveal", &self.reveal)
        try visitor.field("commitment", &self.commitment)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case jobNotFound = 1220
        case notTheAuditor = 1221
        case notDrawn = 1222
        case tooLate = 1223
        case revealWrong = 1224
        case tooManySummonses = 1225
        package static let prefix = "job.summon"
    }

    /// - Touches: one job, the escrow account, the auditor's row, the due queue.
    /// - Bounds: at most 256 steps of a chain; `Counters.challengesMax` open summonses.
    /// - Source: protocol/jobs.md, "Summons".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard var job = state.job(self.job) else { throw Failure(Rejection.jobNotFound) }
        guard job.auditor == account, job.drawn != nil else {
            throw Failure(Rejection.notTheAuditor)
        }
        guard job.phase == .drawn else { throw Failure(Rejection.notDrawn) }
        guard state.now < job.due else { throw Failure(Rejection.tooLate) }
        guard job.isRight(reveal: self.reveal) else { throw Failure(Rejection.revealWrong) }
        guard state.counters.summonses < Counters.challengesMax else {
            throw Failure(Rejection.tooManySummonses)
        }
        try state.prepay(&job, by: account)
        state.take(reveal: self.reveal, of: &job)
        job.auditCommitment = self.commitment
        state.enter(.summoned, job, forMs: state.parameters.answerMs)
    }
}
