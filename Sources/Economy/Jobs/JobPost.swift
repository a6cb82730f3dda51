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
    /// Leaves audited at most where the order does not say.
    package static let auditedDefault: UInt64 = 16
    /// One in so many is audited where the order does not say, at least one.
    package static let leavesPerAudited: UInt64 = 64

    package var order: WorkOrder = .blank
    /// Motes for the work at most; what the drawn offer does not take comes back.
    package var maxPrice: Amount = .zero
    /// Motes for the auditor.
    package var auditFee: Amount = .zero
    /// 0 means one in 64, at least 1, at most 16.
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
        case priceIsZero = 1145
        case deadlineOutOfRange = 1130
        case orderTooLarge = 1131
        case kernelNotFound = 1132
        case kernelFaulty = 1138
        case kernelRetired = 1137
        case kernelNotActive = 1133
        case orderInvalid = 1134
        case auditOutOfRange = 1135
        case auditTooShort = 1139
        case escrowOverflows = 1136
        package static let prefix = "job.post"
    }

    /// - Touches: one job, its order, the kernel, the escrow account, draw and due queue.
    /// - Source: protocol/jobs.md, "Post".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        let limits = state.parameters
        // Without a price nothing would be at stake, and draws of nothing would cost nothing.
        guard self.maxPrice > .zero else { throw Failure(Rejection.priceIsZero) }
        guard self.assignMs >= 1, self.assignMs <= limits.assignMsMax,
            self.runMs >= 1, self.runMs <= limits.runMsMax,
            self.auditMs <= limits.auditMsMax
        else { throw Failure(Rejection.deadlineOutOfRange) }
        let bytes = self.order.canonicalBytes
        guard bytes.count <= Self.orderMax else { throw Failure(Rejection.orderTooLarge) }
        guard let published = state.kernel(self.order.kernel) else {
            throw Failure(Rejection.kernelNotFound)
        }
        guard !published.isFaulty else { throw Failure(Rejection.kernelFaulty) }
        guard !published.isRetired else { throw Failure(Rejection.kernelRetired) }
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
        let (audited, auditorMs) = try self.audit(of: geometry, &state)
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
        job.fees = limits.fees
        job.maxPrice = self.maxPrice
        job.auditFee = self.auditFee
        job.escrow = escrow
        job.assignMs = self.assignMs
        job.runMs = self.runMs
        job.auditMs = self.auditMs
        job.auditorMs = auditorMs
        job.windowMs = limits.windowMs
        job.note = self.note
        job.posted = state.moment
        job.due = state.later(by: self.assignMs)
        try state.deposit(escrow, from: account, to: ModuleAccount.escrow)
        state.openJob(job, order: bytes)
    }

    /// How many leaves an auditor re-runs, and how long it has.
    private func audit(
        of geometry: Geometry, _ state: inout EconomyState
    ) throws(Failure) -> (leaves: UInt64, auditorMs: UInt64) {
        let audited =
            self.leavesToAudit == 0
            ? min(Self.auditedDefault, max(1, geometry.leafCount / Self.leavesPerAudited))
            : UInt64(self.leavesToAudit)
        guard audited >= 1, audited <= geometry.leafCount, audited <= UInt64(JobEntry.auditedMax)
        else { throw Failure(Rejection.auditOutOfRange) }
        let auditorMs = state.parameters.auditorMs(
            leafGas: geometry.leafGas, leaves: audited, inputBytes: geometry.inputBytes)
        let auditMsMin = Parameters.auditMsMin(auditorMs: auditorMs)
        guard self.auditMs >= auditMsMin else {
            state.explanation = "auditMs is at least \(auditMsMin) for this sample"
            throw Failure(Rejection.auditTooShort)
        }
        return (audited, auditorMs)
    }
}

extension Geometry {
    /// Bytes of all inputs together; the largest number if that is more.
    var inputBytes: UInt64 {
        self.inputs.reduce(0) { sum, input in
            let (next, overflow) = sum.addingReportingOverflow(input.bytes)
            return overflow ? .max : next
        }
    }
}
