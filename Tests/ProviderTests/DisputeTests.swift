import Kernels
import Primitives
import Provider
import Testing

/// What an auditor does that got no right answer.
@Suite struct SummonTests {
    private static let summons = Intent.summon(
        reveal: Bench.reveal, commitment: Bench.commitment)
    private static let retry = Provider.Timer.retryInspection(
        Bench.job, auditor: Bench.auditor)

    /// Fails if `Inspection.ask` does not count: a silent provider would be asked for ever.
    @Test func silenceIsSummonedAfterTwoRequests() throws {
        let (_, record) = try Bench.committed()
        var auditor = try Bench.asked(record)
        auditor.now = Instant.zero.adding(ms: 3_000)
        #expect(
            auditor.step(.expired(Bench.again)) == [
                .send(Bench.request, from: Bench.auditor, to: .account(Bench.provider)),
                .schedule(Bench.again, at: Instant.zero.adding(ms: 6_000)),
            ])
        auditor.now = Instant.zero.adding(ms: 6_000)
        let effects = auditor.step(.expired(Bench.again))
        #expect(intents(effects) == [Self.summons])
        #expect(sent(effects).isEmpty)
        #expect(auditor.step(.expired(Bench.again)) == [])
        // Refused or lost, it is said again.
        _ = auditor.step(.intended(Bench.job, .summon, refusal: "full"))
        #expect(intents(auditor.step(.expired(Self.retry))) == [Self.summons])
        // The duty is over.
        #expect(auditor.step(.duties([])) == [])
        #expect(auditor.step(.expired(Self.retry)) == [])
    }

    /// A late right answer still counts: the summons may not be on the ledger.
    @Test func lateAnswerIsVouchedFor() throws {
        var (provider, record) = try Bench.committed()
        var auditor = try Bench.asked(record)
        _ = auditor.step(.expired(Bench.again))
        _ = auditor.step(.expired(Bench.again))
        var bent = try provider.answer()
        let right = bent
        bent = Message.AuditOpenings(
            job: Bench.job, openings: bent.openings, signature: .blank)
        #expect(auditor.hear(bent) == [])
        #expect(intents(auditor.hear(right)).map(\.kind) == [.audit])
    }

    /// Each row fails if its check is removed from `LeafOpenings.fault`, or the last one from
    /// `Inspection.fault`: the auditor would vouch.
    @Test func bentAnswersAreSummoned() throws {
        var (provider, record) = try Bench.committed()
        let honest = try provider.answer()
        func bent(_ change: (inout LeafOpenings) -> Void) -> Message.AuditOpenings {
            var openings = honest.openings
            change(&openings)
            let digest = Transcript.digest(
                job: Bench.job, auditor: Bench.auditor, commitment: Bench.commitment,
                openings: openings.hash(Bench.chain), Bench.chain)
            return Message.AuditOpenings(
                job: Bench.job, openings: openings, signature: Bench.node.sign(digest))
        }
        let rows: [(String, Message.AuditOpenings)] = [
            ("none", bent { $0.leaves = [] }), ("one", bent { $0.leaves.removeLast(2) }),
            ("four", bent { $0.leaves.append($0.leaves[0]) }),
            ("another order", bent { $0.leaves.reverse() }),
            ("another salt", bent { $0.leaves[1].salt = .zero }),
            ("another slice", bent { $0.leaves[1].sliceRoot = .zero }),
            ("another work digest", bent { $0.leaves[1].workDigest = Bench.reveal }),
            ("a longer path", bent { $0.leaves[2].path.append(.zero) }),
            ("no path to the output", bent { $0.leaves[2].outputPath = [] }),
            ("another output root", bent { $0.outputRoot = .zero }),
            ("another output salt", bent { $0.outputSalt = .zero }),
            (
                "no signature",
                Message.AuditOpenings(
                    job: Bench.job, openings: honest.openings, signature: .blank)
            ),
        ]
        for (name, answer) in rows {
            var auditor = try Bench.asked(record)
            let effects = auditor.hear(answer)
            #expect(intents(effects) == [Self.summons], "\(name)")
            #expect(effects.count == 2, "\(name)")
        }
    }

    /// Another draw's or another auditor's signature is none.
    @Test func signatureIsOverThisTranscript() throws {
        var (provider, record) = try Bench.committed()
        let openings = try provider.answer().openings
        let hash = openings.hash(Bench.chain)
        let digests = [
            Transcript.digest(
                job: .zero, auditor: Bench.auditor, commitment: Bench.commitment, openings: hash,
                Bench.chain),
            Transcript.digest(
                job: Bench.job, auditor: Bench.provider, commitment: Bench.commitment,
                openings: hash, Bench.chain),
            Transcript.digest(
                job: Bench.job, auditor: Bench.auditor, commitment: .zero, openings: hash,
                Bench.chain),
            Transcript.digest(
                job: Bench.job, auditor: Bench.auditor, commitment: Bench.commitment,
                openings: .zero, Bench.chain),
        ]
        for digest in digests {
            var auditor = try Bench.asked(record)
            let answer = Message.AuditOpenings(
                job: Bench.job, openings: openings, signature: Bench.node.sign(digest))
            #expect(intents(auditor.hear(answer)) == [Self.summons])
        }
    }

    // MARK: The ledger goes on

    /// Fails if `Inspection.update` does not look at the openings on the ledger.
    @Test func openingsOnTheLedgerAreVouchedFor() throws {
        var (provider, record) = try Bench.committed()
        let answer = try provider.answer()
        let openings = answer.openings
        var auditor = try Bench.asked(record)
        _ = auditor.step(.expired(Bench.again))
        _ = auditor.step(.expired(Bench.again))
        let summoned = try Bench.audit(record, isSummoned: true, reveal: Bench.reveal)
        #expect(auditor.step(.duties([summoned])) == [])
        #expect(auditor.step(.expired(Self.retry)) == [])
        // What the provider says directly is too late now.
        #expect(auditor.hear(answer) == [])
        let opened = try Bench.audit(
            record, isSummoned: true, openings: openings, reveal: Bench.reveal)
        let effects = auditor.step(.duties([opened]))
        guard case .audit(let reveal, _, openings, .blank)? = intents(effects).first else {
            Issue.record("no report: \(effects)")
            return
        }
        #expect(reveal == Bench.reveal)
        #expect(auditor.step(.duties([opened])) == [])
    }

    @Test func restartGoesOnInEachStage() throws {
        var (provider, record) = try Bench.committed()
        let openings = try provider.answer().openings
        let duties = [
            try Bench.audit(record), try Bench.audit(record, isSummoned: true),
            try Bench.audit(record, isSummoned: true, openings: openings),
        ]
        for (index, duty) in duties.enumerated() {
            var auditor = Bench()
            let effects = try auditor.inspect(duty)
            switch index {
            case 0: #expect(sent(effects).map(\.message) == [Bench.request])
            case 1: #expect(effects == [])
            default: #expect(intents(effects).map(\.kind) == [.audit])
            }
        }
        // A number that the ledger has need not be said again.
        var auditor = Bench()
        let said = try Bench.audit(record, isSummoned: true, reveal: Bench.reveal)
        #expect(
            auditor.step(.duties([said])) == Bench.timers() + [
                .referee(
                    Bench.audits, package: Bench.package, order: .blank, leaves: Bench.leaves)
            ])
        // While it computes, the ledger goes on.
        let opened = try Bench.audit(
            record, isSummoned: true, openings: openings, reveal: Bench.reveal)
        #expect(auditor.step(.duties([opened])) == [])
        let effects = auditor.step(.refereed(Bench.audits, Bench.honest(Bench.leaves)))
        #expect(intents(effects).map(\.kind) == [.audit])
    }
}

/// What a summoned or challenged provider does.
@Suite struct SummonedTests {
    private static let summons = Duty.Summons(
        reveal: Bench.reveal, commitment: Bench.commitment)

    @Test func summonedProviderOpensOnce() throws {
        var (provider, _) = try Bench.committed()
        let openings = try provider.answer().openings
        let duty = Bench.open(summons: Self.summons)
        let effects = provider.step(.duties([duty]))
        #expect(
            effects == [
                .intend(Bench.job, .open(openings, earlier: nil), account: Bench.provider)
            ])
        #expect(provider.step(.duties([duty])) == [])
        // In the pool is not on the ledger.
        let retry = Provider.Timer.retryOpen(Bench.job)
        let taken = provider.step(.intended(Bench.job, .open, refusal: nil))
        #expect(taken == [.schedule(retry, at: Instant.zero.adding(ms: 15_000))])
        #expect(provider.step(.expired(retry)) == effects)
        #expect(provider.step(.duties([])) == [])
        #expect(provider.step(.expired(retry)) == [])
    }

    @Test func restartOpensFromItsRecord() throws {
        let (_, record) = try Bench.committed()
        var provider = Bench()
        _ = provider.step(.restored([record]))
        let effects = provider.step(.duties([Bench.open(summons: Self.summons)]))
        guard case .open(let openings, earlier: nil)? = intents(effects).first else {
            Issue.record("not opened: \(effects)")
            return
        }
        #expect(openings.leaves.map(\.index) == Bench.leaves)
        // Without one it says so, once, and opens when it comes back.
        var lost = Bench()
        let duty = Bench.open(summons: Self.summons)
        #expect(
            lost.step(.duties([duty])) == [.report(.cannotOpen(Bench.job, to: Bench.auditor))])
        #expect(lost.step(.duties([duty])) == [])
        #expect(
            intents(lost.step(.restored([record]))) == [.open(openings, earlier: nil)])
    }

    /// An auditor that asked with one commitment, saw the openings, and summons with another: the
    /// provider shows what it had signed. Fails if `onSummons` does not compare, or if the restart
    /// forgot.
    @Test func summonsWithAnotherCommitmentIsShownTheEarlierOne() throws {
        var (provider, _) = try Bench.committed()
        _ = provider.step(.duties([Bench.open()]))
        let garbage = Blake2b.hash(.audit, .none, [1])
        guard case .keep(let record)? = provider.receive(Bench.request(garbage)).first else {
            Issue.record("nothing kept")
            return
        }
        var restarted = Bench()
        _ = restarted.step(.restored([record]))
        for var one in [provider, restarted] {
            let effects = one.step(.duties([Bench.open(summons: Self.summons)]))
            guard case .open(.blank, let earlier?)? = intents(effects).first else {
                Issue.record("nothing shown, or a leaf: \(effects)")
                return
            }
            #expect(earlier.commitment == garbage)
            #expect(
                Bench.auditorNode.publicKey.verify(earlier.signature, Bench.bond(garbage)))
            #expect(intents(one.step(.expired(.retryOpen(Bench.job)))) == intents(effects))
        }
        // What binds it on the ledger alone is answered directly, too.
        var (fresh, _) = try Bench.committed()
        _ = fresh.step(.duties([Bench.open(summons: Self.summons)]))
        #expect(fresh.receive(Bench.request(garbage)) == [])
        #expect(fresh.receive(Bench.request).count == 1)
    }

    /// A slice of a leaf that spans two answers.
    private static let slice = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 * 7 % 251) }

    private func longJob() throws -> (Bench, JobRecord) {
        var bench = Bench()
        bench.core = Provider(
            config: .init(chain: Bench.chain, selfCheckLeaves: 0), seed: .zero)
        _ = try bench.step(.duties([Bench.run()]))
        _ = bench.step(.secret(Bench.job, Bench.secret))
        let roots = [Leaf.sliceRoot([1]), Leaf.sliceRoot(Self.slice), Leaf.sliceRoot([3])]
        let effects = bench.step(
            .executed(
                Bench.job,
                Execution(
                    sliceRoots: roots, outputBlob: BlobHasher.id([1]), outputBytes: 300_002,
                    kernelNs: 1, device: "test")))
        guard case .keep(let record)? = effects.first else { throw Bench.NoRecord() }
        _ = bench.step(.kept(Bench.job))
        _ = bench.step(.duties([]))
        return (bench, record)
    }

    @Test func challengeIsAnsweredFromTheOutput() throws {
        let (committed, record) = try self.longJob()
        let pieces: [(UInt32, Range<Int>)] = [
            (0, 0..<262_144), (1, 4_096..<266_240), (70, 286_720..<300_000), (74, 0..<0),
            (.max, 0..<0),
        ]
        for (chunk, range) in pieces {
            var provider = committed
            let duty = try Bench.challenge(leaf: 1, chunk: chunk)
            let read = Provider.Effect.readSlice(
                Bench.job, blob: record.outputBlob, leaf: 1, package: Bench.package,
                order: .blank)
            #expect(provider.step(.duties([duty])) == [read])
            #expect(provider.step(.duties([duty])) == [])
            #expect(provider.step(.slice(Bench.job, leaf: 0, Self.slice)) == [])
            let effects = provider.step(.slice(Bench.job, leaf: 1, Self.slice))
            guard case .answer(let opening, let chunks, let bytes)? = intents(effects).first
            else {
                Issue.record("no answer: \(effects)")
                continue
            }
            #expect(bytes == Array(Self.slice[range]), "chunk \(chunk)")
            #expect(Leaf.sliceRoot(bytes: 300_000, chunks: chunks) == opening.sliceRoot)
            #expect(opening.leads(toOutput: record.outputRoot, of: 3))
            #expect(provider.step(.slice(Bench.job, leaf: 1, Self.slice)) == [])
            _ = provider.step(.intended(Bench.job, .answer, refusal: "full"))
            let again = provider.step(.expired(.retryAnswer(Bench.job)))
            #expect(intents(again) == intents(effects))
        }
    }

    /// Fails if `Reply.onSlice` does not compare with the record: the ledger would refuse it.
    @Test func challengeThatCannotBeAnsweredIsReported() throws {
        var (provider, record) = try self.longJob()
        func isUnable(_ effects: [Provider.Effect]) -> Bool {
            guard case .report(.cannotAnswer(Bench.job, _, _))? = effects.first else {
                return false
            }
            return effects.count == 1
        }
        #expect(isUnable(try provider.step(.duties([Bench.challenge(leaf: 3)]))))
        _ = try provider.step(.duties([Bench.challenge(leaf: 1)]))
        #expect(isUnable(provider.step(.slice(Bench.job, leaf: 1, [1, 2, 3]))))
        #expect(provider.step(.slice(Bench.job, leaf: 1, Self.slice)) == [])
        var lost = Bench()
        let duty = try Bench.challenge(leaf: 1)
        #expect(isUnable(lost.step(.duties([duty]))))
        #expect(lost.step(.duties([duty])) == [])
        #expect(lost.step(.restored([record])).count == 1)
        // The disk may be slow.
        let failed = lost.step(.sliceFailed(Bench.job, leaf: 1, text: "busy"))
        let retry = Provider.Timer.retryAnswer(Bench.job)
        #expect(failed.last == .schedule(retry, at: Instant.zero.adding(ms: 500)))
        #expect(lost.step(.expired(retry)).count == 1)
        #expect(intents(lost.step(.slice(Bench.job, leaf: 1, Self.slice))).count == 1)
    }
}
