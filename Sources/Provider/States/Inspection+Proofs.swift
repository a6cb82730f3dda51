import Kernels
import Primitives

// A wrong leaf: what it reads is gathered, and the proof goes to the ledger.

extension Inspection {
    /// Begins a proof if a leaf that the provider committed to is not what was computed.
    mutating func dispute(
        _ openings: LeafOpenings, _ results: Results,
        into outbox: inout Outbox<Provider.Effect>
    ) -> Bool {
        let wrong = openings.leaves.filter { opening in
            guard let root = results.sliceRoot(of: opening.index), root != opening.sliceRoot
            else { return false }
            return opening.leads(
                to: self.duty.leafRoot, of: self.duty.draw.leaves, job: self.duty.job,
                provider: self.duty.provider, self.chain)
        }
        guard let first = wrong.first else { return false }
        outbox.append(.report(.disagreed(self.duty.job, leaf: first.index)))
        self.gather(wrong, results, into: &outbox)
        return true
    }

    private mutating func gather(
        _ wrong: [LeafOpening], _ results: Results,
        into outbox: inout Outbox<Provider.Effect>
    ) {
        guard let first = wrong.first else {
            let text = "no proof of a wrong leaf can be made"
            return self.decline(.cannotProve, text, into: &outbox)
        }
        // An answer may repeat a leaf.
        let more = wrong.filter { $0.index != first.index }
        self.gathersAgain = false
        self.phase = .gathering(first, more: more, results)
        outbox.append(
            .gatherProof(
                RefereeRun(job: self.duty.job, purpose: .proof(self.duty.auditor)),
                package: self.duty.package, order: self.duty.order,
                leaf: first.index))
    }

    /// Says the proof; answers another wrong leaf, of which a second one is to be made.
    mutating func onProof(
        _ leaf: UInt64, _ witness: LeafWitness, _ sliceRoot: Digest,
        into outbox: inout Outbox<Provider.Effect>
    ) -> SecondProof? {
        guard case .gathering(let opening, let more, let results) = self.phase,
            opening.index == leaf
        else { return nil }
        // A false proof costs its fee: two runs of the referee that differ prove nothing.
        guard sliceRoot == results.sliceRoot(of: leaf) else {
            self.leafIsUnprovable("the referee contradicts itself", into: &outbox)
            return nil
        }
        let intent = SecondProof.intent(self.duty.attempt, opening, witness)
        self.phase = .proving(intent, results)
        self.say(intent, into: &outbox)
        guard let next = more.first, let root = results.sliceRoot(of: next.index) else {
            return nil
        }
        return SecondProof(duty: self.duty, opening: next, sliceRoot: root)
    }

    /// No proof came. Only a witness that is too large stays so: then the next wrong leaf, if there
    /// is one, else the draw is given back.
    ///
    /// - Returns: nil if no proof was being gathered, true if it is to be tried again.
    mutating func onProofFailed(
        _ text: String, isFinal: Bool, into outbox: inout Outbox<Provider.Effect>
    ) -> Bool? {
        guard case .gathering = self.phase else { return nil }
        guard isFinal else {
            self.gathersAgain = true
            outbox.append(
                .report(
                    .failed(self.duty.job, code: "proof.failed", text: text, retried: true)))
            return true
        }
        self.leafIsUnprovable(text, into: &outbox)
        return false
    }

    private mutating func leafIsUnprovable(
        _ text: String, into outbox: inout Outbox<Provider.Effect>
    ) {
        guard case .gathering(let opening, let more, let results) = self.phase else { return }
        outbox.append(.report(.cannotProve(self.duty.job, leaf: opening.index, text: text)))
        self.gather(more, results, into: &outbox)
    }

    /// Gathers what could not be gathered; true if its inputs are to be asked for, too.
    mutating func gatherAgain(into outbox: inout Outbox<Provider.Effect>) -> Bool {
        guard self.gathersAgain, case .gathering(let opening, let more, let results) = self.phase
        else { return false }
        self.gather([opening] + more, results, into: &outbox)
        return true
    }
}
