import Chain
import Consensus
import Primitives
import Provider

extension Node {
    /// Steps the provider and routes what it wants.
    mutating func tell(
        _ input: Provider.Input, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        var effects = Outbox<Provider.Effect>()
        self.provider.handle(input, now: now, into: &effects)
        for effect in effects.drain() { self.perform(effect, now, &outbox) }
    }

    private mutating func perform(
        _ effect: Provider.Effect, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        switch effect {
        case .derive, .execute, .cancel, .referee, .keep, .forget:
            outbox.append(.provider(effect))
        case .intend(let job, let intent, let account):
            let token = self.nextToken
            self.nextToken += 1
            self.intents[token] = PendingIntent(job: job, kind: intent.kind)
            outbox.append(
                .chain(.intend(intent.forLedger(job), account: account, token: token)))
        case .send(let message, let sender, let receiver):
            if self.config.accounts.contains(receiver) {
                self.tell(.received(message, from: sender, to: receiver), now, &outbox)
            } else {
                outbox.append(.report(.unreachable(receiver)))
            }
        case .opened(let token, _, let opening):
            let json = JSON.object(
                ("index", opening.leaf.json), ("salt", opening.salt.json),
                ("sliceRoot", opening.sliceRoot.json), ("workDigest", opening.workDigest.json),
                ("path", .array(opening.path.map(\.json))))
            outbox.append(.reply(token: token, .json(json)))
        case .output(let token, let record, let root, let salt):
            let json = JSON.object(
                ("root", root.json), ("salt", salt.json), ("blob", record.outputBlob.json),
                ("bytes", record.outputBytes.json), ("kernelNs", record.kernelNs.json),
                ("device", .string(record.device)))
            outbox.append(.reply(token: token, .json(json)))
        case .notHere(let token, let job):
            let refusal = Refusal(
                name: "job.notHere",
                text: "job \(job.short) is not provided by this node, or not committed yet")
            outbox.append(.reply(token: token, .refused(refusal)))
        case .schedule(let timer, let at): outbox.append(.schedule(.provider(timer), at: at))
        case .report(let report): outbox.append(.report(.provider(report)))
        }
    }

    /// The ledger's duties in the provider's words.
    mutating func onDuties(
        _ duties: [Chain.Duty], _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        var mine: [Duty] = []
        for duty in duties {
            do throws(DecodeError) {
                mine.append(try Duty(duty))
            } catch {
                outbox.append(.report(.undecodable("duty \(duty): \(error)")))
            }
        }
        self.tell(.duties(mine), now, &outbox)
    }
}

extension Duty {
    /// Decodes a duty of the ledger; its bytes were checked when they entered the ledger.
    init(_ duty: Chain.Duty) throws(DecodeError) {
        switch duty {
        case .run(let run):
            self = .run(
                try Run(
                    job: run.job, provider: run.provider, order: run.order, package: run.kernel))
        case .open(let open): self = .open(Open(job: open.job, provider: open.provider))
        case .audit(let audit):
            self = .audit(
                try Audit(
                    job: audit.job, auditor: audit.auditor, provider: audit.provider,
                    order: audit.order, package: audit.kernel, leaves: audit.indices,
                    leafCount: audit.leaves, leafRoot: audit.leafRoot,
                    outputCommitment: audit.outputCommitment))
        }
    }
}

extension Intent {
    /// The same wish in the ledger's words.
    fileprivate func forLedger(_ job: JobID) -> Chain.Intent {
        switch self {
        case .commit(let leafRoot, let outputCommitment):
            .commit(job: job, leafRoot: leafRoot, outputCommitment: outputCommitment)
        case .audit(let openings, let outputRoot, let outputSalt):
            .audit(
                job: job,
                openings: openings.map { opening in
                    Chain.Opening(
                        index: opening.leaf, salt: opening.salt, sliceRoot: opening.sliceRoot,
                        workDigest: opening.workDigest, path: opening.path)
                },
                outputRoot: outputRoot, outputSalt: outputSalt)
        case .offer(let terms):
            .offer(
                Chain.OfferTerms(
                    pricePerGigaGas: terms.pricePerGigaGas, capacity: terms.capacity,
                    classes: terms.classes, maxJobGas: terms.maxJobGas, bond: terms.bond,
                    device: terms.device, standsUntil: terms.standsUntil))
        }
    }
}
