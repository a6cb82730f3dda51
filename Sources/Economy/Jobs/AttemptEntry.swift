package import Primitives

/// Why an attempt at a job ended without pay.
package enum AttemptEnd: UInt8, CodeEnum {
    /// No commitment in time: it costs the attempt.
    case uncommitted = 0
    /// A leaf was proved wrong.
    case wrongLeaf = 1
    /// The provider did not open on the ledger.
    case silent = 2
    /// The provider did not give a piece of its output on the ledger.
    case withheld = 3
}

/// Names an attempt.
package struct AttemptKey: Record {
    package var job: JobID = .zero
    package var number: UInt8 = 0

    package init(job: JobID, number: UInt8) {
        self.job = job
        self.number = number
    }

    package static var blank: AttemptKey { AttemptKey(job: .zero, number: 0) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.field("number", &self.number)
    }
}

/// An attempt at a job that failed: who, what it was bound to, what it cost.
package struct AttemptEntry: Record {
    /// Providers that one job may have.
    package static let countMax: UInt8 = 4

    package var end: AttemptEnd = .uncommitted
    package var offer: OfferID = .zero
    package var provider: AccountID = .zero
    package var auditor: AccountID = .zero
    package var price: Amount = .zero
    package var leafRoot: Digest = .zero
    package var outputCommitment: Digest = .zero
    /// The leaf proved wrong; the first of two.
    package var leaf: UInt64?
    /// A second wrong leaf was proved: the whole bond went.
    package var isRepeated = false
    /// Whoever proved it.
    package var reporter: AccountID?
    /// Motes taken from the provider, both times together.
    package var slashed: Amount = .zero
    /// Motes taken from an auditor that vouched for the leaf.
    package var auditorSlashed: Amount = .zero
    /// The auditor vouched for the sample that the next two name, and no leaf of it was proved
    /// wrong yet.
    package var auditorLiable = false
    package var auditReveal: Digest = .zero
    package var drawMix: Digest = .zero
    package var ended = Moment()

    package init() {}

    package static var blank: AttemptEntry { AttemptEntry() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("end", &self.end)
        try visitor.field("offer", &self.offer)
        try visitor.field("provider", &self.provider)
        try visitor.field("auditor", &self.auditor)
        try visitor.field("price", &self.price)
        try visitor.field("leafRoot", &self.leafRoot)
        try visitor.field("outputCommitment", &self.outputCommitment)
        try visitor.field("leaf", &self.leaf)
        try visitor.field("isRepeated", &self.isRepeated)
        try visitor.field("reporter", &self.reporter)
        try visitor.field("slashed", &self.slashed)
        try visitor.field("auditorSlashed", &self.auditorSlashed)
        try visitor.field("auditorLiable", &self.auditorLiable)
        try visitor.field("auditReveal", &self.auditReveal)
        try visitor.field("drawMix", &self.drawMix)
        try visitor.field("ended", &self.ended)
    }
}

/// What an account was found at, as provider or as auditor; a repeat costs everything.
package struct FaultEntry: Record {
    /// Proved wrong, or silent after a commitment.
    package var count: UInt64 = 0
    package var last = Moment()

    package init() {}

    package static var blank: FaultEntry { FaultEntry() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("count", &self.count)
        try visitor.field("last", &self.last)
    }
}
