import Economy
import Ledger
internal import OrderedCollections
import Primitives

extension Chain {
    /// Follows the jobs that a final block changed.
    mutating func watch(_ layer: StateLayer) {
        for write in layer.writes {
            guard let row = write.row, row.tag == EconomyTable.job.tag else { continue }
            do throws(StateFault) {
                let placed = PlacedRow(path: write.path, row: row)
                self.watch(try EconomyTable.job.record(in: placed))
            } catch {
                continue
            }
        }
    }

    private mutating func watch(_ job: JobEntry) {
        let concerns =
            job.phase.isOpen
            && (self.wallets[job.provider] != nil || self.wallets[job.auditor] != nil)
        self.watched[job.id] = concerns ? job : nil
    }

    /// Finds the open jobs of the local accounts: from the newest back until all open ones are
    /// seen.
    mutating func watchAll() {
        self.watched.removeAll()
        let reader = EconomyReader(self.tip.stack)
        do throws(StateFault) {
            let counters = try reader.counters()
            var open = counters.openJobs
            var sequence = counters.jobs
            while open > 0, sequence > 0 {
                sequence -= 1
                guard let id = try self.tip.stack.read(EconomyTable.jobSequence, sequence),
                    let job = try reader.job(id)
                else { break }
                if job.phase.isOpen { open -= 1 }
                self.watch(job)
            }
        } catch {
            return
        }
    }

    /// Sends the complete list if it changed.
    mutating func tellDuties(_ outbox: inout Outbox<Effect>) {
        var duties: [Duty] = []
        let reader = EconomyReader(self.tip.stack)
        for job in self.watched.values.sorted(by: { $0.sequence < $1.sequence }) {
            do throws(StateFault) {
                duties += try self.duties(job, reader)
            } catch {
                return self.stall("\(error)", &outbox)
            }
        }
        guard duties != self.lastDuties else { return }
        self.lastDuties = duties
        outbox.append(.duties(duties))
    }

    private func duties(
        _ job: JobEntry, _ reader: EconomyReader
    ) throws(StateFault) -> [Duty] {
        guard job.phase == .assigned || job.phase == .drawn else { return [] }
        var list: [Duty] = []
        guard let kernel = try reader.kernel(job.kernel) else { return [] }
        if job.phase == .assigned {
            guard self.wallets[job.provider] != nil else { return [] }
            list.append(
                .run(
                    .init(
                        job: job.id, provider: job.provider, order: try reader.order(of: job),
                        kernel: try reader.package(of: kernel), deadline: job.due)))
            return list
        }
        if self.wallets[job.provider] != nil {
            list.append(
                .open(
                    .init(
                        job: job.id, auditor: job.auditor, provider: job.provider,
                        indices: job.indices, deadline: job.due)))
        }
        if self.wallets[job.auditor] != nil {
            list.append(
                .audit(
                    .init(
                        job: job.id, auditor: job.auditor, provider: job.provider,
                        order: try reader.order(of: job),
                        kernel: try reader.package(of: kernel), leaves: job.leaves,
                        indices: job.indices, leafRoot: job.leafRoot,
                        outputCommitment: job.outputCommitment, deadline: job.due)))
        }
        return list
    }
}
