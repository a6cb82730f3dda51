import Primitives

/// One batch of records as the journal writes it; ``Journal`` documents the bytes.
struct JournalFrame {
    static let headerBytes = 56
    private static let bytesMax = 1 << 30
    private static let magic: UInt32 = 0x314a_4c53

    let generation: UInt64
    let sequence: UInt64
    let records: [Journal.Record]
    /// Bytes of the frame without padding.
    let count: Int

    /// A frame's bytes.
    static func bytes(
        _ records: [Journal.Record], _ generation: UInt64, _ sequence: UInt64
    ) -> [UInt8] {
        var payload = Encoder()
        for record in records {
            payload.u8(record.kind.rawValue)
            record.key.encode(into: &payload)
            payload.u32(UInt32(record.bytes.count))
            payload.raw(record.bytes)
        }
        var head = Encoder()
        head.u32(UInt32(payload.bytes.count))
        head.u64(generation)
        head.u64(sequence)
        var frame = Encoder()
        frame.u32(self.magic)
        frame.raw(head.bytes)
        self.check(head.bytes, payload.bytes).encode(into: &frame)
        frame.raw(payload.bytes)
        return frame.bytes
    }

    private static func check(_ head: [UInt8], _ payload: [UInt8]) -> Digest {
        var hash = Blake2b(.journal, .none)
        hash.update(head)
        hash.update(payload)
        return hash.finish()
    }

    /// The frame at `offset`; nil if none checks there.
    static func read(
        _ file: File, at offset: UInt64, _ size: UInt64
    ) throws(StoreError) -> JournalFrame? {
        let head = try file.read(at: offset, count: self.headerBytes)
        guard head.count == self.headerBytes else { return nil }
        var decoder = Decoder(head)
        do throws(DecodeError) {
            guard try decoder.u32() == self.magic else { return nil }
        } catch { return nil }
        let length =
            UInt64(head[4]) | UInt64(head[5]) << 8 | UInt64(head[6]) << 16
            | UInt64(head[7]) << 24
        guard length <= self.bytesMax, length <= size else { return nil }
        let payload = try file.read(
            at: offset + UInt64(self.headerBytes), count: Int(clamping: length))
        guard payload.count == Int(clamping: length),
            Digest(head[24...]) == self.check(Array(head[4..<24]), payload)
        else { return nil }
        do throws(DecodeError) {
            _ = try decoder.u32()
            let generation = try decoder.u64()
            let sequence = try decoder.u64()
            return JournalFrame(
                generation: generation, sequence: sequence, records: try self.records(in: payload),
                count: self.headerBytes + payload.count)
        } catch {
            throw StoreError(.wrongSchema, file.path, detail: "\(error)")
        }
    }

    private static func records(in payload: [UInt8]) throws(DecodeError) -> [Journal.Record] {
        var decoder = Decoder(payload)
        var records: [Journal.Record] = []
        while decoder.remaining > 0 {
            let offset = decoder.offset
            let code = try decoder.u8()
            guard let kind = Journal.Kind(rawValue: code) else {
                throw .unknownTag(field: "kind", tag: UInt64(code), offset: offset)
            }
            let key = try Digest(from: &decoder)
            let count = try decoder.u32()
            records.append(Journal.Record(kind, key: key, try decoder.raw(Int(clamping: count))))
        }
        return records
    }
}
