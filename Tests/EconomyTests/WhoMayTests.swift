import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// Who may say what, and what a draw may not choose: rights that no other test holds.
@Suite struct WhoMayTests {
    /// Take `notTheAuditor` out of `JobSummon` to see the provider summon itself in its auditor's
    /// name, with a commitment that nobody can open.
    @Test func onlyTheDrawnAuditorSummons() throws {
        let chain = try JobChain()
        let id = chain.post()
        _ = chain.commit(id)
        let summons = JobSummon(job: id, reveal: chain.reveal(id), commitment: .zero)
        for who in [chain.provider(id), JobChain.requester, JobChain.stranger] {
            chain.expect(chain.send(who, summons), "job.summon.notTheAuditor")
        }
        #expect(chain.job(id).phase == .drawn && chain.job(id).auditReveal == .zero)
    }

    /// Take `notTheProvider` out of `JobCommit` to see a stranger bind a provider to garbage.
    @Test func onlyTheAssignedProviderCommits() throws {
        let chain = try JobChain()
        let id = chain.post()
        chain.run(id, until: .assigned)
        let provider = chain.provider(id)
        let commit = JobRun(id, JobChain.account(provider), chain.salt).commit
        for who in JobChain.providers + [JobChain.stranger] where who != provider {
            chain.expect(chain.send(who, commit), "job.commit.notTheProvider")
        }
        #expect(chain.job(id).phase == .assigned && chain.job(id).leafRoot == .zero)
        chain.expect(chain.send(provider, commit))
    }

    /// Take `revealWrong` out of `openBlock` to see a proposer grind draws.
    @Test func aProposerSaysItsNextRevealOrMakesNoBlock() throws {
        let chain = try JobChain(offers: false)
        let reveals = RevealChain(secret: Blake2b.hash(.reveal, .none, [21]), count: 256)
        let wrong: [Digest?] = [
            .zero, reveals.anchor, reveals.reveal(1), reveals.reveal(3),
            Blake2b.hash(.reveal, .none, []),
        ]
        func make(_ reveal: Digest) throws {
            let plan = BlockPlan(
                epoch: chain.header.epoch, view: 9, timeMs: chain.header.timeMs + 500,
                proposer: NodeID.of(JobChain.key(21).publicKey), reveal: reveal)
            _ = try BlockRun(
                plan, on: chain.header, stack: chain.stack, genesis: chain.genesis,
                kernels: chain.kernels)
        }
        for reveal in wrong {
            let reveal = try #require(reveal)
            #expect(throws: BlockFault.revealWrong) { try make(reveal) }
        }
        try make(try #require(reveals.reveal(2)))
    }

    /// Take the payout's test out of `drawAuditor` to see a provider audit itself.
    @Test func aProviderIsNotItsOwnAuditor() throws {
        let provider = JobChain.providers[0]
        let chain = try JobChain(offers: false) { genesis in
            for index in genesis.validators.indices {
                genesis.validators[index].payout = JobChain.account(provider)
            }
        }
        chain.expect(chain.send(JobChain.author, JobKernel.publish))
        chain.expect(chain.send(provider, JobChain.offer(provider, bond: star(100))))
        let id = chain.post()
        chain.run(id, until: .assigned)
        chain.expect(
            chain.send(provider, JobRun(id, JobChain.account(provider), chain.salt).commit))
        for _ in 0..<8 { chain.block() }
        #expect(chain.job(id).phase == .committed)
    }

    /// Draw from `all` instead of `fresh` to see an auditor drawn again after it gave back.
    @Test func whoGaveADrawBackIsNotDrawnNext() throws {
        let chain = try JobChain { $0.validators[0].stake = star(1_000_000) }
        let id = chain.post()
        _ = chain.commit(id)
        #expect(chain.job(id).auditorSeat == 0)
        let auditor = chain.job(id).auditor
        chain.expect(
            chain.send(chain.auditor(id), JobDecline(job: id, reason: DeclineReason.inputsMissing)))
        chain.run(id, until: .drawn)
        #expect(chain.job(id).auditor != auditor)
    }

    /// An honest leaf: remove `canAfford` from `JobProve` to see the referee say so for nothing.
    @Test func aProofThatItsFeeCannotPayIsNotRunAtAll() throws {
        let chain = try JobChain()
        let id = chain.post()
        let run = chain.commit(id)
        let weight = Transaction.blank.envelopeWeight.units + 60
        chain.expect(
            chain.send(JobChain.stranger, try run.proof(2), maxFee: Amount(weight)),
            "execution.weightAboveMaxFee")
    }

    /// Trap on a price that is none to see one order stop every node.
    @Test func aPriceThatIsNoAmountIsTooExpensive() {
        var offer = OfferEntry()
        offer.capacity = 1
        offer.classes = [1]
        offer.maxJobGas = .max
        offer.pricePerGigaGas = .maxSupply
        offer.bond = .maxSupply
        offer.standsUntil = LedgerTime(ms: .max)
        var job = JobEntry()
        job.exactness = 1
        job.gas = .max
        job.maxPrice = .maxSupply
        let found = offer.fit(job, failed: [], now: LedgerTime(ms: 1_000_000), Parameters())
        #expect(found == .failure(.tooExpensive))
    }
}
