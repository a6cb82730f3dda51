import Chain
import Consensus
import Control
import Economy
import Foundation
import Gossip
import Logging
import Node
import Primitives
import Provider
import Store
import Synchronization
import Transport

/// Performs the node's effects: one exhaustive ``perform(_:answers:)``.
///
/// The journal, the node key and the wallet answer at once; storage, signature checks, work and the
/// network answer through the node's mailbox.
final class Drivers: Sendable {
    private let store: DataStore
    private let keys: KeyStore
    private let reveals: RevealChain?
    /// Nil for a node without a network.
    private let transport: Transport?
    private let blobs: BlobDriver
    private let inputs: Mailbox<Node.Input>
    private let requests: Requests
    private let work: WorkDriver
    private let events: Events
    private let logger: Logger
    private let storage: Storage
    /// Votes and certificates have threads of their own: everybody waits for them.
    private let votes: Pool
    private let checks: Pool
    private let chain: Mutex<ChainThread?> = Mutex(nil)
    /// Called once when the node cannot go on.
    private let onFailure: @Sendable (String) -> Void
    /// Blocks waiting for the next vote record: both become durable with one sync.
    private let unsynced = Mutex<[Journal.Record]>([])
    private static let unsyncedMax = 64
    /// Why a node ends whose answers find no place.
    static let isBehind = "the node is too far behind its inputs"

    init(
        store: DataStore, keys: KeyStore, reveals: RevealChain?, transport: Transport?,
        inputs: Mailbox<Node.Input>, requests: Requests, work: WorkDriver, events: Events,
        logger: Logger,
        onFailure: @escaping @Sendable (String) -> Void
    ) {
        self.store = store
        self.keys = keys
        self.reveals = reveals
        self.transport = transport
        self.blobs = BlobDriver(blobs: store.blobs, logger: logger) { input in
            if !inputs.post(.gossip(input)) { onFailure(Self.isBehind) }
        }
        self.inputs = inputs
        self.requests = requests
        self.work = work
        self.events = events
        self.logger = logger
        self.onFailure = onFailure
        self.storage = Storage(store: store, inputs: inputs, onFailure: onFailure)
        let cores = ProcessInfo.processInfo.activeProcessorCount
        self.votes = Pool(name: "votes", threads: cores)
        self.checks = Pool(name: "verify", threads: cores)
    }

    /// Connects the chain's thread, once, before the node starts.
    func connect(_ chain: ChainThread) { self.chain.withLock { $0 = chain } }

    /// Ends the driver threads after what they have begun.
    func stop() {
        self.votes.stop()
        self.checks.stop()
        self.blobs.stop()
        self.storage.stop()
        self.work.stop()
    }

    /// Performs one effect; what can be answered at once is appended to `answers`.
    func perform(_ effect: Node.Effect, answers: inout [Node.Input]) {
        switch effect {
        case .chain(let input):
            let isTaken = self.chain.withLock { $0?.post(input) ?? false }
            if !isTaken { self.onFailure("the chain is too far behind its inputs") }
        case .journal(let id, let bytes):
            let count = self.unsynced.withLock { waiting in
                waiting.append(.init(.block, key: id.digest, bytes))
                return waiting.count
            }
            // A node without a seat never votes: its blocks do not wait for a vote record.
            if count >= Self.unsyncedMax { self.sync([]) }
        case .persist(let record): self.persist(record, &answers)
        case .sign(let statement, let digest):
            answers.append(.signed(statement, self.keys.node.sign(digest)))
        case .reveal(let order, let index): self.reveal(order, index, &answers)
        case .walletSign(let account, let digest, let token):
            let wallet = self.keys.wallet(of: account)
            let signature = wallet.map {
                Chain.KeySignature(key: $0.key.publicKey, signature: $0.key.sign(digest))
            }
            answers.append(.walletSigned(token: token, signature))
        case .checkSignatures(let batch, let checks): self.check(batch, checks)
        case .checkVotes(let batch, let checks):
            self.run(self.votes) {
                // One that fails decides: a liar shall not buy more work than that.
                let isRight = checks.allSatisfy(\.holds)
                self.answer(.votesChecked(batch: batch, verdicts: [isRight]))
            }
        case .append(let records): self.storage.append(records)
        case .fold(let record): self.storage.fold(record)
        case .gossip(let effect): self.perform(effect)
        case .provider(let effect): self.work.perform(effect)
        case .reply(let token, let reply): self.requests.reply(token, reply)
        case .finalized(let transactions):
            self.requests.finalized(transactions)
            self.events.finalized(transactions)
        case .schedule: preconditionFailure("the loop keeps timers itself")
        case .readClock: answers.append(.clock(wallMs: Clock.wallMs))
        case .report(let report): self.report(report)
        }
    }

    private func persist(_ record: VoteRecord, _ answers: inout [Node.Input]) {
        if self.sync([.init(.votes, record.canonicalBytes)]) {
            answers.append(.persisted(record))
        }
    }

    /// Writes the waiting blocks and `records` in one batch; false, and the end, if that fails.
    @discardableResult
    private func sync(_ records: [Journal.Record]) -> Bool {
        let blocks = self.unsynced.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        do throws(StoreError) {
            try self.store.journal.append(blocks + records)
            return true
        } catch {
            self.onFailure("the journal cannot be written: \(error)")
            return false
        }
    }

    private func perform(_ effect: Gossip.Effect) {
        switch effect {
        case .dial(let address, let id, let purpose):
            self.transport?.dial(address, id, purpose)
        case .close(let id, let reason): self.transport?.close(id, reason: reason)
        case .send(let id, let traffic, let bytes): self.transport?.send(id, traffic, bytes)
        case .datagram(let bytes, let address): self.transport?.datagram(bytes, to: address)
        case .describeBlob, .readBlob, .openBlob, .closeBlob, .writeBlob: self.blobs.perform(effect)
        case .deliver, .up, .down, .fetched, .fetchFailed, .schedule, .report:
            preconditionFailure("the node routes these itself")
        }
    }

    private func reveal(
        _ order: Chain.BuildOrder, _ index: UInt64, _ answers: inout [Node.Input]
    ) {
        guard let reveal = self.reveals?.reveal(index) else {
            self.onFailure("the reveal chain of this validator is used up (\(index - 1) blocks)")
            return
        }
        answers.append(.revealed(order, reveal: reveal, wallMs: Clock.wallMs))
    }

    private func check(_ batch: UInt64, _ checks: [Chain.SignatureCheck]) {
        self.run(self.checks) {
            let verdicts = checks.map { $0.key.verify($0.signature, $0.digest) }
            self.answer(.signaturesChecked(batch: batch, verdicts: verdicts))
        }
    }

    /// Gives an answer that must not be lost.
    private func answer(_ input: Node.Input) {
        if !self.inputs.post(input) { self.onFailure(Self.isBehind) }
    }

    /// Runs a check on a pool, or here and now if too many wait: a verdict is never made up.
    private func run(_ pool: Pool, _ job: @escaping @Sendable () -> Void) {
        if !pool.run(job) { job() }
    }

    private func report(_ report: Node.Report) {
        switch report {
        case .finalized(let block, let view):
            self.logger.debug("final", metadata: ["block": "\(block.short)", "view": "\(view)"])
            self.events.block(block, view: view)
        case .provider(let report): self.report(report)
        case .evidence(let evidence): self.logger.error("equivocation: \(evidence)")
        case .diverged(let view, let block):
            self.onFailure("a quorum finalized block \(block.short) of view \(view), wrong here")
        case .unreachable(let account):
            self.logger.warning("no node at hand has account \(account.short)")
        case .gossip(let report): self.report(report)
        case .undecodable(let text): self.logger.critical("undecodable: \(text)")
        case .stalled(let text): self.onFailure("the chain stalled: \(text)")
        }
    }

    private func report(_ report: ProviderReport) {
        switch report {
        case .failed(let job, let code, let text, let isRetried):
            let end = isRetried ? "will be tried again" : "given up"
            self.logger.warning("job \(job.short) failed (\(end)): \(text) [\(code)]")
            self.events.count(failed: 1)
        case .selfCheckFailed(let job, let leaf):
            self.logger.error(
                "job \(job.short): leaf \(leaf) of the device differs from the referee; declined")
            self.events.count(failed: 1)
        case .committed(let job, let leaves, let kernelNs, let device):
            let ms = kernelNs / 1_000_000
            self.logger.info("job \(job.short): \(leaves) leaves in \(ms) ms on \(device)")
            self.events.count(done: 1)
        case .cannotOpen(let job, let account):
            self.logger.error("job \(job.short): no record to open for \(account.short)")
        case .cannotAnswer(let job, let leaf, let text):
            self.logger.error("job \(job.short): leaf \(leaf) is challenged: \(text)")
        case .disagreed(let job, let leaf):
            self.logger.warning("audit of job \(job.short): leaf \(leaf) is wrong; to be proved")
        case .cannotProve(let job, let leaf, let text):
            self.logger.error("audit of job \(job.short): no proof of leaf \(leaf): \(text)")
        case .summoning(let job, let text):
            self.logger.warning("audit of job \(job.short): asked on the ledger: \(text)")
        case .agreed(let job, let leaves):
            self.logger.info("audit of job \(job.short): \(leaves) leaves re-run, all equal")
        case .refused(let job, let kind, let text):
            self.logger.warning("the ledger refused \(kind) of job \(job.short): \(text)")
        }
    }

    private func report(_ report: GossipReport) {
        switch report {
        case .up(let peer, let isOutbound):
            let direction = isOutbound ? "dialled" : "accepted"
            self.logger.info("peer \(peer.hex.prefix(8)) is connected (\(direction))")
        case .down(let peer, let reason):
            self.logger.info("peer \(peer.hex.prefix(8)) is gone: \(reason)")
        case .violation(let peer, let text):
            self.logger.warning("peer \(peer.hex.prefix(8)) broke a rule: \(text)")
        case .dialFailed(let address, let reason):
            self.logger.debug("\(address) cannot be reached: \(reason)")
        case .offerSeen(let offer, let peer):
            self.logger.debug("offer of \(offer.account.short) at \(peer.hex.prefix(8))")
        case .unsendable(let text): self.logger.error("a message was not sent: \(text)")
        case .offerGone(let peer): self.logger.debug("no offer at \(peer.hex.prefix(8)) any more")
        }
    }
}
