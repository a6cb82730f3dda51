package import Economy
package import Ledger
internal import OrderedCollections
package import Primitives

// Chain
//
// Mempool, block building, execution, roots, queries: the only owner of a `StateView`, on its own
// thread. Interface.swift says what goes in and comes out; Records.swift what lasts.

/// The chain as one core: no clock, no key, no disk but through a view and an archive.
///
/// - Bounds: `Config.mempool`; `candidatesMax` blocks that are not final; `requestsMax` requests
///   that wait for a signature or a check.
/// - Invariant: `tip` is final; candidates descend from it; `folded <= stored <= tip.height`.
/// - Source: protocol/block.md.
package struct Chain: Sendable {
    package struct Config: Sendable {
        /// The node that builds; nil only follows.
        package var proposer: NodeID?
        package var mempoolCount = 20_000
        package var mempoolBytes = 64 * 1_024 * 1_024
        /// A fold starts after this many blocks, or this long after the oldest unfolded one.
        package var foldBlocks: UInt64 = 64
        package var foldMs: UInt64 = 2_000
        package var foldBytes = 64 * 1_024 * 1_024

        package init(proposer: NodeID?) { self.proposer = proposer }
    }

    /// Why a chain cannot start.
    package enum StartFault: Error, Hashable, Sendable {
        case genesis(String)
        case state(StateFault)
        /// The state database belongs to another chain, or its root is not the header's.
        case stateDiffers(String)
        case replay(height: UInt64, String)
    }

    static let candidatesMax = 128
    static let requestsMax = 4_096
    static let proposedMax = 16
    static let awaitedMax = 64
    /// Proposals may lie this far ahead of this node's clock.
    static let driftMs: UInt64 = 2_000
    /// Bytes of final blocks in one answer to a peer.
    static let rangeBytesMax = 2 << 20
    static let rangeMax: UInt64 = 64

    /// The newest final block and the state after it.
    struct Tip: Sendable {
        var header: Header
        var id: BlockID
        var stack: StateStack
        var time: LedgerTime
        var kernels: KernelCache
    }

    /// A final block whose state is not folded yet.
    struct Unfolded: Sendable {
        let record: BlockRecord
        let receipts: [Receipt]
        let transactions: [TransactionID]
        let tree: StateTree
        let bytes: Int
        let since: Instant
    }

    let genesis: Genesis
    let salt: ChainSalt
    let config: Config
    let archive: any ChainArchive
    let base: any StateView

    var tip: Tip
    var candidates: OrderedDictionary<BlockID, Candidate> = [:]
    /// What consensus asked about and nobody can say yet: the newest few.
    var proposed: [Proposed] = []
    /// Blocks to certify that are not here, since the last final one: the newest few.
    var awaited: [BlockID] = []
    /// A final block that could not be settled because something below it was not here.
    var unsettled: (id: BlockID, certificate: [UInt8])?
    var mempool: Mempool
    /// Heights: what the segments hold, what the state database holds, what is being folded.
    var stored: UInt64
    var folded: UInt64
    var folding: UInt64?
    /// Final blocks above `folded`, oldest first.
    var unfolded: [Unfolded] = []

    var wallets: OrderedDictionary<AccountID, Policy> = [:]
    var requests: OrderedDictionary<Token, Request> = [:]
    var batches: OrderedDictionary<UInt64, Batch> = [:]
    var nextBatch: UInt64 = 0
    /// Wishes said again while their transaction waits for its signature or its check.
    var echoes: OrderedDictionary<TransactionID, [Token]> = [:]
    /// Open jobs that concern a local account, by id.
    var watched: OrderedDictionary<JobID, JobEntry> = [:]
    var lastDuties: [Duty] = []
    var lastPending = false
    var wallMs: UInt64 = 0
    var hasStalled = false
    /// Nothing that waits was admissible on this tip.
    var mempoolIsIdle = false

    /// The chain at its last fold, or at its genesis where `head` is nil.
    ///
    /// - Parameter view: the state database; empty at the genesis.
    /// - Parameter head: canonical header of the last fold, as `FoldRecord.header` said.
    /// - Parameter buckets: the saved buckets of the last fold; without them the tree is built
    ///   from every row.
    /// - Throws: ``StartFault``. Final blocks above the fold follow as `replay`.
    package init(
        genesis: Genesis, config: Config, view: any StateView, head: [UInt8]?,
        buckets: [StateBucket] = [], archive: any ChainArchive
    ) throws(StartFault) {
        let built: (header: Header, layer: StateLayer, stack: StateStack)
        do throws(Genesis.Fault) {
            built = try genesis.build()
        } catch {
            throw .genesis(error.text)
        }
        self.genesis = genesis
        self.salt = genesis.salt
        self.config = config
        self.archive = archive
        self.base = view
        self.mempool = Mempool(
            .init(count: config.mempoolCount, bytes: config.mempoolBytes))
        if let head {
            self.tip = try Self.tip(at: head, view, buckets, genesis)
        } else {
            let empty = StateStack(
                base: view, tree: StateTree(salt: genesis.salt), salt: genesis.salt)
            do throws(StateFault) {
                self.tip = Tip(
                    header: built.header, id: built.header.id,
                    stack: try empty.pushing(built.layer), time: genesis.time,
                    kernels: KernelCache())
            } catch {
                throw .state(error)
            }
        }
        self.stored = self.tip.header.height
        self.folded = self.tip.header.height
        self.genesisIsFolded = head != nil
        self.foldedTree = head == nil ? StateTree(salt: genesis.salt) : self.tip.stack.tree
    }

    /// The genesis' own layer lies under the first block's until the first fold.
    var genesisIsFolded: Bool
    /// The tree of the last fold: what saved buckets are compared with.
    var foldedTree: StateTree

    private static func tip(
        at head: [UInt8], _ view: any StateView, _ buckets: [StateBucket], _ genesis: Genesis
    ) throws(StartFault) -> Tip {
        let header: Header
        do throws(DecodeError) {
            header = try Header(canonical: head)
        } catch {
            throw .stateDiffers("the header of the last fold does not decode")
        }
        guard header.chain == genesis.id else {
            throw .stateDiffers("the state is of chain \(header.chain.short)")
        }
        do throws(StateFault) {
            let tree =
                buckets.isEmpty
                ? try Self.tree(view, genesis.salt)
                : try StateTree(buckets: buckets, salt: genesis.salt)
            guard tree.root == header.stateRoot else {
                throw StateFault.damaged(path: tree.root)
            }
            let stack = StateStack(base: view, tree: tree, salt: genesis.salt)
            guard let chain = try stack.read(LedgerTables.chain, 0) else {
                throw StateFault.damaged(path: .zero)
            }
            return Tip(
                header: header, id: header.id, stack: stack, time: chain.time,
                kernels: KernelCache())
        } catch {
            throw .state(error)
        }
    }

    private static func tree(
        _ view: some StateView, _ salt: ChainSalt
    ) throws(StateFault) -> StateTree {
        try StateTree.build(from: view, salt: salt)
    }

    /// Takes one input; effects are performed in their order.
    package mutating func handle(
        _ input: Input, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        switch input {
        case .wallets(let keys): self.onWallets(keys, &outbox)
        case .submit(let bytes, let token): self.onSubmit(bytes, token, &outbox)
        case .prepare(let preparation, let token):
            self.onPrepare(preparation, token, &outbox)
        case .intend(let intent, let account, let token):
            self.onIntend(intent, account, token, &outbox)
        case .signed(let token, let signature): self.onSigned(token, signature, &outbox)
        case .signaturesChecked(let batch, let verdicts):
            self.onChecked(batch, verdicts, &outbox)
        case .build(let order): self.onBuild(order, &outbox)
        case .block(let bytes): self.onBlock(bytes, &outbox)
        case .verify(let proposed): self.onVerify(proposed, &outbox)
        case .certify(let id): self.onCertify(id, &outbox)
        case .finalized(let id, let certificate):
            self.onFinalized(id, certificate, now, &outbox)
        case .readBlock(let id, let token): self.onReadBlock(id, token, &outbox)
        case .readRange(let from, let count, let token):
            self.onReadRange(from, count, token, &outbox)
        case .stored(let height):
            self.stored = max(self.stored, min(height, self.tip.header.height))
            self.foldIfDue(now, &outbox)
        case .folded(let height): self.onFolded(height, now, &outbox)
        case .replay(let block, let certificate):
            self.onReplay(block, certificate, now, &outbox)
        case .query(let query, let token): self.onQuery(query, token, &outbox)
        case .tick(let wallMs):
            self.wallMs = max(self.wallMs, wallMs)
            self.answerEarly(&outbox)
            self.foldIfDue(now, &outbox)
        }
        if let unsettled, self.candidates[unsettled.id]?.executed != nil {
            self.unsettled = nil
            self.onFinalized(unsettled.id, unsettled.certificate, now, &outbox)
        }
        self.tellWork(&outbox)
        precondition(self.folded <= self.stored, "the state is never ahead of the chain")
        precondition(self.stored <= self.tip.header.height, "only final blocks are stored")
    }

    /// Height and id of the newest final block.
    package var head: (height: UInt64, id: BlockID) { (self.tip.header.height, self.tip.id) }

    func validator(_ node: NodeID, _ stack: StateStack) -> Validator? {
        for index in 0..<EconomyState.validatorsMax {
            do throws(StateFault) {
                guard let one = try stack.read(EconomyTable.validator, index) else { return nil }
                if one.node == node { return one }
            } catch {
                return nil
            }
        }
        return nil
    }

    /// Nothing may be concluded any more; says so once.
    mutating func stall(_ why: String, _ outbox: inout Outbox<Effect>) {
        if !self.hasStalled { outbox.append(.stalled(why)) }
        self.hasStalled = true
    }

    /// Tells when the reason to build comes or goes.
    private mutating func tellWork(_ outbox: inout Outbox<Effect>) {
        let pending = self.hasWork
        if pending != self.lastPending { outbox.append(.workPending(pending)) }
        self.lastPending = pending
    }

    /// A transaction waits, a draw is awaited, or a deadline would be due in the next block.
    private var hasWork: Bool {
        if self.mempool.count > 0, !self.mempoolIsIdle { return true }
        let reader = EconomyReader(self.tip.stack)
        do throws(StateFault) {
            let counters = try reader.counters()
            if counters.drawHead < counters.drawTail { return true }
            if counters.auditHead < counters.auditTail { return true }
            guard let due = try reader.nextDue() else { return false }
            let parent = self.tip.header.timeMs
            let step = self.wallMs > parent ? min(self.wallMs - parent, Header.stepMsMax) : 0
            return due.ms <= self.tip.time.ms || due.ms - self.tip.time.ms <= step
        } catch {
            return false
        }
    }
}
