import Economy
import Ledger
internal import OrderedCollections
import Primitives

// What a node says on the ledger by itself: the operation of each wish, and none made twice.
extension Chain {
    /// Motes to the proposer for what a node says by itself: it shall not come last, behind traffic
    /// that pays, and miss a deadline that costs a stake.
    static let intentTip = Amount(1_000 as UInt64)
    /// For a proof that a leaf is wrong: it comes before all else, as large as it is.
    static let proofTip = Amount(100_000 as UInt64)
    /// Wishes that wait for one transaction.
    static let echoesMax = 16

    mutating func onIntend(
        _ intent: Intent, _ account: AccountID, _ token: Token, _ outbox: inout Outbox<Effect>
    ) {
        do throws(Refusal) {
            let operations = [try Self.operation(intent)]
            if try self.isWaiting(operations, account, token, &outbox) { return }
            var wanted = Preparation(account: account, operations: [], mode: .submit)
            wanted.tip = if case .prove = intent { Self.proofTip } else { Self.intentTip }
            try self.make(operations, wanted, token, &outbox)
        } catch {
            outbox.append(.rejected(token: token, error))
        }
    }

    /// True if a transaction of the account with these very operations waits: it is answered for
    /// once more, and neither paid twice nor given a second nonce.
    ///
    /// One that the next block could not take does not count.
    private mutating func isWaiting(
        _ operations: [OperationBytes], _ account: AccountID, _ token: Token,
        _ outbox: inout Outbox<Effect>
    ) throws(Refusal) -> Bool {
        for entry in self.mempool.waiting(account, operations)
        where self.isAdmissible(entry.transaction) {
            outbox.append(
                .accepted(
                    token: token, id: entry.id, transaction: entry.transaction.canonicalBytes))
            return true
        }
        let signing = self.requests.values.map(\.transaction)
        let checking = self.batches.values.compactMap { batch -> Transaction? in
            guard case .transaction(let transaction, _, _, _, _) = batch else { return nil }
            return transaction
        }
        let pending = (signing + checking).first {
            $0.account == account && $0.operations == operations
        }
        guard let id = pending?.id(self.salt) else { return false }
        let waiting = self.echoes[id] ?? []
        guard waiting.count < Self.echoesMax else {
            throw Refusal(.tooManyRequests, "the same is said too often")
        }
        self.echoes[id] = waiting + [token]
        return true
    }

    private func isAdmissible(_ transaction: Transaction) -> Bool {
        guard let next = self.nextLedger() else { return false }
        var ledger = next.0
        do throws(InclusionFault) {
            _ = try ledger.check(transaction, price: next.1)
            return true
        } catch {
            return false
        }
    }

    /// The operation of an intent.
    ///
    /// - Throws: `operationInvalid` where a record's bytes do not decode.
    private static func operation(_ intent: Intent) throws(Refusal) -> OperationBytes {
        do throws(DecodeError) {
            return try self.encoded(intent)
        } catch {
            throw Refusal(.operationInvalid, "\(error)")
        }
    }

    private static func encoded(_ intent: Intent) throws(DecodeError) -> OperationBytes {
        switch intent {
        case .commit(let job, let leafRoot, let commitment):
            return OperationCatalogue.encode(
                JobCommit(job: job, leafRoot: leafRoot, outputCommitment: commitment))
        case .audit(let job, let reveal, let salt, let openings, let signature):
            var audit = JobAudit()
            audit.job = job
            audit.reveal = reveal
            audit.salt = salt
            audit.openings = try .init(canonical: openings)
            audit.signature = signature
            return OperationCatalogue.encode(audit)
        case .summon(let job, let reveal, let commitment):
            return OperationCatalogue.encode(
                JobSummon(job: job, reveal: reveal, commitment: commitment))
        case .open(let job, let openings, let earlier):
            return OperationCatalogue.encode(
                JobOpen(
                    job: job, openings: try .init(canonical: openings),
                    earlier: earlier.map {
                        EarlierRequest(commitment: $0.commitment, signature: $0.signature)
                    }))
        case .prove(let job, let attempt, let opening, let witness):
            return OperationCatalogue.encode(
                JobProve(
                    job: job, attempt: attempt, opening: try .init(canonical: opening),
                    witness: try .init(canonical: witness)))
        case .answer(let job, let opening, let chunks, let bytes):
            return OperationCatalogue.encode(
                JobAnswer(
                    job: job, opening: try .init(canonical: opening),
                    chunks: Array(chunks.prefix(JobAnswer.chunksMax)),
                    // Chunks of 4 KiB, as the slice root has them.
                    bytes: Array(bytes.prefix(Challenge.chunksMax * 4_096))))
        case .offer(let terms): return self.encoded(terms)
        case .withdrawOffer(let offer):
            return OperationCatalogue.encode(OfferWithdraw(offer: offer))
        case .decline(let job, let reason):
            return OperationCatalogue.encode(JobDecline(job: job, reason: reason))
        }
    }

    private static func encoded(_ terms: OfferTerms) -> OperationBytes {
        var offer = OfferPost()
        offer.pricePerGigaGas = terms.pricePerGigaGas
        offer.capacity = terms.capacity
        offer.classes = Array(terms.classes.prefix(OfferEntry.classesMax))
        offer.maxJobGas = terms.maxJobGas
        offer.bond = terms.bond
        offer.device = terms.device.bounded(OfferEntry.deviceMax)
        offer.node = terms.node
        offer.standsUntil = terms.standsUntil
        return OperationCatalogue.encode(offer)
    }
}

extension String {
    /// The longest prefix of whole characters within `bytes` bytes.
    fileprivate func bounded(_ bytes: Int) -> String {
        var out = ""
        for character in self {
            guard out.utf8.count + character.utf8.count <= bytes else { break }
            out.append(character)
        }
        return out
    }
}
