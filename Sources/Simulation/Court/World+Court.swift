import Chain
import Economy
import Kernels
import Ledger
import Node
import Primitives
import Provider

// What cheats do to the world beside the ordinary course.
extension World {
    /// Answers a referee's run with garbage.
    func makeUp(_ run: RefereeRun, _ leaves: [UInt64], _ host: Host) {
        let results = leaves.map { leaf in
            LeafResult(leaf: leaf, sliceRoot: Digest(self.workChance.bytes(32)) ?? .zero)
        }
        host.cheat?.garbage[run.job] = results
        self.give(host, .provider(.refereed(run, results)), after: 1_000_000)
    }

    /// Says an operation on the ledger that the daemon would not say, because a trial run of it
    /// fails: nonce and expiry come from a payment that would succeed.
    func force(_ operation: OperationBytes, of account: AccountID, on host: Host) {
        guard let key = self.accountKeys[account], let other = self.people.first?.account
        else { return }
        let payment = BankTransfer(asset: .star, to: other, amount: Amount(1))
        let wanted = Chain.Preparation(
            account: account,
            operations: [Self.named(BankTransfer.name, payment)], mode: .bytes)
        guard case .prepared(_, let json)? = self.ask(host, .prepare(wanted, token: 0)),
            let bytes = json["transaction"]?.stringValue.flatMap({ Hex.decode($0) })
        else { return self.tell("\(host.name) cannot force anything") }
        do throws(DecodeError) {
            var transaction = try Transaction(canonical: bytes)
            transaction.operations = [operation]
            transaction.maxFee = Amount(Court.maxFee)
            let digest = transaction.signingDigest(self.genesis.salt)
            guard let signature = self.signer.sign(digest, by: key) else { return }
            transaction.authorisation = Authorisation(signers: 1, signatures: [signature])
            let token = self.tokens
            self.tokens += 1
            self.give(
                host, .request(.submit(transaction: transaction.canonicalBytes), token: token),
                after: 100_000)
        } catch {
            self.fail(.failure, "a prepared transaction is none: \(error)")
        }
    }

    /// A provider that cheats offers again as soon as its offer was closed by a fault; its node
    /// would take the offer for one that waits in the pool.
    func offerAgain(slashesBefore: Int) {
        for slash in self.chainWatch.slashes.dropFirst(slashesBefore) where slash.role == 0 {
            for host in self.hosts where host.cheat != nil && host.provider?.digest == slash.account
            {
                self.give(host, .provider(.expired(.retryOffer)), after: 1_000_000)
            }
        }
    }

    /// Asks a copy of a machine's chain; its first answer.
    func ask(_ host: Host, _ input: Chain.Input) -> Chain.Effect? {
        guard var chain = host.chain else { return nil }
        var outbox = Outbox<Chain.Effect>()
        chain.handle(input, now: host.drift.instant(at: self.now), into: &outbox)
        return outbox.drain().first
    }

    /// A job in the final state of a machine.
    func job(_ id: JobID, on host: Host) -> JobEntry? {
        guard case .answer(_, let json)? = self.ask(host, .query(.job(id), token: 0)),
            let job = json["job"]
        else { return nil }
        do throws(FieldError) {
            return try JobEntry(json: job, at: "job")
        } catch {
            return nil
        }
    }

    /// A blob from any disk.
    func blob(_ id: BlobID) -> [UInt8]? {
        for host in self.hosts {
            guard let blob = host.disk.blobs[id], blob.isComplete else { continue }
            return blob.pieces.flatMap { $0 ?? [] }
        }
        return nil
    }
}
