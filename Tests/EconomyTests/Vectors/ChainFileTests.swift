import Economy
import Ledger
import Primitives
import Testing

/// A short chain of four validators as a file, as protocol/block.md defines it: made by the code,
/// checked by protocol/check.py, which also flips its bits.
@Suite struct ChainFileVectorTests {
    private struct World {
        let keys: [SecretKey]
        let reveals: [RevealChain]
        let owner: SecretKey
        let genesis: Genesis
        var header: Header
        var stack: StateStack
        var used: [UInt64]
        var nonce: UInt64 = 0

        var salt: ChainSalt { self.genesis.salt }

        init() throws {
            func key(_ number: UInt8) throws -> SecretKey {
                try #require(SecretKey(seed: [UInt8](repeating: number, count: 32)))
            }
            let keys = try (11...14).map(key).sorted { $0.publicKey < $1.publicKey }
            let reveals = (0..<4).map { RevealChain(secret: digest("secret \($0)"), count: 256) }
            let owner = try key(15)
            let funded = GenesisAccount(
                account: .of(key: owner.publicKey), balance: Amount(5_000_000_000_000))
            var genesis = Genesis.dev(
                key: keys[0].publicKey, anchor: reveals[0].anchor,
                auditAnchor: digest("audits 0"),
                payout: AccountID(digest("payout 0")), time: LedgerTime(ms: 1_700_000_000_000),
                accounts: [funded], name: "chain")
            genesis.validators = (0..<4).map { index in
                GenesisValidator(
                    key: keys[index].publicKey, stake: Amount(UInt64(1_000 + index)),
                    anchor: reveals[index].anchor, auditAnchor: digest("audits \(index)"),
                    auditCount: 256, payout: AccountID(digest("payout \(index)")))
            }
            self.keys = keys
            self.reveals = reveals
            self.owner = owner
            self.genesis = genesis
            let built = try genesis.build()
            self.header = built.header
            self.stack = built.stack
            self.used = [0, 0, 0, 0]
        }

        /// protocol/consensus.md, "Leaders".
        func leader(of view: UInt64) -> Int {
            var hash = Blake2b(.draw, self.salt)
            hash.update(self.genesis.id.digest)
            hash.update(u64: 0)
            hash.update(u64: view)
            var draw: UInt128 = 0
            for byte in hash.finish().bytes.prefix(16).reversed() {
                draw = draw << 8 | UInt128(byte)
            }
            let stakes = (0..<4).map { UInt128(1_000 + $0) }
            draw %= stakes.reduce(0, +)
            var sum: UInt128 = 0
            for (index, stake) in stakes.enumerated() {
                sum += stake
                if draw < sum { return index }
            }
            return 3
        }

        mutating func transfer(_ amount: UInt64) -> Transaction {
            let policy = Policy(self.owner.publicKey)
            var transaction = Transaction(
                account: .of(policy: policy), nonce: self.nonce,
                validUntil: LedgerTime(ms: 1_800_000_000_000), maxFee: Amount(10_000_000),
                tip: Amount(7),
                operations: [
                    OperationCatalogue.encode(
                        BankTransfer(
                            asset: .star, to: AccountID(digest("to")), amount: Amount(amount)))
                ], policy: self.nonce == 0 ? policy : nil)
            transaction.sign([self.owner], under: policy, self.salt)
            self.nonce += 1
            return transaction
        }

        /// The next block of `view`, by its leader, with its receipts as stored.
        mutating func block(
            _ view: UInt64, _ transactions: [Transaction]
        ) throws -> (header: Header, body: Body, receipts: [UInt8]) {
            let leader = self.leader(of: view)
            self.used[leader] += 1
            let plan = BlockPlan(
                epoch: 0, view: view, timeMs: self.header.timeMs + 40 + view,
                proposer: .of(self.keys[leader].publicKey),
                reveal: try #require(self.reveals[leader].reveal(self.used[leader])))
            var run = try BlockRun(
                plan, on: self.header, stack: self.stack, genesis: self.genesis,
                kernels: KernelCache())
            for transaction in transactions { _ = try run.include(transaction) }
            let block = try run.finish()
            self.header = block.header
            self.stack = block.stack
            var receipts = Encoder()
            receipts.length(block.receipts.count)
            for receipt in block.receipts { receipt.encode(into: &receipts) }
            return (block.header, block.body, receipts.bytes)
        }

        /// A finalize certificate by three of the four, the one of `view` modulo four left out.
        func certificate(_ header: Header) -> [UInt8] {
            var vote = Encoder()
            vote.u8(3)
            vote.u64(0)
            vote.u64(header.view)
            header.id.encode(into: &vote)
            let digest = Blake2b.hash(.vote, self.salt, vote.bytes)
            let signers = (0..<4).filter { $0 != Int(header.view % 4) }
            vote.byteString([signers.reduce(0) { $0 | 1 << UInt8($1) }])
            vote.length(signers.count)
            for signer in signers { vote.raw(self.keys[signer].sign(digest).bytes) }
            return vote.bytes
        }
    }

    @Test func chainFile() throws {
        var world = try World()
        let first = Hex.encode(world.header.canonicalBytes)
        var blocks: [JSON] = []
        for view in [1, 2, 3, 5, 6, 9, 10, 11, 12, 13] as [UInt64] {
            let transfers = (0..<view % 3).map { world.transfer(100 * view + $0) }
            let block = try world.block(view, transfers)
            // Views 2 and 9 were passed before anybody finalized them alone.
            let isCovered = view == 2 || view == 9
            var members: [JSON.Member] = [
                .init(name: "height", value: block.header.height.json),
                .init(name: "header", value: .string(Hex.encode(block.header.canonicalBytes))),
                .init(name: "body", value: .string(Hex.encode(block.body.canonicalBytes))),
                .init(name: "receipts", value: .string(Hex.encode(block.receipts))),
                .init(
                    name: "certificate",
                    value: .string(isCovered ? "" : Hex.encode(world.certificate(block.header)))),
            ]
            if isCovered {
                members.append(
                    .init(name: "coveredBy", value: (block.header.height + 1).json))
            }
            blocks.append(.object(members))
        }
        #expect(world.used.reduce(0, +) == 10)
        try VectorFile.expect(
            "chain",
            .object(
                ("chain", .number(1)), ("genesis", world.genesis.json),
                ("header", .string(first)), ("blocks", .array(blocks))))
    }
}

private func digest(_ text: String) -> Digest { Blake2b.hash(.vector, .none, Array(text.utf8)) }
