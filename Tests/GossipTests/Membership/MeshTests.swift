import Gossip
import Primitives
import Testing

/// Several cores in one world of delays and broken connections.
@Suite struct MeshTests {
    /// A line of contacts becomes a full mesh with one connection for each pair.
    @Test func aFullMeshForms() {
        for seed in UInt64(0)..<20 {
            var mesh = Mesh(6, seed: seed) { $0 == 0 ? [] : [$0 - 1] }
            mesh.start(Array(0..<6))
            #expect(mesh.run(ms: 30_000) { $0.isFull }, "seed \(seed)")
            #expect(mesh.members.allSatisfy { $0.violations.isEmpty }, "seed \(seed)")
        }
    }

    /// All dial all at once, and connections break at random: it heals each time.
    @Test func simultaneousDialsLeaveOneConnection() {
        for seed in UInt64(0)..<20 {
            var mesh = Mesh(4, seed: seed) { me in (0..<4).filter { $0 != me } }
            mesh.start(Array(0..<4))
            #expect(mesh.run(ms: 30_000) { $0.isFull }, "seed \(seed)")
            for _ in 0..<10 {
                mesh.run(ms: mesh.random.below(3_000))
                mesh.breakOne()
            }
            #expect(mesh.run(ms: 40_000) { $0.isFull }, "seed \(seed)")
            mesh.run(ms: 5_000)
            #expect(mesh.isFull, "seed \(seed) stays full")
            #expect(mesh.members.allSatisfy { $0.violations.isEmpty }, "seed \(seed)")
        }
    }

    /// The same seed gives the same world.
    @Test func repeatsItself() {
        func run() -> [String] {
            var mesh = Mesh(4, seed: 3) { $0 == 0 ? [] : [0] }
            mesh.start([0, 1, 2, 3])
            mesh.run(ms: 3_000)
            mesh.breakOne()
            mesh.run(ms: 3_000)
            return mesh.members.flatMap { $0.core.peers.map { "\($0)" } }
        }
        #expect(run() == run())
    }
}
