import Kernels
import Ledger
import Primitives

// What happens to a job outside its operations: how it begins, how its phases follow, how it ends.
// Every open phase has an item in the due queue that ends it; the escrow never shrinks before the
// end.
extension EconomyState {
    /// Puts a new job into state and queues. The escrow is in the escrow account already.
    mutating func openJob(_ new: JobEntry, order: [UInt8]) {
        var job = new
        var counters = self.counters
        job.sequence = counters.jobs
        counters.jobs += 1
        counters.openJobs += 1
        counters.escrow = self.sum(counters.escrow, job.escrow, "the sum of escrows")
        self.counters = counters
        if var kernel = self.kernel(job.kernel) {
            kernel.open += 1
            self.write(EconomyTable.kernel, kernel.id, kernel)
        }
        job.orderBytes = UInt32(clamping: order.count)
        job.since = self.moment
        self.put(job)
        self.write(EconomyTable.jobSequence, job.sequence, job.id)
        self.writePieces(order, of: .order, job.id.digest)
        self.schedule(job)
        self.awaitDraw(job.id)
    }

    /// Moves a job into a phase that ends after `ms`.
    mutating func enter(_ phase: JobPhase, _ entry: JobEntry, forMs ms: UInt64) {
        var job = entry
        job.phase = phase
        job.since = self.moment
        job.due = self.later(by: ms)
        self.put(job)
        self.schedule(job)
    }

    /// The audit was right: from here on the job is paid unless somebody proves a leaf wrong or an
    /// output is withheld.
    mutating func openWindow(_ audited: JobEntry, outputRoot: Digest) {
        var job = audited
        self.deleteOpenings(of: &job)
        job.outputRoot = outputRoot
        job.audited = self.moment
        self.enter(.window, job, forMs: job.windowMs)
    }

    /// A challenged job's window stays open for whoever reads the answer.
    mutating func extendWindow(_ challenged: JobEntry) {
        var job = challenged
        if let end = job.challenge?.due {
            job.due = max(job.due, end.adding(ms: job.windowMs) ?? LedgerTime(ms: .max))
        }
        self.put(job)
        self.schedule(job)
    }

    /// The next attempt: everything of the one before is forgotten but the escrow.
    mutating func postAgain(_ before: JobEntry) {
        var job = JobEntry()
        job.id = before.id
        job.sequence = before.sequence
        job.requester = before.requester
        job.kernel = before.kernel
        job.exactness = before.exactness
        job.leaves = before.leaves
        job.gas = before.gas
        job.outputBytes = before.outputBytes
        job.leavesToAudit = before.leavesToAudit
        job.fees = before.fees
        job.maxPrice = before.maxPrice
        job.auditFee = before.auditFee
        job.escrow = before.escrow
        job.assignMs = before.assignMs
        job.runMs = before.runMs
        job.auditMs = before.auditMs
        job.auditorMs = before.auditorMs
        job.windowMs = before.windowMs
        job.note = before.note
        job.orderBytes = before.orderBytes
        job.posted = before.posted
        job.attempt = before.attempt + 1
        self.enter(.posted, job, forMs: job.assignMs)
        self.awaitDraw(job.id)
    }

    // MARK: Ends

    /// Ends an open job without pay: the whole escrow returns to the requester.
    ///
    /// - Parameter freesOffer: false where the provider's bond must stay for a second proof.
    mutating func close(_ open: JobEntry, as phase: JobPhase, freesOffer: Bool = true) {
        precondition(open.phase.isOpen && !phase.isOpen, "an open job closes once")
        var job = open
        var waterfall = Waterfall.blank
        waterfall.refund = job.escrow
        job.waterfall = waterfall
        job.phase = phase
        self.payOut(job.escrow, to: job.requester)
        self.finish(job, freesOffer: freesOffer)
    }

    /// Ends a job whose kernel broke its own bound: the provider is paid for what was measured.
    ///
    /// - Parameter gas: referee gas that was measured; zero where another job showed the fault.
    /// - Rounding: down; the requester gets the rest.
    mutating func closeForKernelFault(_ open: JobEntry, gas: UInt64) {
        precondition(open.phase.isOpen, "an open job closes once")
        var job = open
        self.returnPrepaid(of: &job)
        self.deleteOpenings(of: &job)
        job.challenge = nil
        var waterfall = Waterfall.blank
        let part = job.price.mulDiv(UInt128(min(gas, job.gas)), UInt128(max(job.gas, 1)), .down)
        waterfall.price = part ?? .zero
        waterfall.operator = waterfall.price
        waterfall.refund = self.less(job.escrow, waterfall.price, "the refund")
        job.waterfall = waterfall
        job.phase = .kernelFault
        self.payOut(waterfall.operator, to: job.provider)
        self.payOut(waterfall.refund, to: job.requester)
        self.finish(job, freesOffer: true)
    }

    /// Pays a job whose window has passed: fee router, author, operator, auditor, refund.
    mutating func settle(_ audited: JobEntry) {
        precondition(audited.phase == .window, "only an audited job is paid")
        var job = audited
        let author = self.kernel(job.kernel)
        let parts = Waterfall.Parts(author: author?.fee ?? .blank)
        var waterfall = Waterfall.divide(job.price, parts, job.fees)
            .proven("fee and author take at most half each")
        waterfall.auditor = job.auditFee
        waterfall.refund = self.less(job.maxPrice, job.price, "the refund")
        self.payOut(waterfall.stakers, to: ModuleAccount.stakers)
        self.creditStakers(waterfall.stakers)
        self.payOut(waterfall.treasury, to: ModuleAccount.treasury)
        self.payOut(waterfall.cover, to: ModuleAccount.cover)
        self.payOut(waterfall.burned, to: .issuance(of: .star))
        self.payOut(waterfall.author, to: author?.author ?? ModuleAccount.treasury)
        self.payOut(waterfall.operator, to: job.provider)
        self.payOut(waterfall.auditor, to: job.auditor)
        self.payOut(waterfall.refund, to: job.requester)
        job.waterfall = waterfall
        job.phase = .settled
        self.finish(job, freesOffer: true)
    }

    /// The end of every job: sums, the kernel, the offer's capacity, the moment.
    private mutating func finish(_ ended: JobEntry, freesOffer: Bool) {
        var job = ended
        var counters = self.counters
        counters.openJobs = counters.openJobs &- 1
        counters.escrow = self.less(counters.escrow, job.escrow, "the sum of escrows")
        self.counters = counters
        if job.prepaid > .zero { self.breakBooks("a job closes with something prepaid") }
        job.escrow = .zero
        job.closed = self.moment
        self.put(job)
        if freesOffer, job.assigned != nil { self.leaveOffer(job) }
        if var kernel = self.kernel(job.kernel) {
            kernel.open = kernel.open > 0 ? kernel.open - 1 : 0
            self.settle(kernel)
        }
    }

    /// The provider has done the work: its place is free, its bond stays behind the job.
    mutating func freePlace(of id: OfferID) {
        guard var offer = self.offer(id), offer.running > 0 else { return }
        offer.running -= 1
        self.put(offer)
    }

    /// The offer's bond stands behind the job no longer.
    mutating func leaveOffer(_ job: JobEntry) {
        if job.committed == nil { self.freePlace(of: job.offer) }
        self.leaveOffer(job.offer)
    }

    /// As ``leaveOffer(_:)-(JobEntry)``, for a job that was committed.
    mutating func leaveOffer(_ id: OfferID) {
        guard var offer = self.offer(id), offer.open > 0 else { return }
        offer.open -= 1
        self.settle(offer)
    }

    // MARK: Kernels and openings

    /// Writes a kernel back; the bond of a retired one without open jobs is freed.
    mutating func settle(_ entry: KernelEntry) {
        var kernel = entry
        if kernel.isRetired, kernel.open == 0, kernel.bond > .zero {
            self.free(HoldID.of(Self.kernelBondPurpose, kernel.id.digest, self.salt))
            kernel.bond = .zero
        }
        self.write(EconomyTable.kernel, kernel.id, kernel)
    }

    /// A job's kernel, order and geometry; nil if the books are broken or the store is silent.
    ///
    /// The order is read past the meters from the parent's state, and its bytes are charged.
    mutating func work(
        of job: JobEntry
    ) -> (kernel: Kernel, order: WorkOrder, geometry: Geometry)? {
        guard let entry = self.kernel(job.kernel), let kernel = self.compiled(entry) else {
            return nil
        }
        self.ledger.charge(bytes: UInt64(job.orderBytes))
        let bytes: [UInt8]
        do throws(StateFault) {
            bytes = try EconomyReader(self.ledger.stack).order(of: job)
        } catch {
            self.unreadable = self.unreadable ?? error
            return nil
        }
        guard let order = Self.order(bytes) else {
            self.breakBooks("a posted order does not decode: \(job.id.short)")
            return nil
        }
        do throws(WorkError) {
            return (kernel, order, try kernel.geometry(order))
        } catch {
            self.breakBooks("a posted order does not fit its kernel: \(job.id.short)")
            return nil
        }
    }

    private static func order(_ bytes: [UInt8]) -> WorkOrder? {
        do throws(DecodeError) {
            return try WorkOrder(canonical: bytes)
        } catch {
            return nil
        }
    }

    /// Forgets the openings beside a job.
    mutating func deleteOpenings(of job: inout JobEntry) {
        for index in 0..<Pieces.count(Int(job.openingsBytes)) {
            let key = PieceKey(
                kind: .openings, subject: job.id.digest, index: UInt32(clamping: index))
            self.write(EconomyTable.piece, key, nil)
        }
        job.openingsBytes = 0
    }

    /// The auditor's pre-image is known: it names the sample, and the chain goes on from it.
    mutating func take(reveal: Digest, of job: inout JobEntry) {
        job.auditReveal = reveal
        guard var validator = self.read(EconomyTable.validator, job.auditorSeat),
            job.auditIndex > validator.auditsRevealed
        else { return }
        validator.auditReveal = reveal
        validator.auditsRevealed = job.auditIndex
        self.write(EconomyTable.validator, job.auditorSeat, validator)
    }
}
