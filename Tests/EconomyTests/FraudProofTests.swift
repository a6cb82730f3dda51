import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// A proved wrong leaf: what it costs, who gets the job next, what the requester keeps.
@Suite struct FraudProofTests {
    /// Remove the limit in `JobFaults.limit` to see the bond go whole at once.
    @Test func oneFlippedBitCostsALimitedSlashAndTheJob() throws {
        let chain = try JobChain()
        let id = chain.post()
        let whole = chain.job(id).escrow
        let run = chain.commit(id, lies: [0, 1])
        let (job, provider) = (chain.job(id), chain.provider(id))
        let burned = chain.burned
        let stranger = chain.balance(JobChain.account(JobChain.stranger))
        chain.expect(chain.send(JobChain.stranger, try run.proof(0)))
        let fee = chain.fee
        // Five times the price: 30 % to who proved it, 30 % to the cover, the rest burned.
        let slash = try #require(job.price.mulDiv(5, 1, .down))
        let event = try #require(chain.slashes().first)
        #expect(chain.slashes().count == 1)
        #expect(event.account == JobChain.account(provider))
        #expect(event.role == .provider && event.reason == .wrongLeaf)
        #expect(event.amount == slash)
        #expect(event.toReporter == slash.fraction(Parameters.points(3_000), .down))
        #expect(event.toReporter.plus(event.toCover).plus(event.burned) == event.amount)
        #expect(chain.balance(ModuleAccount.cover) == event.toCover)
        #expect(chain.burned == burned.plus(event.burned).plus(fee))
        // The rows it made carry its deposits: an attempt, a fault, a few of queues.
        let reward = stranger.plus(event.toReporter).minus(fee)
        let deposits = Amount(6 * chain.genesis.ledger.entryDeposit)
        let now = chain.balance(JobChain.account(JobChain.stranger))
        #expect(now <= reward && now >= reward.minus(deposits))
        let after = chain.job(id)
        #expect(after.phase == .posted && after.attempt == 1)
        #expect(after.escrow == whole, "to the mote")
        #expect(after.provider == .zero && after.leafRoot == .zero && after.auditor == .zero)
        let attempt = try #require(chain.attempts(id).first)
        #expect(attempt.end == .wrongLeaf && attempt.leaf == 0)
        #expect(attempt.slashed == slash && attempt.auditorSlashed == .zero)
        #expect(attempt.reporter == JobChain.account(JobChain.stranger))
        let offer = try #require(chain.offer(job.offer))
        #expect(offer.closing && offer.open == 1)
        #expect(offer.bond == star(100).minus(slash))
    }

    /// Remove `isRepeated` from `JobProve` to see a third proof pass.
    @Test func aSecondLeafTakesTheWholeBondAndAThirdNothing() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id, lies: [5, 6, 7])
        let offer = chain.job(id).offer
        chain.expect(chain.send(JobChain.stranger, try run.proof(5)))
        chain.expect(chain.send(JobChain.stranger, try run.proof(5)), "job.prove.alreadyProved")
        let left = try #require(chain.offer(offer)).bond
        chain.expect(chain.send(JobChain.requester, try run.proof(6)))
        #expect(chain.slashes().map(\.amount) == [left])
        #expect(chain.offer(offer)?.bond == .zero)
        let attempt = try #require(chain.attempts(id).first)
        #expect(attempt.isRepeated && attempt.slashed == star(100))
        chain.expect(chain.send(JobChain.stranger, try run.proof(7)), "job.prove.alreadyProved")
        chain.wait(70_000)
        #expect(chain.offer(offer) == nil, "an offer without bond goes, too")
    }

    /// Remove the liability item in `JobFaults` to see the bond stay for ever; remove `closing` to
    /// see the offer drawn again.
    @Test func theBondStaysForASecondProofThenIsFree() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id, lies: [5, 6])
        let (offer, provider) = (chain.job(id).offer, chain.provider(id))
        chain.expect(chain.send(JobChain.stranger, try run.proof(5)))
        let left = try #require(chain.offer(offer)).bond
        // It cannot flee: withdrawing frees nothing.
        chain.expect(
            chain.send(provider, OfferWithdraw(offer: offer)), "offer.withdraw.alreadyClosing")
        chain.wait(50_000)
        #expect(chain.offer(offer)?.bond == left)
        chain.wait(20_000)
        #expect(chain.offer(offer) == nil)
        let counters = try chain.reader.counters()
        #expect(counters.bonds == star(300))
        chain.expect(chain.send(JobChain.stranger, try run.proof(6)), "job.prove.tooLate")
    }

    /// Remove the fault's memory in `JobFaults.limit` to see the second one limited, too.
    @Test func aRepeatWithinThirtyDaysCostsEverything() throws {
        let chain = try JobChain(offers: false)
        chain.expect(chain.send(JobChain.author, JobKernel.publish))
        let provider = JobChain.providers[0]
        func fail() throws -> Amount {
            chain.expect(chain.send(provider, JobChain.offer(provider, bond: star(80))))
            let id = chain.post()
            let run = chain.commit(id, lies: [3])
            chain.expect(chain.send(JobChain.stranger, try run.proof(3)))
            return chain.slashes().first?.amount ?? .zero
        }
        let first = try fail()
        #expect(first < star(6) && first > .zero)
        #expect(try fail() == star(80), "all of the other bond")
    }

    /// Remove `failedBefore` from `OfferEntry.fit` to see a provider drawn twice.
    @Test func theSameProviderIsNeverDrawnAgainAndAllFourFailing() throws {
        let chain = try JobChain()
        let id = chain.post()
        chain.run(id, until: .assigned)
        let before = chain.balance(JobChain.account(JobChain.requester))
        let whole = chain.job(id).escrow
        var seen: [UInt8] = []
        for attempt in 0..<AttemptEntry.countMax {
            let run = chain.commit(id, lies: [UInt64(attempt)])
            let provider = chain.provider(id)
            #expect(!seen.contains(provider))
            seen.append(provider)
            // It stands again at once, behind another bond; this job is still not its.
            chain.expect(chain.send(provider, JobChain.offer(provider, bond: star(5_000))))
            #expect(chain.job(id).escrow == whole)
            chain.expect(
                chain.send(JobChain.stranger, try run.proof(UInt64(attempt), attempt: attempt)))
        }
        let job = chain.job(id)
        #expect(job.phase == .faulted && job.escrow == .zero)
        #expect(job.waterfall?.refund == whole)
        #expect(chain.balance(JobChain.account(JobChain.requester)) == before.plus(whole))
        #expect(chain.attempts(id).map(\.provider) == seen.map { JobChain.account($0) })
        chain.wait(70_000)
        #expect(try chain.reader.offers().allSatisfy { $0.open == 0 && !$0.closing })
    }

    /// Remove the burn from `SlashSplit` (or let the reporter have it) to see it gain.
    @Test func reportingOneselfLoses() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id, lies: [9])
        let provider = chain.provider(id)
        // Its own key: nothing of it comes back.
        chain.expect(chain.send(provider, try run.proof(9)))
        let own = try #require(chain.slashes().first)
        #expect(own.toReporter == .zero && own.amount == own.toCover.plus(own.burned))
        // Its second account gets less than a third of what it loses.
        let other = chain.post()
        let again = chain.commit(other, lies: [9])
        chain.expect(chain.send(JobChain.stranger, try again.proof(9)))
        let slash = try #require(chain.slashes().first)
        #expect(slash.amount > slash.toReporter.plus(slash.toReporter).plus(slash.toReporter))
    }

    /// Charge after the run, or refund a rejected one, to see it cost nothing.
    @Test func aFalseProofCostsItsFeeAndGasAndNobodyElse() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        let before = chain.job(id)
        let balance = chain.balance(JobChain.account(JobChain.stranger))
        chain.expect(chain.send(JobChain.stranger, try run.proof(2)), "job.prove.leafIsRight")
        let weight = try #require(chain.receipts.first).weight
        let gas = try Kernel(JobKernel.package).geometry(JobKernel.order).leafGas
        // Without the charge in `EconomyState.charge(proof:)` the rest alone would be paid.
        #expect(weight > gas / Weight.gasPerUnit, "gas is the largest part of \(weight)")
        #expect(chain.fee > .zero)
        #expect(chain.balance(JobChain.account(JobChain.stranger)) == balance.minus(chain.fee))
        #expect(chain.job(id) == before && chain.slashes().isEmpty)
        #expect(chain.offer(before.offer)?.bond == star(100))
    }

    /// The weight at the end refuses it, too: see `aProofThatItsFeeCannotPayIsNotRunAtAll`.
    @Test func aProofThatItsFeeCannotPayIsNotRun() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id, lies: [2])
        let weight = Transaction.blank.envelopeWeight.units + 60
        chain.expect(
            chain.send(JobChain.stranger, try run.proof(2), maxFee: Amount(weight)),
            "execution.weightAboveMaxFee")
        #expect(chain.job(id).phase == .drawn)
        #expect(chain.slashes().isEmpty, "no referee ran")
    }

    /// Remove `leads(to:)` from `JobProve` to see a copier's own leaf slash somebody else.
    @Test func aLeafThatIsNotTheProvidersProvesNothing() throws {
        let chain = try JobChain()
        let id = chain.post()
        let honest = chain.commit(id)
        let forged = JobRun(id, JobChain.account(JobChain.stranger), chain.salt, lies: [4])
        chain.expect(chain.send(JobChain.stranger, try forged.proof(4)), "job.prove.leafNotInRoot")
        let wrong = JobRun(id, chain.job(id).provider, chain.salt, lies: [4])
        chain.expect(chain.send(JobChain.stranger, try wrong.proof(4)), "job.prove.leafNotInRoot")
        var proof = try honest.proof(4)
        proof.opening.index = 5
        chain.expect(chain.send(JobChain.stranger, proof), "job.prove.leafNotInRoot")
        proof = try honest.proof(4)
        proof.attempt = 1
        chain.expect(chain.send(JobChain.stranger, proof), "job.prove.attemptNotFound")
        proof.attempt = .max
        chain.expect(chain.send(JobChain.stranger, proof), "job.prove.attemptNotFound")
        proof.job = JobID(Blake2b.hash(.job, .none, []))
        chain.expect(chain.send(JobChain.stranger, proof), "job.prove.jobNotFound")
        #expect(chain.job(id).phase == .drawn)
    }

    /// Remove the check of missing chunks to see zeros read for them prove an honest leaf wrong.
    @Test func aWitnessThatIsIncompleteWrongOrTooLarge() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        func refused(_ witness: LeafWitness, _ name: String) throws {
            var proof = try run.proof(0)
            proof.witness = witness
            chain.expect(chain.send(JobChain.stranger, proof), name)
            #expect(chain.job(id).phase == .drawn)
        }
        try refused(LeafWitness(), "job.prove.witnessIncomplete")
        try refused(
            LeafWitness(buffers: [JobKernel.buffer([0])]), "job.prove.witnessIncomplete")
        // A blob that differs from what was ordered, right siblings and all.
        var other = JobKernel.input
        other[0] ^= 1
        try refused(
            LeafWitness(buffers: [JobKernel.buffer([0, 4], of: other)]), "job.prove.witnessWrong")
        // The output, which no blob is bound to.
        var wrong = JobKernel.buffer([0, 4])
        wrong.buffer = 1
        try refused(LeafWitness(buffers: [wrong]), "job.prove.witnessWrong")
        let padding = JobKernel.buffer(Array(0..<8))
        try refused(
            LeafWitness(buffers: Array(repeating: padding, count: 14)), "job.prove.witnessWrong")
    }

    /// Take `blockTakes` out of `JobProve` to see all of them run in one block.
    @Test func proofsTakeHalfABlockButOneAlwaysFits() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        func outcomes(_ leaves: Range<UInt64>) throws -> [JobProve.Rejection?] {
            let proofs = try leaves.map { try run.proof($0) }
            chain.block(proofs.map { chain.transaction(JobChain.stranger, $0) })
            return chain.receipts.prefix(proofs.count).map { receipt in
                guard case .rejected(let code, _) = receipt.outcome else { return nil }
                return JobProve.Rejection(rawValue: code)
            }
        }
        func limit(_ weight: UInt64) {
            // From the next block on.
            chain.block { state in
                var parameters = state.parameters
                parameters.blockWeightMax = weight
                state.write(EconomyTable.parameters, 0, parameters)
            }
        }
        limit(2)
        #expect(
            try outcomes(0..<3) == [.leafIsRight, .refereeLaneBusy, .refereeLaneBusy],
            "half of the block is less than one leaf, but the first is taken")
        #expect(try outcomes(3..<4) == [.leafIsRight], "a block's proofs are its own")
        let gas = try Kernel(JobKernel.package).geometry(JobKernel.order).leafGas
        let unit = Weight.gasPerUnit
        limit(2 * ((2 * gas + unit - 1) / unit))
        #expect(try outcomes(4..<7) == [.leafIsRight, .leafIsRight, .refereeLaneBusy])
    }

    /// Let `kernelIsFaulty` pay the requester or the provider from the bond to see it fail.
    @Test func aKernelFaultPaysNobodyFromTheAuthorsBond() throws {
        let chain = try JobChain()
        let id = chain.post()
        let other = chain.post()
        _ = chain.commit(id)
        let job = chain.job(id)
        let kernel = try #require(try chain.reader.kernel(job.kernel))
        #expect(kernel.bond == star(1) && kernel.open == 2)
        let burned = chain.burned
        let people = [JobChain.requester, JobChain.author].map {
            chain.balance(JobChain.account($0))
        }
        let provider = chain.balance(job.provider)
        chain.block { $0.kernelIsFaulty(job, gas: job.gas / 128, by: .zero) }
        let closed = chain.job(id)
        let paid = try #require(job.price.mulDiv(UInt128(job.gas / 128), UInt128(job.gas), .down))
        #expect(closed.phase == .kernelFault && closed.waterfall?.operator == paid)
        #expect(chain.balance(job.provider) == provider.plus(paid))
        #expect(
            chain.balance(JobChain.account(JobChain.requester))
                == people[0].plus(job.escrow).minus(paid))
        // The hold's row is gone, and with it the deposit on it.
        let deposit = Amount(chain.genesis.ledger.entryDeposit)
        #expect(
            chain.balance(JobChain.account(JobChain.author))
                == people[1].minus(star(1)).plus(deposit))
        #expect(chain.burned == burned.plus(star(1)))
        #expect(chain.offer(job.offer)?.open ?? 0 <= 1 && chain.offer(job.offer)?.bond == star(100))
        let faulty = try #require(try chain.reader.kernel(job.kernel))
        #expect(faulty.isFaulty && faulty.bond == .zero && faulty.open == 1)
        // No more orders, and the other open job ends the same way when it is due.
        chain.expect(chain.send(JobChain.requester, JobKernel.post), "job.post.kernelFaulty")
        chain.wait(30_000)
        #expect(chain.job(other).phase == .kernelFault)
        #expect(chain.job(other).waterfall?.refund == job.escrow)
    }

    /// Remove the row's `isRetired` from `JobPost` to see a retired kernel ordered.
    @Test func aRetiredKernelsBondIsFreeWhenItsJobsAreClosed() throws {
        let chain = try JobChain()
        let id = chain.post()
        let kernel = JobKernel.package.id
        chain.expect(
            chain.send(JobChain.stranger, KernelRetire(kernel: kernel)),
            "kernel.retire.notTheAuthor")
        chain.expect(chain.send(JobChain.author, KernelRetire(kernel: kernel)))
        chain.expect(
            chain.send(JobChain.author, KernelRetire(kernel: kernel)),
            "kernel.retire.alreadyRetired")
        chain.expect(
            chain.send(JobChain.author, KernelRetire(kernel: .zero)),
            "kernel.retire.kernelNotFound")
        chain.expect(chain.send(JobChain.requester, JobKernel.post), "job.post.kernelRetired")
        #expect(try chain.reader.kernel(kernel)?.bond == star(1))
        let run = chain.commit(id)
        chain.expect(chain.audit(id, run))
        chain.wait(6_000)
        #expect(chain.job(id).phase == .settled)
        #expect(try chain.reader.kernel(kernel)?.bond == .zero)
    }
}

extension Amount {
    /// The sum of amounts of a test.
    func plus(_ other: Amount) -> Amount { (self + other).proven("within the supply") }
    /// The difference of amounts of a test.
    func minus(_ other: Amount) -> Amount { (self - other).proven("at most the whole") }
}
