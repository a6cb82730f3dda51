import Consensus
import Economy
import Kernels
import Ledger
import Primitives

/// Who is in a world: machines with their keys, people with their money, and the genesis of both.
struct Cast {
    /// STAR that everybody is born with.
    static let starEach: UInt64 = 1_000_000
    /// Blocks that one machine can propose.
    private static let reveals = 4_096
    /// Audits that one machine can do.
    private static let audits = 4_096

    let genesis: Genesis
    let genesisBlock: BlockID
    let epochs: Epochs
    private(set) var hosts: [Host] = []
    private(set) var people: [Person] = []
    private(set) var signer = Signer()
    private(set) var accountKeys = Lookup<AccountID, PublicKey>()

    init(_ plan: Plan) {
        var signer = Signer()
        func key(_ index: Int) -> SecretKey { Self.key(plan, index) }
        // Seats are in the order of keys, and machine i has seat i.
        let nodes = (0..<plan.validators).map { key($0) }
            .sorted { $0.publicKey < $1.publicKey }
        let providers = (0..<plan.providers).map { key(200 + $0) }
        // In a court who provides also audits with the one account, and never its own jobs.
        let auditors = (0..<plan.validators).map { seat in
            plan.scenario == .court && seat < plan.providers
                ? providers[seat] : key(100 + seat)
        }
        let payers = (0..<plan.payers).map { key(300 + $0) }
        let requesters = (0..<plan.requesters).map { key(400 + $0) }
        let accusers = (0..<(plan.cheat == .falsePerson ? 1 : 0)).map { key(500 + $0) }
        for node in nodes { signer.add(node, isReal: plan.usesRealSignatures) }
        let names = providers.map(\.publicKey)
        let others = auditors.filter { !names.contains($0.publicKey) }
        let everybody = others + providers + payers + requesters + accusers
        for account in everybody {
            signer.add(account, isReal: true)
            self.accountKeys[AccountID.of(key: account.publicKey)] = account.publicKey
        }
        let chains = Self.chains(nodes, .reveal, count: Self.reveals)
        let audits = Self.chains(nodes, .audit, count: Self.audits)
        let genesis = Self.genesis(plan, nodes, chains, audits, auditors, accounts: everybody)
        self.genesis = genesis
        self.epochs = Self.epochs(genesis)
        self.genesisBlock = Self.built(genesis)
        var drifts = Chance(plan.seed, .fault)
        for index in plan.keys.indices {
            let seat = plan.keys[index]
            var accounts = [AccountID.of(key: auditors[seat].publicKey)]
            var provider: AccountID?
            if seat < providers.count {
                let account = AccountID.of(key: providers[seat].publicKey)
                provider = account
                if !accounts.contains(account) { accounts.append(account) }
            }
            let drift = Self.drift(plan, index, &drifts)
            let liar = plan.liars.first { $0.host == index }?.kind
            let name = index < plan.validators ? "n\(seat)" : "n\(seat)'"
            self.hosts.append(
                Host(
                    index: index, name: name, secret: nodes[seat], accounts: accounts,
                    provider: provider, drift: drift, reveals: chains[seat],
                    audits: audits[seat], isTwin: plan.isTwin(index), liar: liar,
                    cheat: plan.cheat(of: index)))
        }
        let users =
            payers.map { ($0.publicKey, Person.Kind.payer) }
            + requesters.map { ($0.publicKey, .requester) }
            + accusers.map { ($0.publicKey, .accuser) }
        self.people = users.enumerated().map { index, user in
            Person(index: index, kind: user.1, key: user.0, host: index % plan.validators)
        }
        self.signer = signer
    }

    private static func key(_ plan: Plan, _ index: Int) -> SecretKey {
        let seed = Chance.digest(plan.seed, .key, index: index)
        return SecretKey(seed: seed.bytes).proven("32 bytes")
    }

    private static func chains(
        _ nodes: [SecretKey], _ domain: Domain, count: Int
    ) -> [RevealChain] {
        nodes.map { RevealChain(secret: $0.derive(domain, .zero), count: count) }
    }

    private static func drift(_ plan: Plan, _ index: Int, _ drifts: inout Chance) -> Drift {
        let (ppm, offset) = (Int64(clamping: plan.driftPpm), Int64(clamping: plan.offsetMs))
        return Drift(
            ppm: Int64(clamping: drifts.between(0, 2 * plan.driftPpm)) - ppm,
            offsetMs: Int64(clamping: drifts.between(0, 2 * plan.offsetMs)) - offset,
            bootNs: UInt64(clamping: index + 1) * 1_000_000_000_000)
    }

    private static func genesis(
        _ plan: Plan, _ nodes: [SecretKey], _ chains: [RevealChain], _ audits: [RevealChain],
        _ auditors: [SecretKey], accounts: [SecretKey]
    ) -> Genesis {
        var genesis = Genesis()
        genesis.name = "starling-sim"
        genesis.time = LedgerTime(ms: Drift.beginMs)
        genesis.parameters.drawProposers = plan.drawProposers
        genesis.parameters.offerStandingMs = 0
        genesis.parameters.kernelActivationMs = 0
        genesis.parameters.windowMs = plan.windowMs
        genesis.parameters.auditorMs = plan.auditorMs
        genesis.parameters.answerMs = plan.answerMs
        genesis.parameters.liabilityMs = 2 * plan.windowMs
        genesis.validators = nodes.indices.map { seat in
            GenesisValidator(
                key: nodes[seat].publicKey, stake: Amount(1_000 * Amount.motesPerStar),
                anchor: chains[seat].anchor, auditAnchor: audits[seat].anchor,
                auditCount: UInt32(clamping: audits[seat].count),
                payout: AccountID.of(key: auditors[seat].publicKey))
        }
        genesis.accounts = accounts.map {
            GenesisAccount(
                account: AccountID.of(key: $0.publicKey),
                balance: Amount(Self.starEach * Amount.motesPerStar))
        }
        return genesis
    }

    private static func built(_ genesis: Genesis) -> BlockID {
        do throws(Genesis.Fault) {
            return try genesis.build().header.id
        } catch {
            preconditionFailure("the world's genesis is right: \(error.text)")
        }
    }

    private static func epochs(_ genesis: Genesis) -> Epochs {
        let seats = genesis.validators.map { one in
            // raw: a weight, made from 64 bits above.
            Consensus.Validator(key: one.key, weight: UInt64(clamping: one.stake.units))
        }
        do throws(ValidatorSet.Flaw) {
            return Epochs(
                genesis: try ValidatorSet(seats), seed: genesis.id.digest, salt: genesis.salt)
        } catch {
            preconditionFailure("the world's validators are sorted: \(error)")
        }
    }
}
