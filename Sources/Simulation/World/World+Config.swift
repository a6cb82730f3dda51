import Economy
import Gossip
import Kernels
import Ledger
import Node
import Primitives
import Provider

extension World {
    /// What the operator of a machine configured.
    func config(of host: Host) -> Node.Config {
        let seat = self.epochs.set.index(of: host.key)
        var offer: (account: AccountID, terms: OfferTerms)?
        if let provider = host.provider {
            let terms = OfferTerms(
                pricePerGigaGas: self.kernel.pricePerGigaGas, capacity: self.plan.capacity,
                classes: [ExactnessClass.exactInt.rawValue], maxJobGas: .max,
                bond: Amount(self.plan.bondStar * Amount.motesPerStar), device: "simulated",
                standsUntil: LedgerTime(ms: Drift.beginMs + 86_400_000), node: host.key)
            offer = (provider, terms)
        }
        let peers = self.hosts.prefix(self.plan.validators).filter { $0.key != host.key }
            .map { self.address(of: $0) }
        return Node.Config(
            salt: self.genesis.salt, genesisBlock: self.genesisBlock, epochs: self.epochs,
            seat: seat, accounts: host.accounts, offer: offer,
            provider: Provider.Config(
                chain: self.genesis.salt, concurrentJobs: Int(self.plan.capacity),
                // Whoever cheats does not look at its own leaves.
                selfCheckLeaves: host.cheat == nil ? 2 : 0, askMs: self.plan.askMs),
            gossip: Gossip.Config(
                me: host.key, salt: self.genesis.salt, genesis: self.genesis.id, peers: peers,
                address: self.address(of: host)),
            heartbeatMs: self.plan.heartbeatMs)
    }

    private func address(of host: Host) -> PeerAddress {
        PeerAddress(key: host.key, host: "10.0.0.\(host.index + 1)", port: 7_000)
    }

    /// The keys whose accounts a machine's chain knows: its own, and those of the people.
    func wallets(of host: Host) -> [PublicKey] {
        host.accounts.compactMap { self.accountKeys[$0] } + self.people.map(\.key)
    }
}
