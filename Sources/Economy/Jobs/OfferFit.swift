package import Primitives

/// Why an offer cannot get a job.
package enum Misfit: String, Error, Hashable, Sendable {
    /// Withdrawn, or its provider was at fault.
    case closing
    /// All its places are taken.
    case full
    case expired
    /// The job's exactness is none of its classes.
    case classNotServed
    /// The job is larger than it takes.
    case tooMuchGas
    /// It has not stood long enough to be drawn.
    case tooYoung
    /// It asks for more than the job pays.
    case tooExpensive
    /// Its bond could not pay the limited slash of all its jobs and this one.
    case bondTooSmall
    /// Its provider had this job before.
    case failedBefore
}

extension OfferEntry {
    /// What the offer asks for a job, or why it cannot get it: what draws and queries go by.
    ///
    /// - Parameter failed: providers of the job's earlier attempts.
    /// - Returns: motes, or the first reason in the order of ``Misfit``.
    /// - Rounding: up, for the provider.
    package func fit(
        _ job: JobEntry, failed: [AccountID], now: LedgerTime, _ parameters: Parameters
    ) -> Result<Amount, Misfit> {
        if self.closing { return .failure(.closing) }
        if self.running >= self.capacity || self.open >= self.openMax { return .failure(.full) }
        if self.standsUntil <= now { return .failure(.expired) }
        if !self.classes.contains(job.exactness) { return .failure(.classNotServed) }
        if job.gas > self.maxJobGas { return .failure(.tooMuchGas) }
        let from = self.posted.time.adding(ms: parameters.offerStandingMs)
        guard let from, from <= now else { return .failure(.tooYoung) }
        let price = self.pricePerGigaGas.mulDiv(UInt128(job.gas), 1_000_000_000, .up)
        guard let price, price <= job.maxPrice else { return .failure(.tooExpensive) }
        // raw: factors.
        let factor = UInt128(parameters.slashMultiple) * (UInt128(self.open) + 1)
        guard let atRisk = price.mulDiv(factor, 1, .down), atRisk <= self.bond else {
            return .failure(.bondTooSmall)
        }
        if failed.contains(self.provider) { return .failure(.failedBefore) }
        return .success(price)
    }
}
