import Primitives

/// Every method of the control socket, in the order that `rpc.discover` lists them.
package enum Methods {
    /// All declarations; names are unique.
    package static let all: [MethodSchema] =
        Self.rpc + Self.node + Self.peers + Self.chain + Self.wallets + Self.transactions
        + Self.kernels
        + Self.jobs + Self.blobs + Self.provider + Self.why + Self.governance + Self.events

    /// The declaration of one method.
    package static func named(_ name: String) -> MethodSchema? {
        Self.all.first { $0.name == name }
    }

    static let rpc = [
        MethodSchema(
            "rpc.discover", "Describes every method this daemon serves, as an OpenRPC document.",
            result: Shape.record,
            example: (.object(), .object(("openrpc", .string("1.3.2")))))
    ]

    // MARK: Parts that several methods share

    static let operations = Shape.list(Self.operation, max: 16, min: 1)

    /// The name selects the schema that `operation.list` gives; the daemon checks the rest.
    static let operation = JSON.object(
        ("type", .string("object")),
        ("properties", .object(("operation", Shape.kind))),
        ("required", .array([.string("operation")])))

    static let pageLimit = Shape.optional(
        "limit", Shape.integer(1...1000), "at most this many; 100 if left out")

    static let pageCursor = Shape.optional(
        "cursor", Shape.text(max: 1024), "`next` of the page before; the first page if left out")

    static let pageNext = Shape.optional(
        "next", Shape.text(max: 1024), "cursor of the next page; absent on the last")

    static let wait = Shape.optional(
        "wait", Shape.choice("accepted", "final"),
        "answer once the pool has it (the default), or once it is final in a block")
}

/// Values for the examples.
enum Sample {
    static let account = JSON.string(String(repeating: "a1", count: 32))
    static let block = JSON.string(String(repeating: "b2", count: 32))
    static let digest = JSON.string(String(repeating: "d3", count: 32))
    static let job = JSON.string(String(repeating: "0b", count: 32))
    static let kernel = JSON.string(String(repeating: "c4", count: 32))
    static let transaction = JSON.string(String(repeating: "e5", count: 32))
    static let blob = JSON.string(String(repeating: "f6", count: 32))
    static let transfer = JSON.object(
        ("operation", .string("bank.transfer")), ("asset", Sample.digest), ("to", Sample.account),
        ("amount", .string("1500000000")), ("memo", .string("")))
}
