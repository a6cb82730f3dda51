package import Primitives

/// Evidence against a validator as bytes: Consensus knows what they mean.
package struct EvidenceBytes: FieldValue {
    /// The largest evidence: two conflicting signed messages with their context.
    package static let bytesMax = 4096

    /// The canonical evidence.
    package var bytes: [UInt8]

    /// Encoded evidence.
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// No bytes.
    package static var blank: EvidenceBytes { EvidenceBytes([]) }

    /// Length and bytes.
    package func encode(into encoder: inout Encoder) { encoder.byteString(self.bytes) }

    /// At most `bytesMax` bytes.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        self.bytes = try decoder.byteString(max: Self.bytesMax, field: "evidence")
    }

    /// Hexadecimal digits.
    package var json: JSON { .string(Hex.encode(self.bytes)) }

    /// Hexadecimal digits.
    package init(json: JSON, at path: String) throws(FieldError) {
        guard case .string(let text) = json, let bytes = Hex.decode(text),
            bytes.count <= Self.bytesMax
        else { throw FieldError(path: path, expected: "hex string of at most 4 KiB", found: json) }
        self.bytes = bytes
    }

    /// A string of digits.
    package static var schema: JSON { OperationBytes.schema }
}

/// What a block carries.
///
/// - Bounds: `bytesMax` in all.
/// - Source: protocol/block.md, "Body".
package struct Body: Record {
    /// The largest body.
    package static let bytesMax = 2 * 1024 * 1024
    /// The most pieces of evidence.
    package static let evidenceMax = 16
    /// The most transactions: none is smaller than 128 bytes.
    package static let transactionsMax = bytesMax / 128

    /// Offences of validators.
    package var evidence: [EvidenceBytes]
    /// In the order of execution.
    package var transactions: [Transaction]

    /// A body.
    package init(evidence: [EvidenceBytes], transactions: [Transaction]) {
        self.evidence = evidence
        self.transactions = transactions
    }

    /// Reads a body from the outside.
    ///
    /// - Throws: ``DecodeError``; nothing is read of bytes that are too many.
    package init(wire bytes: [UInt8]) throws(DecodeError) {
        guard bytes.count <= Self.bytesMax else {
            throw .tooLong(field: "body", limit: Self.bytesMax, offset: 0)
        }
        try self.init(canonical: bytes)
    }

    /// Empty.
    package static var blank: Body { Body(evidence: [], transactions: []) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.list("evidence", &self.evidence, max: Self.evidenceMax)
        try visitor.list("transactions", &self.transactions, max: Self.transactionsMax)
    }

    /// The Merkle tree (domain .body) over the evidence and then the transactions.
    ///
    /// Leaf = H(.tx, salt, u8 0 | u8 kind | canonical bytes), kind 0 evidence, 1 transaction with
    /// its signatures. Signed bytes begin with the version, never 0, so no leaf is a transaction
    /// id.
    package func root(_ salt: ChainSalt) -> Digest {
        let evidence = self.evidence.map { Self.leaf(0, $0.bytes, salt) }
        let transactions = self.transactions.map { Self.leaf(1, $0.canonicalBytes, salt) }
        return Merkle.root(evidence + transactions, .body, salt)
    }

    private static func leaf(_ kind: UInt8, _ bytes: [UInt8], _ salt: ChainSalt) -> Digest {
        var hash = Blake2b(.tx, salt)
        hash.update(u8: 0)
        hash.update(u8: kind)
        hash.update(bytes)
        return hash.finish()
    }
}
