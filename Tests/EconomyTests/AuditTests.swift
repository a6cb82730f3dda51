import Economy
import Ledger
import Primitives
import Testing

/// Each invariant trips on a planted bug, in the block's own check and in the recount.
@Suite struct AuditTests {
    private func plant(_ bug: (inout EconomyState) -> Void) throws -> (String?, [String]) {
        var state = try QueueTests.state()
        bug(&state)
        let incremental = EconomyAudit.check(state.ledger.changes, state.salt)
        let sealed = try state.ledger.seal()
        return (incremental, try EconomyAudit.recount(sealed.stack))
    }

    private func expectTrip(
        _ text: String, location: SourceLocation = #_sourceLocation,
        _ bug: (inout EconomyState) -> Void
    ) throws {
        let (incremental, recount) = try self.plant(bug)
        #expect(incremental == text, sourceLocation: location)
        #expect(recount.contains(text), "\(recount)", sourceLocation: location)
    }

    private var job: JobEntry {
        var job = JobEntry()
        job.maxPrice = Amount(70)
        job.auditFee = Amount(30)
        job.escrow = Amount(100)
        return job
    }

    private func fund(_ state: inout EconomyState, _ amount: UInt64) {
        let payer = AccountID.of(key: TestGenesis.key(1))
        do throws(Transfer.Rejection) {
            try state.ledger.transfer(
                Transfer(Amount(amount), of: .star, from: payer, to: ModuleAccount.escrow))
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func anHonestJobPasses() throws {
        let (incremental, recount) = try self.plant { state in
            state.write(EconomyTable.job, .zero, self.job)
            self.fund(&state, 100)
            var counters = state.counters
            counters.escrow = Amount(100)
            state.counters = counters
        }
        #expect(incremental == nil)
        #expect(recount == [])
    }

    @Test func escrowWithoutMoney() throws {
        try self.expectTrip("escrow account differs from open jobs") { state in
            state.write(EconomyTable.job, .zero, self.job)
            self.fund(&state, 99)
        }
    }

    @Test func moneyWithoutJob() throws {
        try self.expectTrip("escrow account differs from open jobs") { self.fund(&$0, 1) }
    }

    @Test func escrowCounterForgotten() throws {
        try self.expectTrip("escrow counter differs from open jobs") { state in
            state.write(EconomyTable.job, .zero, self.job)
            self.fund(&state, 100)
        }
    }

    @Test func anOpenJobThatLostEscrow() throws {
        try self.expectTrip("an open job lacks escrow") { state in
            var job = self.job
            job.escrow = Amount(99)
            state.write(EconomyTable.job, .zero, job)
            self.fund(&state, 99)
        }
    }

    @Test func aClosedJobThatKeptEscrow() throws {
        try self.expectTrip("a closed job has escrow") { state in
            var job = self.job
            job.phase = .settled
            state.write(EconomyTable.job, .zero, job)
            self.fund(&state, 100)
        }
    }

    @Test func aBondThatIsNotHeld() throws {
        try self.expectTrip("bond holds differ from offers") { state in
            var offer = OfferEntry()
            offer.bond = Amount(5)
            state.write(EconomyTable.offer, .zero, offer)
        }
    }

    @Test func somethingPrepaidThatIsNotThere() throws {
        try self.expectTrip("escrow account differs from open jobs") { state in
            var job = self.job
            job.prepaid = Amount(7)
            state.write(EconomyTable.job, .zero, job)
            self.fund(&state, 100)
        }
    }

    @Test func prepaidCounterForgotten() throws {
        try self.expectTrip("prepaid counter differs from jobs") { state in
            var job = self.job
            job.prepaid = Amount(7)
            state.write(EconomyTable.job, .zero, job)
            self.fund(&state, 107)
            var counters = state.counters
            counters.escrow = Amount(100)
            state.counters = counters
        }
    }

    @Test func aClosedJobThatKeptSomethingPrepaid() throws {
        try self.expectTrip("a closed job has something prepaid") { state in
            var job = self.job
            job.phase = .withheld
            job.escrow = .zero
            job.prepaid = Amount(7)
            state.write(EconomyTable.job, .zero, job)
        }
    }

    /// A slash that takes from the hold alone, or from the entry alone.
    @Test func aBondThatDidNotShrinkWithItsHold() throws {
        try self.expectTrip("bond holds differ from offers") { state in
            let payer = AccountID.of(key: TestGenesis.key(1))
            let id = HoldID.of(EconomyState.bondPurpose, .zero, state.salt)
            do throws(Hold.Rejection) {
                try state.ledger.placeHold(
                    id,
                    Hold(
                        owner: payer, asset: .star, amount: Amount(5),
                        purpose: EconomyState.bondPurpose))
                try state.ledger.postHold(id, Amount(2), to: ModuleAccount.cover)
            } catch {
                Issue.record("\(error)")
            }
            var offer = OfferEntry()
            offer.bond = Amount(5)
            state.write(EconomyTable.offer, .zero, offer)
        }
    }

    @Test func aKernelsBondThatIsNotHeld() throws {
        try self.expectTrip("bond holds differ from kernels") { state in
            var kernel = KernelEntry()
            kernel.bond = Amount(5)
            state.write(EconomyTable.kernel, .zero, kernel)
        }
    }

    @Test func anOfferOverCapacity() throws {
        try self.expectTrip("an offer is over capacity") { state in
            var offer = OfferEntry()
            offer.open = 1
            state.write(EconomyTable.offer, .zero, offer)
        }
    }
}
