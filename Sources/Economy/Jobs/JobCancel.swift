import Ledger
package import Primitives

/// Takes a job back that no provider has yet.
package struct JobCancel: Operation {
    package static let tag: UInt16 = 0x0305
    package static let name = "job.cancel"
    package static let summary = "Takes back a job that no provider has yet; the escrow returns."

    package var job: JobID = .zero

    package init() {}

    package init(job: JobID) { self.job = job }

    package static var blank: JobCancel { JobCancel() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case jobNotFound = 1140
        case notTheRequester = 1141
        case alreadyAssigned = 1142
        package static let prefix = "job.cancel"
    }

    /// - Touches: one job, the escrow account, the requester's balance.
    /// - Source: protocol/jobs.md, "Cancel".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard let job = state.job(self.job) else { throw Failure(Rejection.jobNotFound) }
        guard job.requester == account else { throw Failure(Rejection.notTheRequester) }
        guard job.phase == .posted else { throw Failure(Rejection.alreadyAssigned) }
        state.close(job, as: .cancelled)
    }
}
