package import Ledger
package import Primitives

/// One final block as the chain segments keep it.
package struct BlockRecord: Hashable, Sendable {
    package let height: UInt64
    package let id: BlockID
    /// Canonical bytes: the header; the body; ULEB128 count and receipts; the certificate.
    package let header: [UInt8]
    package let body: [UInt8]
    package let receipts: [UInt8]
    package let certificate: [UInt8]

    package init(
        height: UInt64, id: BlockID, header: [UInt8], body: [UInt8], receipts: [UInt8],
        certificate: [UInt8]
    ) {
        self.height = height
        self.id = id
        self.header = header
        self.body = body
        self.receipts = receipts
        self.certificate = certificate
    }
}

/// One fold of finalized layers into the state database: one transaction, each table sorted by key.
package struct FoldRecord: Hashable, Sendable {
    /// A row of an index; nil deletes it.
    package struct IndexRow: Hashable, Sendable {
        package let key: [UInt8]
        package let value: [UInt8]?
    }

    /// The height whose state this is, its state root and canonical header: the meta row.
    package let height: UInt64
    package let root: Digest
    package let header: [UInt8]
    /// By ascending path.
    package let state: [StateWrite]
    /// Changed buckets of the tree, by ascending prefix.
    package let buckets: [StateBucketChange]
    /// By ascending key.
    package let index: [IndexRow]
}

/// What the chain reads of the past: final blocks and the index rows that folds wrote.
///
/// Index keys: 0x01 | transaction id -> u64 height, u32 index; 0x02 | block id -> u64 height; both
/// big-endian. Queries alone read it, never execution.
package protocol ChainArchive: Sendable {
    /// The final block of a height; nil if it is not there (any more).
    func block(at height: UInt64) -> BlockRecord?
    /// The value of an index row.
    func index(_ key: [UInt8]) -> [UInt8]?
}

/// No past: for tests and the first moments of a chain.
package struct EmptyArchive: ChainArchive {
    package init() {}
    /// Nothing.
    package func block(at height: UInt64) -> BlockRecord? { nil }
    /// Nothing.
    package func index(_ key: [UInt8]) -> [UInt8]? { nil }
}

/// A block on the wire and in the journal: canonical header, then canonical body.
package struct Proposal: Hashable, Sendable {
    package let header: Header
    package let body: Body

    package init(header: Header, body: Body) {
        self.header = header
        self.body = body
    }

    /// Header and body of `bytes`, and nothing after them.
    package init(bytes: [UInt8]) throws(DecodeError) {
        guard bytes.count <= Body.bytesMax + 4_096 else {
            throw .tooLong(field: "proposal", limit: Body.bytesMax + 4_096, offset: 0)
        }
        var decoder = Decoder(bytes)
        self.header = try Header(from: &decoder)
        self.body = try Body(from: &decoder)
        try decoder.finish()
    }

    /// Canonical header, then canonical body.
    package var bytes: [UInt8] {
        var encoder = Encoder()
        self.header.encode(into: &encoder)
        self.body.encode(into: &encoder)
        return encoder.bytes
    }
}
