import Primitives

/// A header as a checker reads it.
///
/// - Source: protocol/block.md, "Header".
struct HeaderFacts {
    let id: Digest
    let view: UInt64
    let height: UInt64
    let parent: Digest
    let timeMs: UInt64
    let proposer: Digest
    let stateRoot: Digest

    /// Reads a header and names it; nil if it is none.
    init?(_ bytes: [UInt8], _ salt: ChainSalt) {
        var reader = Bytes(bytes)
        guard reader.u8() == 1 else { return nil }
        _ = reader.digest()
        _ = reader.u64()
        self.view = reader.u64()
        self.height = reader.u64()
        self.parent = reader.digest()
        self.timeMs = reader.u64()
        self.proposer = reader.digest()
        _ = reader.take(64)
        self.stateRoot = reader.digest()
        guard !reader.isBroken else { return nil }
        self.id = Blake2b.hash(.block, salt, bytes)
    }
}

/// A vote or a proposal as a checker reads it.
///
/// - Source: protocol/consensus.md, "Votes".
enum Said: Hashable {
    case proposal(view: UInt64, block: Digest)
    case notarize(view: UInt64, block: Digest)
    case nullify(view: UInt64)
    case finalize(view: UInt64, block: Digest)

    /// The statements of a vote record; nil if it is none.
    static func all(inRecord bytes: [UInt8]) -> [Said]? {
        var reader = Bytes(bytes)
        _ = reader.take(24)  // sequence, epoch, floor
        if reader.isThere() { _ = CertificateFacts(&reader) }
        var said: [Said] = []
        for _ in 0..<reader.count() {
            guard !reader.isBroken else { return nil }
            let view = reader.u64()
            if reader.isThere() {
                _ = reader.take(16)
                said.append(.proposal(view: view, block: reader.digest()))
                _ = reader.take(40)
            }
            if reader.isThere() { said.append(.notarize(view: view, block: reader.digest())) }
            if reader.isThere() { said.append(.nullify(view: view)) }
            if reader.isThere() { said.append(.finalize(view: view, block: reader.digest())) }
        }
        return reader.isComplete ? said : nil
    }

    /// True if no honest key says both.
    func contradicts(_ other: Said) -> Bool {
        switch (self, other) {
        case (.proposal(let view, let block), .proposal(let view2, let block2)),
            (.notarize(let view, let block), .notarize(let view2, let block2)),
            (.finalize(let view, let block), .finalize(let view2, let block2)):
            view == view2 && block != block2
        case (.nullify(let view), .finalize(let view2, _)),
            (.finalize(let view, _), .nullify(let view2)):
            view == view2
        case (.proposal, _), (.notarize, _), (.nullify, _), (.finalize, _): false
        }
    }
}

/// A certificate as a checker reads it.
///
/// - Source: protocol/consensus.md, "Certificates".
struct CertificateFacts {
    let kind: UInt8
    let view: UInt64
    let block: Digest
    let digest: (ChainSalt) -> Digest
    let signers: [Int]
    let signatures: [[UInt8]]

    init(_ reader: inout Bytes) {
        let kind = reader.u8()
        let epoch = reader.u64()
        let view = reader.u64()
        let block = reader.digest()
        let bitmap = reader.string()
        var signers: [Int] = []
        for (index, byte) in bitmap.enumerated() {
            signers += (0..<8).filter { byte >> UInt8($0) & 1 == 1 }.map { 8 * index + $0 }
        }
        var signatures: [[UInt8]] = []
        for _ in 0..<reader.count() where !reader.isBroken { signatures.append(reader.take(64)) }
        (self.kind, self.view, self.block) = (kind, view, block)
        (self.signers, self.signatures) = (signers, signatures)
        self.digest = { salt in
            var hash = Blake2b(.vote, salt)
            hash.update(u8: kind)
            hash.update(u64: epoch)
            hash.update(u64: view)
            hash.update(block)
            return hash.finish()
        }
    }

    /// Why it does not finalize `block` with the keys and stakes of a committee; nil if it does.
    func flaw(
        finalizing block: Digest, _ committee: [(key: PublicKey, stake: UInt64)],
        _ salt: ChainSalt, _ signer: Signer
    ) -> String? {
        guard self.kind == 3 else { return "it is of kind \(self.kind)" }
        guard self.block == block else { return "it is for another block" }
        guard self.signers.count == self.signatures.count else { return "signatures are missing" }
        let digest = self.digest(salt)
        var weight: UInt128 = 0
        for (index, bytes) in zip(self.signers, self.signatures) {
            guard index < committee.count, let signature = Signature(bytes),
                signer.holds(committee[index].key, digest, signature)
            else { return "the signature of seat \(index) is wrong" }
            weight += UInt128(committee[index].stake)
        }
        let total = committee.reduce(UInt128(0)) { $0 + UInt128($1.stake) }
        return weight * 3 > total * 2 ? nil : "it has \(weight) of \(total) of the stake"
    }
}

/// A transaction as a checker reads it.
///
/// - Source: protocol/transaction.md.
struct TransactionFacts {
    /// A payment in it.
    struct Payment {
        let asset: Digest
        let to: Digest
        let amount: UInt128
    }

    let id: Digest
    let account: Digest
    let nonce: UInt64
    let payments: [Payment]
    /// True if it has nothing but payments.
    let isPayment: Bool
    /// The first operation's tag.
    let tag: UInt16

    /// The transactions of a block's body; nil if it is none.
    static func all(inBody body: [UInt8], _ salt: ChainSalt) -> [TransactionFacts]? {
        var reader = Bytes(body)
        for _ in 0..<reader.count() where !reader.isBroken { _ = reader.string() }
        var list: [TransactionFacts] = []
        for _ in 0..<reader.count() {
            guard !reader.isBroken else { return nil }
            list.append(TransactionFacts(&reader, body, salt))
        }
        return reader.isComplete ? list : nil
    }

    private init(_ reader: inout Bytes, _ body: [UInt8], _ salt: ChainSalt) {
        let start = reader.offset
        _ = reader.u8()
        self.account = reader.digest()
        self.nonce = reader.u64()
        _ = reader.take(8 + 16 + 16)
        var payments: [Payment] = []
        var isPayment = true
        var first: UInt16?
        for _ in 0..<reader.count() where !reader.isBroken {
            var operation = Bytes(reader.string())
            let tag = operation.u16()
            first = first ?? tag
            guard tag == 0x0101 else {
                isPayment = false
                continue
            }
            payments.append(
                Payment(
                    asset: operation.digest(), to: operation.digest(), amount: operation.u128()))
        }
        if reader.isThere() {
            _ = reader.take(5)
            for _ in 0..<reader.count() where !reader.isBroken { _ = reader.take(34) }
        }
        let signed = reader.isBroken ? [] : Array(body[start..<reader.offset])
        self.id = Blake2b.hash(.tx, salt, signed)
        _ = reader.u16()
        for _ in 0..<reader.count() where !reader.isBroken { _ = reader.take(64) }
        (self.payments, self.isPayment, self.tag) = (payments, isPayment, first ?? 0)
    }
}

/// A receipt as a checker reads it.
///
/// - Source: protocol/receipt.md.
struct ReceiptFacts {
    let transaction: Digest
    let isOk: Bool
    /// Why it was rejected; 0 if it was not.
    let code: UInt16
    let fee: UInt128
    /// Jobs that entered a phase, by the phase's code.
    let jobs: [(id: Digest, phase: UInt8)]
    let slashes: [SlashFacts]

    /// The receipts of a block; nil if the bytes are none.
    static func all(in bytes: [UInt8]) -> [ReceiptFacts]? {
        var reader = Bytes(bytes)
        var list: [ReceiptFacts] = []
        for _ in 0..<reader.count() {
            guard !reader.isBroken else { return nil }
            let transaction = reader.digest()
            let isOk = reader.u8() == 0
            let code = isOk ? 0 : reader.u16()
            if !isOk { _ = reader.u8() }
            let fee = reader.u128()
            _ = reader.take(16 + 16 + 8)
            var jobs: [(id: Digest, phase: UInt8)] = []
            var slashes: [SlashFacts] = []
            for _ in 0..<reader.count() where !reader.isBroken {
                let kind = reader.u16()
                var event = Bytes(reader.string())
                if kind == 1180 { jobs.append((event.digest(), event.u8())) }
                if kind == 1181 { slashes.append(SlashFacts(&event)) }
            }
            list.append(
                ReceiptFacts(
                    transaction: transaction, isOk: isOk, code: code, fee: fee, jobs: jobs,
                    slashes: slashes))
        }
        return reader.isComplete ? list : nil
    }
}

/// A slash as a checker reads it.
///
/// - Source: protocol/jobs.md, "Slashes".
struct SlashFacts {
    let job: Digest
    let account: Digest
    /// 0: of a provider's bond; 1: of an auditor's stake; 2: of an author's bond.
    let role: UInt8
    /// 1 to 6, as listed there.
    let reason: UInt8
    let amount: UInt128
    let reporter: Digest?
    let toReporter: UInt128
    /// What is left is burned and covers others: true if the parts are the whole.
    let isWhole: Bool

    init(_ event: inout Bytes) {
        self.job = event.digest()
        self.account = event.digest()
        self.role = event.u8()
        self.reason = event.u8()
        self.amount = event.u128()
        self.reporter = event.isThere() ? event.digest() : nil
        self.toReporter = event.u128()
        let rest = event.u128() + event.u128()
        self.isWhole = event.isComplete && self.toReporter + rest == self.amount
    }
}
