import Ledger
package import Primitives

/// Why an auditor gives a draw back.
package enum DeclineReason: UInt8, CodeEnum {
    /// The job cannot be re-run: its inputs are not to be had.
    case inputsMissing = 0
    /// A leaf is wrong, and no proof of it can be made.
    case cannotProve = 1
}

/// The drawn auditor gives its draw back; another one is drawn, and nobody is slashed.
package struct JobDecline: Operation {
    package static let tag: UInt16 = 0x030e
    package static let name = "job.decline"
    package static let summary = "The drawn auditor gives the draw back; another one is drawn."

    package var job: JobID = .zero
    package var reason: DeclineReason = .inputsMissing

    package init() {}

    package init(job: JobID, reason: DeclineReason) {
        self.job = job
        self.reason = reason
    }

    /// - Parameter reason: a number of ``DeclineReason``; any other counts as the first.
    package init(job: JobID, reason: UInt8) {
        self.init(job: job, reason: DeclineReason(rawValue: reason) ?? .inputsMissing)
    }

    package static var blank: JobDecline { JobDecline() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.field("reason", &self.reason)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case jobNotFound = 1270
        case notTheAuditor = 1271
        case notDrawn = 1272
        case tooLate = 1273
        package static let prefix = "job.decline"
    }

    /// - Touches: one job, its openings, draw and due queue.
    /// - Bounds: `Parameters.auditorsMax` draws of an attempt, declined ones included.
    /// - Source: protocol/jobs.md, "Audit".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard let job = state.job(self.job) else { throw Failure(Rejection.jobNotFound) }
        guard job.auditor == account, job.drawn != nil else {
            throw Failure(Rejection.notTheAuditor)
        }
        // Whoever summoned had its inputs.
        guard job.phase == .drawn || (job.phase == .opened && self.reason == .cannotProve) else {
            throw Failure(Rejection.notDrawn)
        }
        guard state.now < job.due else { throw Failure(Rejection.tooLate) }
        state.drawAnotherAuditor(job)
    }
}
