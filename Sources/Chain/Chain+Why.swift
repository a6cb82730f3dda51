import Economy
import Ledger
internal import OrderedCollections
import Primitives

// Why things are as they are: answers of ``onQuery(_:_:_:)`` that explain, for people. They read
// the final state alone and call the functions that decide.

extension Chain {
    /// Jobs that one explanation looks back at.
    private static let jobsMax = 1_000

    /// The answer to one of the explaining queries; nil where there is no such thing.
    func why(_ query: Query) throws(StateFault) -> JSON? {
        switch query {
        case .jobWhy(let id): try self.jobWhy(id)
        case .providerWhy(let account, let limit): try self.providerWhy(account, limit)
        case .earnings(let account, let limit): try self.earnings(account, limit)
        case .stake(let account): try self.stake(account)
        case .proposals(let before, let limit): try self.proposals(before, limit)
        case .proposal(let id): try self.proposal(id)
        default: nil
        }
    }

    // MARK: A job

    private func jobWhy(_ id: JobID) throws(StateFault) -> JSON? {
        let reader = EconomyReader(self.tip.stack)
        guard let job = try reader.job(id) else { return nil }
        let attempts = try reader.attempts(of: job)
        let offers = job.phase == .posted ? try self.fits(of: job, attempts, reader) : []
        let lines = Self.story(of: job, attempts, standing: offers.count, salt: self.salt)
        return .object(
            ("job", id.json), ("phase", job.phase.json),
            ("lines", .array(lines.map { .string($0) })),
            ("due", job.phase.isOpen ? job.due.json : .null), ("now", self.tip.time.json),
            ("attempts", .array(attempts.map(\.json))), ("offers", .array(offers)))
    }

    /// Every standing offer and what it makes of the job: its price and its part of the bonds, or
    /// why not.
    private func fits(
        of job: JobEntry, _ attempts: [AttemptEntry], _ reader: EconomyReader
    ) throws(StateFault) -> [JSON] {
        let failed = attempts.map(\.provider)
        let parameters = try reader.parameters()
        let fits = try reader.offers().map { offer in
            (
                offer,
                offer.fit(job, failed: failed, now: self.tip.time, parameters)
            )
        }
        var bonds = Amount.zero
        for (offer, fit) in fits {
            if case .success = fit { bonds = (bonds + offer.bond) ?? bonds }
        }
        return fits.map { offer, fit in
            var members: [JSON.Member] = [
                .init(name: "offer", value: offer.id.json),
                .init(name: "provider", value: offer.provider.json),
                .init(name: "bond", value: offer.bond.json),
            ]
            switch fit {
            case .success(let price):
                members.append(.init(name: "price", value: price.json))
                members.append(
                    .init(name: "chancePpm", value: Self.ppm(offer.bond, of: bonds).json))
            case .failure(let misfit):
                members.append(.init(name: "misfit", value: .string(misfit.rawValue)))
            }
            return .object(members)
        }
    }

    /// Parts per million, down.
    private static func ppm(_ part: Amount, of whole: Amount) -> UInt32 {
        guard whole > .zero else { return 0 }
        // raw: a ratio of two amounts.
        let ppm = mulDiv128(part.units, 1_000_000, whole.units, .down) ?? 0
        return UInt32(clamping: ppm)
    }

    private static func story(
        of job: JobEntry, _ attempts: [AttemptEntry], standing: Int, salt: ChainSalt
    ) -> [String] {
        var lines: [String] = []
        for (number, one) in attempts.enumerated() {
            lines.append("attempt \(number + 1): " + Self.end(of: one))
        }
        if job.phase != .posted, job.provider != .zero {
            let part = Self.ppm(job.bond, of: job.candidateBond)
            lines.append(
                "provider \(job.provider.short) was drawn from \(job.candidates) fitting offers; "
                    + "its bond of \(job.bond.units) motes is "  // raw: printed
                    + "\(part / 10_000) % of theirs and stands behind the result")
        }
        if job.audited != nil, let sample = job.sample(salt) {
            lines.append(
                "auditor \(job.auditor.short) re-ran \(sample.count) of \(job.leaves) leaves; "
                    + "its own chain named them, after the commitment")
        }
        lines.append(Self.state(of: job, standing: standing))
        return lines
    }

    private static func end(of attempt: AttemptEntry) -> String {
        let who = "provider \(attempt.provider.short)"
        let cost = "it lost \(attempt.slashed.units) motes of its bond"  // raw: printed
        switch attempt.end {
        case .uncommitted: return "\(who) gave no result in time; nothing was paid"
        case .wrongLeaf:
            let leaf = attempt.leaf.map { "\($0)" } ?? "?"
            let by = attempt.reporter.map { " by \($0.short)" } ?? ""
            return "leaf \(leaf) of \(who) was proved wrong\(by); \(cost)"
        case .silent: return "\(who) did not open what it had committed to; \(cost)"
        case .withheld: return "\(who) did not give its output; \(cost)"
        }
    }

    private static func state(of job: JobEntry, standing: Int) -> String {
        switch job.phase {
        case .posted:
            "waits for a provider: \(standing) offers stand, see which fit; the next block's "
                + "reveal draws, weighted by bond"
        case .assigned: "the provider runs it"
        case .committed:
            "the provider is bound to its result; once enough distinct proposers have revealed "
                + "since, an auditor is drawn"
        case .drawn: "auditor \(job.auditor.short) re-runs leaves that nobody else knows yet"
        case .summoned:
            "auditor \(job.auditor.short) got no right openings and asks on the ledger: the "
                + "provider opens there or loses its bond"
        case .opened: "the provider opened on the ledger; the auditor must vouch or prove it wrong"
        case .window:
            "audited; anybody may prove a leaf wrong until the window ends, then it is paid"
        case .settled: "paid"
        case .cancelled: "the requester took it back"
        case .unassigned: "no offer fitted in time; the escrow went back"
        case .uncommitted: "no provider gave a result in time; the escrow went back"
        case .unaudited: "no audit in time; the escrow went back"
        case .faulted: "every provider drawn was wrong or silent; the escrow went back"
        case .kernelFault: "the kernel broke its own gas bound; its author's bond was burned"
        case .withheld: "the output was withheld; the escrow went back"
        }
    }

    // MARK: A provider

    /// The newest jobs, as far back as asked.
    private func newestJobs(_ limit: Int) throws(StateFault) -> [JobEntry] {
        let reader = EconomyReader(self.tip.stack)
        var list: [JobEntry] = []
        var sequence = try reader.counters().jobs
        while sequence > 0, list.count < min(limit, Self.jobsMax) {
            sequence -= 1
            guard let id = try self.tip.stack.read(EconomyTable.jobSequence, sequence),
                let job = try reader.job(id)
            else { break }
            list.append(job)
        }
        return list
    }

    private func providerWhy(_ account: AccountID, _ limit: Int) throws(StateFault) -> JSON? {
        let reader = EconomyReader(self.tip.stack)
        let mine = try reader.offers().filter { $0.provider == account }
        let parameters = try reader.parameters()
        var jobs: [JSON] = []
        for job in try self.newestJobs(limit) {
            let attempts = try reader.attempts(of: job)
            let reason = Self.reason(
                account, job, attempts, mine, now: self.tip.time, parameters)
            jobs.append(
                .object(
                    ("job", job.id.json), ("phase", job.phase.json), ("posted", job.posted.json),
                    ("maxPrice", job.maxPrice.json), ("gas", job.gas.json),
                    ("reason", .string(reason.code)), ("text", .string(reason.text))))
        }
        return .object(
            ("account", account.json), ("offers", .array(mine.map(\.json))),
            ("jobs", .array(jobs)))
    }

    /// Why a provider has a job or not: a stable word and a sentence.
    private static func reason(
        _ account: AccountID, _ job: JobEntry, _ attempts: [AttemptEntry], _ mine: [OfferEntry],
        now: LedgerTime, _ parameters: Parameters
    ) -> (code: String, text: String) {
        if let one = attempts.first(where: { $0.provider == account }) {
            return ("failed", "this provider had it: " + Self.end(of: one))
        }
        if job.provider == account { return ("drawn", "this provider was drawn") }
        guard !mine.isEmpty else { return ("noOffer", "this provider has no standing offer") }
        var misfits: [Misfit] = []
        for offer in mine {
            // Of a job that was drawn long ago: as the offer stands now.
            switch offer.fit(job, failed: attempts.map(\.provider), now: now, parameters) {
            case .success:
                if job.phase == .posted {
                    return ("waiting", "the offer fits; the next reveal draws")
                }
                guard job.provider != .zero else {
                    return ("fits", "the offer fits now; the job ended without a draw")
                }
                let part = Self.ppm(offer.bond, of: job.candidateBond)
                return (
                    "notDrawn",
                    "another of \(job.candidates) fitting offers was drawn; this bond would have "
                        + "had about \(part / 10_000) %"
                )
            case .failure(let misfit): misfits.append(misfit)
            }
        }
        let worst = misfits.first ?? .closing
        return (worst.rawValue, Self.words(worst, job))
    }

    private static func words(_ misfit: Misfit, _ job: JobEntry) -> String {
        switch misfit {
        case .closing: "the offer was withdrawn, or its provider was at fault"
        case .full: "all places of the offer are taken; raise provider.capacity"
        case .expired: "the offer's time is over"
        case .classNotServed: "no device here serves exactness class \(job.exactness)"
        case .tooMuchGas: "the job has \(job.gas) gas, more than the offer takes"
        case .tooYoung: "the offer had not stood long enough"
        case .bondTooSmall:
            "the bond could not pay for a fault in every job of the offer and this one; raise it"
        case .tooExpensive: "the offer asks for more than the job pays; lower the price"
        case .failedBefore: "this provider had the job before"
        }
    }

    private func earnings(_ account: AccountID, _ limit: Int) throws(StateFault) -> JSON? {
        let reader = EconomyReader(self.tip.stack)
        var sums = Earnings()
        var seen: UInt64 = 0
        for job in try self.newestJobs(limit) {
            seen += 1
            sums.add(job, try reader.attempts(of: job), account)
        }
        var bonds = Amount.zero
        for offer in try reader.offers() where offer.provider == account {
            bonds = (bonds + offer.bond) ?? bonds
        }
        let stake = try reader.stake(of: account)
        return .object(
            ("account", account.json), ("jobsSeen", seen.json),
            ("jobsProvided", sums.provided.json), ("jobsAudited", sums.audited.json),
            ("operator", sums.operator.json), ("audits", sums.audits.json),
            ("reports", sums.reports.json), ("slashed", sums.slashed.json),
            ("bonds", bonds.json), ("stake", (stake?.power ?? .zero).json),
            ("claimable", (stake?.accrued ?? .zero).json))
    }

    /// Sums over jobs; each is a part of what was paid, and all of that is part of the supply.
    private struct Earnings {
        var provided: UInt64 = 0
        var audited: UInt64 = 0
        var `operator` = Amount.zero
        var audits = Amount.zero
        var reports: UInt64 = 0
        var slashed = Amount.zero

        mutating func add(_ job: JobEntry, _ attempts: [AttemptEntry], _ account: AccountID) {
            if job.phase == .settled, let waterfall = job.waterfall {
                if job.provider == account {
                    self.provided += 1
                    self.operator = (self.operator + waterfall.operator) ?? self.operator
                }
                if job.auditor == account {
                    self.audited += 1
                    self.audits = (self.audits + waterfall.auditor) ?? self.audits
                }
            }
            for one in attempts {
                if one.reporter == account { self.reports += 1 }
                if one.provider == account {
                    self.slashed = (self.slashed + one.slashed) ?? self.slashed
                }
                if one.auditor == account {
                    self.slashed = (self.slashed + one.auditorSlashed) ?? self.slashed
                }
            }
        }
    }

    // MARK: Stake and ballots

    private func stake(_ account: AccountID) throws(StateFault) -> JSON? {
        let reader = EconomyReader(self.tip.stack)
        let (entry, pool) = (try reader.stake(of: account), try reader.pool())
        return .object(
            ("account", account.json), ("bonded", (entry?.bonded ?? .zero).json),
            ("locked", (entry?.locked ?? .zero).json), ("power", (entry?.power ?? .zero).json),
            ("claimable", (entry?.accrued ?? .zero).json),
            ("unbonding", .array((entry?.unbondings ?? []).map(\.json))),
            ("totalPower", pool.power.json), ("queued", pool.queued.json),
            ("now", self.tip.time.json))
    }

    private func proposals(_ before: UInt64?, _ limit: Int) throws(StateFault) -> JSON? {
        let list = try EconomyReader(self.tip.stack).proposals(before: before, limit: limit)
        var members: [JSON.Member] = [
            .init(name: "proposals", value: .array(list.map(\.json)))
        ]
        if let last = list.last, last.sequence > 0, list.count >= limit {
            members.append(.init(name: "next", value: last.sequence.json))
        }
        return .object(members)
    }

    private func proposal(_ id: ProposalID) throws(StateFault) -> JSON? {
        let reader = EconomyReader(self.tip.stack)
        guard let entry = try reader.proposal(id) else { return nil }
        return .object(
            ("proposal", entry.json), ("fees", try reader.parameters().fees.json),
            ("hasQuorum", .bool(entry.hasQuorum)), ("hasMajority", .bool(entry.hasMajority)),
            ("now", self.tip.time.json))
    }
}
