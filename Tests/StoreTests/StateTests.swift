import Ledger
import Primitives
import Store
import Testing

@Suite struct StateTests {
    private let salt = ChainSalt(network)

    private func open(
        _ directory: Directory, mayRebuild: Bool = false
    ) throws -> Store {
        var options = small
        options.mayRebuildState = mayRebuild
        return try Store(directory: directory.path, genesis: network, options: options)
    }

    private func row(_ number: Int, _ value: UInt8) -> (path: Digest, row: StateRow) {
        let key = [1, 0, UInt8(number % 256), UInt8(number / 256)]
        let row = StateRow(key: key, value: fill(60, value), salt: self.salt)
        return (StateRow.path(of: key, salt: self.salt), row)
    }

    private func fold(
        _ height: UInt64, _ numbers: Range<Int>, value: UInt8, deleting: Range<Int> = 0..<0
    ) -> Fold {
        var writes = numbers.map { number in
            let row = self.row(number, value)
            return StateWrite(path: row.path, row: row.row)
        }
        writes += deleting.map { StateWrite(path: self.row($0, 0).path, row: nil) }
        writes.sort { $0.path < $1.path }
        return Fold(
            height: height, root: Blake2b.hash(.statenode, .none, [value]), header: fill(50, value),
            state: writes,
            index: (0..<5).map {
                Fold.IndexRow(key: [7, UInt8(height), UInt8($0)], value: [value])
            })
    }

    private func all(_ store: Store) throws -> [PlacedRow] {
        try store.state.rows(
            from: .zero, through: Digest([UInt8](repeating: 255, count: 32)).proven("32 bytes"),
            limit: 10_000)
    }

    @Test func foldsReadsAndForgets() throws {
        let directory = Directory()
        let store = try self.open(directory)
        try store.chain.append((1...3).map { block($0) })
        #expect(try store.state.position() == nil)
        try store.fold(self.fold(1, 0..<300, value: 1))
        try store.fold(self.fold(2, 100..<200, value: 2, deleting: 0..<50))
        let position = try #require(try store.state.position())
        #expect(position.height == 2 && position.header == fill(50, 2))
        #expect(try store.state.row(at: self.row(10, 0).path) == nil)
        #expect(try store.state.row(at: self.row(150, 0).path) == self.row(150, 2).row)
        #expect(try store.state.row(at: self.row(250, 0).path) == self.row(250, 1).row)

        var model = MemoryState()
        model.fold(self.fold(1, 0..<300, value: 1).state)
        model.fold(self.fold(2, 100..<200, value: 2, deleting: 0..<50).state)
        #expect(try self.all(store) == model.placed)
        var generator = Generator(seed: .zero)
        for _ in 0..<300 {  // The same pages as the model, whatever the bounds.
            let ends = [0, 1].map { _ in Digest(generator.bytes(32)).proven("32 bytes") }.sorted()
            let limit = Int(generator.below(40))
            #expect(
                try store.state.rows(from: ends[0], through: ends[1], limit: limit)
                    == model.rows(from: ends[0], through: ends[1], limit: limit))
        }
    }

    @Test func theSameFoldTwiceIsAsGoodAsOnce() throws {
        let directory = Directory()
        let store = try self.open(directory)
        try store.chain.append([block(1), block(2)])
        try store.fold(self.fold(1, 0..<100, value: 1))
        let second = self.fold(2, 50..<150, value: 2, deleting: 0..<20)
        try store.fold(second)
        let rows = try self.all(store)
        try store.fold(second)
        #expect(try self.all(store) == rows)
    }

    @Test func indexPagesAreOrdered() throws {
        let directory = Directory()
        let store = try self.open(directory)
        try store.chain.append([block(1)])
        let keys: [[UInt8]] = [
            [1], [1, 0], [1, 5], [1, 255], [1, 255, 255], [2, 0], [2, 7], [255], [255, 255],
        ]
        let rows = keys.map { Fold.IndexRow(key: $0, value: $0) }
        try store.fold(
            Fold(height: 1, root: .zero, header: [], state: [], index: rows))
        for prefix in [[], [1], [1, 255], [2], [3], [255], [255, 255]] as [[UInt8]] {
            let expected = rows.filter { $0.key.starts(with: prefix) }
            for limit in 1...4 {
                for isReversed in [false, true] {
                    var found: [Fold.IndexRow] = []
                    var after: [UInt8]?
                    while true {
                        let page = try store.state.indexPage(
                            prefix: prefix, after: after, limit: limit, isReversed: isReversed)
                        found += page
                        guard page.count == limit, let last = page.last else { break }
                        after = last.key
                    }
                    #expect(
                        found == (isReversed ? expected.reversed() : expected),
                        "\(prefix) \(limit) \(isReversed)")
                }
            }
        }
        #expect(try store.state.index([1, 5]) == [1, 5])
        #expect(try store.state.index([1, 6]) == nil)
        #expect(try store.state.index([]) == nil)
    }

    @Test func bucketsComeBack() throws {
        let directory = Directory()
        let rows = (0..<200).map { self.row($0, 1) }.sorted { $0.path < $1.path }
        var model = MemoryState()
        let writes = rows.map { StateWrite(path: $0.path, row: $0.row) }
        model.fold(writes)
        let empty = StateTree(salt: self.salt)
        let tree = try StateTree.build(from: model, salt: self.salt)
        do {
            let store = try self.open(directory)
            try store.chain.append([block(1)])
            try store.fold(
                Fold(
                    height: 1, root: tree.root, header: [], state: writes,
                    buckets: tree.changes(since: empty)))
        }
        let store = try self.open(directory)
        #expect(try store.state.buckets() == tree.buckets)
        #expect(try StateTree(buckets: store.state.buckets(), salt: self.salt).root == tree.root)
    }

    /// Attack 11: the state never has more than the chain, and deleting it harms nobody.
    @Test func neverAheadOfTheChain() throws {
        let directory = Directory()
        do {
            let store = try self.open(directory)
            #expect(code { try store.fold(self.fold(1, 0..<5, value: 1)) } == .stateAhead)
            try store.chain.append([block(1)])
            try store.fold(self.fold(1, 0..<5, value: 1))
        }
        try directory.remove("chain/000.mdb")
        #expect(code { _ = try self.open(directory) } == .stateAhead)
        let store = try self.open(directory, mayRebuild: true)
        #expect(try store.state.position() == nil && store.chain.last == nil)
    }

    @Test func deletingIsHarmless() throws {
        let directory = Directory()
        do {
            let store = try self.open(directory)
            try store.chain.append((1...5).map { block($0) })
            for height in UInt64(1)...5 {
                try store.fold(self.fold(height, 0..<20 * Int(height), value: UInt8(height)))
            }
        }
        let original = try directory.copy()
        try directory.remove("state.mdb")
        let store = try self.open(directory)
        #expect(try store.state.position() == nil)
        try store.chain.blocks(from: 1) { (block) throws(StoreError) in
            let height = block.height
            try store.fold(self.fold(height, 0..<20 * Int(height), value: UInt8(height)))
            return true
        }
        #expect(try self.all(store) == self.all(try self.open(original)))
        #expect(try store.state.position() == self.open(original).state.position())
    }

    @Test func damageIsNamed() throws {
        let directory = Directory()
        do {
            let store = try self.open(directory)
            try store.chain.append([block(1)])
            try store.fold(self.fold(1, 0..<200, value: 1))
        }
        let file = try directory.bytes("state.mdb")
        for count in [100, 4097, file.count / 2, file.count - 1] {
            let crashed = try directory.copy()
            try crashed.truncate("state.mdb", to: count)
            let refusal = code { _ = try self.open(crashed) }
            #expect(refusal == .shortFile || refusal == .damaged, "\(count) bytes")
            _ = try self.open(crashed, mayRebuild: true)
        }
        let value = fill(60, 1)
        let target = self.row(17, 1)
        let leaf = target.row.leaf.bytes
        let at = try #require(
            (0..<file.count - 32).first {
                file[$0] == leaf[0] && file[$0..<$0 + 32].elementsEqual(leaf)
            })
        for offset in [0, 31, 34, 37, 38, 34 + 3 + value.count] {
            let crashed = try directory.copy()
            try crashed.flip("state.mdb", at: at + offset)
            let store = try self.open(crashed)
            #expect(throws: StateFault.damaged(path: target.path), "byte \(offset)") {
                _ = try store.state.row(at: target.path)
            }
            #expect(try store.state.row(at: self.row(18, 1).path) == self.row(18, 1).row)
        }
    }

    /// A reader on another thread sees whole folds, never a mixture.
    @Test func readersSeeWholeFolds() async throws {
        let directory = Directory()
        let store = try self.open(directory)
        try store.chain.append((1...40).map { block($0) })
        let reader = Task.detached {
            var mixtures = 0
            for _ in 0..<300 {
                let rows = try self.all(store)
                if Set(rows.map(\.row.value)).count > 1 { mixtures += 1 }
            }
            return mixtures
        }
        for height in UInt64(1)...40 {
            try store.fold(self.fold(height, 0..<100, value: UInt8(height)))
        }
        #expect(try await reader.value == 0)
    }
}

@Suite struct StoreTests {
    @Test func oneProcessAtATime() throws {
        let directory = Directory()
        let store = try Store(directory: directory.path, genesis: network, options: small)
        #expect(
            code { _ = try Store(directory: directory.path, genesis: network, options: small) }
                == .locked)
        #expect(store.chain.last == nil)
    }

    @Test func filesArePrivate() throws {
        let directory = Directory()
        let path = directory.path + "/a/b"
        let store = try Store(directory: path, genesis: network, options: small)
        try store.chain.append([block(1)])
        for name in ["a/b", "a/b/chain", "a/b/journal", "a/b/blobs", "a/b/blobs/new"] {
            #expect(try directory.mode(name) == 0o700, "\(name)")
        }
        for name in ["lock", "state.mdb", "chain/000.mdb", "journal/0"] {
            #expect(try directory.mode("a/b/" + name) == 0o600, "\(name)")
        }
    }

    /// The map halves until the system grants it; the normal case gets all.
    @Test func mapsATerabyteOrWhatThereIs() throws {
        let directory = Directory()
        var options = small
        options.stateMapBytes = 1 << 60
        let store = try Store(directory: directory.path, genesis: network, options: options)
        #expect(store.state.mapBytes < 1 << 60 && store.state.mapBytes >= 16 << 30)
        #expect(store.state.usedBytes < 1 << 20, "sparse")
    }

    @Test func aFullMapIsAnErrorAndChangesNothing() throws {
        let directory = Directory()
        var options = small
        options.stateMapBytes = 1 << 20
        let store = try Store(directory: directory.path, genesis: network, options: options)
        try store.chain.append([block(1)])
        let rows = (0..<2000).map {
            Fold.IndexRow(key: [UInt8($0 / 256), UInt8($0 % 256)], value: fill(1000, 1))
        }
        let refusal = code {
            try store.fold(Fold(height: 1, root: .zero, header: [], state: [], index: rows))
        }
        #expect(refusal == .mapFull)
        #expect(try store.state.position() == nil)
        try store.fold(Fold(height: 1, root: .zero, header: [1], state: []))
        #expect(try store.state.position()?.header == [1])
    }
}
