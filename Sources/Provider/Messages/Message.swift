package import Kernels
package import Primitives

/// What providers, auditors and requesters say to each other, beside the ledger.
///
/// A tag and a record. Whatever arrives is hostile: it counts only if its sender acts for the
/// account that the ledger names, and only for what was asked.
///
/// - Bounds: `bytesMax` bytes.
/// - Source: protocol/jobs.md, "Messages".
package enum Message: Hashable, Sendable {
    case auditRequest(AuditRequest)
    case auditOpenings(AuditOpenings)
    case openingRequest(OpeningRequest)
    case openingAnswer(OpeningAnswer)
    case outputRequest(OutputRequest)
    case outputAnswer(JobOutput)
    case declined(Declined)

    /// No message is longer: 64 openings whose two paths are as long as `Limits.leaves` makes
    /// them.
    package static let bytesMax = 108 << 10

    /// The auditor computed the leaves and is bound to its results before it sees the provider's.
    package struct AuditRequest: Record {
        package private(set) var job: JobID = .zero
        /// The number of the auditor's chain: it names the leaves.
        package private(set) var reveal: Digest = .zero
        /// See ``Transcript/commitment(salt:job:auditor:sliceRoots:_:)``.
        package private(set) var commitment: Digest = .zero
        /// The auditor's node over ``Transcript/request(job:auditor:auditIndex:commitment:_:)``.
        package private(set) var signature: Signature = .blank

        /// A request that binds the auditor.
        package init(job: JobID, reveal: Digest, commitment: Digest, signature: Signature) {
            self.job = job
            self.reveal = reveal
            self.commitment = commitment
            self.signature = signature
        }

        private init() {}

        /// An empty request.
        package static var blank: AuditRequest { AuditRequest() }

        package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
            try visitor.field("job", &self.job)
            try visitor.field("reveal", &self.reveal)
            try visitor.field("commitment", &self.commitment)
            try visitor.field("signature", &self.signature)
        }
    }

    /// The provider's openings of the sample, bound to the auditor's commitment by its node.
    package struct AuditOpenings: Record {
        package private(set) var job: JobID = .zero
        package private(set) var openings: LeafOpenings = .blank
        /// Over ``Transcript/digest(job:auditor:commitment:openings:_:)``.
        package private(set) var signature: Signature = .blank

        /// The provider's answer.
        package init(job: JobID, openings: LeafOpenings, signature: Signature) {
            self.job = job
            self.openings = openings
            self.signature = signature
        }

        private init() {}

        /// An empty answer.
        package static var blank: AuditOpenings { AuditOpenings() }

        package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
            try visitor.field("job", &self.job)
            try visitor.field("openings", &self.openings)
            try visitor.field("signature", &self.signature)
        }
    }
}

extension Message: Canonical {
    /// The tag and the record.
    package func encode(into encoder: inout Encoder) {
        encoder.u8(self.tag)
        switch self {
        case .auditRequest(let record): record.encode(into: &encoder)
        case .auditOpenings(let record): record.encode(into: &encoder)
        case .openingRequest(let record): record.encode(into: &encoder)
        case .openingAnswer(let record): record.encode(into: &encoder)
        case .outputRequest(let record): record.encode(into: &encoder)
        case .outputAnswer(let record): record.encode(into: &encoder)
        case .declined(let record): record.encode(into: &encoder)
        }
    }

    /// A tag that is known and its record.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        switch try decoder.u8() {
        case 0: self = .auditRequest(try AuditRequest(from: &decoder))
        case 1: self = .auditOpenings(try AuditOpenings(from: &decoder))
        case 2: self = .openingRequest(try OpeningRequest(from: &decoder))
        case 3: self = .openingAnswer(try OpeningAnswer(from: &decoder))
        case 4: self = .outputRequest(try OutputRequest(from: &decoder))
        case 5: self = .outputAnswer(try JobOutput(from: &decoder))
        case 6: self = .declined(try Declined(from: &decoder))
        case let tag: throw .unknownTag(field: "message", tag: UInt64(tag), offset: offset)
        }
    }

    private var tag: UInt8 {
        switch self {
        case .auditRequest: 0
        case .auditOpenings: 1
        case .openingRequest: 2
        case .openingAnswer: 3
        case .outputRequest: 4
        case .outputAnswer: 5
        case .declined: 6
        }
    }
}
