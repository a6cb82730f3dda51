import Gossip
import Primitives
import Testing

/// Whole transfers among several nodes, some of which lie, break off or come late.
@Suite struct BlobMeshTests {
    private func mesh(_ seed: UInt64) -> Mesh {
        var mesh = Mesh(4, seed: seed) { $0 == 0 ? [] : [0] }
        mesh.start([0, 1, 2, 3])
        #expect(mesh.run(ms: 30_000) { $0.isFull })
        return mesh
    }

    @Test func comesFromTwoSourcesOfWhichOneLies() {
        for seed in UInt64(0)..<10 {
            let bytes = Cast.blob(1_000_000 + Int(seed) * 12_345, seed: "\(seed)")
            let blob = BlobHasher.id(bytes)
            var mesh = self.mesh(seed)
            for node in [1, 2, 3] { mesh.members[node].blobs[blob] = bytes }
            mesh.members[2].isLiar = true
            mesh.give(0, .fetch(blob, bytesMax: 1 << 21, token: 1))
            #expect(mesh.run(ms: 60_000) { $0.members[0].results[1] != nil }, "seed \(seed)")
            #expect(mesh.members[0].results[1] == "\(bytes.count) bytes", "seed \(seed)")
            #expect(mesh.members[0].blobs[blob] == bytes)
            #expect(mesh.members[0].violations.count == 1, "the liar is named once")
            #expect(mesh.members[1].served > 0 && mesh.members[3].served > 0, "seed \(seed)")
        }
    }

    /// Connections break all the time; what is here is never asked for again.
    @Test func goesOnAfterBreaks() {
        for seed in UInt64(0)..<10 {
            let bytes = Cast.blob(3_000_000, seed: "\(seed)")
            let blob = BlobHasher.id(bytes)
            var mesh = self.mesh(seed)
            mesh.members[3].blobs[blob] = bytes
            mesh.give(0, .fetch(blob, bytesMax: 1 << 22, token: 1))
            for _ in 0..<12 {
                mesh.run(ms: 100)
                mesh.breakOne()
            }
            #expect(mesh.run(ms: 90_000) { $0.members[0].results[1] != nil }, "seed \(seed)")
            #expect(mesh.members[0].results[1] == "\(bytes.count) bytes", "seed \(seed)")
            #expect(mesh.members[0].openings[blob] == 1, "seed \(seed)")
        }
    }

    /// A new core over the same store fetches only the rest.
    @Test func resumesAfterARestart() throws {
        let bytes = Cast.blob(3_000_000)
        let blob = BlobHasher.id(bytes)
        var mesh = self.mesh(1)
        mesh.members[3].blobs[blob] = bytes
        mesh.give(0, .fetch(blob, bytesMax: 1 << 22, token: 1))
        mesh.run(ms: 60_000) { ($0.members[0].partial[blob]?.count ?? 0) >= 100 }
        let before = mesh.members[0].partial[blob]?.count ?? 0
        #expect(before >= 100 && mesh.members[0].results.isEmpty)
        mesh.kill(0)
        mesh.run(ms: 1_000)
        let served = mesh.members[3].served
        let config = Gossip.Config(
            me: Cast.keys[0].publicKey, salt: Cast.salt, genesis: Cast.genesis,
            peers: [Cast.address(Cast.keys[1].publicKey)],
            address: Cast.address(Cast.keys[0].publicKey))
        mesh.members[0].core = Gossip(config: config, seed: Cast.digest("again"))
        mesh.members[0].isAlive = true
        mesh.start([0])
        mesh.give(0, .fetch(blob, bytesMax: 1 << 22, token: 2))
        #expect(mesh.run(ms: 60_000) { $0.members[0].results[2] != nil })
        #expect(mesh.members[0].results[2] == "\(bytes.count) bytes")
        let groups = Int(BlobGroups.count(bytes: UInt64(bytes.count)))
        #expect(mesh.members[3].served - served == groups - before)
    }

    /// Nobody has it at first; then somebody does.
    @Test func isFoundWhenItAppears() {
        let bytes = Cast.blob(50_000)
        let blob = BlobHasher.id(bytes)
        var mesh = self.mesh(2)
        mesh.give(0, .fetch(blob, bytesMax: 1 << 20, token: 1))
        mesh.run(ms: 1_000)
        mesh.members[2].blobs[blob] = bytes
        #expect(mesh.run(ms: 30_000) { $0.members[0].results[1] != nil })
        #expect(mesh.members[0].results[1] == "50000 bytes")
        mesh.give(0, .fetch(BlobID(Cast.digest("nothing")), bytesMax: 1, token: 2))
        #expect(mesh.run(ms: 30_000) { $0.members[0].results[2] != nil })
        #expect(mesh.members[0].results[2] == "no connected peer has it")
    }

    /// A node that accepts no connections serves over those that it dials.
    @Test func comesFromANodeThatCannotBeDialled() {
        let bytes = Cast.blob(200_000)
        let blob = BlobHasher.id(bytes)
        var mesh = Mesh(2, seed: 5) { _ in [] }
        let config = Gossip.Config(
            me: Cast.keys[1].publicKey, salt: Cast.salt, genesis: Cast.genesis,
            peers: [Cast.address(Cast.keys[0].publicKey)], address: nil)
        mesh.members[1].core = Gossip(config: config, seed: Cast.digest("quiet"))
        mesh.members[1].blobs[blob] = bytes
        mesh.start([0, 1])
        mesh.run(ms: 40_000)
        mesh.give(0, .fetch(blob, bytesMax: 1 << 20, token: 1))
        #expect(mesh.run(ms: 30_000) { $0.members[0].results[1] != nil })
        #expect(mesh.members[0].results[1] == "200000 bytes")
    }
}
