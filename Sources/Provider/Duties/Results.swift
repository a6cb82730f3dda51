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
    }

    package let job: JobID
    package let purpose: Purpose

    /// A run for one job.
    package init(job: JobID, purpose: Purpose) {
        self.job = job
        self.purpose = purpose
    }
}

/// Enough to recompute one leaf's digest and lead it to the leaf root.
package struct Opening: Hashable, Sendable {
    package let leaf: UInt64
    package let salt: Digest
    package let sliceRoot: Digest
    /// Zero where the kernel declares none.
    package let workDigest: Digest
    package let path: [Digest]

    /// One opened leaf.
    package init(
        leaf: UInt64, salt: Digest, sliceRoot: Digest, workDigest: Digest, path: [Digest]
    ) {
        self.leaf = leaf
        self.salt = salt
        self.sliceRoot = sliceRoot
        self.workDigest = workDigest
        self.path = path
    }
}

/// What provider and auditor say to each other, beside the ledger.
///
/// - Source: protocol/jobs.md, "The blind audit".
package enum Message: Hashable, Sendable {
    case auditRequest(AuditRequest)
    case auditOpenings(AuditOpenings)

    /// The auditor computed the leaves and is bound to its results before it sees the provider's.
    package struct AuditRequest: Hashable, Sendable {
        package let job: JobID
        package let leaves: [UInt64]
        /// H(.audit | salt | job | slice roots in order).
        package let commitment: Digest

        /// A request that binds the auditor.
        package init(job: JobID, leaves: [UInt64], commitment: Digest) {
            self.job = job
            self.leaves = leaves
            self.commitment = commitment
        }
    }

    /// The provider's openings of those leaves, and of its output commitment.
    package struct AuditOpenings: Hashable, Sendable {
        package let job: JobID
        package let openings: [Opening]
        package let outputRoot: Digest
        package let outputSalt: Digest

        /// The provider's answer.
        package init(
            job: JobID, openings: [Opening], outputRoot: Digest, outputSalt: Digest
        ) {
            self.job = job
            self.openings = openings
            self.outputRoot = outputRoot
            self.outputSalt = outputSalt
        }
    }
}

/// Something that a person should know, beside the ordinary course.
package enum ProviderReport: Hashable, Sendable {
    /// A step of a job failed; it is tried again if `retried`.
    case failed(JobID, code: String, text: String, retried: Bool)
    /// The device and the referee disagree: not committed, nothing is lost but the job.
    case selfCheckFailed(JobID, leaf: UInt64)
    case committed(JobID, leaves: Int, kernelNs: UInt64, device: String)
    /// An auditor cannot be answered: no record of the job.
    case cannotOpen(JobID, to: AccountID)
    /// The provider's opening is not what this auditor computed, or does not lead to its root.
    case disagreed(JobID, leaf: UInt64)
    case agreed(JobID, leaves: Int)
    /// The ledger refused what this node wanted to say.
    case refused(JobID, Intent.Kind, String)
}
