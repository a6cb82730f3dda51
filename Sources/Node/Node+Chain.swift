import Chain
import Consensus
import Gossip
import Primitives
import Provider

extension Node {
    /// Routes what the chain says.
    mutating func onChain(
        _ effect: Chain.Effect, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        switch effect {
        case .sign(let account, let digest, let token):
            outbox.append(.walletSign(account: account, digest: digest, token: token))
        case .checkSignatures(let batch, let checks):
            outbox.append(.checkSignatures(batch: batch, checks))
        case .accepted(let token, let id, let bytes):
            self.onAccepted(token, id, bytes, now, &outbox)
        case .rejected(let token, let refusal): self.onRejected(token, refusal, now, &outbox)
        case .prepared(let token, let json): outbox.append(.reply(token: token, .json(json)))
        case .answer(let token, let json):
            if token == Self.marketToken {
                self.onMarket(json, now, &outbox)
            } else if token >= Self.ownTokens {
                let phase = json["job"]?["phase"]?.stringValue
                _ = self.onLookUp(token, phase: phase, now, &outbox)
            } else {
                outbox.append(.reply(token: token, .json(json)))
            }
        case .reveal(let order, let index):
            outbox.append(.reveal(order, index: index))
        case .built(let view, let id, let bytes):
            // On the disk before the vote that names it, and on its way while that is written.
            self.journal(id, bytes, &outbox)
            self.tell(.broadcast(.block(bytes)), now, &outbox)
            self.tell(.built(view: view, id), now, &outbox)
        case .nothingToBuild(let view): self.tell(.built(view: view, nil), now, &outbox)
        case .learned(let id, let missingParent):
            self.onLearned(id, missingParent, now, &outbox)
        case .missing(let id): self.onMissing(id, now, &outbox)
        case .blockRead(let token, let bytes): self.onServed(token, bytes, now, &outbox)
        case .rangeRead(let token, let blocks): self.onServed(token, blocks, now, &outbox)
        case .verified(let id, let view, let isRight):
            self.tell(.verified(id, view: view, isRight), now, &outbox)
        case .blockTaken: self.blocksInChain -= 1
        case .persist(let id, let bytes): self.journal(id, bytes, &outbox)
        case .certified(let id, let isRight):
            self.tell(.certified(id, isRight), now, &outbox)
        case .append(let records): outbox.append(.append(records))
        case .fold(let record): outbox.append(.fold(record))
        case .finalizedTransactions(let list): outbox.append(.finalized(list))
        case .duties(let duties): self.onDuties(duties, now, &outbox)
        case .published(_, let package):
            if self.offerWanted { self.tell(Provider.Input.published(package), now, &outbox) }
        case .workPending(let pending):
            self.seesWork = pending
            self.tell(.workPending(pending), now, &outbox)
        case .stalled(let text): outbox.append(.report(.stalled(text)))
        }
    }

    private mutating func onRejected(
        _ token: UInt64, _ refusal: Chain.Refusal, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        if token == Self.relayToken { self.relays -= 1 }
        if token < Self.ownTokens {
            let reply = Refusal(name: refusal.name, text: refusal.text)
            outbox.append(.reply(token: token, .refused(reply)))
        } else if token != Self.relayToken, !self.onLookUp(token, phase: nil, now, &outbox) {
            self.onIntent(token, refusal: "\(refusal.name): \(refusal.text)", now, &outbox)
        }
    }

    private mutating func onAccepted(
        _ token: UInt64, _ id: TransactionID, _ bytes: [UInt8], _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        if token == Self.relayToken { self.relays -= 1 }
        self.tell(
            .transaction(bytes, id: id, isOwn: token != Self.relayToken), now, &outbox)
        if token < Self.ownTokens {
            outbox.append(.reply(token: token, .accepted(id)))
        } else if token != Self.relayToken {
            self.onIntent(token, refusal: nil, now, &outbox)
        }
    }

    /// Hands a block to the journal, once.
    private mutating func journal(
        _ id: BlockID, _ bytes: [UInt8], _ outbox: inout Outbox<Effect>
    ) {
        guard !self.journalled.contains(id) else { return }
        if self.journalled.count >= Self.journalledMax { self.journalled.removeFirst() }
        self.journalled.append(id)
        outbox.append(.journal(id, bytes: bytes))
    }

    private static let journalledMax = 256

    private mutating func onIntent(
        _ token: UInt64, refusal: String?, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard let intent = self.intents.removeValue(for: token) else { return }
        self.tell(.intended(intent.job, intent.kind, refusal: refusal), now, &outbox)
    }

    /// The offers that stand, as the chain lists them; ours are those of the offering account that
    /// are not closing yet.
    private mutating func onMarket(
        _ json: JSON, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard let offer = self.config.offer else { return }
        let standing = (json["offers"]?.arrayValue ?? []).compactMap { entry -> OfferID? in
            guard entry["provider"]?.stringValue == offer.account.hex,
                entry["closing"] != .bool(true)
            else { return nil }
            return entry["offer"]?.stringValue.flatMap { OfferID(hex: $0) }
        }
        let wanted = self.offerWanted ? offer.terms : nil
        let advert = wanted.map { terms in
            OfferAdvert(
                account: offer.account,
                // raw: a hint for people and filters; the ledger has the price.
                pricePerGigaGas: UInt64(clamping: terms.pricePerGigaGas.units),
                capacity: terms.capacity, classes: terms.classes, device: terms.device)
        }
        self.tell(.offer(standing.isEmpty ? nil : advert), now, &outbox)
        self.tell(
            .market(wanted: wanted, account: offer.account, standing: standing), now, &outbox)
    }
}
