package import Kernels
import Ledger
package import Primitives

/// Orders work, with the money for it in escrow.
package struct JobPost: Operation {
    package static let tag: UInt16 = 0x0304
    package static let name = "job.post"
    package static let summary = "Orders work; price and audit fee go into escrow."
    /// Bytes of one canonical work order.
    package static let orderMax = 16_384
    /// Leaves audited where the order does not say.
    package static let auditedDefault: UInt64 = 16

    package var order: WorkOrder = .blank
    /// Motes for the work at most; what the drawn offer does not take comes back.
    package var maxPrice: Amount = .zero
    /// Motes for the auditor.
    package var auditFee: Amount = .zero
    /// 0 means the smaller of 16 and all.
    package var leavesToAudit: UInt16 = 0
    package var assignMs: UInt64 = 0
    package var runMs: UInt64 = 0
    package var auditMs: UInt64 = 0
    package var note: [UInt8] = []

    package init() {}

    package static var blank: JobPost { JobPost() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("order", &self.order)
        try visitor.field("maxPrice", &self.maxPrice)
        try visitor.field("auditFee", &self.auditFee)
        try visitor.field("leavesToAudit", &self.leavesToAudit)
        try visitor.field("assignMs", &self.assignMs)
        try visitor.field("runMs", &self.runMs)
        try visitor.field("auditMs", &self.auditMs)
        try visitor.bytes("note", &self.note, max: JobEntry.noteMax)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case deadlineOutOfRange = 1130
        case orderTooLarge = 1131
        case kernelNotFound = 1132
        case kernelNotActive = 1133
        case orderInvalid = 1134
        case auditOutOfRange = 1135
        case escrowOverflows = 1136
        package static let prefix = "job.post"
    }

    /// - Touches: one job, its order, the kernel, the escrow account, draw and due queue.
    /// - Source: protocol/jobs.md, "Post".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        let limits = state.parameters
        guard self.assignMs >= 1, self.assignMs <= limits.assignMsMax,
            self.runMs >= 1, self.runMs <= limits.runMsMax,
            self.auditMs >= 1, self.auditMs <= limits.auditMsMax
        else { throw Failure(Rejection.deadlineOutOfRange) }
        let bytes = self.order.canonicalBytes
        guard bytes.count <= Self.orderMax else { throw Failure(Rejection.orderTooLarge) }
        guard let published = state.kernel(self.order.kernel) else {
            throw Failure(Rejection.kernelNotFound)
        }
        // From the next block on at the earliest: what is compiled is read from the parent's state.
        guard published.activeFrom <= state.now, published.published.height < state.moment.height
        else { throw Failure(Rejection.kernelNotActive) }
        guard let kernel = state.compiled(published) else {
            throw Failure(Rejection.kernelNotFound)
        }
        let geometry: Geometry
        do throws(WorkError) {
            geometry = try kernel.geometry(self.order)
        } catch {
            state.explanation = "\(error)"
            throw Failure(Rejection.orderInvalid)
        }
        let audited =
            self.leavesToAudit == 0
            ? min(geometry.leafCount, Self.auditedDefault) : UInt64(self.leavesToAudit)
        guard audited >= 1, audited <= geometry.leafCount, audited <= UInt64(JobEntry.auditedMax)
        else { throw Failure(Rejection.auditOutOfRange) }
        guard let escrow = self.maxPrice + self.auditFee else {
            throw Failure(Rejection.escrowOverflows)
        }

        var job = JobEntry()
        job.id = JobID(state.freshID(.job))
        job.requester = account
        job.kernel = self.order.kernel
        job.exactness = kernel.exactness.rawValue
        job.leaves = geometry.leafCount
        job.gas = geometry.totalGas
        job.outputBytes = geometry.outputBytes
        job.leavesToAudit = UInt16(clamping: audited)
        job.maxPrice = self.maxPrice
        job.auditFee = self.auditFee
        job.escrow = escrow
        job.runMs = self.runMs
        job.auditMs = self.auditMs
        job.windowMs = limits.windowMs
        job.note = self.note
        job.posted = state.moment
        job.due = state.later(by: self.assignMs)
        try state.deposit(escrow, from: account, to: ModuleAccount.escrow)
        state.openJob(job, order: bytes)
    }
}
