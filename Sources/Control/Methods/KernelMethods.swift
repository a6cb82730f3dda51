import Primitives

extension Methods {
    static let kernels = [
        MethodSchema(
            "kernel.check", "Checks a kernel as publishing would, and publishes nothing.",
            params: [
                .required("source", Shape.text(max: 64 << 10), "the published expansion"),
                .required("manifest", Shape.record, "protocol/kernel-language.md, \"Manifest\""),
            ],
            result: Shape.object(
                .required("kernel", Shape.digest, "the id it would have"),
                .required("exactness", Shape.string, "exactInt or exactFloat32"),
                .required("openCL", Shape.string, "what devices are given to compile")),
            errors: [.init("kernel.*", "refused; data has line, column, excerpt and fix")],
            example: (
                .object(("source", .string("kernel void k() {}")), ("manifest", .object())),
                .object(
                    ("kernel", Sample.kernel), ("exactness", .string("exactInt")),
                    ("openCL", .string("")))
            )),
        MethodSchema(
            "kernel.get", "Shows a published kernel with its source and manifest.",
            params: [.required("kernel", Shape.digest, "its id")],
            result: Shape.object(
                .required("kernel", Shape.digest, "its id"),
                .required("entry", Shape.record, "the ledger's entry; protocol/jobs.md"),
                .required(
                    "package", Shape.record, "{source, manifest}; protocol/kernel-language.md")),
            errors: [.init("kernel.notFound", "no kernel of this id is published")],
            example: (
                .object(("kernel", Sample.kernel)),
                .object(
                    ("kernel", Sample.kernel), ("entry", .object(("title", .string("blur")))),
                    ("package", .object()))
            )),
        MethodSchema(
            "kernel.list", "Lists published kernels, newest first.",
            params: [Self.pageCursor, Self.pageLimit],
            result: Shape.object(
                .required("kernels", Shape.list(Shape.record, max: 1000), "the ledger's entries"),
                Self.pageNext),
            example: (.object(), .object(("kernels", .array([.object(("id", Sample.kernel))]))))),
        MethodSchema(
            "offer.list", "Lists the standing offers of providers, newest first.",
            params: [Self.pageCursor, Self.pageLimit],
            result: Shape.object(
                .required("offers", Shape.list(Shape.record, max: 1000), "the ledger's entries"),
                Self.pageNext),
            example: (.object(), .object(("offers", .array([.object(("id", Sample.digest))]))))),
    ]
}
