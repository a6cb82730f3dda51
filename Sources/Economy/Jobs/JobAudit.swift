import Kernels
import Ledger
package import Primitives

/// One opened leaf as the ledger checks it.
package struct LeafOpening: Record {
    /// A path of 64 siblings serves 2^64 leaves.
    package static let pathMax = 64

    package var index: UInt64 = 0
    package var salt: Digest = .zero
    package var sliceRoot: Digest = .zero
    package var workDigest: Digest = .zero
    package var path: [Digest] = []

    package init() {}

    package static var blank: LeafOpening { LeafOpening() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("index", &self.index)
        try visitor.field("salt", &self.salt)
        try visitor.field("sliceRoot", &self.sliceRoot)
        try visitor.field("workDigest", &self.workDigest)
        try visitor.list("path", &self.path, max: Self.pathMax)
    }
}

/// The drawn auditor vouches for the drawn leaves.
package struct JobAudit: Operation {
    package static let tag: UInt16 = 0x0307
    package static let name = "job.audit"
    package static let summary = "The drawn auditor vouches for the leaves it re-ran."

    package var job: JobID = .zero
    package var openings: [LeafOpening] = []
    package var outputRoot: Digest = .zero
    package var outputSalt: Digest = .zero

    package init() {}

    package static var blank: JobAudit { JobAudit() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.list("openings", &self.openings, max: JobEntry.auditedMax)
        try visitor.field("outputRoot", &self.outputRoot)
        try visitor.field("outputSalt", &self.outputSalt)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case jobNotFound = 1160
        case notTheAuditor = 1161
        case notDrawn = 1162
        case tooLate = 1163
        case wrongLeaves = 1164
        case outputDoesNotOpen = 1165
        case leafNotInRoot = 1166
        package static let prefix = "job.audit"
    }

    /// - Touches: one job, the due queue.
    /// - Bounds: `JobEntry.auditedMax` openings of at most 64 siblings each.
    /// - Source: protocol/jobs.md, "Audit".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard var job = state.job(self.job) else { throw Failure(Rejection.jobNotFound) }
        guard job.auditor == account, job.drawn != nil else {
            throw Failure(Rejection.notTheAuditor)
        }
        guard job.phase == .drawn else { throw Failure(Rejection.notDrawn) }
        guard state.now < job.due else { throw Failure(Rejection.tooLate) }
        guard self.openings.map(\.index) == job.indices else {
            throw Failure(Rejection.wrongLeaves)
        }
        let output = Blake2b.pair(.output, state.salt, self.outputSalt, self.outputRoot)
        guard output == job.outputCommitment else { throw Failure(Rejection.outputDoesNotOpen) }
        for opening in self.openings {
            let leaf = Leaf.digest(
                salt: opening.salt, job: job.id, provider: job.provider, launch: 0,
                index: opening.index, sliceRoot: opening.sliceRoot,
                workDigest: opening.workDigest, chain: state.salt)
            let isMember = Merkle.verify(
                leaf: leaf, index: opening.index, count: job.leaves, path: opening.path,
                root: job.leafRoot, .leaves, state.salt)
            guard isMember else { throw Failure(Rejection.leafNotInRoot) }
        }
        job.phase = .window
        job.outputRoot = self.outputRoot
        job.audited = state.moment
        job.due = state.later(by: job.windowMs)
        state.put(job)
        state.schedule(job)
    }
}
