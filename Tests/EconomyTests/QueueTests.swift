import Economy
import Ledger
import Primitives
import Testing

@Suite struct QueueTests {
    static func state(at ms: UInt64 = 1_000_000) throws -> EconomyState {
        let genesis = TestGenesis.make()
        let built = try genesis.build()
        var moment = Moment()
        moment.height = 1
        moment.time = LedgerTime(ms: ms)
        let ledger = LedgerState(
            on: built.stack, parameters: genesis.ledger, time: moment.time)
        return EconomyState(
            ledger: ledger, salt: genesis.salt, moment: moment, parameters: genesis.parameters,
            kernels: KernelCache())
    }

    @Test func dueItemsComeByTimeThenSequence() throws {
        for seed in 0..<8 {
            var generator = Generator(seed: Blake2b.hash(.generator, .none, [UInt8(seed)]))
            var state = try Self.state(at: 1_000)
            var expected: [DueItem] = []
            var taken: Set<UInt64> = []
            for step in 0..<150 {
                let time = LedgerTime(ms: 900 + generator.below(150))
                var item = DueItem.blank
                item.time = time
                item.sequence = UInt64(step)
                expected.append(item)
                state.schedule(at: time, .job, .zero)
                if generator.below(3) == 0, let popped = state.popDue() {
                    taken.insert(popped.sequence)
                }
                let earliest = expected.filter { !taken.contains($0.sequence) }.min()
                #expect(state.nextDue == earliest?.time, "seed \(seed), step \(step)")
            }
            while let popped = state.popDue() { taken.insert(popped.sequence) }
            let due = expected.filter { $0.time.ms <= 1_000 }
            #expect(taken == Set(due.map(\.sequence)), "seed \(seed)")
            #expect(state.counters.due == UInt32(expected.count - due.count), "seed \(seed)")
        }
    }

    @Test func nothingIsTakenBeforeItsTime() throws {
        var state = try Self.state(at: 1_000)
        state.schedule(at: LedgerTime(ms: 1_001), .job, .zero)
        #expect(state.popDue() == nil)
        state.schedule(at: LedgerTime(ms: 1_000), .offer, .zero)
        #expect(state.popDue()?.kind == .offer)
        #expect(state.popDue() == nil)
    }
}

enum TestGenesis {
    static func key(_ number: UInt8) -> PublicKey {
        SecretKey(seed: [UInt8](repeating: number, count: 32)).proven("32 bytes").publicKey
    }

    static func make() -> Genesis {
        Genesis.dev(
            key: Self.key(9), anchor: .zero, auditAnchor: Blake2b.hash(.reveal, .none, [9]),
            payout: .of(key: Self.key(2)), time: LedgerTime(ms: 1_000_000),
            accounts: [
                GenesisAccount(
                    account: .of(key: Self.key(1)), balance: Amount(100 * Amount.motesPerStar))
            ])
    }
}
