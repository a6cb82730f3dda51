package import Ledger
package import Primitives

/// Every operation there is: what decodes bytes and JSON, and what documentation is made from.
///
/// Bytes of an operation: u16 tag (little-endian) | canonical record.
///
/// - Source: protocol/operations.csv is made from ``descriptors``.
package enum OperationCatalogue {
    /// One operation as data.
    package struct Descriptor: Sendable {
        package let tag: UInt16
        package let name: String
        package let summary: String
        /// JSON Schema of its fields, without "operation".
        package let schema: JSON
        package let rejections: [RejectionCode]
    }

    /// Why bytes are not an operation; such a transaction fails when it is executed.
    package enum Rejection: UInt16, RejectionCases {
        case operationUnknown = 1900
        /// The name is reserved for a later release.
        case operationNotYet = 1901
        case operationMalformed = 1902
        package static let prefix = "operation"
    }

    /// By ascending tag.
    package static let types: [any Operation.Type] = [
        BankTransfer.self, KernelPublish.self, OfferPost.self, OfferWithdraw.self, JobPost.self,
        JobCancel.self, JobCommit.self, JobAudit.self, JobProve.self, JobSummon.self, JobOpen.self,
        JobChallenge.self, JobAnswer.self, KernelRetire.self, JobDecline.self, AuditReveal.self,
        StakeBond.self, StakeUnbond.self, StakeClaim.self, GovernancePropose.self,
        GovernanceVote.self,
    ]

    /// Tags that have a meaning but no code yet: refused with `operation.operationNotYet`.
    package static let reserved: [(tag: UInt16, name: String)] = [
        (0x0201, "identity.rotate"), (0x0401, "item.mint"), (0x0501, "market.order"),
        (0x0701, "offering.open"), (0x0801, "exchange.swap"), (0x0901, "credit.borrow"),
        (0x0b01, "data.anchor"), (0x0c01, "engage.pass"),
    ]

    /// Every operation as data, by ascending tag.
    package static var descriptors: [Descriptor] { Self.types.map { Self.describe($0) } }

    /// Every rejection of the economy, by ascending number.
    package static var rejections: [RejectionCode] {
        (Self.descriptors.flatMap(\.rejections) + Self.Rejection.codes)
            .sorted { $0.number < $1.number }
    }

    /// The name of a code of the ledger or the economy.
    package static func name(ofCode number: UInt16) -> String {
        (RejectionCode.all + Self.rejections).first { $0.number == number }?.name
            ?? "rejection.\(number)"
    }

    private static func describe<O: Operation>(_ type: O.Type) -> Descriptor {
        Descriptor(
            tag: O.tag, name: O.name, summary: O.summary, schema: O.schema,
            rejections: O.Rejection.allCases.map(\.code))
    }

    /// An operation as it lies in a transaction.
    package static func encode<O: Operation>(_ operation: O) -> OperationBytes {
        var encoder = Encoder()
        encoder.u16(O.tag)
        operation.encode(into: &encoder)
        return OperationBytes(encoder.bytes)
    }

    /// The operation in `bytes`.
    package static func decode(_ bytes: OperationBytes) throws(Failure) -> any Operation {
        var decoder = Decoder(bytes.bytes)
        guard bytes.bytes.count >= 2 else { throw Failure(Rejection.operationMalformed) }
        let tag = UInt16(bytes.bytes[0]) | UInt16(bytes.bytes[1]) << 8
        guard let type = Self.types.first(where: { $0.tag == tag }) else {
            let isReserved = Self.reserved.contains { $0.tag == tag }
            throw Failure(isReserved ? Rejection.operationNotYet : .operationUnknown)
        }
        do throws(DecodeError) {
            _ = try decoder.u16()
            return try Self.decode(type, &decoder)
        } catch {
            throw Failure(Rejection.operationMalformed)
        }
    }

    private static func decode<O: Operation>(
        _ type: O.Type, _ decoder: inout Decoder
    ) throws(DecodeError) -> any Operation {
        let operation = try O(from: &decoder)
        try decoder.finish()
        return operation
    }

    /// The operation that JSON says: {"operation": name, …fields}.
    package static func parse(
        _ json: JSON, at path: String
    ) throws(FieldError) -> OperationBytes {
        guard case .object(let members) = json, let name = json["operation"]?.stringValue else {
            throw FieldError(
                path: path, expected: "object with \"operation\"", found: json)
        }
        guard let type = Self.types.first(where: { $0.name == name }) else {
            let later = Self.reserved.contains { $0.name == name }
            throw FieldError(
                path: "\(path).operation",
                expected: Self.types.map { $0.name }.joined(separator: " | "),
                found: later ? "\(name), which this release does not have yet" : name)
        }
        let fields = JSON.object(members.filter { $0.name != "operation" })
        return try Self.parse(type, fields, at: path)
    }

    private static func parse<O: Operation>(
        _ type: O.Type, _ json: JSON, at path: String
    ) throws(FieldError) -> OperationBytes {
        Self.encode(try O(json: json, at: path))
    }

    /// The JSON of an operation's bytes; hexadecimal for what is not one.
    package static func json(_ bytes: OperationBytes) -> JSON {
        do throws(Failure) {
            return Self.json(try Self.decode(bytes))
        } catch {
            return .object(("operation", .string("operation.unknown")), ("bytes", bytes.json))
        }
    }

    private static func json<O: Operation>(_ operation: O) -> JSON {
        guard case .object(let members) = operation.json else { return operation.json }
        return .object([JSON.Member(name: "operation", value: .string(O.name))] + members)
    }

    /// {"operations": [{tag, name, summary, schema, rejections}]}.
    package static var json: JSON {
        .object(
            (
                "operations",
                .array(
                    Self.descriptors.map { one in
                        .object(
                            ("tag", one.tag.json), ("name", .string(one.name)),
                            ("summary", .string(one.summary)), ("schema", one.schema),
                            (
                                "rejections",
                                .array(
                                    one.rejections.map {
                                        .object(
                                            ("code", $0.number.json), ("name", .string($0.name)))
                                    })
                            ))
                    })
            ),
            (
                "reserved",
                .array(
                    Self.reserved.map {
                        .object(("tag", $0.tag.json), ("name", .string($0.name)))
                    })
            ))
    }
}
