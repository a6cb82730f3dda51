package import Primitives

/// What a block is known by: id = H(.block, salt, canonical header).
///
/// - Source: protocol/block.md, "Header".
package struct Header: Record {
    /// The only version.
    package static let version: UInt8 = 1

    /// Why a header does not follow its parent. In the order checked.
    package enum Fault: UInt8, Error, Hashable, Sendable {
        case versionUnknown
        case chainDiffers
        case heightNotNext
        case parentDiffers
        case epochBackwards
        case viewNotLater
        case timeNotLater
    }

    /// The format, 1.
    package var version: UInt8
    /// The network.
    package var chain: GenesisID
    /// The epoch.
    package var epoch: UInt64
    /// The view of the block's first proposal.
    package var view: UInt64
    /// Blocks before it; genesis has height 0.
    package var height: UInt64
    /// The block before it; zero for genesis.
    package var parent: BlockID
    /// The proposer's clock, or parent + 1: milliseconds since the Unix epoch.
    package var timeMs: UInt64
    /// Who made it.
    package var proposer: NodeID
    /// See ``Body/root(_:)``.
    package var bodyRoot: Digest
    /// See ``Receipt/root(_:_:)``.
    package var receiptsRoot: Digest
    /// The state after this block.
    package var stateRoot: Digest
    /// The mountain range over the ids of all blocks before this one.
    package var historyRoot: Digest
    /// The validators of this epoch.
    package var validatorsHash: Digest
    /// In the last block of an epoch, the validators of the next.
    package var nextValidatorsHash: Digest?
    /// The price of weight in this block.
    package var baseFee: FeePrice
    /// Weight used.
    package var usedWeight: UInt64
    /// The proposer's next beacon reveal.
    package var beaconReveal: Digest
    /// The newest protocol version that the proposer is ready for.
    package var readiness: UInt32

    /// An empty header to fill in.
    package static var blank: Header {
        Header(
            version: Self.version, chain: .zero, epoch: 0, view: 0, height: 0, parent: .zero,
            timeMs: 0, proposer: .zero, bodyRoot: .zero, receiptsRoot: .zero, stateRoot: .zero,
            historyRoot: .zero, validatorsHash: .zero, nextValidatorsHash: nil, baseFee: .blank,
            usedWeight: 0, beaconReveal: .zero, readiness: 0)
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("version", &self.version)
        try visitor.field("chain", &self.chain)
        try visitor.field("epoch", &self.epoch)
        try visitor.field("view", &self.view)
        try visitor.field("height", &self.height)
        try visitor.field("parent", &self.parent)
        try visitor.field("timeMs", &self.timeMs)
        try visitor.field("proposer", &self.proposer)
        try visitor.field("bodyRoot", &self.bodyRoot)
        try visitor.field("receiptsRoot", &self.receiptsRoot)
        try visitor.field("stateRoot", &self.stateRoot)
        try visitor.field("historyRoot", &self.historyRoot)
        try visitor.field("validatorsHash", &self.validatorsHash)
        try visitor.field("nextValidatorsHash", &self.nextValidatorsHash)
        try visitor.field("baseFee", &self.baseFee)
        try visitor.field("usedWeight", &self.usedWeight)
        try visitor.field("beaconReveal", &self.beaconReveal)
        try visitor.field("readiness", &self.readiness)
    }

    /// The block's name on its own chain.
    package var id: BlockID {
        BlockID(Blake2b.hash(.block, ChainSalt(self.chain), self.canonicalBytes))
    }

    /// Checks what a header alone must keep to follow `parent`.
    package func check(after parent: Header) throws(Fault) {
        guard self.version == Self.version else { throw .versionUnknown }
        guard self.chain == parent.chain else { throw .chainDiffers }
        let (next, overflow) = parent.height.addingReportingOverflow(1)
        guard !overflow, self.height == next else { throw .heightNotNext }
        guard self.parent == parent.id else { throw .parentDiffers }
        guard self.epoch >= parent.epoch else { throw .epochBackwards }
        guard self.epoch > parent.epoch || self.view > parent.view else { throw .viewNotLater }
        guard self.timeMs > parent.timeMs else { throw .timeNotLater }
    }

    /// Ledger time passes by this much from `parent` to this block: at most `stepMsMax`.
    package func elapsedMs(after parent: Header) -> UInt64 {
        guard self.timeMs > parent.timeMs else { return 0 }
        return min(self.timeMs - parent.timeMs, Self.stepMsMax)
    }

    /// A block never advances ledger time by more: a stall expires nobody.
    package static let stepMsMax: UInt64 = 10_000
}
