internal import OrderedCollections
package import Primitives

/// An invariant of the ledger that does not hold: a bug of ours or a damaged state. The chain
/// stops.
package enum InvariantViolation: Error, Hashable, Sendable {
    /// Balances of an asset, with deposits in rows for the coin, do not add up to what was issued.
    case issuedDiffers(AssetID)
    /// What was minted less what was burned is not what is issued.
    case burnedDiffers(AssetID)
    /// Holds of an account do not add up to what its balance says is held.
    case heldDiffers(Holding)
    /// More is held than is there.
    case heldAboveAmount(Holding)
    /// More exists than the asset allows.
    case supplyAboveMax(AssetID)
    /// A row or event of the block itself, outside transactions, was larger than its bound.
    case systemTooLarge
    /// A row of the ledger's own tables does not decode.
    case rowDamaged(path: Digest)
}

/// Adds up both sides of each invariant over rows: all of them, or those that a block changed.
///
/// Works on rows as written, not through the operations, so that it shares no code with what it
/// checks.
struct Conservation {
    /// Sums before and after. raw: sums over many rows may exceed what one Amount holds.
    struct Sums {
        var before: UInt128 = 0
        var after: UInt128 = 0

        mutating func add(_ units: UInt128, _ isAfter: Bool) {
            // Modulo 2^128: more rows of the largest amounts than fit would exceed any supply.
            if isAfter { self.after &+= units } else { self.before &+= units }
        }

        /// True if both changed by the same.
        func agrees(_ other: Sums) -> Bool {
            self.after &- self.before == other.after &- other.before
        }
    }

    private var amounts: OrderedDictionary<AssetID, Sums> = [:]
    private var issued: OrderedDictionary<AssetID, Sums> = [:]
    private var held: OrderedDictionary<Holding, Sums> = [:]
    private var holds: OrderedDictionary<Holding, Sums> = [:]
    private var violations: [InvariantViolation] = []

    mutating func add(_ entry: Entry, at path: Digest, isAfter: Bool) {
        if let deposit = entry.deposit {
            self.amounts[.star, default: Sums()].add(UInt128(deposit.motes), isAfter)
        }
        let row = StateRow(key: entry.key, value: entry.value, leaf: .zero)
        do throws(StateFault) {
            switch row.tag {
            case LedgerTables.balances.tag: try self.addBalance(entry, row, path, isAfter)
            case LedgerTables.holds.tag: try self.addHold(entry, path, isAfter)
            case LedgerTables.assets.tag: try self.addAsset(entry, row, path, isAfter)
            default: break
            }
        } catch {
            self.violations.append(.rowDamaged(path: path))
        }
    }

    private mutating func addBalance(
        _ entry: Entry, _ row: StateRow, _ path: Digest, _ isAfter: Bool
    ) throws(StateFault) {
        let balance = try entry.record(of: LedgerTables.balances, at: path)
        guard let holding = LedgerTables.balances.key(of: row) else { throw .damaged(path: path) }
        if isAfter, balance.held > balance.amount {
            self.violations.append(.heldAboveAmount(holding))
        }
        // raw: see Sums.
        self.amounts[holding.asset, default: Sums()].add(balance.amount.units, isAfter)
        if balance.held > .zero {
            self.held[holding, default: Sums()].add(balance.held.units, isAfter)  // raw: see Sums.
        }
    }

    private mutating func addHold(
        _ entry: Entry, _ path: Digest, _ isAfter: Bool
    ) throws(StateFault) {
        let hold = try entry.record(of: LedgerTables.holds, at: path)
        // raw: see Sums.
        self.holds[Holding(hold.owner, hold.asset), default: Sums()].add(hold.amount.units, isAfter)
    }

    private mutating func addAsset(
        _ entry: Entry, _ row: StateRow, _ path: Digest, _ isAfter: Bool
    ) throws(StateFault) {
        let asset = try entry.record(of: LedgerTables.assets, at: path)
        guard let id = LedgerTables.assets.key(of: row) else { throw .damaged(path: path) }
        if isAfter, asset.issued > asset.supplyMax { self.violations.append(.supplyAboveMax(id)) }
        if isAfter, asset.minted - asset.burned != asset.issued {
            self.violations.append(.burnedDiffers(id))
        }
        self.issued[id, default: Sums()].add(asset.issued.units, isAfter)  // raw: see Sums.
    }

    /// Everything that does not hold, in a fixed order.
    func finish() -> [InvariantViolation] {
        var found = self.violations
        for (asset, sums) in self.amounts where !sums.agrees(self.issued[asset] ?? Sums()) {
            found.append(.issuedDiffers(asset))
        }
        for (asset, sums) in self.issued where self.amounts[asset] == nil && !sums.agrees(Sums()) {
            found.append(.issuedDiffers(asset))
        }
        for (holding, sums) in self.held where !sums.agrees(self.holds[holding] ?? Sums()) {
            found.append(.heldDiffers(holding))
        }
        for (holding, sums) in self.holds where self.held[holding] == nil && !sums.agrees(Sums()) {
            found.append(.heldDiffers(holding))
        }
        return found
    }
}

extension StateStack {
    /// Recounts every row: for tests and for `starling audit`.
    ///
    /// - Bounds: memory for one sum per asset and per held balance.
    /// - Returns: what does not hold; nothing if all is well.
    package func recount() throws(StateFault) -> [InvariantViolation] {
        var sums = Conservation()
        var from: Digest? = .zero
        while let start = from {
            let page = try self.rows(from: start, through: .last, limit: 4096)
            for placed in page {
                sums.add(try Entry(placed.row, at: placed.path), at: placed.path, isAfter: true)
            }
            from = page.count < 4096 ? nil : page.last?.path.successor
        }
        return sums.finish()
    }
}
