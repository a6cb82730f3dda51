package import Primitives

/// What one method takes, gives and refuses, in words and as JSON schemas.
///
/// The same text lies in `protocol/control/<name>.json`; a test keeps the two equal.
package struct MethodSchema: Sendable {
    /// A refusal that is the method's own; any method may also answer with the `rpc.*` errors.
    package struct Failure: Hashable, Sendable {
        let symbol: String
        let about: String

        package init(_ symbol: String, _ about: String) {
            self.symbol = symbol
            self.about = about
        }
    }

    package let name: String
    package let summary: String
    /// Always the schema of an object: parameters are passed by name.
    package let params: JSON
    package let result: JSON
    package let errors: [Failure]
    /// One call and its reply, both of which keep the schemas.
    package let exampleParams: JSON
    package let exampleResult: JSON

    package init(
        _ name: String, _ summary: String, params: [Shape.Field] = [], result: JSON,
        errors: [Failure] = [], example: (params: JSON, result: JSON)
    ) {
        self.name = name
        self.summary = summary
        self.params = Shape.object(params)
        self.result = result
        self.errors = errors
        self.exampleParams = example.params
        self.exampleResult = example.result
    }

    /// Checks the parameters of a call; the path of a refusal begins with the parameter's name.
    package func check(params: JSON) throws(FieldError) {
        try SchemaCheck.check(params, against: self.params, at: "")
    }

    /// Checks a reply; the path of a refusal begins with `result`.
    package func check(result: JSON) throws(FieldError) {
        try SchemaCheck.check(result, against: self.result, at: "result")
    }

    /// The content of `protocol/control/<name>.json`.
    package var json: JSON {
        .object(
            ("name", .string(self.name)),
            ("summary", .string(self.summary)),
            ("params", self.params),
            ("result", self.result),
            ("errors", .array(self.errors.map(\.json))),
            ("example", .object(("params", self.exampleParams), ("result", self.exampleResult))))
    }

    /// The method object of an OpenRPC 1.3 document.
    var openRPC: JSON {
        let required = self.params["required"]?.arrayValue ?? []
        let params = (self.params["properties"]?.memberValues ?? []).map { member in
            JSON.object(
                ("name", .string(member.name)),
                ("required", .bool(required.contains(.string(member.name)))),
                ("schema", member.value))
        }
        let exampleParams = (self.exampleParams.memberValues ?? []).map { member in
            JSON.object(("name", .string(member.name)), ("value", member.value))
        }
        return .object(
            ("name", .string(self.name)),
            ("summary", .string(self.summary)),
            ("paramStructure", .string("by-name")),
            ("params", .array(params)),
            ("result", .object(("name", .string("result")), ("schema", self.result))),
            (
                "errors",
                .array(
                    self.errors.map { failure in
                        .object(
                            ("code", .number(Int64(ControlError.productCode))),
                            ("message", .string(failure.about)),
                            ("data", .object(("code", .string(failure.symbol)))))
                    })
            ),
            (
                "examples",
                .array([
                    .object(
                        ("name", .string("example")),
                        ("params", .array(exampleParams)),
                        (
                            "result",
                            .object(("name", .string("result")), ("value", self.exampleResult))
                        ))
                ])
            ))
    }
}

extension MethodSchema.Failure {
    var json: JSON {
        .object(("code", .string(self.symbol)), ("about", .string(self.about)))
    }
}

/// The machine-readable description of a daemon's methods.
enum OpenRPC {
    /// An OpenRPC 1.3 document.
    static func document(_ methods: [MethodSchema], version: String) -> JSON {
        .object(
            ("openrpc", .string("1.3.2")),
            (
                "info",
                .object(
                    ("title", .string("Starling")),
                    (
                        "description",
                        .string(
                            "JSON-RPC 2.0 over a Unix socket, one object a line. Amounts and "
                                + "64-bit numbers are decimal strings of base units, bytes are "
                                + "lower-case hexadecimal.")
                    ),
                    ("version", .string(version)))
            ),
            ("methods", .array(methods.map(\.openRPC))))
    }
}
