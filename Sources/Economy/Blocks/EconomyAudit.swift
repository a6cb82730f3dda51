package import Ledger
package import Primitives

/// The books of the economy: what is owed equals what is there.
///
/// 1. The escrow account has exactly the escrows of open jobs and what they hold for summonses and
///    challenges, and the counters say so.
/// 2. Bonds of offers are exactly the holds for bonds, and the counter says so; bonds of kernels
///    are exactly the holds for those.
/// 3. A closed job has no escrow and nothing prepaid; an open one has its maximum price and audit
///    fee, whatever its attempt.
/// 4. The counters say how many jobs are challenged, and how many are summoned.
/// 5. Stakes and ballots: see ``StakeSums``.
package enum EconomyAudit {
    /// Sums on both sides, modulo 2^128: equal differences are what is compared.
    private struct Sums: Hashable {
        // raw: sums over many rows may exceed what one Amount holds.
        var escrows: UInt128 = 0
        var escrowBalance: UInt128 = 0
        var escrowCounter: UInt128 = 0
        var prepaid: UInt128 = 0
        var prepaidCounter: UInt128 = 0
        var questions: UInt128 = 0
        var questionCounter: UInt128 = 0
        var bonds: UInt128 = 0
        var bondHolds: UInt128 = 0
        var bondCounter: UInt128 = 0
        var kernelBonds: UInt128 = 0
        var kernelHolds: UInt128 = 0
        var stakes = StakeSums()

        /// Adds a row, or takes it away.
        ///
        /// - Returns: what is wrong with the row alone.
        mutating func add(_ key: [UInt8], _ record: [UInt8], isAfter: Bool) -> String? {
            guard key.count >= 2 else { return "a key without a table" }
            let tag = UInt16(key[0]) | UInt16(key[1]) << 8
            do throws(DecodeError) {
                let fault = try self.stakes.add(
                    tag: tag, key: key, record: record, isAfter: isAfter)
                if let fault { return fault }
                switch tag {
                case EconomyTable.job.tag:
                    let job = try JobEntry(canonical: record)
                    Self.add(job.escrow, to: &self.escrows, isAfter)
                    Self.add(job.prepaid, to: &self.prepaid, isAfter)
                    Self.add(job.questions, to: &self.questions, isAfter)
                    if isAfter { return Self.fault(of: job) }
                case EconomyTable.kernel.tag:
                    let kernel = try KernelEntry(canonical: record)
                    Self.add(kernel.bond, to: &self.kernelBonds, isAfter)
                case EconomyTable.offer.tag:
                    let offer = try OfferEntry(canonical: record)
                    Self.add(offer.bond, to: &self.bonds, isAfter)
                    if isAfter, !offer.isWithinCapacity { return "an offer is over capacity" }
                case EconomyTable.counters.tag:
                    let counters = try Counters(canonical: record)
                    Self.add(counters.escrow, to: &self.escrowCounter, isAfter)
                    Self.add(counters.prepaid, to: &self.prepaidCounter, isAfter)
                    Self.add(counters.questions, to: &self.questionCounter, isAfter)
                    Self.add(counters.bonds, to: &self.bondCounter, isAfter)
                case LedgerTables.holds.tag:
                    let hold = try Hold(canonical: record)
                    if hold.purpose == EconomyState.bondPurpose {
                        Self.add(hold.amount, to: &self.bondHolds, isAfter)
                    }
                    if hold.purpose == EconomyState.kernelBondPurpose {
                        Self.add(hold.amount, to: &self.kernelHolds, isAfter)
                    }
                case LedgerTables.balances.tag:
                    let holding = try Holding(canonical: Array(key.dropFirst(2)))
                    if holding == Holding(ModuleAccount.escrow, .star) {
                        let balance = try Balance(canonical: record)
                        Self.add(balance.amount, to: &self.escrowBalance, isAfter)
                    }
                default: break
                }
            } catch {
                return "a row of table \(tag) does not decode"
            }
            return nil
        }

        private static func add(_ amount: Amount, to sum: inout UInt128, _ isAfter: Bool) {
            sum = isAfter ? sum &+ amount.units : sum &- amount.units  // raw: see above
        }

        private static func add(_ number: UInt128, to sum: inout UInt128, _ isAfter: Bool) {
            sum = isAfter ? sum &+ number : sum &- number
        }

        private static func fault(of job: JobEntry) -> String? {
            let whole = job.maxPrice + job.auditFee
            if job.phase.isOpen {
                return job.escrow == whole ? nil : "an open job lacks escrow"
            }
            if job.prepaid > .zero { return "a closed job has something prepaid" }
            return job.escrow == .zero ? nil : "a closed job has escrow"
        }

        var fault: String? {
            if self.escrows &+ self.prepaid != self.escrowBalance {
                return "escrow account differs from open jobs"
            }
            if self.prepaid != self.prepaidCounter { return "prepaid counter differs from jobs" }
            if self.questions != self.questionCounter {
                return "counters of challenges and summonses differ from jobs"
            }
            if self.escrows != self.escrowCounter { return "escrow counter differs from open jobs" }
            if self.bonds != self.bondHolds { return "bond holds differ from offers" }
            if self.bonds != self.bondCounter { return "bond counter differs from offers" }
            if self.kernelBonds != self.kernelHolds { return "bond holds differ from kernels" }
            return self.stakes.fault
        }
    }

    /// What a block's changes break, or nil.
    package static func check(_ changes: [RowChange], _ salt: ChainSalt) -> String? {
        var sums = Sums()
        for change in changes {
            if let before = change.before {
                if let fault = sums.add(change.key, before, isAfter: false) { return fault }
            }
            if let after = change.after {
                if let fault = sums.add(change.key, after, isAfter: true) { return fault }
            }
        }
        return sums.fault
    }

    /// What is wrong with a whole state, counted anew from every row; for tests and the audit.
    package static func recount(_ stack: StateStack) throws(StateFault) -> [String] {
        var sums = Sums()
        var faults = try stack.recount().map { "\($0)" }
        var from = Digest.zero
        while true {
            let page = try stack.rows(from: from, through: .last, limit: 1_024)
            for placed in page.dropFirst(from == .zero ? 0 : 1) {
                guard let record = Self.record(placed.row) else {
                    throw .damaged(path: placed.path)
                }
                if let fault = sums.add(placed.row.key, record, isAfter: true) {
                    faults.append(fault)
                }
            }
            guard page.count == 1_024, let last = page.last else { break }
            from = last.path
        }
        if let fault = sums.fault { faults.append(fault) }
        return faults
    }

    /// The record in a row, without the deposit before it.
    package static func record(_ row: StateRow) -> [UInt8]? {
        var decoder = Decoder(row.value)
        do throws(DecodeError) {
            if try decoder.bool() { try decoder.skip(32 + 8) }
            return try decoder.raw(decoder.remaining)
        } catch {
            return nil
        }
    }
}

extension JobEntry {
    /// Its open challenge, and its open summons in the upper half.
    fileprivate var questions: UInt128 {
        (self.challenge == nil ? 0 : 1) + (self.phase == .summoned ? 1 << 64 : 0)
    }
}

extension Counters {
    /// As `JobEntry.questions`, of all jobs.
    fileprivate var questions: UInt128 {
        UInt128(self.challenges) + UInt128(self.summonses) << 64
    }
}
