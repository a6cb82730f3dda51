import Ledger
package import Primitives

/// The author takes a kernel back.
package struct KernelRetire: Operation {
    package static let tag: UInt16 = 0x030d
    package static let name = "kernel.retire"
    package static let summary = "Takes a kernel back; its bond is free once its jobs are closed."

    package var kernel: KernelID = .zero

    package init() {}

    package init(kernel: KernelID) { self.kernel = kernel }

    package static var blank: KernelRetire { KernelRetire() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("kernel", &self.kernel)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case kernelNotFound = 1260
        case notTheAuthor = 1261
        case alreadyRetired = 1262
        package static let prefix = "kernel.retire"
    }

    /// - Touches: one kernel entry, one hold.
    /// - Source: protocol/jobs.md, "Publish".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard var entry = state.kernel(self.kernel) else { throw Failure(Rejection.kernelNotFound) }
        guard entry.author == account else { throw Failure(Rejection.notTheAuthor) }
        guard !entry.isRetired else { throw Failure(Rejection.alreadyRetired) }
        entry.isRetired = true
        state.settle(entry)
    }
}
