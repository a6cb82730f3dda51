internal import CSodium

/// Starts libsodium; every entry to it that needs it asks here first.
enum Sodium {
    /// True once the library is ready; the initialiser is thread-safe and runs once.
    static let ready: Bool = sodium_init() >= 0
}

/// An Ed25519 public key.
package struct PublicKey: FieldValue, Comparable, CustomStringConvertible {
    /// The encoded point.
    private let value: Digest

    /// Exactly 32 bytes; nil otherwise.
    package init?<C: Collection<UInt8>>(_ bytes: C) {
        guard let value = Digest(bytes) else { return nil }
        self.value = value
    }

    /// The 32 bytes.
    package var bytes: [UInt8] { self.value.bytes }
    /// 64 hexadecimal digits.
    package var hex: String { self.value.hex }
    /// The digits.
    package var description: String { self.value.hex }

    /// True if `signature` over `message` is this key's; libsodium decides what is accepted.
    package func verify(_ signature: Signature, _ message: Digest) -> Bool {
        precondition(Sodium.ready, "libsodium starts")
        return crypto_sign_verify_detached(
            signature.bytes, message.bytes, UInt64(Digest.count), self.value.bytes) == 0
    }

    package static func < (left: PublicKey, right: PublicKey) -> Bool { left.value < right.value }

    /// The zero bytes, which are no key of anybody's.
    package static var blank: PublicKey { PublicKey(Digest.zero.bytes).proven("32 bytes") }
    /// The 32 bytes.
    package func encode(into encoder: inout Encoder) { self.value.encode(into: &encoder) }
    /// 32 bytes.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        self.value = try Digest(from: &decoder)
    }
    /// 64 hexadecimal digits.
    package var json: JSON { self.value.json }
    /// 64 hexadecimal digits.
    package init(json: JSON, at path: String) throws(FieldError) {
        self.value = try Digest(json: json, at: path)
    }
    /// A string of 64 digits.
    package static var schema: JSON { Digest.schema }
}

/// An Ed25519 signature, 64 bytes.
package struct Signature: FieldValue {
    /// The number of bytes.
    package static let count = 64

    private let r: Digest
    private let s: Digest

    /// Exactly 64 bytes; nil otherwise.
    package init?<C: Collection<UInt8>>(_ bytes: C) {
        guard bytes.count == Self.count, let r = Digest(bytes.prefix(32)),
            let s = Digest(bytes.dropFirst(32))
        else { return nil }
        (self.r, self.s) = (r, s)
    }

    /// The 64 bytes.
    package var bytes: [UInt8] { self.r.bytes + self.s.bytes }
    /// 128 hexadecimal digits.
    package var hex: String { self.r.hex + self.s.hex }

    /// Zero bytes, which verify for nobody.
    package static var blank: Signature {
        Signature([UInt8](repeating: 0, count: Self.count)).proven("64 bytes")
    }
    /// The 64 bytes.
    package func encode(into encoder: inout Encoder) {
        self.r.encode(into: &encoder)
        self.s.encode(into: &encoder)
    }
    /// 64 bytes.
    package init(from decoder: inout Decoder) throws(DecodeError) {
        self.r = try Digest(from: &decoder)
        self.s = try Digest(from: &decoder)
    }
    /// 128 hexadecimal digits.
    package var json: JSON { .string(self.hex) }
    /// 128 hexadecimal digits.
    package init(json: JSON, at path: String) throws(FieldError) {
        guard case .string(let text) = json, let bytes = Hex.decode(text),
            let signature = Signature(bytes)
        else { throw FieldError(path: path, expected: "128 hexadecimal digits", found: json) }
        self = signature
    }
    /// A string of 128 digits.
    package static var schema: JSON {
        .object(("type", .string("string")), ("pattern", .string("^[0-9a-f]{128}$")))
    }
}

/// An Ed25519 secret key, locked in memory and wiped when released. It never prints.
package final class SecretKey: Sendable, CustomStringConvertible, CustomReflectable {
    /// The number of bytes of a seed.
    package static let seedCount = 32

    /// The public half.
    package let publicKey: PublicKey
    // Written once before the reference is shared, wiped after the last one is gone.
    private nonisolated(unsafe) let secret: UnsafeMutablePointer<UInt8>

    /// The key of a 32-byte seed; nil for another length.
    package init?(seed: [UInt8]) {
        guard seed.count == Self.seedCount, Sodium.ready else { return nil }
        let count = Int(crypto_sign_SECRETKEYBYTES)
        let secret = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
        _ = sodium_mlock(secret, count)  // May be refused by a limit; the key still works.
        var key = [UInt8](repeating: 0, count: Digest.count)
        _ = crypto_sign_seed_keypair(&key, secret, seed)
        self.secret = secret
        self.publicKey = PublicKey(key).proven("32 bytes")
    }

    deinit {
        _ = sodium_munlock(self.secret, Int(crypto_sign_SECRETKEYBYTES))  // Wipes, too.
        self.secret.deallocate()
    }

    /// Signs a digest that a domain separates from every other use.
    package func sign(_ message: Digest) -> Signature {
        var bytes = [UInt8](repeating: 0, count: Signature.count)
        _ = crypto_sign_detached(
            &bytes, nil, message.bytes, UInt64(Digest.count), self.secret)
        return Signature(bytes).proven("64 bytes")
    }

    /// A secret of its own for `purpose` and `subject`, the same every time for this key.
    ///
    /// Salts of leaves come from here, so that a restart re-creates them.
    package func derive(_ purpose: Domain, _ subject: Digest) -> Digest {
        var hash = Blake2b(purpose, .none)
        hash.update(UnsafeBufferPointer(start: self.secret, count: Self.seedCount))
        hash.update(subject)
        return hash.finish()
    }

    /// The seed, for the key file and for the conversion to X25519 alone.
    package func withSeed<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        body(UnsafeBufferPointer(start: self.secret, count: Self.seedCount))
    }

    /// Never the secret.
    package var description: String { "SecretKey(\(self.publicKey.hex))" }
    /// Never the secret.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
