import Kernels
import Ledger
package import Primitives

// Faults: an attempt that fails, what it costs, who gets the job next. Nothing here can be
// rejected: whoever calls has proved the fault.
extension EconomyState {
    /// The present provider's leaf is wrong: it is slashed, an auditor that vouched for the leaf
    /// loses its whole stake, and the job goes to another provider.
    mutating func leafIsWrong(_ job: JobEntry, _ leaf: UInt64, by reporter: AccountID) {
        var auditorSlashed: Amount?
        if job.phase == .window, job.sample(self.salt)?.contains(leaf) == true {
            auditorSlashed = self.slashAuditor(
                job.auditor, of: job.id, limit: nil, reason: .vouched, reporter: reporter)
            self.countFault(of: job.auditor)
        }
        self.fail(
            job, as: .wrongLeaf, leaf: leaf, reporter: reporter, auditorSlashed: auditorSlashed)
    }

    /// A second wrong leaf of an attempt that ended: the rest of the bond goes, and the stake of an
    /// auditor that vouched for the leaf, whichever leaf was proved first.
    mutating func leafIsWrongAgain(
        _ job: JobEntry, _ number: UInt8, _ past: AttemptEntry, _ leaf: UInt64,
        by reporter: AccountID
    ) {
        var attempt = past
        if past.vouched(for: leaf, of: job, self.salt) {
            attempt.auditorSlashed = self.slashAuditor(
                past.auditor, of: job.id, limit: nil, reason: .vouched, reporter: reporter)
            attempt.auditorLiable = false
            self.countFault(of: past.auditor)
        }
        let slashed = self.slashProvider(
            of: attempt.offer, limit: nil, job: job.id, reason: .wrongLeaf, reporter: reporter)
        self.countFault(of: attempt.provider)
        attempt.slashed = self.sum(attempt.slashed, slashed, "what was slashed")
        attempt.isRepeated = true
        self.write(EconomyTable.attempt, AttemptKey(job: job.id, number: number), attempt)
    }

    /// Ends the present attempt. Whoever did not commit only loses the attempt; any other end is a
    /// fault, and the bond stays for a second proof. Then the job is posted again, or closed where
    /// that was the last attempt or its output was kept back.
    ///
    /// - Parameter auditorSlashed: what the auditor that vouched for the leaf lost; nil if the leaf
    ///   is not of its sample.
    mutating func fail(
        _ failed: JobEntry, as end: AttemptEnd, leaf: UInt64? = nil, reporter: AccountID? = nil,
        auditorSlashed: Amount? = nil
    ) {
        var job = failed
        self.returnPrepaid(of: &job)
        self.deleteOpenings(of: &job)
        job.challenge = nil
        var attempt = AttemptEntry()
        attempt.end = end
        attempt.offer = job.offer
        attempt.provider = job.provider
        attempt.auditor = end == .uncommitted ? .zero : job.auditor
        attempt.price = job.price
        attempt.leafRoot = job.leafRoot
        attempt.outputCommitment = job.outputCommitment
        attempt.leaf = leaf
        attempt.reporter = reporter
        attempt.auditorSlashed = auditorSlashed ?? .zero
        if job.phase == .window {
            attempt.auditorLiable = auditorSlashed == nil
            attempt.auditReveal = job.auditReveal
            attempt.drawMix = job.drawMix
        }
        attempt.ended = self.moment
        if let reason = end.slashReason {
            attempt.slashed = self.slashProvider(
                of: job.offer, limit: self.limit(of: job.provider, price: job.price), job: job.id,
                reason: reason, reporter: reporter)
            self.countFault(of: job.provider)
            self.holdLiable(job.offer)
        } else {
            self.leaveOffer(job)
        }
        let key = AttemptKey(job: job.id, number: job.attempt)
        self.write(EconomyTable.attempt, key, attempt)
        if end == .withheld {
            self.close(job, as: .withheld, freesOffer: false)
        } else if job.attempt + 1 < AttemptEntry.countMax {
            self.postAgain(job)
        } else {
            self.close(job, as: end == .uncommitted ? .uncommitted : .faulted, freesOffer: false)
        }
    }

    /// The drawn auditor said nothing in its time: a limited slash, whatever it did before, and
    /// another draw.
    mutating func auditorIsSilent(_ job: JobEntry) {
        let most = self.parameters.auditorSlashMax
        // raw: a factor.
        let limit = job.auditFee.mulDiv(UInt128(self.parameters.slashMultiple), 1, .down)
        _ = self.slashAuditor(
            job.auditor, of: job.id, limit: min(limit ?? most, most), reason: .auditorSilent,
            reporter: nil)
        self.drawAnotherAuditor(job)
    }

    /// The summoning auditor had bound itself to another result before: it could have copied what
    /// the provider opened. It loses its whole stake, and the provider has its fee.
    mutating func auditorAskedTwice(_ summoned: JobEntry) {
        var job = summoned
        _ = self.slashAuditor(
            job.auditor, of: job.id, limit: nil, reason: .askedTwice, reporter: nil)
        self.countFault(of: job.auditor)
        self.payPrepaid(of: &job, to: job.provider)
        self.drawAnotherAuditor(job)
    }

    /// Another auditor, other leaves; or the end, where the attempt had all its auditors or, before
    /// the provider was asked, all its time.
    mutating func drawAnotherAuditor(_ before: JobEntry) {
        var job = before
        let wasAsked = job.phase != .drawn
        self.returnPrepaid(of: &job)
        self.deleteOpenings(of: &job)
        job.openingsHash = .zero
        job.auditReveal = .zero
        job.auditCommitment = .zero
        guard job.auditors < self.parameters.auditorsMax, wasAsked || self.now < job.due else {
            self.close(job, as: .unaudited)
            return
        }
        if wasAsked {
            // The provider did its part: the next auditor has the whole time.
            self.enter(.committed, job, forMs: job.auditMs)
        } else {
            job.phase = .committed
            job.since = self.moment
            self.put(job)
        }
        self.awaitAuditor(job.id)
    }

    /// A run took more than the kernel's own bound: its author loses the bond, nobody else
    /// anything. The job ends, unless it is audited: then it is paid as ever.
    ///
    /// - Parameters: gas that was measured for the job's present provider; who proved it. A
    ///   provider that proves it itself is not paid for that.
    package mutating func kernelIsFaulty(_ job: JobEntry, gas: UInt64, by prover: AccountID) {
        if var kernel = self.kernel(job.kernel), !kernel.isFaulty {
            if kernel.bond > .zero {
                let id = HoldID.of(Self.kernelBondPurpose, kernel.id.digest, self.salt)
                self.burn(kernel.bond, of: id)
                var event = SlashEvent()
                event.job = job.id
                event.account = kernel.author
                event.role = .author
                event.reason = .kernelFault
                event.amount = kernel.bond
                event.burned = kernel.bond
                self.emit(event)
            }
            kernel.bond = .zero
            kernel.isFaulty = true
            self.write(EconomyTable.kernel, kernel.id, kernel)
        }
        guard job.phase.isOpen, job.phase != .window else { return }
        self.closeForKernelFault(job, gas: prover == job.provider ? 0 : gas)
    }

    // MARK: Slashes

    /// What a fault may cost: a multiple of the price at first, everything within the memory of an
    /// earlier one.
    ///
    /// - Returns: motes, or nil for everything.
    private mutating func limit(of account: AccountID, price: Amount) -> Amount? {
        if let fault = self.read(EconomyTable.fault, account),
            let end = fault.last.time.adding(ms: self.parameters.faultMemoryMs), self.now < end
        {
            return nil
        }
        // raw: a factor.
        return price.mulDiv(UInt128(self.parameters.slashMultiple), 1, .down)
    }

    private mutating func countFault(of account: AccountID) {
        var fault = self.read(EconomyTable.fault, account) ?? FaultEntry()
        fault.count = fault.count &+ 1
        fault.last = self.moment
        self.write(EconomyTable.fault, account, fault)
    }

    /// Takes at most `limit` of an offer's bond; the entry shrinks with the hold.
    ///
    /// - Returns: what was taken.
    private mutating func slashProvider(
        of id: OfferID, limit: Amount?, job: JobID, reason: SlashReason, reporter: AccountID?
    ) -> Amount {
        guard var offer = self.offer(id) else { return .zero }
        let amount = min(limit ?? offer.bond, offer.bond)
        guard amount > .zero else { return .zero }
        let hold = HoldID.of(Self.bondPurpose, offer.id.digest, self.salt)
        let split = self.slash(amount, of: hold, owner: offer.provider, reporter: reporter)
        offer.bond = self.less(offer.bond, amount, "a bond")
        self.put(offer)
        var counters = self.counters
        counters.bonds = self.less(counters.bonds, amount, "the sum of bonds")
        self.counters = counters
        self.emit(
            split, job: job, account: offer.provider, role: .provider, reason: reason,
            reporter: reporter)
        return amount
    }

    private mutating func slashAuditor(
        _ auditor: AccountID, of job: JobID, limit: Amount?, reason: SlashReason,
        reporter: AccountID?
    ) -> Amount {
        let taken = self.slashStake(of: auditor, limit: limit, reporter: reporter)
        guard taken.amount > .zero else { return .zero }
        let split = SlashSplit(
            total: taken.amount, reporter: taken.reporter, cover: taken.cover,
            burned: taken.burned)
        self.emit(
            split, job: job, account: auditor, role: .auditor, reason: reason,
            reporter: reporter)
        return taken.amount
    }

    /// The offer takes no more jobs, and keeps its place and its bond until nobody can prove a
    /// second leaf.
    private mutating func holdLiable(_ id: OfferID) {
        guard var offer = self.offer(id) else { return }
        offer.closing = true
        self.put(offer)
        self.schedule(at: self.later(by: self.parameters.liabilityMs), .liability, id.digest)
    }

    private mutating func emit(
        _ split: SlashSplit, job: JobID, account: AccountID, role: SlashRole,
        reason: SlashReason, reporter: AccountID?
    ) {
        var event = SlashEvent()
        event.job = job
        event.account = account
        event.role = role
        event.reason = reason
        event.amount = split.total
        event.reporter = reporter
        event.toReporter = split.reporter
        event.toCover = split.cover
        event.burned = split.burned
        self.emit(event)
    }

    private mutating func emit(_ event: SlashEvent) {
        self.ledger.emit(Event(kind: SlashEvent.kind, bytes: event.canonicalBytes))
    }
}

extension AttemptEntry {
    /// True if the auditor vouched for a sample with that leaf, and was not found at it yet.
    ///
    /// - Parameter job: the attempt's job, in any later attempt.
    func vouched(for leaf: UInt64, of job: JobEntry, _ salt: ChainSalt) -> Bool {
        self.auditorLiable
            && Sample.leaves(
                job.leavesToAudit, of: job.leaves, reveal: self.auditReveal, mix: self.drawMix,
                job: job.id, salt
            ).contains(leaf)
    }
}

extension AttemptEnd {
    /// What the provider is slashed for; nil where it only loses the attempt.
    fileprivate var slashReason: SlashReason? {
        switch self {
        case .uncommitted: nil
        case .wrongLeaf: .wrongLeaf
        case .silent: .silent
        case .withheld: .withheld
        }
    }
}
