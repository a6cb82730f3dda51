import Kernels
import Primitives
import Provider
import Testing

/// The auditor's side of the direct audit.
@Suite struct AuditTests {
    @Test func honestProviderIsConfirmed() throws {
        var (provider, record) = try Bench.committed()
        var auditor = try Bench.asked(record)
        let answer = try provider.answer()
        #expect(answer.openings.leaves.map(\.index) == Bench.leaves)
        let effects = auditor.hear(answer)
        #expect(
            effects == [
                .report(.agreed(Bench.job, leaves: 3)),
                .intend(
                    Bench.job,
                    .audit(
                        reveal: Bench.reveal,
                        salt: Blake2b.hash(
                            .salt, .none, Bench.reveal.bytes + Bench.job.digest.bytes),
                        openings: answer.openings, signature: answer.signature),
                    account: Bench.auditor),
            ])
        // The answer to a repeated request is no news.
        #expect(auditor.hear(answer) == [])
        #expect(auditor.step(.expired(Bench.again)) == [])
    }

    /// Fails if `Draw.isRight` is not asked in `Inspection.onReveal`.
    @Test func wrongNumberNamesNoLeaves() throws {
        let (_, record) = try Bench.committed()
        for number in [nil, Blake2b.hash(.reveal, .none, Bench.reveal.bytes), Digest.zero] {
            var auditor = Bench()
            _ = try auditor.step(.duties([Bench.audit(record)]))
            let effects = auditor.step(
                .auditReveal(Bench.job, auditor: Bench.auditor, number))
            guard case .report(.failed(Bench.job, code: "audit.reveal", _, _))? = effects.first
            else {
                Issue.record("not refused: \(effects)")
                continue
            }
            let retry = Provider.Timer.retryInspection(Bench.job, auditor: Bench.auditor)
            #expect(effects.dropFirst() == [.schedule(retry, at: Instant.zero.adding(ms: 500))])
            let asked = Provider.Effect.revealAudit(
                Bench.job, auditor: Bench.auditor, index: 9)
            #expect(auditor.step(.expired(retry)) == [asked])
            let right = auditor.step(
                .auditReveal(Bench.job, auditor: Bench.auditor, Bench.reveal))
            #expect(right.count == 1)
        }
    }

    /// Fails if the salt is drawn at random: a restart could not vouch after its own summons.
    @Test func restartBindsItselfToTheSameResults() throws {
        let (_, record) = try Bench.committed()
        for seed in 0..<4 as Range<UInt8> {
            var auditor = Bench()
            auditor.core = Provider(
                config: .init(chain: Bench.chain), seed: Blake2b.hash(.generator, .none, [seed]))
            let effects = try auditor.inspect(Bench.audit(record))
            #expect(sent(effects).map(\.message) == [Bench.request])
        }
    }

    /// Fails if `acting.contains` is not asked in `Inspection.onOpenings`.
    @Test func openingsFromAnybodyElseAreIgnored() throws {
        var (provider, record) = try Bench.committed()
        var auditor = try Bench.asked(record)
        let answer = try provider.answer()
        var bent = answer.openings
        bent.outputSalt = .zero
        let wrong = Message.AuditOpenings(
            job: Bench.job, openings: bent, signature: answer.signature)
        for acting in [[], [Bench.auditor]] {
            for answer in [answer, wrong] {
                let effects = auditor.receive(
                    .auditOpenings(answer), from: Bench.here, acting: acting, to: Bench.auditor)
                #expect(effects == [])
            }
        }
        #expect(intents(auditor.hear(answer)).map(\.kind) == [.audit])
    }

    @Test func openingsOfAnotherJobAreIgnored() throws {
        var (provider, record) = try Bench.committed()
        var auditor = try Bench.asked(record)
        let answer = try provider.answer()
        let other = Message.AuditOpenings(
            job: .zero, openings: answer.openings, signature: answer.signature)
        #expect(auditor.hear(other) == [])
    }

    @Test func refereeThatFailsRunsAgain() throws {
        let (_, record) = try Bench.committed()
        var auditor = Bench()
        _ = try auditor.step(.duties([Bench.audit(record)]))
        let started = auditor.step(
            .auditReveal(Bench.job, auditor: Bench.auditor, Bench.reveal))
        let failed = auditor.step(
            .refereeFailed(Bench.audits, text: "no memory", isFinal: false))
        let retry = Provider.Timer.retryInspection(Bench.job, auditor: Bench.auditor)
        #expect(failed.last == .schedule(retry, at: Instant.zero.adding(ms: 500)))
        #expect(auditor.step(.expired(retry)) == started)
        // Results of other leaves, and of a run nobody asked for, say nothing.
        #expect(auditor.step(.refereed(Bench.audits, Bench.honest([0]))) == [])
        #expect(auditor.step(.refereed(Bench.proves, Bench.honest(Bench.leaves))) == [])
        _ = auditor.step(.refereed(Bench.audits, Bench.honest(Bench.leaves)))
        let found = auditor.step(Bench.signed(Bench.bond(Bench.commitment)))
        #expect(sent(found).count == 1)
    }

    @Test func refusedReportIsSaidAgain() throws {
        var (provider, record) = try Bench.committed()
        var auditor = try Bench.asked(record)
        let said = intents(auditor.hear(try provider.answer()))
        let retry = Provider.Timer.retryInspection(Bench.job, auditor: Bench.auditor)
        let refused = auditor.step(.intended(Bench.job, .audit, refusal: "full"))
        #expect(refused.last == .schedule(retry, at: Instant.zero.adding(ms: 500)))
        #expect(intents(auditor.step(.expired(retry))) == said)
        let taken = auditor.step(.intended(Bench.job, .audit, refusal: nil))
        #expect(taken == [.schedule(retry, at: Instant.zero.adding(ms: 15_000))])
        // Words about intents that it did not say.
        #expect(auditor.step(.intended(Bench.job, .summon, refusal: nil)) == [])
        #expect(auditor.step(.intended(Bench.job, .prove, refusal: nil)) == [])
        #expect(auditor.step(.duties([])) == [])
        #expect(auditor.step(.expired(retry)) == [])
    }
}

/// The provider's side of the direct audit.
@Suite struct AuditedTests {
    @Test func answerIsBoundToTheAuditorsCommitment() throws {
        var (provider, record) = try Bench.committed()
        let answer = try provider.answer()
        let fault = answer.openings.fault(
            indices: Bench.leaves, leaves: 5, leafRoot: record.leafRoot(chain: Bench.chain),
            outputCommitment: record.outputCommitment(chain: Bench.chain), job: Bench.job,
            provider: Bench.provider, Bench.chain)
        #expect(fault == nil)
        let digest = Transcript.digest(
            job: Bench.job, auditor: Bench.auditor, commitment: Bench.commitment,
            openings: answer.openings.hash(Bench.chain), Bench.chain)
        #expect(Bench.node.publicKey.verify(answer.signature, digest))
    }

    /// Each row but the first fails if its part of `Standing.permits` is removed.
    @Test func onlyTheDrawnAuditorSeesTheLeavesOfItsNumber() throws {
        let (committed, _) = try Bench.committed()
        func asking(_ reveal: Digest, _ job: JobID = Bench.job) -> Message {
            Bench.request(Bench.commitment, job: job, reveal: reveal)
        }
        func signed(_ digest: Digest, by key: SecretKey = Bench.auditorNode) -> Message {
            .auditRequest(
                .init(
                    job: Bench.job, reveal: Bench.reveal, commitment: Bench.commitment,
                    signature: key.sign(digest)))
        }
        let (bond, commitment) = (Bench.bond(Bench.commitment), Bench.commitment)
        let stranger = AccountID(Blake2b.hash(.account, .none, [9]))
        let next = Blake2b.hash(.reveal, .none, Bench.reveal.bytes)
        let rows: [(String, Message, [AccountID], AccountID)] = [
            ("another job", asking(Bench.reveal, .zero), [Bench.auditor], Bench.provider),
            ("acts for nobody", Bench.request, [], Bench.provider),
            ("acts for a stranger", Bench.request, [stranger], Bench.provider),
            ("acts for the provider", Bench.request, [Bench.provider], Bench.provider),
            ("sent to another account", Bench.request, [Bench.auditor], stranger),
            ("no number", asking(.zero), [Bench.auditor], Bench.provider),
            ("a number too early", asking(next), [Bench.auditor], Bench.provider),
            ("what everybody knows", asking(Bench.draw.link), [Bench.auditor], Bench.provider),
            ("not signed", signed(.zero), [Bench.auditor], Bench.provider),
            ("another's key", signed(bond, by: Bench.node), [Bench.auditor], Bench.provider),
            (
                "signed for another draw", signed(Bench.bond(commitment, index: 8)),
                [Bench.auditor], Bench.provider
            ),
            (
                "signed for another job", signed(Bench.bond(commitment, job: .zero)),
                [Bench.auditor], Bench.provider
            ),
            (
                "signed over another commitment", signed(Bench.bond(.zero)), [Bench.auditor],
                Bench.provider
            ),
        ]
        for (name, message, acting, account) in rows {
            var provider = committed
            _ = provider.step(.duties([Bench.open()]))
            #expect(provider.receive(message, acting: acting, to: account) == [], "\(name)")
            #expect(provider.receive(Bench.request).count == 1, "\(name), then the right one")
        }
    }

    /// Fails if `steps > 0` is not asked in `Draw.isRight`.
    @Test func drawWithoutStepsIsAnsweredByNobody() throws {
        var (provider, _) = try Bench.committed()
        let draw = Draw(
            leavesToAudit: 3, leaves: 5, mix: Bench.draw.mix, link: Bench.reveal, steps: 0)
        _ = provider.step(.duties([Bench.open(draw)]))
        #expect(provider.receive(Bench.request) == [])
    }

    /// Fails if the commitments are not compared in `Standing.onRequest`: the auditor would bind
    /// itself to the provider's own results once it saw them.
    @Test func secondCommitmentIsNotAnswered() throws {
        var (provider, _) = try Bench.committed()
        let copied = Bench.request(.zero)
        _ = provider.step(.duties([Bench.open()]))
        #expect(provider.receive(Bench.request).count == 1)
        #expect(provider.receive(copied) == [])
        #expect(provider.step(.kept(Bench.job)).count == 1)
        let answer = try provider.answer()
        #expect(provider.receive(copied) == [])
        // The same one is answered again with the same bytes, whichever node asks.
        let again = provider.receive(Bench.request, from: Bench.elsewhere)
        #expect(
            again == [
                .send(
                    .auditOpenings(answer), from: Bench.provider, to: .node(Bench.elsewhere))
            ])
        // Another draw is another audit.
        let draw = Draw(
            leavesToAudit: 3, leaves: 5, mix: .zero, link: Bench.draw.link, steps: 4)
        #expect(provider.step(.duties([Bench.open(draw)])) == [])
        #expect(provider.receive(copied).count == 1)
    }

    /// Fails if `onRequest` signs before the memory is on the disk, or does not ask it: after a
    /// crash the auditor would have a second commitment answered.
    @Test func answeredCommitmentSurvivesARestart() throws {
        var (provider, before) = try Bench.committed()
        _ = provider.step(.duties([Bench.open()]))
        let asked = provider.receive(Bench.request)
        guard case .keep(let record)? = asked.first, asked.count == 1 else {
            Issue.record("answered without a memory: \(asked)")
            return
        }
        #expect(before.audit == nil)
        #expect(record.audit?.commitment == Bench.commitment)
        #expect(try JobRecord(canonical: record.canonicalBytes) == record)
        #expect(provider.receive(Bench.request) == [])
        // The disk may fail: asked again, it is written again.
        #expect(
            provider.step(.executionFailed(Bench.job, code: "record.failed", text: "full")) == [])
        #expect(provider.receive(Bench.request) == asked)
        guard
            case .signTranscript(_, auditor: _, let digest)? =
                provider.step(.kept(Bench.job)).first,
            case .auditOpenings(let answer)? = sent(
                provider.step(
                    .transcriptSigned(
                        Bench.job, auditor: Bench.auditor, digest: digest,
                        Bench.node.sign(digest)))
            ).first?.message
        else {
            Issue.record("not answered")
            return
        }
        // Whether the answer went out before the crash or not.
        var restarted = Bench()
        _ = restarted.step(.restored([record]))
        _ = restarted.step(.duties([Bench.open()]))
        #expect(restarted.receive(Bench.request(.zero)) == [])
        #expect(try restarted.answer() == answer)
        // A crash before the record was written has answered nothing.
        var forgot = Bench()
        _ = forgot.step(.restored([before]))
        _ = forgot.step(.duties([Bench.open()]))
        #expect(forgot.receive(Bench.request(.zero)).count == 1)
        // It is of one draw.
        let draw = Draw(
            leavesToAudit: 3, leaves: 5, mix: .zero, link: Bench.draw.link, steps: 4)
        _ = restarted.step(.duties([Bench.open(draw)]))
        #expect(restarted.receive(Bench.request(.zero)).count == 1)
    }

    @Test func nothingIsOpenedBeforeTheDrawAndAfterTheAudit() throws {
        var (provider, _) = try Bench.committed()
        // The draw may be final at the auditor first.
        #expect(provider.receive(Bench.request) == [])
        let later = provider.step(.duties([Bench.open()]))
        guard case .keep? = later.first, later.count == 1,
            case .signTranscript(Bench.job, auditor: Bench.auditor, let digest)? =
                provider.step(.kept(Bench.job)).first
        else {
            Issue.record("not signed: \(later)")
            return
        }
        #expect(provider.step(.kept(Bench.job)) == [])
        // Asked again before the signature is there; unasked signatures say nothing.
        let signing = Provider.Effect.signTranscript(
            Bench.job, auditor: Bench.auditor, digest: digest)
        #expect(provider.receive(Bench.request) == [signing])
        let signature = Bench.node.sign(digest)
        func signed(_ digest: Digest, _ auditor: AccountID = Bench.auditor) -> Provider.Input {
            .transcriptSigned(Bench.job, auditor: auditor, digest: digest, signature)
        }
        #expect(provider.step(signed(.zero)) == [])
        #expect(provider.step(signed(digest, Bench.provider)) == [])
        #expect(sent(provider.step(signed(digest))).map(\.party) == [.node(Bench.there)])
        #expect(provider.step(signed(digest)) == [])
        #expect(provider.step(.duties([])) == [])
        #expect(provider.receive(Bench.request) == [])
    }

    /// Fails if `remember` or `waiting` keeps more than its bound, or forgets the newest.
    @Test func earlyRequestsAreBounded() throws {
        var (provider, _) = try Bench.committed()
        func key(_ number: Int) throws -> PublicKey {
            try #require(PublicKey([UInt8](repeating: UInt8(number), count: 32)))
        }
        for number in 0..<100 {
            #expect(provider.receive(Bench.request, from: try key(number)) == [])
            #expect(provider.receive(Bench.request, from: try key(number)) == [])
        }
        // The last 64 nodes, in order; who does not act for the auditor gets nothing.
        #expect(provider.receive(Bench.request, from: try key(200), acting: []) == [])
        let effects = provider.step(.duties([Bench.open()]))
        #expect(effects.count == 1)
        guard
            case .signTranscript(_, auditor: _, let digest)? =
                provider.step(.kept(Bench.job)).first
        else {
            Issue.record("not signed")
            return
        }
        let answers = sent(
            provider.step(
                .transcriptSigned(
                    Bench.job, auditor: Bench.auditor, digest: digest, .blank)))
        #expect(answers.map(\.party) == (try (92..<100).map { .node(try key($0)) }))
        #expect(provider.step(.duties([])) == [])
        #expect(provider.step(.duties([Bench.open()])) == [])
    }

    @Test func lostRecordIsReportedOnce() throws {
        var provider = Bench()
        _ = provider.step(.duties([Bench.open()]))
        #expect(
            provider.receive(Bench.request) == [
                .report(.cannotOpen(Bench.job, to: Bench.auditor))
            ])
        #expect(provider.receive(Bench.request) == [])
        // It comes back.
        let (_, record) = try Bench.committed()
        #expect(provider.step(.restored([record])) == [])
        #expect(provider.receive(Bench.request).count == 1)
    }
}
