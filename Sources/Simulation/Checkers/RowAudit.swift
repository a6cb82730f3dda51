internal import OrderedCollections
import Primitives

/// Adds up the books of one node from its exported rows, and hashes them to the state root.
///
/// Shares no code with the ledger: rows are read by protocol/state.md alone.
///
/// - Source: protocol/state.md, "Tables".
struct RowAudit {
    /// One row as exported.
    struct Row {
        let key: [UInt8]
        let value: [UInt8]
    }

    private struct Holding: Hashable {
        let account: Digest
        let asset: Digest
    }

    private struct Leaf {
        let path: Digest
        let digest: Digest
    }

    /// What does not add up, in words.
    private(set) var faults: [String] = []
    private(set) var root = Digest.zero
    /// Coins that exist.
    private(set) var issued: UInt128 = 0
    private var balances: OrderedDictionary<Holding, (amount: UInt128, held: UInt128)> = [:]
    private var holds: OrderedDictionary<Holding, UInt128> = [:]
    private var assets: OrderedDictionary<Digest, UInt128> = [:]
    private var deposits: OrderedDictionary<Digest, UInt128> = [:]
    private var lockedSum: UInt128 = 0
    /// Phase codes of all jobs.
    private(set) var phases: [UInt8] = []

    init(_ rows: [Row], _ salt: ChainSalt) {
        for row in rows { self.read(row) }
        self.compare()
        var leaves = rows.map { row in
            let path = Blake2b.hash(.statekey, salt, row.key)
            let value = Blake2b.hash(.stateleaf, salt, [0] + row.value)
            let leaf = Blake2b.hash(.stateleaf, salt, [1] + path.bytes + value.bytes)
            return Leaf(path: path, digest: leaf)
        }
        leaves.sort { $0.path < $1.path }
        self.root = Self.root(leaves[...], depth: 0, salt)
    }

    /// Everything that an account has in coin: its balance, and its deposits in rows.
    func wealth(of account: Digest) -> UInt128 {
        let balance = self.balances[Holding(account: account, asset: AssetID.star.digest)]
        return (balance?.amount ?? 0) + (self.deposits[account] ?? 0)
    }

    private mutating func read(_ row: Row) {
        var key = Bytes(row.key)
        var value = Bytes(row.value)
        if value.isThere() {
            let payer = value.digest()
            let motes = UInt128(value.u64())
            self.deposits[payer, default: 0] += motes
            self.lockedSum += motes
        }
        switch key.u16() {
        case 2:
            let holding = Holding(account: key.digest(), asset: key.digest())
            let balance = (amount: value.u128(), held: value.u128())
            self.balances[holding] = balance
            if balance.held > balance.amount { self.fault("more is held than is there", holding) }
        case 3:
            let holding = Holding(account: value.digest(), asset: value.digest())
            self.holds[holding, default: 0] += value.u128()
        case 4:
            let asset = key.digest()
            _ = value.u8()
            _ = value.digest()
            _ = value.u8()
            _ = value.string()
            self.assets[asset] = value.u128()
        case 140:
            _ = value.digest()
            _ = value.u64()
            self.phases.append(value.u8())
        default: return
        }
        if key.isBroken || value.isBroken { self.faults.append("a row is too short") }
    }

    private mutating func fault(_ text: String, _ holding: Holding) {
        self.faults.append("\(text): account \(holding.account.short)")
    }

    private mutating func compare() {
        var sums: OrderedDictionary<Digest, UInt128> = [AssetID.star.digest: self.lockedSum]
        for (holding, balance) in self.balances {
            sums[holding.asset, default: 0] += balance.amount
            if balance.held != self.holds[holding] ?? 0 {
                self.fault("holds do not add up to \(balance.held)", holding)
            }
        }
        for (holding, sum) in self.holds where self.balances[holding] == nil {
            self.fault("a hold of \(sum) without a balance", holding)
        }
        for (asset, sum) in sums where sum != self.assets[asset] ?? 0 {
            let issued = self.assets[asset] ?? 0
            self.faults.append("asset \(asset.short): \(sum) in all accounts, \(issued) issued")
        }
        self.issued = self.assets[AssetID.star.digest] ?? 0
    }

    /// - Source: protocol/state.md, "Tree".
    private static func root(
        _ leaves: ArraySlice<Leaf>, depth: Int, _ salt: ChainSalt
    ) -> Digest {
        if leaves.isEmpty { return .zero }
        if leaves.count <= 8 {
            var hash = Blake2b(.statebucket, salt)
            hash.update(u8: UInt8(clamping: leaves.count))
            for leaf in leaves { hash.update(leaf.digest) }
            return hash.finish()
        }
        guard depth < 256 else { return .zero }
        let middle = leaves.firstIndex { $0.path.bit(depth) } ?? leaves.endIndex
        let left = Self.root(leaves[leaves.startIndex..<middle], depth: depth + 1, salt)
        let right = Self.root(leaves[middle...], depth: depth + 1, salt)
        return Blake2b.hash(.statenode, salt, left.bytes + right.bytes)
    }
}
