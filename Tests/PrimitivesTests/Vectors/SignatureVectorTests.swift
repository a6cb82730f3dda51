import Primitives
import Testing

/// Which signatures count: pinned, so that a faster path can be proven equal to libsodium's.
@Suite struct SignatureVectorTests {
    /// Encodings of the points of small order, canonical and not: no key, and no R.
    private static let smallOrder = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ]

    /// Signatures that only a holder of the secret, doing odd things, can make.
    private static let odd: [(name: String, key: String, message: String, signature: String)] = [
        (
            "made by hand, no torsion",
            "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
            "a116c9ed46d6207734a43317d30fd88f52ac8634c37d904bbf4e41d865f90475",
            "9e83d8671402fe9a64c9d9a9ea91ef91880cc411f6c37ff3a8c83f4c6433966d"
                + "d258462699d5bb772fcbe6830efbf90f19a25c0a5bc5d0f4be181dd7e05c4a0d"
        ),
        (
            "R of mixed order",
            "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
            "1bebcd4c25cb4f60cb5a7f7b6467740f64d4986b0ec9ce14128f0e434c586ac2",
            "a865cabcb345d0bb0b85056c715c2a04bba5102a29ed54fa3e799e591cb92bc8"
                + "f2bb3e66474b139e994333a39c40e93fde06068c9a2cd347b053f22ee9c93b0b"
        ),
        (
            "key of mixed order, h divisible by 8",
            "b502ff3d92e31d8190b4aa4ea0414005167fad089c4de9dac8a2fc850fed4f58",
            "2c320b1594f41bfa73947f12c2e54d3dea5176f2763d503a48c6960bc581a832",
            "542e7d9d51d163539f775f72503061f45404009f470ddcf7e06328b1ecdf0ff2"
                + "9451be82670a0cbb7906a14d1d423322fc67cc1052915b87d841cc8538834a04"
        ),
        (
            "key of mixed order, h not divisible by 8",
            "b502ff3d92e31d8190b4aa4ea0414005167fad089c4de9dac8a2fc850fed4f58",
            "32aacff1eaa711740a9f373d37d439fc5670746f28c86bbad293df3739955e3b",
            "d66d39349736268d5ed17e335dd4fe5012d8352799805692aaacbb2c7f4b6577"
                + "e2d58baaa884bc2889d313e644c71265ea58696111c738725768c178447f5900"
        ),
        (
            "S + L",
            "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
            "a116c9ed46d6207734a43317d30fd88f52ac8634c37d904bbf4e41d865f90475",
            "9e83d8671402fe9a64c9d9a9ea91ef91880cc411f6c37ff3a8c83f4c6433966d"
                + "bf2c3c83b338cecf0568de26edf4d82419a25c0a5bc5d0f4be181dd7e05c4a1d"
        ),
    ]

    private func row(_ name: String, _ key: [UInt8], _ message: Digest, _ signature: [UInt8]) throws
        -> JSON
    {
        let publicKey = try #require(PublicKey(key))
        let holds = publicKey.verify(try #require(Signature(signature)), message)
        return .object(
            ("name", .string(name)), ("key", .string(Hex.encode(key))), ("message", message.json),
            ("signature", .string(Hex.encode(signature))), ("accepted", .bool(holds)))
    }

    @Test func signatures() throws {
        var rows: [JSON] = []
        for seed in 0..<4 {
            let key = try #require(SecretKey(seed: [UInt8](repeating: UInt8(seed), count: 32)))
            let message = Blake2b.hash(.vector, .none, [UInt8(seed)])
            let signature = key.sign(message).bytes
            let right = try self.row("seed \(seed)", key.publicKey.bytes, message, signature)
            #expect(right["accepted"] == .bool(true))
            rows.append(right)
            for bit in [0, 100, 255, 256, 300, 511] {
                var bad = signature
                bad[bit / 8] ^= 1 << UInt8(bit % 8)
                let wrong = try self.row("bit \(bit)", key.publicKey.bytes, message, bad)
                #expect(wrong["accepted"] == .bool(false))
                rows.append(wrong)
            }
        }
        for odd in Self.odd {
            let key = try #require(Hex.decode(odd.key))
            let message = try #require(Digest(hex: odd.message))
            rows.append(
                try self.row(odd.name, key, message, try #require(Hex.decode(odd.signature))))
        }
        #expect(
            rows.suffix(5).map { $0["accepted"] }
                == [true, false, true, false, false].map { .bool($0) })
        try VectorFile.expect(
            "signatures",
            .object(
                ("smallOrder", .array(Self.smallOrder.map { .string($0) })),
                ("rows", .array(rows))))
    }

    @Test func noPairOfSmallOrderIsAccepted() throws {
        let message = Blake2b.hash(.vector, .none, [])
        for key in Self.smallOrder {
            for r in Self.smallOrder {
                let signature = try #require(Hex.decode(r)) + [UInt8](repeating: 0, count: 32)
                let row = try self.row("small", try #require(Hex.decode(key)), message, signature)
                #expect(row["accepted"] == .bool(false), "key \(key), R \(r)")
            }
        }
    }
}
