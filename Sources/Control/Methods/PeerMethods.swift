import Primitives

extension Methods {
    static let peers = [
        MethodSchema(
            "peer.list", "Lists the connected peers, and the bytes that went to and fro.",
            result: Shape.object(
                .required("key", Shape.digest, "the node key of this node"),
                .required(
                    "address", Shape.nullable(Shape.string),
                    "what peers are told to dial, KEY@HOST:PORT; null if nothing"),
                .required("peers", Shape.list(Self.peer), "by key"),
                .required(
                    "traffic", Shape.list(Self.traffic),
                    "messages since the daemon started, without seals and frames"),
                .required(
                    "wire", Self.wire, "since the daemon started, seals and frames included")),
            example: (
                .object(),
                .object(
                    ("key", Sample.digest),
                    ("address", .string(String(repeating: "d3", count: 32) + "@127.0.0.1:7650")),
                    ("peers", .array([Self.peerExample])),
                    (
                        "traffic",
                        .array([
                            .object(
                                ("class", .string("votes")), ("messagesReceived", .string("12")),
                                ("bytesReceived", .string("1908")), ("messagesSent", .string("12")),
                                ("bytesSent", .string("1908")))
                        ])
                    ),
                    (
                        "wire",
                        .object(Self.wireNames.map { .init(name: $0.name, value: .string("0")) })
                    ))
            ))
    ]

    private static let peer = Shape.object(
        .required("key", Shape.digest, "its node key, which it proved"),
        .required(
            "address", Shape.nullable(Shape.string), "where it listens, KEY@HOST:PORT, if it says"),
        .required("outbound", Shape.bool, "true if this node dialled"),
        .required("height", Shape.u64, "the newest block that it can serve"),
        .required("accounts", Shape.list(Shape.digest), "accounts that it acts for"),
        .required("sinceMs", Shape.u64, "connected for so long, milliseconds"),
        .required(
            "offer",
            Shape.nullable(
                Shape.object(
                    .required("account", Shape.digest, "who provides"),
                    .required("pricePerGigaGas", Shape.amount, "motes for 10^9 gas"),
                    .required("capacity", Shape.u32, "jobs at once"),
                    .required("device", Shape.string, "as the peer says it"))),
            "what it says it offers: a hint, the ledger's offers count"))

    private static let traffic = Shape.object(
        .required(
            "class",
            Shape.choice("control", "votes", "blocks", "transactions", "offers", "sync", "blobs"),
            ""),
        .required("messagesReceived", Shape.u64, ""), .required("bytesReceived", Shape.u64, ""),
        .required("messagesSent", Shape.u64, ""), .required("bytesSent", Shape.u64, ""))

    private static let wireNames: [(name: String, about: String)] = [
        ("streamBytesReceived", "over TCP"), ("streamBytesSent", "over TCP"),
        ("datagramsReceived", "over UDP"), ("datagramBytesReceived", "over UDP"),
        ("datagramsSent", "over UDP"), ("datagramBytesSent", "over UDP"),
        ("datagramsDropped", "without room or address"),
        ("handshakes", "connections whose handshake succeeded"),
        ("handshakesFailed", "connections that ended before"),
        ("dialsFailed", "dials that reached nobody"),
        ("refused", "connections closed unread: too many, or too fast"),
    ]

    private static let wire = Shape.object(
        Self.wireNames.map { .required($0.name, Shape.u64, $0.about) })

    private static let peerExample = JSON.object(
        ("key", Sample.digest), ("address", .null), ("outbound", .bool(true)),
        ("height", .string("42")), ("accounts", .array([Sample.account])),
        ("sinceMs", .string("61000")),
        (
            "offer",
            .object(
                ("account", Sample.account), ("pricePerGigaGas", .string("1000000")),
                ("capacity", .number(2)), ("device", .string("pthread-EPYC")))
        ))
}
