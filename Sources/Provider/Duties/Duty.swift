package import Kernels
package import Primitives

/// What a local account has to do now; the ledger drops it once done or too late.
package enum Duty: Hashable, Sendable {
    /// Run the job and commit its leaf root.
    case run(Run)
    /// The auditor of a commitment is drawn: open these leaves to it.
    case open(Open)
    /// Re-run the drawn leaves and report.
    case audit(Audit)

    /// A job assigned to an account here.
    package struct Run: Hashable, Sendable {
        package let job: JobID
        package let provider: AccountID
        package let order: WorkOrder
        package let package: KernelPackage

        /// A job assigned to `provider`; order and package in their canonical bytes.
        package init(
            job: JobID, provider: AccountID, order: [UInt8], package: [UInt8]
        ) throws(DecodeError) {
            self.job = job
            self.provider = provider
            self.order = try WorkOrder(canonical: order)
            self.package = try KernelPackage(canonical: package)
        }
    }

    /// A commitment of an account here, of which leaves were drawn.
    package struct Open: Hashable, Sendable {
        package let job: JobID
        /// Whoever may see the leaves.
        package let auditor: AccountID
        package let provider: AccountID
        /// The drawn leaves, in the ledger's order.
        package let leaves: [UInt64]

        /// Leaves of a commitment of `provider`, drawn for `auditor`.
        package init(job: JobID, auditor: AccountID, provider: AccountID, leaves: [UInt64]) {
            self.job = job
            self.auditor = auditor
            self.provider = provider
            self.leaves = leaves
        }
    }

    /// Leaves drawn for an account here.
    package struct Audit: Hashable, Sendable {
        package let job: JobID
        package let auditor: AccountID
        package let provider: AccountID
        package let order: WorkOrder
        package let package: KernelPackage
        /// The drawn leaves, in the ledger's order.
        package let leaves: [UInt64]
        /// Leaves under `leafRoot`.
        package let leafCount: UInt64
        package let leafRoot: Digest
        package let outputCommitment: Digest

        /// Leaves drawn for `auditor`; order and package in their canonical bytes.
        package init(
            job: JobID, auditor: AccountID, provider: AccountID, order: [UInt8],
            package: [UInt8], leaves: [UInt64], leafCount: UInt64, leafRoot: Digest,
            outputCommitment: Digest
        ) throws(DecodeError) {
            self.job = job
            self.auditor = auditor
            self.provider = provider
            self.order = try WorkOrder(canonical: order)
            self.package = try KernelPackage(canonical: package)
            self.leaves = leaves
            self.leafCount = leafCount
            self.leafRoot = leafRoot
            self.outputCommitment = outputCommitment
        }
    }
}

/// What a node wants said on the ledger.
package enum Intent: Hashable, Sendable {
    case commit(leafRoot: Digest, outputCommitment: Digest)
    case audit(openings: [Opening], outputRoot: Digest, outputSalt: Digest)
    case offer(OfferTerms)

    /// Which of them, for the answer.
    package enum Kind: Hashable, Sendable {
        case commit
        case audit
        case offer
    }

    /// Which of them.
    package var kind: Kind {
        switch self {
        case .commit: .commit
        case .audit: .audit
        case .offer: .offer
        }
    }
}

/// A standing offer as an operator configures it.
package struct OfferTerms: Hashable, Sendable {
    /// Motes for 10^9 gas.
    package var pricePerGigaGas: Amount
    /// Concurrent jobs.
    package var capacity: UInt16
    /// Exactness classes served, by code.
    package var classes: [UInt8]
    package var maxJobGas: UInt64
    /// Motes held while the offer stands.
    package var bond: Amount
    /// For people.
    package var device: String
    package var standsUntil: LedgerTime

    /// Terms of an offer.
    package init(
        pricePerGigaGas: Amount, capacity: UInt16, classes: [UInt8], maxJobGas: UInt64,
        bond: Amount, device: String, standsUntil: LedgerTime
    ) {
        self.pricePerGigaGas = pricePerGigaGas
        self.capacity = capacity
        self.classes = classes
        self.maxJobGas = maxJobGas
        self.bond = bond
        self.device = device
        self.standsUntil = standsUntil
    }
}
