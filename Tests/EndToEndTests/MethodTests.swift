import Control
import Primitives
import Testing

extension EndToEndTests {
    /// Every method of `rpc.discover`, each parameter broken in turn.
    @Suite struct MethodTests {
        private struct Method {
            let name: String
            /// The parameters of its example.
            let base: JSON
            let params: [(name: String, isRequired: Bool, schema: JSON)]
        }

        private func methods() async throws -> [Method] {
            let client = try await TestDaemon.current.client()
            let document = try await client.call("rpc.discover")
            let list = try #require(document["methods"]?.arrayValue)
            #expect(list.count >= 30)
            return try list.map { method in
                let example = method["examples"]?.arrayValue?.first?["params"]?.arrayValue ?? []
                var base = JSON.object()
                for pair in example {
                    base = base.with(try #require(pair["name"]?.stringValue), pair["value"])
                }
                let params = try #require(method["params"]?.arrayValue).map { param in
                    (
                        try #require(param["name"]?.stringValue),
                        param["required"] == .bool(true), try #require(param["schema"])
                    )
                }
                return Method(
                    name: try #require(method["name"]?.stringValue), base: base, params: params)
            }
        }

        /// -32602, naming the parameter and what was expected there.
        private func expectRefused(
            _ method: String, _ params: JSON, at name: String, _ client: ControlClient
        ) async throws {
            let error = try await client.refusal(method, params)
            let what = "\(method) \(params.text.utf8.count) bytes: \(error.message.prefix(300))"
            #expect(error.code == -32602 && error.symbol == "rpc.invalidParams", "\(what)")
            #expect(error.detail("path").utf8.starts(with: name.utf8), "\(what)")
            #expect(!error.detail("expected").isEmpty, "\(what)")
            #expect(!error.detail("found").isEmpty, "\(what)")
            #expect(error.message.utf8.count < 4_096, "\(method): as long as what was sent")
        }

        @Test func missing() async throws {
            let client = try await TestDaemon.current.client()
            for method in try await self.methods() {
                for param in method.params where param.isRequired {
                    try await self.expectRefused(
                        method.name, method.base.with(param.name, nil), at: param.name, client)
                }
            }
        }

        @Test func unknown() async throws {
            let client = try await TestDaemon.current.client()
            for method in try await self.methods() {
                let params = method.base.with("surprise", .bool(true))
                try await self.expectRefused(method.name, params, at: "surprise", client)
            }
            // A name of a megabyte, most of it one character, is not sent back.
            let marks = "surprise" + String(repeating: "\u{301}", count: 500_000)
            try await self.expectRefused(
                "node.status", .object((marks, .null)), at: "surprise", client)
        }

        @Test func wrongType() async throws {
            let client = try await TestDaemon.current.client()
            let values: [JSON] = [
                .null, .bool(true), .number(-1), .decimal("1.5"), .decimal("1e999"),
                .string("\u{0}\u{301}"), .array([]), .object(("x", .null)),
            ]
            for method in try await self.methods() {
                for param in method.params {
                    for value in values where !Self.fits(value, param.schema) {
                        try await self.expectRefused(
                            method.name, method.base.with(param.name, value), at: param.name, client
                        )
                    }
                }
            }
        }

        /// Whether a wrong value is one of free text.
        private static func fits(_ value: JSON, _ schema: JSON) -> Bool {
            guard case .string = value else { return false }
            return schema["type"] == .string("string") && schema["format"] == nil
                && schema["enum"] == nil
        }

        @Test func oversized() async throws {
            let client = try await TestDaemon.current.client()
            for method in try await self.methods() {
                for param in method.params {
                    let value: JSON
                    switch param.schema["type"]?.stringValue {
                    case "string":
                        let most = param.schema["maxLength"]?.intValue ?? 1 << 20
                        value = .string(String(repeating: "1", count: most + 2))
                    case "integer": value = .number(Int64.max)
                    case "array":
                        let one = method.base[param.name]?.arrayValue?.first ?? .null
                        value = .array([JSON](repeating: one, count: 5_000))
                    default: continue
                    }
                    try await self.expectRefused(
                        method.name, method.base.with(param.name, value), at: param.name, client)
                }
            }
        }

        @Test func garbageID() async throws {
            let daemon = try TestDaemon.current
            let wire = try Wire(daemon)
            let ids: [JSON] = [
                .bool(true), .decimal("1.5"), .array([]), .object(),
                .decimal("99999999999999999999"),
            ]
            for method in try await self.methods() {
                for id in ids {
                    let reply = try wire.ask(Wire.line(id: id, method.name, method.base))
                    let error = ControlError(json: try #require(reply["error"]))
                    #expect(reply["id"] == .null, "\(method.name) \(id.text)")
                    #expect(error.code == -32600 && error.symbol == "rpc.invalidRequest")
                    #expect(error.message.contains("id: a string, an integer or null expected"))
                }
            }
        }

        @Test func unknownMethods() async throws {
            let client = try await TestDaemon.current.client()
            let names = ["", "node", "node.", "node.statu", "NODE.STATUS", "rpc.", "\u{0}", "é.é"]
            let marks = "x" + String(repeating: "\u{301}", count: 1 << 19)
            for name in names + [String(repeating: "x", count: 1 << 20), marks] {
                let error = try await client.refusal(name, .object())
                #expect(error.code == -32601 && error.symbol == "rpc.methodNotFound", "\(name)")
                #expect(error.message.utf8.count < 300 && !error.fix.isEmpty)
            }
        }

        @Test func unknownThings() async throws {
            let client = try await TestDaemon.current.client()
            let zero = JSON.string(String(repeating: "0", count: 64))
            let most = JSON.string(String(UInt64.max))
            let cases: [(String, JSON, String)] = [
                ("account.get", .object(("account", .string("nobody"))), "account.notFound"),
                ("job.get", .object(("job", zero)), "job.notFound"),
                ("job.progress", .object(("job", zero)), "job.notFound"),
                ("job.receipt", .object(("job", zero)), "job.notFound"),
                ("job.open", .object(("job", zero), ("leaf", .string("0"))), "job.notFound"),
                ("job.why", .object(("job", zero)), "job.notFound"),
                ("governance.get", .object(("proposal", zero)), "governance.notFound"),
                ("governance.list", .object(("cursor", .string("x"))), "rpc.invalidParams"),
                ("stake.get", .object(("account", .string("nobody"))), "account.notFound"),
                ("provider.why", .object(("account", .string("nobody"))), "account.notFound"),
                ("provider.earnings", .object(("account", .string("no"))), "account.notFound"),
                ("kernel.get", .object(("kernel", zero)), "kernel.notFound"),
                (
                    "blob.read",
                    .object(("blob", zero), ("offset", most), ("bytes", .number(1))),
                    "blob.notFound"
                ),
                ("block.get", .object(("height", most)), "block.notFound"),
                ("block.get", .object(("id", zero)), "block.notFound"),
                ("ledger.header", .object(("height", most)), "block.notFound"),
                ("transaction.get", .object(("transaction", zero)), "transaction.notFound"),
                ("job.list", .object(("cursor", .string("x"))), "rpc.invalidParams"),
                ("state.export", .object(("cursor", .string(":"))), "rpc.invalidParams"),
                ("wallet.create", .object(("name", .string("alice"))), "wallet.nameTaken"),
                (
                    "wallet.export-words", .object(("name", .string("alice"))),
                    "wallet.neverExported"
                ),
            ]
            for (method, params, symbol) in cases {
                let error = try await client.refusal(method, params)
                #expect(error.symbol == symbol, "\(method): \(error.message)")
                #expect(!error.message.isEmpty)
            }
            // An account that nobody opened, a blob that nobody has and a far page are no errors.
            let account = try await client.call("account.get", .object(("account", zero)))
            #expect(account["balances"]?.arrayValue?.first?["available"] == .string("0"))
            let blob = try await client.call("blob.stat", .object(("blob", zero)))
            #expect(blob["present"] == .bool(false))
            let stake = try await client.call("stake.get", .object(("account", zero)))
            #expect(stake["power"] == .string("0"))
            let earned = try await client.call("provider.earnings", .object(("account", zero)))
            #expect(earned["operator"] == .string("0"))
            let jobs = try await client.call("job.list", .object(("cursor", most)))
            #expect(jobs["jobs"]?.arrayValue != nil)
        }
    }
}
