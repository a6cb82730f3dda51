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
        guard case .right(let block) = self.candidates[id]?.state else { return nil }
        return Ground(header: block.header, stack: block.stack, kernels: block.kernels)
    }

    // MARK: Build

    mutating func onBuild(_ order: BuildOrder, _ outbox: inout Outbox<Effect>) {
        self.wallMs = max(self.wallMs, order.wallMs)
        guard !self.hasStalled, let proposer = self.config.proposer,
            let ground = self.ground(order.parent),
            let validator = self.validator(proposer, ground.stack)
        else {
            outbox.append(.nothingToBuild(view: order.view))
            return
        }
        guard let reveal = order.reveal else {
            outbox.append(.reveal(order, index: validator.reveals + 1))
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
            var candidate = Candidate(
                proposal: proposal, id: block.header.id, bytes: proposal.bytes,
                state: .right(block))
            candidate.isNeeded = true
            self.keep(candidate)
            outbox.append(
                .built(view: order.view, candidate.id, proposal: candidate.bytes))
        } catch {
            if case .stateUnreadable = error { self.stall("\(error)", &outbox) }
            if case .booksBroken = error { self.stall("\(error)", &outbox) }
            outbox.append(.nothingToBuild(view: order.view))
        }
    }

    /// Fills a block by descending tip; nil if nobody needs one.
    private mutating func fill(
        _ plan: BlockPlan, on ground: Ground, _ order: BuildOrder
    ) throws(BlockFault) -> ExecutedBlock? {
        let lag = self.tip.header.height - self.folded >= 2 * self.config.foldBlocks ? 1 : 0
        let shift = min(UInt64(order.nullified) + UInt64(lag), 8)
        let limit = (self.genesis.parameters.blockWeightMax / 2) >> shift
        let most = Body.bytesMax - 4_096
        let byteLimit = most >> Int(shift)
        var skipped: [TransactionID] = []
        while true {
            var run = try BlockRun(
                plan, on: ground.header, stack: ground.stack, genesis: self.genesis,
                kernels: ground.kernels)
            let needsBlock = run.hasDue || order.heartbeat
            var offender: TransactionID?
            for id in self.mempool.ranked {
                guard run.weight < limit, let entry = self.mempool[id] else { break }
                // A large one must find its place however many views were nullified: alone.
                let room = run.transactions.isEmpty ? most : byteLimit
                guard run.bytes + entry.bytes <= room, !skipped.contains(id) else { continue }
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

    // MARK: Blocks of others

    /// Takes a block that somebody sent.
    ///
    /// The id covers the header alone, so a body that is not the header's says nothing about the
    /// block of that id: it is dropped, and the right one may still come.
    mutating func onBlock(_ bytes: [UInt8], _ outbox: inout Outbox<Effect>) {
        outbox.append(.blockTaken)
        let proposal: Proposal
        do throws(DecodeError) {
            proposal = try Proposal(bytes: bytes)
        } catch {
            return
        }
        let header = proposal.header
        let id = header.id
        guard header.chain == self.genesis.id else { return }
        guard header.height > self.tip.header.height else {
            outbox.append(.learned(id, missingParent: nil))  // Nobody need ask for it any more.
            return
        }
        guard header.bodyRoot == proposal.body.root(self.salt) else { return }
        if self.candidates[id] == nil {
            var candidate = Candidate(proposal: proposal, id: id, bytes: bytes, state: .orphan)
            candidate.isWanted = self.awaited.contains(id)
            candidate.isNeeded = self.isNeededParent(id)
            self.keep(candidate)
            guard self.candidates[id] != nil else { return }  // No room: it stays wanted.
            self.awaited.removeAll { $0 == id }
            self.adopt(id, &outbox)
        }
        let isOrphan = if case .orphan = self.candidates[id]?.state { true } else { false }
        outbox.append(.learned(id, missingParent: isOrphan ? header.parent : nil))
        self.answer(&outbox)
    }

    /// True if a block that consensus waits for stands on this one.
    private func isNeededParent(_ id: BlockID) -> Bool {
        self.candidates.values.contains {
            $0.proposal.header.parent == id && ($0.isWanted || $0.isNeeded)
        }
    }

    /// Compares an orphan with its parent's header once that is here, and then its own children.
    private mutating func adopt(_ first: BlockID, _ outbox: inout Outbox<Effect>) {
        var waiting = [first]
        while let id = waiting.popLast() {
            guard let orphan = self.candidates[id], case .orphan = orphan.state else { continue }
            let parent = orphan.proposal.header.parent
            var header: Header?
            if parent == self.tip.id { header = self.tip.header }
            if let known = self.candidates[parent] {
                switch known.state {
                case .orphan: continue
                case .wrong:
                    self.refuse(id, &outbox)
                    continue
                case .known, .checking, .right: header = known.proposal.header
                }
            }
            guard let header else { continue }
            guard Self.fits(orphan.proposal, after: header) else {
                self.refuse(id, &outbox)
                continue
            }
            self.candidates[id]?.state = .known
            if orphan.isWanted || orphan.isNeeded || self.isNeededParent(id) {
                self.execute(id, &outbox)
            }
            waiting += self.candidates.values.filter { $0.proposal.header.parent == id }.map(\.id)
        }
    }

    /// What header and body must keep beside execution, wherever and whenever they are looked at.
    private static func fits(_ proposal: Proposal, after parent: Header) -> Bool {
        do throws(Header.Fault) {
            try proposal.header.check(after: parent)
        } catch {
            return false
        }
        return proposal.body.evidence.isEmpty
    }

    // MARK: Verify

    mutating func onVerify(_ proposed: Proposed, _ outbox: inout Outbox<Effect>) {
        self.proposed.removeAll { $0.view <= proposed.view }
        if self.proposed.count >= Self.proposedMax { self.proposed.removeFirst() }
        self.proposed.append(proposed)
        if self.candidates[proposed.block] == nil { outbox.append(.missing(proposed.block)) }
        self.answer(&outbox)
    }

    /// Time passed: a proposal ahead of this node's clock may be in time now.
    mutating func answerEarly(_ outbox: inout Outbox<Effect>) {
        if !self.proposed.isEmpty { self.answer(&outbox) }
    }

    /// Answers what can be answered of the proposals asked about.
    private mutating func answer(_ outbox: inout Outbox<Effect>) {
        for proposed in self.proposed {
            guard let isRight = self.verdict(on: proposed) else { continue }
            self.proposed.removeAll { $0 == proposed }
            outbox.append(.verified(proposed.block, view: proposed.view, isRight))
        }
    }

    /// Whether to vote for it; nil while that cannot be said. "Not yet" is never "no".
    private func verdict(on proposed: Proposed) -> Bool? {
        guard let candidate = self.candidates[proposed.block] else { return nil }
        let header = candidate.proposal.header
        guard header.parent == proposed.parent, header.view == proposed.view,
            header.proposer == proposed.leader
        else { return false }
        switch candidate.state {
        case .orphan: return nil
        case .wrong: return false
        case .known, .checking, .right:
            let (latest, overflow) = self.wallMs.addingReportingOverflow(Self.driftMs)
            return overflow || header.timeMs <= latest ? true : nil
        }
    }

    // MARK: Certify

    mutating func onCertify(_ id: BlockID, _ outbox: inout Outbox<Effect>) {
        guard var candidate = self.candidates[id] else {
            if !self.awaited.contains(id) { self.awaited.append(id) }
            if self.awaited.count > Self.awaitedMax { self.awaited.removeFirst() }
            outbox.append(.missing(id))
            return
        }
        candidate.isWanted = true
        self.candidates[id] = candidate
        switch candidate.state {
        case .right: self.certify(id, &outbox)
        case .wrong: outbox.append(.certified(id, false))
        case .checking: return
        case .known: self.execute(id, &outbox)
        case .orphan: outbox.append(.missing(candidate.proposal.header.parent))
        }
    }

    /// A block was found right: makes it durable, tells consensus, goes on with what waited for it.
    private mutating func certify(_ id: BlockID, _ outbox: inout Outbox<Effect>) {
        guard let candidate = self.candidates[id], case .right = candidate.state else { return }
        // Until it is final, nothing drives it out, nor what it stands on.
        self.candidates[id]?.isNeeded = true
        self.candidates[candidate.proposal.header.parent]?.isNeeded = true
        outbox.append(.persist(id, proposal: candidate.bytes))
        if candidate.isWanted { outbox.append(.certified(id, true)) }
        let waiting = self.candidates.values.filter {
            if case .known = $0.state { return $0.isNeeded && $0.proposal.header.parent == id }
            return false
        }
        for child in waiting { self.executeNext(child.id, &outbox) }
    }

    /// Executes a known block, its ancestors first.
    private mutating func execute(_ wanted: BlockID, _ outbox: inout Outbox<Effect>) {
        var path: [BlockID] = []
        var at = wanted
        while let candidate = self.candidates[at], path.count < Self.candidatesMax {
            switch candidate.state {
            case .known:
                self.candidates[at]?.isNeeded = true
                path.append(at)
                at = candidate.proposal.header.parent
                continue
            case .orphan: return outbox.append(.missing(candidate.proposal.header.parent))
            case .wrong: return self.refuse(at, &outbox)
            case .checking: return  // Goes on once its signatures are checked.
            case .right: break
            }
            break
        }
        if self.candidates[at] == nil, at != self.tip.id { outbox.append(.missing(at)) }
        // One by one: each, once right, goes on with its children.
        if let first = path.last { self.executeNext(first, &outbox) }
    }

    /// Executes a known block whose parent is right.
    private mutating func executeNext(_ id: BlockID, _ outbox: inout Outbox<Effect>) {
        guard !self.hasStalled, let candidate = self.candidates[id],
            case .known = candidate.state,
            let ground = self.ground(candidate.proposal.header.parent)
        else { return }
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

    /// A block is wrong, and so is everything that stands on it.
    private mutating func refuse(_ first: BlockID, _ outbox: inout Outbox<Effect>) {
        var waiting = [first]
        while let id = waiting.popLast() {
            self.candidates[id]?.state = .wrong
            if self.candidates[id]?.isWanted == true { outbox.append(.certified(id, false)) }
            waiting += self.candidates.values.filter {
                if case .wrong = $0.state { return false }
                return $0.proposal.header.parent == id
            }.map(\.id)
        }
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
                let list = needed.map {
                    SignatureCheck(key: $0.key, signature: $0.signature, digest: $0.message)
                }
                // Checked on its way into the mempool, under the policy that holds here, too.
                if let known = self.mempool[transaction.id(self.salt)], known.checks == list {
                    continue
                }
                checks += list
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

    /// Remembers a candidate. When there are too many, one that nobody needs goes, orphans first.
    private mutating func keep(_ candidate: Candidate) {
        if self.candidates[candidate.id] == nil, self.candidates.count >= Self.candidatesMax {
            let orphan = self.candidates.values.first {
                if case .orphan = $0.state { !$0.isWanted } else { false }
            }
            let idle = orphan ?? self.candidates.values.first { !$0.isWanted && !$0.isNeeded }
            guard let idle else { return }
            self.candidates.removeValue(forKey: idle.id)
        }
        self.candidates[candidate.id] = candidate
    }
}
