import Primitives
import Store
import Testing

@Suite struct BlobTests {
    private func open(_ directory: Directory, quota: UInt64 = 1 << 30) throws -> Store {
        var options = small
        options.blobQuotaBytes = quota
        return try Store(directory: directory.path, genesis: network, options: options)
    }

    @Test func allSizes() throws {
        let directory = Directory()
        var ids: [(BlobID, [UInt8])] = []
        do {
            let blobs = try self.open(directory).blobs
            for size in [0, 1, 4095, 4096, 4097, 3 << 20] {
                let bytes = fill(size, 5)
                let handle = try blobs.open(bytes: UInt64(size))
                var offset = 0
                while offset < size {
                    let piece = Array(bytes[offset..<min(size, offset + 777_777)])
                    try blobs.append(handle, offset: UInt64(offset), piece)
                    offset += piece.count
                }
                let id = try blobs.commit(handle)
                #expect(id == BlobHasher.id(bytes), "\(size) bytes")
                ids.append((id, bytes))
            }
        }
        let blobs = try self.open(directory).blobs
        #expect(blobs.usedBytes == ids.reduce(0) { $0 + UInt64($1.1.count) })
        for (id, bytes) in ids {
            #expect(try blobs.size(of: id) == UInt64(bytes.count))
            #expect(try blobs.bytes(of: id) == bytes)
            #expect(try blobs.read(id, offset: 1, count: 10) == Array(bytes.dropFirst().prefix(10)))
            #expect(try blobs.read(id, offset: UInt64(bytes.count), count: 10) == [])
            #expect(try blobs.read(id, offset: .max, count: .max) == [])
        }
    }

    @Test func resumesAndRefusesWrongSizes() throws {
        let directory = Directory()
        let blobs = try self.open(directory).blobs
        let bytes = fill(10_000, 1)
        let handle = try blobs.open(bytes: 10_000)
        #expect(try blobs.append(handle, offset: 0, Array(bytes[..<6000])) == 6000)
        do {  // The answer was lost; the client sends the piece again.
            try blobs.append(handle, offset: 0, Array(bytes[..<6000]))
            Issue.record("a piece was taken twice")
        } catch { #expect(error.code == .wrongOffset && error.detail == "6000") }
        #expect(code { _ = try blobs.commit(handle) } == .wrongSize)
        let tooMuch = [UInt8](repeating: 0, count: 4001)
        #expect(code { try blobs.append(handle, offset: 6000, tooMuch) } == .wrongSize)
        #expect(try blobs.count(of: handle) == 6000)
        try blobs.append(handle, offset: 6000, Array(bytes[6000...]))
        #expect(try blobs.commit(handle) == BlobHasher.id(bytes))
        #expect(code { try blobs.append(handle, offset: 0, []) } == .uploadNotFound)
        #expect(code { _ = try blobs.commit(99) } == .uploadNotFound)
    }

    @Test func quotaCountsAnnouncedBytes() throws {
        let directory = Directory()
        let blobs = try self.open(directory, quota: 10_000).blobs
        let first = try blobs.open(bytes: 6000)
        #expect(code { _ = try blobs.open(bytes: 4001) } == .quota)
        #expect(code { _ = try blobs.open(bytes: .max) } == .quota)
        let id = try blobs.put(fill(4000, 1))
        #expect(code { _ = try blobs.open(bytes: 1) } == .quota)
        blobs.abort(first)
        #expect(blobs.usedBytes == 4000)
        _ = try blobs.put(fill(4000, 1))  // The same content again costs nothing.
        #expect(blobs.usedBytes == 4000)
        try blobs.delete(id)
        #expect(blobs.usedBytes == 0)
        #expect(code { _ = try blobs.path(of: id) } == .blobNotFound)
        try blobs.delete(id)
    }

    @Test func leftoversVanishAndDamageIsNamed() throws {
        let directory = Directory()
        let bytes = fill(100_000, 1)
        let id: BlobID
        do {
            let blobs = try self.open(directory).blobs
            id = try blobs.put(bytes)
            let handle = try blobs.open(bytes: 50)
            try blobs.append(handle, offset: 0, [1, 2, 3])
        }
        do {
            let blobs = try self.open(directory).blobs
            #expect(blobs.usedBytes == 100_000)
            #expect(try blobs.path(of: id).hasSuffix(id.hex))
        }
        let name = "blobs/\(id.hex.prefix(2))/\(id.hex)"
        for probe in [0, 4096, 99_999] {
            try directory.flip(name, at: probe)
            let blobs = try self.open(directory).blobs
            #expect(code { _ = try blobs.path(of: id) } == .damaged)
            #expect(code { _ = try blobs.read(id, offset: 0, count: 1) } == .damaged)
            try directory.flip(name, at: probe)
        }
        try directory.truncate(name, to: 99_999)
        #expect(code { _ = try self.open(directory).blobs.bytes(of: id) } == .damaged)
    }
}
