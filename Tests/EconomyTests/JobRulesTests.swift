import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// What nobody may hold up, take away or do twice.
@Suite struct JobRulesTests {
    private func earlier(
        _ chain: JobChain, _ id: JobID, _ commitment: Digest, index: UInt64? = nil
    ) -> EarlierRequest {
        let job = chain.job(id)
        let digest = Transcript.request(
            job: id, auditor: job.auditor, auditIndex: index ?? job.auditIndex,
            commitment: commitment, chain.salt)
        return EarlierRequest(
            commitment: commitment, signature: chain.seatKey(job.auditorSeat).sign(digest))
    }

    /// Take `auditorAskedTwice` out to see an auditor copy what it was told before it summons.
    @Test func anAuditorThatAskedTwiceLosesItsStake() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        chain.expect(chain.summon(id, run))
        let (job, provider) = (chain.job(id), chain.provider(id))
        let other = Blake2b.hash(.audit, .none, [1])
        func open(_ earlier: EarlierRequest) -> String? {
            chain.send(provider, JobOpen(job: id, openings: .blank, earlier: earlier))
        }
        chain.expect(
            open(self.earlier(chain, id, job.auditCommitment)), "job.open.earlierIsTheSame")
        chain.expect(
            open(EarlierRequest(commitment: other, signature: .blank)),
            "job.open.earlierSignatureWrong")
        // Of another draw: no word about this one.
        chain.expect(
            open(self.earlier(chain, id, other, index: job.auditIndex + 1)),
            "job.open.earlierSignatureWrong")
        let balance = chain.balance(job.provider)
        chain.expect(open(self.earlier(chain, id, other)))
        let slash = try #require(chain.slashes().first)
        #expect(slash.reason == .askedTwice && slash.amount == star(1_000))
        #expect(slash.reporter == nil && slash.toReporter == .zero)
        // Less the deposits of the rows that it made: a fault, a draw, a due item.
        let paid = balance.plus(chain.genesis.parameters.challengeFee).minus(chain.fee)
        let deposits = Amount(3 * chain.genesis.ledger.entryDeposit)
        #expect(chain.balance(job.provider) == paid.minus(deposits))
        #expect(try chain.reader.faults(of: job.auditor)?.count == 1)
        chain.run(id, until: .drawn)
        #expect(chain.job(id).auditor != job.auditor && chain.job(id).auditors == 2)
        chain.expect(chain.audit(id, run))
    }

    /// Count no draws to see a job go from auditor to auditor for ever.
    @Test func fourAuditorsGiveUpAndTheEscrowReturns() throws {
        let chain = try JobChain()
        let id = chain.post()
        _ = chain.commit(id)
        let before = chain.balance(JobChain.account(JobChain.requester))
        let escrow = chain.job(id).escrow
        chain.expect(
            chain.send(JobChain.stranger, JobDecline(job: id, reason: DeclineReason.cannotProve)),
            "job.decline.notTheAuditor")
        for number in 1...4 {
            chain.run(id, until: .drawn)
            #expect(chain.job(id).auditors == UInt8(number))
            let reason: DeclineReason = number == 1 ? .cannotProve : .inputsMissing
            chain.expect(chain.send(chain.auditor(id), JobDecline(job: id, reason: reason)))
            #expect(chain.slashes().isEmpty)
        }
        #expect(chain.job(id).phase == .unaudited)
        #expect(chain.balance(JobChain.account(JobChain.requester)) == before.plus(escrow))
        #expect((0..<3).allSatisfy { chain.validator($0).stake == star(1_000) })
    }

    /// Let any phase decline to see a summons taken back.
    @Test func aSummonedDrawIsNotGivenBackBeforeItsOpening() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        let auditor = chain.auditor(id)
        chain.expect(chain.summon(id, run))
        func decline(_ reason: DeclineReason) -> String? {
            chain.send(auditor, JobDecline(job: id, reason: reason))
        }
        chain.expect(decline(.cannotProve), "job.decline.notDrawn")
        let open = JobOpen(job: id, openings: run.openings(chain.sample(id)))
        chain.expect(chain.send(chain.provider(id), open))
        chain.expect(decline(.inputsMissing), "job.decline.notDrawn")
        chain.expect(decline(.cannotProve))
        let job = chain.job(id)
        #expect(job.phase == .committed && job.openingsBytes == 0 && job.openingsHash == .zero)
    }

    /// Set the limit by the price again to see a requester take an auditor's stake.
    @Test func theFeeAndNotThePriceLimitsWhatSilenceCosts() throws {
        for (fee, lost) in [(star(2), star(1)), (Amount.zero, .zero), (Amount(7), Amount(35))] {
            let chain = try JobChain()
            let id = chain.post { $0.auditFee = fee }
            _ = chain.commit(id)
            let seat = chain.job(id).auditorSeat
            chain.wait(35_000)
            #expect(chain.validator(seat).stake == star(1_000).minus(lost))
            #expect(chain.job(id).auditors >= 1 && chain.job(id).phase != .unaudited)
        }
    }

    /// Close at `due` whatever the phase to see an auditor drawn late escape, and the last one.
    @Test func anAuditorDrawnLateHasItsTimeAndAnswersForIt() throws {
        let chain = try JobChain()
        let id = chain.post { $0.auditMs = 61_000 }
        _ = chain.commit(id)
        let (first, due) = (chain.job(id).auditorSeat, chain.job(id).due)
        chain.wait(33_000)
        chain.run(id, until: .drawn)
        let second = chain.job(id)
        #expect(second.auditorSeat != first && second.drawDue > due)
        chain.wait(29_000)
        #expect(chain.job(id).phase == .drawn && chain.job(id).auditor == second.auditor)
        chain.wait(8_000)
        #expect(chain.job(id).phase == .unaudited)
        #expect(chain.validator(second.auditorSeat).stake < star(1_000))
    }

    /// Draw past the end of a chain to see a job wait for a pre-image that is not there.
    @Test func aSeatWhoseChainIsUsedUpIsPassedOver() throws {
        let chain = try JobChain { genesis in
            for index in genesis.validators.indices { genesis.validators[index].auditCount = 1 }
        }
        let jobs = (0..<4).map { _ in chain.post { $0.leavesToAudit = 1 } }
        for id in jobs.prefix(3) { chain.expect(chain.audit(id, chain.commit(id))) }
        #expect((0..<3).map { chain.validator($0).auditsDrawn } == [1, 1, 1])
        chain.run(jobs[3], until: .assigned)
        let run = JobRun(jobs[3], chain.job(jobs[3]).provider, chain.salt)
        chain.expect(chain.send(chain.provider(jobs[3]), run.commit))
        for _ in 0..<4 { chain.block() }
        #expect(chain.job(jobs[3]).phase == .committed)
    }

    /// Take `index <= auditsDrawn` out to see a validator tell the leaves of draws to come.
    @Test func aChainLeftBehindIsSaid() throws {
        let chain = try JobChain()
        let id = chain.post()
        _ = chain.commit(id)
        let (seat, auditor, reveal) = (
            chain.job(id).auditorSeat, chain.auditor(id), chain.reveal(id)
        )
        func say(_ index: UInt64, _ reveal: Digest, by who: UInt8? = nil) -> String? {
            chain.send(who ?? auditor, AuditReveal(seat: seat, index: index, reveal: reveal))
        }
        chain.expect(chain.send(auditor, JobDecline(job: id, reason: DeclineReason.inputsMissing)))
        chain.expect(say(1, reveal, by: JobChain.stranger), "audit.reveal.notTheValidator")
        chain.expect(say(0, reveal), "audit.reveal.indexOutOfRange")
        chain.expect(say(2, reveal), "audit.reveal.indexOutOfRange")
        chain.expect(say(.max, reveal), "audit.reveal.indexOutOfRange")
        chain.expect(say(1, .zero), "audit.reveal.revealWrong")
        chain.expect(
            chain.send(auditor, AuditReveal(seat: 3, index: 1, reveal: reveal)),
            "audit.reveal.seatNotFound")
        chain.expect(say(1, reveal))
        #expect(chain.validator(seat).auditReveal == reveal)
        #expect(chain.validator(seat).auditsRevealed == 1)
        chain.expect(say(1, reveal), "audit.reveal.indexOutOfRange")
    }

    /// Look at the present attempt alone to see an unsampled leaf, proved first, save the auditor.
    @Test func anotherLeafProvedFirstDoesNotSaveTheAuditor() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id, lies: Array(0..<JobKernel.leaves))
        let sample = chain.sample(id)
        let others = (0..<JobKernel.leaves).filter { !sample.contains($0) }
        let seat = chain.job(id).auditorSeat
        chain.expect(chain.audit(id, run))
        chain.expect(chain.send(JobChain.requester, try run.proof(others[0])))
        #expect(chain.validator(seat).stake == star(1_000))
        chain.expect(chain.send(JobChain.requester, try run.proof(others[1])))
        #expect(chain.validator(seat).stake == star(1_000))
        // The bond is gone, and still:
        chain.expect(chain.send(JobChain.stranger, try run.proof(sample[0])))
        #expect(chain.validator(seat).stake == .zero)
        #expect(chain.slashes().map(\.reason) == [.vouched])
        #expect(chain.attempts(id).first?.auditorSlashed == star(1_000))
        chain.expect(
            chain.send(JobChain.stranger, try run.proof(sample[1])), "job.prove.alreadyProved")
    }

    /// Take the terms out to see an auditor of a large sample lose its stake while it works.
    @Test func anAuditorsTimeGrowsWithItsWork() throws {
        let parameters = Parameters()
        #expect(parameters.auditorMs(leafGas: 0, leaves: 64, inputBytes: 0) == 30_000)
        #expect(parameters.auditorMs(leafGas: 1 << 26, leaves: 64, inputBytes: 0) == 72_949)
        #expect(parameters.auditorMs(leafGas: 1, leaves: 1, inputBytes: 1 << 30) == 566_870)
        #expect(parameters.auditorMs(leafGas: .max, leaves: .max, inputBytes: .max) == .max)
        let chain = try JobChain()
        let id = chain.post()
        let geometry = try Kernel(JobKernel.package).geometry(JobKernel.order)
        let wanted = parameters.auditorMs(
            leafGas: geometry.leafGas, leaves: 4, inputBytes: UInt64(JobKernel.input.count))
        #expect(chain.job(id).auditorMs == wanted && wanted > 30_000)
        var post = JobKernel.post
        post.auditMs = 2 * wanted - 1
        chain.expect(chain.send(JobChain.requester, post), "job.post.auditTooShort")
        post.auditMs += 1
        chain.expect(chain.send(JobChain.requester, post))
        post.maxPrice = .zero
        chain.expect(chain.send(JobChain.requester, post), "job.post.priceIsZero")
    }
}
