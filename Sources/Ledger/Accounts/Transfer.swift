package import Primitives

/// Moves units of one asset between two accounts: the only way a balance changes.
///
/// From the asset's issuance account it mints, to it it burns.
package struct Transfer: Hashable, Sendable {
    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case amountIsZero = 100
        case sourceIsTarget = 101
        case assetNotFound = 102
        case targetIsModule = 103
        case assetIsFrozen = 104
        case sourceIsFrozen = 105
        case targetIsFrozen = 106
        case credentialMissing = 107
        case insufficientFunds = 108
        case supplyAboveMax = 109
        case burnAboveIssued = 110
        case targetOverflows = 111
        case holdingAboveMax = 112
        package static let prefix = "transfer"
    }

    /// Above zero.
    package let amount: Amount
    /// Of what.
    package let asset: AssetID
    /// Who gives.
    package let source: AccountID
    /// Who receives.
    package let target: AccountID

    /// A transfer to make.
    package init(_ amount: Amount, of asset: AssetID, from source: AccountID, to target: AccountID)
    {
        self.amount = amount
        self.asset = asset
        self.source = source
        self.target = target
    }
}
