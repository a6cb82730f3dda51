package import Primitives

/// Why a block cannot be sealed.
package enum SealFault: Error, Hashable, Sendable {
    /// A row could not be read: no verdict, execute again.
    case state(StateFault)
    /// The ledger would no longer add up: nothing of the block may be kept.
    case invariants([InvariantViolation])
}

/// A row that a block changed: canonical records without deposits, nil where there is none.
package struct RowChange: Hashable, Sendable {
    /// Where.
    package let path: Digest
    /// Table tag and canonical key.
    package let key: [UInt8]
    /// Before the block.
    package let before: [UInt8]?
    /// After it.
    package let after: [UInt8]?
}

/// A block's effect on the state.
package struct SealedBlock: Sendable {
    /// The writes, sorted.
    package let layer: StateLayer
    /// The stack after the block; its root belongs in the header.
    package let stack: StateStack
}

extension LedgerState {
    /// The rows that differ from before the block, by ascending path: for invariants and indices.
    package var changes: [RowChange] {
        self.changedSlots.map { path, slot in
            RowChange(
                path: path, key: slot.current?.key ?? slot.original?.key ?? [],
                before: slot.original?.record, after: slot.current?.record)
        }
    }

    /// The invariants over the rows changed so far; valid between transactions.
    package func checkConservation() -> [InvariantViolation] {
        var sums = Conservation()
        for (path, slot) in self.changedSlots {
            if let entry = slot.original { sums.add(entry, at: path, isAfter: false) }
            if let entry = slot.current { sums.add(entry, at: path, isAfter: true) }
        }
        return sums.finish()
    }

    /// Ends the block: settles the system's rows, checks conservation, makes the layer and the next
    /// tree.
    ///
    /// - Throws: ``SealFault``; the state is then of no use.
    package mutating func seal() throws(SealFault) -> SealedBlock {
        self.settleSystem()
        if let fault = self.fault { throw .state(fault) }
        var violations = self.checkConservation()
        if self.isSystemTooLarge { violations.append(.systemTooLarge) }
        guard violations.isEmpty else { throw .invariants(violations) }
        let writes = self.changedSlots.map { path, slot in
            StateWrite(
                path: path,
                row: slot.current.map { entry in
                    StateRow(key: entry.key, value: entry.value, salt: self.salt)
                })
        }
        let layer = StateLayer(sorted: writes)
        do throws(StateFault) {
            return SealedBlock(layer: layer, stack: try self.stack.pushing(layer))
        } catch {
            throw .state(error)
        }
    }

    private var changedSlots: [(Digest, Slot)] {
        var changed: [(Digest, Slot)] = []
        for (path, slot) in self.slots where slot.original != slot.current {
            changed.append((path, slot))
        }
        changed.sort { $0.0 < $1.0 }
        return changed
    }
}
