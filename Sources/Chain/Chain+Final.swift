import Economy
import Ledger
internal import OrderedCollections
import Primitives

extension Chain {
    mutating func onFinalized(
        _ id: BlockID, _ certificate: [UInt8], _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        // From the block back to the tip.
        var path: [Candidate] = []
        var at = id
        while at != self.tip.id {
            guard let candidate = self.candidates[at], candidate.executed != nil,
                path.count < Self.candidatesMax
            else { return }  // Not executed here yet: Node asks for it and says so again.
            path.append(candidate)
            at = candidate.proposal.header.parent
        }
        for candidate in path.reversed() {
            guard let block = candidate.executed else { return }
            let proof = candidate.id == id ? certificate : []
            self.settle(block, candidate.id, proof, now, isReplay: false, &outbox)
        }
        let height = self.tip.header.height
        self.candidates.removeAll { $0.value.proposal.header.height <= height }
        self.foldIfDue(now, &outbox)
        self.tellDuties(&outbox)
    }

    /// Makes an executed block the tip.
    private mutating func settle(
        _ block: ExecutedBlock, _ id: BlockID, _ certificate: [UInt8], _ now: Instant,
        isReplay: Bool, _ outbox: inout Outbox<Effect>
    ) {
        var receipts = Encoder()
        receipts.length(block.receipts.count)
        for receipt in block.receipts { receipt.encode(into: &receipts) }
        let record = BlockRecord(
            height: block.header.height, id: id, header: block.header.canonicalBytes,
            body: block.body.canonicalBytes, receipts: receipts.bytes, certificate: certificate)
        self.tip = Tip(
            header: block.header, id: id, stack: block.stack, time: block.time,
            kernels: block.kernels)
        self.mempoolIsIdle = false
        var final: [FinalizedTransaction] = []
        for (index, transaction) in block.body.transactions.enumerated() {
            self.mempool.removeUsed(transaction.account, transaction.nonce)
            let receipt = block.receipts[index]
            final.append(
                FinalizedTransaction(
                    id: receipt.transaction, height: block.header.height,
                    index: UInt32(clamping: index), succeeded: receipt.outcome == .ok,
                    receipt: self.json(receipt)))
        }
        let bytes = block.layer.writes.reduce(0) { $0 + 64 + ($1.row?.value.count ?? 0) }
        self.unfolded.append(
            Unfolded(
                record: record, receipts: block.receipts, transactions: final.map(\.id),
                tree: block.stack.tree, bytes: bytes, since: now))
        self.watch(block.layer)
        if isReplay {
            self.stored = block.header.height
            return
        }
        outbox.append(.append(record))
        if !final.isEmpty { outbox.append(.finalizedTransactions(final)) }
    }

    // MARK: Replay

    /// Executes a final block again, at start: its signatures were checked when it became final.
    mutating func onReplay(
        _ bytes: [UInt8], _ certificate: [UInt8], _ now: Instant,
        _ outbox: inout Outbox<Effect>
    ) {
        let proposal: Proposal
        do throws(DecodeError) {
            proposal = try Proposal(bytes: bytes)
        } catch {
            return self.stall("a stored block does not decode: \(error)", &outbox)
        }
        let ground = Ground(
            header: self.tip.header, stack: self.tip.stack, kernels: self.tip.kernels)
        do throws(BlockFault) {
            let (block, _) = try self.run(proposal, on: ground)
            self.settle(
                block, proposal.header.id, certificate, now, isReplay: true, &outbox)
        } catch {
            let height = proposal.header.height
            return self.stall("block \(height) does not execute as stored: \(error)", &outbox)
        }
        self.foldIfDue(now, &outbox)
        self.tellDuties(&outbox)
    }

    // MARK: Folds

    /// Starts a fold at `foldBlocks`, `foldMs` or `foldBytes`, never above what is stored.
    mutating func foldIfDue(_ now: Instant, _ outbox: inout Outbox<Effect>) {
        guard self.folding == nil, self.stored > self.folded,
            let oldest = self.unfolded.first
        else { return }
        let count = self.stored - self.folded
        let bytes = self.unfolded.reduce(0) { $0 + $1.bytes }
        let isDue =
            count >= self.config.foldBlocks || bytes >= self.config.foldBytes
            || now >= oldest.since.adding(ms: self.config.foldMs)
        guard isDue else { return }
        let batch = self.unfolded.prefix(Int(clamping: min(count, 4 * self.config.foldBlocks)))
        guard let last = batch.last else { return }
        self.folding = last.record.height
        let layers = batch.count + (self.genesisIsFolded ? 0 : 1)
        let writes = self.tip.stack.folding(layers)
        let header: Header
        do throws(DecodeError) {
            header = try Header(canonical: last.record.header)
        } catch {
            return self.stall("our own header does not decode", &outbox)
        }
        outbox.append(
            .fold(
                FoldRecord(
                    height: header.height, root: header.stateRoot, header: last.record.header,
                    state: writes, buckets: last.tree.changes(since: self.foldedTree),
                    index: Self.index(Array(batch)))))
    }

    /// Index rows of blocks, by ascending key.
    private static func index(_ batch: [Unfolded]) -> [FoldRecord.IndexRow] {
        var rows: [FoldRecord.IndexRow] = []
        for block in batch {
            let height = Self.bigEndian(block.record.height)
            rows.append(.init(key: Self.key(2, block.record.id.digest), value: height))
            for (index, id) in block.transactions.enumerated() {
                let place = height + Self.bigEndian(UInt64(index)).suffix(4)
                rows.append(.init(key: Self.key(1, id.digest), value: place))
            }
        }
        return rows.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }

    static func key(_ kind: UInt8, _ digest: Digest) -> [UInt8] { [kind] + digest.bytes }

    static func bigEndian(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
    }

    /// The state database has the fold: its layers go.
    mutating func onFolded(
        _ height: UInt64, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        guard let folding = self.folding, folding == height else { return }
        let blocks = Int(clamping: height - self.folded)
        let layers = blocks + (self.genesisIsFolded ? 0 : 1)
        self.folding = nil
        self.folded = height
        self.genesisIsFolded = true
        if let last = self.unfolded.prefix(blocks).last { self.foldedTree = last.tree }
        self.unfolded.removeFirst(min(blocks, self.unfolded.count))
        self.tip.stack = self.tip.stack.rebased(on: self.base, dropping: layers)
        for id in Array(self.candidates.keys) {
            guard let candidate = self.candidates[id] else { continue }
            switch candidate.state {
            case .right(let block):
                let moved = block.rebased(self.base, layers)
                self.candidates[id]?.state = .right(moved)
            case .checking(let block, let batch):
                let moved = block.rebased(self.base, layers)
                self.candidates[id]?.state = .checking(moved, batch: batch)
            case .known, .wrong: continue
            }
        }
        self.foldIfDue(now, &outbox)
    }
}

extension ExecutedBlock {
    /// The same block on a base that has its oldest layers folded in.
    func rebased(_ base: any StateView, _ layers: Int) -> ExecutedBlock {
        self.on(self.stack.rebased(on: base, dropping: layers))
    }
}
