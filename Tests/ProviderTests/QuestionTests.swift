import Kernels
import Primitives
import Provider
import Testing

@Suite struct VisitorTests {
    private static let wantsLeaf = Message.openingRequest(.init(job: Bench.job, leaf: 4))
    private static let wantsOutput = Message.outputRequest(.init(job: Bench.job))

    private func declined(_ leaf: UInt64?, _ reason: Message.Declined.Reason) -> Message {
        .declined(.init(job: Bench.job, leaf: leaf, reason: reason))
    }

    @Test func strangersSeeOutputAndLeavesAfterTheAudit() throws {
        var (provider, record) = try Bench.committed()
        #expect(provider.receive(Self.wantsOutput, acting: []) == [.lookUp(Bench.job)])
        // Others wait for the same answer; who asks twice waits once.
        #expect(provider.receive(Self.wantsLeaf, from: Bench.elsewhere, acting: []) == [])
        #expect(provider.receive(Self.wantsLeaf, from: Bench.elsewhere, acting: []) == [])
        let answers = sent(provider.step(.standing(Bench.job, .over)))
        #expect(answers.map(\.party) == [.node(Bench.there), .node(Bench.elsewhere)])
        let output = JobOutput(
            job: Bench.job, root: record.outputRoot, salt: record.outputSalt,
            blob: record.outputBlob, bytes: record.outputBytes)
        #expect(answers.first?.message == .outputAnswer(output))
        guard case .openingAnswer(let answer)? = answers.last?.message else {
            Issue.record("no opening: \(answers)")
            return
        }
        #expect(answer.job == Bench.job && answer.opening.index == 4)
        #expect(answer.opening.sliceRoot == record.sliceRoots[4])
        // The ledger is asked once: what is over stays over.
        #expect(sent(provider.receive(Self.wantsOutput)).map(\.message) == [.outputAnswer(output)])
        let beyond = Message.openingRequest(.init(job: Bench.job, leaf: 5))
        #expect(sent(provider.receive(beyond)).map(\.message) == [self.declined(5, .notHere)])
        #expect(provider.step(.standing(Bench.job, .over)) == [])
    }

    @Test func strangersSeeNothingBeforeTheAuditIsOver() throws {
        var (provider, _) = try Bench.committed()
        let rows: [(JobStanding, Message.Declined.Reason)] = [
            (.open, .notYet), (.unknown, .notHere), (.unpaid, .notHere),
        ]
        for (standing, reason) in rows {
            #expect(provider.receive(Self.wantsLeaf) == [.lookUp(Bench.job)])
            let answers = sent(provider.step(.standing(Bench.job, standing)))
            #expect(answers.map(\.message) == [self.declined(4, reason)], "\(standing)")
        }
        // While an audit is under way the ledger need not be asked, not even for the auditor.
        _ = provider.step(.duties([Bench.open()]))
        let early = provider.receive(Self.wantsLeaf)
        #expect(sent(early).map(\.message) == [self.declined(4, .notYet)])
        #expect(early.count == 1)
        _ = try provider.step(.duties([Bench.run()]))
        #expect(
            sent(provider.receive(Self.wantsOutput)).map(\.message) == [
                self.declined(nil, .notYet)
            ])
    }

    /// Fails if `opened` outlives the attempt: a wrong leaf gives the job away again, perhaps to
    /// another account of this node.
    @Test func whatAnEarlierAttemptShowedIsHiddenAgain() throws {
        var (provider, _) = try Bench.committed()
        _ = provider.receive(Self.wantsLeaf)
        #expect(sent(provider.step(.standing(Bench.job, .over))).count == 1)
        for duty in [try Bench.run(), Bench.open()] {
            var again = provider
            _ = again.step(.duties([duty]))
            let answers = sent(again.receive(Self.wantsLeaf)).map(\.message)
            #expect(answers == [self.declined(4, .notYet)])
        }
    }

    @Test func whatIsNotProvidedHereIsDeclined() throws {
        var bench = Bench()
        #expect(
            bench.receive(Self.wantsLeaf) == [
                .send(self.declined(4, .notHere), from: Bench.provider, to: .node(Bench.there))
            ])
        var (provider, _) = try Bench.committed()
        let answers = sent(provider.receive(Self.wantsOutput, to: Bench.auditor))
        #expect(answers.map(\.message) == [self.declined(nil, .notHere)])
    }

    @Test func waitingVisitorsAreBounded() throws {
        var (provider, _) = try Bench.committed()
        for number in 0..<100 {
            let node = try #require(PublicKey([UInt8](repeating: UInt8(number), count: 32)))
            let effects = provider.receive(Self.wantsOutput, from: node)
            if number == 0 {
                #expect(effects == [.lookUp(Bench.job)])
            } else if number < 64 {
                #expect(effects == [])
            } else {
                #expect(sent(effects).map(\.message) == [self.declined(nil, .notYet)])
            }
        }
        #expect(sent(provider.step(.standing(Bench.job, .open))).count == 64)
    }

    @Test func phasesOfTheLedger() {
        let rows: [(String?, JobStanding)] = [
            ("posted", .open), ("assigned", .open), ("committed", .open), ("drawn", .open),
            ("summoned", .open), ("opened", .open), ("window", .over), ("settled", .over),
            ("cancelled", .unpaid), ("faulted", .unpaid), ("kernelFault", .unpaid),
            ("withheld", .unpaid),
            ("unassigned", .unpaid), ("uncommitted", .unpaid), ("unaudited", .unpaid),
            ("something new", .open), (nil, .unknown),
        ]
        for (phase, standing) in rows { #expect(JobStanding(phase: phase) == standing) }
    }
}

@Suite struct QuestionTests {
    private static let token: UInt64 = 7

    /// A node that has nothing of the job, and what the provider would answer.
    private struct Scene {
        var client = Bench()
        let about: JobCommitment
        let output: JobOutput
        let opening: LeafOpening

        init() throws {
            var (provider, record) = try Bench.committed()
            self.about = Bench.commitment(record)
            _ = provider.receive(.outputRequest(.init(job: Bench.job)))
            _ = provider.receive(.openingRequest(.init(job: Bench.job, leaf: 2)))
            let answers = sent(provider.step(.standing(Bench.job, .over))).map(\.message)
            guard case .outputAnswer(let output)? = answers.first,
                case .openingAnswer(let opening)? = answers.last
            else { throw Missing() }
            self.output = output
            self.opening = opening.opening
        }

        struct Missing: Error {}

        mutating func answer(
            _ message: Message, acting: [AccountID] = [Bench.provider]
        ) -> [Provider.Effect] {
            self.client.receive(message, acting: acting, to: .zero)
        }
    }

    /// The name of the refusal that ends a question.
    private func refusal(_ effects: [Provider.Effect]) -> String? {
        guard effects.count == 1 else { return nil }
        switch effects[0] {
        case .notHere(token: Self.token, Bench.job, _): return "notHere"
        case .notYet(token: Self.token, Bench.job, _): return "notYet"
        default: return nil
        }
    }

    @Test func openingComesFromTheProvidersNode() throws {
        var scene = try Scene()
        let asked = scene.client.step(
            .openingWanted(scene.about, leaf: 2, token: Self.token))
        #expect(
            asked == [
                .schedule(.question(token: Self.token), at: Instant.zero.adding(ms: 10_000)),
                .send(
                    .openingRequest(.init(job: Bench.job, leaf: 2)), from: nil,
                    to: .account(Bench.provider)),
            ])
        let answer = Message.openingAnswer(.init(job: Bench.job, opening: scene.opening))
        #expect(scene.answer(answer, acting: [Bench.auditor]) == [])
        #expect(scene.answer(answer, acting: []) == [])
        #expect(
            scene.answer(answer) == [.opened(token: Self.token, Bench.job, scene.opening)])
        // Answered once.
        #expect(scene.answer(answer) == [])
        scene.client.now = Instant.zero.adding(ms: 10_000)
        #expect(scene.client.step(.expired(.question(token: Self.token))) == [])
    }

    @Test func outputIsAnsweredWhenTheBlobIsHere() throws {
        var scene = try Scene()
        _ = scene.client.step(.outputWanted(scene.about, token: Self.token))
        _ = scene.client.step(.outputWanted(scene.about, token: 8))
        let fetch = Provider.Effect.fetch(
            scene.output.blob, job: Bench.job, bytesMax: scene.output.bytes)
        let effects = scene.answer(.outputAnswer(scene.output))
        #expect(effects.filter { $0 == fetch }.count == 1)
        #expect(effects.count == 3)
        // The ten seconds for the answer do not count any more.
        scene.client.now = Instant.zero.adding(ms: 10_000)
        #expect(scene.client.step(.expired(.question(token: Self.token))) == [])
        #expect(
            scene.client.step(.fetched(scene.output.blob)) == [
                .output(token: Self.token, scene.output), .output(token: 8, scene.output),
            ])
        // The next time the provider is not asked, but the blob may be gone.
        let again = scene.client.step(.outputWanted(scene.about, token: Self.token))
        #expect(again.contains(fetch) && sent(again).isEmpty)
        let failed = scene.client.step(.fetchFailed(scene.output.blob, text: "gone"))
        #expect(self.refusal(failed) == "notYet")
        #expect(sent(scene.client.step(.outputWanted(scene.about, token: 9))).count == 1)
    }

    @Test func slowBlobIsAskedForAgain() throws {
        var scene = try Scene()
        _ = scene.client.step(.outputWanted(scene.about, token: Self.token))
        _ = scene.answer(.outputAnswer(scene.output))
        scene.client.now = Instant.zero.adding(ms: 60_000)
        let late = scene.client.step(.expired(.question(token: Self.token)))
        #expect(self.refusal(late) == "notYet")
        #expect(scene.client.step(.fetched(scene.output.blob)) == [])
    }

    @Test func answersAreChecked() throws {
        let scene = try Scene()
        let (opening, output) = (scene.opening, scene.output)
        func leaf(
            _ leaf: UInt64? = nil, salt: Digest? = nil, root: Digest? = nil, path: [Digest]? = nil
        ) -> Message {
            var bent = opening
            bent.index = leaf ?? opening.index
            bent.salt = salt ?? opening.salt
            bent.sliceRoot = root ?? opening.sliceRoot
            bent.path = path ?? opening.path
            return .openingAnswer(.init(job: Bench.job, opening: bent))
        }
        func whole(root: Digest? = nil, salt: Digest? = nil, bytes: UInt64? = nil) -> Message {
            .outputAnswer(
                JobOutput(
                    job: Bench.job, root: root ?? output.root, salt: salt ?? output.salt,
                    blob: output.blob, bytes: bytes ?? output.bytes))
        }
        let noJob = Message.Declined(job: .zero, leaf: 2, reason: .notHere)
        let rows: [(String, leaf: UInt64?, Message, String?)] = [
            ("another salt", 2, leaf(salt: .zero), "notHere"),
            ("another slice", 2, leaf(root: .zero), "notHere"),
            ("no path", 2, leaf(path: []), "notHere"),
            ("another leaf", 2, leaf(1), nil),
            ("another root", nil, whole(root: .zero), "notHere"),
            ("another output salt", nil, whole(salt: .zero), "notHere"),
            ("another size", nil, whole(bytes: output.bytes + 1), "notHere"),
            ("output for a leaf", 2, whole(), nil),
            ("leaf for an output", nil, leaf(), nil),
            ("declined", 2, .declined(.init(job: Bench.job, leaf: 2, reason: .notHere)), "notHere"),
            (
                "declined until later", 2,
                .declined(.init(job: Bench.job, leaf: 2, reason: .notYet)),
                "notYet"
            ),
            (
                "output declined", nil,
                .declined(.init(job: Bench.job, leaf: nil, reason: .notYet)),
                "notYet"
            ),
            (
                "another leaf declined", 2,
                .declined(.init(job: Bench.job, leaf: 1, reason: .notYet)),
                nil
            ),
            ("another job declined", 2, .declined(noJob), nil),
        ]
        for (name, leaf, message, expected) in rows {
            var scene = try Scene()
            let input: Provider.Input =
                leaf.map { .openingWanted(scene.about, leaf: $0, token: Self.token) }
                ?? .outputWanted(scene.about, token: Self.token)
            _ = scene.client.step(input)
            #expect(scene.answer(message, acting: [Bench.auditor]) == [], "\(name)")
            #expect(self.refusal(scene.answer(message)) == expected, "\(name)")
        }
    }

    @Test func silenceAndAbsenceAreSaid() throws {
        var scene = try Scene()
        _ = scene.client.step(.openingWanted(scene.about, leaf: 2, token: Self.token))
        scene.client.now = Instant.zero.adding(ms: 9_999)
        #expect(scene.client.step(.expired(.question(token: Self.token))) == [])
        scene.client.now = Instant.zero.adding(ms: 10_000)
        let late = scene.client.step(.expired(.question(token: Self.token)))
        #expect(self.refusal(late) == "notHere")
        _ = scene.client.step(.outputWanted(scene.about, token: Self.token))
        #expect(scene.client.step(.unreachable(Bench.auditor)) == [])
        #expect(self.refusal(scene.client.step(.unreachable(Bench.provider))) == "notHere")
        // Refused before anybody is asked.
        let beyond = scene.client.step(.openingWanted(scene.about, leaf: 5, token: Self.token))
        #expect(self.refusal(beyond) == "notHere")
        let unassigned = JobCommitment(
            job: Bench.job, provider: .zero, leaves: 5, leafRoot: .zero, outputCommitment: .zero,
            outputBytes: 1)
        let nobody = scene.client.step(.outputWanted(unassigned, token: Self.token))
        #expect(self.refusal(nobody) == "notHere")
    }

    @Test func questionsAreBounded() throws {
        var scene = try Scene()
        for token in 0..<256 as Range<UInt64> {
            let effects = scene.client.step(
                .openingWanted(scene.about, leaf: 2, token: 1_000 + token))
            #expect(sent(effects).count == 1)
        }
        let more = scene.client.step(.outputWanted(scene.about, token: Self.token))
        #expect(self.refusal(more) == "notHere")
        let answer = Message.openingAnswer(.init(job: Bench.job, opening: scene.opening))
        #expect(scene.answer(answer).count == 256)
    }

    /// Fails if a remembered answer is not compared with the commitment: the job may have been
    /// given to another provider since.
    @Test func outputOfAnEarlierAttemptIsForgotten() throws {
        var scene = try Scene()
        _ = scene.client.step(.outputWanted(scene.about, token: Self.token))
        _ = scene.answer(.outputAnswer(scene.output))
        _ = scene.client.step(.fetched(scene.output.blob))
        let later = JobCommitment(
            job: Bench.job, provider: Bench.auditor, leaves: 5, leafRoot: .zero,
            outputCommitment: .zero, outputBytes: scene.output.bytes)
        let asked = sent(scene.client.step(.outputWanted(later, token: Self.token)))
        #expect(asked.map(\.party) == [.account(Bench.auditor)])
    }

    @Test func localJobsAreAnsweredAtOnce() throws {
        var (provider, record) = try Bench.committed()
        let about = Bench.commitment(record)
        guard
            case .opened(token: 1, Bench.job, let opening)? =
                provider.step(.openingWanted(about, leaf: 3, token: 1)).first
        else {
            Issue.record("not opened")
            return
        }
        #expect(opening.sliceRoot == record.sliceRoots[3])
        let beyond = provider.step(.openingWanted(about, leaf: 5, token: Self.token))
        #expect(self.refusal(beyond) == "notHere")
        let effects = provider.step(.outputWanted(about, token: 2))
        guard case .output(token: 2, let output)? = effects.first, effects.count == 1 else {
            Issue.record("no output: \(effects)")
            return
        }
        #expect(output.blob == record.outputBlob && output.root == record.outputRoot)
    }
}
