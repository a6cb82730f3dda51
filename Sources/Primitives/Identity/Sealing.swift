internal import CSodium

/// Sealing with ChaCha20-Poly1305, and with XChaCha20-Poly1305 where nonces are random.
///
/// - Source: RFC 8439; draft-irtf-cfrg-xchacha; protocol/session.md, "Primitives".
package enum Sealing {
    /// Bytes of a key.
    package static let keyCount = 32
    /// Bytes that sealing adds.
    package static let tagCount = 16
    /// Bytes of the nonce of ``sealRandom(_:key:nonce:data:)``.
    package static let longNonceCount = 24

    /// `prefix`, then `plain` sealed: the nonce is four zero bytes and `counter`, little-endian.
    ///
    /// `prefix` is copied, not authenticated; `data` is authenticated, not copied.
    package static func seal(
        _ plain: [UInt8], key: SecretBytes, counter: UInt64, data: [UInt8] = [],
        prefix: [UInt8] = []
    ) -> [UInt8] {
        precondition(key.count == Self.keyCount, "keys have 32 bytes")
        let count = prefix.count + plain.count + Self.tagCount
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            let base = buffer.baseAddress.proven("a tag is never empty")
            for (index, byte) in prefix.enumerated() { base[index] = byte }
            let rc = key.withBase { key in
                crypto_aead_chacha20poly1305_ietf_encrypt(
                    base + prefix.count, nil, plain, UInt64(plain.count), data,
                    UInt64(data.count), nil, Self.nonce(counter), key)
            }
            precondition(rc == 0, "sealing takes any length that fits memory")
            written = count
        }
    }

    /// The plain bytes; nil if `sealed` was not made by this key, counter and data.
    package static func open(
        _ sealed: ArraySlice<UInt8>, key: SecretBytes, counter: UInt64, data: [UInt8] = []
    ) -> [UInt8]? {
        guard key.count == Self.keyCount, sealed.count >= Self.tagCount else { return nil }
        var plain = [UInt8](repeating: 0, count: sealed.count - Self.tagCount)
        let rc = sealed.withUnsafeBufferPointer { sealed in
            let base = sealed.baseAddress.proven("a tag is never empty")
            return key.withBase { key in
                crypto_aead_chacha20poly1305_ietf_decrypt(
                    &plain, nil, nil, base, UInt64(sealed.count), data, UInt64(data.count),
                    Self.nonce(counter), key)
            }
        }
        return rc == 0 ? plain : nil
    }

    /// `plain` sealed under a random nonce.
    ///
    /// - Bounds: `key` has 32 bytes and `nonce` 24; our own code chose them.
    package static func sealRandom(
        _ plain: [UInt8], key: [UInt8], nonce: [UInt8], data: [UInt8]
    ) -> [UInt8] {
        precondition(key.count == Self.keyCount, "keys have 32 bytes")
        precondition(nonce.count == Self.longNonceCount, "long nonces have 24 bytes")
        var sealed = [UInt8](repeating: 0, count: plain.count + Self.tagCount)
        let rc = crypto_aead_xchacha20poly1305_ietf_encrypt(
            &sealed, nil, plain, UInt64(plain.count), data, UInt64(data.count), nil, nonce, key)
        precondition(rc == 0, "sealing takes any length that fits memory")
        return sealed
    }

    /// The plain bytes; nil if a length is wrong or `sealed` was not made by this key.
    package static func openRandom(
        _ sealed: [UInt8], key: [UInt8], nonce: [UInt8], data: [UInt8]
    ) -> [UInt8]? {
        guard key.count == Self.keyCount, nonce.count == Self.longNonceCount,
            sealed.count >= Self.tagCount
        else { return nil }
        var plain = [UInt8](repeating: 0, count: sealed.count - Self.tagCount)
        let rc = crypto_aead_xchacha20poly1305_ietf_decrypt(
            &plain, nil, nil, sealed, UInt64(sealed.count), data, UInt64(data.count), nonce, key)
        return rc == 0 ? plain : nil
    }

    private static func nonce(_ counter: UInt64) -> [UInt8] {
        var nonce = [UInt8](repeating: 0, count: 12)
        for index in 0..<8 {
            nonce[4 + index] = UInt8(truncatingIfNeeded: counter >> UInt64(8 * index))
        }
        return nonce
    }
}
