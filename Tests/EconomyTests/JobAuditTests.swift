import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// The audit: who names the leaves, what binds whom, what silence costs.
@Suite struct JobAuditTests {
    /// Take `isRight(reveal:)` out of `JobAudit` to see another sample pass.
    @Test func nobodyChoosesTheSample() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        let auditor = chain.auditor(id)
        let right = chain.report(id, run.openings(chain.sample(id)))
        for reveal in [Digest.zero, chain.job(id).auditLink, right.salt] {
            var audit = right
            audit.reveal = reveal
            chain.expect(chain.send(auditor, audit), "job.audit.revealWrong")
            let summons = JobSummon(job: id, reveal: reveal, commitment: .zero)
            chain.expect(chain.send(auditor, summons), "job.summon.revealWrong")
        }
        let sample = chain.sample(id)
        let (_, other) = chain.leaves(id)
        let wrong = [[], sample.dropLast(), Array(sample.reversed()), [other] + sample.dropFirst()]
        for leaves in wrong {
            let audit = chain.report(id, run.openings(leaves))
            chain.expect(chain.send(auditor, audit), "job.audit.wrongLeaves")
        }
        let stranger = JobChain.auditors.first { $0 != auditor } ?? 0
        chain.expect(chain.send(stranger, right), "job.audit.notTheAuditor")
        #expect(chain.job(id).auditReveal == .zero, "a refused report says nothing on the ledger")
        chain.expect(chain.send(auditor, right))
        let job = chain.job(id)
        #expect(job.phase == .window && job.outputRoot == run.outputRoot)
        #expect(job.sample(chain.salt) == sample)
        let validator = chain.validator(job.auditorSeat)
        #expect(validator.auditReveal == job.auditReveal)
        #expect(validator.auditsRevealed == 1 && validator.auditsDrawn == 1)
    }

    /// Let draws take numbers twice, or steps be wrong, to see a later reveal refused.
    @Test func drawsOfOneAuditorAreOpenAtOnceAndRevealedInAnyOrder() throws {
        let chain = try JobChain { genesis in
            let all = JobChain.account(JobChain.auditors[0])
            for index in genesis.validators.indices { genesis.validators[index].payout = all }
        }
        let jobs = (0..<4).map { _ in chain.post { $0.leavesToAudit = 2 } }
        let runs = jobs.map { chain.commit($0) }
        for (id, run) in zip(jobs, runs).reversed() { chain.expect(chain.audit(id, run)) }
        #expect(jobs.allSatisfy { chain.job($0).phase == .window })
        let drawn = (0..<3).map { chain.validator($0).auditsDrawn }
        #expect(drawn.reduce(0, +) == 4)
        #expect(drawn == (0..<3).map { chain.validator($0).auditsRevealed })
    }

    /// Remove the signature's check to see openings pass that the provider never gave: those of
    /// another provider's root, or stolen ones.
    @Test func openingsThatTheProviderDidNotGiveAreRefused() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        let auditor = chain.auditor(id)
        let sample = chain.sample(id)
        let right = chain.report(id, run.openings(sample))
        func refused(_ name: String, _ change: (inout JobAudit) -> Void) {
            var audit = right
            change(&audit)
            chain.expect(chain.send(auditor, audit), name)
        }
        // A copier's: the same slices under its own name are not in this root.
        let copy = JobRun(id, JobChain.account(JobChain.stranger), chain.salt)
        refused("job.audit.leafNotInRoot") { $0.openings.leaves = copy.openings(sample).leaves }
        refused("job.audit.leafNotInRoot") { $0.openings.leaves[0].salt = .zero }
        refused("job.audit.leafNotInRoot") { $0.openings.leaves[0].path = [] }
        refused("job.audit.sliceNotInOutput") { $0.openings.leaves[0].outputPath = [] }
        refused("job.audit.outputDoesNotOpen") { $0.openings.outputRoot = .zero }
        refused("job.audit.outputDoesNotOpen") { $0.openings.outputSalt = .zero }
        refused("job.audit.signatureWrong") { $0.signature = .blank }
        // Another commitment than the signed one: the auditor saw the roots first.
        refused("job.audit.signatureWrong") { $0.salt = .zero }
        #expect(chain.job(id).phase == .drawn)
    }

    /// Remove `leads(toOutput:)` to see an output audited that is not what the leaves wrote.
    @Test func anOutputThatIsNotTheLeavesIsRefused() throws {
        let chain = try JobChain()
        let id = chain.post()
        let other = Leaf.outputRoot((0..<128).map { Leaf.sliceRoot([UInt8($0)]) })
        let run = chain.commit(id, outputRoot: other)
        chain.expect(chain.audit(id, run), "job.audit.sliceNotInOutput")
        chain.expect(chain.summon(id, run))
        let open = JobOpen(job: id, openings: run.openings(chain.sample(id)))
        chain.expect(chain.send(chain.provider(id), open), "job.open.sliceNotInOutput")
        chain.wait(70_000)
        #expect(chain.attempts(id).map(\.end) == [.silent], "it cannot open, as if it were silent")
    }

    /// Take the auditor's slash out of `leafIsWrong` to see it vouch for anything.
    @Test func anAuditorThatVouchedForTheWrongLeafLosesItsStake() throws {
        let chain = try JobChain()
        let id = chain.post()
        chain.run(id, until: .assigned)
        let run = chain.commit(id, lies: Array(0..<JobKernel.leaves))
        let (sampled, _) = chain.leaves(id)
        let (auditor, seat) = (chain.auditor(id), chain.job(id).auditorSeat)
        #expect(chain.validator(seat).stake == star(1_000))
        chain.expect(chain.audit(id, run))
        chain.expect(chain.send(JobChain.stranger, try run.proof(sampled)))
        let slash = try #require(chain.slashes().first { $0.role == .auditor })
        #expect(slash.account == JobChain.account(auditor) && slash.reason == .vouched)
        #expect(slash.amount == star(1_000) && slash.toReporter == star(300))
        #expect(slash.toReporter.plus(slash.toCover).plus(slash.burned) == slash.amount)
        #expect(chain.validator(seat).stake == .zero)
        #expect(chain.attempts(id).first?.auditorSlashed == star(1_000))
        #expect(try chain.reader.faults(of: JobChain.account(auditor))?.count == 1)
    }

    /// Slash it for every wrong leaf to see an honest auditor lose its stake.
    @Test func anAuditorAnswersForItsSampleAlone() throws {
        let chain = try JobChain()
        let id = chain.post()
        chain.run(id, until: .assigned)
        let lie: UInt64 = 77
        let run = chain.commit(id, lies: [lie])
        guard !chain.sample(id).contains(lie) else { return }
        let seat = chain.job(id).auditorSeat
        chain.expect(chain.audit(id, run))
        chain.expect(chain.send(JobChain.stranger, try run.proof(lie)))
        #expect(chain.slashes().map(\.role) == [.provider])
        #expect(chain.validator(seat).stake == star(1_000))
        #expect(chain.job(id).phase == .posted)
    }

    /// Take the slash out of `auditorIsSilent` to see silence cost nothing; keep the reveal to see
    /// the same leaves again.
    @Test func aSilentAuditorLosesALittleAndAnotherDrawsOtherLeaves() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        let (first, sample, before) = (chain.auditor(id), chain.sample(id), chain.job(id))
        chain.wait(31_000)
        chain.run(id, until: .drawn)
        let job = chain.job(id)
        #expect(job.auditor != JobChain.account(first))
        #expect(job.leafRoot == before.leafRoot && job.provider == before.provider)
        let limit = try #require(job.auditFee.mulDiv(5, 1, .down))
        #expect(chain.validator(before.auditorSeat).stake == star(1_000).minus(limit))
        #expect(chain.sample(id) != sample)
        #expect(chain.offer(job.offer)?.bond == star(100), "the provider lost nothing")
        chain.expect(
            chain.send(first, chain.report(id, run.openings(sample))), "job.audit.notTheAuditor")
        chain.expect(chain.audit(id, run))
        chain.wait(6_000)
        #expect(chain.job(id).phase == .settled)
        #expect(try chain.reader.faults(of: JobChain.account(first)) == nil, "never a repeat")
    }

    /// Take the fault out of `jobIsDue` to see silence save a provider whose bad leaf was drawn.
    @Test func aProviderSilentAfterASummonsIsSlashedAsForAWrongLeaf() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id, lies: [1])
        let (auditor, job) = (chain.auditor(id), chain.job(id))
        let balance = chain.balance(job.auditor)
        chain.expect(chain.summon(id, run))
        let fee = chain.fee
        #expect(chain.job(id).phase == .summoned)
        #expect(chain.job(id).prepaid == chain.genesis.parameters.challengeFee)
        chain.wait(55_000)
        #expect(chain.job(id).phase == .summoned, "it has its time")
        chain.wait(10_000)
        let attempt = try #require(chain.attempts(id).first)
        let slash = try #require(job.price.mulDiv(5, 1, .down))
        #expect(attempt.end == .silent && attempt.slashed == slash && attempt.leaf == nil)
        #expect(attempt.reporter == JobChain.account(auditor))
        #expect(chain.job(id).escrow == job.escrow && chain.job(id).prepaid == .zero)
        let reward = slash.fraction(Parameters.points(3_000), .down)
        #expect(chain.balance(job.auditor) == balance.minus(fee).plus(reward))
        #expect(try chain.reader.faults(of: job.provider)?.count == 1)
        // And what it hid can still be proved.
        chain.expect(chain.send(JobChain.stranger, try run.proof(1)))
        #expect(chain.attempts(id).first?.slashed == star(100))
    }

    /// Let `JobAudit` take any openings in `opened` to see the auditor exchange what it is bound
    /// to.
    @Test func aSummonedProviderOpensOnTheLedgerAndIsPaidForIt() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        let (auditor, provider) = (chain.auditor(id), chain.provider(id))
        let openings = run.openings(chain.sample(id))
        let open = JobOpen(job: id, openings: openings)
        chain.expect(chain.send(provider, open), "job.open.notSummoned")
        chain.expect(chain.summon(id, run))
        chain.expect(chain.send(JobChain.stranger, open), "job.open.notTheProvider")
        chain.expect(
            chain.send(provider, JobOpen(job: id, openings: .blank)), "job.open.wrongLeaves")
        chain.expect(chain.audit(id, run), "job.audit.notDrawn")
        chain.expect(chain.send(provider, open))
        let job = chain.job(id)
        #expect(job.phase == .opened && job.prepaid == .zero)
        #expect(try chain.reader.openings(of: job) == openings.canonicalBytes)
        // Bound by its summons: neither another salt nor another provider's words.
        var other = chain.report(id, openings)
        other.salt = .zero
        chain.expect(chain.send(auditor, other), "job.audit.commitmentDiffers")
        other = chain.report(id, openings)
        other.signature = .blank
        chain.expect(chain.send(auditor, other))
        let piece = PieceKey(kind: .openings, subject: id.digest, index: 0)
        #expect(try chain.stack.read(EconomyTable.piece, piece) == nil, "nothing stays behind")
        chain.wait(6_000)
        #expect(chain.job(id).phase == .settled)
    }

    /// Forget the item of `opened` to see a silent auditor hold an honest provider's pay for ever.
    @Test func anAuditorSilentAfterTheOpeningIsReplaced() throws {
        let chain = try JobChain()
        let id = chain.post { $0.auditMs = 70_000 }
        let run = chain.commit(id)
        let (first, seat) = (chain.job(id).auditor, chain.job(id).auditorSeat)
        chain.expect(chain.summon(id, run))
        chain.wait(20_000)
        let open = JobOpen(job: id, openings: run.openings(chain.sample(id)))
        chain.expect(chain.send(chain.provider(id), open))
        chain.wait(34_000)
        chain.run(id, until: .drawn)
        #expect(chain.job(id).auditor != first && chain.job(id).openingsBytes == 0)
        #expect(chain.validator(seat).stake < star(1_000))
        chain.expect(chain.audit(id, run))
    }

    /// Count blocks instead of proposers to see the burst of one proposer slash an auditor.
    @Test func aDeadlineThatSlashesNeedsDistinctProposers() throws {
        let chain = try JobChain(drawProposers: 2)
        let id = chain.post()
        let run = chain.commit(id)
        let (seat, auditor) = (chain.job(id).auditorSeat, chain.job(id).auditor)
        // Somebody else's blocks were before the draw: one proposer alone runs the clock.
        chain.wait(50_000, by: 1)
        #expect(chain.job(id).phase == .drawn && chain.job(id).auditor == auditor)
        #expect(chain.validator(seat).stake == star(1_000))
        let openings = run.openings(chain.sample(id))
        let summons = JobSummon(
            job: id, reveal: chain.reveal(id), commitment: chain.commitment(id, openings))
        chain.block(by: 1, [chain.transaction(chain.auditor(id), summons)])
        chain.wait(90_000, by: 1)
        #expect(chain.job(id).phase == .summoned && chain.attempts(id).isEmpty)
        let open = JobOpen(job: id, openings: openings)
        chain.block(by: 1, [chain.transaction(chain.provider(id), open)])
        #expect(chain.job(id).phase == .opened, "who could not speak before still may")
    }

    /// Refund less, or forget the queue, to see a requester that vanishes cost somebody.
    @Test func aJobSettlesWithoutItsRequesterToTheMote() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        chain.expect(chain.audit(id, run))
        let job = chain.job(id)
        let provider = chain.balance(job.provider)
        let auditor = chain.balance(job.auditor)
        chain.wait(6_000)
        let waterfall = try #require(chain.job(id).waterfall)
        #expect(chain.job(id).phase == .settled)
        #expect(chain.balance(job.provider) == provider.plus(waterfall.operator))
        #expect(chain.balance(job.auditor) == auditor.plus(job.auditFee))
        #expect(waterfall.refund.plus(job.price) == job.maxPrice)
        #expect(chain.balance(ModuleAccount.escrow) == .zero)
        let receipt = JobReceipt(
            chain.job(id), attempts: chain.attempts(id), chain.salt)
        #expect(receipt.sample == job.sample(chain.salt) && receipt.leavesRerun == 4)
        #expect(receipt.stakeAtRisk == star(100) && receipt.auditorStake == star(1_000))
    }

    /// Let `fail` slash whoever did not commit to see an attempt cost a bond.
    @Test func whoDoesNotCommitLosesTheAttemptAlone() throws {
        let chain = try JobChain()
        let id = chain.post { $0.runMs = 1_000 }
        let whole = chain.job(id).escrow
        chain.run(id, until: .assigned)
        let offer = chain.job(id).offer
        chain.wait(2_000)
        #expect(chain.attempts(id).first?.end == .uncommitted)
        #expect(chain.attempts(id).first?.slashed == .zero)
        #expect(chain.offer(offer)?.open == 0 && chain.offer(offer)?.bond == star(100))
        chain.wait(60_000)
        #expect(chain.job(id).phase == .uncommitted && chain.attempts(id).count == 4)
        #expect(chain.job(id).waterfall?.refund == whole)
    }

    /// Remove `/ leavesPerAudited` from `JobPost` to see small jobs audited whole.
    @Test func theDefaultSampleIsAtMostTwoPercentAboveFiftyLeaves() throws {
        let chain = try JobChain()
        let id = chain.post { $0.leavesToAudit = 0 }
        #expect(chain.job(id).leavesToAudit == 2)
    }
}
