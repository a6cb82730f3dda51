import Chain
import Primitives
import Provider

/// A way to break the rules of jobs.
///
/// One file for each says what it does to the effects and inputs of its own machines. The provider
/// core is the one that everybody runs, and consensus is kept; only an equivocator is dishonest
/// there.
package enum Cheat: Hashable, Sendable {
    /// One leaf of each job is not what was computed.
    case wrongLeaf
    /// Of every job so many percent of the leaves, at least one.
    case lazy(percent: UInt64)
    /// Computes nothing of a search, and says that nothing was found.
    case guesser(Guesser.Search)
    /// Commits to another's roots.
    case copier
    /// Commits and never opens.
    case silentProvider
    /// Never reports.
    case silentAuditor
    /// Vouches for whatever it gets.
    case agreeingAuditor
    /// Vouches for its owner's provider, which computes nothing.
    case colludingAuditor
    /// An auditor that calls right leaves wrong.
    case falseProver
    /// Somebody without a duty that does so.
    case falsePerson
    /// Posts jobs and never comes back.
    case vanishingRequester
    /// Two machines with one key.
    case equivocator

    /// Everything that a court can play.
    package static let all: [Cheat] = [
        .wrongLeaf, .lazy(percent: 1), .lazy(percent: 10), .lazy(percent: 100),
        .guesser(.digest), .guesser(.bare), .copier, .silentProvider, .silentAuditor,
        .agreeingAuditor, .colludingAuditor, .falseProver,
        .falsePerson, .vanishingRequester, .equivocator,
    ]

    /// As in ``name``; nil for anything else.
    package init?(name: String) {
        guard let known = Self.all.first(where: { $0.name == name }) else { return nil }
        self = known
    }

    /// As on the command line.
    package var name: String {
        switch self {
        case .wrongLeaf: "wrong-leaf"
        case .lazy(let percent): "lazy\(percent)"
        case .guesser(.digest): "guesser"
        case .guesser(.bare): "guesser-bare"
        case .copier: "copier"
        case .silentProvider: "silent-provider"
        case .silentAuditor: "silent-auditor"
        case .agreeingAuditor: "agreeing-auditor"
        case .colludingAuditor: "colluding-auditor"
        case .falseProver: "false-prover"
        case .falsePerson: "false-person"
        case .vanishingRequester: "vanishing-requester"
        case .equivocator: "equivocator"
        }
    }

    /// Whose role is played wrongly: whose jobs are counted.
    package enum Role: Hashable, Sendable {
        case provider
        case auditor
        /// Provider and auditor have one owner.
        case pair
        case person
        case requester
        case validator
    }

    /// Its role.
    package var role: Role {
        switch self {
        case .wrongLeaf, .lazy, .guesser, .copier, .silentProvider: .provider
        case .silentAuditor, .agreeingAuditor, .falseProver: .auditor
        case .colludingAuditor: .pair
        case .falsePerson: .person
        case .vanishingRequester: .requester
        case .equivocator: .validator
        }
    }

    /// The machines that cheat: machine 0 runs jobs, the last validator only audits.
    func hosts(of validators: Int) -> [Int] {
        switch self.role {
        case .provider: [0]
        case .auditor: [validators - 1]
        case .pair: [0, validators - 1]
        case .person, .requester, .validator: []
        }
    }

    /// Leaves of each job that are not what they say, of `leaves`.
    package func faked(of leaves: UInt64) -> UInt64 {
        switch self {
        case .wrongLeaf: 1
        case .lazy(let percent): Lazy.count(percent, of: leaves)
        case .guesser(.digest), .colludingAuditor, .copier, .silentProvider: leaves
        case .guesser(.bare), .silentAuditor, .agreeingAuditor, .falseProver, .falsePerson,
            .vanishingRequester, .equivocator:
            0
        }
    }
}

/// The memory of a machine that cheats.
struct CheatState {
    let kind: Cheat
    /// Numbers of its own audit chain, by job.
    var reveals = Lookup<JobID, Digest>()
    /// What it bound itself to without computing it, by job and leaf.
    var garbage = Lookup<JobID, [LeafResult]>()

    init(_ kind: Cheat) { self.kind = kind }

    /// The garbage root of a leaf.
    func root(_ job: JobID, _ leaf: UInt64) -> Digest? {
        self.garbage[job]?.first { $0.leaf == leaf }?.sliceRoot
    }
}

// Where a cheat comes between a machine's cores and its drivers.
extension World {
    /// True if the machine's cheat did something else than what `effect` asks.
    func cheats(_ effect: Provider.Effect, _ host: Host) -> Bool {
        switch host.cheat?.kind {
        case nil, .falsePerson?, .vanishingRequester?, .equivocator?: return false
        case .wrongLeaf?: return WrongLeaf.performs(effect, host, self)
        case .lazy(let percent)?: return Lazy.performs(effect, percent, host, self)
        case .guesser?: return Guesser.performs(effect, host, self)
        case .copier?: return Copier.performs(effect, host, self)
        case .silentProvider?: return SilentProvider.performs(effect, host, self)
        case .silentAuditor?: return SilentAuditor.performs(effect)
        case .agreeingAuditor?: return AgreeingAuditor.performs(effect, host, self)
        case .colludingAuditor?: return ColludingAuditor.performs(effect, host, self)
        case .falseProver?: return FalseProver.performs(effect, host, self)
        }
    }

    /// What the machine's cheat makes of what its node tells the chain; nil: nothing.
    func cheats(_ input: Chain.Input, _ host: Host) -> Chain.Input? {
        guard case .intend(let intent, let account, let token) = input else { return input }
        switch (host.cheat?.kind, intent) {
        case (.copier?, .commit(let job, _, _)):
            return .intend(Copier.commitment(job, intent, self), account: account, token: token)
        case (.silentProvider?, _): return SilentProvider.swallows(intent) ? nil : input
        case (.falseProver?, .prove(let job, let attempt, let opening, let witness)):
            FalseProver.says(job, attempt, opening, witness, host, self)
            return nil
        case (nil, .commit(_, let leafRoot, let output)):
            self.court.commitment = (leafRoot, output)
            return input
        default: return input
        }
    }

    /// What the machine's cheat hears of a message, before its node does.
    func overhears(_ bytes: [UInt8], _ host: Host) {
        guard host.cheat?.kind == .agreeingAuditor else { return }
        AgreeingAuditor.hears(bytes, host, self)
    }
}
