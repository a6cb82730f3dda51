import Kernels
import Primitives
import Provider
import Testing

/// Bent messages, from strangers and from the parties themselves, at every stage.
@Suite struct HostileTests {
    private static let seeds = 0..<24 as Range<UInt8>

    /// One of the messages with some bytes changed, or whole.
    private static func bent(_ messages: [Message], _ generator: inout Generator) -> Message? {
        let number = Int(generator.below(UInt64(messages.count)))
        var bytes = messages[number].canonicalBytes
        for _ in 0..<generator.below(4) {
            let place = Int(generator.below(UInt64(bytes.count)))
            bytes[place] = UInt8(truncatingIfNeeded: generator.below(256))
        }
        return try? Message(canonical: bytes)
    }

    private static func generator(_ seed: UInt8) -> Generator {
        Generator(seed: Blake2b.hash(.generator, .none, [seed]))
    }

    private static func pool(_ answer: Message.AuditOpenings) -> [Message] {
        [
            Bench.request, .auditOpenings(answer),
            .openingRequest(.init(job: Bench.job, leaf: Bench.leaves[0])),
            .openingAnswer(.init(job: Bench.job, opening: answer.openings.leaves[0])),
            .outputRequest(.init(job: Bench.job)),
            .declined(.init(job: Bench.job, leaf: nil, reason: .notHere)),
        ]
    }

    /// Strangers change nothing: afterwards the audit goes as if nobody had spoken.
    @Test func strangersHarmNobody() throws {
        let (committed, record) = try Bench.committed()
        var twin = committed
        let honest = try twin.answer()
        for seed in Self.seeds {
            var generator = Self.generator(seed)
            var provider = committed
            _ = provider.step(.duties([Bench.open()]))
            var auditor = try Bench.asked(record)
            let acting = [AccountID(Blake2b.hash(.account, .none, [seed, 1]))]
            for _ in 0..<200 {
                guard let message = Self.bent(Self.pool(honest), &generator) else { continue }
                for effect in provider.receive(message, acting: acting) {
                    // "Not yet", or nothing.
                    guard case .send(.declined, _, _) = effect else {
                        if case .lookUp = effect { continue }
                        Issue.record("seed \(seed): \(effect)")
                        return
                    }
                }
                let heard = auditor.receive(message, acting: acting, to: Bench.auditor)
                #expect(intents(heard).isEmpty)
            }
            #expect(try provider.answer() == honest, "seed \(seed)")
            #expect(intents(auditor.hear(honest)).map(\.kind) == [.audit], "seed \(seed)")
        }
    }

    /// A provider that lies to its auditor gets a summons, never a vouch or a proof: its
    /// commitment is honest.
    @Test func lyingProviderGetsNothingButASummons() throws {
        var (provider, record) = try Bench.committed()
        let honest = try provider.answer()
        for seed in Self.seeds {
            var generator = Self.generator(seed)
            var auditor = try Bench.asked(record)
            for _ in 0..<40 {
                guard let message = Self.bent(Self.pool(honest), &generator) else { continue }
                let effects = auditor.receive(
                    message, from: Bench.here, acting: [Bench.provider], to: Bench.auditor)
                for intent in intents(effects) {
                    switch intent {
                    case .summon: break
                    case .audit(_, _, let openings, let signature):
                        #expect(openings == honest.openings, "seed \(seed)")
                        #expect(signature == honest.signature, "seed \(seed)")
                    default: Issue.record("seed \(seed): \(intent.kind)")
                    }
                }
            }
        }
    }

    /// An auditor that lies to its provider gets one signature, over the leaves of its number.
    @Test func lyingAuditorSeesOneSample() throws {
        let (committed, _) = try Bench.committed()
        var twin = committed
        // It may bind itself to anything, and sign that.
        let pool = Self.pool(try twin.answer()) + [.zero, Bench.reveal].map { Bench.request($0) }
        for seed in Self.seeds {
            var generator = Self.generator(seed)
            var provider = committed
            _ = provider.step(.duties([Bench.open()]))
            var digests: [Digest] = []
            for _ in 0..<200 {
                guard let message = Self.bent(pool, &generator) else { continue }
                var effects = provider.receive(message)
                if case .keep? = effects.first { effects = provider.step(.kept(Bench.job)) }
                for effect in effects {
                    switch effect {
                    case .signTranscript(_, auditor: _, let digest):
                        if !digests.contains(digest) { digests.append(digest) }
                        let answers = sent(
                            provider.step(
                                .transcriptSigned(
                                    Bench.job, auditor: Bench.auditor, digest: digest, .blank)))
                        for case (.auditOpenings(let answer), _) in answers {
                            #expect(answer.openings.leaves.map(\.index) == Bench.leaves)
                        }
                    case .send(.auditOpenings, _, _), .send(.declined, _, _), .lookUp: break
                    default: Issue.record("seed \(seed): \(effect)")
                    }
                }
            }
            #expect(digests.count == 1, "seed \(seed)")
        }
    }

    /// Answers that nobody waits for: of other jobs, of other runs, again and again.
    @Test func unaskedAnswersAreIgnored() throws {
        var (provider, record) = try Bench.cheated([Bench.leaves[0]])
        let answer = try provider.answer()
        let other = JobID(Blake2b.hash(.job, .none, [8]))
        let root = Bench.honest([0])[0].sliceRoot
        let inputs: [Provider.Input] = [
            .auditReveal(other, auditor: Bench.auditor, Bench.reveal),
            .auditReveal(Bench.job, auditor: Bench.provider, Bench.reveal),
            .auditReveal(Bench.job, auditor: Bench.auditor, nil),
            .proof(Bench.proves, leaf: 77, witness: .blank, sliceRoot: root),
            .proof(Bench.audits, leaf: Bench.leaves[0], witness: .blank, sliceRoot: root),
            .proof(
                RefereeRun(job: other, purpose: .proof(Bench.auditor)), leaf: Bench.leaves[0],
                witness: .blank, sliceRoot: root),
            .refereed(Bench.audits, Bench.honest([4, 4, 4])),
            .refereed(Bench.proves, Bench.honest(Bench.leaves)),
            .slice(Bench.job, leaf: 0, []), .sliceFailed(Bench.job, leaf: 0, text: "x"),
            .transcriptSigned(Bench.job, auditor: Bench.auditor, digest: .zero, .blank),
            .expired(.retryInspection(other, auditor: Bench.auditor)),
            .expired(.retryProof(Bench.job, attempt: 3)), .expired(.retryOpen(other)),
            .expired(.retryAnswer(other)), .expired(.askAgain(other, auditor: Bench.auditor)),
            .expired(.watch(Bench.job, auditor: Bench.auditor, index: 8)),
            .expired(.decline(Bench.job, auditor: Bench.auditor, index: 8)),
            .kept(other), .executionFailed(Bench.job, code: "record.failed", text: "x"),
        ]
        var auditor = Bench()
        func disturb() {
            for input in inputs { #expect(auditor.step(input) == [], "\(input)") }
        }
        disturb()
        // A number that was not asked for again says nothing; the first wrong one pauses.
        let asked = try auditor.inspect(Bench.audit(record))
        #expect(sent(asked).map(\.message) == [Bench.request])
        disturb()
        #expect(auditor.hear(answer).count == 2)
        disturb()
        let found = Provider.Input.proof(
            Bench.proves, leaf: Bench.leaves[0], witness: .blank,
            sliceRoot: Bench.honest([Bench.leaves[0]])[0].sliceRoot)
        #expect(intents(auditor.step(found)).map(\.kind) == [.prove])
        disturb()
        #expect(auditor.step(.duties([])) == [])
        disturb()
    }
}
