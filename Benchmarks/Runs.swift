import Chain
import Ledger
import Primitives
import Store

/// What a run did and what it took.
struct Measured {
    var transfers = 0
    var blocks: [BlockRecord] = []
    var cpuSeconds = 0.0
    var wallSeconds = 0.0
}

/// A chain with its surroundings, all in this thread: pool, journal, segments, state.
private struct Surroundings {
    let world: World
    let store: Store
    var chain: Chain
    var measured = Measured()
    /// Transactions that were refused: there must be none.
    var refused: [String] = []
    var waiting = 0
    private var now = Instant.zero
    private(set) var wallMs = World.start
    private var unsynced: [Journal.Record] = []

    init(_ world: World, _ base: BaseState, proposer: NodeID?) throws {
        self.world = world
        (self.store, self.chain) = try base.open(proposer: proposer)
    }

    /// Time passes as between two blocks.
    mutating func pass(ms: UInt64) throws {
        self.wallMs += ms
        self.now = self.now.adding(ms: ms)
        try self.send(.tick(wallMs: self.wallMs))
    }

    mutating func send(_ input: Chain.Input) throws {
        var inputs = [input]
        while !inputs.isEmpty {
            var outbox = Outbox<Chain.Effect>()
            for input in inputs { self.chain.handle(input, now: self.now, into: &outbox) }
            inputs = []
            for effect in outbox.drain() { try self.perform(effect, &inputs) }
        }
    }

    private mutating func perform(
        _ effect: Chain.Effect, _ answers: inout [Chain.Input]
    ) throws {
        switch effect {
        case .checkSignatures(let batch, let checks):
            let verdicts = checks.map { $0.key.verify($0.signature, $0.digest) }
            answers.append(.signaturesChecked(batch: batch, verdicts: verdicts))
        case .accepted: self.waiting += 1
        case .rejected(_, let refusal): self.refused.append("\(refusal.name): \(refusal.text)")
        case .reveal(var order, let index):
            guard let reveal = self.world.reveals.reveal(index) else {
                throw Failure("the reveal chain is used up")
            }
            order.reveal = reveal
            answers.append(.build(order))
        case .built(let view, let id, _):
            try self.promise(view)  // The proposal,
            try self.promise(view)  // and the vote to notarize it.
            answers.append(.certify(id))
        case .persist(let id, let bytes):
            self.unsynced.append(.init(.block, key: id.digest, bytes))
        case .certified(let id, let isRight):
            guard isRight else { throw Failure("block \(id.hex) is refused") }
            let view = UInt64(self.measured.blocks.count + 1)
            try self.promise(view)  // The vote to finalize it.
            answers.append(.finalized(id, certificate: self.certificate(id, view)))
        case .append(let records):
            try self.store.chain.append(records.map { StoredBlock($0) })
            self.store.journal.forget(.block, keys: records.map(\.id.digest))
            self.measured.blocks += records
            answers.append(.stored(height: records.last?.height ?? 0))
        case .finalizedTransactions(let list):
            let failed = list.filter { !$0.succeeded }
            guard failed.isEmpty else { throw Failure("rejected: \(failed[0].receipt.text)") }
            self.measured.transfers += list.count
            self.waiting -= list.count
        case .fold(let record):
            try self.store.fold(Fold(record))
            answers.append(.folded(height: record.height))
        case .stalled(let why): throw Failure("the chain stalled: \(why)")
        case .missing(let id): throw Failure("block \(id.hex) is missing")
        case .sign, .prepared, .published, .nothingToBuild, .blockTaken, .learned, .blockRead,
            .rangeRead, .verified, .answer, .duties, .workPending:
            break
        }
    }

    /// One signed statement with its durable record, as a validator makes three a block.
    private mutating func promise(_ view: UInt64) throws {
        let digest = World.digest("statement", Int(view))
        self.unsynced.append(.init(.votes, digest.bytes))
        try self.store.journal.append(self.unsynced)
        self.unsynced = []
        _ = self.world.node.sign(digest)
    }

    /// kind | epoch | view | block, one signer.
    private func certificate(_ id: BlockID, _ view: UInt64) -> [UInt8] {
        var vote = Encoder()
        vote.u8(3)
        vote.u64(0)
        vote.u64(view)
        id.encode(into: &vote)
        let signature = self.world.node.sign(
            Blake2b.hash(.vote, self.world.salt, vote.bytes))
        vote.byteString([1])
        vote.length(1)
        vote.raw(signature.bytes)
        return vote.bytes
    }

    mutating func finish(_ stopwatch: Stopwatch) throws -> Measured {
        guard self.refused.isEmpty else {
            throw Failure("\(self.refused.count) refused, such as \(self.refused[0])")
        }
        self.measured.cpuSeconds = stopwatch.cpuSeconds
        self.measured.wallSeconds = stopwatch.wallSeconds
        return self.measured
    }
}

/// The live path of a validator that stands alone: submit, check, build, certify, finalize, fold.
struct LiveRun {
    private static let blockMs: UInt64 = 50
    private var surroundings: Surroundings
    private let pool: Int

    init(_ world: World, _ base: BaseState, pool: Int) throws {
        self.surroundings = try Surroundings(
            world, base, proposer: NodeID.of(world.node.publicKey))
        self.pool = pool
    }

    consuming func run(_ batch: Transfers) throws -> Measured {
        var here = self.surroundings
        let pool = self.pool
        var stopwatch = Stopwatch()
        try stopwatch.measure {
            var next = 0
            var token: UInt64 = 0
            var view: UInt64 = 0
            while here.measured.transfers < batch.bytes.count {
                try here.pass(ms: Self.blockMs)
                while next < batch.bytes.count, here.waiting < pool {
                    token += 1
                    try here.send(.submit(transaction: batch.bytes[next], token: token))
                    next += 1
                }
                view += 1
                let before = here.measured.blocks.count
                try here.send(
                    .build(
                        .init(
                            view: view, epoch: 0, parent: here.chain.head.id, reveal: nil,
                            wallMs: here.wallMs)))
                guard here.measured.blocks.count > before else {
                    throw Failure(
                        "nothing to build after \(here.measured.transfers) transfers; "
                            + (here.refused.first ?? "nothing was refused"))
                }
            }
        }
        return try here.finish(stopwatch)
    }
}

/// A validator that did not see the transactions before: every signature is checked in its block.
struct FollowRun {
    private var surroundings: Surroundings

    init(_ world: World, _ base: BaseState) throws {
        self.surroundings = try Surroundings(world, base, proposer: nil)
    }

    consuming func run(_ blocks: [BlockRecord]) throws -> Measured {
        var here = self.surroundings
        var stopwatch = Stopwatch()
        try stopwatch.measure {
            for block in blocks {
                try here.pass(ms: 50)
                try here.send(.block(block.header + block.body))
                try here.send(.certify(block.id))
            }
        }
        guard here.measured.blocks.count == blocks.count else {
            throw Failure("\(here.measured.blocks.count) of \(blocks.count) blocks were final")
        }
        return try here.finish(stopwatch)
    }
}

/// A restart: final blocks come from the segments; their signatures were checked when they came.
struct ReplayRun {
    private var surroundings: Surroundings

    init(_ world: World, _ base: BaseState) throws {
        self.surroundings = try Surroundings(world, base, proposer: nil)
    }

    consuming func run(_ blocks: [BlockRecord]) throws -> Measured {
        var here = self.surroundings
        try here.store.chain.append(blocks.map { StoredBlock($0) })
        var stopwatch = Stopwatch()
        var transfers = 0
        try stopwatch.measure {
            for height in 1...UInt64(blocks.count) {
                guard let block = try here.store.chain.block(at: height) else {
                    throw Failure("block \(height) is not in the segments")
                }
                try here.send(
                    .replay(block: block.header + block.body, certificate: block.certificate))
            }
        }
        for block in blocks { transfers += try Body(canonical: block.body).transactions.count }
        guard here.chain.head.id == blocks.last?.id else { throw Failure("another head") }
        here.measured.transfers = transfers
        here.measured.blocks = blocks
        return try here.finish(stopwatch)
    }
}

extension StoredBlock {
    /// The chain's record in the store's words.
    fileprivate init(_ record: BlockRecord) {
        self.init(
            height: record.height, id: record.id, header: record.header, body: record.body,
            receipts: record.receipts, certificate: record.certificate)
    }
}

extension Fold {
    /// The chain's record in the store's words.
    fileprivate init(_ record: FoldRecord) {
        self.init(
            height: record.height, root: record.root, header: record.header, state: record.state,
            buckets: record.buckets,
            index: record.index.map { Fold.IndexRow(key: $0.key, value: $0.value) })
    }
}
