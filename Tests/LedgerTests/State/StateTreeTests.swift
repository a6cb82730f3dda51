import Ledger
import Primitives
import Testing

/// The root by its definition, from the rows alone; shares no code with ``StateTree``.
private func oracleRoot(_ rows: [(path: Digest, leaf: Digest)], _ depth: Int = 0) -> Digest {
    if rows.isEmpty { return .zero }
    if rows.count <= 8 {
        var hash = Blake2b(.statebucket, salt)
        hash.update(u8: UInt8(rows.count))
        for row in rows.sorted(by: { $0.path < $1.path }) { hash.update(row.leaf) }
        return hash.finish()
    }
    return Blake2b.pair(
        .statenode, salt, oracleRoot(rows.filter { !$0.path.bit(depth) }, depth + 1),
        oracleRoot(rows.filter { $0.path.bit(depth) }, depth + 1))
}

private func row(_ number: UInt64, _ value: UInt8) -> PlacedRow {
    var encoder = Encoder()
    encoder.u16(900)
    encoder.u64(number)
    let path = StateRow.path(of: encoder.bytes, salt: salt)
    return PlacedRow(path: path, row: StateRow(key: encoder.bytes, value: [0, value], salt: salt))
}

private func layer(_ writes: [StateWrite]) -> StateLayer {
    var last: [StateWrite] = []
    for write in writes {
        last.removeAll { $0.path == write.path }
        last.append(write)
    }
    return StateLayer(sorted: last.sorted { $0.path < $1.path })
}

@Suite struct StateTreeTests {
    @Test func agreesWithTheOracleThroughHistories() throws {
        for seed in UInt64(0)..<30 {
            var random = generator(seed)
            var stack = StateStack(salt: salt)
            var folded = MemoryState()
            var savedBuckets: [StateBucket] = []
            var savedTree = stack.tree
            var model: [PlacedRow] = []
            for round in 0..<12 {
                var writes: [StateWrite] = []
                let keys = 1 + random.below(round == 0 ? 200 : 60)
                for _ in 0..<keys {
                    let placed = row(random.below(120), UInt8(random.below(3)))
                    let deletes = random.below(round.isMultiple(of: 3) ? 4 : 2) != 0 && round > 0
                    writes.append(StateWrite(path: placed.path, row: deletes ? nil : placed.row))
                    model.removeAll { $0.path == placed.path }
                    if !deletes { model.append(placed) }
                }
                stack = try stack.pushing(layer(writes))
                let expected = oracleRoot(model.map { ($0.path, $0.row.leaf) })
                #expect(stack.root == expected, "seed \(seed), round \(round)")
                #expect(stack.tree.count == UInt64(model.count), "seed \(seed), round \(round)")
                let seen = try stack.rows(from: .zero, through: .last, limit: 1000)
                #expect(seen == model.sorted { $0.path < $1.path }, "seed \(seed)")
                if random.below(3) == 0 {
                    // A fold: the rows into the base, the changed buckets beside them.
                    let count = stack.layers.count
                    folded.fold(stack.folding(count))
                    stack = stack.rebased(on: folded, dropping: count)
                    for change in stack.tree.changes(since: savedTree) {
                        savedBuckets.removeAll { $0.prefix == change.prefix }
                        if let bucket = change.bucket { savedBuckets.append(bucket) }
                    }
                    savedBuckets.sort { $0.prefix < $1.prefix }
                    savedTree = stack.tree
                    #expect(savedBuckets == stack.tree.buckets, "seed \(seed)")
                    let loaded = try StateTree(buckets: savedBuckets, salt: salt)
                    #expect(loaded.root == stack.root, "seed \(seed)")
                }
            }
            #expect(try StateTree.build(from: stack, salt: salt).root == stack.root)
        }
    }

    @Test func doesNotDependOnOrder() throws {
        var random = generator(1)
        let rows = (UInt64(0)..<64).map { row($0, 1) }
        var roots: [Digest] = []
        for _ in 0..<8 {
            var rest = rows
            var stack = StateStack(salt: salt)
            // Something that comes and goes leaves no trace.
            stack = try stack.pushing(
                layer([StateWrite(path: row(99, 9).path, row: row(99, 9).row)]))
            while !rest.isEmpty {
                var writes: [StateWrite] = []
                for _ in 0..<(1 + random.below(9)) where !rest.isEmpty {
                    let placed = rest.remove(at: Int(random.below(UInt64(rest.count))))
                    writes.append(StateWrite(path: placed.path, row: placed.row))
                }
                stack = try stack.pushing(layer(writes))
            }
            stack = try stack.pushing(layer([StateWrite(path: row(99, 9).path, row: nil)]))
            roots.append(stack.root)
        }
        #expect(roots.allSatisfy { $0 == roots[0] && $0 != .zero })
    }

    @Test func buildsFromPages() throws {
        var state = MemoryState()
        let rows = (UInt64(0)..<10_000).map { row($0, 1) }
        state.fold(rows.map { StateWrite(path: $0.path, row: $0.row) }.sorted { $0.path < $1.path })
        let tree = try StateTree.build(from: state, salt: salt)
        #expect(tree.root == oracleRoot(rows.map { ($0.path, $0.row.leaf) }))
    }

    @Test func provesPresenceAndAbsence() throws {
        for count in [0, 1, 8, 9, 200] as [UInt64] {
            let rows = (0..<count).map { row($0, 1) }
            let stack = try StateStack(salt: salt).pushing(
                layer(rows.map { StateWrite(path: $0.path, row: $0.row) }))
            for number in 0..<(count + 20) {
                let placed = row(number, 1)
                let key = placed.row.key
                let value = number < count ? placed.row.value : nil
                var proof = try stack.prove(key: key)
                #expect(proof.verify(key: key, value: value, root: stack.root, salt: salt))
                #expect(try StateProof(canonical: proof.canonicalBytes) == proof)
                #expect(!proof.verify(key: key, value: [0, 2], root: stack.root, salt: salt))
                if value != nil {
                    #expect(!proof.verify(key: key, value: nil, root: stack.root, salt: salt))
                    // A liar leaves the row out.
                    proof.rows.removeAll { $0.path == proof.path }
                    #expect(!proof.verify(key: key, value: nil, root: stack.root, salt: salt))
                }
                if !proof.siblings.isEmpty {
                    proof.siblings.removeLast()
                    #expect(!proof.verify(key: key, value: value, root: stack.root, salt: salt))
                }
            }
        }
    }

    @Test func aViewThatDoesNotFitIsDamaged() throws {
        let rows = (UInt64(0)..<40).map { row($0, 1) }
        let writes = rows.map { StateWrite(path: $0.path, row: $0.row) }
        let stack = try StateStack(salt: salt).pushing(layer(writes))
        // The saved tree knows 40 rows; the view has lost them, then has twice as many.
        let empty = StateStack(base: MemoryState(), tree: stack.tree, salt: salt)
        #expect(throws: StateFault.self) {
            for row in rows {
                _ = try empty.prove(key: row.row.key)
            }
        }
        var full = MemoryState()
        full.fold(
            (UInt64(0)..<400).map { row($0, 1) }
                .map { StateWrite(path: $0.path, row: $0.row) }.sorted { $0.path < $1.path })
        let swollen = StateStack(base: full, tree: stack.tree, salt: salt)
        #expect(throws: StateFault.self) { _ = try swollen.pushing(layer([writes[0]])) }
        var buckets = stack.tree.buckets
        buckets[0].depth = 200
        #expect(throws: StateFault.self) { _ = try StateTree(buckets: buckets, salt: salt) }
        buckets = stack.tree.buckets
        buckets.swapAt(0, 1)
        #expect(throws: StateFault.self) { _ = try StateTree(buckets: buckets, salt: salt) }
    }
}
