import Economy
import Ledger
import Primitives

/// One validator, and accounts with keys that send.
struct World {
    /// Motes that each account begins with.
    static let balance = Amount(1_000 * Amount.motesPerStar)
    /// Ledger time of the genesis, milliseconds.
    static let start: UInt64 = 1_700_000_000_000
    /// Reveals of the validator: the most blocks of a run.
    static let blocksMax = 1 << 16

    let node: SecretKey
    let reveals: RevealChain
    let genesis: Genesis
    let senders: [SecretKey]

    var salt: ChainSalt { self.genesis.salt }

    init(senders: Int) {
        self.node = Self.key("node", 0)
        self.reveals = RevealChain(secret: Self.digest("reveal", 0), count: Self.blocksMax)
        var genesis = Genesis.dev(
            key: self.node.publicKey, anchor: self.reveals.anchor,
            auditAnchor: Self.digest("audit", 0),
            payout: AccountID(Self.digest("payout", 0)), time: LedgerTime(ms: Self.start),
            accounts: [], name: "starling-bench")
        // What burns as fees was issued once; no account is listed, since there are too many.
        genesis.ledger.feeDoubling = 1 << 50  // The price stays where it is, however many blocks.
        genesis.validators[0].stake = Amount(1_000_000_000 * Amount.motesPerStar)
        self.genesis = genesis
        self.senders = (0..<senders).map { Self.key("sender", $0) }
    }

    static func digest(_ name: String, _ number: Int) -> Digest {
        Blake2b.hash(.vector, .none, Array("\(name) \(number)".utf8))
    }

    static func key(_ name: String, _ number: Int) -> SecretKey {
        SecretKey(seed: Self.digest(name, number).bytes).proven("32 bytes")
    }

    /// The policy of account `number`: the first ones can sign, the others only receive.
    func policy(_ number: Int) -> Policy {
        if number < self.senders.count { return Policy(self.senders[number].publicKey) }
        return Policy(PublicKey(Self.digest("receiver", number).bytes).proven("32 bytes"))
    }
}
