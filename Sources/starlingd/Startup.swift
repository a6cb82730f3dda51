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
    /// Final blocks above the fold, in order.
    let replay: [Chain.Input]
    let genesisBlock: BlockID
    let epochs: Epochs
    let seat: UInt32?
    private let record: VoteRecord?
    private let tip: Voter.Tip
    private let ownBlocks: UInt64
    private let unsettled: [Node.Unsettled]

    init(_ store: DataStore, _ network: DevNetwork) throws {
        let genesis = network.genesis
        let key = genesis.validators[0].key
        self.genesisBlock = try genesis.build().header.id
        self.epochs = try Self.epochs(genesis)
        self.seat = self.epochs.set.index(of: key)
        let position = try store.state.position()
        self.chain = try Chain(
            genesis: genesis, config: Chain.Config(proposer: NodeID.of(key)),
            view: store.state, head: position?.header, archive: Archive(store: store))
        var replay: [Chain.Input] = []
        var own: UInt64 = 0
        var last: StoredBlock?
        let me = NodeID.of(key)
        if let first = store.chain.first, let end = store.chain.last {
            for height in first...end {
                guard let block = try store.chain.block(at: height) else { continue }
                if try Header(canonical: block.header).proposer == me { own += 1 }
                if height > position?.height ?? 0 {
                    replay.append(
                        .replay(block: block.header + block.body, certificate: block.certificate))
                }
                last = block
            }
        }
        self.replay = replay
        self.ownBlocks = own
        if let last {
            self.tip = Voter.Tip(try Certificate(canonical: last.certificate))
        } else {
            self.tip = Voter.Tip(genesis: self.genesisBlock)
        }
        self.record = try store.journal.record(.votes).map { try VoteRecord(canonical: $0) }
        self.unsettled = try Self.unsettled(store, above: last?.height ?? 0)
    }

    /// What the node is told first.
    func restored(_ jobs: [JobRecord]) -> Node.Restored {
        Node.Restored(
            record: self.record, tip: self.tip, ownBlocks: self.ownBlocks,
            blocks: self.unsettled, wallMs: Clock.wallMs, jobs: jobs)
    }

    private static func epochs(_ genesis: Genesis) throws -> Epochs {
        let seats = try genesis.validators.map { one in
            guard let weight = UInt64(exactly: one.stake.units) else {
                throw Daemon.Failure(description: "a validator's stake exceeds 2^64 motes")
            }
            return Consensus.Validator(key: one.key, weight: weight)
        }
        guard seats.count == 1 else {
            throw Daemon.Failure(
                description: "this release runs one validator; the genesis seats \(seats.count)")
        }
        return Epochs(
            genesis: try ValidatorSet(seats.sorted { $0.key < $1.key }),
            seed: genesis.id.digest, salt: genesis.salt)
    }

    private static func unsettled(
        _ store: DataStore, above height: UInt64
    ) throws -> [Node.Unsettled] {
        var found: [(height: UInt64, block: Node.Unsettled)] = []
        for record in store.journal.records where record.kind == .block {
            let proposal = try Proposal(bytes: record.bytes)
            guard proposal.header.height > height else { continue }
            found.append(
                (
                    proposal.header.height,
                    Node.Unsettled(
                        id: proposal.header.id, view: proposal.header.view,
                        parent: proposal.header.parent, bytes: record.bytes)
                ))
        }
        return found.sorted { $0.height < $1.height }.map(\.block)
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
