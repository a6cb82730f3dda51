import Foundation
import Primitives
import Store

/// A directory that vanishes with its test.
final class Directory {
    let path: String

    init() {
        self.path = NSTemporaryDirectory() + "starling-store-" + UUID().uuidString
        try? FileManager.default.createDirectory(
            atPath: self.path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    /// What a machine that died now would find: a copy of `path` elsewhere.
    func copy() throws -> Directory {
        let copy = Directory()
        try FileManager.default.removeItem(atPath: copy.path)
        try FileManager.default.copyItem(atPath: self.path, toPath: copy.path)
        return copy
    }

    func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: self.path + "/" + name)))
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: self.path + "/" + name))
    }

    /// Changes one bit of a file.
    func flip(_ name: String, at offset: Int, bit: UInt8 = 1) throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: self.path + "/" + name))
        defer { try? handle.close() }
        try handle.seek(toOffset: UInt64(offset))
        let old = try handle.read(upToCount: 1) ?? Data([0])
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data([old[0] ^ bit]))
    }

    func truncate(_ name: String, to count: Int) throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: self.path + "/" + name))
        try handle.truncate(atOffset: UInt64(count))
        try handle.close()
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: self.path + "/" + name)
    }

    /// Permission bits of a file or directory below.
    func mode(_ name: String) throws -> Int {
        let path = name.isEmpty ? self.path : self.path + "/" + name
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
    }
}

let network = GenesisID(Blake2b.hash(.genesis, .none, [1]))

/// Small databases, so that a test needs no terabyte.
var small: Store.Options {
    var options = Store.Options()
    options.stateMapBytes = 1 << 30
    options.segmentBytes = 1 << 20
    options.journalBytes = 1 << 20
    return options
}

func fill(_ count: Int, _ seed: UInt8) -> [UInt8] {
    var generator = Generator(seed: Blake2b.hash(.generator, .none, [seed]))
    return generator.bytes(count)
}

/// Block `height` with content that depends on it.
func block(_ height: UInt64, bodyBytes: Int = 500) -> StoredBlock {
    let seed = UInt8(truncatingIfNeeded: height &* 4)
    let header = fill(100, seed)
    return StoredBlock(
        height: height, id: BlockID(Blake2b.hash(.block, .none, header)), header: header,
        body: fill(bodyBytes, seed &+ 1), receipts: fill(80, seed &+ 2),
        certificate: fill(150, seed &+ 3))
}

/// The code of the error that `body` throws; nil if it does not.
func code(_ body: () throws -> Void) -> StoreError.Code? {
    do {
        try body()
        return nil
    } catch { return (error as? StoreError)?.code }
}
