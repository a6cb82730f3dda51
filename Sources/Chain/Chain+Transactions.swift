import Economy
import Ledger
internal import OrderedCollections
import Primitives

extension Chain {
    /// A transaction made here may be included this long, unless the request says otherwise.
    static let validForMs: UInt64 = 60_000

    mutating func onWallets(_ keys: [PublicKey], _ outbox: inout Outbox<Effect>) {
        self.wallets.removeAll()
        for key in keys { self.wallets[AccountID.of(key: key)] = Policy(key) }
        self.watchAll()
        self.tellDuties(&outbox)
    }

    /// The price and time of the next block, if it came now.
    func nextLedger() -> (LedgerState, FeePrice)? {
        do throws(StateFault) {
            guard var chain = try self.tip.stack.read(LedgerTables.chain, 0) else { return nil }
            let parent = self.tip.header.timeMs
            let step = self.wallMs > parent ? min(self.wallMs - parent, Header.stepMsMax) : 1
            chain.advance(
                past: self.tip.id, elapsedMs: max(step, 1), self.genesis.ledger, self.salt)
            let ledger = LedgerState(
                on: self.tip.stack, parameters: self.genesis.ledger, time: chain.time)
            return (ledger, chain.baseFee.price(self.genesis.ledger))
        } catch {
            return nil
        }
    }

    // MARK: Submit

    mutating func onSubmit(
        _ bytes: [UInt8], _ token: Token, _ outbox: inout Outbox<Effect>
    ) {
        do throws(DecodeError) {
            let transaction = try Transaction(wire: bytes)
            self.admit(transaction, bytes.count, token, &outbox)
        } catch {
            let refusal = Refusal(.transactionMalformed, "\(error)")
            outbox.append(.rejected(token: token, refusal))
        }
    }

    /// The cheap checks; signatures go to the pool.
    private mutating func admit(
        _ transaction: Transaction, _ bytes: Int, _ token: Token,
        _ outbox: inout Outbox<Effect>
    ) {
        let id = transaction.id(self.salt)
        do throws(Refusal) {
            guard self.batches.count < Self.requestsMax else {
                throw Refusal(.tooManyRequests, "too many signatures wait to be checked")
            }
            try self.mempool.mayInsert(transaction, id)
            guard let next = self.nextLedger() else {
                throw Refusal(.stateUnreadable, "the state cannot be read")
            }
            var ledger = next.0
            let price = next.1
            let checks: [Ledger.SignatureCheck]
            do throws(InclusionFault) {
                checks = try ledger.check(transaction, price: price)
            } catch {
                throw Refusal(error, self.explain(error, transaction, price))
            }
            let batch = self.nextBatch
            self.nextBatch += 1
            let list = checks.map {
                SignatureCheck(key: $0.key, signature: $0.signature, digest: $0.message)
            }
            self.batches[batch] = .transaction(
                transaction, id, bytes: bytes, checks: list, token: token)
            outbox.append(.checkSignatures(batch: batch, checks: list))
        } catch {
            self.reject(id, token, error, &outbox)
        }
    }

    /// Answers whoever waits for the transaction.
    private mutating func reject(
        _ id: TransactionID, _ token: Token, _ refusal: Refusal, _ outbox: inout Outbox<Effect>
    ) {
        for token in [token] + (self.echoes.removeValue(forKey: id) ?? []) {
            outbox.append(.rejected(token: token, refusal))
        }
    }

    /// After a block: what can never be included goes, and whether anything can be is noted.
    ///
    /// - Bounds: the best `admissibleMax` are looked at; every node finds the same.
    mutating func sift() {
        guard self.mempool.count > 0, let next = self.nextLedger() else { return }
        var ledger = next.0
        var isIdle = true
        for id in self.mempool.best(Self.admissibleMax) {
            guard let entry = self.mempool[id] else { continue }
            do throws(InclusionFault) {
                _ = try ledger.check(entry.transaction, price: next.1)
                isIdle = false
            } catch {
                if Self.isLasting(error) { self.mempool.remove(id) }
            }
        }
        self.mempoolIsIdle = isIdle && self.mempool.count <= Self.admissibleMax
    }

    private static let admissibleMax = 64

    private func explain(
        _ fault: InclusionFault, _ transaction: Transaction, _ price: FeePrice
    ) -> String {
        switch fault {
        case .expired:
            "valid until \(transaction.validUntil.ms), ledger time is \(self.tip.time.ms)"
        case .feeBelowMinimum: "the base fee is \(price.motes) motes for a million units of weight"
        case .feeNotFunded: "the account cannot hold maxFee"
        case .nonceUsedOrVoid: "nonce \(transaction.nonce) is used or void"
        case .nonceTooHigh: "nonce \(transaction.nonce) is beyond the window"
        case .versionUnknown, .operationsMissing, .operationsTooMany, .operationsTooLarge,
            .accountIsModule, .policyMissing, .policyDiffers, .policyInvalid, .signersNotInPolicy,
            .signatureCountDiffers, .weightBelowThreshold, .depositNotFunded, .stateUnavailable,
            .signatureInvalid:
            fault.code.name
        }
    }

    mutating func onChecked(
        _ batch: UInt64, _ verdicts: [Bool], _ outbox: inout Outbox<Effect>
    ) {
        guard let waiting = self.batches.removeValue(forKey: batch) else { return }
        let isRight = !verdicts.isEmpty && verdicts.allSatisfy { $0 }
        switch waiting {
        case .block(let id): self.blockChecked(id, isRight, &outbox)
        case .transaction(let transaction, let id, let bytes, let checks, let token):
            guard isRight else {
                let refusal = Refusal(InclusionFault.signatureInvalid, "a signature is wrong")
                return self.reject(id, token, refusal, &outbox)
            }
            do throws(Refusal) {
                try self.mempool.mayInsert(transaction, id)
            } catch {
                return self.reject(id, token, error, &outbox)
            }
            self.mempool.insert(transaction, id, bytes: bytes, checks: checks)
            self.mempoolIsIdle = false
            for token in [token] + (self.echoes.removeValue(forKey: id) ?? []) {
                outbox.append(
                    .accepted(token: token, id: id, transaction: transaction.canonicalBytes))
            }
        }
    }

    // MARK: Prepare

    mutating func onPrepare(
        _ wanted: Preparation, _ token: Token, _ outbox: inout Outbox<Effect>
    ) {
        do throws(Refusal) {
            var operations: [OperationBytes] = []
            for (index, json) in wanted.operations.enumerated() {
                do throws(FieldError) {
                    operations.append(
                        try OperationCatalogue.parse(json, at: "operations[\(index)]"))
                } catch {
                    throw Refusal(
                        .operationInvalid,
                        "\(error.path): expected \(error.expected), found \(error.found)")
                }
            }
            try self.make(operations, wanted, token, &outbox)
        } catch {
            outbox.append(.rejected(token: token, error))
        }
    }

    /// Nonce, expiry, fee; then what the mode asks for.
    mutating func make(
        _ operations: [OperationBytes], _ wanted: Preparation, _ token: Token,
        _ outbox: inout Outbox<Effect>
    ) throws(Refusal) {
        guard !operations.isEmpty, operations.count <= Transaction.operationsMax else {
            throw Refusal(
                .operationInvalid, "1...\(Transaction.operationsMax) operations are needed")
        }
        guard self.requests.count < Self.requestsMax, self.requests[token] == nil else {
            throw Refusal(.tooManyRequests, "too many requests wait for the wallet")
        }
        let (policy, isNew, nonce) = try self.payer(wanted.account)
        let step = self.wallMs > self.tip.header.timeMs ? self.wallMs - self.tip.header.timeMs : 0
        let ahead = min(step, Header.stepMsMax)
        let validFor = wanted.validForMs ?? Self.validForMs
        let (length, overflow) = validFor.addingReportingOverflow(ahead)
        var transaction = Transaction(
            account: wanted.account, nonce: nonce,
            validUntil: self.tip.time.adding(ms: overflow ? .max : length)
                ?? LedgerTime(ms: .max),
            maxFee: .zero, tip: wanted.tip ?? .zero, operations: operations,
            policy: isNew ? policy : nil)
        let trial = try self.simulate(&transaction, policy, wanted.maxFee)
        if wanted.mode == .simulate {
            outbox.append(.prepared(token: token, self.json(trial)))
            return
        }
        if case .rejected(let code, let operation) = trial.receipt.outcome {
            let name = OperationCatalogue.name(ofCode: code)
            let place = operation == Outcome.whole ? "" : "operations[\(operation)]: "
            throw Refusal(
                code: code, name: name,
                text: place + (trial.explanation.isEmpty ? name : trial.explanation))
        }
        if wanted.mode == .bytes {
            outbox.append(
                .prepared(
                    token: token,
                    .object(
                        ("transaction", .string(Hex.encode(transaction.canonicalBytes))),
                        ("digest", transaction.signingDigest(self.salt).json),
                        ("id", transaction.id(self.salt).json),
                        ("maxFee", transaction.maxFee.json), ("nonce", transaction.nonce.json))))
            return
        }
        guard self.wallets[wanted.account] != nil else {
            throw Refusal(.accountNotInWallet, "the wallet has no key of \(wanted.account.short)")
        }
        self.requests[token] = Request(transaction: transaction, policy: policy)
        outbox.append(
            .sign(
                account: wanted.account, digest: transaction.signingDigest(self.salt),
                token: token))
    }

    /// The policy in force, whether this is the account's first transaction, and a free nonce.
    private func payer(
        _ account: AccountID
    ) throws(Refusal) -> (policy: Policy, isNew: Bool, nonce: UInt64) {
        let found: Account?
        do throws(StateFault) {
            found = try self.tip.stack.read(LedgerTables.accounts, account)
        } catch {
            throw Refusal(.stateUnreadable, "\(error)")
        }
        guard let policy = found?.policy ?? self.wallets[account] else {
            throw Refusal(
                .accountNotInWallet,
                "\(account.short) has not sent anything yet, and the wallet has no key of it")
        }
        let window = found?.nonces ?? NonceWindow()
        for offset in 0..<NonceWindow.width {
            let (nonce, overflow) = window.base.addingReportingOverflow(offset)
            if overflow { break }
            let isUsed = window.used >> offset & 1 == 1
            let isTaken =
                self.mempool.has(account, nonce)
                || self.requests.values.contains {
                    $0.transaction.account == account && $0.transaction.nonce == nonce
                }
                || self.batches.values.contains { batch in
                    guard case .transaction(let other, _, _, _, _) = batch else { return false }
                    return other.account == account && other.nonce == nonce
                }
            if !isUsed, !isTaken { return (policy, found == nil, nonce) }
        }
        throw Refusal(.nonceWindowFull, "64 transactions of the account wait: let some be final")
    }

    mutating func onSigned(
        _ token: Token, _ signature: KeySignature?, _ outbox: inout Outbox<Effect>
    ) {
        guard let request = self.requests.removeValue(forKey: token) else { return }
        var transaction = request.transaction
        guard let signature,
            let index = request.policy.keys.firstIndex(where: { $0.key == signature.key })
        else {
            let refusal = Refusal(.notSigned, "the wallet did not sign")
            return self.reject(transaction.id(self.salt), token, refusal, &outbox)
        }
        transaction.authorisation = Authorisation(
            signers: 1 << UInt16(truncatingIfNeeded: index), signatures: [signature.signature])
        self.admit(transaction, transaction.canonicalBytes.count, token, &outbox)
    }

    // MARK: Simulation

    /// What a transaction would do in the next block.
    struct Trial {
        let receipt: Receipt
        let explanation: String
    }

    /// Runs the transaction on the final state with all that the account can pay; then sets maxFee
    /// to what was asked for, or to twice what it cost and a little.
    private func simulate(
        _ transaction: inout Transaction, _ policy: Policy, _ maxFee: Amount?
    ) throws(Refusal) -> Trial {
        let wall = max(self.wallMs, self.tip.header.timeMs)
        let plan = BlockPlan(
            epoch: self.tip.header.epoch, view: self.tip.header.view, timeMs: wall,
            proposer: self.tip.header.proposer, reveal: .zero)
        var run: BlockRun
        do throws(BlockFault) {
            run = try BlockRun(
                plan, on: self.tip.header, stack: self.tip.stack, genesis: self.genesis,
                kernels: self.tip.kernels, simulates: true)
        } catch {
            throw Refusal(.stateUnreadable, "\(error)")
        }
        let funds = run.state.balance(of: transaction.account, .star)
        // Half of the funds bounds the trial; the other half is there for the operations.
        let half = funds.mulDiv(1, 2, .down) ?? .zero
        let most = min(half, Amount(100 * Amount.motesPerStar))
        transaction.maxFee = maxFee ?? most
        transaction.authorisation = Self.dummy(policy)
        do throws(InclusionFault) {
            _ = try run.include(transaction)
        } catch {
            throw Refusal(error, self.explain(error, transaction, run.price))
        }
        transaction.authorisation = .blank
        guard let receipt = run.receipts.first else {
            throw Refusal(.stateUnreadable, "no receipt")
        }
        if maxFee == nil {
            // Twice what it cost and a little: prices and row counts move until it is final.
            let twice = receipt.burned.mulDiv(2, 1, .up) ?? .maxSupply
            let wanted = (twice + run.price.fee(1_000)).flatMap { $0 + receipt.tip } ?? .maxSupply
            transaction.maxFee = min(wanted, max(most, receipt.fee))
        }
        return Trial(receipt: receipt, explanation: run.state.explanation)
    }

    /// As many signatures as the real one will have.
    private static func dummy(_ policy: Policy) -> Authorisation {
        var out = Authorisation.blank
        var weight: UInt32 = 0
        for (index, key) in policy.keys.enumerated() where weight < policy.threshold {
            out.signers |= 1 << UInt16(truncatingIfNeeded: index)
            out.signatures.append(.blank)
            weight += UInt32(key.weight)
        }
        return out
    }
}
