package import Primitives

/// How a job's price is divided: copied into the job when it is posted, changed by ballot.
package struct FeeTerms: Record {
    /// The protocol's part of a job's price.
    package var protocolFee: BasisPoints = Parameters.points(250)
    /// Parts of the protocol fee; what is left of it is burned.
    package var stakersPart: BasisPoints = Parameters.points(4_000)
    package var treasuryPart: BasisPoints = Parameters.points(3_000)
    package var coverPart: BasisPoints = Parameters.points(2_000)

    package init() {}

    package static var blank: FeeTerms { FeeTerms() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("protocolFee", &self.protocolFee)
        try visitor.field("stakersPart", &self.stakersPart)
        try visitor.field("treasuryPart", &self.treasuryPart)
        try visitor.field("coverPart", &self.coverPart)
    }

    /// What neither genesis nor ballot may say, or nil if the numbers hold together.
    package var fault: String? {
        let parts =
            UInt32(self.stakersPart.value) + UInt32(self.treasuryPart.value)
            + UInt32(self.coverPart.value)
        if parts > UInt32(BasisPoints.whole) { return "parts of the fee exceed the fee" }
        if self.protocolFee.value > 5_000 { return "protocolFee exceeds half" }
        return nil
    }
}
