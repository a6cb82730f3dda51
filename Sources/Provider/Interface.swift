package import Kernels
package import Primitives

// What goes into a provider and what comes out. Node routes all of it and decides nothing.

/// Whom a message is for.
package enum Party: Hashable, Sendable {
    /// Some node that acts for the account.
    case account(AccountID)
    /// The node that asked.
    case node(PublicKey)
}

extension Provider {
    /// What happened.
    package enum Input: Sendable {
        /// Everything that the local accounts have to do now.
        case duties([Duty])
        /// A kernel was published: the canonical bytes of its package.
        case published([UInt8])
        /// Records kept before a restart.
        case restored([JobRecord])
        /// The secret from which the salts of a job's leaves come.
        case secret(JobID, Digest)
        /// The blob is in this node's store.
        case fetched(BlobID)
        /// Nobody gave it; it is asked for again later.
        case fetchFailed(BlobID, text: String)
        /// A worker finished the job.
        case executed(JobID, Execution)
        /// It did not; `code` is stable, `text` is for people.
        case executionFailed(JobID, code: String, text: String)
        /// A record is on disk.
        case kept(JobID)
        /// The referee re-ran leaves, in the order asked.
        case refereed(RefereeRun, [LeafResult])
        /// It could not, or it could gather no proof; `isFinal` if no repetition can mend it.
        case refereeFailed(RefereeRun, text: String, isFinal: Bool)
        /// What a leaf reads, and the slice that the referee made of it; answers `gatherProof`.
        case proof(RefereeRun, leaf: UInt64, witness: LeafWitness, sliceRoot: Digest)
        /// A number of the auditor's own chain; nil if this node does not hold that chain.
        case auditReveal(JobID, auditor: AccountID, Digest?)
        /// The node's signature over `digest`; answers `signTranscript`.
        case transcriptSigned(JobID, auditor: AccountID, digest: Digest, Signature)
        /// One leaf's slice of an output; answers `readSlice`.
        case slice(JobID, leaf: UInt64, [UInt8])
        /// The output is not there, or cannot be read.
        case sliceFailed(JobID, leaf: UInt64, text: String)
        /// The ledger took an intent into its pool, or said why not.
        case intended(JobID, Intent.Kind, refusal: String?)
        /// A node said this to `to`; `acting` are the accounts that it proved to act for.
        case received(Message, from: PublicKey, acting: [AccountID], to: AccountID)
        /// No node that acts for the account is connected: a message for it went nowhere.
        case unreachable(AccountID)
        /// How far the ledger is with a job; answers `lookUp`.
        case standing(JobID, JobStanding)
        /// A client here asks for one opening of a committed job.
        case openingWanted(JobCommitment, leaf: UInt64, token: UInt64)
        /// A client here asks where the output of a committed job is.
        case outputWanted(JobCommitment, token: UInt64)
        /// The offer that this node wants and those that stand; the difference is posted or
        /// withdrawn.
        case market(wanted: OfferTerms?, account: AccountID, standing: [OfferID])
        case expired(Timer)
    }

    /// What is to be done.
    package enum Effect: Hashable, Sendable {
        /// Derive the job's secret from the node key: `secret`.
        case derive(JobID)
        /// Bring a blob of at most `bytesMax` bytes here, for a job; then `fetched` or
        /// `fetchFailed`. One that is here already is `fetched` at once.
        case fetch(BlobID, job: JobID, bytesMax: UInt64)
        /// Compile a kernel for the devices here, before anybody orders it. Nobody waits for it.
        case prepare(KernelPackage)
        /// Run the job in a worker; its inputs are here.
        case execute(JobID, package: KernelPackage, order: WorkOrder)
        /// Stop running it.
        case cancel(JobID)
        /// Re-run leaves on the referee, on another thread; the job's inputs are here.
        case referee(RefereeRun, package: KernelPackage, order: WorkOrder, leaves: [UInt64])
        /// Gather what one leaf reads, on another thread; then `proof` or `refereeFailed`.
        case gatherProof(RefereeRun, package: KernelPackage, order: WorkOrder, leaf: UInt64)
        /// Say number `index` of the auditor's own chain: `auditReveal`.
        case revealAudit(JobID, auditor: AccountID, index: UInt64)
        /// Sign with the node key: `transcriptSigned`.
        case signTranscript(JobID, auditor: AccountID, digest: Digest)
        /// Read one leaf's slice of the slice-major output; then `slice` or `sliceFailed`.
        case readSlice(
            JobID, blob: BlobID, leaf: UInt64, package: KernelPackage, order: WorkOrder)
        /// Write the record durably, over an older one, then say `kept`.
        case keep(JobRecord)
        /// The job is over: its record may go.
        case forget(JobID)
        /// Say this on the ledger.
        case intend(JobID, Intent, account: AccountID)
        /// Say this to another provider, auditor or requester, perhaps of this very node.
        case send(Message, from: AccountID?, to: Party)
        /// How far is the job in the final state? Answered by `standing`.
        case lookUp(JobID)
        case opened(token: UInt64, JobID, LeafOpening)
        /// The output is in this node's store.
        case output(token: UInt64, JobOutput)
        /// Not to be had; the text says why.
        case notHere(token: UInt64, JobID, text: String)
        /// Not to be had now; asking again later may help.
        case notYet(token: UInt64, JobID, text: String)
        case schedule(Timer, at: Instant)
        /// Something a person should know.
        case report(ProviderReport)
    }

    /// A timer is a value; one that no longer matters is ignored.
    package enum Timer: Hashable, Sendable {
        case retryWork(JobID)
        case retryInspection(JobID, auditor: AccountID)
        /// A second proof against an attempt that is over.
        case retryProof(JobID, attempt: UInt8)
        /// The openings that a summons asks for.
        case retryOpen(JobID)
        /// The slice that a challenge asks for.
        case retryAnswer(JobID)
        case retryFetch(BlobID)
        /// An offer that the pool took has not come to stand.
        case retryOffer
        /// Offers whose withdrawal the pool took still stand.
        case retryWithdrawal
        /// An auditor says its request again: messages may be lost.
        case askAgain(JobID, auditor: AccountID)
        /// What an auditor waits for in draw number `index` of its chain may be lost.
        case watch(JobID, auditor: AccountID, index: UInt64)
        /// Half of its time is over: an auditor gives the draw back if it cannot re-run the job.
        case decline(JobID, auditor: AccountID, index: UInt64)
        /// A client's question took its time.
        case question(token: UInt64)
    }
}

/// How far the ledger is with a job.
package enum JobStanding: Hashable, Sendable {
    /// An audit is to come: whoever commits must not open.
    case open
    /// Audited: openings spoil nothing any more, and the provider gets its pay.
    case over
    /// Closed without pay: nobody is owed the output.
    case unpaid
    /// The ledger has no such job.
    case unknown

    /// The standing of a phase in the words of the ledger's JSON; nil where there is no such job.
    package init(phase: String?) {
        switch phase {
        case "window", "settled": self = .over
        case "cancelled", "unassigned", "uncommitted", "unaudited", "faulted", "kernelFault",
            "withheld":
            self = .unpaid
        case nil: self = .unknown
        default: self = .open
        }
    }
}

/// What the ledger has of a job after its commitment: enough to check what a stranger says of it.
package struct JobCommitment: Hashable, Sendable {
    package let job: JobID
    /// Zero before there is one.
    package let provider: AccountID
    package let leaves: UInt64
    package let leafRoot: Digest
    package let outputCommitment: Digest
    package let outputBytes: UInt64

    /// The ledger's entry of a job.
    package init(
        job: JobID, provider: AccountID, leaves: UInt64, leafRoot: Digest,
        outputCommitment: Digest, outputBytes: UInt64
    ) {
        self.job = job
        self.provider = provider
        self.leaves = leaves
        self.leafRoot = leafRoot
        self.outputCommitment = outputCommitment
        self.outputBytes = outputBytes
    }
}
