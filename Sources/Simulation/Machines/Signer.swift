import Primitives

/// Signs and verifies for everybody in the world; what an Ed25519 key would do is an effect there.
///
/// Votes are signed, by default, with a keyed BLAKE2b of the digest: the same every time, and two
/// hundred times cheaper than Ed25519. Whoever has no key cannot make one, because the secret
/// enters it. Keys of accounts are real: they sign little, and Gossip checks a claim's signature.
struct Signer: Sendable {
    private struct Entry {
        let secret: SecretKey
        let isReal: Bool
    }

    private var keys = Lookup<PublicKey, Entry>()

    mutating func add(_ key: SecretKey, isReal: Bool) {
        self.keys[key.publicKey] = Entry(secret: key, isReal: isReal)
    }

    /// The signature of a key that the world knows; nil for any other.
    func sign(_ digest: Digest, by key: PublicKey) -> Signature? {
        guard let entry = self.keys[key] else { return nil }
        return entry.isReal ? entry.secret.sign(digest) : Self.standIn(digest, entry.secret)
    }

    /// True if `signature` over `digest` is the key's.
    func holds(_ key: PublicKey, _ digest: Digest, _ signature: Signature) -> Bool {
        guard let entry = self.keys[key], !entry.isReal else {
            return key.verify(signature, digest)
        }
        return Self.standIn(digest, entry.secret) == signature
    }

    private static func standIn(_ digest: Digest, _ secret: SecretKey) -> Signature {
        let first = secret.derive(.generator, digest)
        let second = Blake2b.hash(.generator, .none, first.bytes)
        return Signature(first.bytes + second.bytes).proven("64 bytes")
    }
}
