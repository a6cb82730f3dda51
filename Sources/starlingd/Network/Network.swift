import Economy
import Foundation
import Gossip
import Ledger
import Primitives

/// The network that this node is part of, and what it is in it.
struct Network: Sendable {
    /// Why a node cannot be part of its network.
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }

    let genesis: Genesis
    /// The reveals of this node's seat; nil if it only follows.
    let reveals: RevealChain?
    /// The chain that names the leaves which this node's seat audits; nil without a seat.
    let audits: RevealChain?
    /// What the node provides for; nil if it takes no jobs.
    let provider: KeyStore.Wallet?
    /// The payout wallet of this node's seat, if its key is here: it signs audits.
    let auditor: KeyStore.Wallet?
    /// Where peers are accepted; nil if this node only dials.
    let listen: HostPort?
    /// What others dial, if it is not where this node listens.
    let advertise: HostPort?
    /// Who is dialled: no key twice, and not this node's own.
    let peers: [PeerAddress]
    let isDev: Bool

    /// Whether this node votes.
    var isValidator: Bool { self.reveals != nil }

    /// The accounts whose duties this node does.
    var accounts: [AccountID] {
        let wallets = [self.provider, self.auditor].compactMap { $0?.account }
        return wallets.enumerated().filter { wallets.firstIndex(of: $0.element) == $0.offset }
            .map(\.element)
    }

    /// What peers are told to dial, once `port` is listened on; nil if nothing can be dialled.
    func address(of key: PublicKey, port: UInt16) -> PeerAddress? {
        if let advertise {
            return PeerAddress(key: key, host: advertise.host, port: advertise.port)
        }
        guard let listen, !listen.isWildcard else { return nil }
        return PeerAddress(key: key, host: listen.host, port: port)
    }
}

// MARK: Development

extension Network {
    /// STAR that each test account is born with.
    static let devStarEach: UInt64 = 1_000_000
    /// Blocks that a reveal chain serves if nothing is said: at 20 a second, 3.6 hours of load.
    static let revealsDefault = 1 << 18
    /// Blocks that a reveal chain serves at most: what a start can take.
    static let revealsMax = 1 << 22
    /// Draws that an audit chain serves if nothing is said, one for each job that the seat audits:
    /// found anew at every start in a quarter of a second.
    static let auditsDefault = 1 << 20
    /// Draws that an audit chain serves at most: what a start can take.
    static let auditsMax = 1 << 22

    /// The network of `--dev`: one validator that audits under one account and provides under
    /// another.
    ///
    /// Made once per data directory with fresh random keys; a restart finds the same network.
    static func dev(directory: String, keys: KeyStore, provides: Bool) throws -> Network {
        var wallets: [String: KeyStore.Wallet] = [:]
        for name in ["alice", "bob", "provider", "auditor"] {
            wallets[name] = try keys.wallet(named: name) ?? keys.create(name)
        }
        let auditor = wallets["auditor"].proven("made above")
        let reveals = Self.reveals(keys.node, count: Self.revealsDefault)
        let path = directory + "/genesis"
        let audits: RevealChain
        let genesis: Genesis
        if FileManager.default.fileExists(atPath: path) {
            genesis = try GenesisFile.read(path).genesis
            let count = genesis.validators.first.map { Int($0.auditCount) }
            audits = Self.audits(keys.node, count: count ?? Self.auditsDefault)
        } else {
            audits = Self.audits(keys.node, count: Self.auditsDefault)
            let funded = ["alice", "bob", "provider", "auditor"].map { name in
                GenesisAccount(
                    account: wallets[name].proven("made above").account,
                    balance: Amount(Self.devStarEach * Amount.motesPerStar))
            }
            genesis = Genesis.dev(
                key: keys.node.publicKey, anchor: reveals.anchor, auditAnchor: audits.anchor,
                auditCount: UInt32(clamping: audits.count), payout: auditor.account,
                time: LedgerTime(ms: Clock.wallMs), accounts: funded)
            try Files.writeDurably(path, genesis.canonicalBytes)
        }
        return Network(
            genesis: genesis, reveals: reveals, audits: audits,
            provider: provides ? wallets["provider"] : nil, auditor: auditor, listen: nil,
            advertise: nil, peers: [], isDev: true)
    }

    /// The reveal chain of a node key: the same secret every time.
    static func reveals(_ node: SecretKey, count: Int) -> RevealChain {
        RevealChain(secret: node.derive(.reveal, .zero), count: count)
    }

    /// The audit chain of a node key: the same secret every time, and not the beacon's.
    static func audits(_ node: SecretKey, count: Int) -> RevealChain {
        RevealChain(secret: node.derive(.audit, .zero), count: count)
    }
}

// MARK: Joined

extension Network {
    /// The network that the configuration names.
    ///
    /// - Throws: ``Failure`` with what to change.
    static func joined(_ settings: Settings, keys: KeyStore) throws -> Network {
        guard let path = settings.genesis else {
            throw Failure("`genesis` is missing: the path of the network's genesis file")
        }
        let file = try GenesisFile.read(path)
        let me = keys.node.publicKey
        let seat = file.genesis.validators.first { $0.key == me }
        var provider: KeyStore.Wallet?
        if settings.provides {
            provider = try Self.wallet(settings.providerAccount, "provider.account", keys)
        }
        if let seat, let payout = settings.payout {
            let account = keys.wallet(named: payout)?.account ?? AccountID(hex: payout)
            guard account == seat.payout else {
                throw Failure(
                    "payout is \(payout), but the genesis pays this validator's earnings to "
                        + "\(seat.payout.hex): correct `payout`, or leave it out")
            }
        }
        return Network(
            genesis: file.genesis, reveals: try Self.reveals(settings, seat, keys.node),
            audits: try Self.audits(seat, keys.node), provider: provider,
            auditor: seat.flatMap { keys.wallet(of: $0.payout) },
            listen: settings.listen, advertise: settings.advertise,
            peers: PeerText.others(settings.peers + file.peers, than: me), isDev: false)
    }

    /// The reveal chain of a seat, compared with what the genesis commits to.
    private static func reveals(
        _ settings: Settings, _ seat: GenesisValidator?, _ node: SecretKey
    ) throws(Failure) -> RevealChain? {
        guard let seat, settings.validates else { return nil }
        let reveals = Self.reveals(node, count: settings.reveals)
        guard reveals.anchor == seat.anchor else {
            throw Failure(
                "the genesis has another reveal anchor for this node: validator.reveals must be "
                    + "what its seat file said (it is \(settings.reveals) now)")
        }
        return reveals
    }

    /// The audit chain of a seat, compared with what the genesis commits to: a seat that does not
    /// vote is drawn as an auditor, too.
    private static func audits(
        _ seat: GenesisValidator?, _ node: SecretKey
    ) throws(Failure) -> RevealChain? {
        guard let seat else { return nil }
        guard seat.auditCount <= UInt32(Self.auditsMax) else {
            throw Failure(
                "the genesis gives this node an audit chain of \(seat.auditCount) numbers, more "
                    + "than \(Self.auditsMax)")
        }
        let audits = Self.audits(node, count: Int(seat.auditCount))
        guard audits.anchor == seat.auditAnchor else {
            throw Failure(
                "the genesis has another audit anchor for this node: its seat file was not made "
                    + "from the node key in this data directory")
        }
        return audits
    }

    private static func wallet(
        _ name: String, _ key: String, _ keys: KeyStore
    ) throws(Failure) -> KeyStore.Wallet {
        let wallet = keys.wallet(named: name) ?? AccountID(hex: name).flatMap(keys.wallet(of:))
        guard let wallet else {
            throw Failure(
                "\(key): no key of \"\(name)\" is in the data directory; starlingd init makes the "
                    + "wallet, or set provider.enabled = false")
        }
        return wallet
    }
}
