import Economy
import Ledger
import Primitives

/// Signed transfers between accounts of the state, as clients send them: made before the clock runs.
struct Transfers {
    /// Canonical bytes, in the order of submission.
    let bytes: [[UInt8]]
    /// Their signatures.
    let checks: [Check]

    init(_ world: World, _ base: BaseState, count: Int) throws {
        let policies = world.senders.map { Policy($0.publicKey) }
        let accounts = policies.map { AccountID.of(policy: $0) }
        let known = max(world.senders.count, (base.rows - 100) / 2)
        var draw = Generator(seed: World.digest("draw", 1))
        var bytes: [[UInt8]] = []
        var checks: [Check] = []
        for index in 0..<count {
            let sender = index % accounts.count
            let other = Int(draw.below(UInt64(known - 1)))
            let receiver = other < sender ? other : other + 1
            let transfer = BankTransfer(
                asset: .star, to: .of(policy: world.policy(receiver)),
                amount: Amount(1 + draw.below(1_000_000)))
            var transaction = Transaction(
                account: accounts[sender], nonce: UInt64(index / accounts.count),
                validUntil: LedgerTime(ms: World.start + 86_400_000),
                maxFee: Amount(100_000_000), tip: Amount(0),
                operations: [OperationCatalogue.encode(transfer)], policy: nil)
            transaction.sign([world.senders[sender]], under: policies[sender], world.salt)
            bytes.append(transaction.canonicalBytes)
            guard let signature = transaction.authorisation.signatures.first else {
                throw Failure("a transfer has no signature")
            }
            checks.append(
                Check(
                    key: world.senders[sender].publicKey, signature: signature,
                    digest: transaction.signingDigest(world.salt)))
        }
        self.bytes = bytes
        self.checks = checks
    }
}
