import Chain
import Control
import Foundation
import Ledger
import Node
import Primitives

extension Service {
    /// How long `wait: "final"` waits; a client may then ask with transaction.get.
    static let finalTimeoutMs = 60_000

    func serveTransactions(_ table: inout MethodTable) {
        table.serve("transaction.submit") { call throws(ControlError) in
            try await self.submit(call)
        }
        table.serve("transaction.simulate") { call throws(ControlError) in
            let receipt = try await self.ask(.prepare(try self.preparation(call, .simulate)))
            let status = try await self.query(.status)
            var members: [JSON.Member] = [
                .init(name: "height", value: status["height"] ?? .null),
                .init(name: "ok", value: .bool(receipt["rejection"] == nil)),
            ]
            if let rejection = Self.rejection(receipt) {
                members.append(.init(name: "rejection", value: rejection))
            }
            members += [
                .init(name: "fee", value: receipt["fee"] ?? .null),
                .init(name: "weight", value: receipt["weight"] ?? .null),
            ]
            return .object(members)
        }
        table.serve("transaction.prepare") { call throws(ControlError) in
            let wanted = try self.preparation(call, .bytes)
            let made = try await self.ask(.prepare(wanted))
            let transaction: Transaction
            do throws(DecodeError) {
                transaction = try Transaction(canonical: made["transaction"]?.hexValue ?? [])
            } catch {
                throw .internalError("a prepared transaction does not decode: \(error)")
            }
            return .object(
                ("account", wanted.account.json), ("nonce", made["nonce"] ?? .null),
                ("validUntilMs", transaction.validUntil.json), ("maxFee", made["maxFee"] ?? .null),
                ("bytes", .string(Hex.encode(transaction.signedBytes))),
                ("digest", made["digest"] ?? .null))
        }
        table.serve("transaction.send") { call throws(ControlError) in
            let id = try await self.accepted(.submit(transaction: try call.bytes("bytes")))
            return try await self.outcome(id, call)
        }
        table.serve("transaction.get") { call throws(ControlError) in
            try await self.found(try call.value("transaction"))
        }
        table.serve("operation.list") { _ throws(ControlError) in
            let catalogue = try await self.query(.operations)
            let list = catalogue["operations"]?.arrayValue ?? []
            return .object(
                (
                    "operations",
                    .array(
                        list.map { entry in
                            .object(
                                ("operation", entry["name"] ?? .null),
                                ("tag", entry["tag"] ?? .null),
                                ("summary", entry["summary"] ?? .null),
                                ("schema", entry["schema"] ?? .null))
                        })
                ))
        }
    }

    private func preparation(
        _ call: Call, _ mode: Chain.Mode
    ) throws(ControlError) -> Chain.Preparation {
        Chain.Preparation(
            account: try self.account(call),
            operations: call.params["operations"]?.arrayValue ?? [],
            maxFee: try call.optional("maxFee"), tip: try call.optional("tip"),
            validForMs: call.int("validForMs").flatMap { UInt64(exactly: $0) }, mode: mode)
    }

    private func submit(_ call: Call) async throws(ControlError) -> JSON {
        let wanted = try self.preparation(call, .submit)
        let key = call.params["idempotencyKey"]?.stringValue
        let print = Blake2b.hash(
            .order, .none, Array((JSON.array(wanted.operations).text + wanted.account.hex).utf8))
        if let key, let known = self.uploads.known(key) {
            guard known.print == print else {
                throw .product(
                    "transaction.keyReused", "the idempotency key was used with other operations",
                    fix: "use a new key for a new intention")
            }
            return try await self.outcome(known.id, call)
        }
        let id = try await self.accepted(.prepare(wanted))
        if let key { self.uploads.remember(key, print: print, id: id) }
        return try await self.outcome(id, call)
    }

    private func accepted(_ request: Node.Request) async throws(ControlError) -> TransactionID {
        switch await self.requests.ask(request) {
        case .accepted(let id): return id
        case .json(let json): throw .internalError("an id was due, not \(json.kind)")
        case .refused(let refusal): throw Self.error(refusal)
        }
    }

    /// What became of a transaction, as far as the caller wants to wait.
    private func outcome(
        _ id: TransactionID, _ call: Call
    ) async throws(ControlError) -> JSON {
        guard call.params["wait"]?.stringValue == "final" else {
            return .object(("transaction", id.json), ("status", .string("accepted")))
        }
        guard let final = await self.requests.final(id, timeoutMs: Self.finalTimeoutMs) else {
            return try await self.found(id)
        }
        return Self.outcome(
            id, height: final.height.json, index: final.index.json, receipt: final.receipt)
    }

    private func found(_ id: TransactionID) async throws(ControlError) -> JSON {
        let missing = ControlError.product(
            "transaction.notFound", "neither in the pool nor in a final block",
            fix: "it may have expired; submit it again")
        let entry = try await self.query(.transaction(id), missing: missing)
        guard let receipt = entry["receipt"] else {
            return .object(("transaction", id.json), ("status", .string("accepted")))
        }
        return Self.outcome(
            id, height: entry["height"] ?? .null, index: entry["index"] ?? .null, receipt: receipt)
    }

    private static func outcome(
        _ id: TransactionID, height: JSON, index: JSON, receipt: JSON
    ) -> JSON {
        let rejection = Self.rejection(receipt)
        var members: [JSON.Member] = [
            .init(name: "transaction", value: id.json),
            .init(name: "status", value: .string(rejection == nil ? "final" : "failed")),
            .init(name: "height", value: height), .init(name: "index", value: index),
            .init(name: "fee", value: receipt["fee"] ?? .null),
        ]
        if let rejection { members.append(.init(name: "rejection", value: rejection)) }
        return .object(members + [.init(name: "receipt", value: receipt)])
    }

    /// The refusal in a receipt; nil if it was applied.
    private static func rejection(_ receipt: JSON) -> JSON? {
        guard let name = receipt["rejection"]?.stringValue else { return nil }
        let explanation = receipt["explanation"]?.stringValue ?? ""
        return .object(
            ("code", .string(name)), ("number", receipt["outcome"]?["code"] ?? .number(0)),
            ("operation", receipt["outcome"]?["operation"] ?? .number(0)),
            ("message", .string(explanation.isEmpty ? name : explanation)))
    }
}
