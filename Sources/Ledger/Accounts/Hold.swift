package import Primitives

/// Names a hold; whoever places it derives the name from what it is for (domain .hold).
package struct HoldID: Identifier {
    /// The name's bytes.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }

    /// The hold of `purpose` for the thing that `subject` names: H(.hold, salt, u16 purpose |
    /// subject).
    package static func of(_ purpose: UInt16, _ subject: Digest, _ salt: ChainSalt) -> HoldID {
        var hash = Blake2b(.hold, salt)
        hash.update(u8: UInt8(truncatingIfNeeded: purpose))
        hash.update(u8: UInt8(truncatingIfNeeded: purpose >> 8))
        hash.update(subject)
        return HoldID(hash.finish())
    }
}

/// A part of a balance that is locked until it is posted (paid on) or voided (freed). It never
/// expires.
package struct Hold: Record {
    /// In the order checked.
    package enum Rejection: CodedRejection {
        case amountIsZero
        case holdExists
        case holdNotFound
        case amountAboveHold
        case ownerHasTooLittle
        case transfer(Transfer.Rejection)

        /// Its number and name; a failing transfer keeps its own.
        package var code: RejectionCode {
            switch self {
            case .amountIsZero: .init(number: 140, name: "hold.amountIsZero")
            case .holdExists: .init(number: 141, name: "hold.holdExists")
            case .holdNotFound: .init(number: 142, name: "hold.holdNotFound")
            case .amountAboveHold: .init(number: 143, name: "hold.amountAboveHold")
            case .ownerHasTooLittle: .init(number: 144, name: "hold.ownerHasTooLittle")
            case .transfer(let rejection): rejection.code
            }
        }

        /// The codes that are its own.
        package static let codes: [RejectionCode] = [
            Rejection.amountIsZero, .holdExists, .holdNotFound, .amountAboveHold,
            .ownerHasTooLittle,
        ].map(\.code)
    }

    /// Whose balance.
    package var owner: AccountID
    /// Of what.
    package var asset: AssetID
    /// How much is still locked; above zero.
    package var amount: Amount
    /// What for: a code of the module that placed it.
    package var purpose: UInt16

    /// A hold to place.
    package init(owner: AccountID, asset: AssetID, amount: Amount, purpose: UInt16) {
        self.owner = owner
        self.asset = asset
        self.amount = amount
        self.purpose = purpose
    }

    /// Nothing.
    package static var blank: Hold {
        Hold(owner: .zero, asset: .zero, amount: .zero, purpose: 0)
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("owner", &self.owner)
        try visitor.field("asset", &self.asset)
        try visitor.field("amount", &self.amount)
        try visitor.field("purpose", &self.purpose)
    }
}
