import Primitives

// Methods that explain: why a job stands where it stands, what a provider was passed over for.
extension Methods {
    private static let account = Shape.optional(
        "account", Shape.account, "a wallet or an account; this node's provider if left out")

    static let why = [
        MethodSchema(
            "job.why", "Explains where a job stands, what came before and what comes next.",
            params: [.required("job", Shape.digest, "its id")],
            result: Shape.object(
                .required("job", Shape.digest, "its id"),
                .required("phase", Shape.string, "where it stands"),
                .required("lines", Shape.list(Shape.string), "the story, for people"),
                .required("due", Shape.nullable(Shape.u64), "when the phase ends, ledger time, ms"),
                .required("now", Shape.u64, "ledger time, ms"),
                .required(
                    "attempts", Shape.list(Shape.record),
                    "those who had it and failed; protocol/jobs.md, \"Attempts\""),
                .required(
                    "offers", Shape.list(Shape.record),
                    "while it waits: {offer, provider, bond} and {price, chancePpm} or misfit")),
            errors: [.init("job.notFound", "no job has this id")],
            example: (
                .object(("job", Sample.job)),
                .object(
                    ("job", Sample.job), ("phase", .string("settled")),
                    ("lines", .array([.string("paid")])), ("due", .null),
                    ("now", .string("1760000000000")), ("attempts", .array([])),
                    ("offers", .array([])))
            )),
        MethodSchema(
            "provider.why", "Says of the newest jobs why this provider has them or not.",
            params: [Self.account, Self.pageLimit],
            result: Shape.object(
                .required("account", Shape.digest, "the provider"),
                .required("offers", Shape.list(Shape.record), "its standing offers"),
                .required(
                    "jobs", Shape.list(Shape.record, max: 1000),
                    "newest first: {job, phase, posted, maxPrice, gas, reason, text}")),
            errors: [Self.noProvider],
            example: (
                .object(),
                .object(
                    ("account", Sample.account), ("offers", .array([])), ("jobs", .array([])))
            )),
        MethodSchema(
            "provider.earnings", "Sums what an account earned and lost with jobs.",
            params: [Self.account, Self.pageLimit],
            result: Shape.object(
                .required("account", Shape.digest, "whose"),
                .required("jobsSeen", Shape.u64, "the newest jobs that were looked at"),
                .required("jobsProvided", Shape.u64, "of them settled as its provider"),
                .required("jobsAudited", Shape.u64, "of them settled as their auditor"),
                .required("operator", Shape.amount, "earned as provider, motes"),
                .required("audits", Shape.amount, "earned as auditor, motes"),
                .required("reports", Shape.u64, "frauds it proved"),
                .required("slashed", Shape.amount, "lost, motes"),
                .required("bonds", Shape.amount, "held by its offers, motes"),
                .required("stake", Shape.amount, "its stake, motes"),
                .required("claimable", Shape.amount, "earned by its stake, motes")),
            errors: [Self.noProvider],
            example: (
                .object(("limit", .number(1000))),
                .object(
                    ("account", Sample.account), ("jobsSeen", .string("12")),
                    ("jobsProvided", .string("4")), ("jobsAudited", .string("3")),
                    ("operator", .string("1432000000")), ("audits", .string("3000000")),
                    ("reports", .string("0")), ("slashed", .string("0")),
                    ("bonds", .string("100000000000")), ("stake", .string("0")),
                    ("claimable", .string("0")))
            )),
    ]

    private static let noProvider = MethodSchema.Failure(
        "provider.notHere", "this node provides for nobody: name an account")

    static let governance = [
        MethodSchema(
            "stake.get", "Shows what an account bonded, its vote and what it can claim.",
            params: [.required("account", Shape.account, "a wallet's name or an account")],
            result: Shape.object(
                .required("account", Shape.digest, "whose"),
                .required("bonded", Shape.amount, "motes"),
                .required("locked", Shape.amount, "a validator's stake, motes"),
                .required("power", Shape.amount, "both together: what votes and earns"),
                .required("claimable", Shape.amount, "earned and not paid out yet, motes"),
                .required("unbonding", Shape.list(Shape.record), "{amount, due}"),
                .required("totalPower", Shape.amount, "of everybody, motes"),
                .required("queued", Shape.amount, "waits for somebody to bond, motes"),
                .required("now", Shape.u64, "ledger time, ms")),
            example: (
                .object(("account", Sample.account)),
                .object(
                    ("account", Sample.account), ("bonded", .string("5000000000")),
                    ("locked", .string("0")), ("power", .string("5000000000")),
                    ("claimable", .string("17")), ("unbonding", .array([])),
                    ("totalPower", .string("4005000000000")), ("queued", .string("0")),
                    ("now", .string("1760000000000")))
            )),
        MethodSchema(
            "governance.list", "Lists proposals, newest first.",
            params: [Self.pageCursor, Self.pageLimit],
            result: Shape.object(
                .required("proposals", Shape.list(Shape.record, max: 1000), "the entries"),
                Self.pageNext),
            example: (.object(), .object(("proposals", .array([]))))),
        MethodSchema(
            "governance.get", "Shows a proposal and its count.",
            params: [.required("proposal", Shape.digest, "its id")],
            result: Shape.object(
                .required("proposal", Shape.record, "the entry; protocol/economy/governance.md"),
                .required("fees", Shape.record, "in force now"),
                .required("hasQuorum", Shape.bool, "enough voted"),
                .required("hasMajority", Shape.bool, "enough of those were for it"),
                .required("now", Shape.u64, "ledger time, ms")),
            errors: [.init("governance.notFound", "no proposal has this id")],
            example: (
                .object(("proposal", Sample.digest)),
                .object(
                    ("proposal", .object()), ("fees", .object()), ("hasQuorum", .bool(false)),
                    ("hasMajority", .bool(true)), ("now", .string("1760000000000")))
            )),
    ]
}
