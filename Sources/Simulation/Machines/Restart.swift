import Chain
import Consensus
import Economy
import Ledger
import Node
import Primitives
import Provider

/// What a disk says at start: the chain at its last fold, and what follows on it.
struct Restart {
    let chain: Chain
    /// Final blocks above the fold, in order.
    let replay: [Chain.Input]
    let restored: Node.Restored

    /// Why a machine does not start.
    enum Fault: Error {
        case chain(Chain.StartFault)
        case bytes(DecodeError)
        case blockMissing(UInt64)
    }

    init(
        _ host: Host, _ genesis: Genesis, _ genesisBlock: BlockID, foldBlocks: UInt64,
        wallMs: UInt64
    ) throws(Fault) {
        let disk = host.disk
        let items = disk.restart()
        var config = Chain.Config(proposer: NodeID.of(host.key))
        config.foldBlocks = foldBlocks
        do throws(Chain.StartFault) {
            // Half of the machines keep the tree's buckets, half build it from every row.
            let buckets = host.index.isMultiple(of: 2) ? disk.sortedBuckets : []
            self.chain = try Chain(
                genesis: genesis, config: config, view: disk, head: disk.head, buckets: buckets,
                archive: disk)
        } catch {
            throw .chain(error)
        }
        let folded = self.chain.head.height
        var replay: [Chain.Input] = []
        let end = disk.blocks.last?.height ?? 0
        for height in folded..<max(folded, end) {
            guard let block = disk.block(at: height + 1) else { throw .blockMissing(height + 1) }
            replay.append(
                .replay(block: block.header + block.body, certificate: block.certificate))
        }
        self.replay = replay
        do throws(DecodeError) {
            self.restored = try Self.restored(items, disk, genesisBlock, wallMs)
        } catch {
            throw .bytes(error)
        }
    }

    private static func restored(
        _ items: [JournalFile.Item], _ disk: Disk, _ genesisBlock: BlockID, _ wallMs: UInt64
    ) throws(DecodeError) -> Node.Restored {
        var tip = Voter.Tip(genesis: genesisBlock)
        if let last = disk.blocks.last {
            tip = Voter.Tip(try Certificate(canonical: last.certificate))
        }
        let stored = disk.blocks.last?.height ?? 0
        var record: VoteRecord?
        var blocks: [(height: UInt64, bytes: [UInt8])] = []
        for item in items {
            switch item.kind {
            case .votes: record = try VoteRecord(canonical: item.bytes)
            case .block:
                var decoder = Decoder(item.bytes)
                let header = try Header(from: &decoder)
                if header.height > stored { blocks.append((header.height, item.bytes)) }
            }
        }
        var jobs: [JobRecord] = []
        for bytes in disk.jobs.values { jobs.append(try JobRecord(canonical: bytes)) }
        blocks.sort { $0.height < $1.height }
        return Node.Restored(
            record: record, tip: tip, height: stored, blocks: blocks.map(\.bytes), wallMs: wallMs,
            jobs: jobs)
    }
}
