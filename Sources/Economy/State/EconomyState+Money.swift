import Ledger
package import Primitives

// Money moves through the ledger alone. Operations pass its rejections on; the system's own
// payments cannot be rejected unless the books are broken, which ends the block.
extension EconomyState {
    /// What the purpose of a bond's hold is called in the ledger.
    package static let bondPurpose: UInt16 = 1

    /// What an account can spend of an asset.
    package mutating func balance(of account: AccountID, _ asset: AssetID) -> Amount {
        self.ledger.balance(of: account, asset).available
    }

    /// Moves an amount by the right of its owner.
    mutating func pay(
        _ amount: Amount, of asset: AssetID, from source: AccountID, to target: AccountID
    ) throws(Failure) {
        do throws(Transfer.Rejection) {
            try self.ledger.transferPlainly(
                Transfer(amount, of: asset, from: source, to: target))
        } catch {
            throw Failure(error)
        }
    }

    /// Moves coins of the account that acts into a module's account.
    mutating func deposit(
        _ amount: Amount, from source: AccountID, to module: AccountID
    ) throws(Failure) {
        guard amount > .zero else { return }
        do throws(Transfer.Rejection) {
            try self.ledger.transfer(Transfer(amount, of: .star, from: source, to: module))
        } catch {
            throw Failure(error)
        }
    }

    /// Pays coins out of escrow; nothing for zero.
    mutating func payOut(_ amount: Amount, to target: AccountID) {
        guard amount > .zero else { return }
        do throws(Transfer.Rejection) {
            try self.ledger.transfer(
                Transfer(amount, of: .star, from: ModuleAccount.escrow, to: target))
        } catch {
            self.breakBooks("escrow cannot pay: \(error.code.name)")
        }
    }

    /// Locks an offer's bond.
    mutating func holdBond(_ offer: OfferEntry) throws(Failure) {
        do throws(Hold.Rejection) {
            try self.ledger.placeHold(
                HoldID.of(Self.bondPurpose, offer.id.digest, self.salt),
                Hold(
                    owner: offer.provider, asset: .star, amount: offer.bond,
                    purpose: Self.bondPurpose))
        } catch {
            throw Failure(error)
        }
    }

    /// Frees an offer's bond.
    mutating func freeBond(_ offer: OfferEntry) {
        do throws(Hold.Rejection) {
            try self.ledger.voidHold(HoldID.of(Self.bondPurpose, offer.id.digest, self.salt))
        } catch {
            self.breakBooks("bond cannot be freed: \(error.code.name)")
        }
    }

    /// The difference of two sums of ours; a negative one breaks the books.
    mutating func less(_ left: Amount, _ right: Amount, _ what: StaticString) -> Amount {
        if let rest = left - right { return rest }
        self.breakBooks("\(what) falls below zero")
        return .zero
    }

    /// The sum of two sums of ours; one above the largest supply breaks the books.
    mutating func sum(_ left: Amount, _ right: Amount, _ what: StaticString) -> Amount {
        if let sum = left + right { return sum }
        self.breakBooks("\(what) exceeds the supply")
        return left
    }

    /// Remembers that the state contradicts itself. A row that could not be read does that, too:
    /// then the ledger's fault wins when the block is sealed.
    mutating func breakBooks(_ why: String) { self.broken = self.broken ?? why }
}
