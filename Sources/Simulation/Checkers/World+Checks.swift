import Chain
import Primitives

// Looking at every machine from outside, now and then and at the end.
extension World {
    private static let auditEveryNs: UInt64 = 3_000_000_000

    func onAudit() {
        for host in self.hosts where host.isHonest && host.isUp { self.audit(host) }
        self.queue.add(.audit, at: self.now + Self.auditEveryNs)
    }

    /// Exports all rows of a machine's final state and adds them up.
    func audit(_ host: Host) {
        guard !self.chainWatch.isForked, let audit = self.export(host) else { return }
        self.counts.audits += 1
        let words = "\(host.name), height \(audit.height)"
        for fault in audit.rows.faults { self.fail(.conservation, "\(words): \(fault)") }
        if audit.rows.root != audit.root {
            self.fail(.stateRoot, "\(words): the rows hash to \(audit.rows.root.short)")
        }
        guard audit.height > 0 else { return }
        guard let final = self.chainWatch.final(audit.height) else {
            return self.fail(.agreement, "\(words): nobody made that block final")
        }
        if final.stateRoot != audit.root {
            self.fail(.stateRoot, "\(words): \(audit.root.short), \(final.stateRoot.short) said")
        }
        for known in self.issued {
            let isOrdered =
                known.height <= audit.height
                ? audit.rows.issued <= known.coins : audit.rows.issued >= known.coins
            if !isOrdered || known.height == audit.height && known.coins != audit.rows.issued {
                self.fail(
                    .conservation,
                    "\(words): \(audit.rows.issued) coins, "
                        + "\(known.coins) at height \(known.height)")
            }
        }
        self.issued.append((audit.height, audit.rows.issued))
        guard audit.height == self.chainWatch.height else { return }
        for account in self.chainWatch.accounts {
            guard let expected = self.chainWatch.balance(of: account) else { continue }
            let found = audit.rows.wealth(of: account)
            if found != expected {
                self.fail(
                    .books, "\(words): payer \(account.short) has \(found), not \(expected)")
            }
        }
    }

    /// A machine's final state, added up.
    private func export(_ host: Host) -> (height: UInt64, root: Digest, rows: RowAudit)? {
        self.rows(of: host).map {
            ($0.height, $0.root, RowAudit($0.rows, self.genesis.salt))
        }
    }

    /// All rows of a machine's final state, asked of a copy of its chain.
    func rows(
        of host: Host
    ) -> (height: UInt64, root: Digest, rows: [RowAudit.Row])? {
        guard var chain = host.chain else { return nil }
        var rows: [RowAudit.Row] = []
        var after: Digest?
        var height: UInt64 = 0
        var root = Digest.zero
        while true {
            var outbox = Outbox<Chain.Effect>()
            chain.handle(
                .query(.export(after: after, limit: 1_000), token: 0),
                now: host.drift.instant(at: self.now), into: &outbox)
            guard case .answer(_, let json) = outbox.drain().first else {
                self.fail(.stateRoot, "\(host.name) cannot export its state")
                return nil
            }
            height = json["height"]?.u64Value ?? 0
            root = Digest(hex: json["root"]?.stringValue ?? "") ?? .zero
            for row in json["rows"]?.arrayValue ?? [] {
                let key = Hex.decode(row["key"]?.stringValue ?? "") ?? []
                let value = Hex.decode(row["value"]?.stringValue ?? "") ?? []
                rows.append(RowAudit.Row(key: key, value: value))
            }
            guard let next = json["next"]?.stringValue else { break }
            after = Digest(hex: next)
        }
        return (height, root, rows)
    }

    // MARK: Progress

    /// After the faults: is everything final everywhere?
    func onPoll() {
        if self.plan.scenario == .canary { return self.end() }
        let reason = self.unfinished()
        guard let reason else { return self.end() }
        guard self.now < self.plan.safetyNs + self.plan.progressNs else {
            self.fail(.progress, reason)
            return self.end()
        }
        self.queue.add(.poll, at: self.now + 500_000_000)
    }

    /// Why the run cannot end; nil if it can.
    private func unfinished() -> String? {
        let honest = self.hosts.filter(\.isHonest)
        if let off = honest.first(where: { !$0.isUp }) { return "\(off.name) is off" }
        if !self.peopleAreDone {
            let waiting = self.people.filter { !$0.isIdle }.map(\.name).joined(separator: ", ")
            return "wishes are open: \(waiting)"
        }
        let heights = honest.map { "\($0.name) \($0.height)" }.joined(separator: ", ")
        guard honest.allSatisfy({ $0.chain?.head.id == honest.first?.chain?.head.id }) else {
            return "heads differ: \(heights)"
        }
        if let first = honest.first, let audit = self.export(first) {
            let open = audit.rows.phases.filter { $0 < 7 }.count
            let posted = audit.rows.phases.count
            if posted < self.counts.jobsPosted { return "a job is on its way" }
            if open > 0 { return "\(open) jobs are open at height \(audit.height)" }
        }
        return nil
    }

    /// The last look at everything.
    func end() {
        guard !self.hasEnded else { return }
        self.hasEnded = true
        self.counts.blocks = self.chainWatch.height
        self.counts.lostWrites = self.hosts.reduce(0) { $0 + $1.disk.lost }
        self.counts.jobsSettled = self.chainWatch.jobs.values.filter { $0 == 7 }.count
        for host in self.hosts where host.isHonest && host.isUp { self.audit(host) }
        for id in self.chainWatch.isForked ? [] : self.reportedIDs {
            guard let promised = self.reported[id] else { continue }
            let height = self.chainWatch.height(of: id.digest).map { UInt64(clamping: $0) }
            if height != promised.height {
                self.fail(.durable, "\(id.short) was reported final in \(promised.height)")
            }
        }
        self.checkResumption()
        if self.plan.scenario == .court { self.judge() }
        // What was reported must be behind every machine's head, and on most disks already.
        let last = self.reportedIDs.compactMap { self.reported[$0]?.height }.max() ?? 0
        for host in self.hosts where host.isHonest && host.isUp {
            if self.plan.scenario != .canary, host.height < last {
                self.fail(.durable, "\(host.name) ends at \(host.height), \(last) was reported")
            }
        }
        self.tell("the end, at height \(self.counts.blocks)")
    }

    /// After a stall the first block must be final two seconds, and a few delays, after the return.
    private func checkResumption() {
        guard self.plan.scenario == .stall, let returned = self.returned else { return }
        let limit = 2_000_000_000 + 10 * self.plan.delayNs.upperBound
        if self.resumedNs ?? .max > limit {
            let after = self.resumedNs.map { "\($0 / 1_000_000) ms" } ?? "never"
            self.fail(.progress, "resumed \(after) after \(Story.time(returned.atNs))")
        }
    }

    /// A machine's state in a sentence.
    func state(of host: Host) -> String {
        guard host.isUp else { return "\(host.name): off, \(host.disk.blocks.count) blocks stored" }
        let head = host.chain?.head
        return "\(host.name): height \(head?.height ?? 0) \(head?.id.short ?? ""), "
            + "\(host.disk.blocks.count) blocks stored, journal \(host.disk.live.count) records, "
            + "\(host.disk.jobs.count) job records, life \(host.generation + 1)"
    }
}
