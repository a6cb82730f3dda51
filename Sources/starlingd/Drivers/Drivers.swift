import Chain
import Consensus
import Control
import Economy
import Foundation
import Logging
import Node
import Primitives
import Provider
import Store
import Synchronization

/// Performs the node's effects: one exhaustive ``perform(_:answers:)``.
///
/// The journal, the node key and the wallet answer at once; storage, signature checks and work
/// answer through the node's mailbox.
final class Drivers: Sendable {
    private let store: DataStore
    private let keys: KeyStore
    private let reveals: RevealChain
    private let inputs: Mailbox<Node.Input>
    private let requests: Requests
    private let work: WorkDriver
    private let events: Events
    private let logger: Logger
    private let storage: Storage
    private let checks: Pool
    private let chain: Mutex<ChainThread?> = Mutex(nil)
    /// Called once when the node cannot go on.
    private let onFailure: @Sendable (String) -> Void
    /// Blocks waiting for the next vote record: both become durable with one sync.
    private let unsynced = Mutex<[Journal.Record]>([])

    init(
        store: DataStore, keys: KeyStore, reveals: RevealChain, inputs: Mailbox<Node.Input>,
        requests: Requests, work: WorkDriver, events: Events, logger: Logger,
        onFailure: @escaping @Sendable (String) -> Void
    ) {
        self.store = store
        self.keys = keys
        self.reveals = reveals
        self.inputs = inputs
        self.requests = requests
        self.work = work
        self.events = events
        self.logger = logger
        self.onFailure = onFailure
        self.storage = Storage(store: store, inputs: inputs, onFailure: onFailure)
        self.checks = Pool(
            name: "verify", threads: ProcessInfo.processInfo.activeProcessorCount)
    }

    /// Connects the chain's thread, once, before the node starts.
    func connect(_ chain: ChainThread) { self.chain.withLock { $0 = chain } }

    /// Ends the driver threads after what they have begun.
    func stop() {
        self.checks.stop()
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
            self.unsynced.withLock { $0.append(.init(.block, key: id.digest, bytes)) }
        case .persist(let record): self.persist(record, &answers)
        case .sign(let statement, let digest):
            answers.append(.signed(statement, self.keys.node.sign(digest)))
        case .reveal(let build, let index): self.reveal(build, index, &answers)
        case .walletSign(let account, let digest, let token):
            let wallet = self.keys.wallet(of: account)
            let signature = wallet.map {
                Chain.KeySignature(key: $0.key.publicKey, signature: $0.key.sign(digest))
            }
            answers.append(.walletSigned(token: token, signature))
        case .checkSignatures(let batch, let checks): self.check(batch, checks)
        case .append(let record): self.storage.append(record)
        case .fold(let record): self.storage.fold(record)
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
        let blocks = self.unsynced.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        do throws(StoreError) {
            try self.store.journal.append(blocks + [.init(.votes, record.canonicalBytes)])
            answers.append(.persisted(record))
        } catch {
            self.onFailure("the journal cannot be written: \(error)")
        }
    }

    private func reveal(
        _ build: Simplex.Build, _ index: UInt64, _ answers: inout [Node.Input]
    ) {
        guard let reveal = self.reveals.reveal(index) else {
            self.onFailure("the reveal chain of this validator is used up (\(index - 1) blocks)")
            return
        }
        answers.append(.revealed(build, reveal: reveal, wallMs: Clock.wallMs))
    }

    private func check(_ batch: UInt64, _ checks: [Chain.SignatureCheck]) {
        let isQueued = self.checks.run {
            let verdicts = checks.map { $0.key.verify($0.signature, $0.digest) }
            self.inputs.post(.signaturesChecked(batch: batch, verdicts: verdicts))
        }
        if !isQueued {
            // Nothing is lost: the sender is told that the transaction was not taken.
            let verdicts = [Bool](repeating: false, count: checks.count)
            self.inputs.post(.signaturesChecked(batch: batch, verdicts: verdicts))
        }
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
        case .missingBlock(let block): self.logger.error("block \(block.short) is nowhere")
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
        case .disagreed(let job, let leaf):
            self.logger.warning("audit of job \(job.short): leaf \(leaf) is wrong; not vouched for")
        case .agreed(let job, let leaves):
            self.logger.info("audit of job \(job.short): \(leaves) leaves re-run, all equal")
        case .refused(let job, let kind, let text):
            self.logger.warning("the ledger refused \(kind) of job \(job.short): \(text)")
        }
    }
}
