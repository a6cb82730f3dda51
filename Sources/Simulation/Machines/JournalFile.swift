import Primitives

/// The platter's journal: frames one after the other, each with a check over its payload.
///
/// A frame is u32 length | check, 32 bytes | payload; the payload is records, each u8 kind | key,
/// 32 bytes | u32 length | bytes. A frame that does not check ends the journal, as after a torn
/// write. A record replaces the one of the same kind and key.
struct JournalFile {
    enum Kind: UInt8 {
        case votes = 1
        case block = 2
    }

    struct Item: Hashable {
        let kind: Kind
        let key: Digest
        let bytes: [UInt8]
    }

    /// The file is written anew when it is this long and mostly of no use.
    static let rewriteBytes = 1 << 18

    private(set) var platter: [UInt8] = []

    /// Bytes of one frame.
    static func frame(_ items: [Item]) -> [UInt8] {
        var payload = Encoder()
        for item in items {
            payload.u8(item.kind.rawValue)
            payload.raw(item.key.bytes)
            payload.u32(UInt32(clamping: item.bytes.count))
            payload.raw(item.bytes)
        }
        var frame = Encoder()
        frame.u32(UInt32(clamping: payload.bytes.count))
        frame.raw(Blake2b.hash(.journal, .none, payload.bytes).bytes)
        frame.raw(payload.bytes)
        return frame.bytes
    }

    /// The frame reached the platter whole.
    mutating func append(_ frame: [UInt8]) { self.platter += frame }

    /// Power failed while the frame was written: a part of it, and perhaps rubbish after it.
    mutating func tear(_ frame: [UInt8], keeping count: Int, rubbish: [UInt8]) {
        self.platter += frame.prefix(count) + rubbish
    }

    /// What a start finds; what follows the last right frame is cut off.
    mutating func recover() -> [Item] {
        var items: [Item] = []
        var reader = Bytes(self.platter)
        var end = 0
        while !reader.isAtEnd {
            let length = reader.u32()
            let check = reader.digest()
            let payload = reader.take(Int(clamping: length))
            guard !reader.isBroken, Blake2b.hash(.journal, .none, payload) == check else { break }
            end = reader.offset
            for item in Self.items(payload) {
                items.removeAll { $0.kind == item.kind && $0.key == item.key }
                items.append(item)
            }
        }
        self.platter = Array(self.platter.prefix(end))
        return items
    }

    /// Replaces the file by one frame of what is still needed.
    mutating func rewrite(_ items: [Item]) { self.platter = Self.frame(items) }

    private static func items(_ payload: [UInt8]) -> [Item] {
        var reader = Bytes(payload)
        var items: [Item] = []
        while !reader.isAtEnd, !reader.isBroken {
            let kind = Kind(rawValue: reader.u8())
            let key = reader.digest()
            let bytes = reader.take(Int(clamping: reader.u32()))
            if let kind { items.append(Item(kind: kind, key: key, bytes: bytes)) }
        }
        return items
    }
}
