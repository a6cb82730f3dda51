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
            else {
                // Consensus says it once; it is settled when what is missing is here.
                self.unsettled = (id, certificate)
                self.onCertify(id, &outbox)
                return
            }
            path.append(candidate)
            at = candidate.proposal.header.parent
        }
        self.unsettled = nil
        var records: [BlockRecord] = []
        var transactions: [FinalizedTransaction] = []
        for candidate in path.reversed() {
            guard let block = candidate.executed else { return }
            let proof = candidate.id == id ? certificate : []
            let (record, settled) = self.settle(block, candidate.id, proof, now)
            records.append(record)
            transactions += settled
            self.tellKernels(block.layer, &outbox)
        }
        if !records.isEmpty { outbox.append(.append(records)) }
        if !transactions.isEmpty { outbox.append(.finalizedTransactions(transactions)) }
        let height = self.tip.header.height
        self.candidates.removeAll { $0.value.proposal.header.height <= height }
        self.awaited.removeAll()
        let view = self.tip.header.view
        self.proposed.removeAll { $0.view <= view }
        self.sift()
        for proposed in self.proposed where self.candidates[proposed.block] == nil {
            outbox.append(.missing(proposed.block))
        }
        self.foldIfDue(now, &outbox)
        self.tellDuties(&outbox)
    }

    /// Makes an executed block the tip.
    private mutating func settle(
        _ block: ExecutedBlock, _ id: BlockID, _ certificate: [UInt8], _ now: Instant
    ) -> (BlockRecord, [FinalizedTransaction]) {
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
        return (record, final)
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
            _ = self.settle(block, proposal.header.id, certificate, now)
            self.stored = block.header.height
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
            case .orphan, .known, .wrong: continue
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

// MARK: Serving peers

extension Chain {
    /// A block that is not final yet, or the final one of that id.
    mutating func onReadBlock(
        _ id: BlockID, _ token: Token, _ outbox: inout Outbox<Effect>
    ) {
        if let candidate = self.candidates[id] {
            let isGood = if case .wrong = candidate.state { false } else { true }
            outbox.append(.blockRead(token: token, isGood ? candidate.bytes : nil))
            return
        }
        let final =
            self.unfolded.last { $0.record.id == id }?.record
            ?? self.height(of: id).flatMap { self.archive.block(at: $0) }
        outbox.append(.blockRead(token: token, final.map { $0.header + $0.body }))
    }

    /// Final blocks from a height on: at most `rangeMax`, and `rangeBytesMax` unless one is larger.
    /// It goes on to a block with a certificate, because only that settles those before it.
    mutating func onReadRange(
        _ from: UInt64, _ count: UInt64, _ token: Token, _ outbox: inout Outbox<Effect>
    ) {
        var blocks: [FinalBlock] = []
        var bytes = 0
        var height = from
        let wanted = Int(min(count, Self.rangeMax))
        while height <= self.stored, let record = self.archive.block(at: height) {
            bytes += record.header.count + record.body.count + record.certificate.count
            let isEnough = blocks.count >= wanted || bytes > Self.rangeBytesMax
            let isSettled = blocks.last?.certificate.isEmpty == false
            guard !isEnough || !isSettled, blocks.count < Self.candidatesMax - 8 else { break }
            blocks.append(
                FinalBlock(block: record.header + record.body, certificate: record.certificate))
            height += 1
        }
        outbox.append(.rangeRead(token: token, blocks))
    }
}
