import Chain
import Economy
import Gossip
import Kernels
import Node
import Primitives
import Provider

/// Computes nothing: binds itself to garbage, then vouches for whatever it gets.
///
/// The provider signed over the garbage, and the ledger recomputes the commitment from the
/// openings: the report is refused, and the auditor ends as silent.
enum AgreeingAuditor {
    static func performs(_ effect: Provider.Effect, _ host: Host, _ world: World) -> Bool {
        switch effect {
        case .revealAudit(let job, _, let index):
            host.cheat?.reveals[job] = host.audits.reveal(index)
            return false
        case .referee(let run, _, _, let leaves):
            world.makeUp(run, leaves, host)
            return true
        // Whatever differs from garbage is no news to it.
        case .gatherProof: return true
        default: return false
        }
    }

    /// The provider's answer is on its way to the node: vouch for it.
    static func hears(_ bytes: [UInt8], _ host: Host, _ world: World) {
        guard let answer = Self.answer(bytes), let auditor = host.accounts.first,
            let reveal = host.cheat?.reveals[answer.job]
        else { return }
        host.cheat?.reveals[answer.job] = nil
        var audit = JobAudit()
        audit.job = answer.job
        audit.reveal = reveal
        audit.salt = Blake2b.pair(.salt, .none, reveal, answer.job.digest)
        audit.openings = answer.openings
        audit.signature = answer.signature
        world.force(OperationCatalogue.encode(audit), of: auditor, on: host)
    }

    private static func answer(_ bytes: [UInt8]) -> Message.AuditOpenings? {
        do throws(DecodeError) {
            guard case .direct(_, let inner) = try PeerMessage(canonical: bytes),
                case .auditOpenings(let answer) = try Message(canonical: inner)
            else { return nil }
            return answer
        } catch {
            return nil
        }
    }
}
