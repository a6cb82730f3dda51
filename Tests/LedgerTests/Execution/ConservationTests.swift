import Ledger
import Primitives
import Testing

/// Bugs planted through a table of the same tag: each trips its invariant, in the block and in a
/// recount.
@Suite struct ConservationTests {
    private func plant(
        _ bug: (inout LedgerState) -> Void, _ expected: [InvariantViolation]
    ) throws {
        var state = block(on: try genesis())
        try state.placeHold(
            HoldID(.zero), Hold(owner: aliceID, asset: gold, amount: Amount(30), purpose: 1))
        #expect(state.checkConservation() == [])
        bug(&state)
        #expect(state.checkConservation() == expected)
        let writes = state.changes.map { change in
            StateWrite(
                path: change.path,
                row: change.after.map {
                    StateRow(key: change.key, value: [0] + $0, salt: salt)
                })
        }
        let stack = try state.stack.pushing(StateLayer(sorted: writes))
        #expect(try stack.recount() == expected)
        #expect(throws: SealFault.invariants(expected)) { try state.seal() }
    }

    @Test func balanceFromNothing() throws {
        try self.plant(
            { state in
                var balance = state.balance(of: bobID, gold)
                balance.amount = Amount(1)
                state[LedgerTables.balances, Holding(bobID, gold)] = balance
            }, [.issuedDiffers(gold)])
    }

    @Test func issuedWithoutBalance() throws {
        try self.plant(
            { state in state[LedgerTables.assets, gold]?.issued = Amount(501) },
            [.burnedDiffers(gold), .issuedDiffers(gold)])
    }

    @Test func burnedWithoutBurning() throws {
        try self.plant(
            { state in state[LedgerTables.assets, gold]?.burned = Amount(1) },
            [.burnedDiffers(gold)])
    }

    @Test func moreThanTheAssetAllows() throws {
        try self.plant(
            { state in state[LedgerTables.assets, gold]?.supplyMax = Amount(499) },
            [.supplyAboveMax(gold)])
    }

    @Test func holdThatLosesTrack() throws {
        try self.plant(
            { state in state[LedgerTables.holds, HoldID(.zero)] = nil },
            [.heldDiffers(Holding(aliceID, gold))])
    }

    @Test func holdFromNothing() throws {
        try self.plant(
            { state in
                state[LedgerTables.holds, HoldID(Digest.zero)]?.owner = bobID
            }, [.heldDiffers(Holding(aliceID, gold)), .heldDiffers(Holding(bobID, gold))])
    }

    @Test func moreHeldThanThere() throws {
        try self.plant(
            { state in
                state[LedgerTables.balances, Holding(aliceID, gold)]?.held = Amount(501)
                state[LedgerTables.holds, HoldID(.zero)]?.amount = Amount(501)
            }, [.heldAboveAmount(Holding(aliceID, gold))])
    }

    @Test func depositThatNobodyPaid() throws {
        let stack = try genesis()
        var encoder = Encoder()
        encoder.bool(true)
        aliceID.encode(into: &encoder)
        encoder.u64(5)
        Note().encode(into: &encoder)
        let row = StateRow(key: notes.keyBytes(1), value: encoder.bytes, salt: salt)
        let path = StateRow.path(of: row.key, salt: salt)
        let bad = try stack.pushing(StateLayer(sorted: [StateWrite(path: path, row: row)]))
        #expect(try bad.recount() == [.issuedDiffers(.star)])
        // Refunding it brings the books into line again; keeping it and paying it out does not.
        var state = block(on: bad)
        state[LedgerTables.balances, Holding(aliceID, .star)]?.amount = Amount(1_000_005)
        #expect(throws: SealFault.invariants([.issuedDiffers(.star)])) { try state.seal() }
    }

    @Test func systemRowTooLarge() throws {
        var state = block(on: try genesis())
        state[notes, 1] = Note(bytes: [UInt8](repeating: 0, count: 2040))
        #expect(throws: SealFault.invariants([.systemTooLarge])) { try state.seal() }
    }

    @Test func flippedBitIsDamage() throws {
        let stack = try genesis()
        let key = LedgerTables.assets.keyBytes(gold)
        let path = StateRow.path(of: key, salt: salt)
        let row = try #require(try stack.row(at: path))
        for index in row.value.indices {
            var value = row.value
            value[index] ^= 4
            var rows = MemoryState()
            rows.fold(stack.folding(stack.layers.count))
            rows.fold([
                StateWrite(path: path, row: StateRow(key: key, value: value, leaf: row.leaf))
            ])
            let bad = StateStack(base: rows, tree: stack.tree, salt: salt)
            #expect(throws: StateFault.damaged(path: path)) {
                try bad.read(LedgerTables.assets, gold)
            }
        }
    }
}
