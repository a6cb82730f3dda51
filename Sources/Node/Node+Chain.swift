import Chain
import Consensus
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
        case .accepted(let token, let id):
            if token < Self.ownTokens {
                outbox.append(.reply(token: token, .accepted(id)))
            } else {
                self.onIntent(token, refusal: nil, now, &outbox)
            }
        case .rejected(let token, let refusal):
            if token < Self.ownTokens {
                let reply = Refusal(name: refusal.name, text: refusal.text)
                outbox.append(.reply(token: token, .refused(reply)))
            } else {
                self.onIntent(token, refusal: "\(refusal.name): \(refusal.text)", now, &outbox)
            }
        case .prepared(let token, let json): outbox.append(.reply(token: token, .json(json)))
        case .answer(let token, let json):
            if token == Self.marketToken {
                self.onMarket(json, now, &outbox)
            } else {
                outbox.append(.reply(token: token, .json(json)))
            }
        case .built(let view, let id, _):
            if let build = self.building, build.view == view {
                self.remember(id, view: view, parent: build.parent)
            }
            self.tell(.built(view: view, id), now, &outbox)
        case .nothingToBuild(let view): self.tell(.built(view: view, nil), now, &outbox)
        case .verified(let id, let isRight): self.tell(.verified(id, isRight), now, &outbox)
        case .persist(let id, let bytes):
            outbox.append(.journal(id, bytes: bytes))
        case .certified(let id, let isRight):
            self.tell(.certified(id, isRight), now, &outbox)
        case .append(let record): outbox.append(.append(record))
        case .fold(let record): outbox.append(.fold(record))
        case .finalizedTransactions(let list): outbox.append(.finalized(list))
        case .duties(let duties): self.onDuties(duties, now, &outbox)
        case .workPending(let pending):
            self.seesWork = pending
            self.tell(.workPending(pending), now, &outbox)
        case .stalled(let text): outbox.append(.report(.stalled(text)))
        }
    }

    private mutating func onIntent(
        _ token: UInt64, refusal: String?, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard let intent = self.intents.removeValue(for: token) else { return }
        self.tell(.intended(intent.job, intent.kind, refusal: refusal), now, &outbox)
    }

    /// The offers that stand, as the chain lists them; ours are those of the offering account.
    private mutating func onMarket(
        _ json: JSON, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard let offer = self.config.offer else { return }
        let standing = (json["offers"]?.arrayValue ?? []).compactMap { entry -> OfferID? in
            guard entry["provider"]?.stringValue == offer.account.hex else { return nil }
            return entry["offer"]?.stringValue.flatMap { OfferID(hex: $0) }
        }
        let wanted = self.offerWanted ? offer.terms : nil
        self.tell(
            .market(wanted: wanted, account: offer.account, standing: standing), now, &outbox)
    }
}
