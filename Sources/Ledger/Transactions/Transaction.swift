package import Primitives

/// An operation as bytes: Economy knows what they mean.
package struct OperationBytes: FieldValue {
    /// The largest operation; a transaction's operations together have the same bound.
    package static let bytesMax = 512 * 1024

    /// The canonical operation: its tag and fields.
    package var bytes: [UInt8]

    /// An encoded operation.
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// No bytes.
    package static var blank: OperationBytes { OperationBytes([]) }

    /// Length and bytes.
    package func encode(into encoder: inout Encoder) { encoder.byteString(self.bytes) }

    /// At most `bytesMax` bytes.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        self.bytes = try decoder.byteString(max: Self.bytesMax, field: "operation")
    }

    /// Hexadecimal digits.
    package var json: JSON { .string(Hex.encode(self.bytes)) }

    /// Hexadecimal digits.
    package init(json: JSON, at path: String) throws(FieldError) {
        guard case .string(let text) = json, let bytes = Hex.decode(text),
            bytes.count <= Self.bytesMax
        else {
            throw FieldError(path: path, expected: "hex string of at most 512 KiB", found: json)
        }
        self.bytes = bytes
    }

    /// A string of digits.
    package static var schema: JSON {
        .object(("type", .string("string")), ("pattern", .string("^([0-9a-f]{2})*$")))
    }
}

/// The signatures under a transaction.
package struct Authorisation: Record {
    /// Bit i set: key i of the policy in force has signed.
    package var signers: UInt16
    /// One for each set bit, by ascending key.
    package var signatures: [Signature]

    /// Signatures of the keys in `signers`.
    package init(signers: UInt16, signatures: [Signature]) {
        self.signers = signers
        self.signatures = signatures
    }

    /// Nobody's.
    package static var blank: Authorisation { Authorisation(signers: 0, signatures: []) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("signers", &self.signers)
        try visitor.list("signatures", &self.signatures, max: Policy.keysMax)
    }
}

/// One signature to verify; whoever has verified it before need not again.
package struct SignatureCheck: Hashable, Sendable {
    /// Whose.
    package let key: PublicKey
    /// Over what.
    package let message: Digest
    /// The signature.
    package let signature: Signature

    /// True if the signature is right. Costs about 45 µs.
    package var isValid: Bool { self.key.verify(self.signature, self.message) }
}

/// What an account wants done: all operations or none.
///
/// Bytes: u8 version (1) | account | u64 nonce | u64 validUntil ms | u128 maxFee | u128 tip |
/// operations | optional first policy | u16 signers | signatures. Everything before the signers is
/// signed and named by the id: id = H(.tx, salt, signed bytes), signing digest = H(.txsign, salt,
/// signed bytes). The salt binds both to one chain.
///
/// - Bounds: 1...16 operations; `bytesMax` for the whole.
/// - Source: protocol/transaction.md.
package struct Transaction: Record {
    /// The only version.
    package static let version: UInt8 = 1
    /// The most operations.
    package static let operationsMax = 16
    /// The largest transaction: operations and the envelope around them.
    package static let bytesMax = OperationBytes.bytesMax + 4096

    /// The format, 1.
    package var version: UInt8
    /// Who acts and pays.
    package var account: AccountID
    /// Used once, see ``NonceWindow``.
    package var nonce: UInt64
    /// The last ledger time at which it may be included.
    package var validUntil: LedgerTime
    /// The most that base fee and tip may cost together; held before the first operation.
    package var maxFee: Amount
    /// For the proposer, also if an operation fails.
    package var tip: Amount
    /// In order.
    package var operations: [OperationBytes]
    /// The policy whose hash is the account; needed in its first transaction, checked and ignored
    /// later.
    package var policy: Policy?
    /// Who signed.
    package var authorisation: Authorisation

    /// A transaction without signatures.
    package init(
        account: AccountID, nonce: UInt64, validUntil: LedgerTime, maxFee: Amount, tip: Amount,
        operations: [OperationBytes], policy: Policy?
    ) {
        self.version = Self.version
        self.account = account
        self.nonce = nonce
        self.validUntil = validUntil
        self.maxFee = maxFee
        self.tip = tip
        self.operations = operations
        self.policy = policy
        self.authorisation = .blank
    }

    /// Reads a transaction from the outside.
    ///
    /// - Throws: ``DecodeError``; nothing is read of bytes that are too many.
    package init(wire bytes: [UInt8]) throws(DecodeError) {
        guard bytes.count <= Self.bytesMax else {
            throw .tooLong(field: "transaction", limit: Self.bytesMax, offset: 0)
        }
        try self.init(canonical: bytes)
    }

    /// Nothing.
    package static var blank: Transaction {
        Transaction(
            account: .zero, nonce: 0, validUntil: .zero, maxFee: .zero, tip: .zero, operations: [],
            policy: nil)
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("version", &self.version)
        try visitor.field("account", &self.account)
        try visitor.field("nonce", &self.nonce)
        try visitor.field("validUntil", &self.validUntil)
        try visitor.field("maxFee", &self.maxFee)
        try visitor.field("tip", &self.tip)
        try visitor.list("operations", &self.operations, max: Self.operationsMax)
        try visitor.field("policy", &self.policy)
        try visitor.field("authorisation", &self.authorisation)
    }

    /// The bytes that are signed: all but the authorisation.
    package var signedBytes: [UInt8] {
        let all = self.canonicalBytes
        return Array(all.dropLast(self.authorisation.canonicalBytes.count))
    }

    /// The name.
    package func id(_ salt: ChainSalt) -> TransactionID {
        TransactionID(Blake2b.hash(.tx, salt, self.signedBytes))
    }

    /// What the keys sign.
    package func signingDigest(_ salt: ChainSalt) -> Digest {
        Blake2b.hash(.txsign, salt, self.signedBytes)
    }

    /// Signs with keys that are in `policy`; keys that are not in it are left out.
    package mutating func sign(_ keys: [SecretKey], under policy: Policy, _ salt: ChainSalt) {
        let digest = self.signingDigest(salt)
        self.authorisation = .blank
        for (index, entry) in policy.keys.enumerated() {
            guard let key = keys.first(where: { $0.publicKey == entry.key }) else { continue }
            self.authorisation.signers |= 1 << UInt16(truncatingIfNeeded: index)
            self.authorisation.signatures.append(key.sign(digest))
        }
    }

    /// The signatures to verify under the policy in force, which they satisfy in number and weight.
    ///
    /// - Throws: `.signersNotInPolicy`, `.signatureCountDiffers` or `.weightBelowThreshold`.
    package func checks(
        under policy: Policy, _ salt: ChainSalt
    ) throws(InclusionFault) -> [SignatureCheck] {
        let signers = self.authorisation.signers
        let count = policy.keys.count
        guard count <= Policy.keysMax, UInt32(signers) >> UInt32(count) == 0 else {
            throw .signersNotInPolicy
        }
        guard signers.nonzeroBitCount == self.authorisation.signatures.count else {
            throw .signatureCountDiffers
        }
        let digest = self.signingDigest(salt)
        var weight: UInt32 = 0
        var checks: [SignatureCheck] = []
        for (index, entry) in policy.keys.enumerated() where signers >> UInt16(index) & 1 == 1 {
            weight += UInt32(entry.weight)
            checks.append(
                SignatureCheck(
                    key: entry.key, message: digest,
                    signature: self.authorisation.signatures[checks.count]))
        }
        guard weight >= policy.threshold, weight > 0 else { throw .weightBelowThreshold }
        return checks
    }
}
