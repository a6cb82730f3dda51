package import Primitives

extension Chain {
    /// What a local account has to do now; gone from the list once done or too late.
    package enum Duty: Hashable, Sendable {
        /// Run the job and commit its leaf root before the deadline.
        case run(Run)
        /// Provider: the auditor is drawn, or summons; open the sample to it.
        case open(Open)
        /// Re-run the sample, get the provider's openings of it, report.
        case audit(Audit)
        /// Provider: a piece of the output is asked for on the ledger.
        case answer(Answer)

        /// A job assigned to a local account.
        package struct Run: Hashable, Sendable {
            package let job: JobID
            package let attempt: UInt8
            package let provider: AccountID
            /// Canonical `WorkOrder`.
            package let order: [UInt8]
            /// Canonical `KernelPackage`.
            package let kernel: [UInt8]
            package let deadline: LedgerTime
        }

        /// What the sample of a draw follows from, but for the auditor's own pre-image.
        package struct Draw: Hashable, Sendable {
            /// Leaves to be opened.
            package let leavesToAudit: UInt16
            /// Leaves of the whole job.
            package let leaves: UInt64
            /// The beacon's mix.
            package let mix: Digest
            /// What the pre-image leads to in `steps` steps.
            package let link: Digest
            package let steps: UInt16
        }

        /// A commitment of a local account that an auditor looks at.
        package struct Open: Hashable, Sendable {
            package let job: JobID
            package let attempt: UInt8
            package let auditor: AccountID
            /// Signs the auditor's direct requests.
            package let auditorNode: PublicKey
            /// The draw's number in the auditor's own chain.
            package let auditIndex: UInt64
            package let provider: AccountID
            package let draw: Draw
            /// Nil as long as the auditor asks directly.
            package let summons: Summons?
            package let deadline: LedgerTime
        }

        /// What the auditor said on the ledger.
        package struct Summons: Hashable, Sendable {
            package let reveal: Digest
            package let commitment: Digest
        }

        /// How far an audit is.
        package enum Stage: Hashable, Sendable {
            /// The provider is asked directly.
            case drawn
            /// It was summoned and has to open on the ledger.
            case summoned
            /// It opened there: canonical `LeafOpenings`.
            case opened([UInt8])
        }

        /// An audit drawn for a local account.
        package struct Audit: Hashable, Sendable {
            package let job: JobID
            package let attempt: UInt8
            package let auditor: AccountID
            /// The number of the pre-image that names the leaves.
            package let auditIndex: UInt64
            /// The auditor's time from the draw on, milliseconds.
            package let auditorMs: UInt64
            package let provider: AccountID
            /// Signs the provider's openings.
            package let providerNode: PublicKey
            package let order: [UInt8]
            package let kernel: [UInt8]
            package let draw: Draw
            package let leafRoot: Digest
            package let outputCommitment: Digest
            package let stage: Stage
            /// The pre-image, once it was said on the ledger.
            package let reveal: Digest?
            package let deadline: LedgerTime
        }

        /// A piece of the output that somebody paid to see on the ledger.
        package struct Answer: Hashable, Sendable {
            package let job: JobID
            package let provider: AccountID
            package let leaf: UInt64
            /// The first chunk of the leaf's slice.
            package let chunk: UInt32
            package let order: [UInt8]
            package let kernel: [UInt8]
            package let deadline: LedgerTime
        }
    }
}
