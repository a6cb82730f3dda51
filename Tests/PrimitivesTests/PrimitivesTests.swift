import Primitives
import Testing

@Suite struct EncodingTests {
    @Test func lengthsAreMinimal() throws {
        for (bytes, value) in [
            ([0], 0), ([0x7f], 127), ([0x80, 1], 128), ([0xff, 0xff, 3], 65535),
        ]
            as [([UInt8], Int)]
        {
            var decoder = Decoder(bytes)
            #expect(try decoder.length(max: 1 << 20, field: "n") == value)
            var encoder = Encoder()
            encoder.length(value)
            #expect(encoder.bytes == bytes)
        }
        for bytes in [
            [0x80, 0], [0xff, 0xff, 0xff, 0xff, 0x7f], [0x80, 0x80, 0x80, 0x80, 0x80, 1],
        ]
            as [[UInt8]]
        {
            var decoder = Decoder(bytes)
            #expect(throws: DecodeError.nonMinimalLength(offset: 0)) {
                try decoder.length(max: .max, field: "n")
            }
        }
    }

    @Test func lengthAboveBoundIsRefusedBeforeReading() {
        var decoder = Decoder([0xff, 0xff, 0xff, 0xff, 0x0f])
        #expect(throws: DecodeError.tooLong(field: "memo", limit: 64, offset: 0)) {
            try decoder.byteString(max: 64, field: "memo")
        }
    }

    @Test func bytesAreReadOrLeftOutUpToTheEnd() throws {
        var decoder = Decoder([1, 2, 3, 4, 5])
        try decoder.skip(2)
        #expect(try decoder.raw(2) == [3, 4])
        #expect(decoder.offset == 4)
        for count in [2, -1, Int.max, Int.min] {
            #expect(throws: DecodeError.truncated(offset: 4)) { try decoder.skip(count) }
            #expect(throws: DecodeError.truncated(offset: 4)) { try decoder.raw(count) }
        }
        #expect(decoder.offset == 4, "what is refused is not passed")
        try decoder.skip(1)
        try decoder.finish()
    }

    @Test func recordsRoundTripAndRefuseOtherBytes() throws {
        var range = MountainRange()
        for index in 0..<5 {
            range.append(Blake2b.hash(.history, .none, [UInt8(index)]), .history, .none)
        }
        let bytes = range.canonicalBytes
        #expect(try MountainRange(canonical: bytes) == range)
        #expect(try MountainRange(json: range.json, at: "") == range)
        #expect(throws: DecodeError.self) { try MountainRange(canonical: bytes + [0]) }
        #expect(throws: DecodeError.self) { try MountainRange(canonical: Array(bytes.dropLast())) }
    }

    @Test func jsonErrorsNameTheField() {
        let json = JSON.object(("count", .number(1)), ("peaks", .array([.string("xy")])))
        #expect(
            throws: FieldError(
                path: "r.count", expected: "decimal string 0...\(UInt64.max)", found: "1")
        ) {
            try MountainRange(json: json, at: "r")
        }
        let unknown = JSON.object(("count", .string("0")), ("peaks", .array([])), ("x", .null))
        #expect(
            throws: FieldError(path: "x", expected: "one of count, peaks", found: "unknown field")
        ) {
            try MountainRange(json: unknown, at: "")
        }
    }
}

@Suite struct ValueTests {
    @Test func amountsNeverTrapOrWrap() throws {
        let max = Amount.maxSupply
        #expect(max + Amount(1) == nil)
        #expect(Amount(1) - Amount(2) == nil)
        #expect(max.mulDiv(3, 2, .down) == nil)
        #expect(Amount(10).mulDiv(1, 0, .down) == nil)
        #expect(Amount(10).mulDiv(1, 3, .down) == Amount(3))
        #expect(Amount(10).mulDiv(1, 3, .up) == Amount(4))
        #expect(mulDiv128(.max, .max, .max, .up) == .max)
        #expect(mulDiv128(.max, 2, 1, .down) == nil)
        let half = try #require(BasisPoints(5000))
        #expect(Amount(7).fraction(half, .down) == Amount(3))
        #expect(BasisPoints(10_001) == nil)
    }
}

@Suite struct IdentityTests {
    @Test func hashBindsDomainAndChain() throws {
        // hashlib.blake2b(b"abc", digest_size=32, person=b"sl/tx/1"+b"\0"*9).hexdigest()
        let digest = Blake2b.hash(.tx, .none, Array("abc".utf8))
        var pieces = Blake2b(.tx, .none)
        pieces.update(Array("a".utf8))
        pieces.update(Array("bc".utf8)[...])
        #expect(pieces.finish() == digest)
        #expect(digest != Blake2b.hash(.txsign, .none, Array("abc".utf8)))
        let salted = Blake2b.hash(.tx, ChainSalt(GenesisID(digest)), Array("abc".utf8))
        #expect(salted != digest)
        #expect(digest.hex == PinnedHashes.abcUnderTx)
    }

    @Test func domainsFitSixteenBytesAndDiffer() {
        for domain in Domain.allCases { #expect(domain.rawValue.utf8.count <= 16) }
        let personals = Domain.allCases.map(\.personal)
        for (index, personal) in personals.enumerated() {
            #expect(personal.count == 16)
            #expect(personals.firstIndex(of: personal) == index)
            #expect(
                Array(personal.prefix(while: { $0 != 0 }))
                    == Array(Domain.allCases[index].rawValue.utf8))
        }
    }

    @Test func signaturesVerifyAndTamperedOnesDoNot() throws {
        let key = try #require(SecretKey(seed: Array(0..<32)))
        let message = Blake2b.hash(.txsign, .none, [1, 2, 3])
        let signature = key.sign(message)
        #expect(key.publicKey.verify(signature, message))
        for bit in 0..<512 {
            var bytes = signature.bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let bad = try #require(Signature(bytes))
            #expect(!key.publicKey.verify(bad, message))
        }
        #expect("\(key)".contains(key.publicKey.hex))
        var seedSeen = false
        key.withSeed { seed in seedSeen = "\(key)".contains(Hex.encode(seed)) }
        #expect(!seedSeen)
    }

    @Test func phraseSaysTheSeed() throws {
        // BIP-39's own vectors: zeros, and 0x7f repeated.
        let zeros = try #require(Mnemonic.words(of: [UInt8](repeating: 0, count: 32)))
        #expect(zeros == Array(repeating: "abandon", count: 23) + ["art"])
        let sevens = try #require(Mnemonic.words(of: [UInt8](repeating: 0x7f, count: 32)))
        #expect(sevens.first == "legal" && sevens.last == "title")
        #expect(try Mnemonic.seed(of: sevens) == [UInt8](repeating: 0x7f, count: 32))
        var swapped = sevens
        swapped.swapAt(0, 1)
        #expect(throws: Mnemonic.Failure.checksum) { try Mnemonic.seed(of: swapped) }
        #expect(throws: Mnemonic.Failure.unknownWord(position: 24)) {
            try Mnemonic.seed(of: sevens.dropLast() + ["starling"])
        }
    }

    @Test func keyFileOpensWithItsPassphraseAlone() throws {
        let key = try #require(SecretKey(seed: Array(1...32)))
        let random = [UInt8](repeating: 9, count: KeyFile.randomCount)
        let file = try KeyFile(
            sealing: key, passphrase: Array("right".utf8), cost: .testnet, random: random)
        let read = try KeyFile(bytes: file.bytes)
        #expect(read == file)
        #expect(try read.open(passphrase: Array("right".utf8)).publicKey == key.publicKey)
        #expect(throws: KeyFile.Failure.wrongPassphrase) {
            try read.open(passphrase: Array("wrong".utf8))
        }
        #expect(throws: KeyFile.Failure.notAKeyFile) { try KeyFile(bytes: [1, 2, 3]) }
    }
}

@Suite struct TreeTests {
    @Test func everyLeafOfEverySmallTreeIsProvable() {
        for count in 1...33 {
            let leaves = (0..<count).map { Blake2b.hash(.leaf, .none, [UInt8($0)]) }
            let root = Merkle.root(leaves, .leaves, .none)
            for index in 0..<count {
                let path = Merkle.path(leaves, index, .leaves, .none)
                #expect(
                    Merkle.verify(
                        leaf: leaves[index], index: UInt64(index), count: UInt64(count), path: path,
                        root: root, .leaves, .none))
                #expect(
                    !Merkle.verify(
                        leaf: leaves[index], index: UInt64(index), count: UInt64(count),
                        path: path + [.zero], root: root, .leaves, .none))
                if count > 1 {
                    let other = UInt64((index + 1) % count)
                    #expect(
                        !Merkle.verify(
                            leaf: leaves[index], index: other, count: UInt64(count), path: path,
                            root: root, .leaves, .none))
                }
            }
        }
        #expect(Merkle.root([], .leaves, .none) == .zero)
    }

    @Test func blobHasherDoesNotDependOnPieces() {
        for count in [0, 1, 4095, 4096, 4097, 12_288, 40_000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            var pieces = BlobHasher()
            var rest = bytes[...]
            var size = 1
            while !rest.isEmpty {
                pieces.update(rest.prefix(size))
                rest = rest.dropFirst(size)
                size = size * 3 % 5000 + 1
            }
            #expect(pieces.finish() == BlobHasher.id(bytes))
            let chunks = stride(from: 0, to: count, by: 4096).map { start in
                Blake2b.hash(.blob, .none, [0] + bytes[start..<min(count, start + 4096)])
            }
            var top = Blake2b(.blob, .none)
            top.update(u8: 1)
            top.update(u64: UInt64(count))
            top.update(Merkle.root(chunks, .blob, .none))
            #expect(BlobID(top.finish()) == BlobHasher.id(bytes))
        }
    }
}

@Suite struct GeneratorTests {
    @Test func streamIsChaCha20() throws {
        // RFC 8439 A.1, test vector 1: key and nonce zero, block 0.
        var generator = Generator(seed: .zero)
        #expect(Hex.encode(generator.bytes(8)) == "76b8e0ada0f13d90")
        var again = Generator(seed: .zero)
        var all = again.bytes(2000)
        #expect(all.count == 2000)
        all.removeAll()
        for bound in [1, 2, 3, 1000, UInt64.max] { #expect(again.below(bound) < bound) }
        #expect(again.below(0) == 0)
    }
}

enum PinnedHashes {
    /// From Python's hashlib, which shares no code with libsodium.
    static let abcUnderTx = "d42b9b94639993725d4ac99f5b2a7829d953ee0eabd78aeca8a5d05a0c102541"
}
