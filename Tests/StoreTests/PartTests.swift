import Primitives
import Store
import Testing

@Suite struct PartTests {
    private static let groupBytes = BlobGroups.bytesPerGroup

    private func open(_ directory: Directory, quota: UInt64 = 1 << 30) throws -> BlobStore {
        var options = small
        options.blobQuotaBytes = quota
        return try Store(directory: directory.path, genesis: network, options: options).blobs
    }

    private func group(_ bytes: [UInt8], _ number: Int) -> [UInt8] {
        let start = number * Self.groupBytes
        return Array(bytes[start..<min(bytes.count, start + Self.groupBytes)])
    }

    @Test func groupsTravelFromStoreToStore() throws {
        let (here, there) = (Directory(), Directory())
        let (source, target) = (try self.open(here), try self.open(there))
        for size in [0, 1, 4096, 16_383, 16_384, 16_385, 40_000, 1_000_000] {
            let bytes = fill(size, 3)
            let id = try source.put(bytes)
            let groups = try #require(try source.describe(id))
            #expect(groups == BlobGroups(of: bytes))
            let present = try target.openPart(id, groups)
            #expect(present == [Bool](repeating: false, count: groups.digests.count))
            #expect(try target.describe(id) == nil)
            for number in present.indices.reversed() {
                let piece = try source.readGroup(id, group: UInt64(number))
                #expect(piece == self.group(bytes, number))
                try target.writeGroup(id, group: UInt64(number), piece)
            }
            try target.finishPart(id)
            #expect(try target.bytes(of: id) == bytes, "\(size) bytes")
            #expect(try target.describe(id) == groups)
            // A blob that is here has all groups, and finishing it is no error.
            #expect(try target.openPart(id, groups).allSatisfy { $0 })
            try target.writeGroup(id, group: 0, [])
            try target.finishPart(id)
            let end = UInt64(groups.digests.count)
            #expect(code { _ = try source.readGroup(id, group: end) } == .wrongOffset)
            #expect(code { _ = try source.readGroup(id, group: .max) } == .wrongOffset)
        }
        #expect(target.usedBytes == source.usedBytes)
    }

    @Test func resumesAfterReopening() throws {
        let directory = Directory()
        let bytes = fill(100_000, 1)
        let groups = BlobGroups(of: bytes)
        let id = groups.id
        do {
            let blobs = try self.open(directory)
            _ = try blobs.openPart(id, groups)
            for number in [0, 2, 6] {
                try blobs.writeGroup(id, group: UInt64(number), self.group(bytes, number))
            }
            #expect(code { try blobs.finishPart(id) } == .wrongSize)
        }
        let blobs = try self.open(directory)
        #expect(blobs.usedBytes == 100_000)
        // Nobody writes to what is not open.
        #expect(
            code { try blobs.writeGroup(id, group: 1, self.group(bytes, 1)) } == .uploadNotFound)
        let present = try blobs.openPart(id, groups)
        #expect(present == [true, false, true, false, false, false, true])
        #expect(try blobs.openPart(id, groups) == present)
        #expect(blobs.usedBytes == 100_000)
        for number in [1, 3, 4, 5] {
            try blobs.writeGroup(id, group: UInt64(number), self.group(bytes, number))
        }
        try blobs.finishPart(id)
        #expect(try blobs.bytes(of: id) == bytes)
        #expect(blobs.usedBytes == 100_000)
        let copy = try directory.copy()
        let again = try self.open(copy)
        #expect(try again.describe(id) == groups)
        #expect(again.usedBytes == 100_000)
    }

    @Test func claimsOfTheMapAreChecked() throws {
        let directory = Directory()
        let bytes = fill(50_000, 2)
        let groups = BlobGroups(of: bytes)
        let id = groups.id
        do {
            let blobs = try self.open(directory)
            _ = try blobs.openPart(id, groups)
            for number in 0..<3 {
                try blobs.writeGroup(id, group: UInt64(number), self.group(bytes, number))
            }
        }
        try directory.flip("blobs/part/\(id.hex)", at: 20_000)
        try directory.flip("blobs/part/\(id.hex).map", at: 0, bit: 8)  // Group 3 was not written.
        do {
            let blobs = try self.open(directory)
            #expect(try blobs.openPart(id, groups) == [true, false, true, false])
        }
        // A file or a map of another length is begun again.
        try directory.write("blobs/part/\(id.hex).map", [15, 0])
        do {
            let blobs = try self.open(directory)
            #expect(try blobs.openPart(id, groups) == [false, false, false, false])
            try blobs.writeGroup(id, group: 3, self.group(bytes, 3))
        }
        try directory.truncate("blobs/part/\(id.hex)", to: 49_999)
        let blobs = try self.open(directory)
        #expect(blobs.usedBytes == 49_999)
        #expect(try blobs.openPart(id, groups) == [false, false, false, false])
        #expect(blobs.usedBytes == 50_000)
    }

    @Test func finishHashesWhatTheDiskHas() throws {
        let directory = Directory()
        let bytes = fill(50_000, 4)
        let groups = BlobGroups(of: bytes)
        let id = groups.id
        let blobs = try self.open(directory)
        _ = try blobs.openPart(id, groups)
        for number in 0..<4 {
            try blobs.writeGroup(id, group: UInt64(number), self.group(bytes, number))
        }
        try directory.flip("blobs/part/\(id.hex)", at: 40_000)
        #expect(code { try blobs.finishPart(id) } == .damaged)
        #expect(try blobs.size(of: id) == nil)
        #expect(try blobs.openPart(id, groups) == [true, true, false, true])
        try blobs.writeGroup(id, group: 2, self.group(bytes, 2))
        try blobs.finishPart(id)
        #expect(try blobs.bytes(of: id) == bytes)
    }

    @Test func refusesWhatIsNotTheBlob() throws {
        let directory = Directory()
        let blobs = try self.open(directory)
        let bytes = fill(50_000, 5)
        let groups = BlobGroups(of: bytes)
        let id = groups.id
        let other = BlobHasher.id([1])
        #expect(code { _ = try blobs.openPart(other, groups) } == .wrongContent)
        let longer = try #require(BlobGroups(bytes: 50_001, digests: groups.digests))
        #expect(code { _ = try blobs.openPart(id, longer) } == .wrongContent)
        #expect(BlobGroups(bytes: 16_384 * 5, digests: groups.digests) == nil)
        _ = try blobs.openPart(id, groups)
        let rows: [(String, UInt64, [UInt8])] = [
            ("another group", 1, self.group(bytes, 0)),
            ("too short", 0, Array(self.group(bytes, 0).dropLast())),
            ("too long", 3, self.group(bytes, 3) + [0]),
            ("no bytes", 0, []),
            ("no such group", 4, self.group(bytes, 3)),
            ("far beyond", .max, self.group(bytes, 3)),
        ]
        for (name, number, piece) in rows {
            let refusal = code { try blobs.writeGroup(id, group: number, piece) }
            #expect(refusal == .wrongContent, "\(name)")
        }
        #expect(code { try blobs.writeGroup(other, group: 0, [1]) } == .uploadNotFound)
        #expect(code { try blobs.finishPart(other) } == .uploadNotFound)
    }

    @Test func damagedBlobIsFetchedAgain() throws {
        let directory = Directory()
        let bytes = fill(20_000, 6)
        let groups = BlobGroups(of: bytes)
        let id = try self.open(directory).put(bytes)
        try directory.flip("blobs/\(id.hex.prefix(2))/\(id.hex)", at: 3)
        let blobs = try self.open(directory)
        #expect(code { _ = try blobs.describe(id) } == .damaged)
        #expect(try blobs.openPart(id, groups) == [false, false])
        for number in 0..<2 {
            try blobs.writeGroup(id, group: UInt64(number), self.group(bytes, number))
        }
        try blobs.finishPart(id)
        #expect(try blobs.bytes(of: id) == bytes)
    }

    @Test func quotaHoldsAndIdleDownloadsMakeRoom() throws {
        let directory = Directory()
        let (first, second) = (fill(60_000, 7), fill(50_000, 8))
        let (one, two) = (BlobGroups(of: first), BlobGroups(of: second))
        do {
            let blobs = try self.open(directory, quota: 100_000)
            _ = try blobs.openPart(one.id, one)
            #expect(blobs.usedBytes == 60_000)
            #expect(code { _ = try blobs.openPart(two.id, two) } == .quota)
            #expect(code { _ = try blobs.open(bytes: 40_001) } == .quota)
            #expect(blobs.usedBytes == 60_000)
        }
        // After a restart nobody goes on with it.
        let blobs = try self.open(directory, quota: 100_000)
        #expect(blobs.usedBytes == 60_000)
        #expect(code { _ = try blobs.open(bytes: 100_001) } == .quota)
        #expect(blobs.usedBytes == 60_000)
        _ = try blobs.openPart(two.id, two)
        #expect(blobs.usedBytes == 50_000)
        #expect(code { _ = try blobs.openPart(one.id, one) } == .quota)
    }
}
