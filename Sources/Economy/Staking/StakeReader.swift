package import Ledger
package import Primitives

extension EconomyReader {
    /// All stake together.
    package func pool() throws(StateFault) -> StakePool {
        try self.stack.read(EconomyTable.stakePool, 0) ?? StakePool()
    }

    /// An account's stake with everything earned so far in `accrued`; nil if it has none.
    package func stake(of account: AccountID) throws(StateFault) -> StakeEntry? {
        guard let entry = try self.stack.read(EconomyTable.stake, account) else { return nil }
        guard let settled = entry.settled(try self.pool().perShare) else {
            throw .damaged(path: .zero)
        }
        return settled
    }
}
