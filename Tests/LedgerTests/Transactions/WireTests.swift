import Ledger
import Primitives
import Testing

@Suite struct WireTests {
    @Test func codesAreUniqueAndNamed() {
        let all = RejectionCode.all
        for (index, code) in all.enumerated() {
            #expect(all.firstIndex { $0.number == code.number } == index, "\(code)")
            #expect(all.firstIndex { $0.name == code.name } == index, "\(code)")
            #expect((1..<1000).contains(code.number))
        }
        #expect(all.map(\.number) == all.map(\.number).sorted())
        #expect(
            Transfer.Rejection.insufficientFunds.code
                == RejectionCode(number: 108, name: "transfer.insufficientFunds"))
    }

    @Test func policiesAreChecked() throws {
        let keys = [alice, bob, carol].map(\.publicKey).sorted()
        let good = Policy(threshold: 2, keys: keys.map { WeightedKey(key: $0, weight: 1) })
        try good.check()
        let rows: [(Policy.Rejection, (inout Policy) -> Void)] = [
            (.versionUnknown, { $0.version = 0 }),
            (.keysMissing, { $0.keys = [] }),
            (.keysNotSorted, { $0.keys.swapAt(0, 1) }),
            (.keysNotSorted, { $0.keys[1] = $0.keys[0] }),
            (.weightIsZero, { $0.keys[2].weight = 0 }),
            (.thresholdIsZero, { $0.threshold = 0 }),
            (.thresholdAboveWeights, { $0.threshold = 4 }),
        ]
        for (expected, change) in rows {
            var bad = good
            change(&bad)
            #expect(throws: expected) { try bad.check() }
        }
    }

    /// decode(encode(x)) = x, and encode(decode(b)) = b or b is refused, for hostile bytes.
    @Test func mutatedBytesAreRefusedOrTheSame() throws {
        var policy = Policy(alice.publicKey)
        policy.keys.append(WeightedKey(key: bob.publicKey, weight: 3))
        let receipt = Receipt(
            transaction: .zero, outcome: .rejected(code: 7, operation: 1), burned: Amount(1),
            tip: Amount(2), weight: 3, events: [Event(kind: 4, bytes: [5])])
        try self.fuzz(transaction(3))
        try self.fuzz(policy)
        try self.fuzz(receipt)
        try self.fuzz(Body(evidence: [EvidenceBytes([1])], transactions: [transaction(3)]))
        try self.fuzz(StateProof.blank)
        try self.fuzz(Account(kind: .user, policy: policy))
        try self.fuzz(LedgerParameters.standard)
        #expect(throws: DecodeError.self) {
            _ = try Transaction(wire: [UInt8](repeating: 0, count: Transaction.bytesMax + 1))
        }
    }

    private func fuzz<T: FieldValue>(_ value: T) throws {
        let bytes = value.canonicalBytes
        #expect(try T(canonical: bytes) == value)
        #expect(try T(json: value.json, at: "") == value)
        for seed in UInt64(0)..<500 {
            var random = generator(seed)
            var changed = bytes
            for _ in 0..<(1 + random.below(3)) {
                let index = Int(random.below(UInt64(changed.count)))
                switch random.below(3) {
                case 0: changed[index] = UInt8(truncatingIfNeeded: random.u64())
                case 1: changed.remove(at: index)
                default: changed.insert(255, at: index)
                }
                if changed.isEmpty { break }
            }
            do throws(DecodeError) {
                #expect(
                    try T(canonical: changed).canonicalBytes == changed, "\(T.self), seed \(seed)")
            } catch {}
        }
    }
}
