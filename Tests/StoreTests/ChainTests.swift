import Primitives
import Store
import Testing

@Suite struct ChainSegmentsTests {
    private func open(_ directory: Directory) throws -> Store {
        try Store(directory: directory.path, genesis: network, options: small)
    }

    @Test func appendsReadsAndRolls() throws {
        let directory = Directory()
        var heights: [UInt64] = []
        do {
            let store = try self.open(directory)
            #expect(store.chain.first == nil && store.chain.last == nil)
            for batch in 0..<10 {
                let low = UInt64(batch * 8 + 1)
                try store.chain.append((low..<low + 8).map { block($0, bodyBytes: 40_000) })
            }
        }
        #expect(try directory.bytes("chain/001.mdb").isEmpty == false, "it rolled")
        let store = try self.open(directory)
        #expect(store.chain.first == 1 && store.chain.last == 80)
        for height in [1, 8, 9, 40, 79, 80] as [UInt64] {
            #expect(try store.chain.block(at: height) == block(height, bodyBytes: 40_000))
        }
        #expect(try store.chain.block(at: 0) == nil)
        #expect(try store.chain.block(at: 81) == nil)
        try store.chain.blocks(from: 70) { (block) throws(StoreError) in
            heights.append(block.height)
            return block.height < 78
        }
        #expect(heights == Array(70...78))
    }

    @Test func refusesGapsAndRepeats() throws {
        let directory = Directory()
        let store = try self.open(directory)
        #expect(code { try store.chain.append([block(2)]) } == .outOfOrder)
        try store.chain.append([block(1)])
        #expect(code { try store.chain.append([block(1)]) } == .outOfOrder)
        #expect(code { try store.chain.append([block(2), block(4)]) } == .outOfOrder)
        #expect(store.chain.last == 1)
        try store.chain.append([block(2)])
        #expect(store.chain.last == 2)
    }

    /// A copy taken after each append opens with exactly what was acknowledged.
    @Test func acknowledgedBlocksSurvive() throws {
        let directory = Directory()
        let store = try self.open(directory)
        for height in UInt64(1)...12 {
            try store.chain.append([block(height, bodyBytes: 200_000)])
            let crashed = try directory.copy()
            let again = try self.open(crashed)
            #expect(again.chain.last == height)
            #expect(try again.chain.block(at: height) == block(height, bodyBytes: 200_000))
            try again.chain.append([block(height + 1)])
        }
    }

    @Test func aFileCutShortIsNamedAtStart() throws {
        let directory = Directory()
        do { try self.open(directory).chain.append((1...4).map { block($0, bodyBytes: 30_000) }) }
        let file = try directory.bytes("chain/000.mdb")
        for count in [1, 100, 4096, 8191, 8192, 20_000, file.count - 4096, file.count - 1] {
            let crashed = try directory.copy()
            try crashed.truncate("chain/000.mdb", to: count)
            do {
                _ = try self.open(crashed)
                Issue.record("opened with \(count) of \(file.count) bytes")
            } catch let error as StoreError {
                #expect(error.code == .shortFile || error.code == .damaged)
                #expect(error.path.hasSuffix("chain/000.mdb"))
            }
        }
        try directory.flip("chain/000.mdb", at: 17)
        #expect(code { _ = try self.open(directory) } == .damaged)
    }

    /// One flipped bit anywhere in a block's bytes: the block is not served, others are.
    @Test func aFlippedBitIsNeverServed() throws {
        let directory = Directory()
        let blocks = (UInt64(1)...4).map { block($0, bodyBytes: 30_000) }
        do { try self.open(directory).chain.append(blocks) }
        let file = try directory.bytes("chain/000.mdb")
        for part in [blocks[1].header, blocks[1].body, blocks[1].receipts, blocks[1].certificate] {
            for probe in [0, part.count / 2, part.count - 1] {
                let crashed = try directory.copy()
                let start = try #require(self.find(part.prefix(32), in: file))
                try crashed.flip("chain/000.mdb", at: start + probe, bit: 16)
                let store = try self.open(crashed)
                #expect(code { _ = try store.chain.block(at: 2) } == .damaged)
                #expect(try store.chain.block(at: 1) == blocks[0])
                #expect(try store.chain.block(at: 3) == blocks[2])
            }
        }
    }

    private func find(_ needle: ArraySlice<UInt8>, in file: [UInt8]) -> Int? {
        (0..<file.count - needle.count).first { at in
            file[at] == needle[needle.startIndex]
                && file[at..<at + needle.count].elementsEqual(needle)
        }
    }

    @Test func refusesAnotherNetworkAndMissingSegments() throws {
        let directory = Directory()
        do {
            let store = try self.open(directory)
            for batch in 0..<3 {
                let low = UInt64(batch * 8 + 1)
                try store.chain.append((low..<low + 8).map { block($0, bodyBytes: 200_000) })
            }
        }
        let other = GenesisID(Blake2b.hash(.genesis, .none, [2]))
        #expect(
            code { _ = try Store(directory: directory.path, genesis: other, options: small) }
                == .wrongGenesis)
        try directory.remove("chain/001.mdb")
        #expect(code { _ = try self.open(directory) } == .damaged)
    }
}
