import Chain
import Primitives
import Provider

/// Runs nothing: commits to the roots that another provider said last.
///
/// Leaves bind job and provider, so the roots cannot be its own; and the salts below them are the
/// other's secret, so it can open nothing under them.
enum Copier {
    static func performs(_ effect: Provider.Effect, _ host: Host, _ world: World) -> Bool {
        guard case .execute(let job, let package, let order) = effect else { return false }
        world.execute(job, package, order, host, faked: Array(0..<world.plan.leaves))
        return true
    }

    /// Its own garbage while there is nothing to copy.
    static func commitment(_ job: JobID, _ own: Chain.Intent, _ world: World) -> Chain.Intent {
        guard let other = world.court.commitment else { return own }
        return .commit(job: job, leafRoot: other.leafRoot, outputCommitment: other.output)
    }
}
