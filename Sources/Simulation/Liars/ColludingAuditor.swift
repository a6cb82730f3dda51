import Primitives
import Provider

/// Two machines of one owner: one runs jobs and computes nothing, the other vouches for it.
///
/// The auditor learns the provider's roots beside the protocol, and the provider's node signs over
/// whatever commitment fits: to the ledger it looks like a blind audit. Audits of others are done
/// as they should be.
enum ColludingAuditor {
    static func performs(_ effect: Provider.Effect, _ host: Host, _ world: World) -> Bool {
        switch effect {
        case .execute(let job, let package, let order):
            let roots = world.execute(
                job, package, order, host, faked: Array(0..<world.plan.leaves))
            world.court.friends[job] = roots.isEmpty ? nil : roots
            return true
        case .referee(let run, _, _, let leaves):
            guard case .audit = run.purpose, let roots = world.court.friends[run.job] else {
                return false
            }
            let results = leaves.map { leaf in
                LeafResult(leaf: leaf, sliceRoot: roots[Int(clamping: leaf)])
            }
            world.give(host, .provider(.refereed(run, results)), after: 1_000)
            return true
        default: return false
        }
    }
}
