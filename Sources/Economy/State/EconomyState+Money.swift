import Ledger
package import Primitives

// Money moves through the ledger alone. Operations pass its rejections on; the system's own
// payments cannot be rejected unless the books are broken, which ends the block.
extension EconomyState {
    /// What the purpose of a bond's hold is called in the ledger.
    package static let bondPurpose: UInt16 = 1
    /// The same for an author's bond behind a kernel.
    package static let kernelBondPurpose: UInt16 = 3

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

    // MARK: Prepaid

    /// Takes the fee of a summons or challenge into escrow, beside the job's own.
    mutating func prepay(_ job: inout JobEntry, by account: AccountID) throws(Failure) {
        let fee = self.parameters.challengeFee
        try self.deposit(fee, from: account, to: ModuleAccount.escrow)
        job.prepaid = self.sum(job.prepaid, fee, "what is prepaid")
        var counters = self.counters
        counters.prepaid = self.sum(counters.prepaid, fee, "the sum of what is prepaid")
        self.counters = counters
    }

    /// Pays what was prepaid to whoever answered, or back.
    mutating func payPrepaid(of job: inout JobEntry, to target: AccountID) {
        guard job.prepaid > .zero else { return }
        self.payOut(job.prepaid, to: target)
        var counters = self.counters
        counters.prepaid = self.less(counters.prepaid, job.prepaid, "the sum of what is prepaid")
        self.counters = counters
        job.prepaid = .zero
    }

    /// Pays what was prepaid back: a challenger's in the window, the auditor's before.
    mutating func returnPrepaid(of job: inout JobEntry) {
        self.payPrepaid(of: &job, to: job.challenge?.by ?? job.auditor)
    }

    // MARK: Holds

    /// Locks an offer's bond.
    mutating func holdBond(_ offer: OfferEntry) throws(Failure) {
        try self.hold(offer.bond, of: offer.provider, Self.bondPurpose, offer.id.digest)
    }

    /// Locks coins of an account for the thing that `subject` names.
    mutating func hold(
        _ amount: Amount, of owner: AccountID, _ purpose: UInt16, _ subject: Digest
    ) throws(Failure) {
        do throws(Hold.Rejection) {
            try self.ledger.placeHold(
                HoldID.of(purpose, subject, self.salt),
                Hold(owner: owner, asset: .star, amount: amount, purpose: purpose))
        } catch {
            throw Failure(error)
        }
    }

    /// Frees an offer's bond: what is left of it.
    mutating func freeBond(_ offer: OfferEntry) {
        guard offer.bond > .zero else { return }
        self.free(HoldID.of(Self.bondPurpose, offer.id.digest, self.salt))
    }

    /// Frees a hold that is there.
    mutating func free(_ id: HoldID) {
        do throws(Hold.Rejection) {
            try self.ledger.voidHold(id)
        } catch {
            self.breakBooks("bond cannot be freed: \(error.code.name)")
        }
    }

    /// Takes `amount` out of a hold: to the reporter, to the cover, the rest burned.
    ///
    /// Who reports itself, or may receive nothing, gets nothing: its part is burned, too.
    ///
    /// - Returns: how it was divided.
    mutating func slash(
        _ amount: Amount, of id: HoldID, owner: AccountID, reporter: AccountID?
    ) -> SlashSplit {
        var split = SlashSplit.split(
            amount, hasReporter: reporter != nil && reporter != owner, self.parameters)
        if let reporter, split.reporter > .zero, !self.post(split.reporter, of: id, to: reporter) {
            split = SlashSplit.split(amount, hasReporter: false, self.parameters)
        }
        if split.cover > .zero, !self.post(split.cover, of: id, to: ModuleAccount.cover) {
            self.breakBooks("a slash cannot be paid to the cover account")
        }
        self.burn(split.burned, of: id)
        return split
    }

    /// Burns `amount` out of a hold.
    mutating func burn(_ amount: Amount, of id: HoldID) {
        guard amount > .zero else { return }
        if !self.post(amount, of: id, to: .issuance(of: .star)) {
            self.breakBooks("a slash cannot be burned")
        }
    }

    private mutating func post(_ amount: Amount, of id: HoldID, to target: AccountID) -> Bool {
        do throws(Hold.Rejection) {
            try self.ledger.postHold(id, amount, to: target)
            return true
        } catch {
            return false
        }
    }

    // MARK: Sums

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
