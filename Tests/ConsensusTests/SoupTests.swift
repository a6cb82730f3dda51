import Consensus
import Primitives
import Testing

/// The shipping code for four validators under random order, loss, crashes and a Byzantine twin.
@Suite struct SoupTests {
    @Test func agreesAlwaysAndProgressesWhenMessagesArrive() {
        var evidence = 0
        var forks = 0
        for seed in UInt64(0)..<200 {
            var world = World(seed: seed, twin: seed.isMultiple(of: 2))
            world.lossPercent = [0, 10, 40][Int(seed % 3)]
            for _ in 0..<1500 {
                _ = world.next()
                if world.random.below(400) == 0 {
                    world.restart(Int(world.random.below(UInt64(world.nodes.count))))
                }
            }
            world.lossPercent = 0  // Healed: three more blocks everywhere.
            let goal = world.progress + 3
            var steps = 0
            while world.progress < goal && steps < 20_000 && world.faults.isEmpty {
                guard world.next() else { break }
                steps += 1
            }
            #expect(world.faults.isEmpty, "seed \(seed)")
            #expect(world.progress >= goal, "seed \(seed) after \(steps) steps")
            evidence += world.evidence
            forks += world.forks
        }
        #expect(evidence > 0 && forks > 0, "liars lie, and twins that lead are caught sometimes")
    }

    /// The same seed gives the same world.
    @Test func repeatsItself() {
        var one = World(seed: 7, twin: true)
        var other = World(seed: 7, twin: true)
        for _ in 0..<800 {
            _ = one.next()
            _ = other.next()
        }
        #expect(one.nodes.map(\.core) == other.nodes.map(\.core))
        #expect(one.final == other.final)
    }

    /// With two of four gone nothing is final, however much time passes (attack 4).
    @Test func stallsWithoutAQuorum() {
        var world = World(seed: 3, twin: false)
        world.soup.removeAll { $0.node >= 2 }
        for _ in 0..<3000 {
            _ = world.next()
            world.soup.removeAll { $0.node >= 2 }
            world.timers.removeAll { $0.node >= 2 }
        }
        #expect(world.final.isEmpty)
        #expect(world.faults.isEmpty)
    }

    /// All vote and crash before counting; the durable votes are enough to go on (attacks 1, 70).
    @Test func votesSurviveACrashOfAll() {
        for seed in UInt64(0)..<20 {
            var world = World(seed: 1000 + seed, twin: false)
            for _ in 0..<6 {
                for _ in 0..<120 { _ = world.next() }
                world.soup = []
                world.timers = []
                for index in world.nodes.indices { world.restart(index) }
            }
            let goal = world.progress + 2
            for _ in 0..<8000 where world.progress < goal { _ = world.next() }
            #expect(world.progress >= goal, "seed \(seed)")
            #expect(world.faults.isEmpty, "seed \(seed)")
        }
    }

    /// Half the messages of each kind vanish for a while: halves of the network stand in different
    /// places, one with a notarization, one with a nullification (attack 2).
    @Test func healsSplitViews() {
        for seed in UInt64(0)..<40 {
            var world = World(seed: 2000 + seed, twin: false)
            for _ in 0..<1200 {
                _ = world.next()
                // Nodes 0 and 1 get no nullifications, nodes 2 and 3 no notarizations.
                world.soup.removeAll { event in
                    guard case .received(.certificate(let certificate), _) = event.input else {
                        return false
                    }
                    return certificate.kind == (event.node < 2 ? .nullify : .notarize)
                }
            }
            let goal = world.progress + 2
            for _ in 0..<10_000 where world.progress < goal { _ = world.next() }
            #expect(world.progress >= goal, "seed \(seed)")
            #expect(world.faults.isEmpty, "seed \(seed)")
        }
    }
}
