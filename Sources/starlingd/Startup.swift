import Chain
import Consensus
import Economy
import Foundation
import Ledger
import Node
import Primitives
import Provider
import Store

/// What the data directory says at start: the chain at its last fold, and what follows on it.
struct Startup {
    let chain: Chain
    /// What the replay had to say to the node: its duties, and whether there is work.
    let effects: [Chain.Effect]
    let genesisBlock: BlockID
    let epochs: Epochs
    /// This node's seat, if it has one and votes.
    let seat: UInt32?
    private let record: VoteRecord?
    private let tip: Voter.Tip
    private let height: UInt64
    private let unsettled: [[UInt8]]

    init(_ store: DataStore, _ network: Network, keys: KeyStore) throws {
        let genesis = network.genesis
        let key = keys.node.publicKey
        self.genesisBlock = try genesis.build().header.id
        self.epochs = try Self.epochs(genesis)
        self.seat = network.isValidator ? self.epochs.set.index(of: key) : nil
        let position = try store.state.position()
        var chain = try Chain(
            genesis: genesis,
            config: Chain.Config(proposer: self.seat == nil ? nil : NodeID.of(key)),
            view: store.state, head: position?.header, archive: Archive(store: store))
        self.effects = try Self.replay(
            &chain, store, above: position?.height ?? 0,
            wallets: keys.all.map(\.key.publicKey))
        self.chain = chain
        if let end = store.chain.last, let last = try store.chain.block(at: end) {
            self.tip = Voter.Tip(try Certificate(canonical: last.certificate))
            self.height = end
        } else {
            self.tip = Voter.Tip(genesis: self.genesisBlock)
            self.height = 0
        }
        self.record = try store.journal.record(.votes).map { try VoteRecord(canonical: $0) }
        self.unsettled = try Self.unsettled(store, above: self.height)
    }

    /// Executes the final blocks above the last fold, here and now: as many as there are.
    ///
    /// - Returns: the last effect of each kind that the node has to hear.
    private static func replay(
        _ chain: inout Chain, _ store: DataStore, above folded: UInt64, wallets: [PublicKey]
    ) throws -> [Chain.Effect] {
        var heard: [Chain.Effect] = []
        func step(_ first: Chain.Input) throws {
            var inputs = [first]
            while let input = inputs.popLast() {
                var outbox = Outbox<Chain.Effect>()
                chain.handle(input, now: Clock.now, into: &outbox)
                for effect in outbox.drain() {
                    switch effect {
                    case .fold(let record):
                        try store.fold(Fold(record))
                        inputs.append(.folded(height: record.height))
                    case .duties:
                        heard.removeAll { if case .duties = $0 { true } else { false } }
                        heard.append(effect)
                    case .workPending:
                        heard.removeAll { if case .workPending = $0 { true } else { false } }
                        heard.append(effect)
                    case .stalled(let why): throw Daemon.Failure(description: why)
                    default: break  // Nobody asked anything yet.
                    }
                }
            }
        }
        try step(.wallets(wallets))
        guard let end = store.chain.last, end > folded else { return heard }
        for height in folded + 1...end {
            guard let block = try store.chain.block(at: height) else {
                throw Daemon.Failure(
                    description: "block \(height) is missing: the state is older than the "
                        + "first block that is kept")
            }
            try step(.replay(block: block.header + block.body, certificate: block.certificate))
        }
        return heard
    }

    /// What the node is told first.
    func restored(_ jobs: [JobRecord]) -> Node.Restored {
        Node.Restored(
            record: self.record, tip: self.tip, height: self.height, blocks: self.unsettled,
            wallMs: Clock.wallMs, jobs: jobs)
    }

    /// The validators of the genesis as consensus knows them: the genesis has them in order.
    static func epochs(_ genesis: Genesis) throws -> Epochs {
        let seats = try genesis.validators.map { one in
            guard let weight = UInt64(exactly: one.stake.units) else {
                throw Daemon.Failure(description: "a validator's stake exceeds 2^64 motes")
            }
            return Consensus.Validator(key: one.key, weight: weight)
        }
        return Epochs(
            genesis: try ValidatorSet(seats), seed: genesis.id.digest, salt: genesis.salt)
    }

    private static func unsettled(
        _ store: DataStore, above height: UInt64
    ) throws -> [[UInt8]] {
        var found: [(height: UInt64, bytes: [UInt8])] = []
        for record in store.journal.records where record.kind == .block {
            let header = try Proposal(bytes: record.bytes).header
            if header.height > height { found.append((header.height, record.bytes)) }
        }
        return found.sorted { $0.height < $1.height }.map(\.bytes)
    }

    /// The chain's window on the segments and the indices.
    private struct Archive: ChainArchive {
        let store: DataStore

        func block(at height: UInt64) -> BlockRecord? {
            // A damaged block is named by the store and never served.
            guard let block = try? self.store.chain.block(at: height) else { return nil }
            return BlockRecord(
                height: block.height, id: block.id, header: block.header, body: block.body,
                receipts: block.receipts, certificate: block.certificate)
        }

        func index(_ key: [UInt8]) -> [UInt8]? { try? self.store.state.index(key) }
    }
}
