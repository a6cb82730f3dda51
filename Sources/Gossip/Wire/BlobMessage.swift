package import Primitives

/// What nodes say to each other on their connection for blobs; either side may ask.
///
/// Bytes: tag u8 | the fields.
///
/// - Source: protocol/gossip.md, "Blobs"; protocol/messages.csv.
package enum BlobMessage: Hashable, Sendable {
    /// "Which groups does it have, from this one on?"
    case describe(BlobID, from: UInt64)
    /// Answers `describe`: the blob's length, and digests of its next groups.
    case description(BlobID, bytes: UInt64, from: UInt64, [Digest])
    case want(BlobID, group: UInt64)
    /// Answers `want`.
    case group(BlobID, group: UInt64, [UInt8])
    /// Answers either: the sender does not have it.
    case absent(BlobID)
}

extension BlobMessage {
    /// Group digests in one description.
    package static let digestsMax = 1_024
    /// Bytes of one group.
    package static let groupBytesMax = 16_384
    /// Bytes of the largest message: a description.
    package static let bytesMax = 40 << 10
}

extension BlobMessage: Canonical {
    package func encode(into encoder: inout Encoder) {
        switch self {
        case .describe(let blob, let from):
            encoder.u8(32)
            blob.encode(into: &encoder)
            encoder.u64(from)
        case .description(let blob, let bytes, let from, let digests):
            encoder.u8(33)
            blob.encode(into: &encoder)
            encoder.u64(bytes)
            encoder.u64(from)
            encoder.length(digests.count)
            for digest in digests { digest.encode(into: &encoder) }
        case .want(let blob, let group):
            encoder.u8(34)
            blob.encode(into: &encoder)
            encoder.u64(group)
        case .group(let blob, let group, let bytes):
            encoder.u8(35)
            blob.encode(into: &encoder)
            encoder.u64(group)
            encoder.byteString(bytes)
        case .absent(let blob):
            encoder.u8(36)
            blob.encode(into: &encoder)
        }
    }

    package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        let tag = try decoder.u8()
        guard (32...36).contains(tag) else {
            throw .unknownTag(field: "blob message", tag: UInt64(tag), offset: offset)
        }
        let blob = try BlobID(from: &decoder)
        switch tag {
        case 32: self = .describe(blob, from: try decoder.u64())
        case 33:
            let bytes = try decoder.u64()
            let from = try decoder.u64()
            let count = try decoder.count(
                max: Self.digestsMax, each: Digest.count, field: "digests")
            var digests: [Digest] = []
            digests.reserveCapacity(count)
            for _ in 0..<count { digests.append(try Digest(from: &decoder)) }
            self = .description(blob, bytes: bytes, from: from, digests)
        case 34: self = .want(blob, group: try decoder.u64())
        case 35:
            let group = try decoder.u64()
            let bytes = try decoder.byteString(max: Self.groupBytesMax, field: "group")
            self = .group(blob, group: group, bytes)
        default: self = .absent(blob)
        }
    }
}

extension Decoder {
    /// The count of a list whose elements take at least `each` bytes: checked against the bound and
    /// the bytes that are left, before anything is allocated.
    mutating func count(max: Int, each: Int, field: String) throws(DecodeError) -> Int {
        let count = try self.length(max: max, field: field)
        guard count <= self.remaining / each else { throw .truncated(offset: self.offset) }
        return count
    }
}
