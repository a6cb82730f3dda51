import Primitives
import Testing

/// One proof for several leaves.
@Suite struct MerkleManyTests {
    private let salt = ChainSalt(GenesisID(Blake2b.hash(.vector, .none, [1])))

    private func leaves(_ count: Int) -> [Digest] {
        (0..<count).map { Blake2b.hash(.leaf, .none, [UInt8($0 & 255), UInt8($0 >> 8)]) }
    }

    private func root(
        _ known: [(index: UInt64, leaf: Digest)], _ count: Int, _ siblings: [Digest]
    ) -> Digest? {
        Merkle.root(of: known, count: UInt64(count), siblings: siblings, .leaves, self.salt)
    }

    /// The proof gives the root, with one sibling more or less it gives nothing, and with another
    /// digest in any place another root.
    private func check(_ indexes: [UInt64], _ leaves: [Digest], changes: Bool = true) {
        let (count, root) = (leaves.count, Merkle.root(leaves, .leaves, self.salt))
        let siblings = Merkle.siblings(of: indexes, leaves, .leaves, self.salt)
        let known = indexes.map { (index: $0, leaf: leaves[Int($0)]) }
        let name = Comment(rawValue: "\(indexes) of \(count)")
        #expect(self.root(known, count, siblings) == root, name)
        #expect(self.root(known, count, siblings + [.zero]) == nil, name)
        if !siblings.isEmpty { #expect(self.root(known, count, siblings.dropLast()) == nil, name) }
        guard changes else { return }
        for place in known.indices {
            var other = known
            other[place].leaf = .zero
            #expect(self.root(other, count, siblings) != root, name)
        }
        for place in siblings.indices {
            var other = siblings
            other[place] = .zero
            #expect(self.root(known, count, other) != root, name)
        }
    }

    @Test func everySetOfLeavesOfSmallTrees() {
        for count in 1...9 {
            let leaves = self.leaves(count)
            for set in 1..<1 << count {
                let indexes = (0..<UInt64(count)).filter { set >> Int($0) & 1 == 1 }
                self.check(indexes, leaves, changes: set % 7 == 1)
            }
        }
    }

    @Test func someSetsOfLargerTrees() {
        var random = Generator(seed: .zero)
        for count in Array(10...70) + [127, 128, 129, 1_000] {
            let leaves = self.leaves(count)
            for share in [UInt64(2), 5, 50] {
                let indexes = (0..<UInt64(count)).filter { _ in random.below(share) == 0 }
                if !indexes.isEmpty { self.check(indexes, leaves, changes: count < 40) }
            }
            self.check(Array(0..<UInt64(count)), leaves, changes: false)
        }
    }

    /// A proof of one leaf is its path; all leaves need no sibling.
    @Test func oneLeafAndAllLeaves() {
        for count in 1...33 {
            let leaves = self.leaves(count)
            for index in 0..<count {
                let siblings = Merkle.siblings(of: [UInt64(index)], leaves, .leaves, self.salt)
                #expect(siblings == Merkle.path(leaves, index, .leaves, self.salt))
            }
            let all = Array(0..<UInt64(count))
            #expect(Merkle.siblings(of: all, leaves, .leaves, self.salt).isEmpty)
        }
    }

    @Test func wrongIndexesGiveNothing() {
        let leaves = self.leaves(6)
        let siblings = Merkle.siblings(of: [1, 4], leaves, .leaves, self.salt)
        let (one, four) = ((index: UInt64(1), leaf: leaves[1]), (index: UInt64(4), leaf: leaves[4]))
        #expect(self.root([one, four], 6, siblings) == Merkle.root(leaves, .leaves, self.salt))
        #expect(self.root([four, one], 6, siblings) == nil)
        #expect(self.root([one, one, four], 6, siblings) == nil)
        #expect(self.root([one, four], 4, siblings) == nil)
        #expect(self.root([one, four], 0, siblings) == nil)
        #expect(self.root([one, (.max, leaves[4])], 6, siblings) == nil)
        #expect(self.root([], 6, []) == nil)
        #expect(self.root([], 0, []) == nil)
        #expect(self.root([], 6, siblings) == nil)
        // The shape of another count asks for other siblings.
        #expect(self.root([one, four], 5, siblings) == nil)
        #expect(Merkle.siblings(of: [], leaves, .leaves, self.salt).isEmpty)
    }

    /// Counts that no list could have: 64 levels, and no trap.
    @Test func hugeCounts() {
        let leaf = self.leaves(1)[0]
        let counts: [UInt64] = [.max, 1 << 63, 1 << 63 + 1]
        for count in counts {
            let indexes: [UInt64] = [0, 1, count / 2, count - 2, count - 1]
            for index in indexes {
                for length in [0, 1, 62, 63, 64, 65] {
                    let path = [Digest](repeating: .zero, count: length)
                    let many = Merkle.root(
                        of: [(index, leaf)], count: count, siblings: path, .leaves, self.salt)
                    let one = Merkle.climb(
                        leaf: leaf, index: index, count: count, path: path, .leaves, self.salt)
                    #expect(many == one, "\(index) of \(count), \(length) siblings")
                }
            }
        }
        let path = [Digest](repeating: .zero, count: 63)
        let known = [(index: UInt64(1) << 63 - 1, leaf: leaf)]
        #expect(
            Merkle.root(of: known, count: 1 << 63, siblings: path, .leaves, self.salt) != nil)
    }

    /// Chunks of a blob lead to its id.
    @Test func chunksLeadToTheBlob() {
        var random = Generator(seed: .zero)
        for size in [1, 4_095, 4_096, 4_097, 20_000, 70_000] {
            let blob = random.bytes(size)
            let chunks = stride(from: 0, to: size, by: 4_096).map { start in
                BlobHasher.chunk(blob[start..<min(size, start + 4_096)])
            }
            let root = Merkle.root(chunks, .blob, .none)
            #expect(BlobHasher.id(count: UInt64(size), root: root) == BlobHasher.id(blob))
            #expect(BlobHasher.id(count: UInt64(size) + 1, root: root) != BlobHasher.id(blob))
            let last = UInt64(chunks.count) - 1
            let siblings = Merkle.siblings(of: [last], chunks, .blob, .none)
            #expect(
                Merkle.root(
                    of: [(last, chunks[Int(last)])], count: last + 1, siblings: siblings, .blob,
                    .none) == root)
        }
    }
}
