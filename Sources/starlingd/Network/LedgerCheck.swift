import Chain
import Consensus
import Economy
import Ledger
import Primitives
import Store
import Synchronization

/// Executes a stored chain again, from its genesis on, in memory.
///
/// Every block is decoded, linked to the one before, executed, and compared with its own header;
/// what stands beside it (receipts, certificate) is compared with it.
struct LedgerCheck {
    /// What was found right.
    struct Result {
        let blocks: UInt64
        /// The state's root after the last block.
        let root: Digest
        let certificates: UInt64
    }

    /// The first thing that is wrong, in words.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let genesis: Genesis
    private let store: DataStore

    init(_ genesis: Genesis, _ store: DataStore) {
        self.genesis = genesis
        self.store = store
    }

    /// Checks everything; `progress` hears of each block.
    ///
    /// - Throws: ``Failure`` naming the first bad block.
    func run(_ progress: (UInt64, UInt64) -> Void) throws -> Result {
        let epochs = try self.genesis.epochs()
        let state = FoldedState()
        var chain = try Chain(
            genesis: self.genesis, config: Chain.Config(proposer: nil), view: state, head: nil,
            archive: EmptyArchive())
        var root = try self.genesis.build().header.stateRoot
        let last = self.store.chain.last ?? 0
        let position = try self.store.state.position()
        var certificates: UInt64 = 0
        // The first block whose finality no certificate has shown so far.
        var unproven: UInt64?
        guard (self.store.chain.first ?? 1) == 1 else {
            throw Failure(description: "block 1 is not kept: the chain cannot be executed again")
        }
        for height in stride(from: UInt64(1), through: last, by: 1) {
            let block = try self.block(height)
            let header = try self.header(of: block)
            try Self.replay(block, into: &chain, state)
            try self.checkReceipts(block, header)
            if block.certificate.isEmpty {
                unproven = unproven ?? height
            } else {
                try Self.checkCertificate(block, header, epochs)
                certificates += 1
                unproven = nil
            }
            if let position, position.height == height, position.root != header.stateRoot {
                throw Failure(
                    description: "state.mdb has root \(position.root.hex) at block \(height), the "
                        + "chain has \(header.stateRoot.hex): delete it, it is rebuilt at start")
            }
            root = header.stateRoot
            progress(height, last)
        }
        if let unproven {
            throw Failure(
                description: "block \(unproven): no certificate of it or of a later block is kept")
        }
        return Result(blocks: last, root: root, certificates: certificates)
    }

    private func block(_ height: UInt64) throws(Failure) -> StoredBlock {
        do throws(StoreError) {
            if let block = try self.store.chain.block(at: height) { return block }
        } catch {
            let words =
                error.code == .damaged
                ? "its bytes in \(error.path) are not those that were written" : "\(error)"
            throw Failure(description: "block \(height): \(words)")
        }
        throw Failure(description: "block \(height) is missing")
    }

    private func header(of block: StoredBlock) throws(Failure) -> Header {
        let header: Header
        do throws(DecodeError) {
            header = try Header(canonical: block.header)
        } catch {
            throw Failure(
                description: "block \(block.height): its header does not decode: \(error)")
        }
        guard header.height == block.height else {
            throw Failure(
                description: "block \(block.height): its header says height \(header.height)")
        }
        guard header.id == block.id else {
            throw Failure(
                description: "block \(block.height): it is kept as \(block.id.hex), but its header "
                    + "makes it \(header.id.hex)")
        }
        return header
    }

    /// Executes the block on the one before, and folds when the chain wants it.
    private static func replay(
        _ block: StoredBlock, into chain: inout Chain, _ state: FoldedState
    ) throws(Failure) {
        var outbox = Outbox<Chain.Effect>()
        chain.handle(
            .replay(block: block.header + block.body, certificate: block.certificate),
            now: .zero, into: &outbox)
        var folded: [UInt64] = []
        while true {
            for effect in outbox.drain() {
                if case .stalled(let why) = effect {
                    throw Failure(description: "block \(block.height): \(why)")
                }
                if case .fold(let record) = effect {
                    state.fold(record.state)
                    folded.append(record.height)
                }
            }
            guard let height = folded.popLast() else { break }
            chain.handle(.folded(height: height), now: .zero, into: &outbox)
        }
        guard chain.head == (block.height, block.id) else {
            throw Failure(
                description: "block \(block.height): executed again it is \(chain.head.id.hex), "
                    + "kept it is \(block.id.hex)")
        }
    }

    private func checkReceipts(_ block: StoredBlock, _ header: Header) throws(Failure) {
        do throws(DecodeError) {
            var decoder = Decoder(block.receipts)
            // One for each transaction, and that of the block itself.
            let count = try decoder.length(max: Body.transactionsMax + 64, field: "receipts")
            var receipts: [Receipt] = []
            for _ in 0..<count { receipts.append(try Receipt(from: &decoder)) }
            try decoder.finish()
            guard Receipt.root(receipts, self.genesis.salt) == header.receiptsRoot else {
                throw DecodeError.invalid(field: "receipts", offset: 0)
            }
        } catch {
            throw Failure(
                description: "block \(block.height): its receipts are not those of its header: "
                    + "\(error)")
        }
    }

    private static func checkCertificate(
        _ block: StoredBlock, _ header: Header, _ epochs: Epochs
    ) throws(Failure) {
        let certificate: Certificate
        do throws(DecodeError) {
            certificate = try Certificate(canonical: block.certificate)
        } catch {
            throw Failure(
                description: "block \(block.height): its certificate does not decode: \(error)")
        }
        guard certificate.kind == .finalize, certificate.block == block.id,
            certificate.epoch == header.epoch, certificate.view >= header.view
        else {
            throw Failure(
                description: "block \(block.height): its certificate is of \(certificate.kind) "
                    + "\(certificate.block.hex) in view \(certificate.view)")
        }
        do throws(Certificate.Flaw) {
            try certificate.verify(epochs)
        } catch {
            throw Failure(
                description: "block \(block.height): its certificate proves nothing: \(error)")
        }
    }

    /// A state in memory that grows by folds.
    private final class FoldedState: StateView {
        private let state = Mutex(MemoryState())

        func fold(_ writes: [StateWrite]) { self.state.withLock { $0.fold(writes) } }

        func row(at path: Digest) throws(StateFault) -> StateRow? {
            try self.current.row(at: path)
        }

        func rows(
            from: Digest, through: Digest, limit: Int
        ) throws(StateFault) -> [PlacedRow] {
            try self.current.rows(from: from, through: through, limit: limit)
        }

        private var current: MemoryState { self.state.withLock { $0 } }
    }
}
