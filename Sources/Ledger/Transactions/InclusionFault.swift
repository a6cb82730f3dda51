/// Why a transaction may not be in a block at all: a block that has it is invalid, a mempool drops
/// it.
///
/// Nothing is charged. In the order checked.
///
/// - Source: protocol/transaction.md, "Inclusion".
package enum InclusionFault: UInt16, RejectionCases {
    case versionUnknown = 1
    case operationsMissing = 2
    case operationsTooMany = 3
    case operationsTooLarge = 4
    case expired = 5
    case accountIsModule = 6
    case policyMissing = 7
    case policyDiffers = 8
    case policyInvalid = 9
    case signersNotInPolicy = 10
    case signatureCountDiffers = 11
    case weightBelowThreshold = 12
    case nonceUsedOrVoid = 13
    case nonceTooHigh = 14
    case feeBelowMinimum = 15
    case feeNotFunded = 16
    case depositNotFunded = 17
    /// Not a verdict on the transaction: the state could not be read (see `LedgerState.fault`).
    case stateUnavailable = 18
    /// For whoever verifies the checks of ``Transaction/checks(under:_:)``.
    case signatureInvalid = 19
    package static let prefix = "transaction"
}

/// Why the ledger fails a transaction that its operations would have passed; the receipt carries
/// it.
package enum ExecutionRejection: UInt16, RejectionCases {
    /// The weight costs more than maxFee less the tip.
    case weightAboveMaxFee = 50
    /// A record is larger than a row may be.
    case valueTooLarge = 51
    /// The rows that were made need more deposit than the account can spend.
    case depositNotFunded = 52
    /// More or larger events than a receipt carries.
    case eventsTooLarge = 53
    package static let prefix = "execution"
}
