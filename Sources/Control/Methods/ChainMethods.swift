import Primitives

extension Methods {
    private static let blockChoice: [Shape.Field] = [
        .optional("height", Shape.u64, "of the block; the last final one if neither is given"),
        .optional("id", Shape.digest, "of the block"),
    ]
    private static let blockErrors: [MethodSchema.Failure] = [
        .init("block.notFound", "no final block has this height or id")
    ]

    static let chain = [
        MethodSchema(
            "block.get", "Shows one final block.", params: Self.blockChoice,
            result: Shape.object(
                .required("id", Shape.digest, "of the block"),
                .required("height", Shape.u64, ""),
                .required("timeMs", Shape.u64, "ledger time, milliseconds"),
                .required("header", Shape.record, "protocol/block.md"),
                .required(
                    "certificate",
                    Shape.nullable(
                        Shape.object(
                            .required("view", Shape.u64, "in which it became final"),
                            .required("signers", Shape.list(Shape.digest, max: 512), "nodes"),
                            .required("validators", Shape.u32, "of whom there are so many"))),
                    "who made it final; null where a later block's certificate does"),
                .required(
                    "transactions",
                    Shape.list(
                        Shape.object(
                            .required("transaction", Shape.digest, ""),
                            .required("account", Shape.digest, "who signed and pays"),
                            .required("operations", Shape.list(Shape.kind), ""),
                            .required("fee", Shape.amount, "charged, motes"),
                            .required(
                                "rejection", Shape.nullable(Shape.string),
                                "the code of the refusal; null if it was applied"))),
                    "in their order")),
            errors: Self.blockErrors,
            example: (
                .object(("height", .string("7"))),
                .object(
                    ("id", Sample.block), ("height", .string("7")),
                    ("timeMs", .string("1760000000000")),
                    ("header", .object(("height", .string("7")))),
                    (
                        "certificate",
                        .object(
                            ("view", .string("7")), ("signers", .array([Sample.digest])),
                            ("validators", .number(1)))
                    ),
                    (
                        "transactions",
                        .array([
                            .object(
                                ("transaction", Sample.transaction), ("account", Sample.account),
                                ("operations", .array([.string("bank.transfer")])),
                                ("fee", .string("21000")), ("rejection", .null))
                        ])
                    ))
            )),
        MethodSchema(
            "ledger.header", "Gives one final header as hashed, for checking without the daemon.",
            params: Self.blockChoice,
            result: Shape.object(
                .required("id", Shape.digest, "of the block"),
                .required("height", Shape.u64, ""),
                .required("header", Shape.hex(max: 1 << 20), "canonical bytes"),
                .required(
                    "certificate", Shape.hex(max: 1 << 20), "canonical bytes; empty for genesis")),
            errors: Self.blockErrors,
            example: (
                .object(("height", .string("7"))),
                .object(
                    ("id", Sample.block), ("height", .string("7")), ("header", .string("0100")),
                    ("certificate", .string("")))
            )),
        MethodSchema(
            "chain.genesis", "Gives the document that the network began with.",
            result: Shape.object(
                .required("id", Shape.digest, "its id, the network's"),
                .required("genesis", Shape.record, "protocol/genesis.md")),
            example: (.object(), .object(("id", Sample.digest), ("genesis", .object())))),
        MethodSchema(
            "chain.supply", "Sums the coin: issued, burned and in circulation.",
            result: Shape.object(
                .required("height", Shape.u64, "of the last final block"),
                .required("asset", Shape.digest, "the coin"),
                .required("issued", Shape.amount, "ever issued, motes"),
                .required("burned", Shape.amount, "ever burned, motes"),
                .required("circulating", Shape.amount, "issued less burned, motes")),
            example: (
                .object(),
                .object(
                    ("height", .string("42")), ("asset", Sample.digest),
                    ("issued", .string("1000000000000000000")), ("burned", .string("7500")),
                    ("circulating", .string("999999999999992500")))
            )),
        MethodSchema(
            "state.export", "Gives the rows of the state, in the order of their paths.",
            params: [Self.pageCursor, Self.pageLimit],
            result: Shape.object(
                .required("height", Shape.u64, "the state after this block; same on every page"),
                .required("stateRoot", Shape.digest, "of that block"),
                .required(
                    "rows",
                    Shape.list(
                        Shape.object(
                            .required("key", Shape.hex(max: 256), "table and key"),
                            .required("value", Shape.hex(max: 2048), "deposit and record")),
                        max: 1000),
                    ""),
                Self.pageNext),
            errors: [
                .init("state.cursorGone", "the state moved on under this cursor: start again")
            ],
            example: (
                .object(("limit", .number(2))),
                .object(
                    ("height", .string("42")), ("stateRoot", Sample.digest),
                    (
                        "rows",
                        .array([
                            .object(("key", .string("01")), ("value", .string("02")))
                        ])
                    ))
            )),
        Self.chainExport,
    ]

    private static let chainExport = MethodSchema(
        "chain.export",
        "Gives final blocks as stored, for checking the whole chain without the daemon.",
        params: [
            .optional("from", Shape.u64, "the first height; 1 if left out"), Self.pageLimit,
        ],
        result: Shape.object(
            .required("genesisHeader", Shape.hex(max: 1 << 10), "of height 0, canonical bytes"),
            .required("last", Shape.u64, "the highest height stored; 0 before the first block"),
            .required(
                "blocks",
                Shape.list(
                    Shape.object(
                        .required("height", Shape.u64, "without a gap"),
                        .required("header", Shape.hex(max: 1 << 10), "canonical bytes"),
                        .required("body", Shape.hex(max: 1 << 21), "canonical bytes"),
                        .required(
                            "receipts", Shape.hex(max: 1 << 23), "count and canonical bytes"),
                        .required(
                            "certificate", Shape.hex(max: 1 << 16),
                            "canonical bytes; empty where a later block's covers it")),
                    max: 1000),
                "fewer than `limit` where they are large"),
            .optional("next", Shape.u64, "`from` of the next page; absent on the last")),
        errors: [
            .init("chain.damaged", "a stored block is not what was written; it is not served")
        ],
        example: (
            .object(("from", .string("7")), ("limit", .number(1))),
            .object(
                ("genesisHeader", .string("0100")), ("last", .string("42")),
                (
                    "blocks",
                    .array([
                        .object(
                            ("height", .string("7")), ("header", .string("0100")),
                            ("body", .string("0000")), ("receipts", .string("00")),
                            ("certificate", .string("03")))
                    ])
                ), ("next", .string("8")))
        ))

    static let wallets = [
        MethodSchema(
            "account.get", "Shows an account's balances, nonce and policy.",
            params: [.required("account", Shape.account, "whose")],
            result: Shape.object(
                .required("account", Shape.digest, ""),
                .optional("wallet", Shape.walletName, "if this daemon keeps its key"),
                .required("nonce", Shape.u64, "the next free one"),
                .required(
                    "balances",
                    Shape.list(
                        Shape.object(
                            .required("asset", Shape.digest, ""),
                            .required("symbol", Shape.string, "STAR for the coin"),
                            .required("available", Shape.amount, "base units"),
                            .required("held", Shape.amount, "base units in holds"))),
                    ""),
                .required(
                    "policy", Shape.nullable(Shape.record),
                    "who may sign; null before the first use")),
            errors: [.init("account.notFound", "no account has this id and no wallet this name")],
            example: (
                .object(("account", .string("alice"))),
                .object(
                    ("account", Sample.account), ("wallet", .string("alice")),
                    ("nonce", .string("3")),
                    (
                        "balances",
                        .array([
                            .object(
                                ("asset", Sample.digest), ("symbol", .string("STAR")),
                                ("available", .string("998500000000")), ("held", .string("0")))
                        ])
                    ), ("policy", .null))
            )),
        MethodSchema(
            "wallet.list", "Lists the wallets whose keys this daemon keeps.",
            result: Shape.object(
                .required("wallets", Shape.list(Self.wallet), "by name")),
            example: (.object(), .object(("wallets", .array([Self.walletExample]))))),
        MethodSchema(
            "wallet.create", "Makes a key, keeps it encrypted, and gives its account.",
            params: [.required("name", Shape.walletName, "unused so far")],
            result: Self.wallet,
            errors: [.init("wallet.nameTaken", "a wallet of this name exists")],
            example: (.object(("name", .string("alice"))), Self.walletExample)),
        MethodSchema(
            "wallet.export-words",
            "Always refused: no secret leaves the daemon over its socket.",
            params: [.required("name", Shape.walletName, "")],
            result: Shape.object(),
            errors: [.init("wallet.neverExported", "secrets do not leave over the socket")],
            example: (.object(("name", .string("alice"))), .object())),
    ]

    private static let wallet = Shape.object(
        .required("name", Shape.walletName, ""),
        .required("account", Shape.digest, ""),
        .required("publicKey", Shape.digest, ""),
        .required("available", Shape.amount, "motes"),
        .required("held", Shape.amount, "motes in holds"))

    private static let walletExample = JSON.object(
        ("name", .string("alice")), ("account", Sample.account), ("publicKey", Sample.digest),
        ("available", .string("0")), ("held", .string("0")))
}
