import Kernels
import Ledger
import Primitives

// Who runs a job and who audits it: drawn by the reveals of blocks that come after, weighted by
// what each has to lose.
extension EconomyState {
    /// A job without a qualifying offer is drawn again after this long, then after twice as long
    /// each time.
    static let redrawMs: UInt64 = 500
    /// So often it doubles: 4 s at most.
    static let redrawDoublings: UInt8 = 3
    /// Draws of one auditor that may be open at once: so many steps of its chain are checked.
    package static let auditsOpenMax: UInt64 = 256

    /// Draws for the jobs that were waiting before this block's reveal, committed ones first.
    ///
    /// - Parameter posted: posted jobs in the queue before the block's due work: one that is posted
    ///   again by it is not drawn by a reveal that its proposer knew.
    /// - Bounds: `duePerBlock` jobs of each kind.
    mutating func runDraws(posted: UInt64, mix: Digest) {
        let most = UInt64(self.parameters.duePerBlock)
        let counters = self.counters
        let committed = min(counters.auditTail - counters.auditHead, most)
        var validators = committed > 0 ? self.validators() : []
        for _ in 0..<committed {
            guard let job = self.popCommitted(), job.phase == .committed else { continue }
            if self.kernel(job.kernel)?.isFaulty == true {
                self.closeForKernelFault(job, gas: 0)
            } else {
                self.drawAuditor(job, mix, &validators)
            }
        }
        for _ in 0..<min(posted, most) {
            guard let job = self.popPosted(), job.phase == .posted else { continue }
            if self.kernel(job.kernel)?.isFaulty == true {
                self.closeForKernelFault(job, gas: 0)
            } else {
                self.drawProvider(job, mix)
            }
        }
    }

    /// A number in 0..<bound from mix, job and role; the bias is below 2^-16 of a unit of weight.
    private func draw(_ role: UInt8, _ mix: Digest, _ job: JobID, below bound: UInt128) -> UInt128 {
        var hash = Blake2b(.draw, self.salt)
        hash.update(u8: role)
        hash.update(mix)
        hash.update(job.digest)
        return Self.number(hash.finish()) % bound
    }

    static func number(_ digest: Digest) -> UInt128 {
        digest.bytes.prefix(16).reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    }

    /// Providers of a job's earlier attempts: none of them gets it again.
    mutating func failedProviders(of job: JobEntry) -> [AccountID] {
        (0..<job.attempt).compactMap { number in
            self.read(EconomyTable.attempt, AttemptKey(job: job.id, number: number))?.provider
        }
    }

    private mutating func drawProvider(_ waiting: JobEntry, _ mix: Digest) {
        var job = waiting
        let failed = self.failedProviders(of: job)
        var candidates: [(offer: OfferEntry, price: Amount)] = []
        var weight: UInt128 = 0
        for slot in 0..<self.counters.standing {
            guard let id = self.offerInSlot(slot), let offer = self.offer(id),
                case .success(let price) = offer.fit(
                    job, failed: failed, now: self.now, self.parameters)
            else { continue }
            candidates.append((offer, price))
            weight += offer.bond.units  // raw: a sum of weights; 512 bonds of 2^112 fit 128 bits.
        }
        guard weight > 0 else {
            let doublings = min(job.redraws, Self.redrawDoublings)
            job.redraws = doublings + 1
            self.scheduleDraw(&job, after: Self.redrawMs << UInt64(doublings))
            self.put(job)
            return
        }
        var point = self.draw(0, mix, job.id, below: weight)
        for (candidate, price) in candidates {
            let bond = candidate.bond.units  // raw: as above
            guard point >= bond else {
                var offer = candidate
                offer.running += 1
                offer.open += 1
                self.put(offer)
                job.offer = offer.id
                job.provider = offer.provider
                job.providerNode = offer.node
                job.price = price
                job.bond = offer.bond
                job.candidates = UInt16(clamping: candidates.count)
                // Held of the supply: the sum is an amount.
                job.candidateBond = Amount(weight) ?? .maxSupply
                job.assigned = self.moment
                self.enter(.assigned, job, forMs: job.runMs)
                return
            }
            point -= bond
        }
    }

    private mutating func drawAuditor(
        _ committed: JobEntry, _ mix: Digest, _ validators: inout [Validator]
    ) {
        var job = committed
        guard self.isSeen(since: job.since, validators) else {
            self.awaitAuditor(job.id)
            return
        }
        // Whoever was drawn before and stayed silent is passed over, if there is anybody else.
        let all = validators.indices.filter { seat in
            let one = validators[seat]
            return one.payout != job.provider && one.stake > .zero
                && one.auditsDrawn < UInt64(one.auditCount)
                && one.auditsDrawn - min(one.auditsRevealed, one.auditsDrawn) < Self.auditsOpenMax
        }
        let fresh = all.filter { validators[$0].payout != job.auditor }
        let candidates = fresh.isEmpty ? all : fresh
        // raw: a sum of weights; the stakes are part of the supply.
        let weight = candidates.reduce(UInt128(0)) { $0 + validators[$1].stake.units }
        guard weight > 0 else { return }  // Nobody may: the deadline returns the escrow.
        var point = self.draw(1, mix, job.id, below: weight)
        for seat in candidates {
            let stake = validators[seat].stake.units  // raw: as above
            guard point >= stake else {
                self.assign(&validators[seat], seat, to: &job, mix)
                return
            }
            point -= stake
        }
    }

    /// Binds a draw to the next number of the auditor's chain: the leaves are fixed from here on,
    /// and only the auditor knows them.
    private mutating func assign(
        _ validator: inout Validator, _ seat: Int, to job: inout JobEntry, _ mix: Digest
    ) {
        validator.auditsDrawn += 1
        self.write(EconomyTable.validator, UInt32(clamping: seat), validator)
        job.auditor = validator.payout
        job.auditorStake = validator.stake
        job.auditorSeat = UInt32(clamping: seat)
        job.auditors = job.auditors == .max ? .max : job.auditors + 1
        job.drawMix = mix
        job.auditIndex = validator.auditsDrawn
        job.auditLink = validator.auditReveal
        job.auditSteps = UInt16(clamping: validator.auditsDrawn - validator.auditsRevealed)
        job.auditReveal = .zero
        job.auditCommitment = .zero
        job.phase = .drawn
        job.since = self.moment
        job.drawn = self.moment
        self.scheduleDraw(&job, after: job.auditorMs)
        self.put(job)
    }

    /// Puts the job's one `draw` item into the due queue: an older one has another time.
    mutating func scheduleDraw(_ job: inout JobEntry, after ms: UInt64) {
        job.drawDue = self.later(by: ms)
        self.schedule(at: job.drawDue, .draw, job.id.digest)
    }
}
