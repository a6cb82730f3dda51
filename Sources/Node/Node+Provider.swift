import Chain
import Consensus
import Gossip
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
        case .derive, .prepare, .execute, .cancel, .referee, .keep, .forget, .revealAudit,
            .signTranscript, .gatherProof, .readSlice:
            outbox.append(.provider(effect))
        case .intend(let job, let intent, let account):
            let token = self.nextToken
            self.nextToken += 1
            self.intents[token] = PendingIntent(job: job, kind: intent.kind)
            outbox.append(
                .chain(.intend(intent.forLedger(job), account: account, token: token)))
        case .fetch(let blob, _, let bytesMax):
            // The store may have it; the network is asked for what it has not.
            let token = self.nextToken
            self.nextToken += 1
            self.blobsWanted[token] = WantedBlob(id: blob, bytesMax: bytesMax)
            outbox.append(.gossip(.describeBlob(blob, token: token)))
        case .lookUp(let job):
            let token = self.nextToken
            self.nextToken += 1
            self.lookUps[token] = job
            outbox.append(.chain(.query(.job(job), token: token)))
        case .send(let message, let sender, let party):
            self.send(message, from: sender, to: party, now, &outbox)
        case .opened(let token, _, let opening):
            outbox.append(.reply(token: token, .json(opening.json)))
        case .output(let token, let output):
            let json = JSON.object(
                ("root", output.root.json), ("salt", output.salt.json),
                ("blob", output.blob.json), ("bytes", output.bytes.json))
            outbox.append(.reply(token: token, .json(json)))
        case .notHere(let token, _, let text):
            outbox.append(.reply(token: token, .refused(Refusal(name: "job.notHere", text: text))))
        case .notYet(let token, _, let text):
            outbox.append(.reply(token: token, .refused(Refusal(name: "job.notYet", text: text))))
        case .schedule(let timer, let at): outbox.append(.schedule(.provider(timer), at: at))
        case .report(let report): outbox.append(.report(.provider(report)))
        }
    }

    mutating func onLookedFor(
        _ token: UInt64, isHere: Bool, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard let wanted = self.blobsWanted.removeValue(for: token) else { return }
        if isHere {
            self.tell(.fetched(wanted.id), now, &outbox)
        } else {
            self.tell(
                .fetch(wanted.id, bytesMax: wanted.bytesMax, token: token), now, &outbox)
        }
    }

    // MARK: Messages

    /// To an account of this node directly, to others over the network.
    private mutating func send(
        _ message: JobMessage, from sender: AccountID?, to party: Party, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        let me = self.config.gossip.me
        switch party {
        case .account(let account):
            if self.config.accounts.contains(account) {
                let input = Provider.Input.received(
                    message, from: me, acting: self.config.accounts, to: account)
                return self.tell(input, now, &outbox)
            }
            let nodes = self.gossip.nodes(of: account)
            guard !nodes.isEmpty else {
                outbox.append(.report(.unreachable(account)))
                return self.tell(Provider.Input.unreachable(account), now, &outbox)
            }
            for node in nodes {
                self.tell(
                    .send(.direct(to: account, message.canonicalBytes), to: node), now, &outbox)
            }
        case .node(me):
            let input = Provider.Input.received(
                message, from: me, acting: self.config.accounts, to: sender ?? .zero)
            self.tell(input, now, &outbox)
        case .node(let node):
            self.tell(.send(.direct(to: .zero, message.canonicalBytes), to: node), now, &outbox)
        }
    }

    mutating func onDirect(
        _ bytes: [UInt8], from peer: PublicKey, to account: AccountID, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        guard bytes.count <= JobMessage.bytesMax else {
            return self.tell(.accuse(peer, "a job message of \(bytes.count) bytes"), now, &outbox)
        }
        do throws(DecodeError) {
            let message = try JobMessage(canonical: bytes)
            let acting = self.gossip.accounts(of: peer)
            let input = Provider.Input.received(message, from: peer, acting: acting, to: account)
            self.tell(input, now, &outbox)
        } catch {
            self.tell(.accuse(peer, "a job message: \(error)"), now, &outbox)
        }
    }

    /// The ledger says how far a job is; true if that was what the provider asked.
    mutating func onLookUp(
        _ token: UInt64, phase: String?, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) -> Bool {
        guard let job = self.lookUps.removeValue(for: token) else { return false }
        self.tell(.standing(job, JobStanding(phase: phase)), now, &outbox)
        return true
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
