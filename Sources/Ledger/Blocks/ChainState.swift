package import Primitives

/// What each block hands to the next, in one row of the state.
package struct ChainState: Record {
    /// Blocks executed so far less one: genesis leaves 0.
    package var height: UInt64
    /// Ledger time: the sum of the steps of ``Header/elapsedMs(after:)`` from genesis.
    package var time: LedgerTime
    /// The base fee.
    package var baseFee: BaseFee
    /// The ids of all blocks before this one.
    package var history: MountainRange

    /// The state that genesis leaves.
    package init(time: LedgerTime) {
        self.height = 0
        self.time = time
        self.baseFee = BaseFee()
        self.history = MountainRange()
    }

    /// Nothing.
    package static var blank: ChainState { ChainState(time: .zero) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("height", &self.height)
        try visitor.field("time", &self.time)
        try visitor.field("baseFee", &self.baseFee)
        try visitor.field("history", &self.history)
    }

    /// The root that the header of the block being executed carries.
    package func historyRoot(_ salt: ChainSalt) -> Digest { self.history.root(.history, salt) }

    /// Moves on to a block `elapsedMs` after `parent`.
    ///
    /// - Throws: nothing; time stops at the end of 64 bits.
    package mutating func advance(
        past parent: BlockID, elapsedMs: UInt64, _ parameters: LedgerParameters, _ salt: ChainSalt
    ) {
        self.height = saturating(self.height, plus: 1)
        self.time = self.time.adding(ms: elapsedMs) ?? LedgerTime(ms: .max)
        self.baseFee.elapse(elapsedMs, parameters)
        self.history.append(parent.digest, .history, salt)
    }
}
