import Kernels
import Primitives
import Provider
import Testing

@Suite struct AuditTests {
    private static let leaves: [UInt64] = [3, 1]
    private static let purpose = RefereeRun(job: Bench.job, purpose: .audit(Bench.auditor))

    /// An auditor that has computed and asked; the request it sent.
    private func asked(
        _ record: JobRecord, results: (UInt64) -> Digest
    ) throws -> (Bench, Message) {
        var auditor = Bench()
        let started = try auditor.step(.duties([Bench.audit(record, leaves: Self.leaves)]))
        #expect(started.count == 1)
        let found = Self.leaves.map { LeafResult(leaf: $0, sliceRoot: results($0)) }
        let effects = auditor.step(.refereed(Self.purpose, found))
        let request = try #require(sent(effects).first)
        #expect(request.party == .account(Bench.provider))
        let again = Provider.Timer.askAgain(Bench.job, auditor: Bench.auditor)
        #expect(effects.last == .schedule(again, at: Instant.zero.adding(ms: 3_000)))
        return (auditor, request.message)
    }

    /// What the provider answers while the duty stands.
    private func openings(_ provider: inout Bench, _ request: Message) throws -> Message {
        _ = provider.step(.duties([Bench.open(Self.leaves)]))
        let answer = try #require(sent(provider.receive(request)).first)
        #expect(answer.party == .node(Bench.there))
        return answer.message
    }

    @Test func honestProviderIsConfirmed() throws {
        var (provider, record) = try Bench.committed()
        var (auditor, request) = try self.asked(record) { record.sliceRoots[Int($0)] }
        let answer = try self.openings(&provider, request)
        let effects = auditor.receive(
            answer, from: Bench.here, acting: [Bench.provider], to: Bench.auditor)
        #expect(effects.first == .report(.agreed(Bench.job, leaves: 2)))
        guard
            case .intend(Bench.job, .audit(let openings, _, _), account: Bench.auditor)? =
                effects.last
        else {
            Issue.record("no report to the ledger: \(effects)")
            return
        }
        #expect(openings.map(\.leaf) == Self.leaves)
        // The answer to a repeated request is no news.
        #expect(auditor.receive(answer, from: Bench.here, acting: [Bench.provider]) == [])
        #expect(
            auditor.step(.expired(.askAgain(Bench.job, auditor: Bench.auditor))) == [])
    }

    @Test func wrongLeafIsNotVouchedFor() throws {
        var (provider, record) = try Bench.committed()
        var (auditor, request) = try self.asked(record) { _ in Blake2b.hash(.slice, .none, [99]) }
        let answer = try self.openings(&provider, request)
        let effects = auditor.receive(answer, from: Bench.here, acting: [Bench.provider])
        #expect(effects == [.report(.disagreed(Bench.job, leaf: 3))])
    }

    @Test func bentAnswersAreNotVouchedFor() throws {
        var (provider, record) = try Bench.committed()
        let (_, request) = try self.asked(record) { record.sliceRoots[Int($0)] }
        guard case .auditOpenings(let honest) = try self.openings(&provider, request) else {
            Issue.record("no openings")
            return
        }
        func bent(
            _ openings: [Opening]? = nil, root: Digest? = nil, salt: Digest? = nil
        ) -> Message {
            .auditOpenings(
                .init(
                    job: honest.job, openings: openings ?? honest.openings,
                    outputRoot: root ?? honest.outputRoot, outputSalt: salt ?? honest.outputSalt))
        }
        func each(_ change: (Opening) -> Opening) -> [Opening] { honest.openings.map(change) }
        let rows: [(String, Message)] = [
            ("none", bent([])),
            ("one", bent(Array(honest.openings.prefix(1)))),
            ("three", bent(honest.openings + honest.openings.prefix(1))),
            ("another order", bent(honest.openings.reversed())),
            (
                "another salt",
                bent(
                    each {
                        Opening(
                            leaf: $0.leaf, salt: .zero, sliceRoot: $0.sliceRoot,
                            workDigest: $0.workDigest, path: $0.path)
                    })
            ),
            (
                "a longer path",
                bent(
                    each {
                        Opening(
                            leaf: $0.leaf, salt: $0.salt, sliceRoot: $0.sliceRoot,
                            workDigest: $0.workDigest, path: $0.path + [.zero])
                    })
            ),
            ("another output root", bent(root: .zero)),
            ("another output salt", bent(salt: .zero)),
        ]
        for (name, answer) in rows {
            var (auditor, _) = try self.asked(record) { record.sliceRoots[Int($0)] }
            let effects = auditor.receive(answer, from: Bench.here, acting: [Bench.provider])
            guard case .report(.disagreed(Bench.job, _))? = effects.first, effects.count == 1 else {
                Issue.record("\(name): \(effects)")
                continue
            }
        }
    }

    @Test func openingsFromAnybodyElseAreIgnored() throws {
        var (provider, record) = try Bench.committed()
        var (auditor, request) = try self.asked(record) { record.sliceRoots[Int($0)] }
        let answer = try self.openings(&provider, request)
        #expect(auditor.receive(answer, from: Bench.here, acting: []) == [])
        #expect(auditor.receive(answer, from: Bench.here, acting: [Bench.auditor]) == [])
        #expect(auditor.receive(answer, from: Bench.here, acting: [Bench.provider]).count == 2)
    }

    @Test func lostMessagesAreSaidAgain() throws {
        let (_, record) = try Bench.committed()
        var (auditor, request) = try self.asked(record) { record.sliceRoots[Int($0)] }
        let again = Provider.Timer.askAgain(Bench.job, auditor: Bench.auditor)
        for _ in 0..<3 {
            auditor.now = auditor.now.adding(ms: 3_000)
            #expect(
                auditor.step(.expired(again)) == [
                    .send(request, from: Bench.auditor, to: .account(Bench.provider)),
                    .schedule(again, at: auditor.now.adding(ms: 3_000)),
                ])
        }
        // The duty is over.
        #expect(auditor.step(.duties([])) == [])
        #expect(auditor.step(.expired(again)) == [])
    }

    // MARK: Who may see what

    @Test func onlyTheDrawnAuditorSeesTheDrawnLeaves() throws {
        let (committed, record) = try Bench.committed()
        let (_, request) = try self.asked(record) { record.sliceRoots[Int($0)] }
        guard case .auditRequest(let right) = request else { return }
        func asking(_ leaves: [UInt64], _ job: JobID = Bench.job) -> Message {
            .auditRequest(.init(job: job, leaves: leaves, commitment: right.commitment))
        }
        let stranger = AccountID(Blake2b.hash(.account, .none, [9]))
        let rows: [(String, Message, [AccountID], AccountID)] = [
            ("acts for nobody", request, [], Bench.provider),
            ("acts for a stranger", request, [stranger], Bench.provider),
            ("acts for the provider", request, [Bench.provider], Bench.provider),
            ("sent to another account", request, [Bench.auditor], stranger),
            ("other order", asking([1, 3]), [Bench.auditor], Bench.provider),
            ("one leaf", asking([3]), [Bench.auditor], Bench.provider),
            ("one more", asking([3, 1, 0]), [Bench.auditor], Bench.provider),
            ("no leaf", asking([]), [Bench.auditor], Bench.provider),
            ("no such leaf", asking([3, 5]), [Bench.auditor], Bench.provider),
            ("another job", asking([3, 1], .zero), [Bench.auditor], Bench.provider),
        ]
        for (name, message, acting, account) in rows {
            var provider = committed
            _ = provider.step(.duties([Bench.open(Self.leaves)]))
            #expect(provider.receive(message, acting: acting, to: account) == [], "\(name)")
            #expect(sent(provider.receive(request)).count == 1, "\(name), then the right one")
        }
    }

    @Test func nothingIsOpenedBeforeTheDrawAndAfterTheAudit() throws {
        var (provider, record) = try Bench.committed()
        let (_, request) = try self.asked(record) { record.sliceRoots[Int($0)] }
        #expect(provider.receive(request) == [])
        let later = provider.step(.duties([Bench.open(Self.leaves)]))
        #expect(sent(later).map(\.party) == [.node(Bench.there)])
        // Answered once; a repeated request is answered again with the same bytes.
        let again = sent(provider.receive(request, from: Bench.elsewhere))
        #expect(again.map(\.message) == sent(later).map(\.message))
        #expect(again.map(\.party) == [.node(Bench.elsewhere)])
        #expect(provider.step(.duties([])) == [])
        #expect(provider.receive(request) == [])
    }

    @Test func earlyRequestsAreBounded() throws {
        var (provider, record) = try Bench.committed()
        let (_, request) = try self.asked(record) { record.sliceRoots[Int($0)] }
        func key(_ number: Int) throws -> PublicKey {
            try #require(PublicKey([UInt8](repeating: UInt8(number), count: 32)))
        }
        for number in 0..<100 {
            #expect(provider.receive(request, from: try key(number)) == [])
            #expect(provider.receive(request, from: try key(number)) == [])
        }
        // The last 64 nodes, in order; who does not act for the auditor gets nothing.
        #expect(provider.receive(request, from: try key(200), acting: []) == [])
        let answers = sent(provider.step(.duties([Bench.open(Self.leaves)])))
        #expect(answers.map(\.party) == (try (37..<100).map { .node(try key($0)) }))
        #expect(provider.step(.duties([])) == [])
        #expect(provider.step(.duties([Bench.open(Self.leaves)])) == [])
    }

    @Test func lostRecordIsReportedOnce() throws {
        var provider = Bench()
        _ = provider.step(.duties([Bench.open(Self.leaves)]))
        let request = Message.auditRequest(
            .init(job: Bench.job, leaves: Self.leaves, commitment: .zero))
        #expect(
            provider.receive(request) == [.report(.cannotOpen(Bench.job, to: Bench.auditor))])
        #expect(provider.receive(request) == [])
    }
}
