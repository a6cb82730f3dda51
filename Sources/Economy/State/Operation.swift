package import Ledger
package import Primitives

/// One thing an account can do: a record, its name, its weight, its effect.
package protocol Operation: Record {
    /// Its own reasons to fail, in the order checked; the ledger's own pass through.
    associatedtype Rejection: RejectionCases
    /// Leads the canonical bytes.
    static var tag: UInt16 { get }
    /// `module.verb`.
    static var name: String { get }
    /// One sentence.
    static var summary: String { get }
    /// Applies the operation.
    ///
    /// Its weight is what the ledger's meters count while it runs.
    ///
    /// - Throws: the first failing check; the ledger then rolls the transaction back.
    func apply(to state: inout EconomyState, by account: AccountID) throws(Failure)
}

/// Why an operation failed: the code of its own rejection or of the ledger's.
package struct Failure: CodedRejection {
    package let code: RejectionCode

    package init(_ rejection: some CodedRejection) { self.code = rejection.code }
}
