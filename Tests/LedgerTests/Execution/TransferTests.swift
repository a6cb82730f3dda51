import Ledger
import Primitives
import Testing

@Suite struct TransferTests {
    /// Each row breaks one rule more than those above it allow; the first broken rule answers.
    @Test func rejectsInOrder() throws {
        var state = block(on: try genesis())
        let vault = state.openModule("vault")
        let credential = Blake2b.hash(.asset, .none, [1])
        var rules = AssetRules()
        func move(
            _ amount: UInt64, _ asset: AssetID = gold, from: AccountID = aliceID,
            to: AccountID = bobID
        ) -> Transfer.Rejection? {
            let before = state.changes
            do throws(Transfer.Rejection) {
                try state.transferPlainly(Transfer(Amount(amount), of: asset, from: from, to: to))
                return nil
            } catch {
                #expect(state.changes == before, "a rejection changes nothing")
                return error
            }
        }
        #expect(move(0, to: aliceID) == .amountIsZero)
        #expect(move(1, to: aliceID) == .sourceIsTarget)
        #expect(move(1, AssetID(credential)) == .assetNotFound)
        #expect(move(1, to: vault) == .targetIsModule)
        #expect(move(1, to: .issuance(of: gold)) == .targetIsModule)
        #expect(move(1, .star, to: .issuance(of: .star)) == .targetIsModule)
        rules.isFrozen = true
        try state.setRules(rules, of: gold)
        #expect(move(1) == .assetIsFrozen)
        rules.isFrozen = false
        rules.credential = credential
        rules.holdingMax = Amount(400)
        try state.setRules(rules, of: gold)
        try state.setFrozen(true, aliceID, gold)
        #expect(move(501) == .sourceIsFrozen)
        try state.setFrozen(false, aliceID, gold)
        try state.setFrozen(true, bobID, gold)
        #expect(move(501) == .targetIsFrozen)
        try state.setFrozen(false, bobID, gold)
        #expect(move(501) == .credentialMissing)
        state[LedgerTables.facts, FactKey(bobID, credential)] = Fact(
            validUntil: LedgerTime(ms: 1999))
        #expect(move(501) == .credentialMissing)
        state[LedgerTables.facts, FactKey(bobID, credential)] = Fact(
            validUntil: LedgerTime(ms: 2000))
        #expect(move(501) == .insufficientFunds)
        #expect(move(401) == .holdingAboveMax)
        #expect(move(400) == nil)
        #expect(state.balance(of: bobID, gold).amount == Amount(400))
        // A module needs neither credential nor cap, and may be paid by a module's right.
        try state.transfer(Transfer(Amount(100), of: gold, from: aliceID, to: vault))
        #expect(throws: Transfer.Rejection.supplyAboveMax) {
            try state.mint(Amount(501), of: gold, to: vault)
        }
        try state.mint(Amount(500), of: gold, to: vault)
        #expect(throws: Transfer.Rejection.insufficientFunds) {
            try state.burn(Amount(601), of: gold, from: vault)
        }
        try state.burn(Amount(600), of: gold, from: vault)
        #expect(state[LedgerTables.balances, Holding(vault, gold)] == nil)
        #expect(state[LedgerTables.assets, gold]?.issued == Amount(400))
        #expect(state.checkConservation() == [])
        #expect(try state.seal().stack.recount() == [])
    }

    /// No amount traps.
    @Test func extremesDoNotTrap() throws {
        var state = block(on: try genesis())
        let rest = (Amount.maxSupply - Amount(1_000_000)).proven("less than the supply")
        try state.mint(rest, of: .star, to: bobID)
        #expect(throws: Transfer.Rejection.supplyAboveMax) {
            try state.mint(Amount(1), of: .star, to: aliceID)
        }
        for amount in [Amount.maxSupply, Amount(UInt64.max), Amount(1)] {
            for source in [aliceID, bobID, carolID] {
                for target in [aliceID, bobID, carolID, .issuance(of: .star)] {
                    do throws(Transfer.Rejection) {
                        try state.transfer(Transfer(amount, of: .star, from: source, to: target))
                    } catch {}
                    #expect(state.checkConservation() == [])
                }
            }
        }
    }

    @Test func postsAllOrNone() throws {
        var state = block(on: try genesis())
        #expect(throws: Transfer.Rejection.insufficientFunds) {
            try state.post(
                Transfer(Amount(10), of: gold, from: aliceID, to: bobID),
                Transfer(Amount(11), of: gold, from: bobID, to: carolID))
        }
        #expect(state.changes.isEmpty)
    }

    @Test func holdsLockPostAndVoid() throws {
        var state = block(on: try genesis())
        let id = HoldID.of(7, .zero, salt)
        let hold = Hold(owner: aliceID, asset: gold, amount: Amount(300), purpose: 7)
        try state.placeHold(id, hold)
        #expect(throws: Hold.Rejection.holdExists) { try state.placeHold(id, hold) }
        #expect(throws: Transfer.Rejection.insufficientFunds) {
            try state.transferPlainly(Transfer(Amount(201), of: gold, from: aliceID, to: bobID))
        }
        #expect(throws: Hold.Rejection.ownerHasTooLittle) {
            try state.placeHold(
                HoldID(.zero), Hold(owner: aliceID, asset: gold, amount: Amount(201), purpose: 1))
        }
        #expect(throws: Hold.Rejection.amountAboveHold) {
            try state.postHold(id, Amount(301), to: bobID)
        }
        #expect(throws: Hold.Rejection.amountIsZero) { try state.postHold(id, .zero, to: bobID) }
        try state.postHold(id, Amount(100), to: bobID)
        try state.postHold(id, Amount(50), to: .issuance(of: gold))
        try state.postHold(id, Amount(20), to: aliceID)
        try state.extendHold(id, by: Amount(5))
        #expect(state[LedgerTables.holds, id]?.amount == Amount(135))
        #expect(state.balance(of: aliceID, gold).held == Amount(135))
        #expect(state.checkConservation() == [])
        try state.setFrozen(true, bobID, gold)
        let before = state.changes
        #expect(throws: Hold.Rejection.transfer(.targetIsFrozen)) {
            try state.postHold(id, Amount(1), to: bobID)
        }
        #expect(state.changes == before)
        try state.voidHold(id)
        #expect(throws: Hold.Rejection.holdNotFound) { try state.voidHold(id) }
        #expect(state.balance(of: aliceID, gold).available == Amount(350))
        #expect(try state.seal().stack.recount() == [])
    }
}
