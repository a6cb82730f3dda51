import Chain
import Primitives
import Provider

/// Commits to garbage and never opens: not to the auditor, and not on the ledger.
///
/// An opening would show it up; without one it hopes that nobody can say anything.
enum SilentProvider {
    /// True for what it does not do, or does in another way.
    static func performs(_ effect: Provider.Effect, _ host: Host, _ world: World) -> Bool {
        switch effect {
        case .execute(let job, let package, let order):
            world.execute(job, package, order, host, faked: Array(0..<world.plan.leaves))
            return true
        case .signTranscript: return true
        default: return false
        }
    }

    /// True for what it does not say on the ledger.
    static func swallows(_ intent: Chain.Intent) -> Bool {
        if case .open = intent { true } else { false }
    }
}
