package import Ledger
package import Primitives

/// Reads the economy's rows of one state, for queries and duties; execution reads its working
/// layer.
package struct EconomyReader: Sendable {
    package let stack: StateStack

    package init(_ stack: StateStack) { self.stack = stack }

    /// The job of that id.
    package func job(_ id: JobID) throws(StateFault) -> JobEntry? {
        try self.stack.read(EconomyTable.job, id)
    }

    /// The published kernel of that id.
    package func kernel(_ id: KernelID) throws(StateFault) -> KernelEntry? {
        try self.stack.read(EconomyTable.kernel, id)
    }

    /// The standing offer of that id.
    package func offer(_ id: OfferID) throws(StateFault) -> OfferEntry? {
        try self.stack.read(EconomyTable.offer, id)
    }

    /// The running totals.
    package func counters() throws(StateFault) -> Counters {
        try self.stack.read(EconomyTable.counters, 0) ?? Counters()
    }

    /// The numbers in force.
    package func parameters() throws(StateFault) -> Parameters {
        try self.stack.read(EconomyTable.parameters, 0) ?? Parameters()
    }

    /// Those who had the job before and failed, in order; of a job that ended so, the last, too.
    package func attempts(of job: JobEntry) throws(StateFault) -> [AttemptEntry] {
        var list: [AttemptEntry] = []
        for number in 0..<AttemptEntry.countMax {
            let key = AttemptKey(job: job.id, number: number)
            guard let attempt = try self.stack.read(EconomyTable.attempt, key) else { break }
            list.append(attempt)
        }
        return list
    }

    /// What an account was found at; nil if nothing.
    package func faults(of account: AccountID) throws(StateFault) -> FaultEntry? {
        try self.stack.read(EconomyTable.fault, account)
    }

    /// All validators, in the order of the genesis.
    package func validators() throws(StateFault) -> [Validator] {
        var list: [Validator] = []
        for index in 0..<EconomyState.validatorsMax {
            guard let one = try self.stack.read(EconomyTable.validator, index) else { break }
            list.append(one)
        }
        return list
    }

    /// The canonical openings that a summoned provider gave; empty where there are none.
    package func openings(of job: JobEntry) throws(StateFault) -> [UInt8] {
        try self.pieces(.openings, job.id.digest, Int(job.openingsBytes))
    }

    /// The canonical work order of a job.
    package func order(of job: JobEntry) throws(StateFault) -> [UInt8] {
        try self.pieces(.order, job.id.digest, Int(job.orderBytes))
    }

    /// The canonical package of a kernel.
    package func package(of kernel: KernelEntry) throws(StateFault) -> [UInt8] {
        try self.pieces(.kernel, kernel.id.digest, Int(kernel.bytes))
    }

    private func pieces(
        _ kind: PieceKind, _ subject: Digest, _ count: Int
    ) throws(StateFault) -> [UInt8] {
        var bytes: [UInt8] = []
        for index in 0..<Pieces.count(count) {
            let key = PieceKey(kind: kind, subject: subject, index: UInt32(clamping: index))
            guard let piece = try self.stack.read(EconomyTable.piece, key) else {
                throw .damaged(path: subject)
            }
            bytes += piece.bytes
        }
        guard bytes.count == count else { throw .damaged(path: subject) }
        return bytes
    }

    /// The earliest time at which the due queue has something; nil if it is empty.
    package func nextDue() throws(StateFault) -> LedgerTime? {
        guard try self.counters().due > 0 else { return nil }
        return try self.stack.read(EconomyTable.duePage, 0)?.items.first?.time
    }

    /// Offers by slot; closing ones, too.
    package func offers() throws(StateFault) -> [OfferEntry] {
        var list: [OfferEntry] = []
        let pages = (try self.counters().standing + OfferPage.size - 1) / OfferPage.size
        for number in 0..<pages {
            guard let page = try self.stack.read(EconomyTable.offerPage, number) else { break }
            for id in page.offers {
                if let offer = try self.offer(id) { list.append(offer) }
            }
        }
        return list
    }
}
