import Economy
import Ledger
internal import OrderedCollections
import Primitives

extension Chain {
    /// A parent to execute on: the tip or a candidate that was found right.
    struct Ground {
        let header: Header
        let stack: StateStack
        let kernels: KernelCache
    }

    func ground(_ id: BlockID) -> Ground? {
        if id == self.tip.id {
            return Ground(
                header: self.tip.header, stack: self.tip.stack, kernels: self.tip.kernels)
        }
        guard let block = self.candidates[id]?.executed else { return nil }
        return Ground(header: block.header, stack: block.stack, kernels: block.kernels)
    }

    // MARK: Build

    mutating func onBuild(_ order: BuildOrder, _ outbox: inout Outbox<Effect>) {
        self.wallMs = max(self.wallMs, order.wallMs)
        guard !self.hasStalled, let proposer = self.config.proposer,
            let ground = self.ground(order.parent),
            let reveal = order.reveal ?? self.nextReveal(proposer, ground.stack)
        else {
            outbox.append(.nothingToBuild(view: order.view))
            return
        }
        // Ledger time moves by whole milliseconds, and never stands still.
        let (least, overflow) = ground.header.timeMs.addingReportingOverflow(1)
        let plan = BlockPlan(
            epoch: order.epoch, view: order.view,
            timeMs: max(order.wallMs, overflow ? .max : least), proposer: proposer,
            reveal: reveal)
        do throws(BlockFault) {
            guard let block = try self.fill(plan, on: ground, order) else {
                if order.parent == self.tip.id { self.mempoolIsIdle = true }
                outbox.append(.nothingToBuild(view: order.view))
                return
            }
            let proposal = Proposal(header: block.header, body: block.body)
            let candidate = Candidate(
                proposal: proposal, id: block.header.id, bytes: proposal.bytes,
                state: .right(block))
            self.keep(candidate)
            outbox.append(
                .built(view: order.view, candidate.id, proposal: candidate.bytes))
        } catch {
            if case .stateUnreadable = error { self.stall("\(error)", &outbox) }
            if case .booksBroken = error { self.stall("\(error)", &outbox) }
            outbox.append(.nothingToBuild(view: order.view))
        }
    }

    private func nextReveal(_ proposer: NodeID, _ stack: StateStack) -> Digest? {
        guard let validator = self.validator(proposer, stack) else { return nil }
        return self.config.reveals?.reveal(validator.reveals + 1)
    }

    /// Fills a block by descending tip; nil if nobody needs one.
    private mutating func fill(
        _ plan: BlockPlan, on ground: Ground, _ order: BuildOrder
    ) throws(BlockFault) -> ExecutedBlock? {
        let lag = self.tip.header.height - self.folded >= 2 * self.config.foldBlocks ? 1 : 0
        let shift = min(UInt64(order.nullified) + UInt64(lag), 8)
        let limit = (self.genesis.parameters.blockWeightMax / 2) >> shift
        let byteLimit = (Body.bytesMax - 4_096) >> Int(shift)
        var skipped: [TransactionID] = []
        while true {
            var run = try BlockRun(
                plan, on: ground.header, stack: ground.stack, genesis: self.genesis,
                kernels: ground.kernels)
            let needsBlock = run.hasDue || order.heartbeat
            var offender: TransactionID?
            for id in self.mempool.ranked {
                guard run.weight < limit, let entry = self.mempool[id] else { break }
                guard run.bytes + entry.bytes <= byteLimit, !skipped.contains(id) else { continue }
                do throws(InclusionFault) {
                    _ = try run.include(entry.transaction)
                } catch {
                    if order.parent == self.tip.id, Self.isLasting(error) {
                        self.mempool.remove(id)
                    }
                    continue
                }
                if run.weight > self.genesis.parameters.blockWeightMax { offender = id }
            }
            if let offender {
                // One transaction too heavy for any block: without it, once more.
                skipped.append(offender)
                self.mempool.remove(offender)
                continue
            }
            guard needsBlock || !run.transactions.isEmpty else { return nil }
            return try run.finish()
        }
    }

    /// True for what time cannot mend.
    static func isLasting(_ fault: InclusionFault) -> Bool {
        switch fault {
        case .stateUnavailable, .nonceTooHigh, .feeBelowMinimum, .feeNotFunded, .depositNotFunded:
            false
        case .versionUnknown, .operationsMissing, .operationsTooMany, .operationsTooLarge, .expired,
            .accountIsModule, .policyMissing, .policyDiffers, .policyInvalid, .signersNotInPolicy,
            .signatureCountDiffers, .weightBelowThreshold, .nonceUsedOrVoid, .signatureInvalid:
            true
        }
    }

    // MARK: Verify and certify

    mutating func onVerify(
        _ view: UInt64, _ bytes: [UInt8], _ wallMs: UInt64, _ outbox: inout Outbox<Effect>
    ) {
        self.wallMs = max(self.wallMs, wallMs)
        let proposal: Proposal
        do throws(DecodeError) {
            proposal = try Proposal(bytes: bytes)
        } catch {
            return  // Not a block: it has no id to answer for.
        }
        let id = proposal.header.id
        if self.candidates[id] == nil {
            let fits = self.fits(proposal, view)
            let candidate = Candidate(
                proposal: proposal, id: id, bytes: bytes, state: fits ? .known : .wrong)
            self.keep(candidate)
        }
        if case .wrong = self.candidates[id]?.state {
            outbox.append(.verified(id, false))
        } else {
            outbox.append(.verified(id, true))
        }
    }

    /// What header and body alone must keep; the parent's execution is not needed.
    private func fits(_ proposal: Proposal, _ view: UInt64) -> Bool {
        let header = proposal.header
        let parent =
            header.parent == self.tip.id
            ? self.tip.header : self.candidates[header.parent]?.proposal.header
        guard let parent, header.chain == self.genesis.id, header.view <= view else {
            return false
        }
        do throws(Header.Fault) {
            try header.check(after: parent)
        } catch {
            return false
        }
        let (latest, overflow) = self.wallMs.addingReportingOverflow(Self.driftMs)
        guard overflow || header.timeMs <= max(latest, parent.timeMs + 1) else { return false }
        guard proposal.body.evidence.isEmpty else { return false }
        return header.bodyRoot == proposal.body.root(self.salt)
    }

    mutating func onCertify(_ id: BlockID, _ outbox: inout Outbox<Effect>) {
        guard var candidate = self.candidates[id] else { return }  // Not yet is never no.
        candidate.isWanted = true
        self.candidates[id] = candidate
        switch candidate.state {
        case .right: self.certify(id, &outbox)
        case .wrong: outbox.append(.certified(id, false))
        case .checking: return
        case .known: self.execute(id, &outbox)
        }
    }

    private mutating func certify(_ id: BlockID, _ outbox: inout Outbox<Effect>) {
        guard let candidate = self.candidates[id], candidate.isWanted else { return }
        outbox.append(.persist(id, proposal: candidate.bytes))
        outbox.append(.certified(id, true))
        // Children that waited for this one.
        let waiting = self.candidates.values.filter {
            if case .known = $0.state { return $0.isWanted && $0.proposal.header.parent == id }
            return false
        }
        for child in waiting { self.execute(child.id, &outbox) }
    }

    /// Executes a known block on its parent, ancestors first.
    private mutating func execute(_ id: BlockID, _ outbox: inout Outbox<Effect>) {
        guard !self.hasStalled, let candidate = self.candidates[id] else { return }
        let parent = candidate.proposal.header.parent
        if self.ground(parent) == nil, case .known = self.candidates[parent]?.state {
            self.execute(parent, &outbox)
        }
        guard let ground = self.ground(parent) else {
            if case .wrong = self.candidates[parent]?.state { self.refuse(id, &outbox) }
            return
        }
        do throws(BlockFault) {
            let (block, checks) = try self.run(candidate.proposal, on: ground)
            if checks.isEmpty {
                self.candidates[id]?.state = .right(block)
                self.certify(id, &outbox)
                return
            }
            let batch = self.nextBatch
            self.nextBatch += 1
            self.batches[batch] = .block(id)
            self.candidates[id]?.state = .checking(block, batch: batch)
            outbox.append(.checkSignatures(batch: batch, checks: checks))
        } catch {
            switch error {
            case .stateUnreadable, .booksBroken: self.stall("\(error)", &outbox)
            case .header, .epochUnknown, .proposerUnknown, .revealWrong, .clockAhead,
                .transactionRefused, .signatureWrong, .overWeight, .overSize, .evidenceNotYet,
                .differs:
                self.refuse(id, &outbox)
            }
        }
    }

    private mutating func refuse(_ id: BlockID, _ outbox: inout Outbox<Effect>) {
        self.candidates[id]?.state = .wrong
        if self.candidates[id]?.isWanted == true { outbox.append(.certified(id, false)) }
    }

    /// Executes a proposal and compares every field of its header.
    ///
    /// - Returns: the signatures that this node has not checked yet.
    func run(
        _ proposal: Proposal, on ground: Ground
    ) throws(BlockFault) -> (ExecutedBlock, [SignatureCheck]) {
        do throws(Header.Fault) {
            try proposal.header.check(after: ground.header)
        } catch {
            throw .header(error)
        }
        guard proposal.body.evidence.isEmpty else { throw .evidenceNotYet }
        var run = try BlockRun(
            BlockPlan(proposal.header), on: ground.header, stack: ground.stack,
            genesis: self.genesis, kernels: ground.kernels)
        var checks: [SignatureCheck] = []
        for (index, transaction) in proposal.body.transactions.enumerated() {
            do throws(InclusionFault) {
                let needed = try run.include(transaction)
                let known = self.mempool[transaction.id(self.salt)]?.transaction
                guard known?.authorisation != transaction.authorisation else { continue }
                checks += needed.map {
                    SignatureCheck(key: $0.key, signature: $0.signature, digest: $0.message)
                }
            } catch {
                if error == .stateUnavailable {
                    throw BlockFault.stateUnreadable(run.state.ledger.fault ?? .unavailable)
                }
                throw BlockFault.transactionRefused(index: index, error)
            }
            guard run.weight <= self.genesis.parameters.blockWeightMax else { throw .overWeight }
        }
        let block = try run.finish()
        if let field = Self.difference(block.header, proposal.header) {
            throw .differs(field: field)
        }
        return (block, checks)
    }

    /// The first field in which a header differs from what execution gives.
    static func difference(_ ours: Header, _ theirs: Header) -> String? {
        guard ours != theirs else { return nil }
        guard case .object(let left) = ours.json, case .object(let right) = theirs.json else {
            return "header"
        }
        return zip(left, right).first { $0 != $1 }?.0.name ?? "header"
    }

    mutating func blockChecked(
        _ id: BlockID, _ isRight: Bool, _ outbox: inout Outbox<Effect>
    ) {
        guard case .checking(let block, _) = self.candidates[id]?.state else { return }
        guard isRight else { return self.refuse(id, &outbox) }
        self.candidates[id]?.state = .right(block)
        self.certify(id, &outbox)
    }

    /// Remembers a candidate; the oldest goes when there are too many.
    private mutating func keep(_ candidate: Candidate) {
        if self.candidates[candidate.id] == nil,
            self.candidates.count >= Self.candidatesMax
        {
            self.candidates.removeFirst()
        }
        self.candidates[candidate.id] = candidate
    }
}
