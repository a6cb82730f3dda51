import Economy
import Kernels
import Primitives
import Provider

/// An auditor that calls right leaves wrong, with what they read, or with something bent.
///
/// It binds itself to garbage, so that every opening differs. Its own node would not send what a
/// trial run refuses: the proof goes around it.
enum FalseProver {
    static func performs(_ effect: Provider.Effect, _ host: Host, _ world: World) -> Bool {
        switch effect {
        case .referee(let run, _, _, let leaves):
            guard case .audit = run.purpose else { return false }
            world.makeUp(run, leaves, host)
            return true
        case .gatherProof(let run, let package, let order, let leaf):
            guard case .success(let found) = world.witness(package, order, leaf, host),
                let root = host.cheat?.root(run.job, leaf)
            else { return false }
            host.leavesRun.audited += 1
            let isBent = world.workChance.index(2) == 0
            world.give(
                host,
                .provider(
                    .proof(
                        run, leaf: leaf, witness: isBent ? Self.bend(found) : found,
                        sliceRoot: root)),
                after: 20_000_000)
            return true
        default: return false
        }
    }

    /// Sends a proof that a trial run refuses.
    static func says(
        _ job: JobID, _ attempt: UInt8, _ opening: [UInt8], _ witness: [UInt8], _ host: Host,
        _ world: World
    ) {
        guard let auditor = host.accounts.first else { return }
        do throws(DecodeError) {
            let proof = JobProve(
                job: job, attempt: attempt, opening: try LeafOpening(canonical: opening),
                witness: try LeafWitness(canonical: witness))
            world.force(OperationCatalogue.encode(proof), of: auditor, on: host)
        } catch {
            world.fail(.failure, "\(host.name) says a proof that is none: \(error)")
        }
    }

    /// Another byte in the first chunk.
    static func bend(_ witness: LeafWitness) -> LeafWitness {
        var bent = witness
        guard bent.buffers.first?.chunks.first?.bytes.first != nil else { return bent }
        bent.buffers[0].chunks[0].bytes[0] ^= 1
        return bent
    }
}
