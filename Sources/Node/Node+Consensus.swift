import Chain
import Consensus
import Gossip
import Primitives

extension Node {
    /// Steps consensus and routes what it wants.
    mutating func tell(
        _ input: Simplex.Input, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        var effects = Outbox<Simplex.Effect>()
        self.consensus.handle(input, now: now, into: &effects)
        for effect in effects.drain() { self.perform(effect, now, &outbox) }
    }

    private mutating func perform(
        _ effect: Simplex.Effect, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        switch effect {
        case .build(let build):
            let order = Chain.BuildOrder(
                view: build.view, epoch: build.epoch, parent: build.parent, reveal: nil,
                wallMs: 0, nullified: UInt8(clamping: build.nullified), heartbeat: build.isForced)
            outbox.append(.chain(.build(order)))
        case .verify(let proposal): self.verify(proposal, &outbox)
        case .certify(_, let block): outbox.append(.chain(.certify(block)))
        case .persist(let record): outbox.append(.persist(record))
        case .sign(let statement):
            outbox.append(.sign(statement, digest: statement.digest(self.config.salt)))
        case .broadcast(let message):
            self.tell(.broadcast(.consensus(message.canonicalBytes)), now, &outbox)
        case .send(let message, let seat):
            guard let peer = self.peer(ofSeat: seat) else { return }
            self.tell(.send(.consensus(message.canonicalBytes), to: peer), now, &outbox)
        case .schedule(let timer, let at):
            outbox.append(.schedule(.consensus(timer), at: at))
        case .finalized(let block, let certificate):
            self.tipBlock = block
            self.journalled.removeAll()
            outbox.append(
                .chain(.finalized(block, certificate: certificate.canonicalBytes)))
            outbox.append(.report(.finalized(block, view: certificate.view)))
            // What was missing below it is not missed any more; the rest is asked for anew.
            self.fetches.removeAll()
            self.certifyAgain(&outbox)
            self.awaitHeartbeat(now, &outbox)
        case .enteredView: break
        case .evidence(let evidence): outbox.append(.report(.evidence(evidence)))
        case .diverged(let view, let block):
            outbox.append(.report(.diverged(view: view, block)))
        }
    }

    /// Asks again for what consensus waits for: the newest block settles all below it.
    func certifyAgain(_ outbox: inout Outbox<Effect>) {
        let awaited = self.consensus.awaited
        let few = Self.awaitedAgain
        let list = awaited.count <= 2 * few ? awaited : awaited.prefix(few) + awaited.suffix(few)
        for block in list { outbox.append(.chain(.certify(block))) }
    }

    private static let awaitedAgain = 8

    private func verify(_ proposal: Consensus.Proposal, _ outbox: inout Outbox<Effect>) {
        let epochs = self.config.epochs
        guard let leader = epochs.set.validator(epochs.leader(of: proposal.view)) else { return }
        outbox.append(
            .chain(
                .verify(
                    Chain.Proposed(
                        block: proposal.block, parent: proposal.parent, view: proposal.view,
                        leader: NodeID.of(leader.key)))))
    }

    // MARK: Messages of peers

    /// Decodes a peer's message and has its signatures checked, unless it says nothing new.
    mutating func onConsensus(
        _ bytes: [UInt8], from peer: PublicKey, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        let message: Consensus.Message
        do throws(DecodeError) {
            message = try Consensus.Message(canonical: bytes)
        } catch {
            return self.tell(.accuse(peer, "a consensus message: \(error)"), now, &outbox)
        }
        let seat = self.seat(of: peer)
        let epochs = self.config.epochs
        var checks: [VoteCheck]?
        switch message {
        case .proposal(let signed):
            guard signed.signer == seat, self.consensus.wants(signed) else { return }
            checks = signed.check(epochs).map { [$0] }
        case .vote(let vote):
            // Everybody speaks for itself, so nobody can make others check a stranger's garbage.
            guard vote.signer == seat, self.consensus.wants(vote) else { return }
            checks = vote.check(epochs).map { [$0] }
        case .certificate(let certificate):
            guard self.consensus.wants(certificate) else { return }
            do throws(Certificate.Flaw) {
                checks = try certificate.checks(epochs)
            } catch {
                return
            }
        case .want:
            let asked = self.wantsOf[peer] ?? 0
            guard asked < Self.wantsPerTick else { return }
            self.wantsOf[peer] = asked + 1
            return self.tell(.received(message, from: seat), now, &outbox)
        }
        if let checks { self.check(message, checks, from: peer, &outbox) }
    }

    private mutating func check(
        _ message: Consensus.Message, _ checks: [VoteCheck], from peer: PublicKey,
        _ outbox: inout Outbox<Effect>
    ) {
        let waiting = self.checksOf[peer] ?? 0
        guard waiting < Self.checksPerPeer, self.checking.count < Self.checkingMax else { return }
        self.checksOf[peer] = waiting + 1
        let batch = self.nextCheck
        self.nextCheck += 1
        self.checking[batch] = PendingMessage(
            message: message, seat: self.seat(of: peer), peer: peer)
        outbox.append(.checkVotes(batch: batch, checks))
    }

    mutating func onVotesChecked(
        _ batch: UInt64, _ verdicts: [Bool], _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard let pending = self.checking.removeValue(for: batch) else { return }
        let left = (self.checksOf[pending.peer] ?? 1) - 1
        self.checksOf[pending.peer] = left > 0 ? left : nil
        guard !verdicts.isEmpty, verdicts.allSatisfy({ $0 }) else {
            return self.tell(.accuse(pending.peer, "a signature is wrong"), now, &outbox)
        }
        self.tell(.received(pending.message, from: pending.seat), now, &outbox)
    }

    /// A final block's certificate that came with a range.
    mutating func onCertificate(
        _ bytes: [UInt8], from peer: PublicKey, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        do throws(DecodeError) {
            let certificate = try Certificate(canonical: bytes)
            guard certificate.kind == .finalize, self.consensus.wants(certificate) else { return }
            do throws(Certificate.Flaw) {
                let checks = try certificate.checks(self.config.epochs)
                self.check(.certificate(certificate), checks, from: peer, &outbox)
            } catch {
                return  // Not a quorum of this chain: whatever the range said, it proves nothing.
            }
        } catch {
            self.tell(.accuse(peer, "a certificate: \(error)"), now, &outbox)
        }
    }

    // MARK: Seats

    /// The number under which consensus knows a peer: its seat, or one beyond all seats.
    mutating func seat(of peer: PublicKey) -> UInt32 {
        let set = self.config.epochs.set
        if let seat = set.index(of: peer) { return seat }
        let base = UInt32(clamping: set.members.count)
        if let known = self.strangers.firstIndex(of: peer) {
            return base + UInt32(clamping: known)
        }
        if self.strangers.count >= Self.strangersMax { self.strangers.removeAll() }
        self.strangers.append(peer)
        return base + UInt32(clamping: self.strangers.count - 1)
    }

    private func peer(ofSeat seat: UInt32) -> PublicKey? {
        let set = self.config.epochs.set
        if let member = set.validator(seat) { return member.key }
        let index = Int(seat) - set.members.count
        return self.strangers.indices.contains(index) ? self.strangers[index] : nil
    }
}
