package import Primitives

/// Everything a validator has said since the last final block: the one record that signing reads.
///
/// It is durable before anything in it is signed, so no crash makes a validator contradict itself,
/// and after a crash it says the same again. It carries the certificate of its floor, because the
/// votes below that are gone and only the certificate can speak for them.
///
/// - Bounds: `slotsMax` views without a final block; then the validator falls silent.
/// - Source: protocol/consensus.md, "The vote record".
package struct VoteRecord: Record {
    /// The most views remembered.
    package static let slotsMax = 4096

    /// What was said in one view.
    package struct Slot: Record {
        /// The view.
        package var view: UInt64
        /// The proposal made as its leader.
        package var proposal: Proposal?
        /// The block notarized.
        package var notarized: BlockID?
        /// True if nullified.
        package var nullified: Bool
        /// The block finalized.
        package var finalized: BlockID?

        /// Nothing said yet.
        init(view: UInt64) {
            self.view = view
            self.nullified = false
        }

        /// Nothing said in no view.
        package static var blank: Slot { Slot(view: 0) }

        package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
            try visitor.field("view", &self.view)
            try visitor.field("proposal", &self.proposal)
            try visitor.field("notarized", &self.notarized)
            try visitor.field("nullified", &self.nullified)
            try visitor.field("finalized", &self.finalized)
        }

        /// Takes a statement up if it contradicts nothing said before.
        fileprivate mutating func add(_ statement: Statement) -> Bool {
            switch statement {
            case .proposal(let proposal):
                guard self.proposal == nil else { return self.proposal == proposal }
                self.proposal = proposal
            case .vote(let vote):
                switch vote.kind {
                case .notarize:
                    guard self.notarized == nil else { return self.notarized == vote.block }
                    self.notarized = vote.block
                case .nullify:
                    guard self.finalized == nil else { return false }
                    self.nullified = true
                case .finalize:
                    guard !self.nullified else { return false }
                    guard self.finalized == nil else { return self.finalized == vote.block }
                    self.finalized = vote.block
                }
            }
            return true
        }

        fileprivate func statements(_ epoch: UInt64) -> [Statement] {
            var all: [Statement] = []
            if let proposal = self.proposal { all.append(.proposal(proposal)) }
            if let block = self.notarized {
                all.append(.vote(Vote(.notarize, epoch: epoch, view: self.view, block: block)))
            }
            if self.nullified { all.append(.vote(Vote(.nullify, epoch: epoch, view: self.view))) }
            if let block = self.finalized {
                all.append(.vote(Vote(.finalize, epoch: epoch, view: self.view, block: block)))
            }
            return all
        }
    }

    /// Rises by one with each change.
    package private(set) var sequence: UInt64
    /// The epoch of all votes in here.
    package private(set) var epoch: UInt64
    /// Nothing is signed at or below this view.
    package private(set) var floor: UInt64
    /// The certificate that finalized the floor's block; nil for the genesis.
    package private(set) var tip: Certificate?
    /// What was said, by ascending view, all above the floor.
    package private(set) var slots: [Slot]

    /// A record of a validator that never spoke in this epoch.
    package init(epoch: UInt64) {
        self.sequence = 0
        self.epoch = epoch
        self.floor = 0
        self.slots = []
    }

    /// The record of a validator that lost its own: it signs nothing in this epoch.
    package static func silenced(epoch: UInt64) -> VoteRecord {
        var record = VoteRecord(epoch: epoch)
        record.floor = .max
        return record
    }

    /// Nothing said.
    package static var blank: VoteRecord { VoteRecord(epoch: 0) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("sequence", &self.sequence)
        try visitor.field("epoch", &self.epoch)
        try visitor.field("floor", &self.floor)
        try visitor.field("tip", &self.tip)
        try visitor.list("slots", &self.slots, max: Self.slotsMax)
    }

    /// Takes statements up that contradict nothing said before.
    ///
    /// - Returns: false if nothing was new; the record is then unchanged.
    mutating func add(_ statements: [Statement]) -> Bool {
        var next = self
        for statement in statements where statement.view > self.floor {
            let at = next.slots.firstIndex { $0.view >= statement.view } ?? next.slots.count
            let found = at < next.slots.count && next.slots[at].view == statement.view
            var slot = found ? next.slots[at] : Slot(view: statement.view)
            guard slot.add(statement) else { continue }
            if found {
                next.slots[at] = slot
            } else if next.slots.count < Self.slotsMax {
                next.slots.insert(slot, at: at)
            }
        }
        guard next.slots != self.slots else { return false }
        next.sequence += 1
        self = next
        return true
    }

    /// Forgets what a final block settled. It becomes durable with the next statement.
    mutating func settle(_ tip: Certificate) {
        guard tip.view > self.floor else { return }
        self.floor = tip.view
        self.tip = tip
        self.slots.removeAll { $0.view <= tip.view }
    }

    /// What was said in a view; nil if nothing.
    func slot(_ view: UInt64) -> Slot? { self.slots.first { $0.view == view } }

    /// Everything said, in the order of views.
    var statements: [Statement] { self.slots.flatMap { $0.statements(self.epoch) } }
}
