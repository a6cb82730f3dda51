import Kernels
import Primitives

/// One job that a local account provides, from assignment to commitment.
struct Work: Sendable {
    private enum Phase: Sendable {
        /// Waits for its inputs and a free place.
        case waiting
        /// Waits for the secret of its salts.
        case deriving
        /// Runs in a worker.
        case running(secret: Digest)
        /// The referee re-runs a few of its leaves.
        case checking(JobRecord, sample: [UInt64])
        /// Its record goes to disk.
        case keeping(JobRecord)
        /// The commitment was handed to the ledger.
        case committing(JobRecord)
        /// The ledger has it.
        case committed
        /// Failed and waits for its retry.
        case failed
        /// The device contradicts the referee, or no record holds the job: nothing is committed.
        case declined
    }

    let run: Duty.Run
    private let chain: ChainSalt
    private var phase = Phase.waiting

    init(run: Duty.Run, chain: ChainSalt) {
        self.run = run
        self.chain = chain
    }

    var job: JobID { self.run.job }

    /// Blobs to be here before it runs.
    var inputs: [JobInput] { JobInput.all(of: self.run.order, self.run.package) }

    /// True before it runs for the first time, and between a failure and its repetition.
    var isWaiting: Bool {
        if case .waiting = self.phase { true } else { false }
    }

    var isCommitted: Bool {
        if case .committed = self.phase { true } else { false }
    }

    /// True while it occupies a place.
    var isRunning: Bool {
        switch self.phase {
        case .deriving, .running, .checking: true
        case .waiting, .keeping, .committing, .committed, .failed, .declined: false
        }
    }

    var phaseName: String {
        switch self.phase {
        case .waiting: "waiting for a free place"
        case .deriving, .running: "running"
        case .checking: "self-check on the referee"
        case .keeping, .committing: "committing"
        case .committed: "committed"
        case .failed: "failed, will be tried again"
        case .declined: "declined"
        }
    }

    /// Starts if it waits, its inputs being here; true if it now occupies a place.
    mutating func start(
        record: JobRecord?, into outbox: inout Outbox<Provider.Effect>
    ) -> Bool {
        guard case .waiting = self.phase else { return false }
        if let record {
            // Ran before a restart: only the commitment is missing.
            self.commit(record, into: &outbox)
            return false
        }
        self.phase = .deriving
        outbox.append(.derive(self.job))
        return true
    }

    mutating func onSecret(_ secret: Digest, into outbox: inout Outbox<Provider.Effect>) {
        guard case .deriving = self.phase else { return }
        self.phase = .running(secret: secret)
        outbox.append(.execute(self.job, package: self.run.package, order: self.run.order))
    }

    /// Has the referee look at a sample; answers the record if it is to be kept at once.
    mutating func onExecuted(
        _ execution: Execution, check sample: [UInt64],
        into outbox: inout Outbox<Provider.Effect>
    ) -> JobRecord? {
        guard case .running(let secret) = self.phase else { return nil }
        guard execution.sliceRoots.count <= JobRecord.leavesMax else {
            self.phase = .declined
            let text = "\(execution.sliceRoots.count) leaves are more than a record holds"
            outbox.append(
                .report(
                    .failed(self.job, code: "job.tooManyLeaves", text: text, retried: false)))
            return nil
        }
        let record = JobRecord(
            job: self.job, provider: self.run.provider, secret: secret, execution: execution)
        guard !sample.isEmpty else {
            self.keep(record, into: &outbox)
            return record
        }
        self.phase = .checking(record, sample: sample)
        outbox.append(
            .referee(
                RefereeRun(job: self.job, purpose: .selfCheck), package: self.run.package,
                order: self.run.order, leaves: sample))
        return nil
    }

    /// Compares with the referee; answers the record once it is to be kept.
    mutating func onSelfCheck(
        _ results: [LeafResult], into outbox: inout Outbox<Provider.Effect>
    ) -> JobRecord? {
        guard case .checking(let record, let sample) = self.phase else { return nil }
        guard results.map(\.leaf) == sample else { return nil }
        for result in results {
            guard let index = Int(exactly: result.leaf), record.sliceRoots.indices.contains(index),
                record.sliceRoots[index] == result.sliceRoot
            else {
                self.phase = .declined
                outbox.append(.report(.selfCheckFailed(self.job, leaf: result.leaf)))
                return nil
            }
        }
        self.keep(record, into: &outbox)
        return record
    }

    mutating func onKept(into outbox: inout Outbox<Provider.Effect>) {
        guard case .keeping(let record) = self.phase else { return }
        self.commit(record, into: &outbox)
        outbox.append(
            .report(
                .committed(
                    self.job, leaves: record.sliceRoots.count, kernelNs: record.kernelNs,
                    device: record.device)))
    }

    mutating func onCommitted() { self.phase = .committed }

    mutating func onFailure(
        code: String, text: String, _ now: Instant, _ retryMs: UInt64,
        into outbox: inout Outbox<Provider.Effect>
    ) {
        if case .keeping = self.phase {
            // The result is there; only its record is not on the disk yet.
            outbox.append(.report(.failed(self.job, code: code, text: text, retried: true)))
            outbox.append(.schedule(.retryWork(self.job), at: now.adding(ms: retryMs)))
            return
        }
        guard self.isRunning else { return }
        self.phase = .failed
        outbox.append(.report(.failed(self.job, code: code, text: text, retried: true)))
        outbox.append(.schedule(.retryWork(self.job), at: now.adding(ms: retryMs)))
    }

    mutating func retry(into outbox: inout Outbox<Provider.Effect>) {
        switch self.phase {
        case .failed: self.phase = .waiting
        case .committing(let record): self.commit(record, into: &outbox)
        case .keeping(let record): self.keep(record, into: &outbox)
        case .waiting, .deriving, .running, .checking, .committed, .declined: break
        }
    }

    private mutating func keep(
        _ record: JobRecord, into outbox: inout Outbox<Provider.Effect>
    ) {
        self.phase = .keeping(record)
        outbox.append(.keep(record))
    }

    private mutating func commit(
        _ record: JobRecord, into outbox: inout Outbox<Provider.Effect>
    ) {
        self.phase = .committing(record)
        outbox.append(
            .intend(
                self.job,
                .commit(
                    leafRoot: record.leafRoot(chain: self.chain),
                    outputCommitment: record.outputCommitment(chain: self.chain)),
                account: self.run.provider))
    }
}
