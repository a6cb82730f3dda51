package import Primitives

/// A kind of row in the state: its tag, its name, the types of key and value.
///
/// row key = u16 tag (little-endian) | canonical key; row value = deposit | canonical record.
///
/// Tags 1...99 are Ledger's, 100... are Economy's; a tag is never used again.
///
/// - Source: protocol/state.md, "Tables".
package struct Table<Key: FieldValue, Value: FieldValue>: Sendable {
    /// The first two bytes of every key.
    package let tag: UInt16
    /// The name in listings.
    package let name: String

    /// Declares a table.
    package init(tag: UInt16, name: String) {
        self.tag = tag
        self.name = name
    }

    /// The bytes whose hash is the path of `key`.
    package func keyBytes(_ key: Key) -> [UInt8] {
        var encoder = Encoder()
        encoder.u16(self.tag)
        key.encode(into: &encoder)
        return encoder.bytes
    }

    /// The key of a row of this table; nil for a row of another table or a damaged one.
    package func key(of row: StateRow) -> Key? {
        guard row.tag == self.tag else { return nil }
        do throws(DecodeError) {
            return try Key(canonical: Array(row.key.dropFirst(2)))
        } catch {
            return nil
        }
    }

    /// The record in a row of this table, without its deposit.
    ///
    /// - Throws: ``StateFault/damaged(path:)``.
    package func record(in placed: PlacedRow) throws(StateFault) -> Value {
        try Entry(placed.row, at: placed.path).record(of: self, at: placed.path)
    }
}

/// What locks a row: refunded to `payer` when the row is deleted.
///
/// In a row's value: u8 0 (no deposit: genesis and the ledger's own rows), or u8 1 | payer | u64
/// motes.
package struct Deposit: Hashable, Sendable {
    /// The most bytes that it takes of a row's value.
    package static let bytesMax = 41

    /// Who paid when the row was made.
    package let payer: AccountID
    /// Motes.
    package let motes: UInt64
}

/// A row taken apart.
struct Entry: Hashable, Sendable {
    var key: [UInt8]
    var deposit: Deposit?
    var record: [UInt8]

    init(key: [UInt8], deposit: Deposit?, record: [UInt8]) {
        self.key = key
        self.deposit = deposit
        self.record = record
    }

    /// Takes apart the row at `path`.
    init(_ row: StateRow, at path: Digest) throws(StateFault) {
        self.key = row.key
        do throws(DecodeError) {
            var decoder = Decoder(row.value)
            if try decoder.bool() {
                let payer = try AccountID(from: &decoder)
                self.deposit = Deposit(payer: payer, motes: try decoder.u64())
            }
            self.record = try decoder.raw(decoder.remaining)
        } catch {
            throw .damaged(path: path)
        }
    }

    /// The row's value.
    var value: [UInt8] {
        var encoder = Encoder()
        encoder.bool(self.deposit != nil)
        if let deposit = self.deposit {
            deposit.payer.encode(into: &encoder)
            encoder.u64(deposit.motes)
        }
        encoder.raw(self.record)
        return encoder.bytes
    }

    func record<Key, Value>(
        of table: Table<Key, Value>, at path: Digest
    ) throws(StateFault) -> Value {
        do throws(DecodeError) {
            return try Value(canonical: self.record)
        } catch {
            throw .damaged(path: path)
        }
    }
}
