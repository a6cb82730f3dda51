package import Primitives

/// Something that happened, for people and indices; execution never reads it.
package struct Event: Record {
    /// The most bytes in one event.
    package static let bytesMax = 1024

    /// What happened: a code of the module that emits it, in the range of its rejections.
    package var kind: UInt16
    /// Its canonical record.
    package var bytes: [UInt8]

    /// An event.
    package init(kind: UInt16, bytes: [UInt8]) {
        self.kind = kind
        self.bytes = bytes
    }

    /// Nothing.
    package static var blank: Event { Event(kind: 0, bytes: []) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("kind", &self.kind)
        try visitor.bytes("bytes", &self.bytes, max: Self.bytesMax)
    }
}

/// How a transaction ended.
///
/// Bytes: u8 0; or u8 1 | u16 code | u8 operation. JSON: {"kind": "ok"} or {"kind": "rejected", …}.
package enum Outcome: FieldValue {
    /// Every operation was applied.
    case ok
    /// Nothing was, but for fee and nonce; `operation` counts from 0, and is 255 for the whole.
    case rejected(code: UInt16, operation: UInt8)

    /// The operation index of a rejection that concerns the whole transaction.
    package static let whole: UInt8 = 255

    /// Ok.
    package static var blank: Outcome { .ok }

    package func encode(into encoder: inout Encoder) {
        switch self {
        case .ok: encoder.u8(0)
        case .rejected(let code, let operation):
            encoder.u8(1)
            encoder.u16(code)
            encoder.u8(operation)
        }
    }

    package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        switch try decoder.u8() {
        case 0: self = .ok
        case 1: self = .rejected(code: try decoder.u16(), operation: try decoder.u8())
        case let tag: throw .unknownTag(field: "outcome", tag: UInt64(tag), offset: offset)
        }
    }

    package var json: JSON {
        switch self {
        case .ok: .object(("kind", .string("ok")))
        case .rejected(let code, let operation):
            .object(
                ("kind", .string("rejected")), ("code", code.json), ("operation", operation.json))
        }
    }

    package init(json: JSON, at path: String) throws(FieldError) {
        guard case .object(let members) = json else {
            throw FieldError(path: path, expected: "object", found: json)
        }
        switch (json["kind"]?.stringValue, members.count) {
        case ("ok", 1): self = .ok
        case ("rejected", 3):
            self = .rejected(
                code: try UInt16(json: json["code"] ?? .null, at: "\(path).code"),
                operation: try UInt8(json: json["operation"] ?? .null, at: "\(path).operation"))
        default: throw FieldError(path: path, expected: "kind ok | rejected", found: json)
        }
    }

    package static var schema: JSON {
        let kind = { (name: String) in JSON.object(("const", .string(name))) }
        let ok = JSON.object(
            ("type", .string("object")), ("properties", .object(("kind", kind("ok")))),
            ("required", .array([.string("kind")])), ("additionalProperties", .bool(false)))
        let rejected = JSON.object(
            ("type", .string("object")),
            (
                "properties",
                .object(
                    ("kind", kind("rejected")), ("code", UInt16.schema),
                    ("operation", UInt8.schema))
            ),
            ("required", .array([.string("kind"), .string("code"), .string("operation")])),
            ("additionalProperties", .bool(false)))
        return .object(("oneOf", .array([ok, rejected])))
    }
}

/// What a transaction did and cost.
///
/// A receipt with the zero transaction carries the events of the block itself (due queues), last in
/// its tree.
///
/// - Bounds: `eventsMax` events; `eventBytesMax` bytes of them.
/// - Source: protocol/receipt.md.
package struct Receipt: Record {
    /// The most events.
    package static let eventsMax = 64
    /// The most bytes of events together.
    package static let eventBytesMax = 16 * 1024

    /// Whose.
    package var transaction: TransactionID
    /// How it ended.
    package var outcome: Outcome
    /// What the account paid: `burned + tip`.
    package var fee: Amount
    /// The base fee.
    package var burned: Amount
    /// To the proposer.
    package var tip: Amount
    /// Weight units used.
    package var weight: UInt64
    /// In order; none after a rejection.
    package var events: [Event]

    /// A receipt.
    package init(
        transaction: TransactionID, outcome: Outcome, burned: Amount, tip: Amount, weight: UInt64,
        events: [Event]
    ) {
        self.transaction = transaction
        self.outcome = outcome
        self.fee = (burned + tip).proven("both are at most maxFee")
        self.burned = burned
        self.tip = tip
        self.weight = weight
        self.events = events
    }

    /// Nothing.
    package static var blank: Receipt {
        Receipt(
            transaction: .zero, outcome: .ok, burned: .zero, tip: .zero, weight: 0, events: [])
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("transaction", &self.transaction)
        try visitor.field("outcome", &self.outcome)
        try visitor.field("fee", &self.fee)
        try visitor.field("burned", &self.burned)
        try visitor.field("tip", &self.tip)
        try visitor.field("weight", &self.weight)
        try visitor.list("events", &self.events, max: Self.eventsMax)
    }

    /// The leaf in the receipts tree: H(.receipt, salt, canonical receipt).
    package func leaf(_ salt: ChainSalt) -> Digest {
        Blake2b.hash(.receipt, salt, self.canonicalBytes)
    }

    /// The root that a header carries: the Merkle tree (domain .receipts) over the leaves in order.
    package static func root(_ receipts: [Receipt], _ salt: ChainSalt) -> Digest {
        Merkle.root(receipts.map { $0.leaf(salt) }, .receipts, salt)
    }
}
