import Control
import Primitives
import Testing

extension EndToEndTests {
    /// Every operation of `operation.list`, each field at any depth broken in turn.
    @Suite struct OperationTests {
        /// A value of a schema: zeros, nothing, the first choice.
        private func blank(_ schema: JSON) -> JSON {
            if let first = schema["enum"]?.arrayValue?.first { return first }
            if schema["anyOf"] != nil { return .null }
            switch schema["type"]?.stringValue {
            case "object":
                let properties = schema["properties"]?.memberValues ?? []
                return .object(
                    properties.map { .init(name: $0.name, value: self.blank($0.value)) })
            case "array": return .array([])
            case "integer": return .number(0)
            case "boolean": return .bool(false)
            default:
                switch schema["pattern"]?.stringValue {
                case "^[0-9a-f]{64}$": return .string(String(repeating: "0", count: 64))
                case "^[0-9a-f]{128}$": return .string(String(repeating: "0", count: 128))
                case "^(0|[1-9][0-9]*)$": return .string("1")
                default: return .string("")
                }
            }
        }

        /// The names on the way to each field.
        private func places(_ value: JSON) -> [[String]] {
            (value.memberValues ?? []).flatMap { member in
                [[member.name]] + self.places(member.value).map { [member.name] + $0 }
            }
        }

        /// The blank of a field that may be left out is null.
        private func mayBeNull(_ value: JSON, _ place: ArraySlice<String>) -> Bool {
            guard let first = place.first else { return value == .null }
            return self.mayBeNull(value[first] ?? .bool(false), place.dropFirst())
        }

        private func put(_ new: JSON?, _ value: JSON, at place: ArraySlice<String>) -> JSON {
            guard let name = place.first, place.count > 1 else {
                return value.with(place.first ?? "", new)
            }
            return value.with(name, self.put(new, value[name] ?? .null, at: place.dropFirst()))
        }

        private static let bad: [JSON?] = [
            nil, .null, .bool(true), .number(-1), .number(Int64.max), .decimal("1.5"),
            .decimal("1e99"), .array([.number(1)]), .object(("surprise", .null)),
            .string(String(repeating: "z", count: 1 << 20)),
        ]

        private func params(_ operations: [JSON]) -> JSON {
            .object(("account", .string("alice")), ("operations", .array(operations)))
        }

        /// The refusal names the field, says what was expected, and is short.
        private func expectNamed(
            _ name: String, _ method: String, _ operation: JSON, _ client: ControlClient
        ) async throws {
            let error = try await client.refusal(method, self.params([operation]))
            let symbols = ["chain.operationInvalid", "rpc.invalidParams"]
            #expect(symbols.contains(error.symbol), "\(name): \(error.symbol)")
            #expect(error.message.contains(name), "\(name): \(error.message.prefix(300))")
            #expect(error.message.contains("expected"), "\(name): \(error.message.prefix(300))")
            #expect(error.message.utf8.count < 4_096, "\(name): as long as what was sent")
        }

        private func operations(_ client: ControlClient) async throws -> [JSON] {
            let list = try #require(
                try await client.call("operation.list")["operations"]?.arrayValue)
            #expect(list.count >= 8)
            return try list.map { entry in
                self.blank(try #require(entry["schema"]))
                    .with("operation", entry["operation"])
            }
        }

        @Test func everyField() async throws {
            let client = try await TestDaemon.current.client()
            for operation in try await self.operations(client) {
                // The blank itself has the right form; the ledger refuses what it says, by code,
                // but for a stake of one mote, which is small and right.
                let outcome = try await client.call(
                    "transaction.simulate", self.params([operation]))
                if operation["operation"] == .string("stake.bond") {
                    #expect(outcome["ok"] == .bool(true), "\(outcome.text)")
                } else {
                    let rejection = try #require(outcome["rejection"], "\(operation.text)")
                    #expect(rejection["code"]?.stringValue?.contains(".") == true)
                }
                for place in self.places(operation) {
                    let name = (["operations[0]"] + place).joined(separator: ".")
                    for value in Self.bad {
                        if place == ["operation"], value == nil { continue }
                        if self.mayBeNull(operation, place[...]), value ?? .null == .null {
                            continue
                        }
                        try await self.expectNamed(
                            name, "transaction.simulate",
                            self.put(value, operation, at: place[...]),
                            client)
                    }
                }
                try await self.expectNamed(
                    "operations[0].surprise", "transaction.submit",
                    operation.with("surprise", .null), client)
                guard let field = self.places(operation).first else { continue }
                for method in ["transaction.submit", "transaction.prepare"] {
                    try await self.expectNamed(
                        "operations[0].\(field[0])", method, operation.with(field[0], .bool(true)),
                        client)
                }
            }
        }

        @Test func noOperations() async throws {
            let client = try await TestDaemon.current.client()
            let transfer = JSON.object(("operation", .string("bank.transfer")))
            let cases: [(JSON, String)] = [
                (.number(1), "operations[0]"), (.object(), "operations[0].operation"),
                (.object(("operation", .string("no.such"))), "operations[0].operation"),
                (.object(("operation", .string("x"))), "operations[0].operation"),
                (transfer, "operations[0]."),
            ]
            for (operation, name) in cases {
                try await self.expectNamed(name, "transaction.simulate", operation, client)
            }
            let many = [JSON](repeating: transfer, count: 17)
            let error = try await client.refusal("transaction.submit", self.params(many))
            #expect(error.detail("path") == "operations")
        }
    }
}
