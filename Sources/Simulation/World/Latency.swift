import Chain
import Primitives

/// How long blocks took: from the leader's order to build until certified, and until final.
///
/// Each sample is a block at a machine, less two executions of the block and two syncs of a disk,
/// which every block pays whatever the network.
struct Latency {
    private struct Block {
        let startNs: UInt64
        let executionNs: UInt64
    }

    /// A sync of a disk, on average.
    var syncNs: UInt64 = 0
    private var starts = Lookup<UInt64, UInt64>()
    private var blocks = Lookup<BlockID, Block>()
    private(set) var certifiedNs: [UInt64] = []
    private(set) var finalNs: [UInt64] = []

    /// The leader of a view begins to build.
    mutating func starts(view: UInt64, at ns: UInt64) { self.starts[view] = ns }

    mutating func built(_ id: BlockID, view: UInt64, executionNs: UInt64) {
        guard let start = self.starts[view] else { return }
        self.blocks[id] = Block(startNs: start, executionNs: executionNs)
    }

    /// A machine has the block executed, durable and notarized.
    mutating func certified(_ id: BlockID, _ now: UInt64) {
        if let sample = self.sample(id, now) { self.certifiedNs.append(sample) }
    }

    /// A machine has the blocks as final.
    mutating func final(_ records: [BlockRecord], _ now: UInt64) {
        for record in records {
            if let sample = self.sample(record.id, now) { self.finalNs.append(sample) }
        }
    }

    private func sample(_ id: BlockID, _ now: UInt64) -> UInt64? {
        guard let block = self.blocks[id] else { return nil }
        let paid = 2 * (block.executionNs + self.syncNs)
        let took = now - block.startNs
        return took > paid ? took - paid : 0
    }
}
