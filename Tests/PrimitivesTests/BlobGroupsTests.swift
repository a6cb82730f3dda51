import Primitives
import Testing

@Suite struct BlobGroupsTests {
    @Test func groupsLeadToTheBlobsID() {
        var generator = Generator(seed: .zero)
        let edges = [0, 1, 4095, 4096, 4097, 8192, 12_288, 16_383, 16_384, 16_385, 32_768, 32_769]
        let sizes = edges + (0..<60).map { _ in Int(generator.below(400_000)) } + [1 << 20]
        for size in sizes {
            let bytes = generator.bytes(size)
            let groups = BlobGroups(of: bytes)
            #expect(groups.id == BlobHasher.id(bytes), "\(size) bytes")
            #expect(groups.digests.count == (size + 16_383) / 16_384)
            #expect(UInt64(groups.digests.count) == BlobGroups.count(bytes: UInt64(size)))
            for (number, digest) in groups.digests.enumerated() {
                let start = number * 16_384
                let piece = Array(bytes[start..<min(size, start + 16_384)])
                #expect(BlobGroups.digest(of: piece) == digest)
                #expect(groups.isGroup(UInt64(number), piece))
                #expect(!groups.isGroup(UInt64(number), piece + [0]))
            }
        }
    }

    @Test func piecesDoNotMatter() {
        var generator = Generator(seed: .zero)
        let bytes = generator.bytes(100_000)
        var hasher = BlobGroupHasher()
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(1 + Int(generator.below(30_000)))
            hasher.update(piece)
            rest = rest.dropFirst(piece.count)
        }
        #expect(hasher.count == 100_000)
        #expect(hasher.finish() == BlobGroups(of: bytes))
    }

    @Test func wrongCountsAreRefused() {
        let groups = BlobGroups(of: [UInt8](repeating: 7, count: 40_000))
        #expect(BlobGroups(bytes: 40_000, digests: groups.digests) == groups)
        #expect(BlobGroups(bytes: 32_768, digests: groups.digests) == nil)
        #expect(BlobGroups(bytes: 49_153, digests: groups.digests) == nil)
        #expect(BlobGroups(bytes: .max, digests: []) == nil)
        #expect(BlobGroups(bytes: 0, digests: []) == BlobGroups(of: []))
        #expect(groups.bytes(ofGroup: 2) == 40_000 - 32_768)
        #expect(groups.bytes(ofGroup: 3) == nil)
        #expect(BlobGroups(bytes: 39_999, digests: groups.digests)?.id != groups.id)
    }
}
