import Gossip
import Primitives
import Testing

/// Missing blocks are asked for, of one peer at a time, until the head is where the others' is.
@Suite struct SyncTests {
    private func ranges(_ effects: [Gossip.Effect]) -> [UInt64] {
        effects.said.compactMap { if case .wantRange(let from, 64) = $0 { from } else { nil } }
    }

    private func blocks(_ count: Int) -> [SyncedBlock] {
        [SyncedBlock](repeating: SyncedBlock(block: [1], certificate: [2]), count: count)
    }

    @Test func farBehindAsksAtOnceNearlyThereWaits() {
        var script = Script()
        script.step(.start)
        script.step(.head(height: 10))
        #expect(self.ranges(script.meet(Cast.bob, on: 1, height: 17)) == [])
        #expect(self.ranges(script.receive(.status(height: 18), on: 1)) == [11])
        let range = PeerMessage.range(from: 11, self.blocks(8))
        #expect(script.receive(range, on: 1) == [.deliver(range, from: Cast.bob)])
        #expect(script.receive(range, on: 1) == [], "nobody asked for it again")
        #expect(self.ranges(script.step(.head(height: 18))) == [])
        script.receive(.status(height: 19), on: 1)
        #expect(self.ranges(script.wait(ms: 750)) == [])
        #expect(self.ranges(script.wait(ms: 500)) == [19])
    }

    @Test func asksOnWhenTheHeadMoved() {
        var script = Script()
        script.step(.start)
        #expect(self.ranges(script.meet(Cast.bob, on: 1, height: 200)) == [1])
        script.receive(.range(from: 1, self.blocks(64)), on: 1)
        #expect(self.ranges(script.step(.head(height: 30))) == [])
        #expect(self.ranges(script.step(.head(height: 64))) == [65])
        script.receive(.range(from: 65, self.blocks(64)), on: 1)
        script.step(.head(height: 128))
        script.receive(.range(from: 129, self.blocks(64)), on: 1)
        #expect(self.ranges(script.step(.head(height: 192))) == [193])
    }

    @Test func silenceAndUselessBlocksRotate() {
        var script = Script()
        script.step(.start)
        script.meet(Cast.bob, on: 1, height: 100)
        script.meet(Cast.carol, on: 3, height: 100)
        func target(_ effects: [Gossip.Effect]) -> [ConnectionID] {
            effects.compactMap {
                if case .send(let id, .sync, _) = $0 { id } else { nil }
            }
        }
        // Bob was asked at once, and is silent.
        #expect(target(script.wait(ms: 3_250)) == [3])
        // Carol's blocks lead nowhere: all were tried, so after a pause somebody is asked again.
        let range = PeerMessage.range(from: 1, self.blocks(5))
        #expect(script.receive(range, on: 3).count == 1)
        #expect(target(script.wait(ms: 3_000)).isEmpty)
        let again = target(script.wait(ms: 2_000))
        #expect(again.count == 1)
        // An empty range is no answer either.
        let id = again.first ?? 0
        let next = script.receive(.range(from: 1, []), on: id)
        #expect(target(next) == [4 - id])
    }

    @Test func nodesWishIsAskedForOnce() {
        var script = Script()
        script.step(.start)
        script.step(.head(height: 10))
        script.meet(Cast.bob, on: 1, height: 11)
        #expect(self.ranges(script.step(.catchUp(above: 7))) == [8])
        script.receive(.range(from: 8, self.blocks(4)), on: 1)
        #expect(self.ranges(script.step(.head(height: 11))) == [])
        #expect(self.ranges(script.step(.catchUp(above: 11))) == [], "nobody has them")
        #expect(self.ranges(script.receive(.status(height: 12), on: 1)) == [12])
        #expect(script.step(.catchUp(above: .max)).isEmpty)
        // A wish that came true meanwhile is not asked for once more.
        script.receive(.range(from: 12, self.blocks(1)), on: 1)
        script.step(.catchUp(above: 11))
        #expect(self.ranges(script.step(.head(height: 12))) == [])
        #expect(self.ranges(script.wait(ms: 5_000)) == [])
    }

    @Test func wantsArePassedOnUpToAnAllowance() {
        var script = Script()
        script.step(.start)
        script.meet(Cast.bob, on: 1)
        var delivered = 0
        for _ in 0..<100 {
            delivered += script.receive(.wantRange(from: 1, count: 64), on: 1).count
        }
        #expect(delivered == 16)
        script.now = script.now.adding(ms: 1_000)
        #expect(script.receive(.wantRange(from: 1, count: 64), on: 1).count == 1)
    }

    @Test func latecomersCatchUpDespiteALiarAndBreaks() {
        for seed in UInt64(0)..<10 {
            var mesh = Mesh(4, seed: seed) { $0 == 0 ? [] : [0] }
            mesh.start([0, 1, 2])
            for node in 0..<3 {
                mesh.members[node].head = 700
                mesh.give(node, .head(height: 700))
            }
            mesh.members[1].isLiar = true
            mesh.run(ms: 5_000)
            mesh.start([3])
            for _ in 0..<4 {
                mesh.run(ms: 700)
                mesh.breakOne()
            }
            #expect(mesh.run(ms: 120_000) { $0.members[3].head == 700 }, "seed \(seed)")
        }
    }
}
