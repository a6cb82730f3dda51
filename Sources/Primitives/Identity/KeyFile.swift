internal import CSodium

/// The bytes of an encrypted key file: Argon2id for the passphrase, secretbox for the seed.
///
/// Layout: "STARKEY1" | u8 cost | u64 passes | u64 memory bytes | salt (16) | nonce (24) | public
/// key
/// (32) | boxed seed (48). Files, randomness and locking are the daemon's.
///
/// - Source: protocol/identity.md, "Key files".
package struct KeyFile: Hashable, Sendable {
    /// The number of bytes of a file.
    package static let count = 8 + 1 + 8 + 8 + 16 + 24 + 32 + 48
    /// Random bytes that sealing needs: salt and nonce.
    package static let randomCount = 16 + 24

    private static let magic = Array("STARKEY1".utf8)

    /// How much work a guess of the passphrase costs.
    package enum Cost: UInt8, CaseIterable, Sendable {
        /// The library's minimum: test networks only, and the file says so.
        case testnet = 0
        /// 256 MiB and 3 passes: about a second.
        case moderate = 1

        var passes: UInt64 { self == .testnet ? 1 : 3 }
        var memory: UInt64 { self == .testnet ? 8192 : 268_435_456 }
    }

    /// Why a key file does not open.
    package enum Failure: Error, Hashable, Sendable {
        /// Not a key file, or of another version.
        case notAKeyFile
        /// A known format with parameters that nobody writes.
        case unknownCost
        /// The passphrase is wrong, or the file was changed.
        case wrongPassphrase
        /// Not enough memory for the derivation.
        case outOfMemory
    }

    /// What was chosen when the file was written.
    package let cost: Cost
    /// The public key, readable without the passphrase.
    package let publicKey: PublicKey
    private let salt: [UInt8]
    private let nonce: [UInt8]
    private let box: [UInt8]

    /// Seals a key.
    ///
    /// - Bounds: `random` has `randomCount` fresh bytes.
    package init(
        sealing key: SecretKey, passphrase: [UInt8], cost: Cost, random: [UInt8]
    ) throws(Failure) {
        precondition(random.count == Self.randomCount, "salt and nonce")
        self.cost = cost
        self.publicKey = key.publicKey
        self.salt = Array(random.prefix(16))
        self.nonce = Array(random.dropFirst(16))
        var derived = try Self.derive(passphrase, self.salt, cost)
        defer { sodium_memzero(&derived, derived.count) }
        var box = [UInt8](repeating: 0, count: 48)
        let nonce = self.nonce
        key.withSeed { seed in
            _ = crypto_secretbox_easy(&box, seed.baseAddress, UInt64(seed.count), nonce, derived)
        }
        self.box = box
    }

    /// Reads a file's bytes without opening it.
    package init(bytes: [UInt8]) throws(Failure) {
        guard bytes.count == Self.count, Array(bytes.prefix(8)) == Self.magic else {
            throw .notAKeyFile
        }
        guard let cost = Cost(rawValue: bytes[8]) else { throw .unknownCost }
        var parameters = Encoder()
        parameters.u64(cost.passes)
        parameters.u64(cost.memory)
        guard Array(bytes[9..<25]) == parameters.bytes else { throw .unknownCost }
        guard let key = PublicKey(bytes[65..<97]) else { throw .notAKeyFile }
        self.cost = cost
        self.salt = Array(bytes[25..<41])
        self.nonce = Array(bytes[41..<65])
        self.publicKey = key
        self.box = Array(bytes[97...])
    }

    /// The file's bytes.
    package var bytes: [UInt8] {
        var encoder = Encoder()
        encoder.raw(Self.magic)
        encoder.u8(self.cost.rawValue)
        encoder.u64(self.cost.passes)
        encoder.u64(self.cost.memory)
        encoder.raw(self.salt)
        encoder.raw(self.nonce)
        encoder.raw(self.publicKey.bytes)
        encoder.raw(self.box)
        return encoder.bytes
    }

    /// Opens the file.
    package func open(passphrase: [UInt8]) throws(Failure) -> SecretKey {
        var derived = try Self.derive(passphrase, self.salt, self.cost)
        var seed = [UInt8](repeating: 0, count: SecretKey.seedCount)
        defer {
            sodium_memzero(&derived, derived.count)
            sodium_memzero(&seed, seed.count)
        }
        let opened = crypto_secretbox_open_easy(
            &seed, self.box, UInt64(self.box.count), self.nonce, derived)
        guard opened == 0, let key = SecretKey(seed: seed), key.publicKey == self.publicKey else {
            throw .wrongPassphrase
        }
        return key
    }

    private static func derive(
        _ passphrase: [UInt8], _ salt: [UInt8], _ cost: Cost
    ) throws(Failure) -> [UInt8] {
        guard Sodium.ready else { throw .outOfMemory }
        var out = [UInt8](repeating: 0, count: 32)
        let text = passphrase.map { CChar(bitPattern: $0) }
        let rc = crypto_pwhash(
            &out, UInt64(out.count), text, UInt64(text.count), salt, cost.passes,
            Int(clamping: cost.memory), crypto_pwhash_ALG_ARGON2ID13)
        guard rc == 0 else { throw .outOfMemory }
        return out
    }
}
