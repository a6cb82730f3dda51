import Primitives
import Provider

/// Computes every leaf of a job and commits to another value for one of them: it saves nothing.
enum WrongLeaf {
    static func performs(
        _ effect: Provider.Effect, _ host: Host, _ world: World
    ) -> Bool {
        guard case .execute(let job, let package, let order) = effect else { return false }
        let leaf = UInt64(clamping: world.workChance.index(Int(clamping: world.plan.leaves)))
        world.execute(job, package, order, host, faked: [leaf])
        host.leavesRun.provided += 1
        return true
    }
}
