import Chain
import Consensus
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
            self.building = build
            outbox.append(.reveal(build, index: self.ownBlocks(through: build.parent) + 1))
        case .verify(let proposal):
            // Bodies of other validators' blocks arrive with the network; nobody else is seated.
            outbox.append(.report(.missingBlock(proposal.block)))
        case .certify(_, let block): outbox.append(.chain(.certify(block)))
        case .persist(let record): outbox.append(.persist(record))
        case .sign(let statement):
            outbox.append(.sign(statement, digest: statement.digest(self.config.salt)))
        case .broadcast, .send:
            // One's own votes are counted already, and there is nobody else to tell.
            precondition(
                self.config.epochs.set.members.count == 1, "start refuses several validators")
        case .schedule(let timer, let at):
            outbox.append(.schedule(.consensus(timer), at: at))
        case .finalized(let block, let certificate):
            self.settle(block)
            outbox.append(
                .chain(.finalized(block, certificate: certificate.canonicalBytes)))
            outbox.append(.report(.finalized(block, view: certificate.view)))
        case .enteredView: break
        case .evidence(let evidence): outbox.append(.report(.evidence(evidence)))
        case .diverged(let view, let block):
            outbox.append(.report(.diverged(view: view, block)))
        }
    }

    /// Blocks by this node on the way from the genesis to `block`.
    private func ownBlocks(through block: BlockID) -> UInt64 {
        self.blocks.first { $0.id == block }?.ownBlocks ?? self.tipOwnBlocks
    }

    /// Remembers a block of this node until it is final or left behind.
    mutating func remember(_ id: BlockID, view: UInt64, parent: BlockID) {
        guard !self.blocks.contains(where: { $0.id == id }) else { return }
        let count = self.ownBlocks(through: parent) + 1
        self.blocks.append(
            UnsettledBlock(id: id, view: view, parent: parent, ownBlocks: count))
    }

    private mutating func settle(_ block: BlockID) {
        self.tipBlock = block
        guard let final = self.blocks.first(where: { $0.id == block }) else { return }
        self.tipOwnBlocks = final.ownBlocks
        self.blocks.removeAll { $0.view <= final.view }
    }
}
