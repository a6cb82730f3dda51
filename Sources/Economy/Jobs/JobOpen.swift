package import Kernels
import Ledger
package import Primitives

/// A request that the summoning auditor's node signed before its summons, for the same draw.
package struct EarlierRequest: Record {
    /// What it bound the auditor to.
    package var commitment: Digest = .zero
    /// The auditor's node over ``Transcript/request(job:auditor:auditIndex:commitment:_:)``.
    package var signature: Signature = .blank

    package init(commitment: Digest, signature: Signature) {
        self.commitment = commitment
        self.signature = signature
    }

    package static var blank: EarlierRequest {
        EarlierRequest(commitment: .zero, signature: .blank)
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("commitment", &self.commitment)
        try visitor.field("signature", &self.signature)
    }
}

/// The provider opens the drawn leaves on the ledger.
package struct JobOpen: Operation {
    package static let tag: UInt16 = 0x030a
    package static let name = "job.open"
    package static let summary = "The summoned provider opens the drawn leaves on the ledger."

    package var job: JobID = .zero
    package var openings: LeafOpenings = .blank
    /// Shows that the auditor bound itself twice; then the openings are not looked at.
    package var earlier: EarlierRequest?

    package init() {}

    package init(job: JobID, openings: LeafOpenings, earlier: EarlierRequest? = nil) {
        self.job = job
        self.openings = openings
        self.earlier = earlier
    }

    package static var blank: JobOpen { JobOpen() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.field("openings", &self.openings)
        try visitor.field("earlier", &self.earlier)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case jobNotFound = 1230
        case notTheProvider = 1231
        case notSummoned = 1232
        case tooLate = 1233
        case earlierIsTheSame = 1238
        case earlierSignatureWrong = 1239
        case wrongLeaves = 1234
        case outputDoesNotOpen = 1235
        case leafNotInRoot = 1236
        case sliceNotInOutput = 1237
        package static let prefix = "job.open"
    }

    /// - Touches: one job, its openings, the escrow account, the due queue.
    /// - Bounds: `JobEntry.auditedMax` openings of two paths each.
    /// - Source: protocol/jobs.md, "Summons".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard var job = state.job(self.job) else { throw Failure(Rejection.jobNotFound) }
        guard job.provider == account, job.assigned != nil else {
            throw Failure(Rejection.notTheProvider)
        }
        guard job.phase == .summoned else { throw Failure(Rejection.notSummoned) }
        guard state.now < job.due else { throw Failure(Rejection.tooLate) }
        if let earlier = self.earlier {
            try Self.check(earlier, of: job, &state)
            state.auditorAskedTwice(job)
            return
        }
        let sample = job.sample(state.salt) ?? []
        switch job.fault(of: self.openings, indices: sample, state.salt) {
        case nil: break
        case .wrongLeaves?: throw Failure(Rejection.wrongLeaves)
        case .outputDoesNotOpen?: throw Failure(Rejection.outputDoesNotOpen)
        case .leafNotInRoot?: throw Failure(Rejection.leafNotInRoot)
        case .sliceNotInOutput?: throw Failure(Rejection.sliceNotInOutput)
        }
        let bytes = self.openings.canonicalBytes
        job.openingsHash = self.openings.hash(state.salt)
        job.openingsBytes = UInt32(clamping: bytes.count)
        state.writePieces(bytes, of: .openings, job.id.digest)
        state.payPrepaid(of: &job, to: job.provider)
        state.enter(.opened, job, forMs: job.auditorMs)
    }

    /// Refuses what does not show that the auditor's node signed another commitment for this draw.
    private static func check(
        _ earlier: EarlierRequest, of job: JobEntry, _ state: inout EconomyState
    ) throws(Failure) {
        guard earlier.commitment != job.auditCommitment else {
            throw Failure(Rejection.earlierIsTheSame)
        }
        state.ledger.charge(signatures: 1)
        let digest = Transcript.request(
            job: job.id, auditor: job.auditor, auditIndex: job.auditIndex,
            commitment: earlier.commitment, state.salt)
        guard let validator = state.read(EconomyTable.validator, job.auditorSeat),
            validator.key.verify(earlier.signature, digest)
        else { throw Failure(Rejection.earlierSignatureWrong) }
    }
}
