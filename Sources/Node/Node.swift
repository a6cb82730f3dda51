package import Chain
package import Consensus
package import Primitives
package import Provider

/// One node as one state machine: routes between the cores, never executes a block.
///
/// The chain works on its own thread: what it is told leaves as ``Effect/chain(_:)``, what it says
/// comes back as ``Input/chain(_:)``. Drivers perform effects in order and decide nothing.
///
/// - Invariant: a block's bytes are handed to the journal before the vote record that names it.
/// - Source: docs/ARCHITECTURE.md, "The path of a job".
package struct Node: Sendable {
    /// What makes this node itself.
    package struct Config: Sendable {
        /// Binds hashes and signatures to the chain.
        package var salt: ChainSalt
        package var genesisBlock: BlockID
        package var epochs: Epochs
        /// This node's seat among the validators, if it has one.
        package var seat: UInt32?
        /// Accounts whose provider and auditor duties this node does.
        package var accounts: [AccountID]
        /// The standing offer this node wants, and whose it is.
        package var offer: (account: AccountID, terms: OfferTerms)?
        package var provider: Provider.Config
        /// Between two heartbeat blocks of an idle chain.
        package var heartbeatMs: UInt64
        /// Between two ticks of the chain.
        package var tickMs: UInt64

        /// The settings of one node.
        package init(
            salt: ChainSalt, genesisBlock: BlockID, epochs: Epochs, seat: UInt32?,
            accounts: [AccountID], offer: (account: AccountID, terms: OfferTerms)?,
            provider: Provider.Config, heartbeatMs: UInt64 = 10_000, tickMs: UInt64 = 100
        ) {
            self.salt = salt
            self.genesisBlock = genesisBlock
            self.epochs = epochs
            self.seat = seat
            self.accounts = accounts
            self.offer = offer
            self.provider = provider
            self.heartbeatMs = heartbeatMs
            self.tickMs = tickMs
        }
    }

    /// What happened to the node.
    package enum Input: Sendable {
        /// Once, after the chain replayed what is stored.
        case start(Restored)
        /// The chain says something.
        case chain(Chain.Effect)
        /// Consensus: the record is on disk.
        case persisted(VoteRecord)
        /// Consensus: the node key signed.
        case signed(Statement, Signature)
        /// The beacon pre-image and the clock for a block to build.
        case revealed(Simplex.Build, reveal: Digest, wallMs: UInt64)
        /// The wallet signed, or holds no key of the account.
        case walletSigned(token: UInt64, Chain.KeySignature?)
        case signaturesChecked(batch: UInt64, verdicts: [Bool])
        case stored(height: UInt64)
        case folded(height: UInt64)
        /// An executor, a referee or a record file answers the provider.
        case provider(Provider.Input)
        /// A client asks; the answer carries the token.
        case request(Request, token: UInt64)
        case expired(Timer)
        /// Milliseconds since 1970, asked for by `readClock`.
        case clock(wallMs: UInt64)
        /// The keys that the wallet can sign with now.
        case wallets([PublicKey])
    }

    /// A block of the journal that no segment has yet.
    package struct Unsettled: Sendable {
        package let id: BlockID
        package let view: UInt64
        package let parent: BlockID
        /// Canonical header and body.
        package let bytes: [UInt8]

        /// A block of this node.
        package init(id: BlockID, view: UInt64, parent: BlockID, bytes: [UInt8]) {
            self.id = id
            self.view = view
            self.parent = parent
            self.bytes = bytes
        }
    }

    /// What a node knows when it starts.
    package struct Restored: Sendable {
        /// The journal's last vote record.
        package var record: VoteRecord?
        /// The last stored final block.
        package var tip: Voter.Tip
        /// Blocks by this node up to that one, its reveals used.
        package var ownBlocks: UInt64
        /// Blocks in the journal above the stored ones, parents first.
        package var blocks: [Unsettled]
        /// The clock of the wall, milliseconds since 1970.
        package var wallMs: UInt64
        /// What the provider kept.
        package var jobs: [JobRecord]

        /// A node's memory.
        package init(
            record: VoteRecord?, tip: Voter.Tip, ownBlocks: UInt64,
            blocks: [Unsettled], wallMs: UInt64, jobs: [JobRecord]
        ) {
            self.record = record
            self.tip = tip
            self.ownBlocks = ownBlocks
            self.blocks = blocks
            self.wallMs = wallMs
            self.jobs = jobs
        }
    }

    /// What clients ask.
    package enum Request: Sendable {
        case query(Chain.Query)
        case prepare(Chain.Preparation)
        case submit(transaction: [UInt8])
        case opening(JobID, leaf: UInt64)
        case output(JobID)
        /// Phases of the local provider's work.
        case progress
        /// Offer (terms of the configuration) or stop offering.
        case offer(Bool)
    }

    /// What is to be done.
    package enum Effect: Sendable {
        case chain(Chain.Input)
        /// Append the block to the journal; durable with the next `persist`.
        case journal(BlockID, bytes: [UInt8])
        /// Append to the journal and sync, then say `persisted`.
        case persist(VoteRecord)
        case sign(Statement, digest: Digest)
        /// The pre-image number `index` of this node's hash chain, then `revealed`.
        case reveal(Simplex.Build, index: UInt64)
        case walletSign(account: AccountID, digest: Digest, token: UInt64)
        case checkSignatures(batch: UInt64, [Chain.SignatureCheck])
        case append(BlockRecord)
        case fold(FoldRecord)
        /// The executor, the referee pool, record files.
        case provider(Provider.Effect)
        case reply(token: UInt64, Reply)
        case finalized([Chain.FinalizedTransaction])
        case schedule(Timer, at: Instant)
        /// Answered at once by `clock`.
        case readClock
        case report(Report)
    }

    /// The answer to a request.
    package enum Reply: Hashable, Sendable {
        case accepted(TransactionID)
        case json(JSON)
        case refused(Refusal)
    }

    /// Why a request was refused: a stable dotted name and a sentence.
    package struct Refusal: Hashable, Sendable {
        package let name: String
        package let text: String

        /// A refusal.
        package init(name: String, text: String) {
            self.name = name
            self.text = text
        }
    }

    /// A timer; a stale one does nothing.
    package enum Timer: Hashable, Sendable {
        case consensus(Simplex.Timer)
        case provider(Provider.Timer)
        case heartbeat
        case tick
        case market
    }

    /// Something for the log.
    package enum Report: Hashable, Sendable {
        case provider(ProviderReport)
        case finalized(BlockID, view: UInt64)
        case evidence(Evidence)
        /// A quorum finalized what is wrong here.
        case diverged(view: UInt64, BlockID)
        /// A message for an account that no node at hand has.
        case unreachable(AccountID)
        /// A block of another validator that nobody brought.
        case missingBlock(BlockID)
        /// Bytes of our own chain that do not decode: a bug, said rather than hidden.
        case undecodable(String)
        /// The chain cannot go on: its state cannot be read, or its books do not balance.
        case stalled(String)
    }

    let config: Config
    var consensus: Simplex
    var provider: Provider
    var offerWanted: Bool
    /// Bytes of blocks built or restored here and not final yet.
    var blocks: [UnsettledBlock] = []
    /// The build that the chain was asked for last.
    var building: Simplex.Build?
    var tipOwnBlocks: UInt64 = 0
    var tipBlock: BlockID
    /// Intents that the chain has not answered; their tokens have the top bit.
    var intents = Lookup<UInt64, PendingIntent>()
    var nextToken: UInt64 = Node.ownTokens
    var seesWork = false

    static let ownTokens: UInt64 = 1 << 63
    static let marketToken: UInt64 = .max
    static let marketMs: UInt64 = 5_000

    struct PendingIntent: Sendable {
        let job: JobID
        let kind: Intent.Kind
    }

    struct UnsettledBlock: Sendable {
        let id: BlockID
        let view: UInt64
        let parent: BlockID
        /// Own blocks up to and with this one.
        let ownBlocks: UInt64
    }

    /// A node that has not started; `seed` feeds the provider's random choices.
    package init(config: Config, seed: Digest) {
        self.config = config
        self.consensus = Simplex(
            epochs: config.epochs, me: config.seat, genesis: config.genesisBlock)
        self.provider = Provider(config: config.provider, seed: seed)
        self.offerWanted = config.offer != nil
        self.tipBlock = config.genesisBlock
    }

    /// Takes one input and says what to do, in order.
    package mutating func handle(
        _ input: Input, now: Instant, into outbox: inout Outbox<Effect>
    ) {
        switch input {
        case .start(let restored): self.onStart(restored, now, &outbox)
        case .chain(let effect): self.onChain(effect, now, &outbox)
        case .persisted(let record): self.tell(.persisted(record), now, &outbox)
        case .signed(let statement, let signature):
            self.tell(.signed(statement, signature), now, &outbox)
        case .revealed(let build, let reveal, let wallMs):
            let order = Chain.BuildOrder(
                view: build.view, epoch: build.epoch, parent: build.parent, reveal: reveal,
                wallMs: wallMs, nullified: UInt8(clamping: build.nullified),
                heartbeat: build.isForced)
            outbox.append(.chain(.build(order)))
        case .walletSigned(let token, let signature):
            outbox.append(.chain(.signed(token: token, signature: signature)))
        case .signaturesChecked(let batch, let verdicts):
            outbox.append(.chain(.signaturesChecked(batch: batch, verdicts: verdicts)))
        case .stored(let height): outbox.append(.chain(.stored(height: height)))
        case .folded(let height): outbox.append(.chain(.folded(height: height)))
        case .provider(let input): self.tell(input, now, &outbox)
        case .request(let request, let token): self.onRequest(request, token, now, &outbox)
        case .expired(let timer): self.onExpired(timer, now, &outbox)
        case .clock(let wallMs): outbox.append(.chain(.tick(wallMs: wallMs)))
        case .wallets(let keys): outbox.append(.chain(.wallets(keys)))
        }
    }

    private mutating func onStart(
        _ restored: Restored, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        self.tipBlock = restored.tip.block
        self.tipOwnBlocks = restored.ownBlocks
        for block in restored.blocks {
            self.remember(block.id, view: block.view, parent: block.parent)
            outbox.append(
                .chain(
                    .verify(view: block.view, proposal: block.bytes, wallMs: restored.wallMs)))
        }
        self.tell(.restored(restored.jobs), now, &outbox)
        self.tell(.start(restored.record, restored.tip), now, &outbox)
        outbox.append(.schedule(.tick, at: now.adding(ms: self.config.tickMs)))
        outbox.append(.schedule(.heartbeat, at: now.adding(ms: self.config.heartbeatMs)))
        outbox.append(.schedule(.market, at: now))
    }

    private mutating func onExpired(
        _ timer: Timer, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        switch timer {
        case .consensus(let timer): self.tell(.expired(timer), now, &outbox)
        case .provider(let timer): self.tell(.expired(timer), now, &outbox)
        case .tick:
            outbox.append(.readClock)
            outbox.append(.schedule(.tick, at: now.adding(ms: self.config.tickMs)))
        case .heartbeat:
            self.tell(.heartbeat, now, &outbox)
            outbox.append(.schedule(.heartbeat, at: now.adding(ms: self.config.heartbeatMs)))
        case .market:
            if self.config.offer != nil {
                outbox.append(
                    .chain(.query(.offers(before: nil, limit: 1000), token: Self.marketToken)))
                outbox.append(.schedule(.market, at: now.adding(ms: Self.marketMs)))
            }
        }
    }

    private mutating func onRequest(
        _ request: Request, _ token: UInt64, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        precondition(token < Self.ownTokens, "the top bit is the node's own")
        switch request {
        case .query(let query): outbox.append(.chain(.query(query, token: token)))
        case .prepare(let preparation):
            outbox.append(.chain(.prepare(preparation, token: token)))
        case .submit(let bytes): outbox.append(.chain(.submit(transaction: bytes, token: token)))
        case .opening(let job, let leaf):
            self.tell(.openingWanted(job, leaf: leaf, token: token), now, &outbox)
        case .output(let job): self.tell(.outputWanted(job, token: token), now, &outbox)
        case .progress:
            let phases = self.provider.progress.map { entry in
                JSON.object(("job", entry.job.json), ("phase", .string(entry.phase)))
            }
            let reply = JSON.object(
                ("offering", .bool(self.offerWanted)), ("work", .array(phases)))
            outbox.append(.reply(token: token, .json(reply)))
        case .offer(let wanted):
            self.offerWanted = wanted && self.config.offer != nil
            outbox.append(.schedule(.market, at: now))
            outbox.append(.reply(token: token, .json(.bool(self.offerWanted))))
        }
    }
}
