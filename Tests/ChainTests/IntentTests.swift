import Chain
import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// What a node says by itself: once, in time, and whole.
@Suite struct IntentTests {
    private static func offer(_ capacity: UInt16) -> Chain.Intent {
        .offer(
            Chain.OfferTerms(
                pricePerGigaGas: Amount(5), capacity: capacity, classes: [1], maxJobGas: 1 << 40,
                bond: Amount(Amount.motesPerStar), device: "test",
                node: World.providerNode.publicKey, standsUntil: LedgerTime(ms: 100_000_000)))
    }

    private func waiting(_ world: World) -> UInt64? {
        world.query(.status)["mempool"]?.u64Value
    }

    /// Fails if `onIntend` does not look into the pool: resends would fill the window of 64 nonces,
    /// and each would be paid.
    @Test func aWishSaidAgainIsOneTransaction() throws {
        let world = try World()
        let first = world.say(World.provider, Self.offer(1))
        let id = try #require(world.accepted[first])
        for _ in 0..<80 {
            let again = world.say(World.provider, Self.offer(1))
            #expect(world.accepted[again] == id)
        }
        #expect(self.waiting(world) == 1)
        // Other words, or another account's.
        let other = world.say(World.provider, Self.offer(2))
        #expect(world.accepted[other] != nil && world.accepted[other] != id)
        let second = world.say(World.second, Self.offer(1))
        #expect(world.accepted[second] != nil && world.accepted[second] != id)
        #expect(self.waiting(world) == 3)
        world.block()
        #expect(world.final.count == 3)
        // Once it is final the next one is another.
        let later = world.say(World.provider, Self.offer(1))
        #expect(world.accepted[later] != nil && world.accepted[later] != id)
    }

    /// Fails if `isAdmissible` is not asked: the wish would be answered for with a transaction that
    /// no block takes.
    @Test func aWishWhoseTransactionExpiredIsSaidAnew() throws {
        let world = try World()
        let first = world.say(World.provider, Self.offer(1))
        // A leader elsewhere: time passes, and the pool is not emptied.
        let pool = try World()
        for _ in 0..<7 { pool.block(after: 10_000, heartbeat: true) }
        for record in pool.disk.blocks {
            world.send(
                .replay(block: record.header + record.body, certificate: record.certificate))
        }
        world.wallMs = pool.wallMs
        let again = world.say(World.provider, Self.offer(1))
        let ids = [first, again].compactMap { world.accepted[$0] }
        #expect(Set(ids).count == 2, "\(String(describing: world.refusals[again]))")
    }

    /// Fails if `echoes` is not asked, or not answered: the first may wait for a slow wallet.
    @Test func aWishSaidAgainWhileItIsSignedIsOneTransaction() throws {
        let world = try World()
        world.holds = true
        let tokens = (0..<4).map { _ in world.say(World.provider, Self.offer(1)) }
        #expect(tokens.allSatisfy { world.accepted[$0] == nil && world.refusals[$0] == nil })
        #expect(world.release() == 1, "one signature is wanted")
        let ids = tokens.compactMap { world.accepted[$0] }
        #expect(ids.count == 4 && Set(ids).count == 1)
        #expect(self.waiting(world) == 1)
        // A wallet that does not sign refuses them all, and nothing is left of it.
        world.holds = true
        let refused = (0..<3).map { _ in world.say(World.provider, Self.offer(2)) }
        world.keys.removeAll { $0.publicKey == World.provider.publicKey }
        #expect(world.release() == 1)
        #expect(refused.allSatisfy { world.refusals[$0]?.name == "chain.notSigned" })
        // A few wait; more are refused.
        let many = (0..<20).map { _ in world.say(World.second, Self.offer(1)) }
        #expect(many.filter { world.refusals[$0] != nil }.count == 3)
    }

    /// Fails without the tips: deadlines that cost a stake would come behind traffic that pays.
    @Test func whatANodeSaysComesBeforeOrdinaryTraffic() throws {
        let world = try World()
        let (id, liar) = try world.commitOne(lies: Array(0..<TestKernel.leaves))
        let lie = world.run(id, by: liar, lies: Array(0..<TestKernel.leaves))
        world.final = []
        let payment = world.fresh()
        world.send(
            .prepare(
                .init(
                    account: World.account(World.requester),
                    operations: [World.transfer(World.provider, 1)], tip: Amount(900),
                    mode: .submit),
                token: payment))
        let offer = world.say(World.second, Self.offer(1))
        let proof = world.say(World.auditor, try lie.proof(0))
        world.block()
        let order = [proof, offer, payment].compactMap { world.accepted[$0] }
        #expect(order.count == 3)
        #expect(world.final.map(\.id) == order)
        #expect(world.final.map { $0.receipt["tip"]?.u64Value } == [100_000, 1_000, 900])
        #expect(try world.faults() == [])
    }

    /// Fails if `fill` holds an empty block to the halved limit: in a row of nullified views a
    /// proof would never find a place.
    @Test func aLargeTransactionFindsAnEmptyBlock() throws {
        let world = try World()
        let key = World.requester
        func transaction(_ nonce: UInt64, _ bytes: Int, tip: UInt64) -> Transaction {
            let answer = JobAnswer(
                job: .zero, opening: .blank, chunks: [], bytes: [UInt8](repeating: 1, count: bytes))
            let policy = Policy(key.publicKey)
            var transaction = Transaction(
                account: World.account(key), nonce: nonce, validUntil: LedgerTime(ms: 1_060_000),
                maxFee: Amount(Amount.motesPerStar), tip: Amount(tip),
                operations: [OperationCatalogue.encode(answer)], policy: policy)
            transaction.sign([key], under: policy, world.genesis.salt)
            return transaction
        }
        let list = [
            transaction(0, 1_000, tip: 5), transaction(1, 200_000, tip: 3),
            transaction(2, 1_000, tip: 2),
        ]
        for one in list {
            world.send(.submit(transaction: one.canonicalBytes, token: world.fresh()))
        }
        #expect(self.waiting(world) == 3)
        let ids = list.map { $0.id(world.genesis.salt) }
        world.block(nullified: 8)
        #expect(world.final.map(\.id) == [ids[0], ids[2]])
        world.block(nullified: 8)
        #expect(world.final.map(\.id) == [ids[0], ids[2], ids[1]])
    }
}
