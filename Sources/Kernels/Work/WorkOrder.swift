package import Primitives

/// What a requester orders: a kernel and its launches.
///
/// - Bounds: ``Limits/launches`` in the format, ``Limits/launchesAccepted`` accepted by
///   ``Kernel/geometry(_:)``.
/// - Source: protocol/jobs.md, "Work order".
package struct WorkOrder: Record {
    package var kernel: KernelID
    package var launches: [Launch]

    package init(kernel: KernelID, launches: [Launch]) {
        self.kernel = kernel
        self.launches = launches
    }

    package static var blank: WorkOrder { WorkOrder(kernel: .zero, launches: []) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("kernel", &self.kernel)
        try visitor.list("launches", &self.launches, max: Limits.launches)
    }
}

/// One execution over a grid of groups.
package struct Launch: Record {
    /// Groups (not lanes) along each axis; each at least 1.
    package var groups: Extent
    /// One per scalar parameter, in order.
    package var scalars: [Scalar]
    /// One per global or constant pointer parameter, in order.
    package var buffers: [Binding]

    package init(groups: Extent, scalars: [Scalar], buffers: [Binding]) {
        self.groups = groups
        self.scalars = scalars
        self.buffers = buffers
    }

    package static var blank: Launch { Launch(groups: .blank, scalars: [], buffers: []) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("groups", &self.groups)
        try visitor.list("scalars", &self.scalars, max: Limits.scalars)
        try visitor.list("buffers", &self.buffers, max: Limits.buffers)
    }
}

/// What a buffer parameter is bound to, and its length.
package struct Binding: Record {
    package var source: BindingSource
    /// Scalars of the buffer's element type. An input must be exactly as long.
    package var elements: UInt64

    package init(_ source: BindingSource, elements: UInt64) {
        self.source = source
        self.elements = elements
    }

    package static var blank: Binding { Binding(.zero, elements: 0) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("source", &self.source)
        try visitor.field("elements", &self.elements)
    }
}

/// Bytes: tag u8, then: 0 zero (nothing), 1 blob (32 bytes), 2 output (launch u8, buffer u8).
/// JSON: `{"kind": "zero"}`, `{"kind": "blob", "blob": HEX}`, `{"kind": "output", "launch": 0,
/// "buffer": 1}`.
package enum BindingSource: Hashable, Sendable {
    /// Starts as zeros: outputs, and inputs that are meant to be empty.
    case zero
    case blob(BlobID)
    /// The output of an earlier launch of this order. Not accepted yet.
    case output(launch: UInt8, buffer: UInt8)
}

extension BindingSource: FieldValue {
    /// Zeros.
    package static var blank: BindingSource { .zero }

    /// Tag and payload.
    package func encode(into encoder: inout Encoder) {
        switch self {
        case .zero: encoder.u8(0)
        case .blob(let id):
            encoder.u8(1)
            id.encode(into: &encoder)
        case .output(let launch, let buffer):
            encoder.u8(2)
            encoder.u8(launch)
            encoder.u8(buffer)
        }
    }

    /// Reads tag and payload.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        let tag = try decoder.u8()
        switch tag {
        case 0: self = .zero
        case 1: self = .blob(try BlobID(from: &decoder))
        case 2: self = .output(launch: try decoder.u8(), buffer: try decoder.u8())
        default:
            throw .unknownTag(field: "BindingSource", tag: UInt64(tag), offset: offset)
        }
    }

    /// An object with a kind.
    package var json: JSON {
        switch self {
        case .zero: .object(("kind", .string("zero")))
        case .blob(let id): .object(("kind", .string("blob")), ("blob", id.json))
        case .output(let launch, let buffer):
            .object(("kind", .string("output")), ("launch", launch.json), ("buffer", buffer.json))
        }
    }

    /// Reads an object with a kind.
    package init(json: JSON, at path: String) throws(FieldError) {
        guard case .object(let members) = json, let kind = json["kind"]?.stringValue else {
            throw FieldError(path: path, expected: "{\"kind\", …}", found: json.text)
        }
        switch (kind, members.count) {
        case ("zero", 1): self = .zero
        case ("blob", 2):
            self = .blob(try BlobID(json: json["blob"] ?? .null, at: path + ".blob"))
        case ("output", 3):
            self = .output(
                launch: try UInt8(json: json["launch"] ?? .null, at: path + ".launch"),
                buffer: try UInt8(json: json["buffer"] ?? .null, at: path + ".buffer"))
        default:
            throw FieldError(path: path, expected: "zero | blob | output", found: json.text)
        }
    }

    /// One of three objects.
    package static var schema: JSON {
        func kind(_ name: String, _ fields: [(String, JSON)]) -> JSON {
            let constant = JSON.object(("const", .string(name)))
            let members = [("kind", constant)] + fields
            return .object(
                ("type", .string("object")),
                ("properties", .object(members.map { JSON.Member(name: $0.0, value: $0.1) })),
                ("required", .array(members.map { .string($0.0) })),
                ("additionalProperties", .bool(false)))
        }
        return .object(
            (
                "oneOf",
                .array([
                    kind("zero", []), kind("blob", [("blob", BlobID.schema)]),
                    kind("output", [("launch", UInt8.schema), ("buffer", UInt8.schema)]),
                ])
            ))
    }
}

/// Why a work order does not fit its kernel: a stable code and a sentence.
package struct WorkError: Error, Hashable, Sendable {
    /// Such as `work.layout.overlap`; stable.
    package let code: String
    package let message: String

    package init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }
}
