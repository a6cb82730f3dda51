import Economy
import Ledger
import Primitives

// The end of a court: whose coins are where, and what cheating came to.
extension World {
    /// What a court is judged by: rows of the final state, decoded.
    private struct Docket {
        var jobs: [JobEntry] = []
        /// Providers of attempts that failed after a commitment, by job.
        var failed: [(provider: AccountID, end: AttemptEnd)] = []
        var validators: [Validator] = []
    }

    private static let providerTags: [UInt16] = [
        OfferPost.tag, OfferWithdraw.tag, JobCommit.tag, JobOpen.tag, JobAnswer.tag,
    ]
    private static let auditorTags: [UInt16] = [JobAudit.tag, JobSummon.tag, JobProve.tag]

    /// Checks the books of a court and fills in its tally.
    func judge() {
        guard !self.chainWatch.isForked, let host = self.hosts.first(where: \.isHonest),
            let state = self.rows(of: host), let docket = self.docket(state.rows)
        else { return self.fail(.books, "a court without books") }
        self.checkEscrows(docket, RowAudit(state.rows, self.genesis.salt))
        self.checkSlashes()
        var tally = Tally(cheat: self.plan.cheat, chance: self.odds(docket))
        tally.posted = UInt64(clamping: docket.jobs.count)
        tally.settled = UInt64(clamping: docket.jobs.filter { $0.phase == .settled }.count)
        for host in self.hosts {
            let (jobs, audits) = self.purses(of: host, docket)
            if host.cheat == nil {
                tally.honestJobs.add(jobs)
                tally.honestAudits.add(audits)
            } else {
                tally.cheatJobs.add(jobs)
                tally.cheatAudits.add(audits)
            }
        }
        self.count(docket, into: &tally)
        let guilty =
            self.hosts.filter { $0.cheat != nil }.flatMap(\.accounts)
            + self.people.filter { $0.kind == .accuser }.map(\.account)
        for (payment, cost) in self.chainWatch.costs
        where guilty.contains(where: { $0.digest == payment.account }) {
            tally.rejections += cost.rejections
        }
        self.court.tally = tally
    }

    private func docket(_ rows: [RowAudit.Row]) -> Docket? {
        var docket = Docket()
        do throws(DecodeError) {
            for row in rows {
                var key = Bytes(row.key)
                var value = Bytes(row.value)
                if value.isThere() { _ = value.take(40) }
                let record = Array(row.value.dropFirst(value.offset))
                switch key.u16() {
                case 110: docket.validators.append(try Validator(canonical: record))
                case 140: docket.jobs.append(try JobEntry(canonical: record))
                case 142:
                    let attempt = try AttemptEntry(canonical: record)
                    if attempt.end != .uncommitted {
                        docket.failed.append((attempt.provider, attempt.end))
                    }
                default: continue
                }
            }
            return docket
        } catch {
            return nil
        }
    }

    // MARK: Books

    /// Every escrow is paid out or back, to the mote, and the requesters have what is left.
    private func checkEscrows(_ docket: Docket, _ audit: RowAudit) {
        var spent = Lookup<AccountID, UInt128>()
        var earned = Lookup<AccountID, UInt128>()
        for job in docket.jobs {
            let escrow = Self.motes(job.maxPrice) + Self.motes(job.auditFee)
            guard let paid = job.waterfall, !job.phase.isOpen else {
                self.fail(.books, "job \(job.id.short) is open at the end")
                continue
            }
            let refund = Self.motes(paid.refund)
            if Self.motes(paid.price) + Self.motes(paid.auditor) + refund != escrow {
                self.fail(.books, "job \(job.id.short) pays out another sum than its escrow")
            }
            let cost = escrow - min(refund, escrow)
            spent[job.requester] = (spent[job.requester] ?? 0) + cost
            if let author = self.people.first(where: { $0.kind == .requester })?.account {
                earned[author] = (earned[author] ?? 0) + Self.motes(paid.author)
            }
        }
        for person in self.people where person.kind == .requester {
            let account = person.account
            let born = UInt128(Cast.starEach) * UInt128(Amount.motesPerStar)
            let fees = self.fees(of: account, nil)
            let left = born + (earned[account] ?? 0) - fees - (spent[account] ?? 0)
            let found = audit.wealth(of: account.digest)
            if found != left {
                self.fail(.books, "\(person.name) has \(found) motes at the end, not \(left)")
            }
        }
    }

    /// Only who cheats loses anything.
    private func checkSlashes() {
        // Whoever is two machines with one key is not honest, either: its peers reach only one.
        let guilty = self.hosts.filter { $0.cheat != nil || !$0.isHonest }.flatMap(\.accounts)
        for slash in self.chainWatch.slashes
        where !guilty.contains(where: { $0.digest == slash.account }) {
            self.fail(.books, "an honest account lost \(slash.amount) motes")
        }
    }

    private func fees(of account: AccountID, _ tags: [UInt16]?) -> UInt128 {
        self.chainWatch.costs.reduce(0) { sum, cost in
            guard cost.key.account == account.digest else { return sum }
            return tags?.contains(cost.key.tag) ?? true ? sum + cost.value.fees : sum
        }
    }

    // MARK: Profits

    /// What a machine's accounts earned with jobs and with audits, less what those cost.
    private func purses(
        of host: Host, _ docket: Docket
    ) -> (jobs: Tally.Purse, audits: Tally.Purse) {
        var (jobs, audits) = (Tally.Purse(), Tally.Purse())
        if let provider = host.provider {
            let ended = docket.jobs.filter { $0.provider == provider }
            let failed = docket.failed.filter { $0.provider == provider }.count
            jobs.count = UInt64(clamping: ended.count + failed)
            let earned = ended.reduce(UInt128(0)) {
                $0 + Self.motes($1.waterfall?.operator ?? .zero)
            }
            let lost = self.lost(provider, 0) + self.fees(of: provider, Self.providerTags)
            jobs.profit = Self.less(earned, lost + Self.cost(host.leavesRun.provided))
        }
        if let auditor = host.accounts.first {
            let ended = docket.jobs.filter { $0.auditor == auditor && $0.phase == .settled }
            audits.count = docket.validators.filter { $0.payout == auditor }
                .reduce(0) { $0 + $1.auditsDrawn }
            let shares = self.chainWatch.slashes.filter { $0.reporter == auditor.digest }
                .reduce(UInt128(0)) { $0 + $1.toReporter }
            let earned = ended.reduce(shares) {
                $0 + Self.motes($1.waterfall?.auditor ?? .zero)
            }
            let lost = self.lost(auditor, 1) + self.fees(of: auditor, Self.auditorTags)
            audits.profit = Self.less(earned, lost + Self.cost(host.leavesRun.audited))
        }
        return (jobs, audits)
    }

    private func lost(_ account: AccountID, _ role: UInt8) -> UInt128 {
        self.chainWatch.slashes.filter { $0.account == account.digest && $0.role == role }
            .reduce(0) { $0 + $1.amount }
    }

    private static func motes(_ amount: Amount) -> UInt128 {
        amount.units  // raw: the judge's own sums, of fewer than 2^15 amounts
    }

    private static func cost(_ leaves: UInt64) -> UInt128 {
        UInt128(leaves) * UInt128(Court.leafCost)
    }

    private static func less(_ left: UInt128, _ right: UInt128) -> Int128 {
        Int128(clamping: left) - Int128(clamping: right)
    }

    // MARK: The formula

    /// The chance that the cheat is caught at one job, or at one audit.
    private func odds(_ docket: Docket) -> UInt64 {
        guard let cheat = self.plan.cheat else { return 0 }
        switch cheat.role {
        case .provider, .pair:
            return Odds.detection(
                faked: cheat.faked(of: self.plan.leaves), of: self.plan.leaves,
                sample: UInt64(self.plan.leavesToAudit), friends: self.friends())
        // Whoever is silent, or is not believed, always is.
        case .auditor, .person, .requester, .validator: return Odds.one
        }
    }

    /// The part of the stake at birth that vouches for the cheat, of what may audit it.
    private func friends() -> UInt64 {
        guard self.plan.cheat?.role == .pair, let provider = self.hosts[0].provider else {
            return 0
        }
        let owner = self.hosts.filter { $0.cheat != nil }.flatMap(\.accounts)
        let others = self.genesis.validators.filter { $0.payout != provider }
        let all = others.reduce(UInt128(0)) { $0 + Self.motes($1.stake) }
        let friends = others.filter { owner.contains($0.payout) }
            .reduce(UInt128(0)) { $0 + Self.motes($1.stake) }
        return all == 0 ? 0 : UInt64(clamping: (friends << 32) / all)
    }

    /// What could be caught, and what was.
    private func count(_ docket: Docket, into tally: inout Tally) {
        let slashes = self.chainWatch.slashes
        switch self.plan.cheat?.role {
        case nil:
            tally.trials = tally.posted
            tally.caught = UInt64(clamping: docket.failed.count)
        case .provider?, .pair?:
            let provider = self.hosts[0].provider
            tally.trials = tally.cheatJobs.count
            tally.caught = UInt64(
                clamping: docket.failed.filter { $0.provider == provider }.count)
        case .auditor?:
            tally.trials = tally.cheatAudits.count
            // 5: the auditor said nothing in its time.
            tally.caught = UInt64(
                clamping: slashes.filter { $0.role == 1 && $0.reason == 5 }.count)
        case .person?: self.countAccusations(into: &tally)
        case .requester?, .validator?:
            tally.trials = tally.posted
            tally.caught = tally.settled
        }
    }

    /// An accusation that came too late was not looked at.
    private func countAccusations(into tally: inout Tally) {
        for person in self.people where person.kind == .accuser {
            let key = ChainWatch.Payment(account: person.account.digest, tag: JobProve.tag)
            let cost = self.chainWatch.costs[key] ?? ChainWatch.Cost()
            let late = [
                JobProve.Rejection.attemptNotFound.rawValue, JobProve.Rejection.tooLate.rawValue,
            ]
            let refused = [
                JobProve.Rejection.leafIsRight.rawValue,
                JobProve.Rejection.witnessWrong.rawValue,
            ]
            tally.cheatAudits.count = UInt64(clamping: cost.count)
            tally.cheatAudits.profit = Self.less(0, self.fees(of: person.account, nil))
            let lost = cost.rejections.filter(late.contains).count
            tally.trials = UInt64(clamping: cost.count - lost)
            tally.caught = UInt64(clamping: cost.rejections.filter(refused.contains).count)
        }
    }
}
