import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// A whole receipt file and a whole export, as protocol/jobs.md and protocol/state.md define them:
/// made by the code, checked by protocol/check.py, which also flips their bits.
@Suite struct ReceiptFileVectorTests {
    private struct World {
        let genesis: Genesis
        let key: SecretKey
        var stack: StateStack

        var salt: ChainSalt { self.genesis.salt }

        init() throws {
            self.key = try #require(SecretKey(seed: [UInt8](repeating: 3, count: 32)))
            let owner = try #require(SecretKey(seed: [UInt8](repeating: 4, count: 32)))
            let account = GenesisAccount(
                account: .of(key: owner.publicKey), balance: Amount(5_000_000_000))
            self.genesis = Genesis.dev(
                key: self.key.publicKey, anchor: digest("anchor"),
                auditAnchor: digest("audit anchor"),
                payout: AccountID(digest("payout")), time: LedgerTime(ms: 1_700_000_000_000),
                accounts: [account], name: "receipt")
            self.stack = try self.genesis.build().stack
        }

        mutating func put(_ job: JobEntry) throws -> (key: [UInt8], value: [UInt8]) {
            let key = EconomyTable.job.keyBytes(job.id)
            let value = [0] + job.canonicalBytes
            let row = StateRow(key: key, value: value, salt: self.salt)
            let path = StateRow.path(of: key, salt: self.salt)
            self.stack = try self.stack.pushing(
                StateLayer(sorted: [StateWrite(path: path, row: row)]))
            return (key, value)
        }

        /// A header over the state, and the validator's finalize certificate for it.
        func certified() -> (header: Header, certificate: [UInt8]) {
            var header = Header.blank
            header.chain = self.genesis.id
            header.view = 9
            header.height = 5
            header.timeMs = 1_700_000_005_000
            header.proposer = .of(self.key.publicKey)
            header.stateRoot = self.stack.root
            header.validatorsHash = self.genesis.validatorsHash
            var vote = Encoder()
            vote.u8(3)
            vote.u64(0)
            vote.u64(9)
            header.id.encode(into: &vote)
            let signature = self.key.sign(Blake2b.hash(.vote, self.salt, vote.bytes))
            vote.byteString([1])
            vote.length(1)
            vote.raw(signature.bytes)
            return (header, vote.bytes)
        }
    }

    private static let leaves = 20

    /// The slices of the sample job's leaves: the last is shorter.
    private var slices: [[UInt8]] {
        var random = Generator(seed: digest("slices"))
        return (0..<Self.leaves).map { random.bytes($0 == Self.leaves - 1 ? 100 : 5000) }
    }

    private func leafDigests(_ job: JobEntry, _ salt: ChainSalt) -> [Digest] {
        self.slices.enumerated().map { index, slice in
            Leaf.digest(
                salt: digest("salt \(index)"), job: job.id, provider: job.provider, launch: 0,
                index: UInt64(index), sliceRoot: Leaf.sliceRoot(slice), workDigest: .zero,
                chain: salt)
        }
    }

    private func settledJob(_ salt: ChainSalt) throws -> JobEntry {
        var job = JobEntry()
        job.id = JobID(digest("job"))
        job.phase = .settled
        job.requester = AccountID(digest("requester"))
        job.provider = AccountID(digest("provider"))
        job.auditor = AccountID(digest("payout"))
        job.leaves = UInt64(Self.leaves)
        job.outputBytes = UInt64(self.slices.reduce(0) { $0 + $1.count })
        job.leavesToAudit = 3
        job.drawMix = digest("mix")
        job.auditReveal = digest("audit reveal")
        job.auditSteps = 1
        job.auditLink = RevealChain.step(job.auditReveal)
        job.maxPrice = Amount(1_500_000_007)
        job.auditFee = Amount(40_000_000)
        job.price = Amount(1_000_000_001)
        job.bond = Amount(9_000_000_000)
        job.leafRoot = Merkle.root(self.leafDigests(job, salt), .leaves, salt)
        job.outputRoot = Leaf.outputRoot(self.slices.map { Leaf.sliceRoot($0) })
        job.assigned = Moment()
        job.committed = Moment()
        job.drawn = Moment()
        job.audited = Moment()
        job.closed = Moment()
        var parts = Waterfall.Parts()
        parts.author = try #require(BasisPoints(300))
        var fall = try #require(Waterfall.divide(job.price, parts, job.fees))
        fall.auditor = job.auditFee
        let refund: Amount? = job.maxPrice - job.price
        fall.refund = try #require(refund)
        job.waterfall = fall
        return job
    }

    @Test func receiptFile() throws {
        var world = try World()
        let job = try self.settledJob(world.salt)
        let row = try world.put(job)
        let (header, certificate) = world.certified()
        let digests = self.leafDigests(job, world.salt)
        let sliceRoots = self.slices.map { Leaf.sliceRoot($0) }
        let openings = try #require(job.sample(world.salt)).map { index -> JSON in
            var opening = LeafOpening()
            opening.index = index
            opening.salt = digest("salt \(index)")
            opening.sliceRoot = Leaf.sliceRoot(self.slices[Int(index)])
            opening.path = Merkle.path(digests, Int(index), .leaves, world.salt)
            opening.outputPath = Merkle.path(sliceRoots, Int(index), .slices, .none)
            return opening.json
        }
        try VectorFile.expect(
            "receipt",
            .object(
                ("genesis", world.genesis.json),
                ("receipt", JobReceipt(job, attempts: [], world.salt).json),
                (
                    "proof",
                    .object(
                        ("key", .string(Hex.encode(row.key))),
                        ("value", .string(Hex.encode(row.value))),
                        ("state", try world.stack.prove(key: row.key).json),
                        ("header", .string(Hex.encode(header.canonicalBytes))),
                        ("block", header.id.json),
                        ("certificate", .string(Hex.encode(certificate))))
                ),
                ("openings", .array(openings)),
                (
                    "slices",
                    .array(
                        [[19, 5000], [1, 100]].map { .array($0.map { .number(Int64($0)) }) })
                ),
                ("outputSeed", digest("slices").json)))
    }

    @Test func export() throws {
        var world = try World()
        _ = try world.put(try self.settledJob(world.salt))
        let (header, certificate) = world.certified()
        let rows = try world.stack.rows(from: .zero, through: .last, limit: 1000)
        #expect(rows.count > StateTree.bucketMax)
        try VectorFile.expect(
            "export",
            .object(
                ("genesis", world.genesis.json),
                ("header", .string(Hex.encode(header.canonicalBytes))),
                ("certificate", .string(Hex.encode(certificate))),
                (
                    "rows",
                    .array(
                        rows.map {
                            .object(
                                ("path", $0.path.json), ("key", .string(Hex.encode($0.row.key))),
                                ("value", .string(Hex.encode($0.row.value))))
                        })
                )))
    }
}

private func digest(_ text: String) -> Digest { Blake2b.hash(.vector, .none, Array(text.utf8)) }
