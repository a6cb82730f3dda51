import Chain
import Consensus
import Gossip
import Primitives
import Provider

extension Node {
    /// Steps the network and routes what it wants.
    mutating func tell(
        _ input: Gossip.Input, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        var effects = Outbox<Gossip.Effect>()
        self.gossip.handle(input, now: now, into: &effects)
        for effect in effects.drain() { self.perform(effect, now, &outbox) }
    }

    private mutating func perform(
        _ effect: Gossip.Effect, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        switch effect {
        case .dial, .close, .send, .datagram, .describeBlob, .readBlob, .openBlob, .closeBlob,
            .writeBlob:
            outbox.append(.gossip(effect))
        case .deliver(let message, let peer): self.onMessage(message, peer, now, &outbox)
        case .up(let peer):
            self.tell(Simplex.Input.greet(self.seat(of: peer)), now, &outbox)
            self.askAgain(now, &outbox)
        case .down: break
        case .fetched(let blob, _, _): self.tell(.fetched(blob), now, &outbox)
        case .fetchFailed(let blob, let reason, _):
            self.tell(.fetchFailed(blob, text: reason), now, &outbox)
        case .schedule(let timer, let at): outbox.append(.schedule(.gossip(timer), at: at))
        case .report(let report): outbox.append(.report(.gossip(report)))
        }
    }

    private mutating func onMessage(
        _ message: PeerMessage, _ peer: PublicKey, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        switch message {
        case .consensus(let bytes): self.onConsensus(bytes, from: peer, now, &outbox)
        case .block(let bytes): self.onBlock(bytes, from: peer, &outbox)
        case .wantBlock(let id):
            self.serve(peer, .block(id), &outbox) { .readBlock(id, token: $0) }
        case .noBlock: break  // The next peer is asked when the time is up.
        case .transaction(let bytes):
            guard self.relays < Self.relaysMax else { return }
            self.relays += 1
            outbox.append(.chain(.submit(transaction: bytes, token: Self.relayToken)))
        case .direct(let account, let bytes):
            self.onDirect(bytes, from: peer, to: account, now, &outbox)
        case .wantRange(let from, let count):
            self.serve(peer, .range(from: from), &outbox) {
                .readRange(from: from, count: UInt64(count), token: $0)
            }
        case .range(_, let blocks):
            for synced in blocks where self.blocksInChain < Self.blocksInChainMax {
                self.blocksInChain += 1
                outbox.append(.chain(.block(synced.block)))
                if !synced.certificate.isEmpty {
                    self.onCertificate(synced.certificate, from: peer, now, &outbox)
                }
            }
        case .hello, .status, .peers, .haveTransactions, .wantTransactions:
            break  // Gossip's own.
        }
    }

    // MARK: Claims

    /// Has the wallet sign that this node acts for its accounts.
    func signClaims(_ outbox: inout Outbox<Effect>) {
        for (index, account) in self.config.accounts.enumerated() {
            let digest = AccountClaim.digest(
                node: self.config.gossip.me, account: account, self.config.salt)
            outbox.append(
                .walletSign(
                    account: account, digest: digest,
                    token: Self.claimTokens + UInt64(index)))
        }
    }

    mutating func onClaimSigned(
        _ token: UInt64, _ signature: Chain.KeySignature?, _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        let index = Int(clamping: token - Self.claimTokens)
        guard let signature, self.config.accounts.indices.contains(index) else { return }
        self.claims.append(
            AccountClaim(
                account: self.config.accounts[index], key: signature.key,
                signature: signature.signature))
        self.tell(.claims(self.claims), now, &outbox)
    }

    // MARK: For people

    func peersJSON(_ now: Instant) -> JSON {
        let list = self.gossip.peers.map { peer in
            let age = now.ns > peer.sinceNs ? now.ns - peer.sinceNs : 0
            return JSON.object(
                ("key", peer.key.json),
                ("address", peer.address.map { .string("\($0)") } ?? .null),
                ("outbound", .bool(peer.isOutbound)), ("height", peer.height.json),
                ("accounts", .array(peer.accounts.map(\.json))),
                ("sinceMs", (age / 1_000_000).json),
                (
                    "offer",
                    peer.offer.map { offer in
                        .object(
                            ("account", offer.account.json),
                            ("pricePerGigaGas", offer.pricePerGigaGas.json),
                            ("capacity", offer.capacity.json),
                            ("device", .string(offer.device)))
                    } ?? .null
                ))
        }
        return .object(("peers", .array(list)))
    }
}
