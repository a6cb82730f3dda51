import Control
import Foundation
import Primitives

/// What a genesis needs of one validator: `seat.json`, public in every part.
///
/// - Bounds: `bytesMax` bytes.
struct Seat: Sendable {
    static let bytesMax = 1 << 16
    static let nameMax = 64
    private static let version: Int64 = 3

    /// For people.
    var name: String
    /// The node key, which votes.
    var key: PublicKey
    /// The end of its reveal chain, and how many reveals that has.
    var anchor: Digest
    var reveals: Int
    /// The end of the chain that names the leaves it audits.
    var auditAnchor: Digest
    /// How many draws that chain serves.
    var auditCount: UInt32
    /// The account that earns.
    var payout: AccountID
    /// Where peers reach it; nil if nowhere.
    var address: HostPort?

    /// Reads a file that somebody else may have written.
    ///
    /// - Throws: ``Network/Failure`` naming the file and the member.
    static func read(_ path: String) throws(Network.Failure) -> Seat {
        let bytes: [UInt8]
        do throws(Files.Failure) {
            bytes = try Files.read(path, max: Self.bytesMax)
        } catch {
            throw Network.Failure("the seat cannot be read: \(error)")
        }
        do {
            return try Seat(try JSONText.parse(bytes))
        } catch let error as JSONTextError {
            throw Network.Failure("\(path) is no JSON: \(error.problem), byte \(error.offset)")
        } catch let error as FieldError {
            throw Network.Failure("\(path): \(error.path): \(error.expected) expected")
        } catch {
            throw Network.Failure("\(path): \(error)")
        }
    }

    init(
        name: String, key: PublicKey, anchor: Digest, reveals: Int, auditAnchor: Digest,
        auditCount: UInt32, payout: AccountID, address: HostPort?
    ) {
        self.name = name
        self.key = key
        self.anchor = anchor
        self.reveals = reveals
        self.auditAnchor = auditAnchor
        self.auditCount = auditCount
        self.payout = payout
        self.address = address
    }

    private init(_ json: JSON) throws {
        guard json["version"] == .number(Self.version) else {
            throw FieldError(path: "version", expected: "\(Self.version)", found: json["version"])
        }
        guard let name = json["name"]?.stringValue, name.utf8.count <= Self.nameMax else {
            throw FieldError(
                path: "name", expected: "text of at most \(Self.nameMax) bytes", found: json["name"]
            )
        }
        guard let reveals = json["reveals"]?.u64Value,
            (1...UInt64(Network.revealsMax)).contains(reveals)
        else {
            throw FieldError(
                path: "reveals", expected: "a number of 1...\(Network.revealsMax)",
                found: json["reveals"])
        }
        guard let audits = json["auditCount"]?.u64Value,
            (1...UInt64(Network.auditsMax)).contains(audits)
        else {
            throw FieldError(
                path: "auditCount", expected: "a number of 1...\(Network.auditsMax)",
                found: json["auditCount"])
        }
        self.init(
            name: name, key: try PublicKey(json: json["key"] ?? .null, at: "key"),
            anchor: try Digest(json: json["anchor"] ?? .null, at: "anchor"), reveals: Int(reveals),
            auditAnchor: try Digest(json: json["auditAnchor"] ?? .null, at: "auditAnchor"),
            auditCount: UInt32(audits),
            payout: try AccountID(json: json["payout"] ?? .null, at: "payout"),
            address: try Self.address(json["address"] ?? .null))
    }

    private static func address(_ json: JSON) throws -> HostPort? {
        if json == .null { return nil }
        guard let text = json.stringValue else {
            throw FieldError(path: "address", expected: "HOST:PORT or null", found: json)
        }
        let address = try HostPort(text)
        guard address.port > 0, !address.isWildcard else {
            throw FieldError(path: "address", expected: "a place to dial", found: text)
        }
        return address
    }

    /// The file's text.
    var text: String {
        JSON.object(
            ("version", .number(Self.version)), ("name", .string(self.name)),
            ("key", self.key.json), ("anchor", self.anchor.json),
            ("reveals", .number(Int64(self.reveals))), ("auditAnchor", self.auditAnchor.json),
            ("auditCount", .number(Int64(self.auditCount))), ("payout", self.payout.json),
            ("address", self.address.map { .string($0.description) } ?? .null)
        ).prettyText + "\n"
    }
}
