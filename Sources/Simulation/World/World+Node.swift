import Chain
import Consensus
import Gossip
import Ledger
import Node
import Primitives

// What the daemon's drivers do, in virtual time.
extension World {
    /// One signature check of the pool.
    static let checkNs: UInt64 = 40_000
    /// The chain's thread, for what costs hardly anything, and for a transaction's cheap checks.
    private static let glanceNs: UInt64 = 10_000
    private static let admitNs: UInt64 = 60_000
    /// A unit of weight is a microsecond of one core.
    private static let nsPerWeight: UInt64 = 1_000

    /// Performs one effect; what can be answered at once is appended to `answers`.
    func perform(_ effect: Node.Effect, _ host: Host, _ answers: inout [Node.Input]) {
        switch effect {
        case .chain(let wanted):
            guard let input = self.cheats(wanted, host) else { return }
            host.chainInputs.append(input)
            self.runChain(host)
        case .journal(let id, let bytes):
            host.unsynced.append(.init(kind: .block, key: id.digest, bytes: bytes))
        case .persist(let record): self.persist(record, host, &answers)
        case .sign(let statement, let digest): self.sign(statement, digest, host, &answers)
        case .reveal(let order, let index): self.reveal(order, index, host, &answers)
        case .walletSign(let account, let digest, let token):
            let key = host.accounts.contains(account) ? self.key(of: account) : nil
            let signature = key.flatMap { key in
                self.signer.sign(digest, by: key).map { (key, $0) }
            }
            answers.append(
                .walletSigned(
                    token: token, signature.map { .init(key: $0.0, signature: $0.1) }))
        case .checkSignatures(let batch, let checks):
            let verdicts = checks.map { self.signer.holds($0.key, $0.digest, $0.signature) }
            self.afterChecks(
                host, checks.count, .signaturesChecked(batch: batch, verdicts: verdicts))
        case .checkVotes(let batch, let checks):
            let verdicts = checks.map { self.signer.holds($0.key, $0.digest, $0.signature) }
            self.afterChecks(host, checks.count, .votesChecked(batch: batch, verdicts: verdicts))
        case .append(let records): self.append(records, host)
        case .fold(let record):
            self.write(
                .fold(record), host, .storage, .node(.folded(height: record.height)))
        case .gossip(let effect): self.perform(effect, host)
        case .provider(let effect): self.perform(effect, host)
        case .reply(let token, let reply): self.onReply(token, reply)
        case .finalized(let list): self.onFinalized(list, host)
        case .schedule(let timer, let at):
            self.queue.add(
                .timer(host.index, generation: host.generation, timer),
                at: max(self.now, host.drift.worldNs(of: at)))
        case .readClock: answers.append(.clock(wallMs: host.drift.wallMs(at: self.now)))
        case .report(let report): self.onReport(report, host)
        }
    }

    // MARK: Keys

    private func key(of account: AccountID) -> PublicKey? { self.accountKeys[account] }

    private func sign(
        _ statement: Statement, _ digest: Digest, _ host: Host, _ answers: inout [Node.Input]
    ) {
        self.votes.signs(
            statement, (host.index, host.name, host.isHonest), durable: host.disk.votes,
            at: self.now, &self.verdicts)
        self.counts.signatures += 1
        self.tell("\(host.name) signs \(VoteWatch.words(statement))")
        self.log.note(digest.bytes)
        guard let signature = self.signer.sign(digest, by: host.key) else { return }
        answers.append(.signed(statement, signature))
    }

    private func reveal(
        _ order: Chain.BuildOrder, _ index: UInt64, _ host: Host, _ answers: inout [Node.Input]
    ) {
        guard let reveal = host.reveals.reveal(index) else {
            return self.fail(.failure, "\(host.name) has no reveal number \(index)")
        }
        self.latency.starts(view: order.view, at: self.now)
        self.tell("\(host.name) leads view \(order.view) and builds on \(order.parent.short)")
        answers.append(
            .revealed(order, reveal: reveal, wallMs: host.drift.wallMs(at: self.now)))
    }

    /// Two threads check signatures; a batch waits for the one that is free first.
    private func afterChecks(_ host: Host, _ count: Int, _ answer: Node.Input) {
        let lane = host.checkersFreeAt[0] <= host.checkersFreeAt[1] ? 0 : 1
        let start = max(self.now, host.checkersFreeAt[lane])
        let end = start + UInt64(clamping: count) * Self.checkNs
        host.checkersFreeAt[lane] = end
        self.give(host, answer, after: end - self.now)
    }

    // MARK: Disk

    private func persist(_ record: VoteRecord, _ host: Host, _ answers: inout [Node.Input]) {
        let votes = JournalFile.Item(kind: .votes, key: .zero, bytes: record.canonicalBytes)
        let items = host.unsynced + [votes]
        host.unsynced = []
        if self.plan.plant == .voteBeforeDurable {
            self.write(.journal(items), host, .journal, .nothing)
            answers.append(.persisted(record))
        } else {
            self.write(.journal(items), host, .journal, .node(.persisted(record)))
        }
    }

    private func append(_ records: [BlockRecord], _ host: Host) {
        guard let last = records.last else { return }
        if host.isHonest {
            let slashes = self.chainWatch.slashes.count
            self.chainWatch.saw(
                records, by: host.name, at: self.now, self.signer, &self.verdicts)
            self.offerAgain(slashesBefore: slashes)
            self.latency.final(records, self.now)
            if let returned, self.chainWatch.height > returned.height, self.resumedNs == nil {
                self.resumedNs = self.now - returned.atNs
            }
            for news in self.chainWatch.news { self.tell(news) }
            self.chainWatch.news = []
        }
        for record in records { self.log.note(record.id.digest.bytes) }
        self.tell("\(host.name) has block \(last.height) \(last.id.short) as final")
        self.write(.append(records), host, .storage, .node(.stored(height: last.height)))
    }

    /// Queues a write; the first of a lane is under way.
    func write(
        _ write: Disk.Write, _ host: Host, _ lane: Host.Lane, _ answer: Host.DiskAnswer
    ) {
        host.lanes[lane.rawValue].append((write, answer))
        if host.lanes[lane.rawValue].count == 1 { self.beginWrite(host, lane) }
    }

    private func beginWrite(_ host: Host, _ lane: Host.Lane) {
        guard let first = host.lanes[lane.rawValue].first else { return }
        let base = self.plan.syncNs
        let spread = self.diskChance.between(base * 3 / 4, base * 5 / 4)
        let cost: UInt64
        switch first.write {
        case .journal: cost = spread
        case .append(let records): cost = 2 * spread + UInt64(clamping: records.count) * 20_000
        case .fold: cost = spread + self.diskChance.between(self.plan.foldNs / 2, self.plan.foldNs)
        case .job, .forgetJob, .blob: cost = 2 * spread
        }
        self.queue.add(
            .written(host.index, generation: host.generation, lane), at: self.now + cost)
        let isDoomed =
            host.doom?.during == .journal && lane == .journal
            || host.doom?.during == .storage && lane == .storage
        if isDoomed, var crash = host.doom {
            host.doom = nil
            crash.during = .anyTime
            self.queue.add(.crash(crash), at: self.now + cost / 2)
        }
    }

    func onWritten(_ index: Int, _ generation: Int, _ lane: Host.Lane) {
        let host = self.hosts[index]
        guard host.generation == generation,
            let done = host.lanes[lane.rawValue].popFirst()
        else { return }
        if case .append(let records) = done.write, let first = records.first,
            first.height != (host.disk.blocks.last?.height ?? 0) + 1
        {
            self.fail(.storage, "\(host.name) appends block \(first.height) out of order")
        }
        host.disk.perform(done.write)
        self.beginWrite(host, lane)
        if case .node(let input) = done.answer { self.step(index, generation, input) }
    }

    // MARK: Chain

    /// Begins the chain's next input, unless its thread is busy: what it does takes its time.
    private func runChain(_ host: Host) {
        guard !host.isChainBusy, let input = host.chainInputs.popFirst() else { return }
        host.isChainBusy = true
        var outbox = Outbox<Chain.Effect>()
        host.chain?.handle(input, now: host.drift.instant(at: self.now), into: &outbox)
        host.chainEffects = outbox.drain()
        let cost = self.cost(of: input, host)
        self.queue.add(
            .chainDone(host.index, generation: host.generation), at: self.now + cost)
    }

    func onChainDone(_ index: Int, _ generation: Int) {
        let host = self.hosts[index]
        guard host.generation == generation else { return }
        var effects = host.chainEffects
        if host.liar?.kind == .forger {
            effects = effects.map { Forger.forge($0, &self.workChance) }
        }
        host.chainEffects = []
        host.isChainBusy = false
        for effect in effects {
            if case .certified(let id, true) = effect { self.latency.certified(id, self.now) }
            self.step(index, generation, .chain(effect))
        }
        self.runChain(host)
    }

    /// What an input costs the chain's thread: the weight of each block that it executed for it.
    private func cost(of input: Chain.Input, _ host: Host) -> UInt64 {
        var cost = Self.glanceNs
        switch input {
        case .submit, .prepare, .intend: cost = Self.admitNs
        case .block(let bytes): self.weigh(bytes, host)
        case .replay(let bytes, _):
            self.weigh(bytes, host)
            if let id = Self.header(bytes)?.id { cost += self.charge(id, host) }
        case .wallets, .signed, .signaturesChecked, .build, .verify, .certify, .readBlock,
            .readRange, .finalized, .stored, .folded, .query, .tick:
            break
        }
        for effect in host.chainEffects {
            switch effect {
            case .built(let view, let id, let proposal):
                self.weigh(proposal, host)
                cost += self.charge(id, host)
                self.log.note(id.digest.bytes)
                if let weight = Self.header(proposal)?.usedWeight {
                    self.latency.built(id, view: view, executionNs: weight * Self.nsPerWeight)
                }
            case .certified(let id, _): cost += self.charge(id, host)
            case .checkSignatures:
                if case .certify(let id) = input { cost += self.charge(id, host) }
            default: break
            }
        }
        return cost
    }

    private func weigh(_ proposal: [UInt8], _ host: Host) {
        guard let header = Self.header(proposal) else { return }
        host.weights[header.id] = host.weights[header.id] ?? header.usedWeight
    }

    /// The time that a block's execution takes, the first time it is asked for.
    private func charge(_ id: BlockID, _ host: Host) -> UInt64 {
        guard let weight = host.weights[id] else { return 0 }
        host.weights[id] = 0
        return weight * Self.nsPerWeight
    }

    private static func header(_ proposal: [UInt8]) -> Header? {
        var decoder = Decoder(proposal)
        do throws(DecodeError) {
            return try Header(from: &decoder)
        } catch {
            return nil
        }
    }

    // MARK: Reports

    private func onReport(_ report: Node.Report, _ host: Host) {
        switch report {
        case .finalized(let block, let view):
            self.tell("\(host.name) sees block \(block.short) of view \(view) final")
        case .provider(let report): self.tell("\(host.name) \(Self.words(report))")
        case .evidence(let evidence):
            self.counts.evidence += 1
            self.tell("\(host.name) has evidence against seat \(evidence.signer)")
            let accused = self.hosts.filter { $0.index == Int(evidence.signer) && $0.isHonest }
            if !accused.isEmpty {
                self.fail(.doubleVote, "\(host.name) accuses an honest machine")
            }
        case .diverged(let view, let block):
            guard host.isHonest else { return }
            self.fail(.failure, "\(host.name): block \(block.short) of view \(view) is wrong here")
        case .unreachable(let account): self.tell("\(host.name) cannot reach \(account.short)")
        case .gossip(let report): self.onReport(report, host)
        case .undecodable(let text):
            let isGarbled = self.plan.liars.contains { $0.kind == .garbler }
            if host.isHonest && !isGarbled {
                self.fail(.failure, "\(host.name): undecodable: \(text)")
            }
        case .stalled(let text):
            if host.isHonest { self.fail(.failure, "\(host.name) stalls: \(text)") }
        }
    }

    private func onReport(_ report: GossipReport, _ host: Host) {
        switch report {
        case .up(let peer, _): self.tell("\(host.name) meets \(self.name(of: peer))")
        case .down(let peer, let reason):
            self.tell("\(host.name) loses \(self.name(of: peer)): \(reason)")
        case .violation(let peer, let text):
            self.tell("\(host.name) sees \(self.name(of: peer)) break a rule: \(text)")
            let isHonest = self.hosts.contains { $0.key == peer && $0.isHonest }
            if host.isHonest && isHonest {
                self.fail(.failure, "\(host.name) accuses \(self.name(of: peer)): \(text)")
            }
        case .unsendable(let text):
            if host.isHonest { self.fail(.failure, "\(host.name) cannot say: \(text)") }
        case .dialFailed, .offerSeen, .offerGone: break
        }
    }

    func name(of key: PublicKey) -> String {
        self.hosts.first { $0.key == key }?.name ?? "a stranger"
    }
}
