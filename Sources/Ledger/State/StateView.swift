package import Primitives

/// Why the state cannot be read. Never a verdict on a block: execution stops and is tried again.
package enum StateFault: Error, Hashable, Sendable {
    /// The row at this path, or the order of rows after it, is not what was written.
    case damaged(path: Digest)
    /// The store cannot answer: closed, or an error of the disk.
    case unavailable
}

/// One row of the state as it is stored and hashed.
///
/// path = H(.statekey, salt, key); valueHash = H(.stateleaf, salt, 0x00 | value);
/// leaf = H(.stateleaf, salt, 0x01 | path | valueHash).
///
/// - Bounds: key at most `keyBytesMax`, value at most `valueBytesMax` bytes.
/// - Source: protocol/state.md, "Rows".
package struct StateRow: Hashable, Sendable {
    /// The largest key: table tag and canonical key.
    package static let keyBytesMax = 256
    /// The largest value: deposit and canonical record. Larger things are split into pages.
    package static let valueBytesMax = 2048

    /// u16 table tag, little-endian, and the canonical key.
    package let key: [UInt8]
    /// The deposit (see ``Deposit``) and the canonical record.
    package let value: [UInt8]
    /// The leaf digest, kept so that a bucket is hashed without its values.
    package let leaf: Digest

    /// A row whose leaf digest is known, as a store reads it back.
    package init(key: [UInt8], value: [UInt8], leaf: Digest) {
        self.key = key
        self.value = value
        self.leaf = leaf
    }

    /// A row whose leaf digest is computed here.
    package init(key: [UInt8], value: [UInt8], salt: ChainSalt) {
        self.key = key
        self.value = value
        self.leaf = Self.leaf(
            path: Self.path(of: key, salt: salt), valueHash: Self.hash(of: value, salt: salt),
            salt: salt)
    }

    /// The table tag; nil in a key of less than two bytes.
    package var tag: UInt16? {
        guard self.key.count >= 2 else { return nil }
        return UInt16(self.key[0]) | UInt16(self.key[1]) << 8
    }

    /// Where a key lies in the tree.
    package static func path(of key: [UInt8], salt: ChainSalt) -> Digest {
        Blake2b.hash(.statekey, salt, key)
    }

    /// The digest of a value.
    package static func hash(of value: [UInt8], salt: ChainSalt) -> Digest {
        var hash = Blake2b(.stateleaf, salt)
        hash.update(u8: 0)
        hash.update(value)
        return hash.finish()
    }

    /// The leaf of a path and the digest of its value.
    package static func leaf(path: Digest, valueHash: Digest, salt: ChainSalt) -> Digest {
        var hash = Blake2b(.stateleaf, salt)
        hash.update(u8: 1)
        hash.update(path)
        hash.update(valueHash)
        return hash.finish()
    }
}

/// A row and where it lies.
package struct PlacedRow: Hashable, Sendable {
    /// The path of the row's key.
    package let path: Digest
    /// The row.
    package let row: StateRow

    /// A row at its path.
    package init(path: Digest, row: StateRow) {
        self.path = path
        self.row = row
    }
}

/// The state as of one block, read by path. `Store` implements it over LMDB.
package protocol StateView: Sendable {
    /// The row at `path`, or nil.
    func row(at path: Digest) throws(StateFault) -> StateRow?
    /// At most `limit` rows with `from <= path <= through`, by ascending path.
    ///
    /// Fewer than `limit` means that there are no more.
    func rows(from: Digest, through: Digest, limit: Int) throws(StateFault) -> [PlacedRow]
}

/// A state in memory: for tests, the dev chain and genesis.
package struct MemoryState: StateView {
    /// All rows by ascending path.
    package private(set) var placed: [PlacedRow] = []

    /// The empty state.
    package init() {}

    /// The state with `writes` folded in.
    package mutating func fold(_ writes: [StateWrite]) {
        self.placed = StateLayer.overlay(writes, on: self.placed)
    }

    /// The row at `path`, or nil.
    package func row(at path: Digest) throws(StateFault) -> StateRow? {
        let index = self.placed.lowerBound { $0.path < path }
        guard index < self.placed.count, self.placed[index].path == path else { return nil }
        return self.placed[index].row
    }

    /// At most `limit` rows with `from <= path <= through`, by ascending path.
    package func rows(
        from: Digest, through: Digest, limit: Int
    ) throws(StateFault) -> [PlacedRow] {
        var rows: [PlacedRow] = []
        var index = self.placed.lowerBound { $0.path < from }
        while index < self.placed.count, rows.count < limit, self.placed[index].path <= through {
            rows.append(self.placed[index])
            index += 1
        }
        return rows
    }
}

extension RandomAccessCollection where Index == Int {
    /// The first index whose element is not `below`, in a collection sorted by it.
    func lowerBound(_ below: (Element) -> Bool) -> Int {
        var low = self.startIndex
        var high = self.endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if below(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension Digest {
    /// Every path lies at or before this one.
    package static let last = Digest([UInt8](repeating: 255, count: 32)).proven("32 bytes")

    /// The first `bits` bits, filled up with zeros or ones.
    func prefix(_ bits: Int, fill: Bool) -> Digest {
        var bytes = self.bytes
        let full = bits / 8
        if full < bytes.count {
            let mask: UInt8 = 255 >> UInt8(truncatingIfNeeded: bits % 8)
            bytes[full] = fill ? bytes[full] | mask : bytes[full] & ~mask
            for index in bytes.indices.dropFirst(full + 1) { bytes[index] = fill ? 255 : 0 }
        }
        return Digest(exactly: bytes)
    }

    /// The same path with bit `index` set: the start of the right half of a subtree.
    func setting(_ index: Int) -> Digest {
        var bytes = self.bytes
        bytes[index / 8] |= 128 >> UInt8(truncatingIfNeeded: index % 8)
        return Digest(exactly: bytes)
    }

    /// 32 bytes of our own, through the decoder: it is specialised, unlike the generic initialiser.
    private init(exactly bytes: [UInt8]) {
        var decoder = Decoder(bytes)
        do throws(DecodeError) {
            self = try Digest(from: &decoder)
        } catch {
            preconditionFailure("32 bytes")
        }
    }

    /// The path after this one; nil after the last.
    var successor: Digest? {
        var bytes = self.bytes
        for index in bytes.indices.reversed() {
            bytes[index] &+= 1
            if bytes[index] != 0 { return Digest(exactly: bytes) }
        }
        return nil
    }

    /// The number of leading bits that both have in common.
    func commonPrefix(_ other: Digest) -> Int {
        for (index, pair) in zip(self.bytes, other.bytes).enumerated() where pair.0 != pair.1 {
            return index * 8 + (pair.0 ^ pair.1).leadingZeroBitCount
        }
        return 256
    }
}
