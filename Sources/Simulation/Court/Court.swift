import Kernels
import Primitives
import Provider

/// What those who cheat know of others, and the orders that everybody can read on the ledger.
struct Court {
    /// Motes that the computation of one leaf costs whoever computes it: two thirds of what a
    /// leaf of a job earns. What is made up costs nothing.
    package static let leafCost: UInt64 = 10_000_000
    /// Motes that a forced transaction may cost.
    static let maxFee: UInt64 = 1_000_000_000

    /// What an honest provider committed to last.
    var commitment: (leafRoot: Digest, output: Digest)?
    /// Roots that a provider told its friend.
    var friends = Lookup<JobID, [Digest]>()
    var orders = Lookup<JobID, (package: KernelPackage, order: WorkOrder)>()
    var accused = Lookup<JobID, Bool>()
    var accusations = Lookup<UInt64, Accusation>()
    /// At the end.
    var tally: Tally?
}
