import Ledger
package import Primitives

// What happens to a job outside its operations: draws, deadlines, settlement. Every open phase has
// an item in the due queue that ends it and returns the escrow.
extension EconomyState {
    /// A job without a qualifying offer is drawn again after this long.
    static let redrawMs: UInt64 = 500
    /// A drawn auditor that says nothing for this long is replaced by another draw. Guess: the
    /// longest audit takes a fraction of it.
    static let auditorSilenceMs: UInt64 = 10_000

    /// Puts a new job into state and queues. The escrow is in the escrow account already.
    mutating func openJob(_ new: JobEntry, order: [UInt8]) {
        var job = new
        var counters = self.counters
        job.sequence = counters.jobs
        counters.jobs += 1
        counters.openJobs += 1
        counters.escrow = self.sum(counters.escrow, job.escrow, "the sum of escrows")
        self.counters = counters
        job.orderBytes = UInt32(clamping: order.count)
        self.put(job)
        self.write(EconomyTable.jobSequence, job.sequence, job.id)
        self.writePieces(order, of: .order, job.id.digest)
        self.schedule(job)
        self.awaitDraw(job.id)
    }

    /// Ends an open job without pay: the whole escrow returns to the requester.
    mutating func close(_ open: JobEntry, as phase: JobPhase) {
        precondition(open.phase.isOpen && !phase.isOpen, "an open job closes once")
        var job = open
        var waterfall = Waterfall.blank
        waterfall.refund = job.escrow
        job.waterfall = waterfall
        job.phase = phase
        self.payOut(job.escrow, to: job.requester)
        self.finish(job)
    }

    /// Pays a job whose window has passed: fee router, author, operator, auditor, refund.
    mutating func settle(_ audited: JobEntry) {
        precondition(audited.phase == .window, "only an audited job is paid")
        var job = audited
        let author = self.kernel(job.kernel)
        let parts = Waterfall.Parts(author: author?.fee ?? .blank)
        var waterfall = Waterfall.divide(job.price, parts, self.parameters)
            .proven("fee and author take at most half each")
        waterfall.auditor = job.auditFee
        waterfall.refund = self.less(job.maxPrice, job.price, "the refund")
        self.payOut(waterfall.stakers, to: ModuleAccount.stakers)
        self.payOut(waterfall.treasury, to: ModuleAccount.treasury)
        self.payOut(waterfall.cover, to: ModuleAccount.cover)
        self.payOut(waterfall.burned, to: .issuance(of: .star))
        self.payOut(waterfall.author, to: author?.author ?? ModuleAccount.treasury)
        self.payOut(waterfall.operator, to: job.provider)
        self.payOut(waterfall.auditor, to: job.auditor)
        self.payOut(waterfall.refund, to: job.requester)
        job.waterfall = waterfall
        job.phase = .settled
        self.finish(job)
    }

    /// The end of every job: sums, the offer's capacity, the moment.
    private mutating func finish(_ ended: JobEntry) {
        var job = ended
        var counters = self.counters
        counters.openJobs = counters.openJobs &- 1
        counters.escrow = self.less(counters.escrow, job.escrow, "the sum of escrows")
        self.counters = counters
        job.escrow = .zero
        job.closed = self.moment
        self.put(job)
        if job.assigned != nil, var offer = self.offer(job.offer), offer.open > 0 {
            offer.open -= 1
            self.settle(offer)
        }
    }

    // MARK: Due work

    /// Does what is due: at most one page, in the order of (time, sequence).
    mutating func runDue() {
        for _ in 0..<self.parameters.duePerBlock {
            guard let item = self.popDue() else { return }
            switch item.kind {
            case .job: self.jobIsDue(JobID(item.subject), item.time)
            case .offer: self.offerIsDue(OfferID(item.subject))
            case .draw: self.drawIsDue(JobID(item.subject))
            }
        }
    }

    private mutating func jobIsDue(_ id: JobID, _ time: LedgerTime) {
        // An item of a phase that ended early carries another time than the job's.
        guard let job = self.job(id), job.phase.isOpen, job.due == time else { return }
        switch job.phase {
        case .posted: self.close(job, as: .unassigned)
        case .assigned: self.close(job, as: .uncommitted)
        case .committed, .drawn: self.close(job, as: .unaudited)
        case .window: self.settle(job)
        case .settled, .cancelled, .unassigned, .uncommitted, .unaudited: return
        }
    }

    private mutating func offerIsDue(_ id: OfferID) {
        guard var offer = self.offer(id), !offer.closing else { return }
        offer.closing = true
        self.settle(offer)
    }

    private mutating func drawIsDue(_ id: JobID) {
        guard var job = self.job(id) else { return }
        switch job.phase {
        case .posted: self.awaitDraw(id)
        case .drawn:
            // An item of an earlier draw is too young for this one.
            guard let drawn = job.drawn,
                let late = drawn.time.adding(ms: Self.auditorSilenceMs), late <= self.now
            else { return }
            job.phase = .committed
            job.proposers = []
            self.put(job)
            self.awaitDraw(id)
        case .assigned, .committed, .window, .settled, .cancelled, .unassigned, .uncommitted,
            .unaudited:
            return
        }
    }

    // MARK: Draws

    /// Draws for the jobs that were waiting before this block's reveal.
    mutating func runDraws(proposer: NodeID, mix: Digest) {
        let waiting = self.counters.drawTail - self.counters.drawHead
        let validators = self.validators()
        for _ in 0..<min(waiting, UInt64(self.parameters.duePerBlock)) {
            guard let id = self.popDraw(), let job = self.job(id) else { continue }
            switch job.phase {
            case .posted: self.drawProvider(job, mix)
            case .committed: self.drawAuditor(job, proposer, mix, validators)
            case .assigned, .drawn, .window, .settled, .cancelled, .unassigned, .uncommitted,
                .unaudited:
                continue
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

    /// What an offer asks for the job, if it qualifies.
    ///
    /// - Rounding: up, for the provider.
    package func price(of offer: OfferEntry, for job: JobEntry) -> Amount? {
        guard !offer.closing, offer.open < offer.capacity, offer.standsUntil > self.now,
            offer.classes.contains(job.exactness), job.gas <= offer.maxJobGas,
            let standsFrom = offer.posted.time.adding(ms: self.parameters.offerStandingMs),
            standsFrom <= self.now,
            let price = offer.pricePerGigaGas.mulDiv(UInt128(job.gas), 1_000_000_000, .up),
            price <= job.maxPrice
        else { return nil }
        return price
    }

    private mutating func drawProvider(_ waiting: JobEntry, _ mix: Digest) {
        var job = waiting
        var candidates: [(offer: OfferEntry, price: Amount)] = []
        var weight: UInt128 = 0
        for slot in 0..<self.counters.standing {
            guard let id = self.offerInSlot(slot), let offer = self.offer(id),
                let price = self.price(of: offer, for: job)
            else { continue }
            candidates.append((offer, price))
            weight += offer.bond.units  // raw: a sum of weights; 512 bonds of 2^112 fit 128 bits.
        }
        guard weight > 0 else {
            self.schedule(at: self.later(by: Self.redrawMs), .draw, job.id.digest)
            return
        }
        var point = self.draw(0, mix, job.id, below: weight)
        for (candidate, price) in candidates {
            let bond = candidate.bond.units  // raw: as above
            guard point >= bond else {
                var offer = candidate
                offer.open += 1
                self.put(offer)
                job.phase = .assigned
                job.offer = offer.id
                job.provider = offer.provider
                job.price = price
                job.bond = offer.bond
                job.assigned = self.moment
                job.due = self.later(by: job.runMs)
                self.put(job)
                self.schedule(job)
                return
            }
            point -= bond
        }
    }

    private mutating func drawAuditor(
        _ committed: JobEntry, _ proposer: NodeID, _ mix: Digest, _ validators: [Validator]
    ) {
        var job = committed
        if !job.proposers.contains(proposer) { job.proposers.append(proposer) }
        guard job.proposers.count >= Int(self.parameters.drawProposers) else {
            self.put(job)
            self.awaitDraw(job.id)
            return
        }
        // Whoever was drawn before and stayed silent is passed over, if there is anybody else.
        let all = validators.filter { $0.payout != job.provider && $0.stake > .zero }
        let fresh = all.filter { $0.payout != job.auditor }
        let candidates = fresh.isEmpty ? all : fresh
        // raw: a sum of weights; the stakes are part of the supply.
        let weight = candidates.reduce(UInt128(0)) { $0 + $1.stake.units }
        guard weight > 0 else { return }  // Nobody may: the deadline returns the escrow.
        var point = self.draw(1, mix, job.id, below: weight)
        for candidate in candidates {
            let stake = candidate.stake.units  // raw: as above
            guard point >= stake else {
                job.phase = .drawn
                job.auditor = candidate.payout
                job.auditorStake = candidate.stake
                job.indices = Self.leaves(
                    job.leavesToAudit, of: job.leaves, mix, job.id, candidate.payout, self.salt)
                job.drawn = self.moment
                self.put(job)
                self.schedule(at: self.later(by: Self.auditorSilenceMs), .draw, job.id.digest)
                return
            }
            point -= stake
        }
    }

    /// The leaves to audit: H(.draw | mix | job | auditor | i) mod leaves for i = 0, 1, …, without
    /// repetition, in the order drawn; should that take too long, the lowest leaves not drawn.
    package static func leaves(
        _ count: UInt16, of leaves: UInt64, _ mix: Digest, _ job: JobID, _ auditor: AccountID,
        _ salt: ChainSalt
    ) -> [UInt64] {
        let wanted = Int(min(UInt64(count), leaves))
        var drawn: [UInt64] = []
        for index in 0..<UInt64(16 * JobEntry.auditedMax) where drawn.count < wanted {
            var hash = Blake2b(.draw, salt)
            hash.update(mix)
            hash.update(job.digest)
            hash.update(auditor.digest)
            hash.update(u64: index)
            let leaf = UInt64(truncatingIfNeeded: Self.number(hash.finish()) % UInt128(leaves))
            if !drawn.contains(leaf) { drawn.append(leaf) }
        }
        var next: UInt64 = 0
        while drawn.count < wanted {
            if !drawn.contains(next) { drawn.append(next) }
            next += 1
        }
        return drawn
    }
}
