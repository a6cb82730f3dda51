import Kernels
import Primitives
import Provider
import Testing

/// Drives one provider core by hand; every step says which effects come out.
struct Bench {
    static let chain = ChainSalt(GenesisID(Blake2b.hash(.genesis, .none, [1])))
    static let job = JobID(Blake2b.hash(.job, .none, [1]))
    static let provider = AccountID(Blake2b.hash(.account, .none, [1]))
    static let auditor = AccountID(Blake2b.hash(.account, .none, [2]))
    static let secret = Blake2b.hash(.salt, .none, [7])

    var core = Provider(config: .init(chain: Bench.chain), seed: .zero)

    mutating func step(_ input: Provider.Input) -> [Provider.Effect] {
        var outbox = Outbox<Provider.Effect>()
        self.core.handle(input, now: .zero, into: &outbox)
        return outbox.drain()
    }

    static func run(_ job: JobID = Bench.job) throws -> Duty {
        .run(
            try Duty.Run(
                job: job, provider: Self.provider, order: WorkOrder.blank.canonicalBytes,
                package: KernelPackage.blank.canonicalBytes))
    }

    static func execution(_ leaves: Int = 5) -> Execution {
        Execution(
            sliceRoots: (0..<leaves).map { Blake2b.hash(.slice, .none, [UInt8($0)]) },
            outputBlob: BlobHasher.id([1]), outputBytes: 1, kernelNs: 10, device: "test")
    }

    /// Up to the self-check; answers the sample.
    mutating func runJob() throws -> [UInt64] {
        #expect(try self.step(.duties([Self.run()])) == [.derive(Self.job)])
        let started = self.step(.secret(Self.job, Self.secret))
        #expect(started == [.execute(Self.job, package: .blank, order: .blank)])
        let effects = self.step(.executed(Self.job, Self.execution()))
        guard case .referee(let run, _, _, let leaves)? = effects.first, effects.count == 1 else {
            Issue.record("the referee was not asked: \(effects)")
            return []
        }
        #expect(run == RefereeRun(job: Self.job, purpose: .selfCheck))
        return leaves
    }

    static func honest(_ leaves: [UInt64]) -> [LeafResult] {
        leaves.map { LeafResult(leaf: $0, sliceRoot: Self.execution().sliceRoots[Int($0)]) }
    }

    /// Through the commitment; answers its record.
    mutating func commitJob() throws -> JobRecord? {
        let sample = try self.runJob()
        let check = RefereeRun(job: Self.job, purpose: .selfCheck)
        let kept = self.step(.refereed(check, Self.honest(sample)))
        guard case .keep(let record)? = kept.first else {
            Issue.record("the record was not kept: \(kept)")
            return nil
        }
        let effects = self.step(.kept(Self.job))
        #expect(
            effects.first
                == .intend(
                    Self.job,
                    .commit(
                        leafRoot: record.leafRoot(chain: Self.chain),
                        outputCommitment: record.outputCommitment(chain: Self.chain)),
                    account: Self.provider))
        return record
    }

    static func audit(_ record: JobRecord, leaves: [UInt64]) throws -> Duty {
        .audit(
            try Duty.Audit(
                job: Self.job, auditor: Self.auditor, provider: Self.provider,
                order: WorkOrder.blank.canonicalBytes,
                package: KernelPackage.blank.canonicalBytes, leaves: leaves,
                leafCount: UInt64(record.sliceRoots.count),
                leafRoot: record.leafRoot(chain: Self.chain),
                outputCommitment: record.outputCommitment(chain: Self.chain)))
    }
}

@Suite struct ProviderWorkTests {
    @Test func commitsOnlyAfterSelfCheckAndRecord() throws {
        var bench = Bench()
        let record = try #require(try bench.commitJob())
        #expect(try JobRecord(canonical: record.canonicalBytes) == record)
    }

    @Test func deviceThatContradictsTheRefereeCommitsNothing() throws {
        var bench = Bench()
        let sample = try bench.runJob()
        let wrong = sample.map { LeafResult(leaf: $0, sliceRoot: .zero) }
        let check = RefereeRun(job: Bench.job, purpose: .selfCheck)
        let effects = bench.step(.refereed(check, wrong))
        #expect(effects == [.report(.selfCheckFailed(Bench.job, leaf: sample[0]))])
        #expect(try bench.step(.duties([Bench.run()])) == [])
    }

    @Test func restartWithRecordCommitsWithoutRunningAgain() throws {
        var bench = Bench()
        let record = try #require(try bench.commitJob())
        var restarted = Bench()
        _ = restarted.step(.restored([record]))
        let effects = try restarted.step(.duties([Bench.run()]))
        guard case .intend(Bench.job, .commit, account: Bench.provider)? = effects.first else {
            Issue.record("no commitment: \(effects)")
            return
        }
    }

    @Test func placesAreLimitedAndFreed() throws {
        var bench = Bench()
        let second = JobID(Blake2b.hash(.job, .none, [2]))
        let duties = [try Bench.run(), try Bench.run(second)]
        #expect(bench.step(.duties(duties)) == [.derive(Bench.job)])
        _ = bench.step(.secret(Bench.job, Bench.secret))
        let failed = bench.step(.executionFailed(Bench.job, code: "x", text: "y"))
        #expect(failed.contains(.derive(second)))
        #expect(failed.contains(.schedule(.retryWork(Bench.job), at: Instant.zero.adding(ms: 500))))
    }

    @Test func jobTakenAwayIsCancelled() throws {
        var bench = Bench()
        _ = try bench.step(.duties([Bench.run()]))
        #expect(bench.step(.duties([])) == [.cancel(Bench.job)])
        #expect(bench.step(.executed(Bench.job, Bench.execution())) == [])
    }

    @Test func refusedCommitmentIsSaidAgain() throws {
        var bench = Bench()
        let record = try #require(try bench.commitJob())
        _ = bench.step(.intended(Bench.job, .commit, refusal: "pool is full"))
        let again = bench.step(.expired(.retryWork(Bench.job)))
        guard case .intend(Bench.job, .commit(let root, _), account: _)? = again.first else {
            Issue.record("not said again: \(again)")
            return
        }
        #expect(root == record.leafRoot(chain: Bench.chain))
    }
}

@Suite struct AuditTests {
    /// An auditor that has computed and asked; the request it sent.
    private func asked(
        _ record: JobRecord, results: (UInt64) -> Digest
    ) throws -> (Bench, Message) {
        var auditor = Bench()
        let started = try auditor.step(.duties([Bench.audit(record, leaves: [3, 1])]))
        #expect(started.count == 1)
        let run = RefereeRun(job: Bench.job, purpose: .audit(Bench.auditor))
        let sent = auditor.step(
            .refereed(run, [3, 1].map { LeafResult(leaf: $0, sliceRoot: results($0)) }))
        guard case .send(let request, from: Bench.auditor, to: Bench.provider)? = sent.first else {
            Issue.record("nothing was sent: \(sent)")
            return (auditor, .auditRequest(.init(job: .zero, leaves: [], commitment: .zero)))
        }
        return (auditor, request)
    }

    private func openings(_ provider: inout Bench, _ request: Message) -> Message? {
        let effects = provider.step(
            .received(request, from: Bench.auditor, to: Bench.provider))
        guard case .send(let answer, from: Bench.provider, to: Bench.auditor)? = effects.first
        else {
            Issue.record("no openings: \(effects)")
            return nil
        }
        return answer
    }

    @Test func honestProviderIsConfirmed() throws {
        var provider = Bench()
        let record = try #require(try provider.commitJob())
        var (auditor, request) = try self.asked(record) { record.sliceRoots[Int($0)] }
        let answer = try #require(self.openings(&provider, request))
        let effects = auditor.step(.received(answer, from: Bench.provider, to: Bench.auditor))
        #expect(effects.first == .report(.agreed(Bench.job, leaves: 2)))
        guard
            case .intend(Bench.job, .audit(let openings, _, _), account: Bench.auditor)? =
                effects.last
        else {
            Issue.record("no report to the ledger: \(effects)")
            return
        }
        #expect(openings.map(\.leaf) == [3, 1])
    }

    @Test func wrongLeafIsNotVouchedFor() throws {
        var provider = Bench()
        let record = try #require(try provider.commitJob())
        var (auditor, request) = try self.asked(record) { _ in Blake2b.hash(.slice, .none, [99]) }
        let answer = try #require(self.openings(&provider, request))
        let effects = auditor.step(.received(answer, from: Bench.provider, to: Bench.auditor))
        #expect(effects == [.report(.disagreed(Bench.job, leaf: 3))])
    }

    @Test func openingOutsideTheCommitmentIsNotVouchedFor() throws {
        var provider = Bench()
        let record = try #require(try provider.commitJob())
        var (auditor, request) = try self.asked(record) { record.sliceRoots[Int($0)] }
        guard case .auditOpenings(let honest)? = self.openings(&provider, request) else { return }
        let bent = honest.openings.map { opening in
            Opening(
                leaf: opening.leaf, salt: .zero, sliceRoot: opening.sliceRoot,
                workDigest: opening.workDigest, path: opening.path)
        }
        let answer = Message.AuditOpenings(
            job: honest.job, openings: bent, outputRoot: honest.outputRoot,
            outputSalt: honest.outputSalt)
        let effects = auditor.step(
            .received(.auditOpenings(answer), from: Bench.provider, to: Bench.auditor))
        #expect(effects == [.report(.disagreed(Bench.job, leaf: 3))])
    }

    @Test func openingsFromAnybodyElseAreIgnored() throws {
        var provider = Bench()
        let record = try #require(try provider.commitJob())
        var (auditor, request) = try self.asked(record) { record.sliceRoots[Int($0)] }
        let answer = try #require(self.openings(&provider, request))
        #expect(auditor.step(.received(answer, from: Bench.auditor, to: Bench.auditor)) == [])
    }
}
