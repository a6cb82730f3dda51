import Primitives

extension Methods {
    private static let jobID = Shape.required("job", Shape.digest, "its id")
    private static let notFound = MethodSchema.Failure("job.notFound", "no job has this id")
    private static let phase = Shape.choice(
        "posted", "assigned", "committed", "drawn", "summoned", "opened", "window", "settled",
        "cancelled", "unassigned", "uncommitted", "unaudited", "faulted", "kernelFault", "withheld")
    private static let entry = Shape.required(
        "entry", Shape.record, "the ledger's entry; protocol/state.md")
    private static let genesis = Shape.required(
        "genesis", Shape.digest, "the network, whose id salts every hash")
    private static let order = Shape.required(
        "order", Shape.record, "the work order; protocol/jobs.md, \"Work order\"")

    static let jobs = [
        MethodSchema(
            "job.get", "Shows a job: its order, what the ledger knows of it, and its output.",
            params: [Self.jobID],
            result: Shape.object(
                .required("job", Shape.digest, "its id"),
                .required("phase", Self.phase, "where it stands"),
                Self.genesis, Self.order, Self.entry,
                .required(
                    "output",
                    Shape.nullable(
                        Shape.object(
                            .required("root", Shape.digest, "over the slice roots"),
                            .required("salt", Shape.digest, "with root it opens the commitment"),
                            .required("blob", Shape.digest, "the slices in leaf order"),
                            .required("bytes", Shape.u64, "of the blob"))),
                    "once this daemon has it")),
            errors: [Self.notFound],
            example: (
                .object(("job", Sample.job)),
                .object(
                    ("job", Sample.job), ("phase", .string("window")), ("genesis", Sample.digest),
                    ("order", .object()), ("entry", .object()), ("output", .null))
            )),
        MethodSchema(
            "job.list", "Lists jobs, newest first.",
            params: [Self.pageCursor, Self.pageLimit],
            result: Shape.object(
                .required("jobs", Shape.list(Shape.record, max: 1000), "the ledger's entries"),
                Self.pageNext),
            example: (.object(), .object(("jobs", .array([.object(("id", Sample.job))]))))),
        MethodSchema(
            "job.progress", "Says how far a job is.", params: [Self.jobID],
            result: Shape.object(
                .required("job", Shape.digest, "its id"),
                .required("phase", Self.phase, "where it stands"),
                .required("leaves", Shape.u64, "of the job"),
                .required("leavesDone", Shape.u64, "run so far; `leaves` once committed"),
                .optional("note", Shape.string, "what it waits for, for people"),
                .required("isClosed", Shape.bool, "whether the phase changes no more")),
            errors: [Self.notFound],
            example: (
                .object(("job", Sample.job)),
                .object(
                    ("job", Sample.job), ("phase", .string("assigned")),
                    ("leaves", .string("64")), ("leavesDone", .string("48")),
                    ("isClosed", .bool(false)))
            )),
        Self.receipt,
        Self.opening,
    ]

    /// With `chain.genesis` and the openings it makes the file that protocol/check.py reads.
    private static let receipt = MethodSchema(
        "job.receipt", "Gives what the ledger says of a job, with the proof of it.",
        params: [Self.jobID],
        result: Shape.object(
            .required("job", Shape.digest, "its id"), Self.genesis, Self.order,
            .required(
                "receipt", Shape.record,
                "the entry, leaves re-run, chances, stake; protocol/jobs.md, \"Receipt\""),
            .required(
                "proof", Shape.record,
                "{key, value, state, header, certificate, block}: from the entry to the state root "
                    + "of a final header"),
            .optional(
                "openings", Shape.list(Shape.record, max: 64),
                "of the audited leaves in the order drawn; if absent, job.open gives them")),
        errors: [Self.notFound],
        example: (
            .object(("job", Sample.job)),
            .object(
                ("job", Sample.job), ("genesis", Sample.digest), ("order", .object()),
                ("receipt", .object()), ("proof", .object()), ("openings", .array([])))
        ))

    private static let opening = MethodSchema(
        "job.open", "Opens one committed leaf, so that anybody can re-run and compare it.",
        params: [
            Self.jobID,
            .required("leaf", Shape.u64, "its index"),
            .optional("launch", Shape.u32, "0 if left out"),
        ],
        result: Shape.object(
            .required("index", Shape.u64, "of the leaf"),
            .required("salt", Shape.digest, "of this leaf"),
            .required("sliceRoot", Shape.digest, "over the leaf's slice of the output"),
            .required("workDigest", Shape.digest, "zero where the kernel declares none"),
            .required("path", Shape.list(Shape.digest, max: 64), "from the leaf to leafRoot"),
            .required(
                "outputPath", Shape.list(Shape.digest, max: 64),
                "from the slice root to the output's root")),
        errors: [
            Self.notFound,
            .init("job.notCommitted", "there is nothing to open yet"),
            .init("job.noSuchLeaf", "the index is not below the number of leaves"),
            .init("job.notHere", "its provider is out of reach, or has no record of it"),
            .init("job.notYet", "the audit is not over, or the provider is busy: ask again"),
        ],
        example: (
            .object(("job", Sample.job), ("leaf", .string("7"))),
            .object(
                ("index", .string("7")), ("salt", Sample.digest), ("sliceRoot", Sample.digest),
                ("workDigest", Sample.digest), ("path", .array([Sample.digest])),
                ("outputPath", .array([Sample.digest])))
        ))
}
