import Primitives

extension Methods {
    private static let intent: [Shape.Field] = [
        .required("account", Shape.account, "who signs and pays"),
        .required("operations", Self.operations, "all are applied or none; operation.list"),
        .optional("maxFee", Shape.amount, "most motes to pay in all; an estimate if left out"),
        .optional("tip", Shape.amount, "motes for the proposer; none if left out"),
        .optional(
            "validForMs", Shape.integer(1000...86_400_000),
            "ledger time until it expires, milliseconds; 60000 if left out"),
    ]

    private static let outcome = Shape.object(
        .required("transaction", Shape.digest, "its id"),
        .required("status", Self.status, ""),
        .optional("height", Shape.u64, "of its block, once final"),
        .optional("index", Shape.u32, "its place in that block, once final"),
        .optional("fee", Shape.amount, "charged, motes, once final"),
        .optional("rejection", Self.rejection, "why it changed nothing but fee and nonce"),
        .optional("receipt", Shape.record, "once final; protocol/block.md"))

    private static let status = Shape.choice("accepted", "final", "failed", "expired")

    private static let rejection = Shape.object(
        .required("code", Shape.string, "such as transfer.insufficientFunds"),
        .required("number", Shape.u32, "protocol/rejections.csv"),
        .required("operation", Shape.u32, "the index of the operation refused"),
        .required("message", Shape.string, "one sentence"),
        .optional("fix", Shape.string, "what to do"))

    private static let errors: [MethodSchema.Failure] = [
        .init("account.notFound", "no account has this id and no wallet this name"),
        .init("wallet.notKept", "this daemon has no key of the account: use transaction.prepare"),
        .init("transaction.refused", "the pool refused it; `message` says why"),
        .init("transaction.poolFull", "too many transactions wait: try again or raise the tip"),
    ]

    private static let outcomeExample = JSON.object(
        ("transaction", Sample.transaction), ("status", .string("final")),
        ("height", .string("43")), ("index", .number(0)), ("fee", .string("21000")),
        ("receipt", .object()))

    static let transactions =
        [
            MethodSchema(
                "transaction.submit",
                "Signs operations with a wallet of this daemon and sends them.",
                params: Self.intent + [
                    Self.wait,
                    .optional(
                        "idempotencyKey", Shape.text(max: 64),
                        "a second call with the same key gives the first one's transaction"),
                ],
                result: Self.outcome,
                errors: Self.errors + [
                    .init("transaction.keyReused", "the key was used with other operations")
                ],
                example: (
                    .object(
                        ("account", .string("alice")), ("operations", .array([Sample.transfer])),
                        ("wait", .string("final"))), Self.outcomeExample
                )),
            MethodSchema(
                "transaction.simulate",
                "Gives the exact outcome at the last final block, sending nothing.",
                params: Self.intent,
                result: Shape.object(
                    .required("height", Shape.u64, "of the block it was tried on"),
                    .required("ok", Shape.bool, "whether it would be applied"),
                    .optional("rejection", Self.rejection, "why not"),
                    .required("fee", Shape.amount, "that would be charged, motes"),
                    .required("weight", Shape.u64, "of the transaction"),
                    .optional(
                        "changes",
                        Shape.list(
                            Shape.object(
                                .required("account", Shape.digest, ""),
                                .required("asset", Shape.digest, ""),
                                .required("available", Shape.change, "base units, signed"),
                                .required("held", Shape.change, "base units, signed"))),
                        "of balances")),
                errors: [Self.errors[0]],
                example: (
                    .object(
                        ("account", .string("alice")), ("operations", .array([Sample.transfer]))),
                    .object(
                        ("height", .string("42")), ("ok", .bool(true)), ("fee", .string("21000")),
                        ("weight", .string("21000")),
                        (
                            "changes",
                            .array([
                                .object(
                                    ("account", Sample.account), ("asset", Sample.digest),
                                    ("available", .string("-1500021000")), ("held", .string("0")))
                            ])
                        ))
                )),
        ] + Self.outside

    /// For keys that the daemon does not keep.
    private static let outside = [
        MethodSchema(
            "transaction.prepare", "Gives the bytes to sign elsewhere.", params: Self.intent,
            result: Shape.object(
                .required("account", Shape.digest, ""),
                .required("nonce", Shape.u64, ""),
                .required("validUntilMs", Shape.u64, "ledger time, milliseconds"),
                .required("maxFee", Shape.amount, "motes"),
                .required("bytes", Shape.hex(max: 512 << 10), "canonical, without authorisation"),
                .required("digest", Shape.digest, "what the keys of the account sign")),
            errors: [Self.errors[0]],
            example: (
                .object(("account", Sample.account), ("operations", .array([Sample.transfer]))),
                .object(
                    ("account", Sample.account), ("nonce", .string("3")),
                    ("validUntilMs", .string("1760000060000")), ("maxFee", .string("42000")),
                    ("bytes", .string("01")), ("digest", Sample.digest))
            )),
        MethodSchema(
            "transaction.send", "Sends a transaction that was signed elsewhere.",
            params: [
                .required("bytes", Shape.hex(max: 512 << 10), "canonical, with authorisation"),
                Self.wait,
            ],
            result: Self.outcome,
            errors: [
                .init("transaction.malformed", "the bytes are no transaction"), Self.errors[2],
                Self.errors[3],
            ],
            example: (
                .object(("bytes", .string("0102"))),
                .object(("transaction", Sample.transaction), ("status", .string("accepted")))
            )),
        MethodSchema(
            "transaction.get", "Shows where a transaction is and its receipt.",
            params: [.required("transaction", Shape.digest, "its id")], result: Self.outcome,
            errors: [.init("transaction.notFound", "neither in the pool nor in a final block")],
            example: (.object(("transaction", Sample.transaction)), Self.outcomeExample)),
        MethodSchema(
            "operation.list",
            "Lists every operation of the ledger with the schema of its JSON form.",
            result: Shape.object(
                .required(
                    "operations",
                    Shape.list(
                        Shape.object(
                            .required(
                                "operation", Shape.kind, "its name, a member of its JSON form"),
                            .required("tag", Shape.u32, "on the wire"),
                            .required("summary", Shape.string, "one sentence"),
                            .required("schema", Shape.record, "of its other members"),
                            .optional("rejections", Shape.list(Shape.record), "{code, name}"))),
                    "by tag"),
                .optional("reserved", Shape.list(Shape.record), "{tag, name}: not served yet")),
            example: (
                .object(),
                .object(
                    (
                        "operations",
                        .array([
                            .object(
                                ("operation", .string("bank.transfer")), ("tag", .number(257)),
                                ("summary", .string("Moves an amount to another account.")),
                                ("schema", .object(("type", .string("object")))),
                                ("rejections", .array([])))
                        ])
                    ), ("reserved", .array([])))
            )),
    ]
}
