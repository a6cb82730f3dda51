import Kernels
import Primitives
import Testing

@Suite struct SampleTests {
    private func digest(_ byte: UInt8) -> Digest {
        Digest([UInt8](repeating: byte, count: 32)) ?? .zero
    }

    private func sample(
        _ count: UInt16, of leaves: UInt64, reveal: UInt8 = 1, mix: UInt8 = 2, job: UInt8 = 3,
        salt: ChainSalt = .none
    ) -> [UInt64] {
        Sample.leaves(
            count, of: leaves, reveal: self.digest(reveal), mix: self.digest(mix),
            job: JobID(self.digest(job)), salt)
    }

    /// From Python's hashlib, which shares no code with libsodium.
    @Test func pinned() {
        #expect(self.sample(6, of: 1_000) == [559, 591, 396, 392, 940, 968])
        let salt = ChainSalt(GenesisID(self.digest(9)))
        #expect(
            self.sample(6, of: 1 << 24, salt: salt)
                == [6_883_601, 8_596_817, 15_268_904, 338_363, 14_696_957, 15_701_239])
        #expect(self.sample(5, of: 7) == [5, 1, 2, 4, 6])
    }

    @Test func leavesAreDistinctAndInRange() {
        let rows: [(UInt16, UInt64, Int)] = [
            (0, 10, 0), (4, 0, 0), (1, 1, 1), (9, 4, 4), (16, 1 << 24, 16), (64, 64, 64),
            (65, 1_000, 64), (.max, .max, 64),
        ]
        for (count, leaves, wanted) in rows {
            let drawn = self.sample(count, of: leaves)
            #expect(drawn.count == wanted, "\(count) of \(leaves)")
            #expect(drawn.allSatisfy { $0 < leaves })
            #expect(Set(drawn).count == wanted)
            // A larger sample begins with the smaller one.
            #expect(drawn.prefix(3) == self.sample(3, of: leaves).prefix(wanted))
        }
        #expect(self.sample(7, of: 7).sorted() == Array(0..<7))
    }

    @Test func everyPartCounts() {
        let salt = ChainSalt(GenesisID(self.digest(9)))
        let samples = [
            self.sample(8, of: 1 << 20), self.sample(8, of: 1 << 20, reveal: 9),
            self.sample(8, of: 1 << 20, mix: 9), self.sample(8, of: 1 << 20, job: 9),
            self.sample(8, of: 1 << 20, reveal: 2, mix: 1), self.sample(8, of: 1 << 20, salt: salt),
        ]
        #expect(Set(samples).count == samples.count)
    }
}
