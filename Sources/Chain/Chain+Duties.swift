import Economy
import Ledger
internal import OrderedCollections
import Primitives

extension Chain {
    /// Tells of the kernels that the new tip's block published, so that providers compile them
    /// before the first job comes.
    func tellKernels(_ layer: StateLayer, _ outbox: inout Outbox<Effect>) {
        let reader = EconomyReader(self.tip.stack)
        for write in layer.writes {
            guard let row = write.row, row.tag == EconomyTable.kernel.tag else { continue }
            do throws(StateFault) {
                let placed = PlacedRow(path: write.path, row: row)
                let kernel = try EconomyTable.kernel.record(in: placed)
                guard kernel.published.height == self.tip.header.height else { continue }
                outbox.append(.published(kernel.id, package: try reader.package(of: kernel)))
            } catch {
                continue  // A hint: the first job compiles it then.
            }
        }
    }

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
        let provides = self.wallets[job.provider] != nil
        let audits = self.wallets[job.auditor] != nil
        switch job.phase {
        case .assigned: return provides ? [try self.run(job, reader)] : []
        case .drawn, .summoned:
            var list: [Duty] = provides ? [try self.open(job)] : []
            let stage: Duty.Stage = job.phase == .summoned ? .summoned : .drawn
            if audits { list.append(try self.audit(job, stage, reader)) }
            return list
        case .opened:
            guard audits else { return [] }
            return [try self.audit(job, .opened(try reader.openings(of: job)), reader)]
        case .window:
            guard provides, let challenge = job.challenge else { return [] }
            return [try self.answer(job, challenge, reader)]
        case .posted, .committed, .settled, .cancelled, .unassigned, .uncommitted, .unaudited,
            .faulted, .kernelFault, .withheld:
            return []
        }
    }

    private func run(_ job: JobEntry, _ reader: EconomyReader) throws(StateFault) -> Duty {
        .run(
            .init(
                job: job.id, attempt: job.attempt, provider: job.provider,
                order: try reader.order(of: job), kernel: try self.package(of: job, reader),
                deadline: job.due))
    }

    private func open(_ job: JobEntry) throws(StateFault) -> Duty {
        guard let auditor = try self.tip.stack.read(EconomyTable.validator, job.auditorSeat)
        else { throw .damaged(path: job.id.digest) }
        let summons = Duty.Summons(reveal: job.auditReveal, commitment: job.auditCommitment)
        return .open(
            .init(
                job: job.id, attempt: job.attempt, auditor: job.auditor,
                auditorNode: auditor.key, auditIndex: job.auditIndex, provider: job.provider,
                draw: Self.draw(job), summons: job.phase == .summoned ? summons : nil,
                deadline: job.due))
    }

    private func audit(
        _ job: JobEntry, _ stage: Duty.Stage, _ reader: EconomyReader
    ) throws(StateFault) -> Duty {
        .audit(
            .init(
                job: job.id, attempt: job.attempt, auditor: job.auditor,
                auditIndex: job.auditIndex, auditorMs: job.auditorMs, provider: job.provider,
                providerNode: job.providerNode, order: try reader.order(of: job),
                kernel: try self.package(of: job, reader), draw: Self.draw(job),
                leafRoot: job.leafRoot, outputCommitment: job.outputCommitment, stage: stage,
                reveal: job.auditReveal == .zero ? nil : job.auditReveal, deadline: job.due))
    }

    private func answer(
        _ job: JobEntry, _ challenge: Challenge, _ reader: EconomyReader
    ) throws(StateFault) -> Duty {
        .answer(
            .init(
                job: job.id, provider: job.provider, leaf: challenge.leaf,
                chunk: challenge.chunk, order: try reader.order(of: job),
                kernel: try self.package(of: job, reader), deadline: challenge.due))
    }

    private static func draw(_ job: JobEntry) -> Duty.Draw {
        Duty.Draw(
            leavesToAudit: job.leavesToAudit, leaves: job.leaves, mix: job.drawMix,
            link: job.auditLink, steps: job.auditSteps)
    }

    private func package(
        of job: JobEntry, _ reader: EconomyReader
    ) throws(StateFault) -> [UInt8] {
        guard let kernel = try reader.kernel(job.kernel) else {
            throw .damaged(path: job.kernel.digest)
        }
        return try reader.package(of: kernel)
    }
}
