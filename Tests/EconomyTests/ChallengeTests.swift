import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// An output that is kept back, and numbers at their limits.
@Suite struct ChallengeTests {
    private func audited() throws -> (JobChain, JobID, JobRun) {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        chain.expect(chain.audit(id, run))
        return (chain, id, run)
    }

    /// Drop the challenge's item to see a provider paid that gave nothing.
    @Test func whoKeepsTheOutputBackIsNotPaid() throws {
        let (chain, id, _) = try self.audited()
        let job = chain.job(id)
        let requester = chain.balance(JobChain.account(JobChain.requester))
        let challenge = JobChallenge(job: id, leaf: 3, chunk: 0)
        chain.expect(chain.send(JobChain.requester, challenge))
        let fee = chain.fee
        #expect(chain.job(id).prepaid == chain.genesis.parameters.challengeFee)
        chain.wait(50_000)
        #expect(chain.job(id).phase == .window, "the window does not end before the answer")
        chain.wait(15_000)
        let after = chain.job(id)
        #expect(after.phase == .withheld && after.challenge == nil && after.attempt == 0)
        let attempt = try #require(chain.attempts(id).first)
        let slash = try #require(job.price.mulDiv(5, 1, .down))
        #expect(attempt.end == .withheld && attempt.slashed == slash)
        let reward = slash.fraction(Parameters.points(3_000), .down)
        #expect(
            chain.balance(JobChain.account(JobChain.requester))
                == requester.minus(fee).plus(job.escrow).plus(reward))
        chain.wait(70_000)
        #expect(chain.offer(job.offer) == nil)
    }

    /// Pay the challenger back on an answer to see everybody ask for everything.
    @Test func whoAnswersGetsTheFeeAndThenItsPay() throws {
        let (chain, id, run) = try self.audited()
        let provider = chain.provider(id)
        chain.expect(
            chain.send(provider, run.answer(3)), "job.answer.notChallenged")
        chain.expect(chain.send(JobChain.stranger, JobChallenge(job: id, leaf: 3, chunk: 0)))
        chain.expect(
            chain.send(JobChain.requester, JobChallenge(job: id, leaf: 4, chunk: 0)),
            "job.challenge.alreadyChallenged")
        func refused(_ name: String, _ change: (inout JobAnswer) -> Void) {
            var answer = run.answer(3)
            change(&answer)
            chain.expect(chain.send(provider, answer), name)
        }
        refused("job.answer.wrongLeaf") { $0 = run.answer(4) }
        refused("job.answer.leafNotInRoot") { $0.opening.path = [] }
        refused("job.answer.sliceNotInOutput") { $0.opening.outputPath = [] }
        refused("job.answer.wrongChunks") { $0.bytes = [] }
        refused("job.answer.wrongChunks") { $0.bytes[0] ^= 1 }
        refused("job.answer.wrongChunks") { $0.bytes.append(0) }
        refused("job.answer.wrongChunks") { $0.chunks = [] }
        refused("job.answer.wrongChunks") { $0.chunks.append(.zero) }
        chain.expect(chain.send(JobChain.stranger, run.answer(3)), "job.answer.notTheProvider")
        let balance = chain.balance(JobChain.account(provider))
        chain.expect(chain.send(provider, run.answer(3)))
        let fee = chain.genesis.parameters.challengeFee
        #expect(
            chain.balance(JobChain.account(provider)) == balance.plus(fee).minus(chain.fee))
        #expect(chain.job(id).challenge == nil && chain.job(id).prepaid == .zero)
        chain.wait(140_000)
        #expect(chain.job(id).phase == .settled)
        chain.expect(
            chain.send(JobChain.stranger, JobChallenge(job: id, leaf: 3, chunk: 0)),
            "job.challenge.windowNotOpen")
    }

    /// Take the bound of `chunk` out to see a question that nobody can answer slash the provider.
    @Test func whatDoesNotExistCannotBeAskedFor() throws {
        let (chain, id, _) = try self.audited()
        for chunk in [UInt32(1), 64, .max] {
            chain.expect(
                chain.send(JobChain.stranger, JobChallenge(job: id, leaf: 0, chunk: chunk)),
                "job.challenge.noSuchChunk")
        }
        for leaf in [JobKernel.leaves, .max] {
            chain.expect(
                chain.send(JobChain.stranger, JobChallenge(job: id, leaf: leaf, chunk: 0)),
                "job.challenge.noSuchLeaf")
        }
    }

    /// Forget `returnPrepaid` in `fail` to see the books break.
    @Test func aProofWhileAChallengeIsOpenReturnsItsFee() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id, lies: Array(0..<JobKernel.leaves))
        chain.expect(chain.audit(id, run))
        let balance = chain.balance(JobChain.account(JobChain.requester))
        chain.expect(chain.send(JobChain.requester, JobChallenge(job: id, leaf: 3, chunk: 0)))
        let fee = chain.fee
        chain.expect(chain.send(JobChain.stranger, try run.proof(3)))
        #expect(chain.balance(JobChain.account(JobChain.requester)) == balance.minus(fee))
        #expect(chain.job(id).phase == .posted && chain.job(id).challenge == nil)
        // The item that the challenge left means nothing to the next attempt.
        chain.wait(10_000)
        let second = chain.commit(id)
        chain.expect(chain.audit(id, second))
        chain.wait(60_000)
        #expect(chain.job(id).phase == .settled)
    }

    /// Nothing traps, and none of it leaves books that differ.
    @Test func numbersAtTheirLimitsAreRefusedOrHold() throws {
        let (chain, id, run) = try self.audited()
        let most = Amount.maxSupply
        for amount in [Amount.zero, Amount(1), most] {
            var offer = JobChain.offer(JobChain.providers[0], bond: amount)
            chain.expect(
                chain.send(JobChain.providers[0], offer),
                amount == most ? "hold.ownerHasTooLittle" : "offer.post.bondBelowMin")
            offer.bond = star(1)
            offer.pricePerGigaGas = amount
            offer.maxJobGas = .max
            offer.standsUntil = LedgerTime(ms: .max)
            chain.expect(chain.send(JobChain.providers[0], offer))
            var post = JobKernel.post
            post.maxPrice = amount
            post.auditFee = amount
            let name = chain.send(JobChain.requester, post)
            switch amount {
            case most: #expect(name == "job.post.escrowOverflows")
            case .zero: #expect(name == "job.post.priceIsZero")
            default: #expect(name == nil)
            }
        }
        var post = JobKernel.post
        post.maxPrice = most
        post.auditFee = .zero
        chain.expect(chain.send(JobChain.requester, post), "transfer.insufficientFunds")
        for number in [UInt16(65), .max] {
            post.leavesToAudit = number
            chain.expect(chain.send(JobChain.requester, post), "job.post.auditOutOfRange")
        }
        for ms in [UInt64(0), .max] {
            post = JobKernel.post
            post.auditMs = ms
            chain.expect(
                chain.send(JobChain.requester, post),
                ms == 0 ? "job.post.auditTooShort" : "job.post.deadlineOutOfRange")
        }
        chain.wait(40_000)
        for leaf in [UInt64(0), 128, .max] {
            for attempt in [UInt8(0), 1, 3, 4, .max] {
                var proof = try run.proof(0, attempt: attempt)
                proof.opening.index = leaf
                proof.opening.path = Array(repeating: .zero, count: LeafOpening.pathMax)
                #expect(chain.send(JobChain.stranger, proof) != nil)
            }
        }
        #expect(chain.send(JobChain.stranger, JobAnswer.blank) == "job.answer.jobNotFound")
        #expect(chain.send(JobChain.stranger, JobAudit.blank) == "job.audit.jobNotFound")
        #expect(chain.send(JobChain.stranger, JobSummon.blank) == "job.summon.jobNotFound")
        #expect(chain.send(JobChain.stranger, JobOpen.blank) == "job.open.jobNotFound")
        #expect(chain.send(JobChain.stranger, JobChallenge.blank) == "job.challenge.jobNotFound")
        #expect(chain.job(id).phase == .settled)
    }

    /// The largest multiple, said after the draw: the slash is what is there.
    @Test func aSlashNeverExceedsWhatIsHeld() throws {
        let chain = try JobChain(bond: 6) { genesis in
            genesis.parameters.reporterPart = Parameters.points(0)
            genesis.parameters.slashCoverPart = Parameters.points(8_000)
        }
        let id = chain.post()
        let run = chain.commit(id, lies: [0])
        let offer = chain.job(id).offer
        chain.block { state in
            var parameters = state.parameters
            parameters.slashMultiple = .max
            state.write(EconomyTable.parameters, 0, parameters)
        }
        chain.expect(chain.send(JobChain.stranger, try run.proof(0)))
        #expect(chain.slashes().map(\.amount) == [star(6)])
        #expect(chain.slashes().map(\.toReporter) == [.zero])
        #expect(chain.offer(offer)?.bond == .zero)
    }

    /// A split's parts sum to the whole for every amount; the burn is at least a fifth.
    @Test func aSplitLosesNothing() {
        let parameters = Parameters()
        for units in [UInt64(0), 1, 2, 3, 9, 10, 11, 99, 12_345, .max] {
            for hasReporter in [true, false] {
                let split = SlashSplit.split(Amount(units), hasReporter: hasReporter, parameters)
                let sum = split.reporter.plus(split.cover).plus(split.burned)
                #expect(sum == Amount(units) && split.total == sum)
                #expect(split.burned.units * 5 >= split.total.units)
            }
        }
    }
}
