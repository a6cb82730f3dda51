/// What one operation cost the validators, by dimension; its weight is the largest of them.
///
/// A unit of weight is a microsecond of one validator core, or of its disk. Arithmetic saturates.
///
/// - Source: protocol/fees.md, "Weight".
package struct Weight: Hashable, Sendable {
    /// Units for one Ed25519 verification: 44 µs measured on a 2-core server.
    package static let perSignature: UInt64 = 50
    /// Units for one row read. Guess: one random read of a disk at 40 M rows, until it is measured.
    package static let perRead: UInt64 = 80
    /// Units for one row written: a sorted put in a fold and about 15 hashes of the tree.
    package static let perWrite: UInt64 = 20
    /// Bytes in one unit: 2 MiB a block at 4 blocks a second fill half a core's budget.
    package static let bytesPerUnit: UInt64 = 16
    /// Referee gas in one unit: at 10^9 lane operations a second.
    package static let gasPerUnit: UInt64 = 1000

    /// Signatures verified.
    package var signatures: UInt64 = 0
    /// Distinct rows read in the transaction.
    package var reads: UInt64 = 0
    /// Distinct rows written in the transaction.
    package var writes: UInt64 = 0
    /// Bytes carried in blocks.
    package var bytes: UInt64 = 0
    /// Gas of the referee.
    package var gas: UInt64 = 0

    /// Nothing.
    package init() {}

    /// The largest of the dimensions, in units.
    package var units: UInt64 {
        let signatures = saturating(self.signatures, times: Self.perSignature)
        let rows = saturating(
            saturating(self.reads, times: Self.perRead),
            plus: saturating(self.writes, times: Self.perWrite))
        return max(
            signatures, rows, self.bytes / Self.bytesPerUnit, self.gas / Self.gasPerUnit)
    }
}

/// The sum, at most the largest number.
func saturating(_ left: UInt64, plus right: UInt64) -> UInt64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : sum
}

/// The product, at most the largest number.
func saturating(_ left: UInt64, times right: UInt64) -> UInt64 {
    let (product, overflow) = left.multipliedReportingOverflow(by: right)
    return overflow ? .max : product
}
