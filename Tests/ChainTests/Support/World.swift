import Chain
import Economy
import Kernels
import Ledger
import Primitives

/// A chain with its surroundings played by the test: wallet, verification pool, consensus, disk.
final class World {
    static let provider = key(1)
    static let auditor = key(2)
    static let requester = key(3)
    /// A second provider, for a job that the first one failed.
    static let second = key(4)
    /// Speaks for both providers.
    static let providerNode = key(8)
    static let node = key(9)

    static func key(_ number: UInt8) -> SecretKey {
        SecretKey(seed: [UInt8](repeating: number, count: 32)).proven("32 bytes")
    }

    static func account(_ key: SecretKey) -> AccountID { .of(key: key.publicKey) }

    /// A state database and an archive in memory.
    final class Disk: @unchecked Sendable, StateView, ChainArchive {
        var state = MemoryState()
        var head: [UInt8]?
        var blocks: [BlockRecord] = []
        var rows: [FoldRecord.IndexRow] = []
        var buckets: [StateBucket] = []

        func fold(_ changes: [StateBucketChange]) {
            for change in changes {
                self.buckets.removeAll { $0.prefix == change.prefix }
                if let bucket = change.bucket { self.buckets.append(bucket) }
            }
            self.buckets.sort { $0.prefix < $1.prefix }
        }

        func row(at path: Digest) throws(StateFault) -> StateRow? { try self.state.row(at: path) }
        func rows(
            from: Digest, through: Digest, limit: Int
        ) throws(StateFault) -> [PlacedRow] {
            try self.state.rows(from: from, through: through, limit: limit)
        }
        func block(at height: UInt64) -> BlockRecord? {
            self.blocks.first { $0.height == height }
        }
        func index(_ key: [UInt8]) -> [UInt8]? { self.rows.last { $0.key == key }?.value }
    }

    static let reveals = RevealChain(secret: Blake2b.hash(.reveal, .none, [7]), count: 4_096)
    static let audits = RevealChain(secret: Blake2b.hash(.audit, .none, [7]), count: 256)

    let genesis: Genesis
    let disk: Disk
    var chain: Chain
    var keys: [SecretKey]
    var wallMs: UInt64
    var view: UInt64 = 0
    var now = Instant.zero
    var token: Token = 0
    /// Folds are written at once unless a test holds them back.
    var folds = true
    /// Wallet and pool answer at once unless a test holds them back.
    var holds = false
    private var held: [Chain.Effect] = []
    var answers: [Token: JSON] = [:]
    var refusals: [Token: Chain.Refusal] = [:]
    var accepted: [Token: TransactionID] = [:]
    var final: [Chain.FinalizedTransaction] = []
    var duties: [Chain.Duty] = []
    var stalled: String?
    var hasWork = false
    var lastProposal: [UInt8] = []
    var verdicts: [BlockID: Bool] = [:]
    var learned: [BlockID: BlockID?] = [:]
    var missing: [BlockID] = []
    var taken = 0
    var blockRead: [UInt8]?
    var rangeRead: [Chain.FinalBlock] = []

    convenience init(
        window: UInt64 = 200, standing: UInt64 = 0, drawProposers: UInt8 = 1,
        balance: UInt64 = 1_000, disk: Disk = Disk(), fee: FeePrice? = nil,
        validators: UInt8 = 1
    ) throws {
        let star = Amount.motesPerStar
        var genesis = Genesis.dev(
            key: Self.node.publicKey, anchor: Self.reveals.anchor,
            auditAnchor: Self.audits.anchor, auditCount: 256,
            payout: Self.account(Self.auditor),
            time: LedgerTime(ms: 1_000_000),
            accounts: [Self.provider, Self.auditor, Self.requester, Self.second].map {
                GenesisAccount(account: Self.account($0), balance: Amount(balance * star))
            })
        // They make no block here, and are drawn as auditors.
        for number in 1..<validators {
            let key = Self.key(200 + number)
            genesis.validators.append(
                GenesisValidator(
                    key: key.publicKey, stake: genesis.validators[0].stake,
                    anchor: Blake2b.hash(.reveal, .none, [number]),
                    auditAnchor: Blake2b.hash(.audit, .none, [number]), auditCount: 256,
                    payout: Self.account(key)))
        }
        genesis.validators.sort { $0.key < $1.key }
        genesis.parameters.windowMs = window
        genesis.parameters.offerStandingMs = standing
        genesis.parameters.drawProposers = drawProposers
        genesis.parameters.auditorMs = 2_500
        genesis.parameters.answerMs = 5_000
        if let fee { genesis.ledger.feePriceMin = fee }
        try self.init(genesis: genesis, disk: disk)
    }

    /// A chain at its genesis.
    init(genesis: Genesis, disk: Disk = Disk()) throws {
        self.genesis = genesis
        self.disk = disk
        self.keys = [Self.provider, Self.auditor, Self.requester, Self.second]
        self.wallMs = 1_000_000
        self.chain = try Self.start(genesis, disk)
        self.send(.wallets(self.keys.map(\.publicKey)))
    }

    static func start(_ genesis: Genesis, _ disk: Disk) throws -> Chain {
        var config = Chain.Config(proposer: NodeID.of(Self.node.publicKey))
        config.foldBlocks = 4
        return try Chain(
            genesis: genesis, config: config, view: disk, head: disk.head, buckets: disk.buckets,
            archive: disk)
    }

    /// A second chain with the same disk, as after a crash; blocks above the fold are replayed.
    func restart() throws {
        self.chain = try Self.start(self.genesis, self.disk)
        let folded = self.chain.head.height
        for record in self.disk.blocks where record.height > folded {
            self.send(
                .replay(
                    block: record.header + record.body, certificate: record.certificate))
        }
        self.send(.wallets(self.keys.map(\.publicKey)))
    }

    func send(_ input: Chain.Input) {
        var outbox = Outbox<Chain.Effect>()
        self.chain.handle(input, now: self.now, into: &outbox)
        for effect in outbox.drain() { self.perform(effect) }
    }

    /// The wallet or the pool answers what was held back; so many were.
    @discardableResult
    func release() -> Int {
        let effects = self.held
        self.held = []
        let holds = self.holds
        self.holds = false
        for effect in effects { self.perform(effect) }
        self.holds = holds
        return effects.count
    }

    private func perform(_ effect: Chain.Effect) {
        switch effect {
        case .sign where self.holds, .checkSignatures where self.holds: self.held.append(effect)
        case .sign(let account, let digest, let token):
            let key = self.keys.first { Self.account($0) == account }
            let signature = key.map {
                Chain.KeySignature(key: $0.publicKey, signature: $0.sign(digest))
            }
            self.send(.signed(token: token, signature: signature))
        case .checkSignatures(let batch, let checks):
            let verdicts = checks.map { $0.key.verify($0.signature, $0.digest) }
            self.send(.signaturesChecked(batch: batch, verdicts: verdicts))
        case .accepted(let token, let id, _): self.accepted[token] = id
        case .reveal(var order, let index):
            order.reveal = Self.reveals.reveal(index)
            self.send(.build(order))
        case .learned(let id, let parent): self.learned[id] = .some(parent)
        case .missing(let id): self.missing.append(id)
        case .blockRead(_, let bytes): self.blockRead = bytes
        case .rangeRead(_, let blocks): self.rangeRead = blocks
        case .rejected(let token, let refusal): self.refusals[token] = refusal
        case .prepared(let token, let json), .answer(let token, let json):
            self.answers[token] = json
        case .built(_, let id, let proposal):
            self.lastProposal = proposal
            self.send(.certify(id))
        case .nothingToBuild, .persist, .published: break
        case .verified(let id, _, let isRight): self.verdicts[id] = isRight
        case .blockTaken: self.taken += 1
        case .certified(let id, let isRight):
            self.verdicts[id] = isRight
            if isRight { self.send(.finalized(id, certificate: [1, 2, 3])) }
        case .append(let records):
            self.disk.blocks += records
            if let last = records.last { self.send(.stored(height: last.height)) }
        case .fold(let record):
            guard self.folds else { return }
            self.disk.state.fold(record.state)
            self.disk.rows += record.index
            self.disk.head = record.header
            self.disk.fold(record.buckets)
            self.send(.folded(height: record.height))
        case .finalizedTransactions(let list): self.final += list
        case .duties(let duties): self.duties = duties
        case .workPending(let pending): self.hasWork = pending
        case .stalled(let why): self.stalled = why
        }
    }

    /// One block `ms` later; false if there was nothing to build.
    @discardableResult
    func block(
        after ms: UInt64 = 50, heartbeat: Bool = false, nullified: UInt8 = 0
    ) -> Bool {
        self.wallMs += ms
        self.now = self.now.adding(ms: ms)
        self.view += 1
        let before = self.chain.head.height
        self.send(
            .build(
                .init(
                    view: self.view, epoch: 0, parent: self.chain.head.id, reveal: nil,
                    wallMs: self.wallMs, nullified: nullified, heartbeat: heartbeat)))
        return self.chain.head.height > before
    }

    /// Hears of a block as a leader's proposal for its own view.
    func hear(_ block: [UInt8], _ header: Header, view: UInt64? = nil, leader: NodeID? = nil) {
        self.send(.block(block))
        self.send(
            .verify(
                .init(
                    block: header.id, parent: header.parent, view: view ?? header.view,
                    leader: leader ?? NodeID.of(Self.node.publicKey))))
    }

    func fresh() -> Token {
        self.token += 1
        return self.token
    }

    /// Prepares, signs and submits; the refusal if there is one.
    @discardableResult
    func submit(_ key: SecretKey, _ operations: JSON...) -> Chain.Refusal? {
        let token = self.fresh()
        self.send(
            .prepare(
                .init(account: Self.account(key), operations: operations, mode: .submit),
                token: token))
        return self.refusals[token]
    }

    func intend(_ key: SecretKey, _ intent: Chain.Intent) -> Chain.Refusal? {
        let token = self.fresh()
        self.send(.intend(intent, account: Self.account(key), token: token))
        return self.refusals[token]
    }

    /// Intends, without waiting for the answer.
    func say(_ key: SecretKey, _ intent: Chain.Intent) -> Token {
        let token = self.fresh()
        self.send(.intend(intent, account: Self.account(key), token: token))
        return token
    }

    func query(_ query: Chain.Query) -> JSON {
        let token = self.fresh()
        self.send(.query(query, token: token))
        return self.answers[token] ?? .null
    }

    func job(_ id: JobID) -> JSON { self.query(.job(id))["job"] ?? .null }

    func available(_ account: AccountID) -> UInt64 {
        self.query(.account(account))["available"]?.u64Value ?? 0
    }

    /// The state root of the tip.
    func root() -> String { self.query(.status)["stateRoot"]?.stringValue ?? "" }

    /// Rows of the whole state through the export pages, and what the recount finds wrong.
    func faults() throws -> [String] {
        var state = MemoryState()
        var after: Digest?
        var writes: [StateWrite] = []
        while true {
            let page = self.query(.export(after: after, limit: 64))
            for row in page["rows"]?.arrayValue ?? [] {
                let path = Digest(hex: row["path"]?.stringValue ?? "").proven("a path")
                let key = Hex.decode(row["key"]?.stringValue ?? "").proven("hex")
                let value = Hex.decode(row["value"]?.stringValue ?? "").proven("hex")
                writes.append(
                    StateWrite(
                        path: path, row: StateRow(key: key, value: value, salt: self.genesis.salt)))
            }
            guard let next = page["next"]?.stringValue else { break }
            after = Digest(hex: next)
        }
        state.fold(writes)
        let tree = try StateTree.build(from: state, salt: self.genesis.salt)
        let stack = StateStack(base: state, tree: tree, salt: self.genesis.salt)
        var faults = try EconomyAudit.recount(stack)
        if tree.root.hex != self.root() { faults.append("the export has another root") }
        return faults
    }
}
