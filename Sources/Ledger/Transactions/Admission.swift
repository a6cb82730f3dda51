import Primitives

/// What the checks before execution found.
struct Admission: Sendable {
    let account: Account
    let isNew: Bool
    let units: UInt64
    let checks: [SignatureCheck]
}

extension Transaction {
    /// The weight before any operation: signatures, the rows of payer and nonce.
    ///
    /// Bytes of operations count in their operations.
    package var envelopeWeight: Weight {
        var weight = Weight()
        weight.signatures = UInt64(self.authorisation.signatures.count)
        weight.reads = 2
        weight.writes = 3
        return weight
    }

    /// Checks of the form alone, without state.
    package func checkForm() throws(InclusionFault) {
        guard self.version == Self.version else { throw .versionUnknown }
        guard !self.operations.isEmpty else { throw .operationsMissing }
        guard self.operations.count <= Self.operationsMax else { throw .operationsTooMany }
        let bytes = self.operations.reduce(0) { $0 + $1.bytes.count }
        guard bytes <= OperationBytes.bytesMax else { throw .operationsTooLarge }
    }

    /// The policy whose keys must have signed, of an account or, for its first transaction, as
    /// revealed.
    func policy(of account: Account?) throws(InclusionFault) -> Policy {
        guard account?.kind != .module else { throw .accountIsModule }
        if let revealed = self.policy {
            guard AccountID.of(policy: revealed) == self.account else { throw .policyDiffers }
            do throws(Policy.Rejection) {
                try revealed.check()
            } catch {
                throw .policyInvalid
            }
        }
        if let current = account?.policy { return current }
        guard let revealed = self.policy else { throw .policyMissing }
        return revealed
    }
}

extension LedgerState {
    /// The cheap checks before inclusion, in order: form, time, policy, nonce, fee and its funding.
    ///
    /// For a mempool: on a copy or on the state itself, which only caches what it read.
    ///
    /// - Returns: the signatures still to be verified.
    /// - Throws: the first failing check.
    package mutating func check(
        _ transaction: Transaction, price: FeePrice
    ) throws(InclusionFault) -> [SignatureCheck] {
        try self.admit(transaction, price: price).checks
    }

    mutating func admit(
        _ transaction: Transaction, price: FeePrice
    ) throws(InclusionFault) -> Admission {
        try transaction.checkForm()
        guard self.time <= transaction.validUntil else { throw .expired }
        self.isMetering = false
        defer { self.isMetering = true }
        let found = self[LedgerTables.accounts, transaction.account]
        let balance = self.balance(of: transaction.account, .star)
        guard self.fault == nil else { throw .stateUnavailable }
        let policy = try transaction.policy(of: found)
        let checks = try transaction.checks(under: policy, self.salt)
        let account = found ?? Account(kind: .user, policy: policy)
        try account.nonces.check(transaction.nonce)
        let units = transaction.envelopeWeight.units
        let minimum = price.fee(units) + transaction.tip
        guard let minimum, minimum <= transaction.maxFee else { throw .feeBelowMinimum }
        guard let rest = balance.available - transaction.maxFee else { throw .feeNotFunded }
        if found == nil {
            guard rest >= Amount(self.parameters.entryDeposit) else { throw .depositNotFunded }
        }
        return Admission(account: account, isNew: found == nil, units: units, checks: checks)
    }
}
