package import Chain
package import Consensus
package import Gossip
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
        package var gossip: Gossip.Config
        /// Between two heartbeat blocks of an idle chain.
        package var heartbeatMs: UInt64
        /// Between two ticks of the chain.
        package var tickMs: UInt64

        /// The settings of one node.
        package init(
            salt: ChainSalt, genesisBlock: BlockID, epochs: Epochs, seat: UInt32?,
            accounts: [AccountID], offer: (account: AccountID, terms: OfferTerms)?,
            provider: Provider.Config, gossip: Gossip.Config, heartbeatMs: UInt64 = 10_000,
            tickMs: UInt64 = 100
        ) {
            self.salt = salt
            self.genesisBlock = genesisBlock
            self.epochs = epochs
            self.seat = seat
            self.accounts = accounts
            self.offer = offer
            self.provider = provider
            self.gossip = gossip
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
        case revealed(Chain.BuildOrder, reveal: Digest, wallMs: UInt64)
        /// The wallet signed, or holds no key of the account.
        case walletSigned(token: UInt64, Chain.KeySignature?)
        case signaturesChecked(batch: UInt64, verdicts: [Bool])
        /// The verification pool looked at votes, certificates or proposals.
        case votesChecked(batch: UInt64, verdicts: [Bool])
        /// The transport or the blob store says something to the network.
        case gossip(Gossip.Input)
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

    /// What a node knows when it starts.
    package struct Restored: Sendable {
        /// The journal's last vote record.
        package var record: VoteRecord?
        /// The last stored final block, and its height.
        package var tip: Voter.Tip
        package var height: UInt64
        /// Canonical bytes of blocks in the journal above the stored ones, parents first.
        package var blocks: [[UInt8]]
        /// The clock of the wall, milliseconds since 1970.
        package var wallMs: UInt64
        /// What the provider kept.
        package var jobs: [JobRecord]

        /// A node's memory.
        package init(
            record: VoteRecord?, tip: Voter.Tip, height: UInt64, blocks: [[UInt8]],
            wallMs: UInt64, jobs: [JobRecord]
        ) {
            self.record = record
            self.tip = tip
            self.height = height
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
        /// An opening of a committed job, from here or from its provider.
        case opening(JobCommitment, leaf: UInt64)
        /// The output of a committed job; brought here if it is elsewhere.
        case output(JobCommitment)
        /// Phases of the local provider's work.
        case progress
        /// Offer (terms of the configuration) or stop offering.
        case offer(Bool)
        /// Who is connected.
        case peers
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
        case reveal(Chain.BuildOrder, index: UInt64)
        case walletSign(account: AccountID, digest: Digest, token: UInt64)
        case checkSignatures(batch: UInt64, [Chain.SignatureCheck])
        /// Before any transaction: votes are few and everybody waits for them.
        case checkVotes(batch: UInt64, [VoteCheck])
        case append([BlockRecord])
        case fold(FoldRecord)
        /// The transport (dial, close, send, datagram) or the blob store (the rest).
        case gossip(Gossip.Effect)
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
        case gossip(Gossip.Timer)
        /// Of the block that was final when it was set.
        case heartbeat(BlockID)
        /// Blocks that were asked for are asked for again.
        case fetch
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
        /// Something about the network.
        case gossip(GossipReport)
        /// Bytes of our own chain that do not decode: a bug, said rather than hidden.
        case undecodable(String)
        /// The chain cannot go on: its state cannot be read, or its books do not balance.
        case stalled(String)
    }

    let config: Config
    var consensus: Simplex
    var provider: Provider
    var gossip: Gossip
    var offerWanted: Bool
    /// Blocks that consensus wants and nobody has brought yet.
    var fetches = BlockFetches()
    /// Consensus messages whose signatures are being checked.
    var checking = Lookup<UInt64, PendingMessage>()
    var nextCheck: UInt64 = 0
    /// Peers that wait for blocks.
    var serving = Lookup<UInt64, Serving>()
    var nextServe: UInt64 = 0
    /// Peers without a seat that asked for certificates, by their number beyond the seats.
    var strangers: [PublicKey] = []
    var claims: [AccountClaim] = []
    /// Blocks in the journal since the last final one: none goes there twice.
    var journalled: [BlockID] = []
    var tipBlock: BlockID
    /// Intents that the chain has not answered; their tokens have the top bit.
    var intents = Lookup<UInt64, PendingIntent>()
    var nextToken: UInt64 = Node.ownTokens
    /// Jobs whose phase the provider asked for.
    var lookUps = Lookup<UInt64, JobID>()
    /// Blobs that the provider wants, while the store is asked whether it has them.
    var blobsWanted = Lookup<UInt64, WantedBlob>()
    var seesWork = false
    var relays = 0
    /// Blocks of peers that the chain has not looked at.
    var blocksInChain = 0
    /// Messages of one peer whose signatures are being checked; its questions since the last tick;
    /// its questions for blocks that are being answered.
    var checksOf = Lookup<PublicKey, Int>()
    var wantsOf = Lookup<PublicKey, Int>()
    var servingsOf = Lookup<PublicKey, Int>()
    private var ticks: UInt64 = 0
    /// The newest height that is stored.
    var head: UInt64 = 0

    static let ownTokens: UInt64 = 1 << 63
    /// Of the chain's answers to nobody in particular.
    static let marketToken: UInt64 = .max
    static let relayToken: UInt64 = .max - 1
    /// Claims are signed under these, in the order of the accounts.
    static let claimTokens: UInt64 = .max - 4_096
    static let marketMs: UInt64 = 5_000
    static let checkingMax = 4_096
    static let servingMax = 256
    static let servingPerPeer = 8
    static let checksPerPeer = 128
    static let wantsPerTick = 8
    /// Blocks of peers that wait for the chain: as pushed, and with a range.
    static let pushedMax = 32
    static let blocksInChainMax = 160
    /// So often what consensus waits for is asked for again.
    private static let againTicks: UInt64 = 20
    /// Transactions of peers that the chain has not answered for; further ones are dropped.
    static let relaysMax = 2_048
    static let strangersMax = 256

    struct WantedBlob: Sendable {
        let id: BlobID
        let bytesMax: UInt64
    }

    struct PendingIntent: Sendable {
        let job: JobID
        let kind: Intent.Kind
    }

    struct PendingMessage: Sendable {
        let message: Consensus.Message
        let seat: UInt32
        let peer: PublicKey
    }

    struct Serving: Sendable {
        let peer: PublicKey
        let what: What

        enum What: Sendable {
            case block(BlockID)
            case range(from: UInt64)
        }
    }

    /// A node that has not started; `seed` feeds its random choices.
    package init(config: Config, seed: Digest) {
        self.config = config
        self.consensus = Simplex(
            epochs: config.epochs, me: config.seat, genesis: config.genesisBlock)
        self.provider = Provider(config: config.provider, seed: seed)
        self.gossip = Gossip(
            config: config.gossip, seed: Blake2b.hash(.generator, .none, seed.bytes))
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
        case .revealed(var order, let reveal, let wallMs):
            order.reveal = reveal
            order.wallMs = wallMs
            outbox.append(.chain(.build(order)))
        case .walletSigned(let token, let signature):
            if token >= Self.claimTokens {
                self.onClaimSigned(token, signature, now, &outbox)
            } else {
                outbox.append(.chain(.signed(token: token, signature: signature)))
            }
        case .signaturesChecked(let batch, let verdicts):
            outbox.append(.chain(.signaturesChecked(batch: batch, verdicts: verdicts)))
        case .votesChecked(let batch, let verdicts):
            self.onVotesChecked(batch, verdicts, now, &outbox)
        case .gossip(.blobDescribed(_, let description, let token)) where token >= Self.ownTokens:
            self.onLookedFor(token, isHere: description != nil, now, &outbox)
        case .gossip(let input): self.tell(input, now, &outbox)
        case .stored(let height):
            outbox.append(.chain(.stored(height: height)))
            self.head = max(self.head, height)
            self.tell(.head(height: height), now, &outbox)
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
        outbox.append(.chain(.tick(wallMs: restored.wallMs)))
        for block in restored.blocks {
            self.blocksInChain += 1
            outbox.append(.chain(.block(block)))
        }
        self.tell(.restored(restored.jobs), now, &outbox)
        self.tell(.start(restored.record, restored.tip), now, &outbox)
        self.head = restored.height
        self.tell(.head(height: restored.height), now, &outbox)
        self.tell(Gossip.Input.start, now, &outbox)
        self.signClaims(&outbox)
        outbox.append(.schedule(.tick, at: now.adding(ms: self.config.tickMs)))
        self.awaitHeartbeat(now, &outbox)
        outbox.append(.schedule(.market, at: now))
    }

    /// A heartbeat is due so long after the last final block, at every node at about one time.
    mutating func awaitHeartbeat(_ now: Instant, _ outbox: inout Outbox<Effect>) {
        outbox.append(
            .schedule(.heartbeat(self.tipBlock), at: now.adding(ms: self.config.heartbeatMs)))
    }

    private mutating func onExpired(
        _ timer: Timer, _ now: Instant, _ outbox: inout Outbox<Effect>
    ) {
        switch timer {
        case .consensus(let timer): self.tell(.expired(timer), now, &outbox)
        case .provider(let timer): self.tell(.expired(timer), now, &outbox)
        case .gossip(let timer): self.tell(.expired(timer), now, &outbox)
        case .tick:
            self.wantsOf.removeAll()
            self.ticks &+= 1
            if self.ticks.isMultiple(of: Self.againTicks) { self.certifyAgain(&outbox) }
            outbox.append(.readClock)
            outbox.append(.schedule(.tick, at: now.adding(ms: self.config.tickMs)))
        case .heartbeat(let block):
            guard block == self.tipBlock else { return }
            self.tell(Simplex.Input.heartbeat, now, &outbox)
            self.awaitHeartbeat(now, &outbox)
        case .fetch: self.onFetchAgain(now, &outbox)
        case .market:
            guard self.config.offer != nil else { return }
            self.askMarket(&outbox)
            outbox.append(.schedule(.market, at: now.adding(ms: Self.marketMs)))
        }
    }

    /// Which offers stand? The answer posts or withdraws what differs from what is wanted.
    private func askMarket(_ outbox: inout Outbox<Effect>) {
        outbox.append(.chain(.query(.offers(before: nil, limit: 1000), token: Self.marketToken)))
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
            if self.config.offer != nil { self.askMarket(&outbox) }
            outbox.append(.reply(token: token, .json(.bool(self.offerWanted))))
        case .peers: outbox.append(.reply(token: token, .json(self.peersJSON(now))))
        }
    }
}
