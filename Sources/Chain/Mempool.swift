import Ledger
internal import OrderedCollections
import Primitives

/// Transactions that wait for a block: checked, with right signatures, the highest tip first.
///
/// - Bounds: `Limits`; when full, a higher tip drives out the lowest.
/// - Invariant: `order` has every entry once, by descending tip, then arrival.
struct Mempool: Sendable {
    struct Limits: Hashable, Sendable {
        var count = 20_000
        var bytes = 64 * 1_024 * 1_024
        var perAccount = 96
    }

    struct Entry: Sendable {
        let transaction: Transaction
        let id: TransactionID
        let bytes: Int
        /// The signatures that were found right.
        let checks: [Chain.SignatureCheck]
        let arrival: UInt64
    }

    private struct Rank: Comparable {
        let tip: Amount
        let arrival: UInt64
        let id: TransactionID

        static func < (left: Rank, right: Rank) -> Bool {
            left.tip == right.tip ? left.arrival < right.arrival : left.tip > right.tip
        }
    }

    private struct Slot: Hashable {
        let account: AccountID
        let nonce: UInt64
    }

    private(set) var bytes = 0
    private var entries = Lookup<TransactionID, Entry>()
    private var order: [Rank] = []
    private var slots = Lookup<Slot, TransactionID>()
    /// What waits of each account, in the order of arrival.
    private var accounts = Lookup<AccountID, [TransactionID]>()
    private var arrivals: UInt64 = 0
    private let limits: Limits

    init(_ limits: Limits) { self.limits = limits }

    var count: Int { self.order.count }

    subscript(id: TransactionID) -> Entry? { self.entries[id] }

    /// A transaction of the account waits under this nonce.
    func has(_ account: AccountID, _ nonce: UInt64) -> Bool {
        self.slots[Slot(account: account, nonce: nonce)] != nil
    }

    /// What waits of the account with exactly these operations, the oldest first.
    ///
    /// - Bounds: `Limits.perAccount` are looked at.
    func waiting(_ account: AccountID, _ operations: [OperationBytes]) -> [Entry] {
        (self.accounts[account] ?? []).compactMap { self.entries[$0] }
            .filter { $0.transaction.operations == operations }
    }

    /// Whether there would be room, asked before signatures are checked.
    func mayInsert(_ transaction: Transaction, _ id: TransactionID) throws(Chain.Refusal) {
        guard self.entries[id] == nil else {
            throw Chain.Refusal(.transactionKnown, "the transaction waits already")
        }
        let slot = Slot(account: transaction.account, nonce: transaction.nonce)
        if let old = self.slots[slot].flatMap({ self.entries[$0] }) {
            // An eighth more, so that replacing in a circle costs.
            let needed = old.transaction.tip.mulDiv(9, 8, .up) ?? .maxSupply
            guard transaction.tip > old.transaction.tip, transaction.tip >= needed else {
                throw Chain.Refusal(
                    .replacementTooCheap, "replacing needs a tip of \(needed.json.text) motes")
            }
            return
        }
        let count = self.accounts[transaction.account]?.count ?? 0
        guard count < self.limits.perAccount else {
            throw Chain.Refusal(
                .tooManyOfAccount,
                "at most \(self.limits.perAccount) transactions wait per account")
        }
        guard self.order.count >= self.limits.count || self.bytes >= self.limits.bytes else {
            return
        }
        guard let last = self.order.last, last.tip < transaction.tip else {
            throw Chain.Refusal(.mempoolFull, "full of transactions with as high a tip")
        }
    }

    /// Takes a transaction that `mayInsert` allowed; drives out the replaced and the lowest.
    mutating func insert(
        _ transaction: Transaction, _ id: TransactionID, bytes: Int,
        checks: [Chain.SignatureCheck]
    ) {
        let slot = Slot(account: transaction.account, nonce: transaction.nonce)
        if let old = self.slots[slot] { self.remove(old) }
        let entry = Entry(
            transaction: transaction, id: id, bytes: bytes, checks: checks,
            arrival: self.arrivals)
        self.arrivals += 1
        self.entries[id] = entry
        self.slots[slot] = id
        self.accounts[transaction.account] = (self.accounts[transaction.account] ?? []) + [id]
        self.bytes += bytes
        let rank = Rank(tip: transaction.tip, arrival: entry.arrival, id: id)
        self.order.insert(rank, at: self.position(of: rank))
        while self.order.count > self.limits.count || self.bytes > self.limits.bytes,
            let last = self.order.last
        {
            self.remove(last.id)
        }
    }

    mutating func remove(_ id: TransactionID) {
        guard let entry = self.entries.removeValue(for: id) else { return }
        let transaction = entry.transaction
        self.slots[Slot(account: transaction.account, nonce: transaction.nonce)] = nil
        let left = (self.accounts[transaction.account] ?? []).filter { $0 != id }
        self.accounts[transaction.account] = left.isEmpty ? nil : left
        self.bytes -= entry.bytes
        let rank = Rank(tip: transaction.tip, arrival: entry.arrival, id: id)
        let index = self.position(of: rank)
        if index < self.order.count, self.order[index].id == id { self.order.remove(at: index) }
    }

    /// A block took this nonce of the account: whatever waited under it is void.
    mutating func removeUsed(_ account: AccountID, _ nonce: UInt64) {
        if let id = self.slots[Slot(account: account, nonce: nonce)] { self.remove(id) }
    }

    /// The waiting, best first.
    var ranked: [TransactionID] { self.order.map(\.id) }

    /// The best `count` of the waiting.
    func best(_ count: Int) -> [TransactionID] { self.order.prefix(count).map(\.id) }

    private func position(of rank: Rank) -> Int {
        var low = 0
        var high = self.order.count
        while low < high {
            let middle = low + (high - low) / 2
            if self.order[middle] < rank { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
