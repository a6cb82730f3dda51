import Economy
import Foundation
import Ledger
import Primitives

/// The network of `--dev`: one validator that audits under one account and provides under another.
///
/// Made once per data directory with fresh random keys; a restart finds the same network.
struct DevNetwork: Sendable {
    /// STAR that each test account is born with.
    static let starEach: UInt64 = 1_000_000
    /// Blocks that the validator's reveal chain serves: at 20 a second, 3.6 hours of load.
    static let reveals = 1 << 18
    private static let genesisMax = 4 << 20

    let genesis: Genesis
    let reveals: RevealChain
    let provider: KeyStore.Wallet
    let auditor: KeyStore.Wallet

    init(directory: String, keys: KeyStore) throws {
        var wallets: [String: KeyStore.Wallet] = [:]
        for name in ["alice", "bob", "provider", "auditor"] {
            wallets[name] = try keys.wallet(named: name) ?? keys.create(name)
        }
        self.provider = wallets["provider"].proven("made above")
        self.auditor = wallets["auditor"].proven("made above")
        self.reveals = RevealChain(
            secret: keys.node.derive(.reveal, .zero), count: Self.reveals)
        let path = directory + "/genesis"
        if FileManager.default.fileExists(atPath: path) {
            self.genesis = try Genesis(canonical: Files.read(path, max: Self.genesisMax))
            return
        }
        let funded = ["alice", "bob", "provider", "auditor"].map { name in
            GenesisAccount(
                account: wallets[name].proven("made above").account,
                balance: Amount(Self.starEach * Amount.motesPerStar))
        }
        self.genesis = Genesis.dev(
            key: keys.node.publicKey, anchor: self.reveals.anchor, payout: self.auditor.account,
            time: LedgerTime(ms: Clock.wallMs), accounts: funded)
        try Files.writeDurably(path, self.genesis.canonicalBytes)
    }
}
