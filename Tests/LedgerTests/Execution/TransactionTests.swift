import Ledger
import Primitives
import Testing

@Suite struct TransactionTests {
    /// Runs one transaction with one operation.
    private func run(
        _ state: inout LedgerState, _ transaction: Transaction,
        _ body: (inout LedgerState) -> UInt16? = { _ in nil }
    ) throws -> Receipt {
        let checks = try state.beginTransaction(transaction, price: price, proposer: carolID)
        #expect(!checks.isEmpty && checks.allSatisfy(\.isValid))
        state.beginOperation(bytes: 1)
        if let code = body(&state) {
            return state.finishTransaction(.rejected(code: code, operation: 0))
        }
        do throws(ExecutionRejection) {
            try state.commitOperation()
        } catch {
            return state.finishTransaction(.rejected(code: error.rawValue, operation: 0))
        }
        return state.finishTransaction(.ok)
    }

    @Test func chargesFeeDepositAndTip() throws {
        var state = block(on: try genesis())
        let receipt = try self.run(&state, transaction(0)) { state in
            do throws(Transfer.Rejection) {
                try state.transferPlainly(Transfer(Amount(7), of: .star, from: aliceID, to: bobID))
            } catch { return error.rawValue }
            state.emit(Event(kind: 1, bytes: [1, 2]))
            return nil
        }
        #expect(receipt.outcome == .ok)
        #expect(receipt.events == [Event(kind: 1, bytes: [1, 2])])
        #expect(receipt.tip == Amount(10) && receipt.burned == Amount(receipt.weight))
        // Envelope: 2 reads, 3 writes. Operation: asset, module row, two balances; two balances
        // written.
        #expect(receipt.weight == 220 + 4 * 80 + 2 * 20)
        // Two rows were made: alice's account and bob's balance. Carol's, by the ledger, is free.
        let left = (Amount(1_000_000 - 7 - 200 - 10 as UInt64) - receipt.burned).proven("enough")
        #expect(state.balance(of: aliceID, .star).amount == left)
        #expect(state.balance(of: aliceID, .star).held == .zero)
        #expect(state.balance(of: carolID, .star).amount == Amount(10))
        let stack = try state.seal().stack
        #expect(try deposits(stack) == 200)
        #expect(try stack.recount() == [])
        #expect(try stack.read(LedgerTables.accounts, aliceID)?.nonces.base == 1)
    }

    @Test func aFailedTransactionChangesOnlyFeeAndNonce() throws {
        let stack = try genesis()
        var state = block(on: stack)
        let receipt = try self.run(&state, transaction(0)) { state in
            state[notes, 1] = Note(bytes: [1])
            state.emit(Event(kind: 1, bytes: []))
            return 1234
        }
        #expect(receipt.outcome == .rejected(code: 1234, operation: 0))
        #expect(receipt.events.isEmpty && receipt.burned > .zero && receipt.tip == Amount(10))
        let sealed = try state.seal()
        #expect(try sealed.stack.read(notes, 1) == nil)
        #expect(try sealed.stack.recount() == [])
        // Account, alice's and carol's coins, the coin.
        #expect(sealed.layer.writes.count == 4)
        #expect(try deposits(sealed.stack) == 100)
    }

    @Test func depositsReturnToWhoPaid() throws {
        var state = block(on: try genesis())
        _ = try self.run(&state, transaction(0)) { state in
            for number in UInt64(0)..<5 { state[notes, number] = Note(bytes: [1]) }
            return nil
        }
        try state.mint(Amount(20_000), of: .star, to: bobID)
        let before = state.balance(of: aliceID, .star).amount
        // Bob deletes three rows of alice's, makes one again and one of his own.
        _ = try self.run(&state, transaction(0, from: bob)) { state in
            for number in UInt64(0)..<3 { state[notes, number] = nil }
            state[notes, 0] = Note(bytes: [2])
            state[notes, 9] = Note(bytes: [9])
            state[notes, 10] = Note(bytes: [9])
            state[notes, 10] = nil
            return nil
        }
        #expect(state.balance(of: aliceID, .star).amount == (before + Amount(200)))
        let bobs = state.balance(of: bobID, .star).amount
        state[notes, 9] = nil  // The system deletes: the payer is refunded, too.
        let stack = try state.seal().stack
        #expect(try stack.recount() == [])
        // Alice's account, notes 0, 3 and 4; bob's account.
        #expect(try deposits(stack) == 500)
        #expect(
            try stack.read(LedgerTables.balances, Holding(bobID, .star))?.amount
                == (bobs + Amount(100)))
    }

    @Test func depositsThatCannotBePaidRejectTheWhole() throws {
        var state = block(on: try genesis())
        let receipt = try self.run(&state, transaction(0, maxFee: 999_700)) { state in
            for number in UInt64(0)..<3 { state[notes, number] = Note(bytes: [1]) }
            return nil
        }
        let code = ExecutionRejection.depositNotFunded.rawValue
        #expect(receipt.outcome == .rejected(code: code, operation: 255))
        #expect(state[notes, 0] == nil)
        #expect(try state.seal().stack.recount() == [])
    }

    @Test func theLastMoteCanBeSpent() throws {
        var state = block(on: try genesis())
        // Alice empties her coins, bob's new row gets the deposit, then he empties his.
        _ = try self.run(&state, transaction(0)) { state in
            do throws(Transfer.Rejection) {
                try state.transferPlainly(
                    Transfer(Amount(989_800), of: .star, from: aliceID, to: bobID))
            } catch { return error.rawValue }
            return nil
        }
        let receipt = try self.run(&state, transaction(0, from: bob)) { state in
            let rest = state.balance(of: bobID, .star).available
            do throws(Transfer.Rejection) {
                try state.transferPlainly(Transfer(rest, of: .star, from: bobID, to: aliceID))
            } catch { return error.rawValue }
            return nil
        }
        #expect(receipt.outcome == .ok)
        #expect(try state.seal().stack.recount() == [])
    }

    @Test func weightAboveMaxFeeIsRejected() throws {
        var state = block(on: try genesis())
        let receipt = try self.run(&state, transaction(0)) { state in
            #expect(state.canAfford(gas: 1_000_000))
            #expect(!state.canAfford(gas: 10_000_000))
            state.charge(gas: 10_000_000)
            state[notes, 1] = Note(bytes: [1])
            return nil
        }
        let code = ExecutionRejection.weightAboveMaxFee.rawValue
        #expect(receipt.outcome == .rejected(code: code, operation: 0))
        #expect(receipt.fee == Amount(10_000))
        #expect(receipt.weight == 10_220)
        #expect(state[notes, 1] == nil)
    }

    @Test func largeValuesAndManyEventsAreRejected() throws {
        var state = block(on: try genesis())
        let large = try self.run(&state, transaction(0, maxFee: 100_000)) { state in
            state[notes, 1] = Note(bytes: [UInt8](repeating: 0, count: 2040))
            return nil
        }
        #expect(large.outcome == .rejected(code: 51, operation: 0))
        let many = try self.run(&state, transaction(1, maxFee: 100_000)) { state in
            for _ in 0..<65 { state.emit(Event(kind: 1, bytes: [])) }
            return nil
        }
        #expect(many.outcome == .rejected(code: 53, operation: 0))
        let fine = try self.run(&state, transaction(2, maxFee: 100_000)) { state in
            state[notes, 1] = Note(bytes: [UInt8](repeating: 0, count: 2005))
            return nil
        }
        #expect(fine.outcome == .ok)
    }

    /// Each row breaks one rule; nothing is changed.
    @Test func inclusionFaultsInOrder() throws {
        func fault(_ state: inout LedgerState, _ change: (inout Transaction) -> Void)
            -> InclusionFault?
        {
            var bad = transaction(5)
            change(&bad)
            let before = state.changes
            do throws(InclusionFault) {
                _ = try state.beginTransaction(bad, price: price, proposer: carolID)
                return nil
            } catch {
                #expect(state.changes == before)
                #expect(state.systemWeight == Weight(), "candidates leave no weight behind")
                return error
            }
        }
        var state = block(on: try genesis())
        let other = Policy(bob.publicKey)
        var broken = Policy(alice.publicKey)
        broken.threshold = 2
        let brokenID = AccountID.of(policy: broken)
        #expect(fault(&state) { $0.version = 2 } == .versionUnknown)
        #expect(fault(&state) { $0.operations = [] } == .operationsMissing)
        #expect(
            fault(&state) {
                $0.operations = [OperationBytes](repeating: $0.operations[0], count: 17)
            }
                == .operationsTooMany)
        let half = OperationBytes([UInt8](repeating: 0, count: 300 * 1024))
        #expect(fault(&state) { $0.operations = [half, half] } == .operationsTooLarge)
        #expect(fault(&state) { $0.validUntil = LedgerTime(ms: 1999) } == .expired)
        #expect(fault(&state) { $0.account = .module("bank") } == .accountIsModule)
        #expect(fault(&state) { $0.policy = nil } == .policyMissing)
        #expect(fault(&state) { $0.policy = other } == .policyDiffers)
        #expect(fault(&state) { ($0.policy, $0.account) = (broken, brokenID) } == .policyInvalid)
        #expect(fault(&state) { $0.authorisation.signers = 2 } == .signersNotInPolicy)
        #expect(fault(&state) { $0.authorisation.signatures = [] } == .signatureCountDiffers)
        #expect(fault(&state) { $0.authorisation = .blank } == .weightBelowThreshold)
        #expect(fault(&state) { $0.nonce = 128 } == .nonceTooHigh)
        #expect(fault(&state) { $0.maxFee = Amount(229) } == .feeBelowMinimum)
        #expect(fault(&state) { $0.tip = .maxSupply } == .feeBelowMinimum)
        #expect(fault(&state) { $0.maxFee = Amount(1_000_001) } == .feeNotFunded)
        #expect(fault(&state) { $0.maxFee = Amount(999_901) } == .depositNotFunded)
        _ = try self.run(&state, transaction(5))
        #expect(throws: InclusionFault.nonceUsedOrVoid) {
            _ = try state.check(transaction(5), price: price)
        }
    }

    @Test func rotatedKeysAloneSign() throws {
        var state = block(on: try genesis())
        _ = try self.run(&state, transaction(0)) { state in
            let sorted = [bob.publicKey, carol.publicKey].sorted()
            let policy = Policy(
                threshold: 3,
                keys: [
                    WeightedKey(key: sorted[0], weight: 1), WeightedKey(key: sorted[1], weight: 2),
                ])
            do throws(Policy.Rejection) {
                try state.changePolicy(of: aliceID, to: policy)
            } catch { return error.rawValue }
            return nil
        }
        let policy = try #require(state[LedgerTables.accounts, aliceID]?.policy)
        // The old signature has the form of one signer of the new policy.
        #expect(throws: InclusionFault.weightBelowThreshold) {
            _ = try state.check(transaction(1), price: price)
        }
        var next = transaction(1)
        next.sign([carol, bob], under: policy, salt)
        let checks = try state.check(next, price: price)
        #expect(checks.count == 2 && checks.allSatisfy(\.isValid))
        next.maxFee = Amount(10_001)
        #expect(try state.check(next, price: price).allSatisfy { !$0.isValid })
    }

    /// Another chain has other ids and digests.
    @Test func isBoundToItsChain() throws {
        let other = ChainSalt(GenesisID(.last))
        let one = transaction(0)
        #expect(one.id(salt) != one.id(other))
        let checks = try one.checks(under: Policy(alice.publicKey), other)
        #expect(checks.allSatisfy { !$0.isValid })
        #expect(one.id(salt).digest != one.signingDigest(salt))
        var resigned = one
        resigned.authorisation.signatures = [.blank]
        #expect(resigned.id(salt) == one.id(salt))
        let root = Body(evidence: [], transactions: [one]).root(salt)
        #expect(Body(evidence: [], transactions: [resigned]).root(salt) != root)
    }

    @Test func sameBlockSameRoot() throws {
        let stack = try genesis()
        func run(_ extra: Bool) throws -> Digest {
            var state = block(on: stack)
            for nonce in UInt64(0)..<20 {
                if extra { _ = try state.check(transaction(nonce, from: alice), price: price) }
                _ = try self.run(&state, transaction(nonce)) { state in
                    state[notes, nonce % 7] = Note(bytes: [UInt8(nonce)])
                    return nonce.isMultiple(of: 5) ? 1 : nil
                }
            }
            return try state.seal().stack.root
        }
        #expect(try run(false) == run(true))
    }

    @Test func aDamagedRowIsNoVerdict() throws {
        let stack = try genesis()
        var rows = MemoryState()
        rows.fold(stack.folding(stack.layers.count))
        let holding = LedgerTables.balances.keyBytes(Holding(aliceID, .star))
        let path = StateRow.path(of: holding, salt: salt)
        let bad = StateRow(key: holding, value: [0, 1, 2], leaf: .zero)
        rows.fold([StateWrite(path: path, row: bad)])
        var state = block(on: StateStack(base: rows, tree: stack.tree, salt: salt))
        #expect(throws: InclusionFault.stateUnavailable) {
            _ = try state.beginTransaction(transaction(0), price: price, proposer: carolID)
        }
        #expect(state.fault == .damaged(path: path))
        #expect(throws: SealFault.state(.damaged(path: path))) { try state.seal() }
    }
}
