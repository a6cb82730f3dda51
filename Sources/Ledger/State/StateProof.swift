package import Primitives

/// One row of the bucket that a proof ends in.
package struct StateProofRow: Record {
    /// Where.
    package var path: Digest
    /// H(.stateleaf, salt, 0x00 | value).
    package var valueHash: Digest

    /// Nothing.
    package static var blank: StateProofRow { StateProofRow(path: .zero, valueHash: .zero) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("path", &self.path)
        try visitor.field("valueHash", &self.valueHash)
    }
}

/// Shows that a row is in a state, or that no row is at its path.
///
/// - Bounds: at most 255 siblings and 8 rows.
/// - Source: protocol/state.md, "Proofs".
package struct StateProof: Record {
    /// Where the row is or would be.
    package var path: Digest
    /// The other child at each level, from the root down to the bucket.
    package var siblings: [Digest]
    /// All rows of the bucket by ascending path; none for an empty subtree.
    package var rows: [StateProofRow]

    /// Nothing.
    package static var blank: StateProof { StateProof(path: .zero, siblings: [], rows: []) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("path", &self.path)
        try visitor.list("siblings", &self.siblings, max: 255)
        try visitor.list("rows", &self.rows, max: StateTree.bucketMax)
    }

    /// True if under `root` the row with `key` has `value`, or is absent for nil.
    package func verify(
        key: [UInt8], value: [UInt8]?, root: Digest, salt: ChainSalt
    ) -> Bool {
        let depth = self.siblings.count
        guard depth < 256, self.rows.count <= StateTree.bucketMax,
            self.path == StateRow.path(of: key, salt: salt),
            self.rows.allSatisfy({ $0.path.commonPrefix(self.path) >= depth }),
            zip(self.rows, self.rows.dropFirst()).allSatisfy({ $0.path < $1.path })
        else { return false }
        let found = self.rows.first { $0.path == self.path }?.valueHash
        guard found == value.map({ StateRow.hash(of: $0, salt: salt) }) else { return false }
        let leaves = self.rows.map {
            StateRow.leaf(path: $0.path, valueHash: $0.valueHash, salt: salt)
        }
        var node = StateTree.bucket(leaves, salt)
        for (index, sibling) in self.siblings.enumerated().reversed() {
            node =
                self.path.bit(index)
                ? Blake2b.pair(.statenode, salt, sibling, node)
                : Blake2b.pair(.statenode, salt, node, sibling)
        }
        return node == root
    }
}

extension StateStack {
    /// The proof that the row with `key` is there, or is not. It verifies against ``root``.
    package func prove(key: [UInt8]) throws(StateFault) -> StateProof {
        let path = StateRow.path(of: key, salt: self.salt)
        var proof = StateProof(path: path, siblings: [], rows: [])
        var node = self.tree.top
        while case .inner(let inner) = node {
            let isRight = path.bit(proof.siblings.count)
            proof.siblings.append((isRight ? inner.left : inner.right).digest)
            node = isRight ? inner.right : inner.left
        }
        let rows = try StateTree.rows(
            under: path, proof.siblings.count, atMost: StateTree.bucketMax, self)
        proof.rows = rows.map { placed in
            StateProofRow(
                path: placed.path, valueHash: StateRow.hash(of: placed.row.value, salt: self.salt))
        }
        guard proof.siblings.count < 256, UInt64(rows.count) == node.count else {
            throw .damaged(path: path)
        }
        return proof
    }
}
