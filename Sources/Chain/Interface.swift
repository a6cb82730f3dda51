package import Primitives

// What goes into the chain and what comes out. Everything is data: the types here name only
// Primitives, so that Node routes them without knowing the ledger or the economy.

/// Correlates a request with its answer; chosen by the caller, echoed by the chain.
package typealias Token = UInt64

extension Chain {
    package enum Input: Sendable {
        /// The keys that the wallet can sign with now: each is the one key of its account. Duties
        /// are reported for these accounts.
        case wallets([PublicKey])
        /// A signed transaction's canonical bytes, from a client or a peer. Answered by
        /// `accepted` (in the mempool) or `rejected`.
        case submit(transaction: [UInt8], token: Token)
        /// A request to make a transaction here: nonce, fee and expiry are filled in.
        case prepare(Preparation, token: Token)
        /// A provider's or auditor's wish: becomes an operation, is signed and submitted.
        case intend(Intent, account: AccountID, token: Token)
        /// The wallet's answer to `sign`; nil when it holds no key of the account.
        case signed(token: Token, signature: KeySignature?)
        /// Verdicts for one `checkSignatures`, in its order.
        case signaturesChecked(batch: UInt64, verdicts: [Bool])
        /// Consensus asks for a proposal on `parent`. Answered by `reveal` while the order has
        /// none, then by `built` or `nothingToBuild`.
        case build(BuildOrder)
        /// A block's canonical bytes: from a peer, a sync or the journal. Answered by `blockTaken`
        /// and `learned`; bytes that are no block, or whose body is not the header's, are as if
        /// never sent.
        case block([UInt8])
        /// Consensus asks whether the proposed block may be voted for. Answered by `verified` when
        /// that can be said, by `missing` while the block is not here.
        case verify(Proposed)
        /// Consensus wants the block executed and durable. Answered by `persist`, `certified`; by
        /// `missing` while it, or an ancestor, is not here.
        case certify(BlockID)
        /// A peer wants the block. Answered by `blockRead`.
        case readBlock(BlockID, token: Token)
        /// A peer wants final blocks. Answered by `rangeRead`.
        case readRange(from: UInt64, count: UInt64, token: Token)
        /// The block is final; so are its ancestors.
        case finalized(BlockID, certificate: [UInt8])
        /// The chain segments hold every block up to this height durably.
        case stored(height: UInt64)
        /// The state database holds the fold of this height durably.
        case folded(height: UInt64)
        /// A final block above the last fold, at start, in height order.
        case replay(block: [UInt8], certificate: [UInt8])
        case query(Query, token: Token)
        /// Time passed; the clock of the wall in milliseconds since 1970. Every 50 ms or so.
        case tick(wallMs: UInt64)
    }

    package enum Effect: Hashable, Sendable {
        /// The wallet signs `digest` with the key of the account; answered by `signed`.
        case sign(account: AccountID, digest: Digest, token: Token)
        case checkSignatures(batch: UInt64, checks: [SignatureCheck])
        /// In the mempool; with its canonical bytes, for peers.
        case accepted(token: Token, id: TransactionID, transaction: [UInt8])
        case rejected(token: Token, Refusal)
        /// Mode `bytes`: {"transaction", "digest", "id"}; mode `simulate`: the receipt's JSON.
        case prepared(token: Token, JSON)
        /// The order wants the proposer's pre-image of this index; say `build` again with it.
        case reveal(BuildOrder, index: UInt64)
        case built(view: UInt64, BlockID, proposal: [UInt8])
        case nothingToBuild(view: UInt64)
        /// One `block` was looked at, whatever came of it.
        case blockTaken
        /// The block is here and fits its header, or is final already. Its parent may not be here.
        case learned(BlockID, missingParent: BlockID?)
        /// Wanted by consensus and not here.
        case missing(BlockID)
        /// Nil if the block is not here.
        case blockRead(token: Token, [UInt8]?)
        /// Consecutive final blocks from the height asked for: canonical header and body, and the
        /// certificate (empty where a later block's finalizes it). At most `rangeBytesMax` bytes.
        case rangeRead(token: Token, [FinalBlock])
        /// The view is the one asked about: a block may be proposed again in another.
        case verified(BlockID, view: UInt64, Bool)
        /// Write the block to the journal before acting on the `certified` that follows.
        case persist(BlockID, proposal: [UInt8])
        case certified(BlockID, Bool)
        /// Append to the chain segments in one transaction; answer with `stored` once durable. The
        /// last has a certificate.
        case append([BlockRecord])
        /// Write in one sorted transaction; answer with `folded`. Never before `stored` of the
        /// same height: the state is never ahead of the chain.
        case fold(FoldRecord)
        case answer(token: Token, JSON)
        /// Transactions that just became final, with their receipts as JSON.
        case finalizedTransactions([FinalizedTransaction])
        /// The complete list of what the configured local accounts have to do, whenever it changes.
        case duties([Duty])
        /// A kernel was published in a block that became final: its canonical package.
        case published(KernelID, package: [UInt8])
        /// Whether a proposer has reason to build: a transaction, a pending draw, a due deadline.
        case workPending(Bool)
        /// The state cannot be read, or our own books do not balance: nothing is signed any more.
        case stalled(String)
    }

    /// What a leader proposed, as consensus knows it.
    package struct Proposed: Hashable, Sendable {
        package let block: BlockID
        package let parent: BlockID
        package let view: UInt64
        /// The leader of the view.
        package let leader: NodeID

        package init(block: BlockID, parent: BlockID, view: UInt64, leader: NodeID) {
            self.block = block
            self.parent = parent
            self.view = view
            self.leader = leader
        }
    }

    /// A final block as peers get it.
    package struct FinalBlock: Hashable, Sendable {
        /// Canonical header and body.
        package let block: [UInt8]
        package let certificate: [UInt8]
    }

    /// A proposal wanted by consensus.
    package struct BuildOrder: Hashable, Sendable {
        package var view: UInt64
        package var epoch: UInt64
        package var parent: BlockID
        /// The proposer's next beacon pre-image; nil asks for it.
        package var reveal: Digest?
        /// The proposer's clock, milliseconds since 1970.
        package var wallMs: UInt64
        /// Consecutive nullified views: weight limits halve per view.
        package var nullified: UInt8
        /// Build even with nothing to do.
        package var heartbeat: Bool

        package init(
            view: UInt64, epoch: UInt64, parent: BlockID, reveal: Digest?, wallMs: UInt64,
            nullified: UInt8 = 0, heartbeat: Bool = false
        ) {
            self.view = view
            self.epoch = epoch
            self.parent = parent
            self.reveal = reveal
            self.wallMs = wallMs
            self.nullified = nullified
            self.heartbeat = heartbeat
        }
    }

    /// One signature for the verification pool.
    package struct SignatureCheck: Hashable, Sendable {
        package let key: PublicKey
        package let signature: Signature
        package let digest: Digest
    }

    /// What the wallet returns for one `sign`.
    package struct KeySignature: Hashable, Sendable {
        package let key: PublicKey
        package let signature: Signature

        package init(key: PublicKey, signature: Signature) {
            self.key = key
            self.signature = signature
        }
    }

    /// Why a request was refused: a stable code, its dotted name, and a sentence.
    package struct Refusal: Error, Hashable, Sendable {
        package let code: UInt16
        package let name: String
        package let text: String
    }

    /// One transaction that became final, and its receipt.
    package struct FinalizedTransaction: Hashable, Sendable {
        package let id: TransactionID
        package let height: UInt64
        package let index: UInt32
        package let succeeded: Bool
        package let receipt: JSON
    }

    /// How far a preparation goes.
    package enum Mode: Hashable, Sendable {
        case submit
        case simulate
        case bytes
    }

    /// Operations as JSON, to become a transaction of `account`.
    package struct Preparation: Hashable, Sendable {
        package var account: AccountID
        /// Each {"operation": "bank.transfer", ...fields}.
        package var operations: [JSON]
        /// Motes; nil estimates by simulation and adds a quarter.
        package var maxFee: Amount?
        /// Motes, to the proposer; nil is zero.
        package var tip: Amount?
        /// Milliseconds of ledger time; nil is 60,000.
        package var validForMs: UInt64?
        package var mode: Mode

        package init(
            account: AccountID, operations: [JSON], maxFee: Amount? = nil, tip: Amount? = nil,
            validForMs: UInt64? = nil, mode: Mode
        ) {
            self.account = account
            self.operations = operations
            self.maxFee = maxFee
            self.tip = tip
            self.validForMs = validForMs
            self.mode = mode
        }
    }

    /// What a node wants to say on the ledger, without knowing the operations.
    ///
    /// Bytes are canonical: of `LeafOpenings`, `LeafOpening` and `LeafWitness`, as named.
    package enum Intent: Hashable, Sendable {
        case commit(job: JobID, leafRoot: Digest, outputCommitment: Digest)
        /// The drawn auditor vouches; the provider's node signed, unless it opened on the ledger.
        case audit(
            job: JobID, reveal: Digest, salt: Digest, openings: [UInt8], signature: Signature)
        /// The drawn auditor got no right openings.
        case summon(job: JobID, reveal: Digest, commitment: Digest)
        /// The summoned provider opens; or shows what the auditor had bound itself to before, where
        /// that is not what it summons with: then the openings are blank.
        case open(job: JobID, openings: [UInt8], earlier: Earlier?)
        /// A leaf of this attempt is wrong.
        case prove(job: JobID, attempt: UInt8, opening: [UInt8], witness: [UInt8])
        /// The provider gives the piece of its output that was challenged.
        case answer(job: JobID, opening: [UInt8], chunks: [Digest], bytes: [UInt8])
        case offer(OfferTerms)
        case withdrawOffer(OfferID)
        /// The drawn auditor cannot do its work; the reason by its number.
        case decline(job: JobID, reason: UInt8)

        /// A direct request that the auditor's node signed.
        package struct Earlier: Hashable, Sendable {
            package let commitment: Digest
            package let signature: Signature

            package init(commitment: Digest, signature: Signature) {
                self.commitment = commitment
                self.signature = signature
            }
        }
    }

    /// A standing offer's terms.
    package struct OfferTerms: Hashable, Sendable {
        /// Motes for 10^9 gas.
        package var pricePerGigaGas: Amount
        /// Concurrent jobs, 1...64.
        package var capacity: UInt16
        /// Exactness classes served, by code.
        package var classes: [UInt8]
        package var maxJobGas: UInt64
        /// Motes held while the offer stands.
        package var bond: Amount
        /// At most 128 bytes of UTF-8.
        package var device: String
        /// Who signs openings for the provider.
        package var node: PublicKey
        /// Ledger time, milliseconds.
        package var standsUntil: LedgerTime

        package init(
            pricePerGigaGas: Amount, capacity: UInt16, classes: [UInt8], maxJobGas: UInt64,
            bond: Amount, device: String, node: PublicKey, standsUntil: LedgerTime
        ) {
            self.pricePerGigaGas = pricePerGigaGas
            self.capacity = capacity
            self.classes = classes
            self.maxJobGas = maxJobGas
            self.bond = bond
            self.device = device
            self.node = node
            self.standsUntil = standsUntil
        }
    }

    /// Read-only questions; answered with `answer` or `rejected`, from the finalized state.
    package enum Query: Hashable, Sendable {
        case status
        case account(AccountID)
        case balances(AccountID)
        case transaction(TransactionID)
        case block(height: UInt64)
        case blockByID(BlockID)
        case kernel(KernelID)
        /// Newest first; `before` is the `next` of the page before.
        case kernels(before: UInt64?, limit: Int)
        case offers(before: UInt64?, limit: Int)
        case job(JobID)
        case jobs(before: UInt64?, limit: Int)
        /// The job's receipt with its proof: state path to the header's state root.
        case jobReceipt(JobID)
        /// Why a job is where it is: draws, attempts, slashes, what it waits for.
        case jobWhy(JobID)
        /// What keeps an account's offers from jobs; its newest jobs first.
        case providerWhy(AccountID, limit: Int)
        case earnings(AccountID, limit: Int)
        case stake(AccountID)
        case proposals(before: UInt64?, limit: Int)
        case proposal(ProposalID)
        case supply
        case parameters
        case operations
        /// Rows of the folded state in path order, from after this path; for the checker.
        case export(after: Digest?, limit: Int)
    }
}
