package import Ledger
package import Primitives

/// Why a block is invalid. Never said when the state could not be read: that is `stateUnreadable`.
package enum BlockFault: Error, Hashable, Sendable {
    case header(Header.Fault)
    case epochUnknown
    case proposerUnknown
    case revealWrong
    case clockAhead
    case transactionRefused(index: Int, InclusionFault)
    case signatureWrong(index: Int)
    case overWeight
    case overSize
    case evidenceNotYet
    /// A header field that execution computes otherwise, by name.
    case differs(field: String)
    /// Books that do not balance: a bug of ours, found before anything is signed.
    case booksBroken(String)
    /// Not a verdict: try again when the store answers.
    case stateUnreadable(StateFault)
}

/// What a proposer decides; everything else in a header follows from execution.
package struct BlockPlan: Hashable, Sendable {
    package var epoch: UInt64
    package var view: UInt64
    package var timeMs: UInt64
    package var proposer: NodeID
    package var reveal: Digest
    /// The newest protocol version that the proposer can run.
    package var readiness: UInt32

    package init(
        epoch: UInt64, view: UInt64, timeMs: UInt64, proposer: NodeID, reveal: Digest,
        readiness: UInt32 = BlockPlan.readiness
    ) {
        self.epoch = epoch
        self.view = view
        self.timeMs = timeMs
        self.proposer = proposer
        self.reveal = reveal
        self.readiness = readiness
    }

    /// The protocol version that this release is ready for.
    package static let readiness: UInt32 = 1

    /// The plan that a header tells of.
    package init(_ header: Header) {
        self.init(
            epoch: header.epoch, view: header.view, timeMs: header.timeMs,
            proposer: header.proposer, reveal: header.beaconReveal, readiness: header.readiness)
    }
}

/// An executed block: what a proposer sends and a validator compares.
package struct ExecutedBlock: Sendable {
    package let header: Header
    package let body: Body
    /// One per transaction, in order; then those of the block itself, with the zero transaction.
    package let receipts: [Receipt]
    package let stack: StateStack
    package let layer: StateLayer
    package let time: LedgerTime
    /// Compiled kernels for the next block.
    package let kernels: KernelCache

    /// The same block over another stack of the same state.
    package func on(_ stack: StateStack) -> ExecutedBlock {
        ExecutedBlock(
            header: self.header, body: self.body, receipts: self.receipts, stack: stack,
            layer: self.layer, time: self.time, kernels: self.kernels)
    }
}

/// One block in execution: begin (time, beacon, due work, draws), transactions, end (checks,
/// roots).
///
/// Builder and verifier run the same code, so that a proposal and its check cannot disagree.
///
/// - Source: protocol/block.md, "Execution".
package struct BlockRun: Sendable {
    package let parent: Header
    package let plan: BlockPlan
    package let price: FeePrice
    package var state: EconomyState
    package private(set) var transactions: [Transaction] = []
    package private(set) var receipts: [Receipt] = []
    package private(set) var weight: UInt64 = 0
    package private(set) var bytes = 0
    private let genesis: GenesisID
    private let validatorsHash: Digest
    private let payout: AccountID
    private let chain: ChainState
    // Events of the block itself, in groups that one receipt can carry.
    private var systemEvents: [[Event]] = []

    /// Moves time and beacon on and does what is due.
    ///
    /// - Throws: ``BlockFault`` for a plan that cannot follow `parent`.
    package init(
        _ plan: BlockPlan, on parent: Header, stack: StateStack, genesis: Genesis,
        kernels: KernelCache, simulates: Bool = false
    ) throws(BlockFault) {
        // The validators of the genesis serve in the one epoch that this release knows.
        guard plan.epoch == parent.epoch else { throw .epochUnknown }
        let salt = stack.salt
        let limits = genesis.ledger
        var chain: ChainState
        // As the parent left them: a ballot may have changed them since the genesis.
        let parameters: Parameters
        do throws(StateFault) {
            guard let found = try stack.read(LedgerTables.chain, 0),
                let now = try stack.read(EconomyTable.parameters, 0)
            else {
                throw StateFault.damaged(path: .zero)
            }
            chain = found
            parameters = now
        } catch {
            throw .stateUnreadable(error)
        }
        let step = plan.timeMs > parent.timeMs ? plan.timeMs - parent.timeMs : 0
        chain.advance(
            past: parent.id, elapsedMs: min(step, Header.stepMsMax), limits, salt)
        let ledger = LedgerState(on: stack, parameters: limits, time: chain.time)
        self.parent = parent
        self.plan = plan
        self.genesis = genesis.id
        self.validatorsHash = genesis.validatorsHash
        self.price = chain.baseFee.price(limits)
        self.chain = chain
        var moment = Moment()
        moment.height = chain.height
        moment.time = chain.time
        self.state = EconomyState(
            ledger: ledger, salt: salt, moment: moment, parameters: parameters,
            kernels: kernels)
        self.payout =
            simulates ? self.state.openSimulation() : try self.state.openBlock(plan)
        let events = self.state.ledger.takeSystemEvents()
        for start in stride(from: 0, to: events.count, by: Self.eventsPerReceipt) {
            let end = min(start + Self.eventsPerReceipt, events.count)
            self.systemEvents.append(Array(events[start..<end]))
        }
    }

    /// Sixteen events of at most 1 KiB are within the bytes of one receipt.
    private static let eventsPerReceipt = 16

    /// Something was due at the start of the block, or drawn.
    package var hasDue: Bool { self.state.tookWork }

    /// Runs one transaction whose signatures are right, or will be found to be.
    ///
    /// - Returns: the signatures that must be right.
    /// - Throws: why it cannot be in a block; the block is then as before.
    package mutating func include(
        _ transaction: Transaction
    ) throws(InclusionFault) -> [SignatureCheck] {
        let checks = try self.state.ledger.beginTransaction(
            transaction, price: self.price, proposer: self.payout)
        let receipt = self.state.run(transaction)
        self.transactions.append(transaction)
        self.receipts.append(receipt)
        let (sum, overflow) = self.weight.addingReportingOverflow(receipt.weight)
        self.weight = overflow ? .max : sum
        self.bytes += transaction.canonicalBytes.count
        return checks
    }

    /// Ends the block: the lane, the chain's row, books, roots.
    ///
    /// - Throws: ``BlockFault/booksBroken(_:)`` or ``BlockFault/stateUnreadable(_:)``.
    package consuming func finish() throws(BlockFault) -> ExecutedBlock {
        var run = self
        run.state.closeLane()
        for group in run.systemEvents {
            run.receipts.append(
                Receipt(
                    transaction: .zero, outcome: .ok, burned: .zero, tip: .zero, weight: 0,
                    events: group))
        }
        var chain = run.chain
        let historyRoot = chain.historyRoot(run.state.salt)
        chain.baseFee.use(run.weight)
        run.state.write(LedgerTables.chain, 0, chain)
        let sealed = try run.seal()
        var header = Header.blank
        header.chain = run.genesis
        header.epoch = run.plan.epoch
        header.view = run.plan.view
        header.height = chain.height
        header.parent = run.parent.id
        header.timeMs = run.plan.timeMs
        header.proposer = run.plan.proposer
        let body = Body(evidence: [], transactions: run.transactions)
        header.bodyRoot = body.root(run.state.salt)
        header.receiptsRoot = Receipt.root(run.receipts, run.state.salt)
        header.stateRoot = sealed.stack.root
        header.historyRoot = historyRoot
        header.validatorsHash = run.validatorsHash
        header.baseFee = run.price
        header.usedWeight = run.weight
        header.beaconReveal = run.plan.reveal
        header.readiness = run.plan.readiness
        return ExecutedBlock(
            header: header, body: body, receipts: run.receipts, stack: sealed.stack,
            layer: sealed.layer, time: chain.time, kernels: run.state.kernels)
    }

    private mutating func seal() throws(BlockFault) -> SealedBlock {
        if let fault = self.state.ledger.fault { throw .stateUnreadable(fault) }
        if let fault = self.state.unreadable { throw .stateUnreadable(fault) }
        if let broken = self.state.broken { throw .booksBroken(broken) }
        if let broken = EconomyAudit.check(self.state.ledger.changes, self.state.salt) {
            throw .booksBroken(broken)
        }
        do throws(SealFault) {
            return try self.state.ledger.seal()
        } catch {
            switch error {
            case .state(let fault): throw .stateUnreadable(fault)
            case .invariants(let list): throw .booksBroken("\(list)")
            }
        }
    }
}
