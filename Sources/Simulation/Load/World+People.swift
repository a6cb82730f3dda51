import Chain
import Economy
import Ledger
import Node
import Primitives

// What people do with their daemons.
extension World {
    /// A daemon has so long to answer, and a transaction so long to become final, before it is said
    /// again.
    private static let patienceNs: UInt64 = 4_000_000_000

    /// True once nobody has anything left to wish for.
    var peopleAreDone: Bool {
        self.people.allSatisfy { $0.isIdle && ($0.done + $0.given >= self.wishes(of: $0)) }
    }

    private func wishes(of person: Person) -> Int {
        if self.plan.scenario == .canary || self.plan.scenario == .steady, self.isHealed {
            return 0
        }
        switch person.kind {
        case .payer:
            let share = (self.plan.transfers + self.plan.payers - 1) / self.plan.payers
            return share
        case .requester:
            guard self.plan.jobs > 0 else { return 0 }
            let first = self.plan.payers
            let mine =
                (self.plan.jobs + self.plan.requesters - 1 - (person.index - first))
                / self.plan.requesters
            return person.index == first ? mine + 1 : mine
        // It has no wishes that anybody waits for.
        case .accuser: return 0
        }
    }

    func onPerson(_ index: Int) {
        if self.people[index].kind == .accuser {
            FalsePerson.acts(self.people[index], self)
            self.queue.add(.person(index), at: self.now + FalsePerson.everyNs)
            return
        }
        self.act(index)
        let person = self.people[index]
        let wait: UInt64
        switch person.phase {
        case .idle: wait = self.loadChance.wait(mean: max(self.plan.payWaitNs, 100_000_000))
        case .preparing, .submitted: wait = 500_000_000
        }
        if !person.isIdle || person.done + person.given < self.wishes(of: person) {
            self.queue.add(.person(index), at: self.now + wait + 1_000_000)
        }
    }

    private func act(_ index: Int) {
        let person = self.people[index]
        switch person.phase {
        case .idle:
            guard person.done + person.given < self.wishes(of: person),
                let wish = self.wish(of: person)
            else { return }
            self.prepare(wish, index)
        case .preparing(let wish, let since):
            guard self.now - since > Self.patienceNs else { return }
            self.changeHost(index)
            self.prepare(wish, index)
        case .submitted(let wish, let id, let bytes, let since):
            // Somebody else's daemon may have seen it become final while one's own was away.
            if self.chainWatch.height(of: id.digest) != nil { return self.settle(index, id) }
            guard self.now - since > Self.patienceNs else { return }
            self.changeHost(index)
            self.submit(wish, id, bytes, index)
        }
    }

    private func wish(of person: Person) -> Person.Wish? {
        switch person.kind {
        case .payer:
            let others = self.people.filter { $0.kind == .payer && $0.index != person.index }
            guard !others.isEmpty else { return nil }
            let to = others[self.loadChance.index(others.count)].account
            return .pay(to, self.loadChance.between(1, 5_000_000_000))
        case .requester:
            if self.isPublished { return .order(self.loadChance.between(1, 200)) }
            return person.index == self.plan.payers ? .publish : nil
        case .accuser: return nil
        }
    }

    private func changeHost(_ index: Int) {
        let count = self.plan.validators
        for step in 1...count {
            let next = (self.people[index].host + step) % count
            guard self.hosts[next].isUp else { continue }
            self.people[index].host = next
            return
        }
    }

    // MARK: One wish

    private func prepare(_ wish: Person.Wish, _ index: Int) {
        let person = self.people[index]
        if !self.hosts[person.host].isUp { self.changeHost(index) }
        let host = self.hosts[self.people[index].host]
        guard host.isUp else { return }
        let operation = self.operation(wish, on: host)
        self.people[index].phase = .preparing(wish, since: self.now)
        let preparation = Chain.Preparation(
            account: person.account, operations: [operation],
            tip: Amount(self.loadChance.between(0, 1_000)), validForMs: 45_000, mode: .bytes)
        self.ask(.prepare(preparation), index, host)
    }

    private func ask(_ request: Node.Request, _ index: Int, _ host: Host) {
        let token = self.tokens
        self.tokens += 1
        self.asked[token] = index
        self.people[index].token = token
        self.give(host, .request(request, token: token), after: 50_000)
    }

    private func operation(_ wish: Person.Wish, on host: Host) -> JSON {
        switch wish {
        case .pay(let to, let amount):
            Self.named(
                BankTransfer.name, BankTransfer(asset: .star, to: to, amount: Amount(amount)))
        case .publish: Self.named(KernelPublish.name, self.kernel.publish)
        case .order(let number): Self.named(JobPost.name, self.job(number, on: host))
        }
    }

    private func job(_ number: UInt64, on host: Host) -> JobPost {
        let elements = self.plan.inputElements
        let input = self.keep(SimulatedKernel.input(number, elements: elements), on: host)
        var post = JobPost()
        post.order = self.kernel.order(
            seed: UInt32(truncatingIfNeeded: number), input: input, elements: elements)
        post.maxPrice = Amount(2_000_000_000)
        post.auditFee = Amount(self.plan.auditFee)
        post.leavesToAudit = self.plan.leavesToAudit
        post.assignMs = 20_000
        post.runMs = 20_000
        post.auditMs = 30_000
        return post
    }

    static func named(_ operation: String, _ record: some Record) -> JSON {
        guard case .object(let members) = record.json else { return .null }
        return .object([.init(name: "operation", value: .string(operation))] + members)
    }

    // MARK: Answers

    func onReply(_ token: UInt64, _ reply: Node.Reply) {
        if let accusation = self.court.accusations.removeValue(for: token) {
            if case .json(let json) = reply { FalsePerson.hears(accusation, json, self) }
            return
        }
        guard let index = self.asked.removeValue(for: token) else { return }
        guard self.people[index].token == token else { return }
        switch (self.people[index].phase, reply) {
        case (.preparing(let wish, _), .json(let json)): self.sign(json, wish, index)
        case (.preparing(let wish, _), .refused(let refusal)):
            self.tell("\(self.people[index].name) is refused: \(refusal.text)")
            self.giveUp(wish, index)
        case (.submitted(let wish, let id, _, _), .refused(let refusal)):
            self.onRefused(refusal, wish, id, index)
        case (.submitted, .accepted), (.submitted, .json), (.preparing, .accepted), (.idle, _):
            break
        }
    }

    private func sign(_ json: JSON, _ wish: Person.Wish, _ index: Int) {
        guard let bytes = json["transaction"]?.stringValue.flatMap({ Hex.decode($0) }),
            let digest = json["digest"]?.stringValue.flatMap({ Digest(hex: $0) }),
            let id = json["id"]?.stringValue.flatMap({ TransactionID(hex: $0) }),
            let signature = self.signer.sign(digest, by: self.people[index].key)
        else { return self.fail(.failure, "a prepared transaction is none: \(json.text)") }
        // The one key signs: the unsigned bytes end in u16 0 and a count of 0.
        var encoder = Encoder()
        encoder.raw(bytes.dropLast(3))
        encoder.u16(1)
        encoder.length(1)
        signature.encode(into: &encoder)
        self.submit(wish, id, encoder.bytes, index)
    }

    private func submit(
        _ wish: Person.Wish, _ id: TransactionID, _ bytes: [UInt8], _ index: Int
    ) {
        self.people[index].phase = .submitted(wish, id, bytes, since: self.now)
        self.ask(.submit(transaction: bytes), index, self.hosts[self.people[index].host])
        if let gone = VanishingRequester.leaves(self.people[index], wish, self.plan) {
            self.people[index] = gone
            self.counts.jobsPosted += 1
        }
    }

    private func onRefused(
        _ refusal: Node.Refusal, _ wish: Person.Wish, _ id: TransactionID, _ index: Int
    ) {
        if self.chainWatch.height(of: id.digest) != nil { return self.settle(index, id) }
        // It waits in the pool already; whatever else is wrong with it is so for ever.
        let isKnown = refusal.name.hasSuffix("Known")
        let isLasting =
            refusal.name.hasSuffix("expired") || refusal.name.hasSuffix("nonceUsedOrVoid")
            || refusal.name.hasSuffix("feeNotFunded") || refusal.name.hasSuffix("TooCheap")
        guard !isKnown else { return }
        self.tell("\(self.people[index].name) is refused: \(refusal.name): \(refusal.text)")
        if isLasting { self.giveUp(wish, index) }
    }

    private func giveUp(_ wish: Person.Wish, _ index: Int) {
        self.people[index].phase = .idle
        // The kernel must be published before anything else.
        if case .publish = wish { return }
        self.people[index].given += 1
    }

    private func settle(_ index: Int, _ id: TransactionID) {
        guard case .submitted(let wish, id, _, _) = self.people[index].phase else { return }
        self.people[index].phase = .idle
        self.people[index].done += 1
        switch wish {
        case .publish: self.isPublished = true
        case .order: self.counts.jobsPosted += 1
        case .pay: break
        }
    }

    /// A daemon reports transactions as final: a promise, whoever asked.
    func onFinalized(_ list: [Chain.FinalizedTransaction], _ host: Host) {
        guard host.isHonest else { return }
        for final in list {
            if let earlier = self.reported[final.id] {
                if earlier.height != final.height || earlier.receipt != final.receipt {
                    self.fail(
                        .durable, "\(host.name): \(final.id.short) is final in another place")
                }
            } else {
                self.reported[final.id] = final
                self.reportedIDs.append(final.id)
                self.counts.transactions += 1
            }
            for index in self.people.indices { self.settle(index, final.id) }
        }
    }
}
