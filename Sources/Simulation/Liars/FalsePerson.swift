import Chain
import Economy
import Kernels
import Node
internal import OrderedCollections
import Primitives
import Provider

/// Somebody without any duty calls right leaves wrong: it asks the provider for an opening while
/// the window is open, and proves with what the leaf reads, or with something bent.
enum FalsePerson {
    static let everyNs: UInt64 = 1_000_000_000

    /// Asks for a leaf of the newest job whose window is open.
    static func acts(_ person: Person, _ world: World) {
        let host = world.hosts[person.host]
        guard let id = world.chainWatch.jobs.elements.last(where: { $0.value == 6 })?.key,
            world.court.accused[JobID(id)] == nil, let job = world.job(JobID(id), on: host)
        else { return }
        world.court.accused[job.id] = true
        let leaf = UInt64(clamping: world.loadChance.index(Int(clamping: job.leaves)))
        let commitment = JobCommitment(
            job: job.id, provider: job.provider, leaves: job.leaves, leafRoot: job.leafRoot,
            outputCommitment: job.outputCommitment, outputBytes: job.outputBytes)
        let token = world.tokens
        world.tokens += 1
        world.court.accusations[token] = Accusation(
            person: person.index, job: job.id, attempt: job.attempt, leaf: leaf)
        world.give(host, .request(.opening(commitment, leaf: leaf), token: token), after: 50_000)
    }

    /// The opening is here: prove it wrong.
    static func hears(_ accusation: Accusation, _ json: JSON, _ world: World) {
        let person = world.people[accusation.person]
        let host = world.hosts[person.host]
        guard let work = world.court.orders[accusation.job],
            case .success(let witness) = world.kernel.witness(
                work.package, work.order, leaf: accusation.leaf, { world.blob($0) })
        else { return }
        do throws(FieldError) {
            let opening = try LeafOpening(json: json, at: "opening")
            let isBent = world.loadChance.index(2) == 0
            let proof = JobProve(
                job: accusation.job, attempt: accusation.attempt, opening: opening,
                witness: isBent ? FalseProver.bend(witness.witness) : witness.witness)
            world.force(OperationCatalogue.encode(proof), of: person.account, on: host)
        } catch {
            world.fail(.failure, "an opening is none: \(error.path)")
        }
    }
}

/// A leaf whose opening somebody waits for.
struct Accusation {
    let person: Int
    let job: JobID
    let attempt: UInt8
    let leaf: UInt64
}
