import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// One owner on several sides of a job, and people who want an author's kernel to fail
/// (ATTACKS 40, 60, 61).
@Suite struct SelfDealingTests {
    /// Attack 40. Give the payer any part of the protocol fee back to see it fail; nothing is
    /// emitted yet, and what will be may not reach what is lost here.
    @Test func payingOneselfLosesTheWholeProtocolFee() throws {
        let chain = try JobChain()
        let minted = chain.read({ try chain.stack.read(LedgerTables.assets, .star)?.minted }, .zero)
        let owned =
            [JobChain.requester, JobChain.author].map { JobChain.account($0) }
            + JobChain.providers.map { JobChain.account($0) }
            + JobChain.auditors.map { JobChain.account($0) }
        func wealth() -> Amount { owned.map { chain.balance($0) }.reduce(.zero) { $0.plus($1) } }
        let before = wealth()
        let id = chain.post()
        let run = chain.commit(id)
        chain.expect(chain.audit(id, run))
        chain.wait(6_000)
        let paid = try #require(chain.job(id).waterfall)
        #expect(chain.job(id).phase == .settled)
        // Everybody who is paid is one owner: requester, author, provider and auditor.
        let fee = paid.stakers.plus(paid.treasury).plus(paid.cover).plus(paid.burned)
        #expect(fee == chain.job(id).price.mulDiv(250, 10_000, .down), "2.5 % of the price")
        #expect(before.minus(wealth()) >= fee)
        #expect(
            chain.read({ try chain.stack.read(LedgerTables.assets, .star)?.minted }, .zero)
                == minted, "no operation of a job mints")
    }

    /// Attack 60. With one proposer instead of two, the second half, whoever makes the blocks
    /// after its own commitment knows which auditor its salts lead to.
    @Test func ownRevealsInARowDrawNobody() throws {
        for (distinct, phase) in [(UInt8(2), JobPhase.committed), (1, .drawn)] {
            let chain = try JobChain(drawProposers: distinct)
            let id = chain.post()
            chain.run(id, until: .assigned)
            let provider = chain.provider(id)
            let run = JobRun(id, JobChain.account(provider), chain.salt)
            chain.block(by: 1, [chain.transaction(provider, run.commit)])
            for _ in 0..<16 { chain.block(by: 1) }
            #expect(chain.job(id).phase == phase, "\(distinct) distinct proposers")
            guard distinct == 2 else { continue }
            chain.block(by: 2)
            chain.block(by: 1)
            #expect(chain.job(id).phase == .drawn, "a reveal of another has a part in the mix")
        }
    }

    /// Attack 61. Charge the fuel's end as gas above the bound, or take the fuel out, to see inputs
    /// without an end turn an author's kernel faulty, or hang every validator.
    @Test func inputsWithoutAnEndAreNoKernelFault() throws {
        let chain = try JobChain()
        chain.expect(chain.send(JobChain.author, try EndlessKernel.publish()))
        chain.wait(5_000)
        let id = chain.post { $0.order = EndlessKernel.order }
        chain.run(id, until: .assigned)
        let provider = chain.provider(id)
        let run = JobRun(
            id, JobChain.account(provider), chain.salt, outputs: try EndlessKernel.outputs(),
            lies: [3])
        chain.expect(chain.send(provider, run.commit))
        chain.run(id, until: .drawn)
        func proof(_ leaf: UInt64) throws -> JobProve {
            JobProve(
                job: id, attempt: 0, opening: run.opening(leaf),
                witness: try EndlessKernel.run(leaf).witness)
        }
        chain.expect(chain.send(JobChain.requester, try proof(2)), "job.prove.leafIsRight")
        let kernel = try #require(try chain.reader.kernel(EndlessKernel.package.id))
        #expect(!kernel.isFaulty && kernel.bond == star(1))
        #expect(chain.offer(of: provider)?.bond == star(100))
        // Right or wrong is decided as anywhere else.
        chain.expect(chain.send(JobChain.requester, try proof(3)))
        #expect(chain.attempts(id).first?.leaf == 3 && chain.job(id).phase != .kernelFault)
    }
}

/// Counts the steps of a number to 1; zero never gets there, and its fuel ends the loop.
private enum EndlessKernel {
    static let leaves: UInt64 = 128

    static let package: KernelPackage = {
        var manifest = Manifest()
        manifest.title = "steps"
        manifest.entry = "steps"
        manifest.fuel = 64
        manifest.localSize = Extent(x: 4, y: 1, z: 1)
        manifest.buffers = [
            BufferLayout(name: "in", role: .in, element: .uint),
            BufferLayout(
                name: "out", role: .out, element: .uint,
                axes: [
                    LayoutAxis(
                        source: AxisSource(axis: 0), block: .constant(4), limit: .constant(512),
                        stride: .constant(1))
                ]),
        ]
        let source = """
            kernel void steps(global const uint *in, global uint *out)
            {
                size_t i = get_global_id(0);
                uint x = in[i];
                uint n = 0u;
                for (uint k = 0u; x != 1u; ++k) {
                    x = (x & 1u) != 0u ? x * 3u + 1u : x >> 1;
                    n = n + 1u;
                }
                out[i] = n;
            }
            """
        return KernelPackage(source: source, manifest: manifest)
    }()

    /// Of every four numbers one has no end.
    static let input = JobKernel.bytes((0..<512).map { $0 % 4 == 0 ? 0 : $0 })

    static let order = WorkOrder(
        kernel: package.id,
        launches: [
            Launch(
                groups: Extent(x: 128, y: 1, z: 1), scalars: [],
                buffers: [
                    Binding(.blob(BlobHasher.id(input)), elements: 512),
                    Binding(.zero, elements: 512),
                ])
        ])

    static func run(_ leaf: UInt64) throws -> (run: LeafRun, witness: LeafWitness) {
        let kernel = try Kernel(Self.package)
        var referee = Referee(kernel)
        return try referee.witness(
            leaf: leaf, launch: 0, order: Self.order, geometry: try kernel.geometry(Self.order),
            inputs: [Self.input, []])
    }

    static func outputs() throws -> [[UInt8]] {
        try (0..<Self.leaves).map { try Self.run($0).run.slice }
    }

    /// Its vector is a group of zeros: none has an end.
    static func publish() throws -> KernelPublish {
        var vector = TestVector(
            groups: Extent(x: 1, y: 1, z: 1), scalars: [],
            buffers: [VectorBuffer(elements: 512), VectorBuffer(elements: 512)])
        let kernel = try Kernel(Self.package)
        let geometry = try kernel.geometry(launch: vector.launch)
        var referee = Referee(kernel)
        let slice = try referee.run(
            leaf: 0, launch: 0,
            order: WorkOrder(kernel: Self.package.id, launches: [vector.launch]),
            geometry: geometry, inputs: vector.inputs
        ).slice
        vector.outputRoot = Leaf.outputRoot([Leaf.sliceRoot(slice)])
        var publish = KernelPublish()
        publish.kernel = Self.package
        publish.vectors = [vector]
        publish.fee = Parameters.points(300)
        publish.title = "steps"
        return publish
    }
}
