import Primitives

extension Methods {
    static let node = [
        MethodSchema(
            "node.status", "Says how this node is and what a person should look at.",
            result: Shape.object(
                .required("version", Shape.string, "of the daemon"),
                .required("genesis", Shape.digest, "the id of the network"),
                .required("isDev", Shape.bool, "one validator, funded test accounts"),
                .required("node", Shape.digest, "the id of this node"),
                .required("roles", Shape.list(Shape.string), "validator, provider, auditor"),
                .required("height", Shape.u64, "of the last final block"),
                .required("block", Shape.digest, "the id of the last final block"),
                .required("stateRoot", Shape.digest, "after the last final block"),
                .required("timeMs", Shape.u64, "ledger time, milliseconds"),
                .required("pooled", Shape.u32, "transactions waiting for a block"),
                .required("peers", Shape.u32, "connected peers"),
                .required("uptimeMs", Shape.u64, "since the daemon started, milliseconds"),
                .required(
                    "warnings",
                    Shape.list(
                        Shape.object(
                            .required("code", Shape.string, "stable"),
                            .required("message", Shape.string, "one sentence"),
                            .required("fix", Shape.string, "what to do"))),
                    "what a person should look at")),
            example: (
                .object(),
                .object(
                    ("version", .string("0.1.0")), ("genesis", Sample.digest),
                    ("isDev", .bool(true)), ("node", Sample.digest),
                    ("roles", .array([.string("validator"), .string("provider")])),
                    ("height", .string("42")), ("block", Sample.block),
                    ("stateRoot", Sample.digest), ("timeMs", .string("1760000000000")),
                    ("pooled", .number(0)), ("peers", .number(0)),
                    ("uptimeMs", .string("61000")), ("warnings", .array([])))
            )),
        MethodSchema(
            "node.stop", "Stops the daemon after the answer; running jobs are handed back.",
            result: Shape.object(.required("stopping", Shape.bool, "always true")),
            example: (.object(), .object(("stopping", .bool(true))))),
    ]

    static let provider = [
        MethodSchema(
            "provider.status", "Says what this node runs for others, on what, and what it earned.",
            result: Shape.object(
                .required("isRunning", Shape.bool, "whether it takes jobs"),
                .required("account", Shape.nullable(Shape.digest), "where earnings go"),
                .required(
                    "devices",
                    Shape.list(
                        Shape.object(
                            .required("name", Shape.string, "as OpenCL says it"),
                            .required("driver", Shape.string, "name and version"),
                            .required("state", Shape.string, "ready, busy, quarantined or paused"),
                            .optional("reason", Shape.string, "why it is not ready"))),
                    "the OpenCL devices found"),
                .required(
                    "offers", Shape.list(Shape.digest), "this provider's standing offers"),
                .required("running", Shape.list(Shape.digest), "jobs being run"),
                .required("jobsDone", Shape.u64, "committed since the daemon started"),
                .required("jobsFailed", Shape.u64, "given up since the daemon started"),
                .required("bond", Shape.amount, "held by standing offers, motes"),
                .required("earned", Shape.amount, "settled since the daemon started, motes"),
                .required(
                    "buyersSeen", Shape.u64, "jobs posted by anybody since the daemon started")),
            example: (
                .object(),
                .object(
                    ("isRunning", .bool(true)), ("account", Sample.account),
                    (
                        "devices",
                        .array([
                            .object(
                                ("name", .string("pthread-EPYC")),
                                ("driver", .string("PoCL 3.1")), ("state", .string("ready")))
                        ])
                    ),
                    ("offers", .array([Sample.digest])), ("running", .array([])),
                    ("jobsDone", .string("1")), ("jobsFailed", .string("0")),
                    ("bond", .string("100000000000")), ("earned", .string("358000000")),
                    ("buyersSeen", .string("1")))
            )),
        MethodSchema(
            "provider.start", "Finds devices, posts a standing offer and takes jobs.",
            params: [
                .optional(
                    "account", Shape.account, "where earnings go; the configured one if left out"),
                .optional(
                    "price", Shape.amount, "motes for 10^9 gas; the configured one if left out"),
            ],
            result: Shape.object(
                .required("offer", Shape.nullable(Shape.digest), "the standing offer"),
                .required("devices", Shape.u32, "usable devices")),
            errors: [
                .init("provider.noDevice", "no OpenCL device can be used"),
                .init("provider.noBond", "the account cannot fund the bond"),
            ],
            example: (
                .object(("price", .string("1000000"))),
                .object(("offer", Sample.digest), ("devices", .number(1)))
            )),
        MethodSchema(
            "provider.stop", "Takes no further job; what runs is finished and committed.",
            result: Shape.object(
                .required("running", Shape.list(Shape.digest), "jobs still being finished")),
            example: (.object(), .object(("running", .array([]))))),
        MethodSchema(
            "provider.pause",
            "Withdraws the offers until provider.start; running jobs are finished and committed.",
            result: Shape.object(
                .required("running", Shape.list(Shape.digest), "jobs still being finished"),
                .required(
                    "bond", Shape.amount, "held until those are settled, motes")),
            example: (
                .object(), .object(("running", .array([])), ("bond", .string("100000000000")))
            )),
    ]

    static let events = [
        MethodSchema(
            "subscribe",
            "Pushes notifications `event` {subscription, topic, event}; `progress` instead sends "
                + "`progress` {call, stage, done, total} for this connection's long calls.",
            params: [
                .required(
                    "topics",
                    Shape.list(
                        Shape.choice("blocks", "jobs", "transactions", "progress"), max: 4, min: 1),
                    "what to push")
            ],
            result: Shape.object(.required("subscription", Shape.u32, "for unsubscribe")),
            errors: [.init("rpc.tooManySubscriptions", "16 subscriptions are the most")],
            example: (
                .object(("topics", .array([.string("blocks"), .string("jobs")]))),
                .object(("subscription", .number(1)))
            )),
        MethodSchema(
            "unsubscribe", "Ends a subscription of this connection.",
            params: [.required("subscription", Shape.u32, "from subscribe")],
            result: Shape.object(.required("ended", Shape.bool, "false if there was none")),
            example: (
                .object(("subscription", .number(1))), .object(("ended", .bool(true)))
            )),
    ]
}

extension Shape.Field {
    static func required(_ name: String, _ schema: JSON, _ about: String) -> Self {
        Shape.required(name, schema, about)
    }

    static func optional(_ name: String, _ schema: JSON, _ about: String) -> Self {
        Shape.optional(name, schema, about)
    }
}
