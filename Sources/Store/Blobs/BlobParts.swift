import Glibc
import Primitives
import Synchronization

/// One open download: its file, its map, and the digests of what belongs there.
final class BlobPart: Sendable {
    let path: String
    let file: File
    let groups: BlobGroups
    private let map: File
    private let bits: Mutex<[Bool]>

    /// Opens or makes the files and hashes what the map claims to be there.
    init(_ path: String, _ groups: BlobGroups) throws(StoreError) {
        self.path = path
        self.groups = groups
        self.file = try File(path, .create)
        self.map = try File(path + BlobParts.mapSuffix, .create)
        let count = groups.digests.count
        let mapBytes = (count + 7) / 8
        var present = [Bool](repeating: false, count: count)
        let claims = try self.map.read(at: 0, count: mapBytes + 1)
        if try self.file.size() == groups.bytes, claims.count == mapBytes {
            for index in 0..<count where claims[index / 8] >> UInt8(index % 8) & 1 == 1 {
                let size = UInt64(BlobGroups.bytesPerGroup)
                let bytes = try self.file.read(
                    at: UInt64(index) * size, count: BlobGroups.bytesPerGroup)
                present[index] = groups.isGroup(UInt64(index), bytes)
            }
        } else {
            try self.map.truncate(to: 0)
            try self.file.truncate(to: 0)
            try self.file.truncate(to: groups.bytes)
        }
        self.bits = Mutex(present)
        try self.map.write(Self.bytes(present), at: 0)
    }

    /// Which groups are there.
    var present: [Bool] { self.bits.withLock { $0 } }

    /// Writes a group, then says in the map that it is there.
    func write(_ group: UInt64, _ bytes: [UInt8]) throws(StoreError) {
        guard self.groups.isGroup(group, bytes), let index = Int(exactly: group) else {
            throw StoreError(.wrongContent, self.path, detail: "group \(group)")
        }
        try self.file.write(bytes, at: group * UInt64(BlobGroups.bytesPerGroup))
        let octet = self.bits.withLock { bits in
            bits[index] = true
            return Self.bytes(Array(bits[(index & ~7)..<min(bits.count, (index & ~7) + 8)]))
        }
        try self.map.write(octet, at: group / 8)
    }

    /// Forgets the groups that differ from `found`.
    func clear(except found: BlobGroups) throws(StoreError) {
        let bits = self.bits.withLock { bits in
            for index in bits.indices {
                let digest = found.digests.indices.contains(index) ? found.digests[index] : .zero
                bits[index] = bits[index] && digest == self.groups.digests[index]
            }
            return bits
        }
        try self.map.write(Self.bytes(bits), at: 0)
    }

    /// Waits until the disk has all groups.
    func synchronize() throws(StoreError) { try self.file.synchronize() }

    private static func bytes(_ bits: [Bool]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (bits.count + 7) / 8)
        for (index, bit) in bits.enumerated() where bit {
            bytes[index / 8] |= 1 << UInt8(index % 8)
        }
        return bytes
    }
}

/// The downloads that are not finished: open ones, and those that an earlier run left.
///
/// - Bounds: ``openMax`` are open; the one used longest ago is closed and stays on the disk.
struct BlobParts {
    /// The most downloads with open files.
    static let openMax = 64
    static let mapSuffix = ".map"

    private struct Entry {
        let bytes: UInt64
        var part: BlobPart?
        var used: UInt64
    }

    private var directory = ""
    private var entries: [BlobID: Entry] = [:]
    private var clock: UInt64 = 0

    /// None.
    init() {}

    /// What is in a directory; files that are no download are removed.
    init(directory: String) throws(StoreError) {
        self.directory = directory
        try Files.makeDirectory(directory)
        let names = try Files.names(in: directory)
        for name in names {
            let path = directory + "/" + name
            if let id = BlobID(hex: name) {
                self.add(id, bytes: try Files.size(of: path) ?? 0)
            } else if !name.hasSuffix(Self.mapSuffix)
                || !names.contains(String(name.dropLast(Self.mapSuffix.count)))
            {
                try Files.removeIfThere(path)
            }
        }
    }

    /// Announced bytes of all.
    var bytes: UInt64 { self.entries.values.reduce(0) { $0 + $1.bytes } }

    /// Announced bytes of one; nil if there is none.
    func bytes(of id: BlobID) -> UInt64? { self.entries[id]?.bytes }

    /// Notes a download without opening it.
    mutating func add(_ id: BlobID, bytes: UInt64) {
        self.clock += 1
        self.entries[id] = Entry(bytes: bytes, part: nil, used: self.clock)
    }

    /// Notes the open files of a download; closes those of another one if there are too many.
    mutating func open(_ id: BlobID, _ part: BlobPart) {
        self.entries[id]?.part = part
        let open = self.entries.filter { $0.value.part != nil && $0.key != id }
        guard open.count >= Self.openMax,
            let oldest = open.min(by: { $0.value.used < $1.value.used })
        else { return }
        self.entries[oldest.key]?.part = nil
    }

    /// An open download, which is thereby used.
    mutating func part(of id: BlobID) -> BlobPart? {
        self.clock += 1
        self.entries[id]?.used = self.clock
        return self.entries[id]?.part
    }

    /// Nobody writes to it now: it may be resumed, and dropped when its room is needed.
    mutating func close(_ id: BlobID) { self.entries[id]?.part = nil }

    /// It is finished: the file has another name now.
    mutating func remove(_ id: BlobID) { self.entries[id] = nil }

    /// Removes a download and its files; answers the bytes that it was counted with.
    mutating func drop(_ id: BlobID) -> UInt64? {
        guard let entry = self.entries.removeValue(forKey: id) else { return nil }
        // What the disk refuses to remove now is found again at the next start.
        _ = unlink("\(self.directory)/\(id.hex)")
        _ = unlink("\(self.directory)/\(id.hex)\(Self.mapSuffix)")
        return entry.bytes
    }

    /// Removes the closed download that was used longest ago; answers its bytes.
    mutating func dropIdle() -> UInt64? {
        let idle = self.entries.filter { $0.value.part == nil }
        guard let oldest = idle.min(by: { $0.value.used < $1.value.used }) else { return nil }
        return self.drop(oldest.key)
    }
}

/// Groups of blobs, remembered so that describing one twice does not hash it twice.
///
/// - Bounds: ``groupsMax`` digests of ``blobsMax`` blobs; the one remembered longest goes first.
struct BlobOutlines {
    static let blobsMax = 4096
    /// The most digests: 32 MiB of them.
    static let groupsMax = BlobStore.groupsMax

    private var outlines: [BlobID: BlobGroups] = [:]
    private var order: [BlobID] = []
    private var count = 0

    func groups(of id: BlobID) -> BlobGroups? { self.outlines[id] }

    mutating func remember(_ groups: BlobGroups, of id: BlobID) {
        guard self.outlines[id] == nil, groups.digests.count <= Self.groupsMax else { return }
        self.outlines[id] = groups
        self.order.append(id)
        self.count += groups.digests.count
        while self.count > Self.groupsMax || self.order.count > Self.blobsMax,
            let oldest = self.order.first
        { self.forget(oldest) }
    }

    mutating func forget(_ id: BlobID) {
        guard let groups = self.outlines.removeValue(forKey: id) else { return }
        self.order.removeAll { $0 == id }
        self.count -= groups.digests.count
    }
}
