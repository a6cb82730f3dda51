package import Kernels
import Ledger
package import Primitives

/// Proves that one leaf of a provider is wrong: every validator re-runs it.
package struct JobProve: Operation {
    package static let tag: UInt16 = 0x0308
    package static let name = "job.prove"
    package static let summary = "Proves that one leaf of a provider is wrong, by a re-run of it."

    package var job: JobID = .zero
    /// Which provider's leaf: the job's attempt, or one before it.
    package var attempt: UInt8 = 0
    /// The provider's leaf; the path to the output may be empty.
    package var opening: LeafOpening = .blank
    /// What the leaf reads of its inputs.
    package var witness: LeafWitness = .blank

    package init() {}

    package init(job: JobID, attempt: UInt8, opening: LeafOpening, witness: LeafWitness) {
        self.job = job
        self.attempt = attempt
        self.opening = opening
        self.witness = witness
    }

    package static var blank: JobProve { JobProve() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.field("attempt", &self.attempt)
        try visitor.field("opening", &self.opening)
        try visitor.field("witness", &self.witness)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case jobNotFound = 1200
        case attemptNotFound = 1201
        case tooLate = 1202
        case alreadyProved = 1203
        case leafNotInRoot = 1204
        case orderUnreadable = 1205
        case refereeLaneBusy = 1206
        case witnessWrong = 1207
        case witnessIncomplete = 1208
        case leafIsRight = 1209
        package static let prefix = "job.prove"
    }

    /// - Touches: one job, an attempt, the offer, the auditor's stake, one referee run.
    /// - Bounds: `LeafWitness.bytesMax`; gas of one leaf, which is paid before the run.
    /// - Source: protocol/jobs.md, "Fraud proofs".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard let job = state.job(self.job) else { throw Failure(Rejection.jobNotFound) }
        let past = try self.pastAttempt(of: job, &state)
        let isMember = self.opening.leads(
            to: past?.leafRoot ?? job.leafRoot, of: job.leaves, job: job.id,
            provider: past?.provider ?? job.provider, state.salt)
        guard isMember else { throw Failure(Rejection.leafNotInRoot) }
        guard let work = state.work(of: job) else { throw Failure(Rejection.orderUnreadable) }
        let gas = work.geometry.leafGas
        guard state.blockTakes(proof: gas) else { throw Failure(Rejection.refereeLaneBusy) }
        guard state.ledger.canAfford(gas: gas) else {
            throw Failure(ExecutionRejection.weightAboveMaxFee)
        }
        // Paid by its bound, before the referee runs: a false proof costs its fee and its gas.
        state.charge(proof: gas)
        guard let found = try self.rerun(work, &state) else {
            state.kernelIsFaulty(job, gas: past == nil ? gas : 0, by: account)
            return
        }
        guard found != self.opening.sliceRoot else { throw Failure(Rejection.leafIsRight) }
        if let past {
            state.leafIsWrongAgain(job, self.attempt, past, self.opening.index, by: account)
        } else {
            state.leafIsWrong(job, self.opening.index, by: account)
        }
    }

    /// The ended attempt that the proof is about; nil if it is the job's present one.
    private func pastAttempt(
        of job: JobEntry, _ state: inout EconomyState
    ) throws(Failure) -> AttemptEntry? {
        if self.attempt == job.attempt, job.isProvable { return nil }
        let key = AttemptKey(job: job.id, number: self.attempt)
        guard let past = state.read(EconomyTable.attempt, key), past.end != .uncommitted else {
            throw Failure(Rejection.attemptNotFound)
        }
        let end = past.ended.time.adding(ms: state.parameters.liabilityMs)
        guard let end, state.now < end else { throw Failure(Rejection.tooLate) }
        // Once more, where the auditor vouched for the leaf: no other leaf saves it.
        let leaf = self.opening.index
        guard past.leaf != leaf,
            !past.isRepeated || past.vouched(for: leaf, of: job, state.salt)
        else { throw Failure(Rejection.alreadyProved) }
        return past
    }

    /// The slice root that the leaf must have; nil if the kernel broke its bound.
    private func rerun(
        _ work: (kernel: Kernel, order: WorkOrder, geometry: Geometry),
        _ state: inout EconomyState
    ) throws(Failure) -> Digest? {
        var referee = Referee(work.kernel)
        do throws(WitnessError) {
            let run = try referee.run(
                leaf: self.opening.index, launch: 0, order: work.order, geometry: work.geometry,
                witness: self.witness)
            return Leaf.sliceRoot(run.slice)
        } catch {
            switch error {
            case .referee(.gasExhausted): return nil
            case .incomplete(let buffer, let chunk):
                state.explanation = "the leaf reads chunk \(chunk) of buffer \(buffer)"
                throw Failure(Rejection.witnessIncomplete)
            case .tooLarge, .malformed, .doesNotLead, .referee:
                state.explanation = "\(error)"
                throw Failure(Rejection.witnessWrong)
            }
        }
    }
}

extension JobEntry {
    /// A provider is bound to leaves, and the job is not paid yet.
    var isProvable: Bool {
        switch self.phase {
        case .drawn, .summoned, .opened, .window: true
        default: false
        }
    }
}
