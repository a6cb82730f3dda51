import Economy
import Kernels
import Ledger
import Primitives
import Testing

private let salt = ChainSalt(GenesisID(Blake2b.hash(.vector, .none, Array("salt".utf8))))

private func digest(_ text: String) -> Digest { Blake2b.hash(.vector, .none, Array(text.utf8)) }

private func hex(_ bytes: [UInt8]) -> JSON { .string(Hex.encode(bytes)) }

/// Vectors of the ledger, of jobs and of the economy.
@Suite struct ChainVectorTests {
    @Test func state() throws {
        var cases: [JSON] = []
        for count in [0, 1, 8, 9, 60] {
            var writes: [StateWrite] = []
            for index in 0..<count {
                let key: [UInt8] = [1, 0] + Array("key \(index)".utf8)
                let row = StateRow(key: key, value: [0] + Array("value \(index)".utf8), salt: salt)
                writes.append(StateWrite(path: StateRow.path(of: key, salt: salt), row: row))
            }
            writes.sort { $0.path < $1.path }
            let stack = try StateStack(salt: salt).pushing(StateLayer(sorted: writes))
            var proofs: [JSON] = []
            for index in [0, count / 2, count + 7] {
                let key: [UInt8] = [1, 0] + Array("key \(index)".utf8)
                let value = index < count ? [0] + Array("value \(index)".utf8) : nil
                let proof = try stack.prove(key: key)
                #expect(proof.verify(key: key, value: value, root: stack.root, salt: salt))
                proofs.append(
                    .object(
                        ("key", hex(key)), ("value", value.map { hex($0) } ?? .null),
                        ("proof", proof.json)))
            }
            cases.append(
                .object(
                    ("count", .number(Int64(count))), ("root", stack.root.json),
                    ("proofs", .array(proofs))))
        }
        try VectorFile.expect("state", .object(("salt", hex(salt.bytes)), ("cases", .array(cases))))
    }

    @Test func transactions() throws {
        var rows: [JSON] = []
        for count in 1...3 {
            let keys = try (0..<count).map { index in
                try #require(SecretKey(seed: [UInt8](repeating: UInt8(index + 1), count: 32)))
            }.sorted { $0.publicKey < $1.publicKey }
            let policy = Policy(
                threshold: UInt32(count),
                keys: keys.map { WeightedKey(key: $0.publicKey, weight: 1) })
            try policy.check()
            let transfer = BankTransfer(
                asset: .star, to: AccountID(digest("to")), amount: Amount(5), memo: "for you")
            var transaction = Transaction(
                account: .of(policy: policy), nonce: UInt64(count), validUntil: LedgerTime(ms: 99),
                maxFee: Amount(1000), tip: Amount(1),
                operations: [OperationCatalogue.encode(transfer)], policy: policy)
            transaction.sign(keys, under: policy, salt)
            let checks = try transaction.checks(under: policy, salt)
            #expect(checks.count == count && checks.allSatisfy(\.isValid))
            rows.append(
                .object(
                    ("policy", hex(policy.canonicalBytes)), ("account", transaction.account.json),
                    ("bytes", hex(transaction.canonicalBytes)),
                    ("signedBytes", hex(transaction.signedBytes)),
                    ("id", transaction.id(salt).json),
                    ("signingDigest", transaction.signingDigest(salt).json),
                    ("keys", .array(keys.map(\.publicKey.json))),
                    ("signatures", .array(transaction.authorisation.signatures.map(\.json)))))
        }
        try VectorFile.expect(
            "transactions", .object(("salt", hex(salt.bytes)), ("rows", .array(rows))))
    }

    @Test func leaves() throws {
        var rows: [JSON] = []
        for (index, count) in [0, 1, 4096, 4097, 10_000].enumerated() {
            var random = Generator(seed: digest("slice \(count)"))
            let root = Leaf.sliceRoot(random.bytes(count))
            let leaf = Leaf.digest(
                salt: digest("leaf salt"), job: JobID(digest("job")),
                provider: AccountID(digest("provider")), launch: 0, index: UInt64(index),
                sliceRoot: root, workDigest: .zero, chain: salt)
            rows.append(
                .object(
                    ("seed", digest("slice \(count)").json), ("count", .number(Int64(count))),
                    ("sliceRoot", root.json), ("leaf", leaf.json)))
        }
        let roots = (0..<5).map { digest("root \($0)") }
        try VectorFile.expect(
            "leaves",
            .object(
                ("salt", hex(salt.bytes)), ("leafSalt", digest("leaf salt").json),
                ("job", digest("job").json), ("provider", digest("provider").json),
                ("rows", .array(rows)), ("outputRoots", .array(roots.map(\.json))),
                ("outputRoot", Leaf.outputRoot(roots).json)))
    }

    @Test func waterfalls() throws {
        var rows: [JSON] = []
        var random = Generator(seed: digest("waterfall"))
        for index in 0..<40 {
            let price =
                index == 0
                ? Amount(1_000_000_000)
                : try #require(Amount(UInt128(random.u64()) << UInt128(random.below(48))))
            let parts =
                index == 0
                ? [300, 500, 6000]
                : [random.below(3000), random.below(3000), random.below(10_001)].map { UInt16($0) }
            var split = Waterfall.Parts()
            split.author = try #require(BasisPoints(parts[0]))
            split.dataOwner = try #require(BasisPoints(parts[1]))
            split.holders = try #require(BasisPoints(parts[2]))
            let fall = try #require(Waterfall.divide(price, split, FeeTerms()))
            rows.append(
                .object(
                    ("parts", .array(parts.map { .number(Int64($0)) })), ("waterfall", fall.json)))
        }
        // The golden one: every leg as the specification names it.
        #expect(rows[0]["waterfall"]?["operator"] == .string("358000000"))
        #expect(rows[0]["waterfall"]?["holders"] == .string("537000000"))
        try VectorFile.expect(
            "waterfalls", .object(("parameters", Parameters().json), ("rows", .array(rows))))
    }

    @Test func baseFees() throws {
        var rows: [JSON] = []
        var random = Generator(seed: digest("fees"))
        let parameters = LedgerParameters.standard
        for index in 0..<64 {
            let excess = index < 8 ? UInt64(index) * 7_500_000 : random.below(2_000_000_000)
            let price = BaseFee(excess: excess).price(parameters)
            rows.append(
                .object(
                    ("excess", excess.json), ("price", price.json),
                    ("feeOf12345", price.fee(12_345).json)))
        }
        try VectorFile.expect(
            "basefees", .object(("parameters", parameters.json), ("rows", .array(rows))))
    }

    @Test func unseen() throws {
        var rows: [JSON] = []
        var random = Generator(seed: digest("unseen"))
        for _ in 0..<64 {
            let leaves = 1 + random.below(1 << (1 + random.below(24)))
            let audited = random.below(65)
            rows.append(
                .object(
                    ("leaves", leaves.json), ("audited", audited.json),
                    (
                        "onePercent",
                        Detection.unseenPpm(leaves: leaves, audited: audited, fakedPercent: 1).json
                    ),
                    (
                        "tenPercent",
                        Detection.unseenPpm(leaves: leaves, audited: audited, fakedPercent: 10).json
                    )))
        }
        try VectorFile.expect("unseen", .object(("rows", .array(rows))))
    }

    @Test func genesis() throws {
        let key = try #require(SecretKey(seed: [UInt8](repeating: 7, count: 32)))
        var account = GenesisAccount()
        account.account = .of(key: key.publicKey)
        account.balance = Amount(1_000_000)
        let genesis = Genesis.dev(
            key: key.publicKey, anchor: digest("anchor"), auditAnchor: digest("audit anchor"),
            payout: AccountID(digest("payout")),
            time: LedgerTime(ms: 1_700_000_000_000), accounts: [account], name: "vector")
        let header = try genesis.build().header
        try VectorFile.expect(
            "genesis",
            .object(
                ("genesis", genesis.json), ("bytes", hex(genesis.canonicalBytes)),
                ("id", genesis.id.json), ("validatorsHash", genesis.validatorsHash.json),
                ("header", hex(header.canonicalBytes)), ("headerId", header.id.json)))
    }
}
