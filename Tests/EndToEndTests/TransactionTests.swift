import Control
import Primitives
import Testing

extension EndToEndTests {
    /// Bytes through `transaction.send`.
    @Suite struct TransactionTests {
        private func send(_ bytes: [UInt8], wait: String = "accepted") -> JSON {
            .object(("bytes", .string(Hex.encode(bytes))), ("wait", .string(wait)))
        }

        /// A signer with STAR of alice's.
        private func signer(_ name: String, _ client: ControlClient) async throws -> Outside {
            let signer = try await Outside(name, client)
            let transfer = JSON.object(
                ("operation", .string("bank.transfer")), ("asset", signer.star.json),
                ("to", signer.account.json), ("amount", .string("50000000000")),
                ("memo", .string("")))
            let outcome = try await client.call(
                "transaction.submit",
                .object(
                    ("account", .string("alice")), ("operations", .array([transfer])),
                    ("wait", .string("final"))))
            #expect(outcome["status"] == .string("final"), "\(outcome.text)")
            return signer
        }

        private func balance(_ account: Digest, _ client: ControlClient) async throws -> UInt128 {
            let reply = try await client.call("account.get", .object(("account", account.json)))
            return try #require(reply["balances"]?.arrayValue?.first?["available"]?.u128Value)
        }

        /// The decoder names what is wrong and where.
        @Test func malformed() async throws {
            let client = try await TestDaemon.current.client()
            let signer = try await Outside("malformed", client)
            let good = signer.signed(signer.draft([signer.transfer(1, to: .zero)]))
            func changed(_ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
                Array(good.prefix(offset)) + bytes + good.dropFirst(offset + bytes.count)
            }
            let operations = 1 + 32 + 8 + 8 + 16 + 16
            let policy = operations + 2 + 83
            let cases: [([UInt8], [String])] = [
                ([], ["truncated", "offset: 0"]), (Array(good.prefix(40)), ["truncated", "33"]),
                (Array(good.dropLast()), ["truncated", "offset"]),
                (good + [0], ["trailingBytes", "offset: \(good.count)"]),
                (
                    changed(49, [UInt8](repeating: 255, count: 16)),
                    ["invalid", "amount", "offset: 49"]
                ),
                (changed(operations, [17]), ["tooLong", "operations", "offset: \(operations)"]),
                (
                    changed(operations, [0xff, 0xff, 0xff, 0xff, 0x0f]),
                    ["tooLong", "operations", "limit: 16"]
                ),
                (
                    changed(operations + 1, [0xff, 0xff, 0xff, 0x7f]),
                    ["tooLong", "operation", "limit: 524288"]
                ),
                (changed(operations + 1, [0x80, 0x00]), ["nonMinimalLength"]),
                (changed(policy, [2]), ["invalid", "bool", "offset: \(policy)"]),
                (changed(policy + 6, [17]), ["tooLong", "keys", "limit: 16"]),
                (changed(good.count - 65, [17]), ["tooLong", "signatures", "limit: 16"]),
                ([UInt8](repeating: 0, count: 500_000), ["offset"]),
            ]
            for (bytes, words) in cases {
                let error = try await client.refusal("transaction.send", self.send(bytes))
                #expect(error.symbol.hasSuffix("ransactionMalformed"), "\(error.symbol)")
                for word in words { #expect(error.message.contains(word), "\(error.message)") }
            }
            let long = try await client.refusal(
                "transaction.send", self.send([UInt8](repeating: 1, count: (512 << 10) + 1)))
            #expect(long.symbol == "rpc.invalidParams" && long.detail("path") == "bytes")
        }

        /// Each byte of a valid transaction changed: a refusal with a code, or nothing at all.
        @Test func everyByte() async throws {
            let client = try await TestDaemon.current.client()
            let signer = try await self.signer("every byte", client)
            let good = signer.signed(signer.draft([signer.transfer(1, to: .zero)]))
            for index in good.indices {
                var bytes = good
                bytes[index] ^= 0x81
                let error = try await client.refusal("transaction.send", self.send(bytes))
                #expect(!error.symbol.isEmpty && !error.message.isEmpty, "byte \(index)")
                #expect(error.code == ControlError.productCode, "byte \(index): \(error.message)")
            }
            #expect(try await self.balance(signer.account, client) == 50_000_000_000)
        }

        @Test func refusedBeforeABlock() async throws {
            let client = try await TestDaemon.current.client()
            let signer = try await self.signer("refused", client)
            let other = try await Outside("poor", client)
            let transfer = signer.transfer(1, to: .zero)
            let good = signer.draft([transfer])
            func draft(_ change: (inout Outside.Draft) -> Void) -> [UInt8] {
                var draft = good
                change(&draft)
                return signer.signed(draft)
            }
            let signed = signer.signed(good)
            let unsigned = signer.signedBytes(good)
            let signature = Array(signed.suffix(64))
            let cases: [([UInt8], String)] = [
                (draft { $0.version = 2 }, "versionUnknown"),
                (draft { $0.operations = [] }, "operationsMissing"),
                (draft { $0.validUntil = 1 }, "expired"),
                (draft { $0.showsPolicy = false }, "policyMissing"),
                (draft { $0.nonce = 128 }, "nonceTooHigh"),
                (draft { $0.nonce = .max }, "nonceTooHigh"),
                (draft { $0.maxFee = 0 }, "feeBelowMinimum"),
                (draft { $0.tip = $0.maxFee }, "feeBelowMinimum"),
                (draft { $0.maxFee = .max }, "feeNotFunded"),
                (other.signed(other.draft([transfer])), "feeNotFunded"),
                (signer.signed(good, by: other.key), "signatureInvalid"),
                (unsigned + signer.authorisation(signers: 0, []), "weightBelowThreshold"),
                (unsigned + signer.authorisation(signers: 1, []), "signatureCountDiffers"),
                (
                    unsigned + signer.authorisation(signers: 1, [signature, signature]),
                    "signatureCountDiffers"
                ),
                (unsigned + signer.authorisation(signers: 2, [signature]), "signersNotInPolicy"),
                (
                    unsigned
                        + signer.authorisation(signers: 1, [[UInt8](repeating: 0, count: 64)]),
                    "signatureInvalid"
                ),
            ]
            for (bytes, name) in cases {
                let error = try await client.refusal("transaction.send", self.send(bytes))
                #expect(error.symbol == "transaction.\(name)", "\(error.message)")
            }
            #expect(try await self.balance(signer.account, client) == 50_000_000_000)
        }

        /// One payment, sent many times: it is made once.
        @Test func replayed() async throws {
            let client = try await TestDaemon.current.client()
            let signer = try await self.signer("replayed", client)
            let receiver = try await Outside("receiver", client).account
            let bytes = signer.signed(signer.draft([signer.transfer(7_000_000_000, to: receiver)]))
            var accepted = 0
            for call in try await client.batch(
                [(method: String, params: JSON)](
                    repeating: ("transaction.send", self.send(bytes)), count: 32))
            {
                switch call {
                case .success: accepted += 1
                case .failure(let error): #expect(!error.symbol.isEmpty, "\(error.message)")
                }
            }
            #expect(accepted >= 1)
            let id = Blake2b.hash(
                .tx, signer.salt,
                signer.signedBytes(
                    signer.draft([signer.transfer(7_000_000_000, to: receiver)])))
            for _ in 0..<200 {
                let found = try await client.call(
                    "transaction.get", .object(("transaction", id.json)))
                if found["status"] == .string("final") { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(try await self.balance(receiver, client) == 7_000_000_000)
            let error = try await client.refusal("transaction.send", self.send(bytes))
            #expect(
                ["transaction.nonceUsedOrVoid", "chain.transactionKnown"].contains(error.symbol),
                "\(error.symbol)")
            #expect(try await self.balance(receiver, client) == 7_000_000_000)
        }

        /// What the ledger refuses costs the fee and nothing else; the receipt has the code.
        @Test func rejectedInABlock() async throws {
            let client = try await TestDaemon.current.client()
            let signer = try await self.signer("rejected", client)
            let other = try await self.signer("other", client)
            let cases: [([UInt8], String)] = [
                (signer.transfer(.max, to: signer.star), "insufficient"),
                (signer.transfer(0, to: signer.star), "amountIsZero"),
                ([0xff, 0xff], ""), ([], ""), (Array(repeating: 7, count: 1_000), ""),
                (Array(signer.transfer(1, to: signer.star).dropLast()), ""),
                (signer.transfer(1, to: signer.star) + [0], ""),
            ]
            for (nonce, entry) in cases.enumerated() {
                var draft = signer.draft([signer.transfer(1, to: other.account), entry.0])
                draft.nonce = UInt64(nonce)
                let outcome = try await client.call(
                    "transaction.send", self.send(signer.signed(draft), wait: "final"))
                #expect(outcome["status"] == .string("failed"), "\(outcome.text.prefix(300))")
                let rejection = try #require(outcome["rejection"])
                #expect(rejection["operation"] == .number(1), "\(rejection.text)")
                let code = try #require(rejection["code"]?.stringValue)
                #expect(entry.1.isEmpty || code.contains(entry.1), "\(code)")
                #expect(!code.isEmpty)
                let height = JSON.object(("height", try #require(outcome["height"])))
                let block = try await client.call("block.get", height)
                let shown = try #require(block["transactions"]?.arrayValue?.last)
                #expect(shown["operations"]?.arrayValue?.count == 2)
                #expect(shown["rejection"]?.stringValue == code)
            }
        }

        /// `transaction.prepare` for a key outside: its bytes and a signature are the transaction.
        @Test func prepared() async throws {
            let client = try await TestDaemon.current.client()
            let signer = try await self.signer("prepared", client)
            let other = try await self.signer("other", client)
            // The account is open after this.
            _ = try await client.call(
                "transaction.send",
                self.send(
                    signer.signed(signer.draft([signer.transfer(1, to: other.account)])),
                    wait: "final"))
            let transfer = JSON.object(
                ("operation", .string("bank.transfer")), ("asset", signer.star.json),
                ("to", other.account.json), ("amount", .string("5")), ("memo", .string("é")))
            let prepared = try await client.call(
                "transaction.prepare",
                .object(("account", signer.account.json), ("operations", .array([transfer]))))
            let bytes = try #require(prepared["bytes"]?.hexValue)
            let digest = Blake2b.hash(.txsign, signer.salt, bytes)
            #expect(prepared["digest"] == digest.json)
            let signature = signer.authorisation(signers: 1, [signer.key.sign(digest).bytes])
            let outcome = try await client.call(
                "transaction.send", self.send(bytes + signature, wait: "final"))
            #expect(outcome["status"] == .string("final"), "\(outcome.text.prefix(300))")
        }
    }
}
