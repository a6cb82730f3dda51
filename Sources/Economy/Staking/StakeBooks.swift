import Ledger
package import Primitives

// Every change of an account's stake goes through `restake`: it settles the reward before the
// balance, so that nothing bonded now shares in what was earned before.
extension EconomyState {
    /// What the purposes of the holds on stake are called in the ledger.
    package static let validatorPurpose: UInt16 = 2
    package static let stakePurpose: UInt16 = 5
    package static let unbondingPurpose: UInt16 = 6

    /// All stake together.
    package var stakePool: StakePool {
        mutating get { self.read(EconomyTable.stakePool, 0) ?? StakePool() }
        set { self.write(EconomyTable.stakePool, 0, newValue) }
    }

    /// The account's stake as it was written last; see `settled` for what it earned since.
    package mutating func stake(of account: AccountID) -> StakeEntry? {
        self.read(EconomyTable.stake, account)
    }

    /// Shares what the stakers' account has got among all power.
    ///
    /// The caller paid it in already; without power it waits for the first that comes.
    package mutating func creditStakers(_ amount: Amount) {
        guard amount > .zero else { return }
        var pool = self.stakePool
        pool.owed = self.sum(pool.owed, amount, "what stakers are owed")
        pool.queued = self.sum(pool.queued, amount, "what is queued for stakers")
        pool.paidIn &+= amount.units  // raw: a total for people; it never decides anything.
        pool.distribute()
        self.stakePool = pool
    }

    /// Settles an account's reward, changes its entry, and follows in pool and history.
    mutating func restake(_ account: AccountID, _ change: (inout StakeEntry) -> Void) {
        var pool = self.stakePool
        var entry = StakeEntry()
        entry.index = pool.perShare
        if let before = self.stake(of: account) {
            guard let settled = before.settled(pool.perShare) else {
                return self.breakBooks("a reward exceeds the supply")
            }
            entry = settled
        }
        let before = entry
        change(&entry)
        pool.bonded = self.replace(pool.bonded, before.bonded, entry.bonded, "bonded stake")
        pool.locked = self.replace(pool.locked, before.locked, entry.locked, "validators' stake")
        pool.unbonding = self.replace(
            pool.unbonding, before.unbonding, entry.unbonding, "unbonding stake")
        let height = self.moment.height
        PowerHistory.note(
            entry.power, at: height, in: &entry.points, snapshots: pool.snapshots)
        PowerHistory.note(pool.power, at: height, in: &pool.points, snapshots: [])
        if entry.isEmpty {
            // The dust stays in the pool. At most 2^64 for each of less than 2^64 entries.
            pool.carry &+= UInt128(entry.fraction)
            self.write(EconomyTable.stake, account, nil)
        } else {
            self.write(EconomyTable.stake, account, entry)
        }
        pool.distribute()
        self.stakePool = pool
    }

    private mutating func replace(
        _ total: Amount, _ old: Amount, _ new: Amount, _ what: StaticString
    ) -> Amount {
        self.sum(self.less(total, old, what), new, what)
    }

    /// Frees what was on its way out for long enough; the due queue names the account.
    package mutating func unbondingIsDue(_ subject: Digest) {
        let account = AccountID(subject)
        let now = self.now
        guard let entry = self.stake(of: account),
            entry.unbondings.contains(where: { $0.due <= now })
        else { return }
        let id = HoldID.of(Self.unbondingPurpose, subject, self.salt)
        for one in entry.unbondings where one.due <= now {
            do throws(Hold.Rejection) {
                try self.ledger.reduceHold(id, by: one.amount)
            } catch {
                self.breakBooks("unbonding stake is not held: \(error.code.name)")
            }
        }
        self.restake(account) { $0.unbondings.removeAll { $0.due <= now } }
    }
}
