import Kernels
import Primitives

// Wrong leaves: the first ends the attempt, a second takes the rest of the bond.

extension Provider {
    mutating func onProof(
        _ run: RefereeRun, _ leaf: UInt64, _ witness: LeafWitness, _ sliceRoot: Digest,
        _ outbox: inout Outbox<Effect>
    ) {
        guard case .proof(let auditor) = run.purpose else { return }
        let index = self.seconds.firstIndex {
            $0.isGathering(run.job, auditor) && $0.opening.index == leaf
        }
        if let index {
            guard self.seconds[index].onProof(witness, sliceRoot) else {
                self.seconds.remove(at: index)
                return
            }
            return self.saySeconds(into: &outbox)
        }
        var second: SecondProof?
        self.withInspection(run.job, auditor) {
            second = $0.onProof(leaf, witness, sliceRoot, into: &outbox)
        }
        guard let second else { return }
        if self.seconds.count >= SecondProof.countMax { self.seconds.removeFirst() }
        second.gather(into: &outbox)
        self.seconds.append(second)
    }

    mutating func onProofFailed(
        _ job: JobID, _ auditor: AccountID, _ text: String, isFinal: Bool, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        let at = now.adding(ms: self.config.retryMs)
        var isFirst = false
        self.withInspection(job, auditor) { inspection in
            let goesOn = inspection.onProofFailed(text, isFinal: isFinal, into: &outbox)
            isFirst = goesOn != nil
            guard goesOn == true else { return }
            outbox.append(.schedule(.retryInspection(job, auditor: auditor), at: at))
        }
        guard !isFirst,
            let index = self.seconds.firstIndex(where: { $0.isGathering(job, auditor) })
        else { return }
        if !isFinal, self.seconds[index].mayGatherAgain() {
            let attempt = self.seconds[index].duty.attempt
            outbox.append(.schedule(.retryProof(job, attempt: attempt), at: at))
            return
        }
        outbox.append(
            .report(.cannotProve(job, leaf: self.seconds[index].opening.index, text: text)))
        self.seconds.remove(at: index)
    }

    /// Says what is gathered against attempts that are over: their audits are gone.
    mutating func saySeconds(into outbox: inout Outbox<Effect>) {
        self.seconds.removeAll { !$0.isWaiting }
        for index in self.seconds.indices
        where !self.seconds[index].isSaid && !self.isAudited(self.seconds[index].duty) {
            self.seconds[index].say(into: &outbox)
        }
    }

    private func isAudited(_ duty: Duty.Audit) -> Bool {
        self.inspections.contains { $0.isSameDraw(duty) }
    }

    /// The ledger took or refused a proof that was not the first of its attempt.
    mutating func onSecondIntended(
        _ job: JobID, _ refusal: String?, at: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard
            let index = self.seconds.firstIndex(where: {
                $0.duty.job == job && $0.isSaid && $0.isWaiting
            })
        else { return }
        guard refusal != nil else { return self.seconds[index].onTaken() }
        let attempt = self.seconds[index].duty.attempt
        outbox.append(.schedule(.retryProof(job, attempt: attempt), at: at))
    }

    mutating func retryProof(
        _ job: JobID, _ attempt: UInt8, _ outbox: inout Outbox<Effect>
    ) {
        for index in self.seconds.indices
        where self.seconds[index].duty.job == job && self.seconds[index].duty.attempt == attempt {
            if self.seconds[index].isSaid {
                self.seconds[index].say(into: &outbox)
            } else if self.seconds[index].isGathering(job, self.seconds[index].duty.auditor) {
                self.seconds[index].gather(into: &outbox)
            }
        }
    }
}
