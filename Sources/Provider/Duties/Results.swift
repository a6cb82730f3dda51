package import Primitives

/// What a worker gave back, hashed.
package struct Execution: Hashable, Sendable {
    /// The root of each leaf's slice, in order.
    package let sliceRoots: [Digest]
    /// The slice-major output, kept by the node.
    package let outputBlob: BlobID
    package let outputBytes: UInt64
    /// Time on the device, nanoseconds.
    package let kernelNs: UInt64
    /// The device's name, for people.
    package let device: String

    /// What a worker gave back.
    package init(
        sliceRoots: [Digest], outputBlob: BlobID, outputBytes: UInt64, kernelNs: UInt64,
        device: String
    ) {
        self.sliceRoots = sliceRoots
        self.outputBlob = outputBlob
        self.outputBytes = outputBytes
        self.kernelNs = kernelNs
        self.device = device
    }
}

/// One leaf as the referee computed it.
package struct LeafResult: Hashable, Sendable {
    package let leaf: UInt64
    package let sliceRoot: Digest

    /// What the referee found for `leaf`.
    package init(leaf: UInt64, sliceRoot: Digest) {
        self.leaf = leaf
        self.sliceRoot = sliceRoot
    }
}

/// Why the referee runs; comes back with the results.
package struct RefereeRun: Hashable, Sendable {
    /// Whose question it answers.
    package enum Purpose: Hashable, Sendable {
        /// Before one's own commitment.
        case selfCheck
        /// As a drawn auditor.
        case audit(AccountID)
        /// As an auditor that found a wrong leaf.
        case proof(AccountID)
    }

    package let job: JobID
    package let purpose: Purpose

    /// A run for one job.
    package init(job: JobID, purpose: Purpose) {
        self.job = job
        self.purpose = purpose
    }
}

/// Something that a person should know, beside the ordinary course.
package enum ProviderReport: Hashable, Sendable {
    /// A step of a job failed; it is tried again if `retried`.
    case failed(JobID, code: String, text: String, retried: Bool)
    /// The device and the referee disagree: not committed, nothing is lost but the job.
    case selfCheckFailed(JobID, leaf: UInt64)
    case committed(JobID, leaves: Int, kernelNs: UInt64, device: String)
    /// The drawn auditor cannot be answered: no record of the job.
    case cannotOpen(JobID, to: AccountID)
    /// A challenge cannot be answered.
    case cannotAnswer(JobID, leaf: UInt64, text: String)
    /// The provider committed to a leaf that is not what this auditor computed.
    case disagreed(JobID, leaf: UInt64)
    /// A leaf is wrong and no proof of it can be made.
    case cannotProve(JobID, leaf: UInt64, text: String)
    /// The provider's answer is missing or bent: this auditor asks on the ledger.
    case summoning(JobID, text: String)
    case agreed(JobID, leaves: Int)
    /// The ledger refused what this node wanted to say.
    case refused(JobID, Intent.Kind, String)
}
