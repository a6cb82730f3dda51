import Primitives

extension Methods {
    private static let handle = Shape.required(
        "handle", Shape.digest, "from blob.open; belongs to this connection")

    static let blobs = [
        MethodSchema(
            "blob.open", "Begins an upload.",
            params: [.required("bytes", Shape.u64, "the exact size")],
            result: Shape.object(
                Self.handle,
                .required("pieceBytesMax", Shape.u32, "most bytes of one blob.append")),
            errors: [
                .init("blob.tooLarge", "more than this daemon keeps"),
                .init("blob.tooManyUploads", "finish or drop one first"),
            ],
            example: (
                .object(("bytes", .string("6220800"))),
                .object(("handle", Sample.digest), ("pieceBytesMax", .number(1_048_576)))
            )),
        MethodSchema(
            "blob.append", "Adds the next piece, in order, in lower-case hexadecimal.",
            params: [
                Self.handle,
                .required("offset", Shape.u64, "where it begins: the bytes received so far"),
                .required("data", Shape.hex(max: Control.pieceBytesMax), "at most 1 MiB"),
            ],
            result: Shape.object(.required("received", Shape.u64, "bytes so far")),
            errors: [
                .init("blob.noHandle", "no such upload"),
                .init("blob.wrongOffset", "pieces come in order; data has the expected offset"),
            ],
            example: (
                .object(
                    ("handle", Sample.digest), ("offset", .string("0")), ("data", .string("00ff"))),
                .object(("received", .string("2")))
            )),
        MethodSchema(
            "blob.commit", "Ends an upload and gives its content address.",
            params: [
                Self.handle,
                .optional("blob", Shape.digest, "refused if the content address differs"),
            ],
            result: Shape.object(
                .required("blob", Shape.digest, "its content address"),
                .required("bytes", Shape.u64, "")),
            errors: [
                .init("blob.noHandle", "no such upload"),
                .init("blob.incomplete", "bytes are missing"),
                .init("blob.wrongContent", "the content address differs"),
            ],
            example: (
                .object(("handle", Sample.digest)),
                .object(("blob", Sample.blob), ("bytes", .string("2")))
            )),
        MethodSchema(
            "blob.stat", "Says whether this daemon has a blob.",
            params: [.required("blob", Shape.digest, "its content address")],
            result: Shape.object(
                .required("blob", Shape.digest, ""),
                .required("present", Shape.bool, ""),
                .optional("bytes", Shape.u64, "if present")),
            example: (
                .object(("blob", Sample.blob)),
                .object(("blob", Sample.blob), ("present", .bool(true)), ("bytes", .string("2")))
            )),
        MethodSchema(
            "blob.read", "Reads a piece of a blob, in lower-case hexadecimal.",
            params: [
                .required("blob", Shape.digest, "its content address"),
                .required("offset", Shape.u64, "where the piece begins"),
                .required(
                    "bytes", Shape.integer(1...Int64(Control.pieceBytesMax)), "at most this many"),
            ],
            result: Shape.object(
                .required("data", Shape.hex(max: Control.pieceBytesMax), "shorter at the end"),
                .required("bytes", Shape.u64, "the size of the blob")),
            errors: [
                .init("blob.notFound", "this daemon does not have it"),
                .init("blob.damaged", "what the disk holds is not what was stored"),
            ],
            example: (
                .object(("blob", Sample.blob), ("offset", .string("0")), ("bytes", .number(1024))),
                .object(("data", .string("00ff")), ("bytes", .string("2")))
            )),
    ]
}
