internal import CSodium

/// X25519: what two keys agree on.
///
/// - Source: RFC 7748; libsodium refuses points of small order and a zero result.
package enum X25519 {
    /// Bytes of a secret, of a point and of what is agreed on.
    package static let count = 32

    // SPEC session: "A node MUST refuse a point of small order and a result of 32 zero bytes."
    /// What `secret` and `point` agree on; nil if a length is wrong, the point has small order or
    /// the result is zero.
    static func agree(_ secret: UnsafeBufferPointer<UInt8>, _ point: [UInt8]) -> [UInt8]? {
        guard secret.count == Self.count, let base = secret.baseAddress,
            point.count == Self.count, Sodium.ready
        else { return nil }
        var shared = [UInt8](repeating: 0, count: Self.count)
        guard crypto_scalarmult_curve25519(&shared, base, point) == 0 else { return nil }
        return shared
    }
}

/// An X25519 key of its own, such as a handshake's ephemeral key; wiped when released.
package struct AgreementKey: Sendable {
    /// The public half, 32 bytes.
    package let point: [UInt8]
    private let secret: SecretBytes

    /// The key of 32 secret bytes; nil for another length.
    package init?(secret: [UInt8]) {
        guard secret.count == X25519.count, Sodium.ready else { return nil }
        var point = [UInt8](repeating: 0, count: X25519.count)
        guard crypto_scalarmult_curve25519_base(&point, secret) == 0 else { return nil }
        self.point = point
        self.secret = SecretBytes(secret)
    }

    /// What this key and `point` agree on; nil for a point of small order or a zero result.
    package func agree(with point: [UInt8]) -> [UInt8]? {
        self.secret.withBytes { X25519.agree($0, point) }
    }
}

extension SecretKey {
    /// What this node key, converted to X25519, and `point` agree on; nil for a point of small
    /// order or a zero result.
    ///
    /// - Source: protocol/session.md, "Keys".
    package func agree(with point: [UInt8]) -> [UInt8]? {
        var converted = [UInt8](repeating: 0, count: X25519.count)
        defer { SecretBytes.wipe(&converted) }
        let rc = self.withSeed { seed in
            // Only the seed, the first half of a secret key, is read.
            var whole = Array(seed) + self.publicKey.bytes
            defer { SecretBytes.wipe(&whole) }
            return crypto_sign_ed25519_sk_to_curve25519(&converted, whole)
        }
        guard rc == 0 else { return nil }
        return converted.withUnsafeBufferPointer { X25519.agree($0, point) }
    }

    /// The X25519 point of this node key.
    package var agreementPoint: [UInt8] {
        self.publicKey.agreementPoint.proven("the key of a seed is in the main subgroup")
    }
}

extension PublicKey {
    // SPEC session: "A key that does not decode, has small order or is outside the main subgroup
    // MUST be refused."
    /// The X25519 point of this Ed25519 key; nil if libsodium refuses the key: it does not decode,
    /// has small order, or is outside the main subgroup.
    ///
    /// - Source: protocol/session.md, "Keys".
    package var agreementPoint: [UInt8]? {
        guard Sodium.ready else { return nil }
        var point = [UInt8](repeating: 0, count: X25519.count)
        guard crypto_sign_ed25519_pk_to_curve25519(&point, self.bytes) == 0 else { return nil }
        return point
    }
}
