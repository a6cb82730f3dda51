import Chain
import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// A job from order to pay, on a chain alone: no device, no node, no disk.
@Suite struct JobLifeTests {
    @Test func aJobIsAssignedCommittedAuditedAndPaid() throws {
        let world = try World()
        let kernel = world.openMarket()
        let id = world.post(kernel, auditMs: 60_000)
        #expect(world.job(id)["phase"]?.stringValue == "posted")
        #expect(world.hasWork, "a pending draw is work")
        world.block()
        #expect(world.job(id)["phase"]?.stringValue == "assigned")
        guard case .run(let run) = world.duties.first else {
            Issue.record("the provider has nothing to run: \(world.duties)")
            return
        }
        #expect(run.job == id && run.provider == World.account(World.provider))
        #expect(try WorkOrder(canonical: run.order) == TestKernel.order(kernel))
        #expect(try KernelPackage(canonical: run.kernel).id == kernel)

        let fake = world.expectedRun(id)
        expectNone(world.intend(World.provider, fake.commit))
        world.block()
        #expect(world.job(id)["phase"]?.stringValue == "committed")
        world.block()
        #expect(world.job(id)["phase"]?.stringValue == "drawn")
        let drawn = world.drawn
        #expect(drawn.count == 4)
        #expect(world.duties.count == 2, "the provider opens, the auditor re-runs")

        // A silent auditor is replaced by another draw, which here can only fall on it again.
        world.block(after: 2_000, heartbeat: true)
        #expect(world.drawn == drawn)
        let late = fake.audit(fake.openings(drawn), reveal: world.auditReveal)
        world.block(after: 600, heartbeat: true)
        world.block(heartbeat: true)
        let again = world.drawn
        #expect(world.job(id)["phase"]?.stringValue == "drawn")
        #expect(again.count == 4 && again != drawn, "with other leaves")

        let before = world.available(World.account(World.auditor))
        #expect(world.intend(World.auditor, late)?.name == "job.audit.revealWrong", "too late")
        expectNone(world.audit(fake))
        world.block()
        #expect(world.job(id)["phase"]?.stringValue == "window")
        #expect(world.duties.isEmpty)
        world.block(after: 100)
        #expect(world.job(id)["phase"]?.stringValue == "window", "the window is 200 ms")
        world.block(after: 150)
        let job = world.job(id)
        #expect(job["phase"]?.stringValue == "settled")
        let waterfall = job["waterfall"] ?? .null
        #expect(waterfall["price"]?.u64Value == World.price)
        #expect(waterfall["stakers"]?.u64Value == 10_000_000)
        #expect(waterfall["treasury"]?.u64Value == 7_500_000)
        #expect(waterfall["cover"]?.u64Value == 5_000_000)
        #expect(waterfall["burned"]?.u64Value == 2_500_000)
        #expect(waterfall["author"]?.u64Value == 30_000_000)
        #expect(waterfall["operator"]?.u64Value == 945_000_000)
        #expect(waterfall["refund"]?.u64Value == World.price)
        let after = world.available(World.account(World.auditor))
        #expect(after > before - 900_000, "the audit fee of 1,000,000 came, fees went")
        let supply = world.query(.supply)
        #expect(supply["escrow"]?.u64Value == 0)
        #expect(try world.faults() == [])
        #expect(world.stalled == nil)
        #expect(!world.block(), "nothing is left to do")
    }

    @Test func theReceiptProvesItselfAgainstTheHeader() throws {
        let world = try World()
        let id = try world.finishJob()
        let answer = world.query(.jobReceipt(id))
        let proof = answer["proof"] ?? .null
        let header = try Header(
            canonical: Hex.decode(proof["header"]?.stringValue ?? "").proven("hex"))
        let state = try StateProof(json: proof["state"] ?? .null, at: "state")
        let key = Hex.decode(proof["key"]?.stringValue ?? "").proven("hex")
        var value = Hex.decode(proof["value"]?.stringValue ?? "").proven("hex")
        let salt = world.genesis.salt
        #expect(state.verify(key: key, value: value, root: header.stateRoot, salt: salt))
        value[60] ^= 1
        #expect(!state.verify(key: key, value: value, root: header.stateRoot, salt: salt))
        let receipt = answer["receipt"] ?? .null
        #expect(receipt["leavesRerun"]?.u64Value == 4)
        // 16 leaves, 4 audited: one faked leaf (1 %) is missed with 12/16; two (10 %) with 66/120.
        #expect(receipt["unseenOnePercentPpm"]?.u64Value == 750_000)
        #expect(receipt["unseenTenPercentPpm"]?.u64Value == 550_001, "rounded up")
        #expect(receipt["stakeAtRisk"]?.u64Value == 5 * Amount.motesPerStar)
    }

    @Test func expiryAtEachStateReturnsTheEscrow() throws {
        // Without an offer, without a commitment, without an audit.
        for state in 0..<3 {
            let world = try World()
            let kernel = world.openMarket(capacity: 1)
            let requester = World.account(World.requester)
            let funds = world.available(requester)
            let id = world.post(
                kernel, maxPrice: state == 0 ? 1 : 2 * World.price, assignMs: 700, runMs: 700,
                auditMs: 5_000)
            let held = world.job(id)["escrow"]?.u64Value ?? 0
            #expect(held == (state == 0 ? 1 : 2 * World.price) + 1_000_000)
            world.block()
            if state == 2 {
                expectNone(world.intend(World.provider, world.expectedRun(id).commit))
                world.block()
            }
            for _ in 0..<(state == 2 ? 130 : 30) { world.block(after: 100) }
            // Without a commitment it waits for another provider: here is none.
            let expected = ["unassigned", "unassigned", "unaudited"][state]
            #expect(world.job(id)["attempt"]?.u64Value == (state == 1 ? 1 : 0))
            #expect(world.job(id)["phase"]?.stringValue == expected)
            #expect(world.job(id)["waterfall"]?["refund"]?.u64Value == held)
            let left = world.available(requester)
            #expect(funds - left < 20_000_000, "fees and deposits alone are gone: \(funds - left)")
            #expect(try world.faults() == [])
            // The capacity is free again.
            let again = world.post(kernel)
            world.block()
            #expect(world.job(again)["phase"]?.stringValue == "assigned")
        }
    }

    @Test func cancellingBeforeAssignmentReturnsTheEscrow() throws {
        let world = try World()
        let kernel = world.openMarket()
        let id = world.post(kernel, maxPrice: 1, assignMs: 60_000)
        world.block()
        #expect(world.job(id)["phase"]?.stringValue == "posted", "nobody works for that")
        #expect(
            world.submit(World.provider, World.named("job.cancel", JobCancel(job: id)))?.name
                == "job.cancel.notTheRequester")
        expectNone(world.submit(World.requester, World.named("job.cancel", JobCancel(job: id))))
        world.block()
        #expect(world.job(id)["phase"]?.stringValue == "cancelled")
        #expect(try world.faults() == [])
    }

    @Test func aLyingAuditIsRefused() throws {
        let world = try World()
        let kernel = world.openMarket()
        let id = world.post(kernel)
        world.block()
        let fake = world.expectedRun(id)
        expectNone(world.intend(World.provider, fake.commit))
        world.block()
        world.block()
        let drawn = world.drawn
        #expect(drawn.count == 4)
        let reveal = world.auditReveal
        let right = fake.openings(drawn)
        func refusal(_ openings: LeafOpenings, by key: SecretKey = World.auditor) -> String? {
            world.intend(key, fake.audit(openings, reveal: reveal))?.name
        }
        var refusals: [String?] = []
        // The provider itself; other leaves; fewer leaves; another order; another output.
        refusals.append(refusal(right, by: World.provider))
        let other = (0..<TestKernel.leaves).filter { !drawn.contains($0) }.prefix(4)
        refusals.append(refusal(fake.openings(Array(other))))
        refusals.append(refusal(fake.openings(drawn.dropLast())))
        refusals.append(refusal(fake.openings(drawn.reversed())))
        var bent = right
        (bent.outputRoot, bent.outputSalt) = (bent.outputSalt, bent.outputRoot)
        refusals.append(refusal(bent))
        bent = right
        bent.leaves[2].sliceRoot = bent.leaves[1].sliceRoot
        refusals.append(refusal(bent))
        #expect(
            refusals == [
                "job.audit.notTheAuditor", "job.audit.wrongLeaves", "job.audit.wrongLeaves",
                "job.audit.wrongLeaves", "job.audit.outputDoesNotOpen",
                "job.audit.leafNotInRoot",
            ])
        // Another number than its chain's; no signature of the provider's node.
        #expect(
            world.intend(World.auditor, fake.audit(right, reveal: .last))?.name
                == "job.audit.revealWrong")
        guard case .audit(let job, _, let salt, let openings, _) = fake.audit(right, reveal: reveal)
        else { return }
        #expect(
            world.intend(
                World.auditor,
                .audit(job: job, reveal: reveal, salt: salt, openings: openings, signature: .blank)
            )?.name == "job.audit.signatureWrong")
        // A copier's commitment is of no use either: leaves name their provider.
        expectNone(world.audit(fake))
    }

    @Test func aDrawWaitsForDistinctProposers() throws {
        let world = try World(drawProposers: 2, validators: 2)
        let id = try world.commitJob()
        for _ in 0..<5 { world.block(heartbeat: true) }
        #expect(world.job(id)["phase"]?.stringValue == "committed", "one proposer is not two")
        #expect(world.hasWork, "a draw that is awaited is a reason to build")
        for _ in 0..<60 { world.block(after: 100) }
        #expect(world.job(id)["phase"]?.stringValue == "unaudited")
    }

    @Test func anOfferStandsBeforeItIsDrawn() throws {
        let world = try World(standing: 1_000)
        let kernel = world.openMarket()
        let id = world.post(kernel)
        world.block()
        #expect(world.job(id)["phase"]?.stringValue == "posted")
        for _ in 0..<40 { world.block(after: 100) }
        #expect(world.job(id)["phase"]?.stringValue == "assigned")
    }

    @Test func aWithdrawnOfferFreesItsBondAfterItsJobs() throws {
        let world = try World()
        let id = try world.commitJob()
        let list = world.query(.offers(before: nil, limit: 10))["offers"]?.arrayValue ?? []
        let offer = OfferID(hex: list.first?["offer"]?.stringValue ?? "").proven("an offer")
        expectNone(world.intend(World.provider, .withdrawOffer(offer)))
        world.block()
        #expect(world.query(.supply)["bonds"]?.u64Value == 5 * Amount.motesPerStar)
        #expect(
            world.intend(World.provider, .withdrawOffer(offer))?.name
                == "offer.withdraw.alreadyClosing")
        try world.auditAndSettle(id)
        #expect(world.query(.supply)["bonds"]?.u64Value == 0)
        #expect(world.query(.offers(before: nil, limit: 10))["offers"]?.arrayValue?.count == 0)
        #expect(try world.faults() == [])
    }
}

extension World {
    func commitJob(auditMs: UInt64 = 5_000) throws -> JobID {
        let kernel = self.openMarket()
        let id = self.post(kernel, auditMs: auditMs)
        self.block()
        expectNone(self.intend(Self.provider, self.expectedRun(id).commit))
        self.block()
        return id
    }

    func auditAndSettle(_ id: JobID) throws {
        self.block()
        expectNone(self.audit(self.expectedRun(id)))
        self.block()
        self.block(after: 300)
        #expect(self.job(id)["phase"]?.stringValue == "settled")
    }

    func finishJob() throws -> JobID {
        let id = try self.commitJob()
        try self.auditAndSettle(id)
        return id
    }
}
