internal import CSodium

/// Unkeyed BLAKE2b with 64 bytes, HMAC and HKDF over it, and keyed BLAKE2b with 16 bytes.
///
/// Only handshakes hash this way; everything else is ``Blake2b`` under a domain.
///
/// - Source: the Noise protocol framework, revision 34, sections 4.3 and 12.8; RFC 2104.
package enum NoiseHash {
    /// Bytes of a hash.
    package static let count = 64
    /// Bytes of a block, for HMAC.
    package static let block = 128
    /// Bytes of a short authenticator.
    package static let macCount = 16

    /// BLAKE2b-512 of `bytes`.
    package static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: Self.count)
        let rc = crypto_generichash_blake2b(
            &out, Self.count, bytes, UInt64(bytes.count), nil, 0)
        precondition(rc == 0, "BLAKE2b has 64 bytes at most")
        return out
    }

    /// HMAC of `bytes` under a key of at most one block.
    package static func hmac(key: SecretBytes, _ bytes: [UInt8]) -> [UInt8] {
        precondition(key.count <= Self.block, "no key of a handshake exceeds a block")
        var inner = [UInt8](repeating: 0x36, count: Self.block)
        var outer = [UInt8](repeating: 0x5c, count: Self.block)
        key.withBytes { key in
            for (index, byte) in key.enumerated() {
                inner[index] ^= byte
                outer[index] ^= byte
            }
        }
        inner += bytes
        outer += Self.hash(inner)
        defer {
            SecretBytes.wipe(&inner)
            SecretBytes.wipe(&outer)
        }
        return Self.hash(outer)
    }

    /// The first two outputs of HKDF, 64 bytes each.
    package static func hkdf(
        chaining: SecretBytes, _ input: [UInt8]
    ) -> (first: SecretBytes, second: SecretBytes) {
        var temporary = Self.hmac(key: chaining, input)
        let key = SecretBytes(temporary)
        var first = Self.hmac(key: key, [1])
        var second = Self.hmac(key: key, first + [2])
        defer {
            SecretBytes.wipe(&temporary)
            SecretBytes.wipe(&first)
            SecretBytes.wipe(&second)
        }
        return (SecretBytes(first), SecretBytes(second))
    }

    /// Keyed BLAKE2b with 16 bytes.
    ///
    /// - Bounds: `key` has 16 to 64 bytes; our own code chose it.
    package static func mac(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: Self.macCount)
        let rc = crypto_generichash_blake2b(
            &out, Self.macCount, bytes, UInt64(bytes.count), key, key.count)
        precondition(rc == 0 && key.count >= 16, "keys have 16 to 64 bytes")
        return out
    }

    /// Whether two authenticators are equal, in a time that does not depend on where they differ.
    package static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return sodium_memcmp(left, right, left.count) == 0
    }
}
