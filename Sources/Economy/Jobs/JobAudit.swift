package import Kernels
import Ledger
package import Primitives

/// The drawn auditor vouches for the drawn leaves.
package struct JobAudit: Operation {
    package static let tag: UInt16 = 0x0307
    package static let name = "job.audit"
    package static let summary = "The drawn auditor vouches for the leaves it re-ran."

    package var job: JobID = .zero
    /// The auditor's pre-image for this draw: names the leaves.
    package var reveal: Digest = .zero
    /// Opens the commitment that the auditor made before it saw the provider's slice roots.
    package var salt: Digest = .zero
    package var openings: LeafOpenings = .blank
    /// The provider's node over ``Transcript/digest(job:auditor:commitment:openings:_:)``; not
    /// looked at where the openings lie on the ledger.
    package var signature: Signature = .blank

    package init() {}

    package static var blank: JobAudit { JobAudit() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.field("reveal", &self.reveal)
        try visitor.field("salt", &self.salt)
        try visitor.field("openings", &self.openings)
        try visitor.field("signature", &self.signature)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case jobNotFound = 1160
        case notTheAuditor = 1161
        case notDrawn = 1162
        case tooLate = 1163
        case revealWrong = 1167
        case wrongLeaves = 1164
        case outputDoesNotOpen = 1165
        case leafNotInRoot = 1166
        case sliceNotInOutput = 1168
        case openingsDiffer = 1169
        case commitmentDiffers = 1170
        case signatureWrong = 1171
        package static let prefix = "job.audit"
    }

    /// - Touches: one job, its openings, the auditor's row, the due queue.
    /// - Bounds: `JobEntry.auditedMax` openings of two paths each; at most 256 steps of a chain.
    /// - Source: protocol/jobs.md, "Audit".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard var job = state.job(self.job) else { throw Failure(Rejection.jobNotFound) }
        guard job.auditor == account, job.drawn != nil else {
            throw Failure(Rejection.notTheAuditor)
        }
        guard job.phase == .drawn || job.phase == .opened else {
            throw Failure(Rejection.notDrawn)
        }
        guard state.now < job.due else { throw Failure(Rejection.tooLate) }
        guard job.isRight(reveal: self.reveal) else { throw Failure(Rejection.revealWrong) }
        state.take(reveal: self.reveal, of: &job)
        let sample = job.sample(state.salt) ?? []
        switch job.fault(of: self.openings, indices: sample, state.salt) {
        case nil: break
        case .wrongLeaves?: throw Failure(Rejection.wrongLeaves)
        case .outputDoesNotOpen?: throw Failure(Rejection.outputDoesNotOpen)
        case .leafNotInRoot?: throw Failure(Rejection.leafNotInRoot)
        case .sliceNotInOutput?: throw Failure(Rejection.sliceNotInOutput)
        }
        try self.checkTranscript(job, &state)
        state.openWindow(job, outputRoot: self.openings.outputRoot)
    }

    /// What shows that the auditor was bound before it saw the provider's slice roots: the
    /// provider's signature, or the commitment in its summons.
    private func checkTranscript(
        _ job: JobEntry, _ state: inout EconomyState
    ) throws(Failure) {
        let commitment = Transcript.commitment(
            salt: self.salt, job: job.id, auditor: job.auditor,
            sliceRoots: self.openings.leaves.map(\.sliceRoot), state.salt)
        let openings = self.openings.hash(state.salt)
        if job.phase == .opened {
            guard openings == job.openingsHash else { throw Failure(Rejection.openingsDiffer) }
            guard commitment == job.auditCommitment else {
                throw Failure(Rejection.commitmentDiffers)
            }
            return
        }
        state.ledger.charge(signatures: 1)
        let digest = Transcript.digest(
            job: job.id, auditor: job.auditor, commitment: commitment, openings: openings,
            state.salt)
        guard job.providerNode.verify(self.signature, digest) else {
            throw Failure(Rejection.signatureWrong)
        }
    }
}
