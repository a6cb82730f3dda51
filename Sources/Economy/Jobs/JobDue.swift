import Ledger
import Primitives

// What is due. A deadline that takes coins also needs blocks of `drawProposers` distinct proposers
// since it began: in a stall, or in a burst of one proposer's blocks, nobody could have answered.
extension EconomyState {
    /// A deadline that too few proposers saw is put again after this long.
    static let waitMs: UInt64 = 500

    /// Does what is due: at most one page, in the order of (time, sequence).
    mutating func runDue() {
        for _ in 0..<self.parameters.duePerBlock {
            guard let item = self.popDue() else { return }
            switch item.kind {
            case .job: self.jobIsDue(JobID(item.subject), item.time)
            case .offer: self.offerIsDue(OfferID(item.subject))
            case .draw: self.drawIsDue(JobID(item.subject), item.time)
            case .liability: self.leaveOffer(OfferID(item.subject))
            case .challenge: self.challengeIsDue(JobID(item.subject), item.time)
            case .unbonding: self.unbondingIsDue(item.subject)
            case .proposal: self.proposalIsDue(ProposalID(item.subject))
            }
        }
    }

    private mutating func jobIsDue(_ id: JobID, _ time: LedgerTime) {
        // An item of a phase that ended early carries another time than the job's.
        guard var job = self.job(id), job.phase.isOpen, job.due == time else { return }
        // An audited job is paid: its leaves were re-run within the bound.
        if job.phase != .window, self.kernel(job.kernel)?.isFaulty == true {
            self.closeForKernelFault(job, gas: 0)
            return
        }
        switch job.phase {
        case .posted: self.close(job, as: .unassigned)
        case .assigned: self.fail(job, as: .uncommitted)
        case .committed: self.close(job, as: .unaudited)
        case .drawn:
            // The drawn auditor has its time, and is slashed before the job can end.
            job.due = max(job.drawDue, self.later(by: Self.waitMs))
            self.put(job)
            self.schedule(job)
        case .summoned, .opened:
            guard self.wasSeen(since: job.since) else {
                job.due = self.later(by: Self.waitMs)
                self.put(job)
                self.schedule(job)
                return
            }
            if job.phase == .summoned {
                self.fail(job, as: .silent, reporter: job.auditor)
            } else {
                self.auditorIsSilent(job)
            }
        case .window:
            // Its item was put again when the challenge came; this is an older one of that time.
            if job.challenge != nil { self.extendWindow(job) } else { self.settle(job) }
        case .settled, .cancelled, .unassigned, .uncommitted, .unaudited, .faulted, .kernelFault,
            .withheld:
            return
        }
    }

    private mutating func offerIsDue(_ id: OfferID) {
        guard var offer = self.offer(id), !offer.closing else { return }
        offer.closing = true
        self.settle(offer)
    }

    private mutating func drawIsDue(_ id: JobID, _ time: LedgerTime) {
        // An item of an earlier draw or attempt carries another time than the job's.
        guard var job = self.job(id), job.phase == .posted || job.phase == .drawn,
            job.drawDue == time
        else { return }
        if self.kernel(job.kernel)?.isFaulty == true {
            self.closeForKernelFault(job, gas: 0)
        } else if job.phase == .posted {
            self.awaitDraw(id)
        } else if self.wasSeen(since: job.since) {
            self.auditorIsSilent(job)
        } else {
            self.scheduleDraw(&job, after: Self.waitMs)
            self.put(job)
        }
    }

    private mutating func challengeIsDue(_ id: JobID, _ time: LedgerTime) {
        guard var job = self.job(id), job.phase == .window, let challenge = job.challenge,
            challenge.due == time
        else { return }
        guard self.wasSeen(since: challenge.since) else {
            let again = self.later(by: Self.waitMs)
            job.challenge?.due = again
            self.extendWindow(job)
            self.schedule(at: again, .challenge, id.digest)
            return
        }
        self.fail(job, as: .withheld, reporter: challenge.by)
    }

    /// True if enough distinct proposers made a block after that moment.
    private mutating func wasSeen(since moment: Moment) -> Bool {
        self.isSeen(since: moment, self.validators())
    }

    /// As ``wasSeen(since:)``, with the validators at hand.
    func isSeen(since moment: Moment, _ validators: [Validator]) -> Bool {
        let seen = validators.filter { $0.proposed.height > moment.height }
        return seen.count >= Int(self.parameters.drawProposers)
    }
}
