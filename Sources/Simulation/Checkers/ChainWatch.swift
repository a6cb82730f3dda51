import Chain
internal import OrderedCollections
import Primitives

/// Watches the final blocks of every machine: agreement, certificates, nonces, payments.
///
/// Decodes what it needs itself, and knows nothing but bytes, keys and the genesis' balances.
struct ChainWatch {
    /// Somebody who only pays and is paid.
    private struct Payer {
        var balance: UInt128
    }

    /// A final block, as the first machine said it.
    struct Final {
        let id: Digest
        let stateRoot: Digest
        let transactions: [Digest]
    }

    /// An account, and the tag of what it said.
    struct Payment: Hashable {
        let account: Digest
        let tag: UInt16
    }

    struct Cost {
        var count = 0
        var fees: UInt128 = 0
        /// Codes of those that were rejected.
        var rejections: [UInt16] = []
    }

    private struct Slot: Hashable {
        let account: Digest
        let nonce: UInt64
    }

    private let salt: ChainSalt
    private let committee: [(key: PublicKey, stake: UInt64)]
    private let genesis: Digest
    private(set) var finals: [Final] = []
    private var nonces = Lookup<Slot, Digest>()
    private var places = Lookup<Digest, Int>()
    private var payers: OrderedDictionary<Digest, Payer> = [:]
    /// The phase of every job, by its code.
    private(set) var jobs: OrderedDictionary<Digest, UInt8> = [:]
    /// Everything that was taken from somebody for a fault.
    private(set) var slashes: [SlashFacts] = []
    /// What transactions cost, and how many were rejected, by account and operation.
    private(set) var costs: OrderedDictionary<Payment, Cost> = [:]
    /// What changed since the last look, in words.
    var news: [String] = []
    private(set) var payments = 0
    /// Two blocks were final at one height: nothing more can be said after that.
    private(set) var isForked = false

    init(
        salt: ChainSalt, committee: [(key: PublicKey, stake: UInt64)], genesis: Digest,
        payers: [(account: AccountID, balance: UInt64)]
    ) {
        self.salt = salt
        self.committee = committee
        self.genesis = genesis
        for payer in payers {
            self.payers[payer.account.digest] = Payer(balance: UInt128(payer.balance))
        }
    }

    /// The height up to which every block was seen.
    var height: UInt64 { UInt64(clamping: self.finals.count) }

    /// The final block of a height.
    func final(_ height: UInt64) -> Final? {
        guard height > 0, height <= self.height else { return nil }
        return self.finals[Int(clamping: height - 1)]
    }

    /// The height in which a transaction is final.
    func height(of transaction: Digest) -> Int? { self.places[transaction] }

    /// What a payer must have now, deposits included; nil for anybody else.
    func balance(of account: Digest) -> UInt128? { self.payers[account]?.balance }

    /// The accounts whose balances are known.
    var accounts: [Digest] { Array(self.payers.keys) }

    // MARK: Blocks

    /// A machine hands consecutive final blocks to its disk.
    mutating func saw(
        _ records: [BlockRecord], by name: String, at ns: UInt64, _ signer: Signer,
        _ verdicts: inout Verdicts
    ) {
        for record in records where !self.isForked {
            guard let header = HeaderFacts(record.header, self.salt) else {
                verdicts.add(.agreement, "\(name) has a header that is none", at: ns)
                return
            }
            self.place(record, header, by: name, at: ns, &verdicts)
        }
        // A certificate finalizes its block and, through their hashes, all before it.
        guard !self.isForked, let last = records.last,
            let header = HeaderFacts(last.header, self.salt)
        else {
            return
        }
        var reader = Bytes(last.certificate)
        let certificate = CertificateFacts(&reader)
        let flaw =
            reader.isComplete
            ? certificate.flaw(
                finalizing: header.id, self.committee, self.salt, signer)
            : "it is none"
        if let flaw {
            verdicts.add(
                .certificate, "\(name), block \(header.height) \(header.id.short): \(flaw)", at: ns)
        }
    }

    private mutating func place(
        _ record: BlockRecord, _ header: HeaderFacts, by name: String, at ns: UInt64,
        _ verdicts: inout Verdicts
    ) {
        let words = "\(name), height \(header.height)"
        guard header.id == record.id.digest, header.height == record.height else {
            return verdicts.add(.agreement, "\(words): the block is not what it says", at: ns)
        }
        if let known = self.final(header.height) {
            guard known.id == header.id else {
                self.isForked = true
                return verdicts.add(
                    .agreement,
                    "\(words): \(header.id.short) is final here, \(known.id.short) elsewhere",
                    at: ns)
            }
            return
        }
        guard header.height == self.height + 1 else {
            return verdicts.add(.storage, "\(words): blocks before it are missing", at: ns)
        }
        let parent = self.final(self.height)?.id ?? self.genesis
        guard header.parent == parent else {
            self.isForked = true
            return verdicts.add(.agreement, "\(words): it does not stand on the last one", at: ns)
        }
        self.execute(record, header, words, at: ns, &verdicts)
    }

    /// Uses nonces and moves payments, once per height.
    private mutating func execute(
        _ record: BlockRecord, _ header: HeaderFacts, _ words: String, at ns: UInt64,
        _ verdicts: inout Verdicts
    ) {
        guard let transactions = TransactionFacts.all(inBody: record.body, self.salt),
            let receipts = ReceiptFacts.all(in: record.receipts),
            receipts.count >= transactions.count
        else { return verdicts.add(.agreement, "\(words): the body does not decode", at: ns) }
        let height = self.finals.count + 1
        for (transaction, receipt) in zip(transactions, receipts) {
            let slot = Slot(account: transaction.account, nonce: transaction.nonce)
            if self.nonces[slot] != nil || self.places[transaction.id] != nil {
                verdicts.add(
                    .nonce, "\(words): nonce \(slot.nonce) of \(slot.account.short) again", at: ns)
            }
            if receipt.transaction != transaction.id {
                verdicts.add(.books, "\(words): a receipt is of another transaction", at: ns)
            }
            self.nonces[slot] = transaction.id
            self.places[transaction.id] = height
            self.pay(transaction, receipt)
            let payment = Payment(account: transaction.account, tag: transaction.tag)
            self.costs[payment, default: Cost()].count += 1
            self.costs[payment, default: Cost()].fees += receipt.fee
            if !receipt.isOk {
                self.costs[payment, default: Cost()].rejections.append(receipt.code)
            }
        }
        for slash in receipts.flatMap(\.slashes) {
            if !slash.isWhole {
                verdicts.add(.books, "\(words): a slash's parts are not the whole", at: ns)
            }
            self.slashes.append(slash)
            self.news.append("\(slash.account.short) loses \(slash.amount) motes")
        }
        for change in receipts.flatMap(\.jobs) {
            self.jobs[change.id] = change.phase
            let phase = Self.phases[min(Int(change.phase), Self.phases.count - 1)]
            self.news.append("job \(change.id.short) is \(phase) in block \(height)")
        }
        self.finals.append(
            Final(
                id: header.id, stateRoot: header.stateRoot, transactions: transactions.map(\.id)))
    }

    private static let phases = [
        "posted", "assigned", "committed", "drawn", "summoned", "opened", "audited", "settled",
        "cancelled", "unassigned", "uncommitted", "unaudited", "faulted", "kernelFault",
        "withheld", "unknown",
    ]

    private mutating func pay(_ transaction: TransactionFacts, _ receipt: ReceiptFacts) {
        self.payers[transaction.account]?.balance -= receipt.fee
        guard receipt.isOk else { return }
        for payment in transaction.payments where payment.asset == AssetID.star.digest {
            self.payments += 1
            self.payers[transaction.account]?.balance -= payment.amount
            self.payers[payment.to]?.balance += payment.amount
        }
    }
}
