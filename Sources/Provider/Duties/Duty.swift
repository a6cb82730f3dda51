package import Kernels
package import Primitives

/// What a local account has to do now; the ledger drops it once done or too late.
package enum Duty: Hashable, Sendable {
    /// Run the job and commit its leaf root.
    case run(Run)
    /// The auditor of a commitment is drawn: open to it the leaves that its chain names.
    case open(Open)
    /// Re-run the leaves that one's own chain names, and vouch, prove or summon.
    case audit(Audit)
    /// Somebody wants a piece of the output on the ledger.
    case answer(Answer)

    /// A job assigned to an account here.
    package struct Run: Hashable, Sendable {
        package let job: JobID
        /// Which attempt at the job this is, from 0.
        package let attempt: UInt8
        package let provider: AccountID
        package let order: WorkOrder
        package let package: KernelPackage

        /// A job assigned to `provider`; order and package in their canonical bytes.
        package init(
            job: JobID, attempt: UInt8, provider: AccountID, order: [UInt8], package: [UInt8]
        ) throws(DecodeError) {
            self.job = job
            self.attempt = attempt
            self.provider = provider
            self.order = try WorkOrder(canonical: order)
            self.package = try KernelPackage(canonical: package)
        }
    }

    /// A commitment of an account here, and the draw of its auditor.
    package struct Open: Hashable, Sendable {
        package let job: JobID
        package let attempt: UInt8
        /// Whoever may see the leaves.
        package let auditor: AccountID
        /// Whose key signs the auditor's requests.
        package let auditorNode: PublicKey
        /// The draw's number in the auditor's own chain.
        package let auditIndex: UInt64
        package let provider: AccountID
        package let draw: Draw
        /// What the auditor said on the ledger; nil before it did.
        package let summons: Summons?

        /// A commitment of `provider`, audited by `auditor`.
        package init(
            job: JobID, attempt: UInt8, auditor: AccountID, auditorNode: PublicKey,
            auditIndex: UInt64, provider: AccountID, draw: Draw, summons: Summons?
        ) {
            self.job = job
            self.attempt = attempt
            self.auditor = auditor
            self.auditorNode = auditorNode
            self.auditIndex = auditIndex
            self.provider = provider
            self.draw = draw
            self.summons = summons
        }
    }

    /// What a summons says on the ledger.
    package struct Summons: Hashable, Sendable {
        /// The number of the auditor's chain, which the ledger found right.
        package let reveal: Digest
        /// What the auditor bound itself to.
        package let commitment: Digest

        /// What the ledger has of a summons.
        package init(reveal: Digest, commitment: Digest) {
            self.reveal = reveal
            self.commitment = commitment
        }
    }

    /// A draw of an account here as the auditor of a commitment.
    package struct Audit: Hashable, Sendable {
        /// How far the audit is on the ledger.
        package enum Stage: Hashable, Sendable {
            /// Nobody said anything there yet.
            case drawn
            /// The auditor summoned the provider.
            case summoned
            /// The provider opened there; the ledger found that it all leads to its commitment.
            case opened(LeafOpenings)
        }

        package let job: JobID
        package let attempt: UInt8
        package let auditor: AccountID
        /// The draw's number in the auditor's own chain.
        package let auditIndex: UInt64
        /// The auditor's time from the draw on, milliseconds.
        package let auditorMs: UInt64
        package let provider: AccountID
        /// Whose key signs the provider's openings.
        package let providerNode: PublicKey
        package let order: WorkOrder
        package let package: KernelPackage
        package let draw: Draw
        package let leafRoot: Digest
        package let outputCommitment: Digest
        package let stage: Stage
        /// The number of the chain, once it was said on the ledger.
        package let reveal: Digest?

        /// A draw of `auditor`; order, package and openings in their canonical bytes.
        ///
        /// - Parameter openings: of the stage `opened`; nil before.
        package init(
            job: JobID, attempt: UInt8, auditor: AccountID, auditIndex: UInt64,
            auditorMs: UInt64, provider: AccountID, providerNode: PublicKey, order: [UInt8],
            package: [UInt8], draw: Draw, leafRoot: Digest, outputCommitment: Digest,
            isSummoned: Bool, openings: [UInt8]?, reveal: Digest?
        ) throws(DecodeError) {
            self.job = job
            self.attempt = attempt
            self.auditor = auditor
            self.auditIndex = auditIndex
            self.auditorMs = auditorMs
            self.provider = provider
            self.providerNode = providerNode
            self.order = try WorkOrder(canonical: order)
            self.package = try KernelPackage(canonical: package)
            self.draw = draw
            self.leafRoot = leafRoot
            self.outputCommitment = outputCommitment
            if let openings {
                self.stage = .opened(try LeafOpenings(canonical: openings))
            } else {
                self.stage = isSummoned ? .summoned : .drawn
            }
            self.reveal = reveal
        }
    }

    /// A challenge to an account here: a piece of its output on the ledger.
    package struct Answer: Hashable, Sendable {
        package let job: JobID
        package let provider: AccountID
        package let leaf: UInt64
        /// The first chunk of the leaf's slice.
        package let chunk: UInt32
        package let order: WorkOrder
        package let package: KernelPackage

        /// A challenge to `provider`; order and package in their canonical bytes.
        package init(
            job: JobID, provider: AccountID, leaf: UInt64, chunk: UInt32, order: [UInt8],
            package: [UInt8]
        ) throws(DecodeError) {
            self.job = job
            self.provider = provider
            self.leaf = leaf
            self.chunk = chunk
            self.order = try WorkOrder(canonical: order)
            self.package = try KernelPackage(canonical: package)
        }
    }
}

/// The draw of an auditor: with the right number of its chain it names the leaves to re-run.
///
/// - Source: protocol/jobs.md, "Draw".
package struct Draw: Hashable, Sendable {
    package let leavesToAudit: UInt16
    /// Leaves under the leaf root.
    package let leaves: UInt64
    /// The beacon's mix at the draw.
    package let mix: Digest
    /// What the number leads to in `steps` steps of the chain.
    package let link: Digest
    package let steps: UInt16

    /// What the ledger has of a draw.
    package init(leavesToAudit: UInt16, leaves: UInt64, mix: Digest, link: Digest, steps: UInt16) {
        self.leavesToAudit = leavesToAudit
        self.leaves = leaves
        self.mix = mix
        self.link = link
        self.steps = steps
    }

    /// True if this is the number of the chain; nobody but the auditor knows it before it says it.
    ///
    /// - Bounds: `steps` hashes.
    func isRight(_ reveal: Digest) -> Bool {
        // What the ledger has already is no secret: it would let others name the leaves.
        guard self.steps > 0 else { return false }
        var value = reveal
        for _ in 0..<self.steps { value = Blake2b.hash(.reveal, .none, value.bytes) }
        return value == self.link
    }

    /// The leaves that the number names, in the order of the openings.
    func sample(_ reveal: Digest, of job: JobID, _ chain: ChainSalt) -> [UInt64] {
        Sample.leaves(
            self.leavesToAudit, of: self.leaves, reveal: reveal, mix: self.mix, job: job, chain)
    }
}
