import Kernels
import Primitives
import Provider
import Testing

@Suite struct OpeningTests {
    @Test func everyLeafOfEverySmallJobOpens() throws {
        for count in 1...40 {
            var bench = Bench()
            bench.core = Provider(
                config: .init(chain: Bench.chain, selfCheckLeaves: 0), seed: .zero)
            _ = try bench.step(.duties([Bench.run()]))
            _ = bench.step(.secret(Bench.job, Bench.secret))
            let kept = bench.step(.executed(Bench.job, Bench.execution(count)))
            guard case .keep(let record)? = kept.first else {
                Issue.record("not kept: \(kept)")
                return
            }
            let about = Bench.commitment(record)
            for leaf in 0..<UInt64(count) {
                let effects = bench.step(.openingWanted(about, leaf: leaf, token: leaf))
                guard case .opened(token: leaf, Bench.job, let opening)? = effects.first else {
                    Issue.record("not opened: \(effects)")
                    return
                }
                // The oracle is the tree of the primitives, not the provider's own.
                let leaves = record.sliceRoots.indices.map { Self.digest(of: $0, record, opening) }
                #expect(
                    Merkle.verify(
                        leaf: leaves[Int(leaf)], index: leaf, count: UInt64(count),
                        path: opening.path, root: about.leafRoot, .leaves, Bench.chain),
                    "leaf \(leaf) of \(count)")
                #expect(
                    opening.outputPath
                        == Merkle.path(record.sliceRoots, Int(leaf), .slices, .none))
                #expect(opening.leads(toOutput: record.outputRoot, of: UInt64(count)))
            }
        }
    }

    /// H(.leaf | salt | job | provider | launch | index | slice root | work digest), spelled out.
    private static func digest(
        of index: Int, _ record: JobRecord, _ opening: LeafOpening
    ) -> Digest {
        var encoder = Encoder()
        opening.salt.encode(into: &encoder)
        Bench.job.encode(into: &encoder)
        Bench.provider.encode(into: &encoder)
        encoder.u32(0)
        encoder.u64(UInt64(index))
        record.sliceRoots[index].encode(into: &encoder)
        Digest.zero.encode(into: &encoder)
        return Blake2b.hash(.leaf, Bench.chain, encoder.bytes)
    }

    @Test func largeTreesAreBuiltForStrangersOnceASecond() throws {
        let jobs = (1...2).map { JobID(Blake2b.hash(.job, .none, [UInt8($0)])) }
        var bench = Bench()
        bench.core = Provider(
            config: .init(chain: Bench.chain, concurrentJobs: 2, selfCheckLeaves: 0), seed: .zero)
        _ = try bench.step(.duties(jobs.map { try Bench.run($0) }))
        let roots = [Digest](repeating: .zero, count: 5_000)
        for job in jobs {
            _ = bench.step(.secret(job, Bench.secret))
            _ = bench.step(
                .executed(
                    job,
                    Execution(
                        sliceRoots: roots, outputBlob: BlobHasher.id([1]), outputBytes: 1,
                        kernelNs: 1, device: "test")))
        }
        _ = bench.step(.duties([]))
        func ask(_ job: JobID) -> Message? {
            _ = bench.receive(.openingRequest(.init(job: job, leaf: 4_999)))
            let late = sent(bench.step(.standing(job, .over))).first?.message
            return late
                ?? sent(bench.receive(.openingRequest(.init(job: job, leaf: 4_999)))).first?
                .message
        }
        guard case .openingAnswer? = ask(jobs[0]) else {
            Issue.record("the first is not answered")
            return
        }
        let declined = Message.declined(.init(job: jobs[1], leaf: 4_999, reason: .notYet))
        #expect(ask(jobs[1]) == declined)
        guard case .openingAnswer? = ask(jobs[0]) else {
            Issue.record("what was built once is at hand")
            return
        }
        bench.now = bench.now.adding(ms: 1_000)
        guard case .openingAnswer? = ask(jobs[1]) else {
            Issue.record("the second is not answered later")
            return
        }
    }
}
