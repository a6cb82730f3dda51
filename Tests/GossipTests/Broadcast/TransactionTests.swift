import Gossip
import Primitives
import Testing

/// Transactions reach everybody once, newcomers too.
@Suite struct TransactionTests {
    @Test func ownOnesArePushedOthersOnlyAnnounced() {
        var script = Script()
        script.step(.start)
        script.meet(Cast.bob, on: 1)
        let own = Cast.transaction(1)
        let other = Cast.transaction(2)
        #expect(
            script.step(.transaction(own.bytes, id: own.id, isOwn: true)).said
                == [.transaction(own.bytes)])
        #expect(script.step(.transaction(own.bytes, id: own.id, isOwn: true)).said == [])
        #expect(script.step(.transaction(other.bytes, id: other.id, isOwn: false)).said == [])
        let ids = [own.id, other.id].map(\.digest.leadingWord)
        #expect(script.meet(Cast.carol, on: 3).said.contains(.haveTransactions(ids)))
        #expect(
            script.receive(.wantTransactions([ids[1], 77, ids[0]]), on: 3).said
                == [.transaction(other.bytes), .transaction(own.bytes)])
        // What was pushed is announced once more: a full queue may have dropped it.
        let later = script.wait(ms: 3_000).said.filter { $0.traffic == .transactions }
        #expect(
            later == [.haveTransactions([ids[0]]), .haveTransactions([ids[0]])],
            "to each of the two")
    }

    @Test func missingOnesAreAskedOfOnePeerAndThenOfTheNext() {
        var script = Script()
        script.step(.start)
        for (index, key) in [Cast.bob, Cast.carol].enumerated() {
            script.meet(key, on: ConnectionID(2 * index + 1))
        }
        let ids = (0..<40).map { Cast.transaction($0).id.digest.leadingWord }
        let first = script.receive(.haveTransactions(ids), on: 1)
        #expect(first.said == [.wantTransactions(Array(ids.prefix(32)))])
        #expect(script.receive(.haveTransactions(ids), on: 3).said == [])
        // Twenty-four come: eight are owed, so eight more and the rest are asked for.
        var said: [PeerMessage] = []
        for number in 0..<24 {
            let (bytes, id) = Cast.transaction(number)
            said += script.receive(.transaction(bytes), on: 1).said
            script.step(.transaction(bytes, id: id, isOwn: false))
        }
        #expect(said == [.wantTransactions(Array(ids[32...]))])
        // Silence: the other peer is asked.
        let effects = script.wait(ms: 2_500)
        #expect(effects.said == [.wantTransactions(Array(ids[24...]))])
        #expect(effects.contains { if case .send(3, _, _) = $0 { true } else { false } })
        // Nobody is left to ask a third time.
        script.wait(ms: 10_000)
        #expect(script.wait(ms: 10_000).said == [])
    }

    @Test func theWindowIsBounded() {
        var script = Script()
        script.step(.start)
        for number in 0..<5_000 {
            let (bytes, id) = Cast.transaction(number)
            script.step(.transaction(bytes, id: id, isOwn: false))
        }
        let ids = script.meet(Cast.bob, on: 1).said.flatMap { message -> [UInt64] in
            if case .haveTransactions(let ids) = message { ids } else { [] }
        }
        let expected = (904..<5_000).map { Cast.transaction($0).id.digest.leadingWord }
        #expect(ids == expected)
        var large = Script()
        large.step(.start)
        for number in 0..<40 {
            let id = Cast.transaction(number).id
            let bytes = [UInt8](repeating: UInt8(number), count: 512 << 10)
            large.step(.transaction(bytes, id: id, isOwn: false))
        }
        let kept = large.meet(Cast.bob, on: 1).said
        #expect(
            kept == [
                .haveTransactions((8..<40).map { Cast.transaction($0).id.digest.leadingWord })
            ])
        // One request for everything is answered with as much as a queue takes.
        let want = (8..<40).map { Cast.transaction($0).id.digest.leadingWord }
        #expect(large.receive(.wantTransactions(want), on: 1).said.count == 1)
        let tooLarge = [UInt8](repeating: 0, count: PeerMessage.transactionBytesMax + 1)
        #expect(
            large.step(.transaction(tooLarge, id: .zero, isOwn: true))
                == [.report(.unsendable("transaction"))])
    }

    @Test func reachAllOnceAndNewcomersLater() {
        for seed in UInt64(0)..<10 {
            var mesh = Mesh(5, seed: seed) { $0 == 0 ? [] : [0] }
            mesh.start([0, 1, 2, 3])
            #expect(mesh.run(ms: 30_000) { mesh in (0..<4).allSatisfy { Self.sees(mesh, $0, 3) } })
            let all = (0..<60).map { Cast.transaction($0) }
            for (index, transaction) in all.enumerated() {
                mesh.give(
                    index % 4, .transaction(transaction.bytes, id: transaction.id, isOwn: true))
            }
            mesh.run(ms: 5_000)
            for (index, transaction) in all.enumerated() {
                for node in 0..<4 {
                    let count = mesh.members[node].received[transaction.bytes] ?? 0
                    #expect(count == (node == index % 4 ? 0 : 1), "seed \(seed) node \(node)")
                }
            }
            mesh.start([4])
            mesh.run(ms: 10_000)
            for transaction in all {
                #expect(mesh.members[4].received[transaction.bytes] == 1, "seed \(seed)")
            }
        }
    }

    private static func sees(_ mesh: Mesh, _ node: Int, _ count: Int) -> Bool {
        mesh.members[node].core.peers.count == count
    }
}
