import Gossip
import Primitives
import Testing

/// Blobs from several peers, each group checked before it is written.
@Suite struct BlobTests {
    private let bytes = Cast.blob(100_000)
    private var blob: BlobID { BlobHasher.id(self.bytes) }
    private var groups: BlobGroups { BlobGroups(of: self.bytes) }

    private func group(_ index: Int) -> [UInt8] {
        let start = index * BlobGroups.bytesPerGroup
        return Array(self.bytes[start..<min(self.bytes.count, start + BlobGroups.bytesPerGroup)])
    }

    private func description(from: UInt64 = 0) -> BlobMessage {
        let digests = Array(self.groups.digests[Int(min(from, 7))...])
        return .description(self.blob, bytes: self.groups.bytes, from: from, digests)
    }

    /// A node that fetches, with connections for blobs 2 to Bob and 4 to Carol.
    private func fetching(
        bytesMax: UInt64 = 1 << 20
    ) -> (script: Script, asked: [(id: ConnectionID, message: BlobMessage)]) {
        var script = Script()
        script.step(.start)
        script.meet(Cast.bob, on: 1)
        script.meet(Cast.carol, on: 3)
        let dials = script.step(.fetch(self.blob, bytesMax: bytesMax, token: 9))
        #expect(
            dials == [
                .dial(Cast.address(Cast.bob), 2, .blobs),
                .dial(Cast.address(Cast.carol), 4, .blobs),
            ])
        let effects =
            script.step(.connected(2, peer: Cast.bob, purpose: .blobs, isOutbound: true))
            + script.step(.connected(4, peer: Cast.carol, purpose: .blobs, isOutbound: true))
        return (script, effects.asked)
    }

    @Test func isDescribedOpenedMovedAndDone() {
        var (script, asked) = self.fetching()
        #expect(asked.map(\.id) == [2, 4])
        #expect(asked.allSatisfy { $0.message == .describe(self.blob, from: 0) })
        let description = BlobDescription(bytes: 100_000, groups: self.groups.digests)
        #expect(
            script.receive(self.description(), on: 2) == [.openBlob(self.blob, description)])
        script.receive(self.description(), on: 4)
        // The first two groups are here from an earlier run.
        let present = [true, true, false, false, false, false, false]
        var wants = script.step(.blobOpened(self.blob, present: present)).asked
        #expect(wants.map(\.message) == (2..<7).map { .want(self.blob, group: $0) })
        #expect(wants.map(\.id) == [2, 2, 2, 2, 2], "at most eight in flight")
        for index in 2..<6 {
            let answer = BlobMessage.group(self.blob, group: UInt64(index), self.group(index))
            #expect(
                script.receive(answer, on: 2).first
                    == .writeBlob(
                        self.blob, group: UInt64(index), self.group(index), isLast: false))
        }
        // The same once more, and one that nobody asked for: nothing happens.
        let twice = BlobMessage.group(self.blob, group: 2, self.group(2))
        #expect(script.receive(twice, on: 2) == [])
        wants = []
        let last = BlobMessage.group(self.blob, group: 6, self.group(6))
        #expect(
            script.receive(last, on: 2)
                == [.writeBlob(self.blob, group: 6, self.group(6), isLast: true)])
        // Wanted twice, fetched once.
        #expect(script.step(.fetch(self.blob, bytesMax: 1 << 20, token: 10)) == [])
        #expect(
            script.step(.blobDone(self.blob, true)) == [
                .fetched(self.blob, bytes: 100_000, token: 9),
                .fetched(self.blob, bytes: 100_000, token: 10),
            ])
        let closes = script.wait(ms: 40_000).closes
        #expect(closes == ["idle", "idle"])
    }

    @Test func aWrongGroupMovesToAnotherSource() {
        var (script, _) = self.fetching()
        script.receive(self.description(), on: 2)
        script.receive(self.description(), on: 4)
        script.step(.blobOpened(self.blob, present: [Bool](repeating: false, count: 7)))
        var bad = self.group(0)
        bad[7] ^= 1
        let effects = script.receive(.group(self.blob, group: 0, bad), on: 2)
        #expect(effects.violations == ["blob \(self.blob.short): group 0 is another"])
        #expect(effects.asked.allSatisfy { $0.id == 4 })
        #expect(
            Set(effects.asked.map(\.message)) == Set((0..<7).map { .want(self.blob, group: $0) }))
        #expect(!effects.contains { if case .writeBlob = $0 { true } else { false } })
        #expect(script.core.peers.count == 2, "its votes still count")
    }

    @Test func aDescriptionOfSomethingElseIsNotUsed() {
        var wrong = self.groups.digests
        wrong[3] = .zero
        let rows: [(BlobMessage, String)] = [
            (
                .description(self.blob, bytes: 100_000, from: 0, wrong),
                "a description of something else"
            ),
            (
                .description(self.blob, bytes: 99_999, from: 0, self.groups.digests),
                "a description of something else"
            ),
            (
                .description(self.blob, bytes: 100_000, from: 0, Array(wrong.prefix(6))),
                "a page of the wrong size"
            ),
            (.description(self.blob, bytes: 1, from: 0, []), "a page of the wrong size"),
        ]
        for (message, text) in rows {
            var (script, _) = self.fetching()
            let effects = script.receive(message, on: 2)
            #expect(effects.violations == ["blob \(self.blob.short): \(text)"])
            #expect(!effects.contains { if case .openBlob = $0 { true } else { false } })
            let opened = script.receive(self.description(), on: 4)
            #expect(opened.contains { if case .openBlob = $0 { true } else { false } })
        }
    }

    @Test func tooLargeIsNeverOpened() {
        var (script, _) = self.fetching(bytesMax: 99_999)
        var effects = script.receive(self.description(), on: 2)
        effects += script.receive(
            .description(
                self.blob, bytes: .max, from: 0, [Digest](repeating: .zero, count: 1_024)), on: 4)
        #expect(!effects.contains { if case .openBlob = $0 { true } else { false } })
        for _ in 0..<100 {
            let more = script.wait(ms: 250)
            effects += more
            for (id, message) in more.asked {
                guard case .describe = message else { continue }
                effects += script.receive(self.description(), on: id)
            }
        }
        let reason = "it has more than 99999 bytes"
        #expect(effects.contains(.fetchFailed(self.blob, reason: reason, token: 9)))
        #expect(!effects.contains { if case .openBlob = $0 { true } else { false } })
        // One of two requests for the same blob is content with its size.
        var (both, _) = self.fetching(bytesMax: 99_999)
        both.step(.fetch(self.blob, bytesMax: 200_000, token: 10))
        let two = both.receive(self.description(), on: 2)
        #expect(two.first == .fetchFailed(self.blob, reason: reason, token: 9))
    }

    @Test func absentEverywhereFailsAfterThreeRounds() {
        var (script, asked) = self.fetching()
        var effects: [Gossip.Effect] = []
        var rounds = 0
        for _ in 0..<40 {
            for (id, _) in asked {
                rounds += 1
                effects += script.receive(.absent(self.blob), on: id)
            }
            let more = script.wait(ms: 250)
            effects += more
            asked = more.asked
        }
        #expect(rounds == 6, "two sources, three times")
        let failed = Gossip.Effect.fetchFailed(
            self.blob, reason: "no connected peer has it", token: 9)
        #expect(effects.filter { $0 == failed }.count == 1)
        var lonely = Script()
        lonely.step(.start)
        lonely.step(.fetch(self.blob, bytesMax: 1, token: 1))
        let alone = Gossip.Effect.fetchFailed(self.blob, reason: "no peer is connected", token: 1)
        #expect(lonely.wait(ms: 30_000) == [alone])
    }

    @Test func servesItsOwnAndBoundsTheQueue() {
        var script = Script()
        script.step(.start)
        script.meet(Cast.bob, on: 1)
        script.step(.connected(3, peer: Cast.bob, purpose: .blobs, isOutbound: false))
        #expect(
            script.receive(.describe(self.blob, from: 0), on: 3)
                == [.describeBlob(self.blob, token: 0)])
        let description = BlobDescription(bytes: 100_000, groups: self.groups.digests)
        #expect(
            script.step(.blobDescribed(self.blob, description, token: 0)).asked.map(\.message)
                == [self.description()])
        // Known now: the next page, beyond the end, is answered at once.
        #expect(
            script.receive(.describe(self.blob, from: 7), on: 3).asked.map(\.message)
                == [.description(self.blob, bytes: 100_000, from: 7, [])])
        #expect(
            script.receive(.want(self.blob, group: 6), on: 3)
                == [.readBlob(self.blob, group: 6, token: 1)])
        #expect(
            script.step(.blobRead(self.blob, group: 6, self.group(6), token: 1)).asked
                .map(\.message) == [.group(self.blob, group: 6, self.group(6))])
        script.receive(.want(self.blob, group: 7), on: 3)
        #expect(
            script.step(.blobRead(self.blob, group: 7, nil, token: 2)).asked.map(\.message)
                == [.absent(self.blob)])
        var effects: [Gossip.Effect] = []
        for group in 0..<(4 + 64) {
            effects += script.receive(.want(self.blob, group: UInt64(group)), on: 3)
        }
        #expect(effects.count == 4, "four reads at once")
        #expect(
            script.receive(.want(self.blob, group: 0), on: 3).violations
                == ["blobs: too many requests"])
        #expect(script.core.peers.isEmpty)
    }

    @Test func theEmptyBlobHasOneWrite() {
        let empty = BlobHasher.id([])
        var script = Script()
        script.step(.start)
        script.meet(Cast.bob, on: 1)
        script.step(.fetch(empty, bytesMax: 0, token: 1))
        script.step(.connected(2, peer: Cast.bob, purpose: .blobs, isOutbound: true))
        let opened = script.receive(.description(empty, bytes: 0, from: 0, []), on: 2)
        #expect(opened == [.openBlob(empty, BlobDescription(bytes: 0, groups: []))])
        #expect(
            script.step(.blobOpened(empty, present: []))
                == [.writeBlob(empty, group: 0, [], isLast: true)])
        #expect(
            script.step(.blobDone(empty, false))
                == [
                    .closeBlob(empty),
                    .fetchFailed(empty, reason: "it cannot be stored", token: 1),
                ])
    }
}
